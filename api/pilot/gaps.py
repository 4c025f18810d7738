"""What is missing: the skills that stand between candidates and vacancies, and occupations by tension."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from api.pilot.isco import SUB_MAJOR
from engine import UNIT
from engine.features import SKILL
from engine.kernels import FULL
from engine.merge import take

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from api.pilot.reach import Reach
    from api.pilot.world import World
    from engine.columns import Records
    from engine.features import FeatureSpace
    from engine.kernels import Sparse
    from engine.rank import Ranker, Ranking

SHOWN: Final = 15
"""How many skills and occupations are told."""

_NEAR: Final = 0.15
"""How far below suitable a candidate may score for one skill to be looked for that would lift it."""


@dataclass
class Gaps:
    """Counts, from rankings that it is shown, which skills candidates of vacancies lack.

    Parameters
    ----------
    space : of the features.
    suitable : from which score, 0..1, a candidate is suitable.
    top : how long a top list is.

    Attributes
    ----------
    asked, lacking : for a skill, in how many places of top lists it is asked, and how often it is lacking
        there: the profile has neither it nor anything that covers it in part.
    vacancies : for a skill, how many vacancies with a top list ask it.
    lifts : for a skill, the candidates just below suitable that it alone would lift, rows of profiles.
    """

    space: FeatureSpace
    suitable: float
    top: int
    asked: Counter[int] = field(default_factory=Counter)
    lacking: Counter[int] = field(default_factory=Counter)
    vacancies: Counter[int] = field(default_factory=Counter)
    lifts: dict[int, set[int]] = field(default_factory=dict)

    def see(self, ranking: Ranking, ranker: Ranker) -> None:
        """Count the skills of a ranking of vacancies, in which each has all its candidates."""
        listed = ranking.rank <= self.top
        vacancy, feature, _, degree, _ = self._asked_skills(ranking, ranker, listed)
        self.asked.update(feature.tolist())
        self.lacking.update(feature[degree == 0].tolist())
        pairs = np.unique(np.stack([vacancy, feature]), axis=1)
        self.vacancies.update(pairs[1].tolist())

        bar = round(self.suitable * UNIT)
        near = (ranking.score_vacancy < bar) & (ranking.score_vacancy >= bar - round(_NEAR * UNIT))
        _, feature, weight, degree, pair = self._asked_skills(ranking, ranker, near)
        lifts = ranking.score_vacancy[pair] + weight * (FULL - degree) >= bar
        for skill, profile in zip(
            feature[lifts].tolist(), ranking.profile[pair[lifts]].tolist(), strict=True
        ):
            self.lifts.setdefault(skill, set()).add(profile)

    def _asked_skills(
        self, ranking: Ranking, ranker: Ranker, chosen: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], ...]:
        """The skills that the vacancies of chosen pairs ask.

        Gives, an element for each pair and skill: the vacancy, the feature, its weight, the degree to which
        the profile covers it, and which pair of the ranking it is.
        """
        pairs = np.flatnonzero(chosen)
        weights = ranker.vacancy_weights
        start = weights.indptr[ranking.vacancy[pairs]]
        counts = weights.indptr[ranking.vacancy[pairs] + 1] - start
        pair = np.repeat(pairs, counts)
        element = (
            np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(start, counts)
        )
        is_skill = self.space.group[weights.features[element]] == SKILL
        pair, element = pair[is_skill], element[is_skill]
        feature = weights.features[element].astype(np.int64)
        profiles, place = np.unique(ranking.profile[pair], return_inverse=True)
        covers = take(ranker.profiles, profiles).covers
        degree = degrees_of(covers, len(self.space), place.astype(np.int64), feature)
        return (
            ranking.vacancy[pair].astype(np.int64),
            feature,
            weights.values[element].astype(np.int64),
            degree,
            pair,
        )

    def table(self, minimum: int) -> list[dict[str, Any]]:
        """The skills that are lacking most often; how many jobseekers one lifts is left out where few."""
        most = sorted(self.lacking, key=lambda skill: (-self.lacking[skill], self.space.codes[skill]))
        told = []
        for skill in most[:SHOWN]:
            lifted = len(self.lifts.get(skill, ()))
            told.append(
                {
                    "skill": self.space.label(skill),
                    "code": self.space.codes[skill],
                    "vacancies": self.vacancies[skill],
                    "places": self.asked[skill],
                    "lacking": self.lacking[skill],
                    "share": self.lacking[skill] / self.asked[skill],
                    "jobseekers": None if 0 < lifted < minimum else lifted,
                }
            )
        return told


def degrees_of(
    covers: Sparse, n_features: int, row: NDArray[np.int64], feature: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Look up to what degree, 0..128, rows cover features: int64 (m,)."""
    rows = np.repeat(np.arange(len(covers.indptr) - 1, dtype=np.int64), np.diff(covers.indptr))
    keys = rows * n_features + covers.features
    sought = row * n_features + feature
    if not len(keys):
        return np.zeros(len(sought), np.int64)
    place = np.minimum(np.searchsorted(keys, sought), len(keys) - 1)
    return np.where(keys[place] == sought, covers.values[place], 0).astype(np.int64)


def occupation_table(
    world: World, reach: Reach, profiles: NDArray[np.int32], minimum: int
) -> list[dict[str, Any]]:
    """Tell of groups of occupations in the region how many vacancies there are for how many jobseekers.

    Parameters
    ----------
    reach : of the vacancies in the region.
    profiles : rows of the jobseekers in the region. One counts in each group that it seeks work in.
    minimum : groups that fewer of them seek work in are left out.

    Returns
    -------
    The most vacancies for a jobseeker first; "median" is of the suitable candidates of these vacancies in the
    whole exchange.
    """
    offered = _groups(world, world.vacancies.encoded.records, reach.asking)
    sought = _groups(world, world.profiles.encoded.records, profiles)
    told = []
    for group, rows in offered.items():
        if group in SUB_MAJOR and len(sought.get(group, ())) >= minimum:
            candidates = reach.up_to[np.searchsorted(reach.asking, rows), 3]
            told.append(
                {
                    "group": SUB_MAJOR[group],
                    "isco": group,
                    "vacancies": len(rows),
                    "jobseekers": len(sought[group]),
                    "tension": len(rows) / len(sought[group]),
                    "median": float(np.median(candidates)),
                }
            )
    return sorted(told, key=lambda row: (-row["tension"], row["isco"]))


def _groups(world: World, records: Records, rows: NDArray[np.int32]) -> dict[str, NDArray[np.int64]]:
    """The records among `rows` that name an occupation of each sub-major group, by its two digits."""
    taxonomy, columns = world.space.taxonomy, records.columns
    concepts = taxonomy.occupations.index()
    known = [concepts.get(code) for code in records.occupation_codes]
    group = np.array([-1 if each is None else int(taxonomy.isco[each][:2] or -1) for each in known], np.int64)
    owner = np.repeat(np.arange(len(records)), np.diff(columns.occupation_indptr))
    of_each = group[columns.occupation]
    inside = np.isin(owner, rows) & (of_each >= 0)
    owner, of_each = owner[inside], of_each[inside]
    return {f"{each:02}": np.unique(owner[of_each == each]) for each in np.unique(of_each).tolist()}
