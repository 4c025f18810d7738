"""Why a pair scores what it scores: exact parts, which add up to the score, and what is lacking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.conditions import CONDITIONS, SUGGESTED, bits, names
from engine.features import GROUPS
from engine.kernels import FULL

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from engine.encode import Encoded
    from engine.features import FeatureSpace
    from engine.kernels import Sparse
    from engine.rank import Ranker


@dataclass(frozen=True)
class Part:
    """One asked feature, or one wished condition, and what it adds to the score.

    Attributes
    ----------
    group : a feature group, or the name of the wished condition.
    code, label : of the feature; for a wish its name and what it says.
    weight : 0..2**15, its share of what the record asks.
    degree : 0..128, how far the other side covers it.
    nearest, nearest_label : code and label of the other side's own feature that covers it best; "" without
        one.
    """

    group: str
    code: str
    label: str
    weight: int
    degree: int
    nearest: str = ""
    nearest_label: str = ""

    @property
    def points(self) -> int:
        """What it adds to the whole score, weight × degree, 0..2**22."""
        return self.weight * self.degree


@dataclass(frozen=True)
class Coverage:
    """What one record asks and what of it the other covers.

    Attributes
    ----------
    score : 0..2**22, the sum of the points of the parts, exactly.
    parts : most points first, then most weight; every asked feature has one.
    """

    score: int
    parts: tuple[Part, ...]

    @property
    def groups(self) -> dict[str, int]:
        """Points of each group that is asked; they add up to the score."""
        totals: dict[str, int] = {}
        for part in self.parts:
            totals[part.group] = totals.get(part.group, 0) + part.points
        return totals

    @property
    def gaps(self) -> tuple[Part, ...]:
        """What is asked and not wholly covered, costliest first."""
        lacking = [part for part in self.parts if part.degree < FULL]
        return tuple(sorted(lacking, key=lambda part: -part.weight * (FULL - part.degree)))


@dataclass(frozen=True)
class Explanation:
    """All that decides the place of one pair.

    Attributes
    ----------
    vacancy, profile : what the vacancy asks and the profile has; what the profile wants and the vacancy
        offers.
    score_mutual : 0..2**22, the harmonic mean of both scores, rounded down.
    distance_km : to the metre, or None where one of the two has no location.
    broken, unknown : names of the conditions that count, and that the pair breaks or that can't be checked.
    excluded_by : what keeps this pair from being ranked: names of conditions, "radius" where the asker allows
        less than the distance, "score" where the score that orders is 0.
    suggested, preferred, applied : group weights: ours, the user's, and what came of them.
    """

    vacancy_id: str
    profile_id: str
    as_of: date
    vacancy: Coverage
    profile: Coverage
    score_mutual: int
    distance_km: float | None
    broken: tuple[str, ...]
    unknown: tuple[str, ...]
    excluded_by: tuple[str, ...]
    suggested: Mapping[str, float]
    preferred: Mapping[str, float]
    applied: Mapping[str, float]
    taxonomy: str


def explain(ranker: Ranker, vacancy: int, profile: int) -> Explanation:
    """Explain the pair of row `vacancy` and row `profile` of the ranker's collections, ranked or not."""
    settings, space = ranker.settings, ranker.space
    pair = ranker.pair(vacancy, profile)
    broken, unknown = (int(each[0]) for each in ranker.conditions(pair.vacancy, pair.profile))
    required = bits(settings.required)
    counts = bits(settings.required | settings.wished)
    wishes: dict[str, tuple[Part, ...]] = {"vacancy": (), "profile": ()}
    if len(ranker.wishes):
        asking = "profile" if settings.direction == "profile" else "vacancy"
        weights = ranker.wishes[profile if asking == "profile" else vacancy].tolist()
        wishes[asking] = tuple(
            Part(name, name, says, weight, 0 if (broken | unknown) >> number & 1 else FULL)
            for number, ((name, says), weight) in enumerate(zip(CONDITIONS.items(), weights, strict=True))
            if weight
        )
    distance = float(pair.distance[0])
    orders = int(getattr(pair, f"score_{settings.direction}")[0])
    return Explanation(
        vacancy_id=ranker.vacancies.records.ids[vacancy],
        profile_id=ranker.profiles.records.ids[profile],
        as_of=settings.as_of,
        vacancy=_coverage(
            space, ranker.vacancy_weights, vacancy, ranker.profiles, profile, wishes["vacancy"]
        ),
        profile=_coverage(
            space, ranker.profile_weights, profile, ranker.vacancies, vacancy, wishes["profile"]
        ),
        score_mutual=int(pair.score_mutual[0]),
        distance_km=None if np.isnan(distance) else distance,
        broken=tuple(names(broken & counts)),
        unknown=tuple(names(unknown & counts)),
        excluded_by=(
            *names((broken | (unknown if settings.strict else 0)) & required),
            *(("radius",) if settings.radius_km is not None and not distance <= settings.radius_km else ()),
            *(("score",) if orders == 0 else ()),
        ),
        suggested={name: SUGGESTED[name] for name in settings.applied},
        preferred=dict(settings.preferred),
        applied=settings.applied,
        taxonomy=space.taxonomy.version,
    )


def _coverage(
    space: FeatureSpace,
    weights: Sparse,
    asking: int,
    covering: Encoded,
    covered: int,
    wishes: tuple[Part, ...],
) -> Coverage:
    asked, shares = _row(weights, asking)
    degrees = dict(zip(*(each.tolist() for each in _row(covering.covers, covered)), strict=True))
    own = list(zip(*(each.tolist() for each in _row(covering.has, covered)), strict=True))
    parts = list(wishes)
    for feature, weight in zip(asked.tolist(), shares.tolist(), strict=True):
        degree = degrees.get(feature, 0)
        nearest = _nearest(space, own, feature, degree) if degree else None
        parts.append(
            Part(
                GROUPS[space.group[feature]],
                space.codes[feature],
                space.label(feature),
                weight,
                degree,
                "" if nearest is None else space.codes[nearest],
                "" if nearest is None else space.label(nearest),
            )
        )
    parts.sort(key=lambda part: (-part.points, -part.weight, part.group, part.code))
    return Coverage(sum(part.points for part in parts), tuple(parts))


def _row(rows: Sparse, row: int) -> tuple[NDArray[np.int32], NDArray[np.generic]]:
    part = slice(rows.indptr[row], rows.indptr[row + 1])
    return rows.features[part], rows.values[part]


def _nearest(space: FeatureSpace, own: list[tuple[int, int]], asked: int, degree: int) -> int:
    """The own feature by which the asked one is covered to this degree, itself first, then the lowest
    code."""
    ways = [feature for feature, had in own if space.degree(feature, asked, had) == degree]
    return asked if asked in ways else min(ways, key=lambda feature: space.codes[feature])
