"""Group weights from judgements: fitted, and measured on vacancies that they were not fitted on.

Which of two candidates a vacancy ranks first depends on the weights through one sum: weight of the group
times what the candidate covers of it. So they are the coefficients, none negative, of a linear model of the
grade, by least squares within each vacancy: its own mean is taken off both sides, and each vacancy counts the
same.

Nothing here chooses weights for anybody: see `engine.weights_file` for how they are kept and asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from data.errors import QuestionError
from engine.baselines import best, coverage
from engine.blocks import take_facts
from engine.columns import day_number
from engine.conditions import SUGGESTED, Settings, bits
from engine.evaluation import MEASURES, Interval, Judgements, intervals, measure
from engine.features import GROUPS
from engine.kernels import FULL, Sparse, check_pairs
from engine.merge import take
from engine.rank import weigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.encode import Encoded
    from engine.features import FeatureSpace

__all__ = ["TOP", "Comparison", "Fitted", "Fold", "fit_weights", "group_points"]

TOP: Final = 10
"""How many places the measures look at."""

_DECIMALS: Final = 3
"""Group weights count in steps of 1/1000."""


@dataclass(frozen=True)
class Fold:
    """Vacancies that were held out, how many, and the weights fitted on all the others."""

    vacancies: int
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """One measure, with 95 % intervals over vacancies: with the suggested weights, with weights fitted on
    other vacancies, and the second less the first, vacancy by vacancy.
    """

    suggested: Interval
    fitted: Interval
    difference: Interval


@dataclass(frozen=True)
class Fitted:
    """Fitted weights and what they are worth.

    Attributes
    ----------
    weights : of each feature group, 0 or more, in steps of 1/1000; they add up to what the suggested ones add
        up to, so that a wish weighs beside them as before.
    folds : the held-out parts, each with the weights that were fitted without it.
    measures : each of `MEASURES` at `TOP`, of the judged candidates as these weights order them.
    vacancies, pairs : how many vacancies taught something, and how many of their judged pairs.
    excluded : judged pairs that break a required condition: no weight can show them.
    uniform : vacancies whose rankable judged candidates all have one grade: they teach nothing.
    """

    weights: Mapping[str, float]
    folds: tuple[Fold, ...]
    measures: Mapping[str, Comparison]
    vacancies: int
    pairs: int
    excluded: int
    uniform: int


def fit_weights(
    judgements: Judgements,
    vacancies: Encoded,
    profiles: Encoded,
    space: FeatureSpace,
    *,
    folds: int = 5,
    seed: int = 1,
    subject: str = "the judgements",
) -> Fitted:
    """Fit group weights, and measure them by cross-validation over vacancies.

    Parameters
    ----------
    judgements : rows of `vacancies` and `profiles`, each pair once, in any order.
    vacancies, profiles : encoded in `space`, on one day.
    folds : in how many parts the vacancies are held out in turn; as many as there are vacancies where those
        are fewer.
    seed : decides which vacancies are held out together, and what the intervals draw.
    subject : what the judgements are called where something is wrong with them.

    Raises
    ------
    QuestionError : judgements of fewer than two vacancies with candidates of different grades, or by which no
        group is worth a weight.
    """
    from sklearn.model_selection import GroupKFold

    vacancies, profiles, judged = _judged_only(judgements, vacancies, profiles)
    may = _rankable(judged, vacancies, profiles)
    teaches = _teaching(judged, may, len(vacancies))
    _check(judged, may, teaches, subject)

    told = teaches[judged.asking]
    seen = _those(judged, told)
    ranked = _those(seen, may[told])
    vacancy, profile, grade = ranked.asking, ranked.candidate, ranked.grade
    suggested = {group: SUGGESTED[group] for group in GROUPS}
    covered = _covered(vacancies, profiles, space, vacancy, profile, suggested)

    def scores(weights: Mapping[str, float], pairs: NDArray[np.bool_]) -> NDArray[np.int32]:
        settings = Settings(vacancies.as_of, preferred=weights)
        shares, _ = weigh(vacancies, space, settings)
        return coverage(shares, profiles, space, vacancy[pairs], profile[pairs])

    held_out, parts = np.zeros(len(vacancy), np.int32), []
    split = GroupKFold(min(folds, int(teaches.sum())), shuffle=True, random_state=seed)
    for train, test in split.split(covered, groups=vacancy):
        weights = _solve(covered[train], grade[train], vacancy[train], subject)
        out = np.zeros(len(vacancy), np.bool_)
        out[test] = True
        held_out[out] = scores(weights, out)
        parts.append(Fold(len(np.unique(vacancy[test])), weights))

    def measured(score: NDArray[np.int32]) -> dict[str, NDArray[np.float64]]:
        order, rank = best(vacancies, profiles, vacancy, profile, score, len(score), nearest=True)
        shown = score[order] > 0
        order, rank = order[shown], rank[shown]
        return measure(seen, vacancy[order], profile[order], rank, TOP)

    before, after = measured(scores(suggested, np.ones(len(vacancy), np.bool_))), measured(held_out)
    return Fitted(
        weights=_solve(covered, grade, vacancy, subject),
        folds=tuple(parts),
        measures={name: _compare(before[name], after[name], seed) for name in MEASURES},
        vacancies=int(teaches.sum()),
        pairs=len(vacancy),
        excluded=int((~may).sum()),
        uniform=int((~teaches).sum()),
    )


def group_points(
    weights: Sparse,
    profiles: Encoded,
    space: FeatureSpace,
    vacancy: NDArray[np.int32],
    profile: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Give what each feature group adds to the score of pairs, on the side of the vacancy.

    Equals `engine.explain.Coverage.groups` of each pair, one column a group.

    weights : Sparse uint16, of what the vacancies ask. vacancy, profile : int32 (m,), rows.

    Returns int32 (m, n_groups), in the order of `GROUPS`, 0..2**22 each.
    """
    points = np.zeros((len(vacancy), len(GROUPS)), np.int32)
    group = space.group[weights.features]
    for number in range(len(GROUPS)):
        own = weights._replace(values=np.where(group == number, weights.values, 0).astype(np.uint16))
        points[:, number] = coverage(own, profiles, space, vacancy, profile)
    return points


def _judged_only(
    judgements: Judgements, vacancies: Encoded, profiles: Encoded
) -> tuple[Encoded, Encoded, Judgements]:
    """The judged records alone, and the judgements in their order, whatever order they came in."""
    order = np.lexsort((judgements.candidate, judgements.asking))
    rows_v, asking = np.unique(judgements.asking[order], return_inverse=True)
    rows_p, candidate = np.unique(judgements.candidate[order], return_inverse=True)
    return (
        take(vacancies, rows_v),
        take(profiles, rows_p),
        Judgements(asking.astype(np.int32), candidate.astype(np.int32), judgements.grade[order]),
    )


def _those(judged: Judgements, which: NDArray[np.bool_]) -> Judgements:
    return Judgements(judged.asking[which], judged.candidate[which], judged.grade[which])


def _rankable(judged: Judgements, vacancies: Encoded, profiles: Encoded) -> NDArray[np.bool_]:
    """Which judged pairs break no condition that is required by default."""
    settings = Settings(vacancies.as_of)
    broken, unknown = np.zeros((2, len(judged.asking)), np.uint16)
    facts = take_facts(vacancies.records.columns), take_facts(profiles.records.columns)
    check_pairs(*facts, judged.asking, judged.candidate, day_number(settings.as_of), broken, unknown)
    may: NDArray[np.bool_] = broken & np.uint16(bits(settings.required)) == 0
    return may


def _teaching(judged: Judgements, may: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Which vacancies have rankable candidates of different grades."""
    lowest, highest = np.full(n, np.iinfo(np.uint8).max, np.uint8), np.zeros(n, np.uint8)
    np.minimum.at(lowest, judged.asking[may], judged.grade[may])
    np.maximum.at(highest, judged.asking[may], judged.grade[may])
    teaches: NDArray[np.bool_] = lowest < highest
    return teaches


def _check(judged: Judgements, may: NDArray[np.bool_], teaches: NDArray[np.bool_], subject: str) -> None:
    grades = np.unique(judged.grade)
    if len(teaches) < 2:
        raise QuestionError(
            subject,
            f"vacancies that are judged: {len(teaches)}",
            "at least 2 vacancies",
            "Judge candidates of more vacancies: each tells what weights are worth that others gave.",
        )
    if len(grades) == 1:
        raise QuestionError(
            subject,
            f"every grade is {grades[0]}",
            "grades that differ between candidates of a vacancy",
            "Judge unsuitable candidates as well, with grade 0.",
        )
    if teaches.sum() < 2:
        raise QuestionError(
            subject,
            f"vacancies with different grades among candidates that can be ranked: {teaches.sum()} of "
            f"{len(teaches)}; judged pairs that break a condition: {np.sum(~may):,} of {len(may):,}",
            "at least 2 such vacancies",
            "Judge more candidates of each vacancy, among those that match ranks.",
        )


def _covered(
    vacancies: Encoded,
    profiles: Encoded,
    space: FeatureSpace,
    vacancy: NDArray[np.int32],
    profile: NDArray[np.int32],
    suggested: Mapping[str, float],
) -> NDArray[np.float64]:
    """What a pair covers of each group per unit of its weight, float64 (m, n_groups).

    The score under the suggested weights is the sum over groups of weight × this, but for rounding.
    """
    asks = vacancies.asks
    claims = Sparse(asks.indptr, asks.features, space.idf[asks.features])
    points = group_points(claims, profiles, space, vacancy, profile)
    weight = np.array([suggested[group] for group in GROUPS])[space.group[asks.features]]
    running = np.concatenate([[0.0], np.cumsum(weight * claims.values)])
    asked = running[asks.indptr[1:]] - running[asks.indptr[:-1]]
    covered: NDArray[np.float64] = points / (FULL * np.maximum(asked, 1.0))[vacancy][:, None]
    return covered


def _solve(
    covered: NDArray[np.float64], grade: NDArray[np.uint8], vacancy: NDArray[np.int32], subject: str
) -> dict[str, float]:
    from sklearn.linear_model import LinearRegression

    n = np.bincount(vacancy)
    each = np.maximum(n, 1)
    target = grade - (np.bincount(vacancy, grade) / each)[vacancy]
    means = np.stack([np.bincount(vacancy, column) / each for column in covered.T], axis=1)
    model = LinearRegression(fit_intercept=False, positive=True)
    model.fit(covered - means[vacancy], target, sample_weight=1 / n[vacancy])
    found = np.maximum(model.coef_, 0.0)
    if not found.sum() > 0:
        raise QuestionError(
            subject,
            "no group is worth a weight: what a candidate covers doesn't go with a higher grade",
            "grades that rise with what is covered, in some group",
            "Check that a higher grade means more suitable.",
        )
    scale = sum(SUGGESTED[group] for group in GROUPS) / found.sum()
    return {
        group: round(float(weight), _DECIMALS) for group, weight in zip(GROUPS, found * scale, strict=True)
    }


def _compare(suggested: NDArray[np.float64], fitted: NDArray[np.float64], seed: int) -> Comparison:
    return Comparison(
        **intervals({"suggested": suggested, "fitted": fitted, "difference": fitted - suggested}, seed=seed)
    )
