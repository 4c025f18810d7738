"""The numbers of a pilot: counted as by hand, the same every time, and silent about small groups."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import date
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from command import koppel
from hypothesis import given
from hypothesis import strategies as st

import api.pilot.reach as reach_module
from api.pilot.cells import too_small, wilson
from api.pilot.choices import Choices
from api.pilot.compare import choices as choices_of
from api.pilot.compare import differences
from api.pilot.fairness import groups
from api.pilot.folder import read_numbers, write_results
from api.pilot.gaps import degrees_of
from api.pilot.made_up import Size, around, make_up
from api.pilot.measure import Results, measure
from api.pilot.quality import Judged, measure_quality, read_judged
from api.pilot.reach import measure_reach, rank_all
from api.pilot.timing import Stopwatch
from api.pilot.world import World, make_world
from data.dataset import write
from data.errors import FileError, QuestionError
from data.taxonomy import bundled_taxonomy
from engine import UNIT, explain
from engine.features import SKILL
from engine.kernels import FULL, Sparse

DAY = date(2026, 9, 1)
REGION = "Rijk van Nijmegen"
CHOICES = Choices(suitable=0.5, radius=20)


@pytest.fixture(scope="module")
def made() -> tuple[World, Judged]:
    world, judged = make_up(REGION, Size(3000, 400, 1), CHOICES.radius, DAY)
    assert judged is not None
    return world, judged


@pytest.fixture(scope="module")
def results(made: tuple[World, Judged]) -> Results:
    return measured(*made)


def measured(world: World, judged: Judged | None, choices: Choices = CHOICES) -> Results:
    return measure(world, choices, judged, Stopwatch())


def told(results: Results) -> dict[str, Any]:
    """The numbers as any reader of the file gets them."""
    numbers: dict[str, Any] = json.loads(json.dumps(results.numbers, allow_nan=False))
    return numbers


# -- what the exchange adds


def test_candidates_count_in_the_ring_where_they_stand(made: tuple[World, Judged]) -> None:
    world, _ = made
    reach = measure_reach(world, "vacancy", CHOICES)
    expected: list[Counter[int]] = [Counter() for _ in reach.asking]
    owner = {side: world.organisation_of(side) for side in (world.vacancies, world.profiles)}
    for ranking, _ in rank_all(world, "vacancy", reach.asking, CHOICES):
        for asking, profile, score, away in zip(
            ranking.vacancy.tolist(),
            ranking.profile.tolist(),
            ranking.score_vacancy.tolist(),
            ranking.distance.tolist(),
            strict=True,
        ):
            assert away <= CHOICES.radius
            if score / UNIT < CHOICES.suitable:
                continue
            name = world.regions[world.profiles.region[profile]]
            if owner[world.vacancies][reach.asking[asking]] == owner[world.profiles][profile]:
                ring = 0
            elif name == world.region:
                ring = 1
            else:
                ring = 2 if name in world.neighbours else 3
            expected[asking][ring] += 1
    assert reach.rings.tolist() == [[each[ring] for ring in range(4)] for each in expected]
    assert reach.rings.sum(axis=0).min() > 0


def test_everyone_is_counted_once_between_organisations_and_regions(made: tuple[World, Judged]) -> None:
    world, _ = made
    reach = measure_reach(world, "vacancy", CHOICES)
    pairs = set()
    for ranking, _ in rank_all(world, "vacancy", reach.asking, CHOICES):
        enough = ranking.score_vacancy >= CHOICES.suitable * UNIT
        pairs |= set(zip(ranking.vacancy[enough].tolist(), ranking.profile[enough].tolist(), strict=True))
    candidates = np.array(sorted({profile for _, profile in pairs}))
    here = np.bincount(world.profiles.region[candidates], minlength=len(world.regions))
    assert reach.regions.tolist() == here.tolist()

    own, their = world.organisation_of(world.vacancies), world.organisation_of(world.profiles)
    once = {(int(own[reach.asking[vacancy]]), profile) for vacancy, profile in pairs}
    expected = Counter((asking, int(their[profile])) for asking, profile in once)
    assert {(a, c): n for a, c, n in reach.between.iter_rows()} == expected
    assert reach.suits.sum() == len(pairs)


def test_who_is_further_away_than_the_radius_does_not_count(made: tuple[World, Judged]) -> None:
    world, _ = made
    near, far = (measure_reach(world, "vacancy", Choices(suitable=0.5, radius=km)) for km in (5, 20))
    assert bool(np.all(near.up_to[:, -1] <= far.up_to[:, -1]))
    assert near.rings.sum() < far.rings.sum()


@pytest.mark.parametrize("direction", ["vacancy", "profile"])
def test_counts_do_not_depend_on_how_many_are_ranked_together(
    made: tuple[World, Judged], direction: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measure_reach(made[0], direction, CHOICES)
    monkeypatch.setattr(reach_module, "_PAIRS_AT_ONCE", 20_000)
    parts = measure_reach(made[0], direction, Choices(suitable=0.5, radius=20, threads=2))
    assert parts.rings.tolist() == whole.rings.tolist()
    assert parts.between.equals(whole.between)
    assert parts.suits.tolist() == whole.suits.tolist()


def test_numbers_are_the_same_for_any_order_of_records_and_threads(
    made: tuple[World, Judged], results: Results
) -> None:
    world, _ = made
    frames = {}
    for side, part in (("werkzoekende", world.profiles), ("vacature", world.vacancies)):
        source = part.encoded.records.sources_of(np.arange(len(part)))
        shuffled = part.frame.with_columns(source.alias("source")).sample(fraction=1, shuffle=True, seed=3)
        frames[side] = {
            str(name): frame
            for (name,), frame in shuffled.partition_by("source", as_dict=True, include_key=False).items()
        }
    again = make_world(REGION, frames, bundled_taxonomy(), DAY, is_made_up=True, seed=1)  # type: ignore[arg-type]
    other = measured(again, None, Choices(suitable=0.5, radius=20, threads=2))
    assert {**other.numbers, "quality": None} == {**results.numbers, "quality": None}
    assert other.jobseekers.equals(results.jobseekers)
    assert other.vacancies.equals(results.vacancies)


def test_a_region_without_records_is_told(made: tuple[World, Judged]) -> None:
    world, _ = made
    frames: Any = {
        "werkzoekende": {"A": world.profiles.frame},
        "vacature": {"A": world.vacancies.frame},
    }
    elsewhere = make_world("Zeeland", frames, bundled_taxonomy(), DAY)
    with pytest.raises(QuestionError, match=r"Zeeland: no vacancy has a postcode in it.*--openings"):
        measured(elsewhere, None)


def test_regions_within_reach_are_made_up_with_it() -> None:
    assert REGION in around(REGION, 1)
    assert {REGION, "Midden-Gelderland", "Rivierenland"} <= set(around(REGION, 20))
    assert set(around(REGION, 20)) < set(around(REGION, 50))
    assert "Zeeland" not in around(REGION, 50)


# -- small groups


@given(st.lists(st.integers(0, 40), max_size=8), st.integers(2, 20))
def test_hidden_cells_can_not_be_worked_out_from_the_total(counts: list[int], minimum: int) -> None:
    hidden = too_small(counts, minimum)
    assert all(is_hidden for count, is_hidden in zip(counts, hidden, strict=True) if 0 < count < minimum)
    among = [count for count, is_hidden in zip(counts, hidden, strict=True) if is_hidden]
    alone = all(0 < count < minimum or count == 0 for count in counts)
    assert sum(among) == 0 or sum(among) >= minimum or alone


def test_nothing_is_told_about_fewer_jobseekers_than_the_minimum(results: Results) -> None:
    def counts(value: Any) -> list[int]:
        if isinstance(value, dict):
            own = [value["jobseekers"]] if isinstance(value.get("jobseekers"), int) else []
            return own + [count for each in value.values() for count in counts(each)]
        return [count for each in value for count in counts(each)] if isinstance(value, list) else []

    found = counts({name: each for name, each in results.numbers.items() if name != "about"})
    assert len(found) > 50
    assert not [count for count in found if 0 < count < CHOICES.minimum]
    organisations = results.numbers["jobseekers_by_organisation"]
    assert any(row["records"] is None for row in organisations)
    assert not [row for row in organisations if row["records"] and row["records"] < CHOICES.minimum]


def test_an_interval_is_that_of_wilson() -> None:
    # The roots of (p - share)^2 = z^2 p (1 - p) / n.
    for hits, n in ((0, 10), (3, 10), (10, 10), (57, 400)):
        found, z = wilson(hits, n), 1.959963984540054
        a, b, c = 1 + z * z / n, -(2 * hits / n + z * z / n), (hits / n) ** 2
        root = sqrt(max(0.0, b * b - 4 * a * c))
        assert (found.low, found.high) == pytest.approx(((-b - root) / 2 / a, (-b + root) / 2 / a))
        assert found.low <= found.share <= found.high


def test_a_share_of_nobody_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 of 0"):
        wilson(0, 0)


# -- fairness


def test_every_jobseeker_is_in_one_group_of_each_kind(made: tuple[World, Judged], results: Results) -> None:
    rows = made[0].inside(made[0].profiles)
    for name, names, group in groups(made[0], rows):
        assert len(group) == len(rows)
        assert 0 <= group.min() <= group.max() < len(names), name


def test_groups_are_those_that_the_records_tell(made: tuple[World, Judged]) -> None:
    world, _ = made
    rows = world.inside(world.profiles)
    found = {kind: [names[each] for each in group.tolist()] for kind, names, group in groups(world, rows)}
    for place, record in enumerate(world.profiles.frame[rows.tolist()].iter_rows(named=True)):
        known = record["arbeidsmarktkwalificatie"] or {}
        assert (found["Werkverleden"][place] == "werkverleden") == bool(known.get("werkervaring"))
        codes = {each["codeSoortRijbewijs"] for each in known.get("rijbewijs") or []}
        assert (found["Rijbewijs"][place] == "rijbewijs B") == ("B" in codes)
        assert (found["Rijbewijs"][place] == "geen rijbewijs opgegeven") == (not codes)
        most = (record["werktijden"] or {}).get("aantalWerkurenPerWeekMaximaal")
        few = found["Uren"][place] == "hoogstens 20 uur per week"
        assert few == (most is not None and most <= 20)
        registered = found["Doelgroepregister (LDR)"][place] == "geregistreerd"
        assert registered == (record["indicatieLdrRegistratie"] == 1)
        spoken = [
            each["codeNiveauTaalbeheersingMondeling"]
            for each in known.get("taalbeheersing") or []
            if each["codeTaal"] == "nld"
        ]
        assert (found["Nederlands spreken"][place] == "geen of redelijk") == (spoken in ([1], [2]))


def test_registration_is_looked_at_in_made_up_records_only(made: tuple[World, Judged]) -> None:
    world, _ = made
    frames: Any = {
        "werkzoekende": {"A": world.profiles.frame},
        "vacature": {"A": world.vacancies.frame},
    }
    real = make_world(REGION, frames, bundled_taxonomy(), DAY)
    assert "LDR" not in json.dumps(measured(real, None).numbers)
    assert "LDR" in json.dumps(measured(world, None).numbers)


def test_visible_is_who_stands_in_a_top_list_of_any_vacancy(
    made: tuple[World, Judged], results: Results
) -> None:
    world, _ = made
    every = np.arange(len(world.vacancies), dtype=np.int32)
    lists: Counter[int] = Counter()
    for ranking, _ in rank_all(world, "vacancy", every, CHOICES):
        lists.update(ranking.profile[ranking.rank <= CHOICES.top].tolist())
    expected = [lists[row] for row in world.inside(world.profiles).tolist()]
    assert results.jobseekers["lists"].to_list() == expected
    assert results.numbers["visibility"]["visible"] == pytest.approx(
        sum(each > 0 for each in expected) / len(expected), abs=1e-6
    )


# -- what is missing


def test_skills_are_lacking_where_the_explanation_says_so(
    made: tuple[World, Judged], results: Results
) -> None:
    world, _ = made
    lacking: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for ranking, ranker in rank_all(world, "vacancy", world.inside(world.vacancies), CHOICES):
        listed = ranking.rank <= CHOICES.top
        pairs = zip(ranking.vacancy[listed].tolist(), ranking.profile[listed].tolist(), strict=True)
        for vacancy, profile in pairs:
            for part in explain(ranker, vacancy, profile).vacancy.parts:
                if part.group == "skill":
                    asked[part.code] += 1
                    lacking[part.code] += part.degree == 0
    told = results.numbers["skills"]
    assert [row["lacking"] for row in told] == sorted(lacking.values(), reverse=True)[: len(told)]
    for row in told:
        assert (row["places"], row["lacking"]) == (asked[row["code"]], lacking[row["code"]])


def test_one_skill_lifts_whoever_would_reach_the_bar_with_it(
    made: tuple[World, Judged], results: Results
) -> None:
    world, _ = made
    code = results.numbers["skills"][0]["code"]
    lifted = set()
    bar = CHOICES.suitable * UNIT
    for ranking, ranker in rank_all(world, "vacancy", world.inside(world.vacancies), CHOICES):
        near = (ranking.score_vacancy < bar) & (ranking.score_vacancy > bar - 0.15 * UNIT)
        weights = ranker.vacancy_weights
        feature = world.space.ids(SKILL, pl.Series([code]))[0]
        asking = np.repeat(np.arange(len(weights.indptr) - 1), np.diff(weights.indptr))
        near &= np.isin(ranking.vacancy, asking[weights.features == feature])
        pairs = zip(ranking.vacancy[near].tolist(), ranking.profile[near].tolist(), strict=True)
        for vacancy, profile in pairs:
            coverage = explain(ranker, vacancy, profile).vacancy
            part = next(each for each in coverage.parts if each.code == code)
            if coverage.score + part.weight * (FULL - part.degree) >= bar:
                lifted.add(profile)
    count = results.numbers["skills"][0]["jobseekers"]
    assert count == len(lifted) if count is not None else 0 < len(lifted) < CHOICES.minimum


def test_degrees_are_looked_up_row_by_row() -> None:
    covers = Sparse(np.array([0, 2, 2, 3]), np.array([1, 4, 0], np.int32), np.array([128, 64, 32], np.uint8))
    rows, features = np.array([0, 0, 0, 1, 2, 2]), np.array([1, 4, 0, 1, 0, 4])
    assert degrees_of(covers, 5, rows, features).tolist() == [128, 64, 0, 0, 32, 0]


def test_occupations_stand_from_tight_to_wide(results: Results) -> None:
    tensions = [row["tension"] for row in results.numbers["occupations"]]
    assert tensions == sorted(tensions, reverse=True)
    assert len(tensions) > 5
    for row in results.numbers["occupations"]:
        assert row["tension"] == pytest.approx(row["vacancies"] / row["jobseekers"], abs=1e-6)


# -- how good


def test_the_ranking_is_better_than_chance_and_distance(results: Results) -> None:
    rows = {row["method"]: row for row in results.numbers["quality"]["methods"]}
    assert next(iter(rows)) == "koppel"
    for simple in ("random", "distance", "occupation"):
        assert rows[simple]["ndcg_high"] < rows["koppel"]["ndcg_low"]
    assert results.numbers["quality"]["origin"] == "synthetic"


def test_leaving_out_a_group_is_a_ranking_with_weight_0(made: tuple[World, Judged]) -> None:
    world, judged = made
    quality = measure_quality(world, judged, CHOICES)
    lost = {row["group"]: row["lost"] for row in quality["ablation"]}
    assert set(lost) == {"occupation", "skill", "education", "sector"}
    assert lost["occupation"] > 0
    assert all(row["lost_low"] <= row["lost"] <= row["lost_high"] for row in quality["ablation"])


def judgements(world: World, path: Path, *lines: str) -> Judged:
    path.write_text("\n".join(["vacancy,profile,grade", *lines]) + "\n", encoding="utf-8")
    return read_judged(path, world)


def test_judgements_of_people_order_judged_pairs_only(made: tuple[World, Judged], tmp_path: Path) -> None:
    world, judged = made
    ids = world.vacancies.encoded.records.ids, world.profiles.encoded.records.ids
    asking, seekers, grades = judged.pairs.asking, judged.pairs.candidate, judged.pairs.grade
    lines = [f"{ids[0][v]},{ids[1][p]},{g}" for v, p, g in zip(asking, seekers, grades, strict=True)]
    read = judgements(world, tmp_path / "synthetic.csv", *lines[:400])
    assert read.origin == "synthetic"
    quality = measure_quality(world, read, CHOICES)
    assert 0 < quality["candidates"] <= 400
    assert quality["judged_pairs"] == 400


def test_judgements_of_unknown_records_are_refused(made: tuple[World, Judged], tmp_path: Path) -> None:
    world, _ = made
    vacancy, profile = world.vacancies.encoded.records.ids[0], world.profiles.encoded.records.ids[0]
    path = tmp_path / "judgements.csv"
    with pytest.raises(FileError, match="row 2: no profile has this id"):
        judgements(world, path, f"{vacancy},{profile},2", f"{vacancy},unknown,1")
    with pytest.raises(FileError, match="row 1: no vacancy has this id"):
        judgements(world, path, f"x,{profile},2")


def test_judgements_without_a_suitable_pair_are_refused(made: tuple[World, Judged], tmp_path: Path) -> None:
    world, _ = made
    vacancy, profile = world.vacancies.encoded.records.ids[0], world.profiles.encoded.records.ids[0]
    with pytest.raises(FileError, match="no pair is suitable"):
        judgements(world, tmp_path / "judgements.csv", f"{vacancy},{profile},0")


def test_a_record_of_several_organisations_has_to_be_named_whole(
    made: tuple[World, Judged], tmp_path: Path
) -> None:
    world, _ = made
    profiles, vacancies = world.profiles.frame[:50], world.vacancies.frame[:5]
    frames: Any = {"werkzoekende": {"A": profiles, "B": profiles}, "vacature": {"A": vacancies}}
    twice = make_world(REGION, frames, bundled_taxonomy(), DAY)
    vacancy, profile = vacancies["idVacature"][0], profiles["idWerkzoekende"][0]
    path = tmp_path / "judgements.csv"
    with pytest.raises(FileError, match="row 1: no profile has this id"):
        judgements(twice, path, f"{vacancy},{profile},1")
    read = judgements(twice, path, f"{vacancy},B={profile},1")
    assert twice.profiles.encoded.records.ids[read.pairs.candidate[0]] == profile
    assert twice.organisations[twice.organisation_of(twice.profiles)[read.pairs.candidate[0]]] == "B"
    assert read.origin == "file"


# -- folders and commands


def test_equal_results_give_equal_bytes(results: Results, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_results(tmp_path / name, results)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert {"results.json", "fairness.parquet", "quality-methods.parquet"} <= set(files)
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert read_numbers(tmp_path / "a") == told(results)
    assert "seconds" not in (tmp_path / "a" / "results.json").read_text(encoding="utf-8")


def test_tables_of_parquet_hold_the_same_as_the_json(results: Results, tmp_path: Path) -> None:
    write_results(tmp_path, results)
    for name in ("fairness", "skills", "regions", "between"):
        assert pl.read_parquet(tmp_path / f"{name}.parquet").to_dicts() == results.numbers[name]


def organised(world: World, folder: Path) -> Path:
    """The records of a world as files, a folder for each organisation."""
    for name, part in (("profiles", world.profiles), ("vacancies", world.vacancies)):
        source = part.encoded.records.sources_of(np.arange(len(part)))
        for organisation in source.unique().to_list():
            (folder / organisation).mkdir(parents=True, exist_ok=True)
            write([part.frame.filter(source == organisation)], folder / organisation / f"{name}.ndjson")
    return folder


def test_a_run_on_files_is_that_on_the_records(
    made: tuple[World, Judged], results: Results, tmp_path: Path
) -> None:
    records = organised(made[0], tmp_path / "records")
    ended = koppel(
        *("pilot", "run", "--region", "rijk van nijmegen", "--records", records, "--made-up"),
        *("--as-of", DAY, "--suitable", 0.5, "--radius", 20, "-o", tmp_path / "out"),
    )
    assert ended.code == 0, ended.err
    numbers = read_numbers(tmp_path / "out")
    about = {**told(results)["about"], "seed": None}
    assert numbers == {**told(results), "quality": None, "about": about}
    timing = json.loads((tmp_path / "out" / "timing.json").read_text(encoding="utf-8"))
    assert [each["stage"] for each in timing["stages"]][:2] == ["Lezen", "Voorbereiden"]
    assert "Alle gegevens zijn verzonnen" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_misspelt_region_is_answered_with_the_nearest() -> None:
    ended = koppel("pilot", "run", "--region", "Rijk van Nijmeegen", "-o", "nowhere")
    assert ended.code == 2
    assert "nearest are Rijk van Nijmegen" in " ".join(ended.err.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--profiles", "a.ndjson", "--vacancies", "b.ndjson=B"), "names no organisation"),
        (("--profiles", "a.ndjson=", "--vacancies", "b.ndjson=B"), "names no organisation"),
        (("--profiles", "a.ndjson=A"), "give both, or neither"),
        (
            ("--profiles", "a.ndjson=A", "--profiles", "c.ndjson=A", "--vacancies", "b.ndjson=B"),
            "two files of 'A'",
        ),
        (("--records", ".", "--profiles", "a.ndjson=A"), "goes without --profiles"),
        (("--judgements", "judgements.csv"), "goes with files of records"),
        (("--made-up",), "goes with files of records"),
        (("--minimum", "1"), "greater than or equal to 2"),
        (("--suitable", "0"), "greater than or equal to 0.01"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    ended = koppel("pilot", "run", "--region", REGION, "-o", tmp_path / "out", *arguments)
    assert ended.code == 2
    assert says in " ".join(ended.err.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_a_folder_of_records_needs_both_kinds(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "profiles.ndjson").touch()
    ended = koppel("pilot", "run", "--region", REGION, "--records", tmp_path, "-o", tmp_path / "out")
    assert ended.code == 2
    assert "vacancies" in ended.err


# -- fitted weights

FITTED = {"occupation": 0.5, "skill": 4.0, "education": 1.5, "sector": 0.5}


def weights_file(path: Path, **more: Any) -> Path:
    about = {"kind": "koppel group weights", "format": 1, "taxonomy": bundled_taxonomy().version}
    path.write_text(json.dumps({**about, "weights": FITTED, **more}), encoding="utf-8")
    return path


def test_fitted_weights_count_where_a_vacancy_asks_and_nowhere_else(
    made: tuple[World, Judged], results: Results
) -> None:
    fitted = measured(*made, Choices(suitable=0.5, radius=20, weights=FITTED, weights_file="weights-1"))
    assert fitted.numbers["about"]["weights"] == FITTED
    assert fitted.numbers["about"]["weights_file"] == "weights-1"
    assert results.numbers["about"]["weights_file"] is None
    assert fitted.numbers["quality"]["methods"][0] != results.numbers["quality"]["methods"][0]
    assert not fitted.vacancies.equals(results.vacancies)
    assert fitted.jobseekers.drop("lists").equals(results.jobseekers.drop("lists"))
    assert fitted.numbers["quality"]["ablation"] != results.numbers["quality"]["ablation"]


def test_a_run_by_fitted_weights_names_their_file_and_warns_where_they_saw_these_judgements(
    made: tuple[World, Judged], tmp_path: Path
) -> None:
    world, judged = made
    records = organised(world, tmp_path / "records")
    ids = world.vacancies.encoded.records.ids, world.profiles.encoded.records.ids
    pairs = zip(
        judged.pairs.asking[:400], judged.pairs.candidate[:400], judged.pairs.grade[:400], strict=True
    )
    rows = [f"{ids[0][v]},{ids[1][p]},{g}" for v, p, g in pairs]
    for name in ("seen", "new"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["vacancy,profile,grade", *rows, ""]))
        rows.reverse()
    digest = hashlib.sha256((tmp_path / "seen.csv").read_bytes()).hexdigest()
    weights = weights_file(tmp_path / "w.json", files={"judgements": {"sha256": digest}})
    for name in ("seen", "new"):
        ended = koppel(
            *("pilot", "run", "--region", REGION, "--records", records, "--as-of", DAY, "--radius", 20),
            *("--judgements", tmp_path / f"{name}.csv", "--weights", weights, "-o", tmp_path / name),
        )
        assert ended.code == 0, ended.err
        assert ("these very judgements" in ended.err) == (name == "seen")
        about = read_numbers(tmp_path / name)["about"]
        assert about["weights"] == FITTED
        assert about["weights_file"] == f"weights-{hashlib.sha256(weights.read_bytes()).hexdigest()[:12]}"
        assert about["weights_file"] in (tmp_path / name / "report.html").read_text(encoding="utf-8")


def test_weights_of_another_taxonomy_are_refused(made: tuple[World, Judged], tmp_path: Path) -> None:
    records = organised(made[0], tmp_path / "records")
    weights = weights_file(tmp_path / "w.json", taxonomy="other-1")
    ended = koppel(
        *("pilot", "run", "--region", REGION, "--records", records, "--as-of", DAY),
        *("--weights", weights, "-o", tmp_path / "out"),
    )
    assert ended.code == QuestionError.exit_code
    assert "fitted with taxonomy other-1" in ended.told()
    assert not (tmp_path / "out").exists()


# -- two runs


def test_a_run_does_not_differ_from_itself(results: Results) -> None:
    numbers = told(results)
    found = differences(numbers, numbers)
    assert choices_of(numbers, numbers) == []
    assert len(found) > 30
    assert all(each.change in (0, None) and not each.is_apart for each in found)


def test_two_runs_differ_where_their_numbers_do(
    made: tuple[World, Judged], results: Results, tmp_path: Path
) -> None:
    stricter = measured(made[0], None, Choices(suitable=0.9, radius=20))
    for name, each in (("a", results), ("b", stricter)):
        write_results(tmp_path / name, each)
    ended = koppel("pilot", "compare", tmp_path / "a", tmp_path / "b", "--json")
    assert ended.code == 0
    assert "suitable differs: 0.5 and 0.9" in ended.err
    rows = {(line["part"], line["name"]): line for line in ended.lines}
    few = rows["vacancies with few matches", "all"]
    assert few["apart"] is True
    assert few["change"] == pytest.approx(few["second"] - few["first"])
    assert few["change"] > 0
    gone = rows["nDCG@10", "koppel"]
    assert (gone["second"], gone["change"], gone["apart"]) == (None, None, None)
    shown = koppel("pilot", "compare", tmp_path / "a", tmp_path / "b")
    assert "vacancies with few matches" in shown.out


def test_a_folder_that_holds_no_run_is_told(tmp_path: Path) -> None:
    ended = koppel("pilot", "compare", tmp_path, tmp_path)
    assert ended.code == 3
    (tmp_path / "results.json").write_text('{"format": 0}', encoding="utf-8")
    ended = koppel("pilot", "compare", tmp_path, tmp_path)
    assert ended.code == 3
    assert "of another version" in ended.told()
