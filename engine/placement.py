"""One asking record against an index: its best candidates of some sources, and the parts of each score.

What is told of the best costs as much as they are, not as the index is. Where there are records from
elsewhere, the best of the index are taken out of it, and ranked once more together with those.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.dataset import ID_FIELDS
from engine.columns import day_number
from engine.conditions import CONDITIONS, Settings
from engine.encode import renumbered
from engine.explain import Explanation, explain
from engine.features import GROUPS
from engine.kernels import FULL, MISSING_DATE, find_degrees
from engine.merge import MergedRanker, join, keys_of, spread, take_of
from engine.rank import Ranker, Ranking, weigh

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from data.question import Question
    from engine.encode import Encoded
    from engine.features import FeatureSpace
    from engine.index import Collection, MatchIndex

__all__ = ["Gap", "Placement", "pair_of", "place", "rehearse"]


class Gap(NamedTuple):
    """Something that is asked and not wholly covered.

    Attributes
    ----------
    group, code, label : of the feature; of a wished condition its name, its name and what it says.
    points : what it costs of the score, 1..2**22.
    """

    group: str
    code: str
    label: str
    points: int


@dataclass(frozen=True, eq=False)
class Placement:
    """The best candidates of one asking record. Row i of everything is the candidate of rank i + 1.

    Attributes
    ----------
    asking : the asking record.
    among : the collections that hold the candidates, in one feature space; their rows count through all.
    space, settings : by which they were ranked.
    ranking : the pairs, which point into both.
    sources, ids : of the candidates.
    """

    asking: Encoded
    among: Sequence[Encoded]
    space: FeatureSpace
    settings: Settings
    ranking: Ranking
    sources: list[str]
    ids: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def ranker(self) -> Ranker:
        """Ranks the asking record and the candidates, and no others."""
        best = take_of(self.among, _candidates(self.ranking, self.settings))
        return Ranker(*_pair(self.asking, best, self.settings), self.space, self.settings)

    def _pairs(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The rows of the pairs in `ranker`: of vacancies, and of profiles."""
        asking, candidates = np.zeros(len(self), np.int32), np.arange(len(self), dtype=np.int32)
        return (asking, candidates) if self.settings.direction != "profile" else (candidates, asking)

    def explain(self, row: int) -> Explanation:
        """Explain the place of one candidate; see `engine.explain`."""
        return explain(self.ranker, *(int(rows[row]) for rows in self._pairs()))

    def parts(self, gaps: int | None = None) -> tuple[dict[str, NDArray[np.int64]], list[list[Gap]]]:
        """Give the points of all candidates by group that is asked, (m,) each, and the gaps of every one.

        They are those of `explain`, on the side of the asking record; the points add up to its score. Groups
        come in the order of `GROUPS`, conditions behind them; gaps, costliest first, in that of `explain`.

        gaps : at most so many of each candidate, by default all.
        """
        names, weights, degrees = self._asked()
        points = weights * degrees
        costs = weights * FULL - points
        columns: dict[str, list[int]] = {}
        for at, (group, *_) in enumerate(names):
            columns.setdefault(group, []).append(at)
        # Candidates have most gaps in common.
        gap = cache(lambda at, points: Gap(*names[at], points))
        order = np.argsort(-costs, axis=1, kind="stable")[:, :gaps].tolist()
        return (
            {
                group: points[:, columns[group]].sum(axis=1)
                for group in (*GROUPS, *CONDITIONS)
                if group in columns
            },
            [
                [gap(at, told[at]) for at in costliest if told[at]]
                for costliest, told in zip(order, costs.tolist(), strict=True)
            ],
        )

    def _asked(self) -> tuple[list[tuple[str, str, str]], NDArray[np.int64], NDArray[np.uint8]]:
        """Name what is asked; its weights (f,), and the degrees to which each candidate covers it (m, f).

        Most weight first, then by name. The numbers of features may not decide: they tell which codes other
        records have.
        """
        space = self.space
        (_, features, weights), wishes = weigh(self.asking, space, self.settings)
        column = np.full(len(space), -1, np.int32)
        column[features] = np.arange(len(features))
        degrees = np.zeros((len(self), len(features)), np.uint8)
        for part, at, own in spread(self.among, _candidates(self.ranking, self.settings)):
            find_degrees(own, part.has, part.reach, column, at, degrees)
        names = [
            (GROUPS[group], space.codes[feature], space.label(feature))
            for group, feature in zip(space.group[features].tolist(), features.tolist(), strict=True)
        ]
        weights = weights.astype(np.int64)
        if len(wishes):
            broken, unknown = self.ranker.conditions(*self._pairs())
            wished = np.flatnonzero(wishes[0])
            met = ~(broken | unknown)[:, None] >> wished.astype(np.uint16) & 1
            names += [
                (name, name, says) for name, says in np.array(list(CONDITIONS.items()))[wished].tolist()
            ]
            weights = np.concatenate([weights, wishes[0][wished].astype(np.int64)])
            degrees = np.concatenate([degrees, met.astype(np.uint8) * np.uint8(FULL)], axis=1)
        heaviest = (-weights).tolist()
        by_weight = sorted(range(len(names)), key=lambda at: (heaviest[at], names[at]))
        return [names[at] for at in by_weight], weights[by_weight], degrees[:, by_weight]


def place(
    index: MatchIndex,
    asking: Encoded,
    settings: Settings,
    sources: Names[str],
    k: int,
    *,
    today: date,
    question: Question | None = None,
    beside: Sequence[Encoded] = (),
) -> Placement:
    """Find the best k candidates of one asking record.

    Parameters
    ----------
    index : holds the candidates.
    asking : one record, encoded by the index: a vacancy, unless the direction is "profile".
    settings : as of the day of the index.
    sources : whose candidates of the index may be ranked.
    k : how many, 1 or more.
    today : vacancies of the index that closed before are left out, whatever its day.
    question : only candidates of the index that satisfy it are ranked.
    beside : candidates from elsewhere, encoded by the index.
    """
    among = index.profiles if settings.direction != "profile" else index.vacancies
    space, known = index.space.extension(), index.manifest["features"]
    asking, *elsewhere = (renumbered(each, space, known) for each in (asking, *beside))
    collections = among.parts
    ranking = _search(among, asking, space, settings, sources, today, question).rank(k)
    if elsewhere:
        best = join([take_of(collections, _candidates(ranking, settings)), *elsewhere])
        collections, ranking = [best], Ranker(*_pair(asking, best, settings), space, settings).rank(k)
    keys = keys_of(collections, _candidates(ranking, settings))
    return Placement(asking, collections, space, settings, ranking, *keys)


def pair_of(index: MatchIndex, vacancy: Encoded, profile: Encoded, settings: Settings) -> Ranker:
    """Give the ranker of one vacancy and one profile, encoded by the index, to explain them."""
    space, known = index.space.extension(), index.manifest["features"]
    return Ranker(renumbered(vacancy, space, known), renumbered(profile, space, known), space, settings)


def rehearse(index: MatchIndex, sources: Names[str]) -> None:
    """Rank and explain for a vacancy and a profile that say nothing, so that all kernels are loaded.

    sources : some of the index.
    """
    nobody = {side: index.encode([{id_field: ""}], side, "") for side, id_field in ID_FIELDS.items()}
    vacancy, profile, today = nobody["vacature"], nobody["werkzoekende"], index.as_of
    plain = Settings(today)
    # Changed records and those from elsewhere have other types than those of the index; wishes call more.
    for settings, elsewhere in ((plain, False), (plain.with_wishes("hours"), True)):
        place(index, vacancy, settings, sources, 1, today=today, beside=[profile] * elsewhere).parts()
        settings = replace(settings, direction="profile")
        place(index, profile, settings, sources, 1, today=today, beside=[vacancy] * elsewhere).parts()
    explain(pair_of(index, vacancy, profile, plain), 0, 0)


def _search(
    among: Collection,
    asking: Encoded,
    space: FeatureSpace,
    settings: Settings,
    sources: Names[str],
    today: date,
    question: Question | None,
) -> Ranker | MergedRanker:
    satisfying = None if question is None else among.select(question, sources).rows
    may_have_closed = among.side == "vacature" and today > among.encoded.as_of
    rankers, first = [], 0
    for laid_out, allowed in among.rankable(sources, settings.required):
        encoded = laid_out.encoded
        if may_have_closed:
            closing = encoded.records.columns.closing
            allowed = allowed & ((closing == MISSING_DATE) | (closing >= day_number(today)))
        if satisfying is not None:
            inside = np.zeros(len(encoded), np.bool_)
            own = satisfying[(satisfying >= first) & (satisfying < first + len(encoded))]
            inside[own - first] = True
            allowed = allowed & inside
        rankers.append(Ranker(*_pair(asking, encoded, settings), space, settings, allowed, laid_out))
        first += len(encoded)
    return MergedRanker(rankers) if len(rankers) > 1 else rankers[0]


def _candidates(ranking: Ranking, settings: Settings) -> NDArray[np.int32]:
    return ranking.profile if settings.direction != "profile" else ranking.vacancy


def _pair(asking: Encoded, candidates: Encoded, settings: Settings) -> tuple[Encoded, Encoded]:
    return (asking, candidates) if settings.direction != "profile" else (candidates, asking)
