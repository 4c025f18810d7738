"""Explanation: the parts are the score, and the gaps are what is lacking."""

import random
from functools import cache
from typing import NamedTuple

import numpy as np
import plain_engine
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import (
    AS_OF,
    BROKEN,
    MET,
    UNKNOWN,
    Json,
    PlainTaxonomy,
    frame_of,
    random_record,
    random_settings,
    small_taxonomy,
)

from data.pilot import generate_profiles, generate_vacancies
from data.standard import Side
from data.taxonomy import Taxonomy, bundled_taxonomy
from engine.conditions import CONDITIONS, REQUIRED, SUGGESTED, Settings
from engine.encode import encode
from engine.explain import Coverage, Explanation, explain
from engine.features import GROUPS, FeatureSpace
from engine.kernels import FULL, UNIT, WEIGHT_TOTAL
from engine.rank import Ranker

COOK = {"beroep": {"codeBeroepsnaam": "o:kok"}}


class Case(NamedTuple):
    """A ranker and the records that it ranks, in the order of its rows."""

    ranker: Ranker
    vacancies: list[Json]
    profiles: list[Json]
    plain: PlainTaxonomy


def case(vacancies: pl.DataFrame, profiles: pl.DataFrame, taxonomy: Taxonomy, setting: Settings) -> Case:
    space = FeatureSpace(taxonomy)
    ranker = Ranker(
        encode(vacancies, "vacature", space, as_of=AS_OF),
        encode(profiles, "werkzoekende", space, as_of=AS_OF),
        space,
        setting,
    )
    return Case(
        ranker,
        list(vacancies.sort("idVacature").iter_rows(named=True)),
        list(profiles.sort("idWerkzoekende").iter_rows(named=True)),
        PlainTaxonomy(taxonomy),
    )


def small(vacancies: list[Json], profiles: list[Json], setting: Settings) -> Case:
    frames = frame_of(vacancies, "vacature"), frame_of(profiles, "werkzoekende")
    return case(*frames, small_taxonomy(), setting)


@cache
def pilot() -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.concat(generate_vacancies(40, seed=3)), pl.concat(generate_profiles(150, seed=4))


def explained(vacancy: Json, profile: Json, setting: Settings) -> Explanation:
    ranker = small([{"idVacature": "v", **vacancy}], [{"idWerkzoekende": "p", **profile}], setting).ranker
    return explain(ranker, 0, 0)


def check_coverage(coverage: Coverage, score: int) -> None:
    assert coverage.score == score == sum(part.points for part in coverage.parts)
    assert sum(coverage.groups.values()) == score
    assert set(coverage.groups) == {part.group for part in coverage.parts}
    for group, points in coverage.groups.items():
        assert points == sum(part.weight * part.degree for part in coverage.parts if part.group == group)
    assert sum(part.weight for part in coverage.parts) in (0, WEIGHT_TOTAL)
    assert [part.points for part in coverage.parts] == sorted(
        (part.points for part in coverage.parts), reverse=True
    )
    costs = [part.weight * (FULL - part.degree) for part in coverage.gaps]
    assert costs == sorted(costs, reverse=True)
    assert set(coverage.gaps) == {part for part in coverage.parts if part.degree < FULL}
    assert len({(part.group, part.code) for part in coverage.parts}) == len(coverage.parts)


def check_nearest(coverage: Coverage, other: Json, side: Side, plain: PlainTaxonomy) -> None:
    """Every part names an own feature of the other record that gives exactly its degree, itself if it can."""
    own = plain_engine.has(other, side, plain, AS_OF)
    covers = plain.covers(own)
    for part in coverage.parts:
        if part.group in CONDITIONS:
            assert (part.nearest, part.nearest_label) == ("", "")
            continue
        feature = part.group, part.code
        assert part.degree == covers.get(feature, 0)
        assert bool(part.nearest) == bool(part.degree)
        if part.nearest:
            nearest = part.group, part.nearest
            ways = plain.covers({nearest: own[nearest]})
            assert ways[feature] == part.degree
            assert nearest == feature or own.get(feature, 0) < part.degree


def check_explanation(given: Case, vacancy: int, profile: int) -> None:
    ranker, setting = given.ranker, given.ranker.settings
    found, pair = explain(ranker, vacancy, profile), ranker.pair(vacancy, profile)
    one, other = given.vacancies[vacancy], given.profiles[profile]
    assert (found.vacancy_id, found.profile_id) == (one["idVacature"], other["idWerkzoekende"])
    check_coverage(found.vacancy, int(pair.score_vacancy[0]))
    check_coverage(found.profile, int(pair.score_profile[0]))
    check_nearest(found.vacancy, other, "werkzoekende", given.plain)
    check_nearest(found.profile, one, "vacature", given.plain)
    assert found.score_mutual == int(pair.score_mutual[0])

    squared = plain_engine.squared_metres(one, other)
    assert found.distance_km == (None if squared is None else round(squared**0.5) / 1000)
    verdicts = plain_engine.check(one, other, setting.as_of)
    counting = [name for name in CONDITIONS if name in setting.required | setting.wished]
    assert found.broken == tuple(name for name in counting if verdicts[name] == BROKEN)
    assert found.unknown == tuple(name for name in counting if verdicts[name] == UNKNOWN)
    excluding = {BROKEN, UNKNOWN} if setting.strict else {BROKEN}
    far = setting.radius_km is not None and (squared is None or squared > (1000 * setting.radius_km) ** 2)
    score = {"vacancy": found.vacancy.score, "profile": found.profile.score, "mutual": found.score_mutual}
    assert found.excluded_by == (
        *(name for name in CONDITIONS if name in setting.required and verdicts[name] in excluding),
        *(["radius"] if far else []),
        *(["score"] if score[setting.direction] == 0 else []),
    )

    side: Side = "werkzoekende" if setting.direction == "profile" else "vacature"
    asking, record = (found.vacancy, one) if side == "vacature" else (found.profile, other)
    weights = plain_engine.weights(record, side, given.plain, setting.preferred, setting.wished)
    assert {
        ("condition" if part.group in CONDITIONS else part.group, part.code): part.weight
        for part in asking.parts
    } == {asked: weight for asked, weight in weights.items() if weight or asked[0] != "condition"}
    for part in asking.parts:
        if part.group in CONDITIONS:
            assert part.degree == (FULL if verdicts[part.group] == MET else 0)
            assert part.label == CONDITIONS[part.group]


@given(st.integers(0, 2**32))
@settings(max_examples=25)
def test_every_random_pair_is_explained_to_the_last_point(seed: int) -> None:
    chance = random.Random(seed)
    given_case = small(
        [random_record(chance, "vacature", f"v{number}") for number in range(4)],
        [random_record(chance, "werkzoekende", f"p{number}") for number in range(6)],
        random_settings(chance),
    )
    for vacancy in range(4):
        for profile in range(6):
            check_explanation(given_case, vacancy, profile)


@pytest.mark.parametrize("direction", ["vacancy", "profile", "mutual"])
def test_every_ranked_pair_of_the_pilot_is_explained_to_the_last_point(direction: str) -> None:
    chance = random.Random(direction)
    setting = random_settings(chance)
    setting = Settings(AS_OF, direction, wished=setting.wished - REQUIRED)  # type: ignore[arg-type]
    given_case = case(*pilot(), bundled_taxonomy(), setting)
    ranking = given_case.ranker.rank(3)
    assert len(ranking) > 30
    for vacancy, profile in zip(ranking.vacancy.tolist(), ranking.profile.tolist(), strict=True):
        check_explanation(given_case, vacancy, profile)
    for _ in range(100):
        check_explanation(given_case, chance.randrange(40), chance.randrange(150))


def test_what_is_lacking_is_named_with_the_nearest_that_there_is() -> None:
    vacancy = {
        **COOK,
        "competentiebeheersing": [{"codeCompetentie": "s:metaal"}, {"codeCompetentie": "s:alles"}],
    }
    profile = {
        "bemiddelingsberoep": [{"codeBeroepsnaam": "o:bakker"}],
        "arbeidsmarktkwalificatie": {"competentiebeheersing": [{"codeCompetentie": "s:lassen-alias"}]},
    }
    parts = {part.code: part for part in explained(vacancy, profile, Settings(AS_OF)).vacancy.parts}
    assert (parts["s:metaal"].nearest, parts["s:metaal"].nearest_label) == ("s:lassen", "Lassen")
    assert (parts["s:metaal"].degree, parts["s:metaal"].label) == (64, "Metaal")
    assert (parts["s:alles"].degree, parts["s:alles"].nearest) == (0, "")
    assert 0 < parts["o:kok"].degree < FULL
    assert (parts["o:kok"].nearest, parts["o:kok"].nearest_label) == ("o:bakker", "Bakker")


def test_what_is_wholly_there_is_no_gap() -> None:
    found = explained(COOK, {"bemiddelingsberoep": [{"codeBeroepsnaam": "o:kok"}]}, Settings(AS_OF))
    assert found.vacancy.gaps == found.profile.gaps == ()
    assert (found.vacancy.score, found.profile.score, found.score_mutual) == (UNIT, UNIT, UNIT)
    assert found.vacancy.parts[0].nearest == "o:kok"


def test_a_wish_is_a_part_with_what_it_says_and_a_gap_where_it_is_not_met() -> None:
    setting = Settings(AS_OF).with_wishes("licence", "hours")
    vacancy = {**COOK, "rijbewijs": [{"codeSoortRijbewijs": "B"}]}
    cook: Json = {"bemiddelingsberoep": [{"codeBeroepsnaam": "o:kok"}]}
    drives = {**cook, "arbeidsmarktkwalificatie": {"rijbewijs": [{"codeSoortRijbewijs": "B"}]}}
    without, with_licence = explained(vacancy, cook, setting), explained(vacancy, drives, setting)
    (gap,) = without.vacancy.gaps
    assert (gap.group, gap.code, gap.label) == ("licence", "licence", CONDITIONS["licence"])
    assert (gap.degree, gap.points) == (0, 0)
    assert (without.unknown, without.excluded_by) == (("licence",), ())
    assert with_licence.vacancy.gaps == ()
    assert with_licence.vacancy.score - without.vacancy.score == gap.weight * FULL
    assert {part.group for part in with_licence.profile.parts} == {"occupation"}


def test_a_pair_that_would_not_be_ranked_says_by_which_conditions() -> None:
    vacancy = {**COOK, "sluitingsdatumVacature": "2026-05-31", "rijbewijs": [{"codeSoortRijbewijs": "B"}]}
    cook = {"bemiddelingsberoep": [{"codeBeroepsnaam": "o:kok"}]}
    found = explained(vacancy, cook, Settings(AS_OF))
    assert (found.broken, found.unknown, found.excluded_by) == (("open",), ("licence",), ("open",))
    assert found.vacancy.score == UNIT
    strict = explained(vacancy, cook, Settings(AS_OF, strict=True))
    assert strict.excluded_by == ("open", "licence")
    ignored = explained(vacancy, cook, Settings(AS_OF, required=frozenset({"hours"})))
    assert (ignored.broken, ignored.unknown, ignored.excluded_by) == ((), (), ())


def test_an_explanation_tells_the_day_the_taxonomy_and_the_weights() -> None:
    setting = Settings(AS_OF, preferred={"skill": 3, "hours": 2}).with_wishes("hours")
    found = explained(COOK, {}, setting)
    assert found.as_of == AS_OF
    assert found.taxonomy == small_taxonomy().version
    assert found.suggested == {name: SUGGESTED[name] for name in (*GROUPS, "hours")}
    assert found.preferred == {"skill": 3, "hours": 2}
    assert found.applied == {**found.suggested, **found.preferred}
    assert found.distance_km is None


def test_explaining_makes_nothing_of_numpy_visible() -> None:
    found = explained(COOK, {"bemiddelingsberoep": [{"codeBeroepsnaam": "o:bakker"}]}, Settings(AS_OF))
    (part,) = found.vacancy.parts
    values = [found.score_mutual, found.vacancy.score, part.weight, part.degree, part.points]
    assert not any(isinstance(value, np.generic) for value in values)
