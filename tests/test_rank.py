"""Ranking: equal to the plain one, and every invariance that the scores promise."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import (
    AS_OF,
    OCCUPATIONS,
    SKILLS,
    Json,
    PlainTaxonomy,
    Row,
    frame_of,
    plain_rank,
    random_record,
    random_settings,
    small_taxonomy,
)

import engine.rank
from data.pilot import generate_profiles, generate_vacancies
from data.standard import Side
from data.taxonomy import Taxonomy, bundled_taxonomy
from engine.conditions import CONDITIONS, Settings, names
from engine.encode import Encoded, encode
from engine.features import FeatureSpace
from engine.kernels import UNIT, WEIGHT_TOTAL
from engine.rank import Ranker, Ranking

ALL = Settings(AS_OF, required=frozenset())
"""Settings by which nothing excludes."""

DIRECTIONS = [Settings(AS_OF), Settings(AS_OF, "profile"), Settings(AS_OF, "mutual")]

seeds = st.integers(0, 2**32)


class World(NamedTuple):
    """Two collections of records, encoded in one space."""

    vacancies: Encoded
    profiles: Encoded
    space: FeatureSpace

    def candidates(self, setting: Settings) -> Encoded:
        return self.vacancies if setting.direction == "profile" else self.profiles

    def ranker(self, setting: Settings = ALL, allowed: Sequence[bool] | None = None) -> Ranker:
        mask = None if allowed is None else np.array(allowed, np.bool_)
        return Ranker(self.vacancies, self.profiles, self.space, setting, mask)


def world(
    vacancies: Sequence[Json] | pl.DataFrame,
    profiles: Sequence[Json] | pl.DataFrame,
    taxonomy: Taxonomy | None = None,
    sources: tuple[str, str] = ("", ""),
) -> World:
    space = FeatureSpace(taxonomy or small_taxonomy())

    def encoded(records: Sequence[Json] | pl.DataFrame, side: Side, source: str) -> Encoded:
        frame = records if isinstance(records, pl.DataFrame) else frame_of(records, side)
        return encode(frame, side, space, as_of=AS_OF, source=source)

    return World(
        encoded(vacancies, "vacature", sources[0]), encoded(profiles, "werkzoekende", sources[1]), space
    )


def random_records(
    chance: random.Random, vacancies: int = 8, profiles: int = 14
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return (
        [random_record(chance, "vacature", f"v{number}") for number in range(vacancies)],
        [random_record(chance, "werkzoekende", f"p{number}") for number in range(profiles)],
    )


@cache
def pilot() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Frames of 60 vacancies and 250 profiles of the bundled region."""
    return pl.concat(generate_vacancies(60, seed=3)), pl.concat(generate_profiles(250, seed=4))


@cache
def pilot_world() -> World:
    return world(*pilot(), bundled_taxonomy())


def rows_of(ranking: Ranking) -> list[Row]:
    found = zip(
        ranking.vacancy.tolist(),
        ranking.profile.tolist(),
        ranking.rank.tolist(),
        ranking.score_vacancy.tolist(),
        ranking.score_profile.tolist(),
        ranking.score_mutual.tolist(),
        ranking.distance.tolist(),
        ranking.unknown.tolist(),
        strict=True,
    )
    vacancies, profiles = ranking.vacancies.records.ids, ranking.profiles.records.ids
    return [
        Row(
            vacancies[v],
            profiles[p],
            rank,
            a,
            b,
            mutual,
            None if np.isnan(distance) else distance,
            names(unknown),
        )
        for v, p, rank, a, b, mutual, distance, unknown in found
    ]


def digest(ranking: Ranking) -> str:
    return hashlib.sha256(json.dumps(rows_of(ranking)).encode()).hexdigest()


def scores(ranker: Ranker) -> dict[tuple[str, str], tuple[int, int, int]]:
    """The three scores of every pair, ranked or not."""
    found = {}
    for v, vacancy in enumerate(ranker.vacancies.records.ids):
        for p, profile in enumerate(ranker.profiles.records.ids):
            (row,) = rows_of(ranker.pair(v, p))
            found[vacancy, profile] = row.score_vacancy, row.score_profile, row.score_mutual
    return found


# -- equal to the plain one


@given(seeds)
@settings(max_examples=60)
def test_ranking_of_random_records_equals_the_plain_one(seed: int) -> None:
    chance = random.Random(seed)
    vacancies, profiles = random_records(chance, chance.randint(0, 8), chance.randint(0, 16))
    sources = chance.choice((("", ""), ("one", "two"), ("one", "one")))
    collections = world(vacancies, profiles, sources=sources)
    plain = PlainTaxonomy(small_taxonomy())
    for k in (0, 1, 3, 50):
        setting = random_settings(chance)
        candidates = collections.candidates(setting).records.ids
        often = chance.choice((0, 0.5, 1, 1))
        allowed = {name: chance.random() < often for name in candidates}
        ranking = collections.ranker(setting, list(allowed.values())).rank(k)
        assert rows_of(ranking) == plain_rank(
            vacancies, profiles, plain, setting, k, allowed=allowed.__getitem__, sources=sources
        )


@pytest.mark.parametrize("setting", DIRECTIONS, ids=lambda setting: setting.direction)
def test_ranking_of_the_pilot_equals_the_plain_one(setting: Settings) -> None:
    vacancies, profiles = (frame.to_dicts() for frame in pilot())
    plain = PlainTaxonomy(bundled_taxonomy())
    ranking = pilot_world().ranker(setting).rank(20)
    assert len(ranking) > 250
    assert rows_of(ranking) == plain_rank(vacancies, profiles, plain, setting, 20)


# -- never in the score


def changed(record: Any, path: str, value: Any) -> None:
    """Set or, with None, remove a property in place; a step * goes into every object of a list."""
    name, _, rest = path.partition(".")
    if name == "*":
        for item in record or []:
            changed(item, rest, value)
    elif rest and record is not None and (record.get(name) is not None or value is not None):
        record[name] = record.get(name) or {}
        changed(record[name], rest, value)
    elif not rest:
        record[name] = value


MARKERS: Mapping[str, Mapping[str, Any]] = {
    "werkzoekende": {
        "contactpersoon": [{"naamContactpersoonAfdeling": "Z", "emailadres": "z@z", "telefoonnummer": "9"}],
        "emailadres": ["z@example.org"],
        "telefoonnummer": ["0000000000"],
        "webadres": [{"codeWebadres": 1, "url": "https://example.org"}],
        "persoonlijkePresentatie": "Kok, lasser, Koken, Lassen",
        "indicatieBeschikbaarheidContactgegevens": 2,
        "indicatieLdrRegistratie": 1,
        "eisAanWerk": {"indicatieAanpassingWerkomgeving": 1, "indicatieBegeleiding": 1},
        "arbeidsmarktkwalificatie.werkervaring.*.naamOrganisatie": "Kok",
        "arbeidsmarktkwalificatie.werkervaring.*.toelichtingWerkervaring": "Lasser",
        "arbeidsmarktkwalificatie.opleiding.*.naamOpleidingsinstituut": "Kok",
    },
    "vacature": {
        "naamVacature": "Kok",
        "nummerVacature": "99999999999",
        "omschrijvingVacature": "Lasser",
        "sollicitatiewijze": [{"codeSollicitatiewijze": "1"}],
        "adres.straatnaam": "A",
        "adres.huisnummer": 1,
        "adres.huisnummertoevoeging": "Z",
        "arbeidsVoorwaarden.salarisIndicatie": "9",
        "werkgever.handelsnaamOrganisatie": "Kok",
        "werkgever.contactpersoon": [{"naamContactpersoonAfdeling": "Z"}],
        "werkgever.webadres": [{"url": "https://example.org"}],
    },
}

POSTCODE = {"werkzoekende": "mobiliteit.bemiddelingspostcode", "vacature": "adres.postcode"}


@cache
def pilot_digests() -> list[str]:
    return [digest(pilot_world().ranker(setting).rank(20)) for setting in DIRECTIONS]


def changed_digests(side: Side, change: Callable[[dict[str, Any]], None]) -> list[str]:
    vacancies, profiles = (frame.to_dicts() for frame in pilot())
    for record in vacancies if side == "vacature" else profiles:
        change(record)
    again = world(vacancies, profiles, bundled_taxonomy())
    return [digest(again.ranker(setting).rank(20)) for setting in DIRECTIONS]


@pytest.mark.parametrize("removed", [False, True], ids=["changed", "removed"])
@pytest.mark.parametrize("side", ["werkzoekende", "vacature"])
def test_names_contacts_and_free_text_move_nobody(side: Side, removed: bool) -> None:
    def change(record: dict[str, Any]) -> None:
        for path, value in MARKERS[side].items():
            changed(record, path, None if removed else value)

    assert changed_digests(side, change) == pilot_digests()


@pytest.mark.parametrize("path", [*MARKERS["werkzoekende"], *MARKERS["vacature"]])
def test_a_change_of_a_name_contact_or_free_text_is_really_made(path: str) -> None:
    """Else the test above would prove nothing."""
    side = "werkzoekende" if path in MARKERS["werkzoekende"] else "vacature"
    record: dict[str, Any] = {"arbeidsmarktkwalificatie": {"werkervaring": [{}], "opleiding": [{}]}}
    changed(record, path, MARKERS[side][path])
    *steps, last = path.split(".")
    for step in steps:
        record = record[0] if step == "*" else record[step]  # type: ignore[index]
    assert record[last] == MARKERS[side][path]


@pytest.mark.parametrize("side", ["werkzoekende", "vacature"])
def test_of_an_address_only_the_four_digits_of_the_postcode_count(side: Side) -> None:
    outer, inner = POSTCODE[side].split(".")

    def change(record: dict[str, Any]) -> None:
        if record[outer] and record[outer][inner]:
            record[outer][inner] = record[outer][inner][:4] + "zz"

    assert changed_digests(side, change) == pilot_digests()


# -- more is never less


def richer(record: dict[str, Any], path: str, item: Any) -> dict[str, Any]:
    """A copy of a record with one item more in a list, or with a value where there was none."""
    copy: dict[str, Any] = json.loads(json.dumps(record))
    inner = copy
    *outer, name = path.split(".")
    for step in outer:
        inner = inner.setdefault(step, {})
    if isinstance(item, dict):
        inner[name] = [*(inner.get(name) or []), item]
    else:
        inner.setdefault(name, item)
    return copy


@given(seeds)
@settings(max_examples=20)
def test_a_profile_that_adds_what_a_vacancy_asks_never_scores_lower_for_it(seed: int) -> None:
    chance = random.Random(seed)
    vacancies, profiles = random_records(chance)
    setting = random_settings(chance)
    asked = chance.choice(vacancies)
    skills = [item["codeCompetentie"] for item in asked.get("competentiebeheersing", []) if item]
    occupation = {"codeBeroepsnaam": asked.get("beroep", {}).get("codeBeroepsnaam", "o:kok")}
    day = (AS_OF - timedelta(chance.randint(-10, 6000))).isoformat()
    additions: list[tuple[str, Any]] = [
        (
            "arbeidsmarktkwalificatie.competentiebeheersing",
            {"codeCompetentie": chance.choice(skills or SKILLS)},
        ),
        ("arbeidsmarktkwalificatie.werkervaring", {"beroep": occupation}),
        (
            "arbeidsmarktkwalificatie.werkervaring",
            {"beroep": occupation, "datumAanvangWerkzaamheden": day, "datumEindeWerkzaamheden": day},
        ),
        ("bemiddelingsberoep", occupation),
        ("arbeidsmarktkwalificatie.cursus", {"naamCursus": "Lassen"}),
    ]
    before = scores(world(vacancies, profiles).ranker(setting))
    for path, item in chance.sample(additions, 2):
        more = [richer(profile, path, item) for profile in profiles]
        after = scores(world(vacancies, more).ranker(setting))
        assert all(after[pair][0] >= before[pair][0] for pair in before), path


@given(seeds)
@settings(max_examples=20)
def test_a_profile_that_has_more_never_scores_lower_in_any_way(seed: int) -> None:
    chance = random.Random(seed)
    vacancies, profiles = random_records(chance)
    setting = random_settings(chance)
    qualification = "arbeidsmarktkwalificatie."
    additions: list[tuple[str, Any]] = [
        ("werkervaring", {"beroep": {"codeBeroepsnaam": chance.choice(OCCUPATIONS)}}),
        ("opleiding", {"codeNiveauOpleiding": chance.randint(1, 6), "codeOpleidingsnaam": "12345"}),
        ("opleiding", {"codeNiveauOpleiding": chance.randint(1, 6), "indicatieDiploma": 2}),
        ("cursus", {"naamCursus": "Koken"}),
        ("competentiebeheersing", {"codeCompetentie": chance.choice(SKILLS)}),
        ("taalbeheersing", {"codeTaal": chance.choice(("nld", "eng", "deu"))}),
        ("taalbeheersing", {"codeTaal": "nld", "codeNiveauTaalbeheersingMondeling": chance.randint(0, 4)}),
        ("rijbewijs", {"codeSoortRijbewijs": chance.choice(("A", "B", "BE"))}),
        ("codeWerkEnDenkniveauWerkzoekende", chance.randint(0, 7)),
    ]
    before = scores(world(vacancies, profiles).ranker(setting))
    for path, item in chance.sample(additions, 3):
        more = [richer(profile, qualification + path, item) for profile in profiles]
        after = scores(world(vacancies, more).ranker(setting))
        assert all(
            new >= old for pair in before for new, old in zip(after[pair], before[pair], strict=True)
        ), path


# -- the ends of the scale


@given(seeds)
@settings(max_examples=20)
def test_a_profile_that_covers_everything_scores_exactly_one(seed: int) -> None:
    chance = random.Random(seed)
    vacancies, _ = random_records(chance)
    every = [
        {
            "idWerkzoekende": vacancy["idVacature"],
            "bemiddelingsberoep": [vacancy.get("beroep", {})],
            "sector": [vacancy.get("sector", {}), *vacancy.get("werkgever", {}).get("sector", [])],
            "arbeidsmarktkwalificatie": {
                "competentiebeheersing": vacancy.get("competentiebeheersing", []),
                "cursus": vacancy.get("cursus", []),
                "opleiding": [
                    {name: value for name, value in item.items() if name.startswith("code")}
                    for item in vacancy.get("opleiding", [])
                ],
                "codeWerkEnDenkniveauWerkzoekende": 6,
            },
        }
        for vacancy in vacancies
    ]
    preferred = {"skill": chance.choice((0.0, 1.0, 3.3))}
    ranker = world(vacancies, every).ranker(Settings(AS_OF, preferred=preferred, required=frozenset()))
    weights = ranker.vacancy_weights
    for row in range(len(vacancies)):
        asks = weights.values[weights.indptr[row] : weights.indptr[row + 1]].any()
        assert ranker.pair(row, row).score_vacancy.tolist() == [UNIT if asks else 0]
    frame = ranker.rank(1).frame()
    assert frame.height == 0 or frame["score"].to_list() == [1.0] * frame.height


def test_a_vacancy_that_offers_everything_wanted_scores_exactly_one_for_the_profile() -> None:
    profile = {
        "idWerkzoekende": "p",
        "bemiddelingsberoep": [{"codeBeroepsnaam": "o:smid"}],
        "sector": [{"codeSbi": 47}],
        "arbeidsmarktkwalificatie": {"interesse": [{"naamInteresse": "Koken"}]},
    }
    vacancy = {
        "idVacature": "v",
        "beroep": {"codeBeroepsnaam": "o:smid"},
        "sector": {"codeSbi": 47},
        "competentiebeheersing": [{"codeCompetentie": "s:koken"}],
    }
    assert scores(world([vacancy], [profile]).ranker())["v", "p"][1] == UNIT


def test_a_record_that_asks_nothing_scores_0_and_gets_no_ranking() -> None:
    vacancies, profiles = random_records(random.Random(5))
    empty = world([{"idVacature": "v"}], [{"idWerkzoekende": "p"}])
    assert scores(empty.ranker()) == {("v", "p"): (0, 0, 0)}
    for setting, silent in (
        (ALL, world([{"idVacature": "v"}], profiles)),
        (Settings(AS_OF, "profile", required=frozenset()), world(vacancies, [{"idWerkzoekende": "p"}])),
        (Settings(AS_OF, "mutual", required=frozenset()), world(vacancies, [{"idWerkzoekende": "p"}])),
    ):
        assert len(silent.ranker(setting).rank(10)) == 0


def test_groups_that_weigh_nothing_leave_a_score_of_0() -> None:
    nothing = dict.fromkeys(("occupation", "skill", "education", "sector"), 0.0)
    vacancies, profiles = random_records(random.Random(6))
    ranker = world(vacancies, profiles).ranker(Settings(AS_OF, preferred=nothing, required=frozenset()))
    assert {pair[0] for pair in scores(ranker).values()} == {0}
    assert len(ranker.rank(10)) == 0


@given(seeds)
@settings(max_examples=25)
def test_weights_of_every_record_that_asks_add_up_to_exactly_two_to_the_15th(seed: int) -> None:
    chance = random.Random(seed)
    collections = world(*random_records(chance))
    ranker = collections.ranker(random_settings(chance))
    for asking, rows in (
        (ranker.vacancies, ranker.vacancy_weights),
        (ranker.profiles, ranker.profile_weights),
    ):
        for row in range(len(asking)):
            weights = rows.values[rows.indptr[row] : rows.indptr[row + 1]].tolist()
            if asking is ranker.asking and len(ranker.wishes):
                weights += ranker.wishes[row].tolist()
            assert sum(weights) in (0, WEIGHT_TOTAL)


def test_mutual_is_the_harmonic_mean_and_0_when_either_is() -> None:
    ranking = pilot_world().ranker(DIRECTIONS[2]).rank(50)
    for row in rows_of(ranking):
        a, b = row.score_vacancy, row.score_profile
        assert row.score_mutual == 2 * a * b // (a + b)
        assert min(a, b) <= row.score_mutual <= max(a, b)
    vacancy = {"idVacature": "v", "beroep": {"codeBeroepsnaam": "o:kok"}}
    cook = {"idWerkzoekende": "p", "bemiddelingsberoep": [{"codeBeroepsnaam": "o:kok"}]}
    was_cook = {
        "idWerkzoekende": "q",
        "arbeidsmarktkwalificatie": {"werkervaring": [{"beroep": {"codeBeroepsnaam": "o:kok"}}]},
    }
    one_sided = scores(world([vacancy], [cook, was_cook]).ranker())
    assert one_sided["v", "p"] == (UNIT, UNIT, UNIT)
    assert one_sided["v", "q"] == (WEIGHT_TOTAL * 72, 0, 0)


# -- nothing but the pair matters


@pytest.mark.parametrize("setting", DIRECTIONS, ids=lambda setting: setting.direction)
def test_the_order_of_the_records_makes_no_difference(setting: Settings) -> None:
    expected = digest(pilot_world().ranker(setting).rank(20))
    vacancies, profiles = pilot()
    for seed in (1, 2):
        shuffled = [frame.sample(fraction=1, shuffle=True, seed=seed) for frame in (vacancies, profiles)]
        again = world(shuffled[0], shuffled[1], bundled_taxonomy())
        assert digest(again.ranker(setting).rank(20)) == expected


@pytest.mark.parametrize("setting", DIRECTIONS, ids=lambda setting: setting.direction)
def test_threads_and_the_size_of_blocks_make_no_difference(
    setting: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranker = pilot_world().ranker(setting)
    expected = digest(ranker.rank(20))
    for block, threads in ((1, 3), (7, 2), (64, 4), (1000, 1), (13, 1)):
        monkeypatch.setattr(engine.rank, "TILE", block)
        assert digest(ranker.rank(20, threads=threads)) == expected
        assert sum(len(part) for part in ranker.blocks(20, threads=threads)) == len(ranker.rank(20))


@pytest.mark.parametrize("setting", DIRECTIONS, ids=lambda setting: setting.direction)
def test_a_record_asking_alone_gets_the_same_as_in_the_batch(setting: Settings) -> None:
    vacancies, profiles = pilot()
    ranker = pilot_world().ranker(setting)
    together = rows_of(ranker.rank(10))
    field, column = (
        ("vacancy_id", "idVacature") if setting.direction != "profile" else ("profile_id", "idWerkzoekende")
    )
    for row in range(0, len(ranker.asking), 17):
        name = ranker.asking.records.ids[row]
        expected = [each for each in together if getattr(each, field) == name]
        assert rows_of(ranker.rank(10, row, row + 1)) == expected
        alone = [
            frame.filter(pl.col(column) == name) if column in frame.columns else frame
            for frame in (vacancies, profiles)
        ]
        assert rows_of(world(alone[0], alone[1], bundled_taxonomy()).ranker(setting).rank(10)) == expected


@given(seeds)
@settings(max_examples=25)
def test_a_hidden_record_moves_nobody(seed: int) -> None:
    """Neither its place, nor its codes, which get feature numbers of their own, nor the asking side's."""
    chance = random.Random(seed)
    vacancies, profiles = random_records(chance)
    setting = random_settings(chance)
    hidden = "p3" if setting.direction != "profile" else "v3"
    novel = [{"codeCompetentie": f"s:0{chance.random()}"}, {"codeCompetentie": f"s:zz{chance.random()}"}]
    vacancies[3]["competentiebeheersing"] = novel
    profiles[3]["arbeidsmarktkwalificatie"] = {"competentiebeheersing": novel[::-1]}
    with_it = world(vacancies, profiles)
    masked = with_it.ranker(
        setting, [name != hidden for name in with_it.candidates(setting).records.ids]
    ).rank(5)
    without_it = world(
        [vacancy for vacancy in vacancies if vacancy["idVacature"] != hidden],
        [profile for profile in profiles if profile["idWerkzoekende"] != hidden],
    )
    assert digest(masked) == digest(without_it.ranker(setting).rank(5))


@given(seeds)
@settings(max_examples=20)
def test_scores_do_not_depend_on_the_other_records_of_the_collections(seed: int) -> None:
    chance = random.Random(seed)
    vacancies, profiles = random_records(chance)
    setting = random_settings(chance)
    among = scores(world(vacancies, profiles).ranker(setting))
    few = scores(world(vacancies[2:4], profiles[5:8]).ranker(setting))
    assert few == {pair: among[pair] for pair in few}


def test_an_alias_code_ranks_as_its_primary_code() -> None:
    vacancies, profiles = random_records(random.Random(8), 20, 30)
    primary = [json.loads(json.dumps(records).replace("-alias", "")) for records in (vacancies, profiles)]
    assert json.dumps(vacancies) != json.dumps(primary[0])
    for setting in (ALL, Settings(AS_OF, "profile", required=frozenset())):
        expected = digest(world(primary[0], primary[1]).ranker(setting).rank(10))
        assert digest(world(vacancies, profiles).ranker(setting).rank(10)) == expected


def test_a_code_that_the_taxonomy_lacks_matches_itself() -> None:
    vacancy = {"idVacature": "v", "beroep": {"codeBeroepsnaam": "o:nieuw"}}
    other = {"idWerkzoekende": "p", "bemiddelingsberoep": [{"codeBeroepsnaam": "o:nieuwer"}]}
    same = {"idWerkzoekende": "q", "bemiddelingsberoep": [{"codeBeroepsnaam": "o:nieuw"}]}
    found = scores(world([vacancy], [other, same]).ranker())
    assert found == {("v", "p"): (0, 0, 0), ("v", "q"): (UNIT, UNIT, UNIT)}


def test_codes_learnt_after_a_ranker_was_made_change_nothing() -> None:
    vacancies, profiles = random_records(random.Random(3))
    collections = world(vacancies, profiles)
    for setting in DIRECTIONS:
        ranker = collections.ranker(setting)
        expected = digest(ranker.rank(10))
        novel = {"idVacature": "x", "beroep": {"codeBeroepsnaam": f"o:nieuw-{setting.direction}"}}
        encode(frame_of([novel], "vacature"), "vacature", collections.space, as_of=AS_OF)
        assert digest(ranker.rank(10)) == expected
        assert digest(collections.ranker(setting).rank(10)) == expected


# -- the total order


def alike(n: int, side: Side, prefix: str = "") -> list[Json]:
    if side == "vacature":
        offer = {"beroep": {"codeBeroepsnaam": "o:kok"}, "adres": {"postcode": "6511AB"}}
        return [{"idVacature": f"{prefix}{number:04d}", **offer} for number in range(n)]
    wish = {
        "bemiddelingsberoep": [{"codeBeroepsnaam": "o:kok"}],
        "mobiliteit": {"bemiddelingspostcode": "6511AB"},
    }
    return [{"idWerkzoekende": f"{prefix}{number:04d}", **wish} for number in range(n)]


def test_the_higher_score_goes_first_then_the_nearer_then_an_unknown_distance() -> None:
    def cook(name: str, postcode: str | None, *, was: bool = False) -> Json:
        job = {"beroep": {"codeBeroepsnaam": "o:kok"}}
        return {
            "idWerkzoekende": name,
            **({"mobiliteit": {"bemiddelingspostcode": postcode}} if postcode else {}),
            **(
                {"arbeidsmarktkwalificatie": {"werkervaring": [job]}}
                if was
                else {"bemiddelingsberoep": [job["beroep"]]}
            ),
        }

    profiles = [
        cook("nowhere", None),
        cook("far", "1011AB"),
        cook("near", "6541AA"),
        cook("here", "6511AB"),
        cook("worse", "6511AB", was=True),
    ]
    ranking = world(alike(1, "vacature"), profiles).ranker().rank(9)
    assert [row.profile_id for row in rows_of(ranking)] == ["here", "near", "far", "nowhere", "worse"]
    assert ranking.rank.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("direction", ["vacancy", "profile", "mutual"])
def test_ties_give_every_candidate_its_fair_share_of_the_top_10s(direction: Any) -> None:
    collections = world(alike(200, "vacature"), alike(200, "werkzoekende"))
    ranking = collections.ranker(Settings(AS_OF, direction)).rank(10)
    candidates = ranking.vacancy if direction == "profile" else ranking.profile
    assert set(ranking.score_mutual.tolist()) == {UNIT}
    times = Counter(candidates.tolist())
    # 10 are expected of each; of 200 draws from a binomial distribution hardly one exceeds 25.
    assert max(times.values()) <= 25
    assert len(times) >= 195


def test_ties_fall_otherwise_for_another_record_and_another_source() -> None:
    vacancies, profiles = alike(40, "vacature"), alike(60, "werkzoekende")
    ranking = world(vacancies, profiles).ranker().rank(10)
    tops = [tuple(ranking.profile[ranking.vacancy == row].tolist()) for row in range(40)]
    assert len(set(tops)) == 40
    elsewhere = world(vacancies, profiles, sources=("", "elsewhere")).ranker().rank(10)
    assert elsewhere.profile.tolist() != ranking.profile.tolist()


def test_an_id_cannot_be_chosen_to_stand_before_the_others() -> None:
    """Neither by sorting first nor by sorting last."""
    profiles = [
        *alike(50, "werkzoekende", "x"),
        *alike(1, "werkzoekende", "A"),
        *alike(1, "werkzoekende", "z"),
    ]
    ranking = world(alike(100, "vacature"), profiles).ranker().rank(10)
    times = Counter(row.profile_id[0] for row in rows_of(ranking))
    assert times["A"] < 50
    assert times["z"] < 50


SCRIPT = """
import random
from test_rank import DIRECTIONS, alike, digest, random_records, world

vacancies, profiles = random_records(random.Random(9), 20, 40)
small = world([*vacancies, *alike(5, "vacature")], [*profiles, *alike(30, "werkzoekende")])
print([digest(small.ranker(setting).rank(10)) for setting in DIRECTIONS])
"""


def test_a_ranking_is_the_same_in_every_process() -> None:
    vacancies, profiles = random_records(random.Random(9), 20, 40)
    small = world([*vacancies, *alike(5, "vacature")], [*profiles, *alike(30, "werkzoekende")])
    expected = [digest(small.ranker(setting).rank(10)) for setting in DIRECTIONS]
    own = os.environ.get("PYTHONHASHSEED", "")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": "77" if own != "77" else "78"},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(expected)


# -- what comes out


def test_the_frame_of_a_ranking_has_ids_scores_of_0_to_1_and_names_of_what_is_unknown() -> None:
    ranking = pilot_world().ranker().rank(3)
    frame = ranking.frame()
    assert dict(frame.schema) == {
        "vacancy_id": pl.String(),
        "profile_id": pl.String(),
        "rank": pl.Int32(),
        "score": pl.Float64(),
        "score_vacancy": pl.Float64(),
        "score_profile": pl.Float64(),
        "score_mutual": pl.Float64(),
        "distance_km": pl.Float64(),
        "unknown": pl.List(pl.String()),
    }
    rows = rows_of(ranking)
    assert frame["profile_id"].to_list() == [row.profile_id for row in rows]
    assert frame["distance_km"].to_list() == [row.distance_km for row in rows]
    assert frame["unknown"].to_list() == [row.unknown for row in rows]
    assert (frame["score"] * UNIT).to_list() == [row.score_vacancy for row in rows]


def test_the_score_of_a_frame_is_that_of_the_direction() -> None:
    for setting in DIRECTIONS:
        frame = pilot_world().ranker(setting).rank(5).frame()
        assert frame["score"].equals(frame[f"score_{setting.direction}"])
        asking = "profile_id" if setting.direction == "profile" else "vacancy_id"
        assert frame[asking].is_sorted()


def test_a_ranking_without_rows_has_the_same_columns() -> None:
    vacancies, profiles = random_records(random.Random(1))
    for nothing in (world([], []), world(vacancies, []), world([], profiles)):
        for setting in DIRECTIONS:
            ranking = nothing.ranker(setting).rank(5)
            assert len(ranking) == 0
            assert ranking.frame().schema == pilot_world().ranker().rank(3).frame().schema


def test_rows_that_are_not_there_are_not_ranked() -> None:
    ranker = pilot_world().ranker()
    everything = rows_of(ranker.rank(3))
    assert rows_of(ranker.rank(3, 0, 10_000)) == everything
    assert rows_of(ranker.rank(3, 10_000, 20_000)) == []
    assert rows_of(ranker.rank(3, 5, 5)) == []
    last = ranker.asking.records.ids[-1]
    assert rows_of(ranker.rank(3, -1)) == [row for row in everything if row.vacancy_id == last]


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="candidates"):
        pilot_world().ranker(allowed=[True, False])


def test_every_condition_excludes_or_weighs_or_is_ignored() -> None:
    vacancies, profiles = random_records(random.Random(12), 20, 40)
    collections = world(vacancies, profiles)
    ignored = {(row.vacancy_id, row.profile_id) for row in rows_of(collections.ranker().rank(40))}
    for name in CONDITIONS:
        only = Settings(AS_OF, required=frozenset({name}))
        kept = {(row.vacancy_id, row.profile_id) for row in rows_of(collections.ranker(only).rank(40))}
        assert kept < ignored
        strict = Settings(AS_OF, required=frozenset({name}), strict=True)
        ranking = collections.ranker(strict).rank(40)
        assert {(row.vacancy_id, row.profile_id) for row in rows_of(ranking)} <= kept
        assert not ranking.unknown.any()
        wish = ALL.with_wishes(name)
        assert ignored <= {
            (row.vacancy_id, row.profile_id) for row in rows_of(collections.ranker(wish).rank(40))
        }
