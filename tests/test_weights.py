"""Weights from judgements: fitted, measured on vacancies that they were not fitted on, used where chosen."""

import json
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from command import koppel, lines_of

from data.dataset import write
from data.errors import FileError, QuestionError
from data.pilot import generate_profiles, generate_vacancies
from data.taxonomy import bundled_taxonomy
from engine import REQUIRED, SUGGESTED, FeatureSpace, Ranker, Settings, encode, explain
from engine.conditions import bits
from engine.encode import Encoded
from engine.evaluation import MEASURES, Judgements, measure
from engine.features import GROUPS
from engine.judgements import HIGHEST, read_judgements
from engine.weights import TOP, Fitted, fit_weights, group_points
from engine.weights_file import read_weights, weights_bytes

DAY = date(2026, 9, 1)
AS_OF = ("--as-of", DAY)
OTHER = {"occupation": 1.0, "skill": 4.0, "education": 2.0, "sector": 1.0}


class Market(NamedTuple):
    """Records of both sides in one feature space."""

    vacancies: Encoded
    profiles: Encoded
    space: FeatureSpace

    def ranker(self, **preferred: float) -> Ranker:
        return Ranker(*self[:2], self.space, Settings(DAY, preferred=preferred))


@cache
def frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.concat(generate_vacancies(60, seed=3)), pl.concat(generate_profiles(400, seed=4))


@cache
def market() -> Market:
    space = FeatureSpace(bundled_taxonomy())
    vacancies, profiles = frames()
    return Market(
        encode(vacancies, "vacature", space, as_of=DAY),
        encode(profiles, "werkzoekende", space, as_of=DAY),
        space,
    )


@cache
def judged(sign: int = 1) -> Judgements:
    """What the suggested weights rank, graded by what other weights score; the less the better, where -1."""
    ranking = market().ranker().rank(25)
    judge = market().ranker(**OTHER)
    pairs = zip(ranking.vacancy.tolist(), ranking.profile.tolist(), strict=True)
    scores = np.array([judge.pair(*pair).score_vacancy[0] for pair in pairs]) / (1 << 22)
    grades = np.digitize(scores, (0.3, 0.5, 0.7))
    return Judgements(
        ranking.vacancy, ranking.profile, (grades if sign > 0 else grades.max() - grades).astype(np.uint8)
    )


def fit(judgements: Judgements, **options: int) -> Fitted:
    return fit_weights(judgements, *market(), **options)  # type: ignore[arg-type]


def reordered(judgements: Judgements, order: Any) -> Judgements:
    return Judgements(judgements.asking[order], judgements.candidate[order], judgements.grade[order])


# What is fitted


def test_the_points_of_groups_are_those_of_the_explanation() -> None:
    ranker, some = market().ranker(**OTHER), slice(None, None, 7)
    vacancy, profile = judged().asking[some], judged().candidate[some]
    points = group_points(ranker.vacancy_weights, market().profiles, market().space, vacancy, profile)
    for v, p, told in zip(vacancy.tolist(), profile.tolist(), points.tolist(), strict=True):
        explained = explain(ranker, v, p).vacancy.groups
        assert dict(zip(GROUPS, told, strict=True)) == dict.fromkeys(GROUPS, 0) | explained


def test_weights_move_towards_those_that_graded_and_beat_the_suggested_ones_on_held_out_vacancies() -> None:
    fitted = fit(judged())
    weights = fitted.weights
    assert weights["skill"] == max(weights.values()) > SUGGESTED["skill"]
    assert weights["occupation"] < SUGGESTED["occupation"] / 2
    ndcg = fitted.measures["ndcg"]
    assert ndcg.difference.low > 0
    assert ndcg.fitted.mean - ndcg.suggested.mean == pytest.approx(ndcg.difference.mean)


def test_weights_are_never_negative_and_add_up_to_the_suggested_ones() -> None:
    for fitted in (fit(judged()), fit(judged(), seed=2, folds=2)):
        for weights in (fitted.weights, *(each.weights for each in fitted.folds)):
            assert list(weights) == list(GROUPS)
            assert all(weight >= 0 for weight in weights.values())
            assert sum(weights.values()) == pytest.approx(6.5, abs=0.003)


def test_the_order_of_the_judgements_does_not_matter() -> None:
    shuffled = np.random.default_rng(5).permutation(len(judged().grade))
    assert fit(reordered(judged(), shuffled)) == fit(judged())


def test_a_record_that_nobody_judged_does_not_matter() -> None:
    alone = judged().asking % 2 == 0
    some = reordered(judged(), alone)
    kept = np.unique(some.asking)
    vacancies = market().vacancies.records.ids
    frame = frames()[0].filter(pl.col("idVacature").is_in([vacancies[row] for row in kept]))
    fewer = encode(frame, "vacature", market().space, as_of=DAY)
    moved = replace(some, asking=np.searchsorted(kept, some.asking).astype(np.int32))
    assert fit_weights(moved, fewer, *market()[1:]) == fit(some)


# What is measured


def test_a_vacancy_is_measured_by_weights_that_it_did_not_teach() -> None:
    before = fit(judged())
    for vacancy in np.unique(judged().asking)[:12]:
        own = judged().asking == vacancy
        # The grades turned round: still different ones, so that the folds stay as they were.
        turned = np.where(
            own, judged().grade[own].max() + judged().grade[own].min() - judged().grade, judged().grade
        )
        after = fit(replace(judged(), grade=turned.astype(np.uint8)))
        same = [a.weights == b.weights for a, b in zip(before.folds, after.folds, strict=True)]
        assert any(same), "no fold was fitted without this vacancy"
        assert len(set(judged().grade[own])) == 1 or not all(same)


def test_every_vacancy_that_teaches_is_held_out_once() -> None:
    for folds in (2, 5, 7):
        fitted = fit(judged(), folds=folds)
        assert len(fitted.folds) == folds
        assert sum(each.vacancies for each in fitted.folds) == fitted.vacancies


def test_the_suggested_weights_are_measured_as_match_ranks_the_judged_candidates() -> None:
    ranking = market().ranker().rank(len(market().profiles))
    keep = np.isin(ranking.vacancy.astype(np.int64) << 32 | ranking.profile,
                   judged().asking.astype(np.int64) << 32 | judged().candidate)  # fmt: skip
    vacancy, profile = ranking.vacancy[keep], ranking.profile[keep]
    rank = np.arange(len(vacancy)) - np.searchsorted(vacancy, vacancy) + 1
    several = [v for v in np.unique(judged().asking) if len(set(judged().grade[judged().asking == v])) > 1]
    told = np.isin(judged().asking, several)
    plain = measure(reordered(judged(), told), vacancy, profile, rank.astype(np.int32), TOP)
    fitted = fit(judged())
    for name in MEASURES:
        assert fitted.measures[name].suggested.mean == pytest.approx(plain[name].mean())


def test_pairs_that_break_a_condition_are_left_out_and_counted() -> None:
    profiles = len(market().profiles)
    every = np.arange(profiles, dtype=np.int32)
    refused = np.setdiff1d(every, market().ranker().rank(profiles, 0, 1).profile)
    broken, _ = market().ranker().conditions(np.zeros(len(refused), np.int32), refused)
    refused = refused[broken & np.uint16(bits(REQUIRED)) != 0][:9]
    assert len(refused) == 9
    more = Judgements(
        np.concatenate([judged().asking, np.zeros(9, np.int32)]),
        np.concatenate([judged().candidate, refused]),
        np.concatenate([judged().grade, np.full(9, 3, np.uint8)]),
    )
    before, after = fit(judged()), fit(more)
    assert (before.excluded, after.excluded) == (0, 9)
    assert after.weights == before.weights
    # Suitable and never ranked, so missed under any weights.
    assert after.measures["ndcg"].suggested.mean < before.measures["ndcg"].suggested.mean


# What is wrong with judgements


def test_judgements_of_one_vacancy_are_refused() -> None:
    with pytest.raises(QuestionError, match=r"are judged: 1; allowed: at least 2 vacancies") as told:
        fit(reordered(judged(), judged().asking == judged().asking[0]))
    assert told.value.exit_code == 4


def test_no_judgements_at_all_are_refused() -> None:
    with pytest.raises(QuestionError, match=r"are judged: 0"):
        fit(reordered(judged(), slice(0)))


def test_equal_grades_are_refused() -> None:
    with pytest.raises(QuestionError, match=r"every grade is 2; .*grade 0"):
        fit(replace(judged(), grade=np.full(len(judged().grade), 2, np.uint8)))


def test_grades_that_are_equal_within_each_vacancy_are_refused() -> None:
    with pytest.raises(QuestionError, match=r"different grades among candidates that can be ranked: 0 of"):
        fit(replace(judged(), grade=(judged().asking % 3).astype(np.uint8)))


def test_grades_that_fall_with_what_is_covered_are_refused() -> None:
    with pytest.raises(QuestionError, match=r"no group is worth a weight.*higher grade means more suitable"):
        fit(judged(-1))


@pytest.mark.parametrize(
    ("rows", "row", "says"),
    [
        (["v0,p0,1", "nobody,p1,1"], 2, "no vacancy has this id"),
        (["v0,p0,1", "v0,p1,1", "v0,nobody,0"], 3, "no profile has this id"),
        (["v0,,1"], 1, "no profile has this id"),
        (["v0,p0,1", "v0,p1,-1"], 2, f"no such grade; allowed: a whole number from 0 to {HIGHEST}"),
        (["v0,p0,11"], 1, "no such grade"),
        (["v0,p0,1.5"], 1, "no such grade"),
        (["v0,p0,good"], 1, "no such grade"),
        (["v0,p0,"], 1, "no such grade"),
        (["v0,p0,1", "v0,p1,1", "v0,p0,2"], 3, "a pair that was judged before"),
    ],
)
def test_a_bad_judgement_is_told_by_its_row(tmp_path: Path, rows: list[str], row: int, says: str) -> None:
    vacancies, profiles = market()[:2]
    text = "\n".join(["vacancy,profile,grade", *rows])
    for number in range(2):
        text = text.replace(f"v{number},", f"{vacancies.records.ids[number]},")
        text = text.replace(f",p{number},", f",{profiles.records.ids[number]},")
    path = tmp_path / "judged.csv"
    path.write_text(text + "\n")
    with pytest.raises(FileError) as told:
        read_judgements(path, vacancies, profiles)
    assert str(told.value).startswith(f"{path}, row {row}: {says}")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"vacancy,candidate,grade\n", "no column profile"),
        ("a.csv", b"", "not csv"),
        ("a.csv", b"\xff\xfe\x00", "no"),
        ("a.parquet", b"vacancy,profile,grade\n", "not parquet"),
        ("a.xlsx", b"", "a name that tells no format"),
    ],
)
def test_a_file_that_holds_no_judgements_is_refused(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError, match=says):
        read_judgements(path, *market()[:2])


# The command, and its file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """The options that name the market's files."""
    folder = tmp_path_factory.mktemp("market")
    vacancies, profiles = frames()
    write([profiles], folder / "profiles.ndjson")
    write([vacancies], folder / "vacancies.ndjson")
    return "--profiles", folder / "profiles.ndjson", "--vacancies", folder / "vacancies.ndjson"


def judgement_frame() -> pl.DataFrame:
    vacancies, profiles = market()[:2]
    return pl.DataFrame(
        {
            "vacancy": vacancies.records.ids_of(judged().asking),
            "profile": profiles.records.ids_of(judged().candidate),
            "grade": judged().grade,
        }
    )


@pytest.fixture(scope="module")
def fitted_file(tmp_path_factory: pytest.TempPathFactory, files: tuple[object, ...]) -> Path:
    """Weights that the command fitted."""
    folder = tmp_path_factory.mktemp("weights")
    judgement_frame().write_csv(folder / "judged.csv")
    ended = koppel(
        "weights", "fit", "--judgements", folder / "judged.csv", *files, *AS_OF, "-o", folder / "w.json"
    )
    assert ended.code == 0, ended.err
    assert "used only where --weights names it" in ended.err
    return folder / "w.json"


def test_the_file_tells_where_the_weights_come_from(fitted_file: Path) -> None:
    told = json.loads(fitted_file.read_bytes())
    fitted = fit(judged())
    assert told["weights"] == fitted.weights
    assert told["as_of"] == f"{DAY}"
    assert told["taxonomy"] == bundled_taxonomy().version
    assert told["files"]["judgements"]["records"] == len(judged().grade)
    assert all(len(each["sha256"]) == 64 for each in told["files"].values())
    assert [each["weights"] for each in told["fit"]["folds"]] == [each.weights for each in fitted.folds]
    ndcg = fitted.measures["ndcg"]
    assert told["measures"]["ndcg"]["difference"]["low"] == pytest.approx(ndcg.difference.low, abs=1e-6)
    assert {"scikit-learn", "numpy", "koppel", "python"} <= set(told["libraries"])


def test_equal_input_gives_equal_bytes(fitted_file: Path, files: tuple[object, ...], tmp_path: Path) -> None:
    judgements = fitted_file.with_name("judged.csv")
    ended = koppel(
        "weights", "fit", "--judgements", judgements, *files, *AS_OF, "-o", tmp_path / "w.json", "--json"
    )
    assert (tmp_path / "w.json").read_bytes() == fitted_file.read_bytes()
    assert ended.lines[0]["weights"] == json.loads(fitted_file.read_bytes())["weights"]


def test_parquet_judgements_give_the_same_weights(
    fitted_file: Path, files: tuple[object, ...], tmp_path: Path
) -> None:
    judgement_frame().sample(fraction=1, shuffle=True, seed=1).write_parquet(tmp_path / "judged.parquet")
    koppel(
        "weights",
        "fit",
        "--judgements",
        tmp_path / "judged.parquet",
        *files,
        *AS_OF,
        "-o",
        tmp_path / "w.json",
    )
    one, other = (json.loads(path.read_bytes()) for path in (tmp_path / "w.json", fitted_file))
    assert one["files"].pop("judgements") != other["files"].pop("judgements")
    assert one == other


def test_match_ranks_by_chosen_weights_and_says_so(
    fitted_file: Path, files: tuple[object, ...], tmp_path: Path
) -> None:
    ended = koppel("match", *files, *AS_OF, "--weights", fitted_file, "-o", tmp_path / "a.parquet")
    weights = read_weights(fitted_file)
    assert f"; {weights.name}." in ended.err
    assert pl.read_parquet_metadata(tmp_path / "a.parquet")["koppel.weights"] == weights.name
    plain = market().ranker(**weights.weights).rank(10).frame()
    found = pl.read_parquet(tmp_path / "a.parquet")
    assert found.select("vacancy_id", "profile_id", "score").equals(
        plain.select("vacancy_id", "profile_id", "score")
    )
    koppel("match", *files, *AS_OF, "-o", tmp_path / "b.parquet")
    assert not found.equals(pl.read_parquet(tmp_path / "b.parquet"))
    assert "koppel.weights" not in pl.read_parquet_metadata(tmp_path / "b.parquet")


def test_a_weight_that_is_given_goes_before_the_file(
    fitted_file: Path, files: tuple[object, ...], tmp_path: Path
) -> None:
    chosen = ("--weights", fitted_file, "--weight", "skill=9")
    koppel("match", *files, *AS_OF, *chosen, "-o", tmp_path / "a.ndjson")
    plain = market().ranker(**{**read_weights(fitted_file).weights, "skill": 9}).rank(10).frame()
    assert [line["profile_id"] for line in lines_of(tmp_path / "a.ndjson")] == plain["profile_id"].to_list()


def test_explain_shows_chosen_weights(fitted_file: Path, files: tuple[object, ...]) -> None:
    pair = ("--vacancy", market().vacancies.records.ids[0], "--profile", market().profiles.records.ids[0])
    (told,) = koppel("explain", *files, *AS_OF, *pair, "--weights", fitted_file, "--json").lines
    weights = read_weights(fitted_file)
    assert told["weights"]["applied"] == weights.weights
    assert told["weights"]["file"] == weights.name
    assert weights.name in koppel("explain", *files, *AS_OF, *pair, "--weights", fitted_file).err


def test_weights_of_another_taxonomy_are_refused(
    fitted_file: Path, files: tuple[object, ...], tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    other.write_text(fitted_file.read_text().replace(bundled_taxonomy().version, "koppel-0123456789ab"))
    ended = koppel("match", *files, *AS_OF, "--weights", other, "-o", tmp_path / "a.parquet")
    assert ended.code == 4
    assert f"fitted with taxonomy koppel-0123456789ab, not {bundled_taxonomy().version}" in ended.told()
    assert not (tmp_path / "a.parquet").exists()


def test_weights_of_vacancies_are_refused_where_profiles_ask(
    fitted_file: Path, files: tuple[object, ...]
) -> None:
    ended = koppel("match", *files, *AS_OF, "--weights", fitted_file, "--direction", "profile")
    assert ended.code == 4
    assert "not for profiles" in ended.told()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weights": {"occupation": 1}}, "not one for each group"),
        ({"weights": {**OTHER, "skill": -1}}, "weights.skill: no such weight"),
        ({"weights": {**OTHER, "skill": 1001}}, "weights.skill: no such weight"),
        ({"weights": {**OTHER, "skill": True}}, "weights.skill: no such weight"),
        ({"weights": {**OTHER, "skill": float("nan")}}, "weights.skill: no such weight"),
        ({"weights": dict.fromkeys(GROUPS, 0)}, "all are 0"),
        ({"format": 2}, "another format"),
        ({"kind": "other"}, "not a file of weights"),
        ({"taxonomy": None}, "taxonomy: not a version"),
    ],
)
def test_a_file_of_weights_that_is_damaged_is_refused(
    fitted_file: Path, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    path = tmp_path / "w.json"
    path.write_text(json.dumps(json.loads(fitted_file.read_bytes()) | change))
    with pytest.raises(FileError, match=says):
        read_weights(path)


def test_what_is_no_json_is_refused_as_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text("{")
    with pytest.raises(FileError, match="not JSON, at line 1"):
        read_weights(path)
    path.write_text("[]")
    with pytest.raises(FileError, match="not a file of weights"):
        read_weights(path)


def test_bad_judgements_leave_no_file(files: tuple[object, ...], tmp_path: Path) -> None:
    judgement_frame().with_columns(grade=pl.lit(1)).write_csv(tmp_path / "judged.csv")
    ended = koppel(
        "weights", "fit", "--judgements", tmp_path / "judged.csv", *files, *AS_OF, "-o", tmp_path / "w.json"
    )
    assert ended.code == 4
    assert ended.told().startswith(f"Error: {tmp_path / 'judged.csv'}: every grade is 1")
    assert not (tmp_path / "w.json").exists()


def test_the_result_does_not_take_the_place_of_what_is_read(
    files: tuple[object, ...], tmp_path: Path
) -> None:
    judgements = tmp_path / "judged.csv"
    judgement_frame().write_csv(judgements)
    ended = koppel("weights", "fit", "--judgements", judgements, *files, *AS_OF, "-o", judgements)
    assert ended.code == 5


def test_bytes_are_spelt_from_what_is_given_alone() -> None:
    told = [
        weights_bytes(fit(judged()), taxonomy=bundled_taxonomy(), as_of=DAY, files={}, seed=1)
        for _ in range(2)
    ]
    assert told[0] == told[1]
