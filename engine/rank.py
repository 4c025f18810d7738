"""Ranking: the best candidates of every asking record, in one total order, conditions first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from data.reference import NO_LOCATION
from engine.blocks import Candidates, lay_out, take_facts, take_rows
from engine.columns import Columns, day_number, row_pointers
from engine.conditions import CONDITIONS, Settings, bits, can_wish, names
from engine.features import GROUPS, IDF_UNIT, stable_hash
from engine.kernels import (
    CELL,
    FULL,
    UNIT,
    Asking,
    Best,
    Rules,
    Sought,
    Sparse,
    Work,
    apportion,
    check_pairs,
    pair_scores,
    settle,
)
from engine.kernels import rank as rank_rows
from engine.signature import in_vain, refusals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.encode import Encoded
    from engine.features import FeatureSpace

TILE: Final = 256
"""Asking records that one thread ranks at a time, each block of candidates for all of them before the
next."""

WISH_IDF: Final = IDF_UNIT // 2
"""A wish is neither rare nor common: it claims as much as a feature of middling rarity."""

_MILLI: Final = 1000

_PAIR: Final = (
    "vacancy",
    "profile",
    "rank",
    "score_vacancy",
    "score_profile",
    "score_mutual",
    "distance",
    "unknown",
)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ranked pairs, sorted by asking record, then by rank. Row i of every array is the same pair.

    Attributes
    ----------
    vacancies, profiles : the collections that the rows point into.
    direction : which of the three scores the order is by.
    vacancy, profile : int32 (m,), rows.
    rank : int32 (m,), 1 is the best.
    score_vacancy, score_profile, score_mutual : int32 (m,), 0..2**22; divide by `UNIT` for 0..1.
    distance : float64 (m,), km, to the metre; NaN where one of the two has no location.
    unknown : uint16 (m,), bit set of the conditions that count and could not be checked; see
        `engine.conditions.names`.
    """

    vacancies: Encoded
    profiles: Encoded
    direction: str
    vacancy: NDArray[np.int32]
    profile: NDArray[np.int32]
    rank: NDArray[np.int32]
    score_vacancy: NDArray[np.int32]
    score_profile: NDArray[np.int32]
    score_mutual: NDArray[np.int32]
    distance: NDArray[np.float64]
    unknown: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.rank)

    def frame(self) -> pl.DataFrame:
        """Return the pairs as a frame.

        Columns: vacancy_id and profile_id (String), rank (Int32), score, score_vacancy, score_profile and
        score_mutual (Float64, 0..1), distance_km (Float64, null where there is none), unknown (List of
        String: names of conditions).
        """
        by = {"vacancy": self.score_vacancy, "profile": self.score_profile, "mutual": self.score_mutual}
        seen, position = np.unique(self.unknown, return_inverse=True)
        unknown = pl.Series([names(each) for each in seen.tolist()], dtype=pl.List(pl.String))
        return pl.DataFrame(
            {
                "vacancy_id": pl.Series(self.vacancies.records.ids, dtype=pl.String).gather(self.vacancy),
                "profile_id": pl.Series(self.profiles.records.ids, dtype=pl.String).gather(self.profile),
                "rank": self.rank,
                "score": by[self.direction] / UNIT,
                "score_vacancy": self.score_vacancy / UNIT,
                "score_profile": self.score_profile / UNIT,
                "score_mutual": self.score_mutual / UNIT,
                "distance_km": pl.Series(self.distance, nan_to_null=True),
                "unknown": unknown.gather(position),
            }
        )


class Ranker:
    """Ranks two collections against each other under fixed settings: made once, asked many times.

    Parameters
    ----------
    vacancies, profiles : encoded in the same feature space, on the day of the settings.
    space : that space.
    settings : direction, weights and conditions.
    allowed : bool (n_candidates,), which candidates may be ranked, by default all. What may not be shared is
        left out here, before anything is scored.
    candidates : the candidates laid out, where that was done before.

    Raises ValueError where `allowed` has another length, or a collection was encoded on another day.

    Attributes
    ----------
    asking, candidates : the two collections by their part: vacancies ask, unless the direction is "profile".
    vacancy_weights, profile_weights : Sparse uint16; each row adds up to 2**15, wishes included, or to 0.
    wishes : uint16 (n_asking, n_conditions) weights of wished conditions, or (0, 0) without wishes.
    """

    def __init__(
        self,
        vacancies: Encoded,
        profiles: Encoded,
        space: FeatureSpace,
        settings: Settings,
        allowed: NDArray[np.bool_] | None = None,
        candidates: Candidates | None = None,
    ) -> None:
        self.vacancies, self.profiles, self.space, self.settings = vacancies, profiles, space, settings
        self._vacancies_ask = settings.direction != "profile"
        self.asking, self.candidates = (vacancies, profiles) if self._vacancies_ask else (profiles, vacancies)
        if allowed is not None and len(allowed) != len(self.candidates):
            raise ValueError(f"allowed tells of {len(allowed)} candidates, not {len(self.candidates)}")
        for encoded in (vacancies, profiles):
            if encoded.as_of != settings.as_of:
                raise ValueError(f"encoded as of {encoded.as_of}, to be ranked as of {settings.as_of}")
        today = day_number(settings.as_of)
        self._refused = refusals(self.asking.records, settings.required, today)
        self._required, self._wished = bits(settings.required), bits(settings.wished)
        asked, self.wishes = weigh(self.asking, space, settings)
        # The other side doesn't ask, so what it wants weighs as suggested, and its wishes are not known.
        known = None if candidates is None else candidates.wanted
        wanted = weigh(self.candidates, space, Settings(settings.as_of))[0] if known is None else known
        self.vacancy_weights, self.profile_weights = (
            (asked, wanted) if self._vacancies_ask else (wanted, asked)
        )
        self._weights, self._wanted = asked, wanted
        self._laid_out = candidates or lay_out(self.candidates)
        asking_facts = take_facts(self.asking.records.columns)
        rows, mutual = self._laid_out.rows, settings.direction == "mutual"
        if known is None:
            facts = take_facts(self.candidates.records.columns)
            # Who breaks a condition with everybody needn't be looked at.
            may = ~in_vain(self.candidates.records, settings.required, today)
            if allowed is not None:
                may &= allowed
            wanted, may = take_rows(wanted, rows if mutual else rows[:0]), may[rows]
        else:
            # The rows of an index stand in the order of its layout: one question needn't go through them all.
            facts = self._laid_out.facts
            may = np.ones(len(rows), np.bool_) if allowed is None else allowed
        self._facts = [asking_facts, facts] if self._vacancies_ask else [facts, asking_facts]
        self._sought = Sought(
            facts=self._laid_out.facts,
            blocks=self._laid_out.blocks,
            wanted=wanted,
            allowed=may,
            sources=np.ones(len(self.candidates.records.sources), np.bool_),
        )
        radius = settings.radius_km
        self._rules = Rules(
            vacancies_ask=self._vacancies_ask,
            mutual=mutual,
            radius=-1 if radius is None else (1000 * radius) ** 2,
            required=self._required,
            strict=settings.strict,
            today=today,
            k=0,
        )

    def rank(self, k: int, first: int = 0, last: int | None = None, *, threads: int = 1) -> Ranking:
        """Rank the best k candidates of the asking records [first:last], by default of all.

        A record gets fewer than k where fewer candidates meet the required conditions and score above 0. The
        answer doesn't depend on `threads`.
        """
        blocks = list(self.blocks(k, first, last, threads=threads))
        blocks = blocks or [self._block(k, 0, 0)]
        if len(blocks) == 1:
            return blocks[0]
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(block, name) for block in blocks]) for name in _PAIR
        }
        return replace(blocks[0], **arrays)

    def blocks(
        self, k: int, first: int = 0, last: int | None = None, *, threads: int = 1
    ) -> Iterator[Ranking]:
        """Yield the same in blocks of up to `TILE` asking records, in their order, as they become ready."""
        rows = range(len(self.asking))[first:last]
        if threads == 1:
            for start in rows[::TILE]:
                yield self._block(k, start, min(start + TILE, rows.stop))
            return
        ahead: deque[Future[Ranking]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for start in rows[::TILE]:
                    if len(ahead) == 2 * threads:
                        yield ahead.popleft().result()
                    ahead.append(pool.submit(self._block, k, start, min(start + TILE, rows.stop)))
                while ahead:
                    yield ahead.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _block(self, k: int, first: int, last: int) -> Ranking:
        n, k = last - first, min(k, len(self.candidates))
        covers = self.asking.covers_of(first, last)
        facts = self._facts[0 if self._vacancies_ask else 1]
        best = room_for(n, k)
        work = room_to_work(self._sought.blocks.size, self._weights.indptr[first : last + 1])
        rules = self._rules._replace(k=k)
        if k:
            rank_rows(
                first,
                last,
                Asking(facts, self._weights, self.wishes, self._refused, covers),
                self._sought,
                rules,
                work,
                best,
            )
            settle(k, best)
        place = np.arange(1, k + 1, dtype=np.int32)
        filled = place <= best.size[:, None]
        found = self._laid_out.rows[best.row[:, :k][filled]]
        asking = np.repeat(np.arange(first, last, dtype=np.int32), best.size)
        place = np.broadcast_to(place, filled.shape)[filled]
        other = np.zeros(len(place), np.int32)
        pair_scores(self._wanted, covers, found, asking - np.int32(first), self._no_degrees(), other)
        return self._pairs(asking, found, place, best.own[:, :k][filled], other)

    def _pairs(
        self,
        asking: NDArray[np.int32],
        candidates: NDArray[np.int32],
        place: NDArray[np.int32],
        own: NDArray[np.int32],
        other: NDArray[np.int32],
    ) -> Ranking:
        """All that is told about pairs, from the scores of both sides."""
        vacancy, profile = (asking, candidates) if self._vacancies_ask else (candidates, asking)
        score_vacancy, score_profile = (own, other) if self._vacancies_ask else (other, own)
        _, unknown = self.conditions(vacancy, profile)
        a, b = score_vacancy.astype(np.int64), score_profile.astype(np.int64)
        vacancy_columns, profile_columns = self.vacancies.records.columns, self.profiles.records.columns
        return Ranking(
            vacancies=self.vacancies,
            profiles=self.profiles,
            direction=self.settings.direction,
            vacancy=vacancy,
            profile=profile,
            rank=place,
            score_vacancy=score_vacancy,
            score_profile=score_profile,
            score_mutual=harmonic_means(a, b),
            distance=distances(vacancy_columns, vacancy, profile_columns, profile),
            unknown=unknown & np.uint16(self._required | self._wished),
        )

    def pair(self, vacancy: int, profile: int) -> Ranking:
        """Score one pair of rows, whether it would be ranked or not; its rank is 0."""
        rows = np.array([vacancy], np.int32), np.array([profile], np.int32)
        asking, candidate = rows if self._vacancies_ask else rows[::-1]
        own, other, only = np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.int32)
        a, c = int(asking[0]), int(candidate[0])
        pair_scores(self._weights, self.candidates.covers_of(c, c + 1), asking, only, self._no_degrees(), own)
        pair_scores(self._wanted, self.asking.covers_of(a, a + 1), candidate, only, self._no_degrees(), other)
        if len(self.wishes):
            broken, unknown = self.conditions(*rows)
            met = ~(broken | unknown) >> np.arange(len(CONDITIONS), dtype=np.uint16) & 1
            own += np.int32(self.wishes[a].astype(np.int64) @ met) * np.int32(FULL)
        return self._pairs(asking, candidate, np.zeros(1, np.int32), own, other)

    def _no_degrees(self) -> NDArray[np.uint8]:
        return np.zeros(len(self.space), np.uint8)

    def conditions(
        self, vacancy: NDArray[np.int32], profile: NDArray[np.int32]
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return what pairs break and what can't be checked: uint16 (m,) bit sets over all conditions."""
        broken, unknown = np.zeros((2, len(vacancy)), np.uint16)
        vacancies, profiles = self._facts
        check_pairs(vacancies, profiles, vacancy, profile, self._rules.today, broken, unknown)
        return broken, unknown


def room_for(n: int, k: int) -> Best:
    """Return a `Best` for n asking records that keeps k each."""
    room = k + 64
    return Best(
        size=np.zeros(n, np.int32),
        key=np.zeros((n, room), np.int64),
        tie=np.zeros((n, room), np.uint64),
        row=np.zeros((n, room), np.int32),
        own=np.zeros((n, room), np.int32),
        last_key=np.zeros(n, np.int64),
        last_tie=np.zeros(n, np.uint64),
        last_row=np.zeros(n, np.int32),
    )


def room_to_work(size: int, indptr: NDArray[np.int64]) -> Work:
    """Return a `Work` for blocks of `size` and asking records whose features `indptr` points to."""
    n = int(np.diff(indptr).max(initial=0)) + 3
    return Work(
        scores=np.zeros(size, np.int32),
        runs=np.zeros((size // CELL, 2), np.int64),
        dense_row=np.zeros(n, np.int32),
        dense_weight=np.zeros(n, np.int32),
        begin=np.zeros(n, np.int64),
        end=np.zeros(n, np.int64),
        weight=np.zeros(n, np.int32),
    )


def weigh(encoded: Encoded, space: FeatureSpace, settings: Settings) -> tuple[Sparse, NDArray[np.uint16]]:
    """Share 2**15 out over what each record asks: inverse document frequency times the weight of the group.

    Returns
    -------
    (Sparse uint16, aligned with `encoded.asks`; uint16 (n, n_conditions), weights of the wished conditions, 0
    where a record can't wish for one, or (0, 0) without wishes). Weights and wishes of a record add up to
    2**15, or to 0 where it asks nothing.
    """
    asks, n, n_features = encoded.asks, len(encoded), len(space)
    milli = {name: round(weight * _MILLI) for name, weight in settings.applied.items()}
    claims = space.idf.astype(np.int64) * np.array([milli[group] for group in GROUPS], np.int64)[space.group]
    if not settings.wished:
        return Sparse(
            asks.indptr, asks.features, apportion(asks.indptr, asks.features, claims, space.order)
        ), (np.zeros((0, 0), np.uint16))
    # A wish takes its share as a feature behind the others would.
    conditions = list(CONDITIONS)
    wish_rows, wish_numbers = np.nonzero(
        np.stack(
            [can_wish(encoded.records, name) & (name in settings.wished) for name in conditions],
            axis=1,
        )
    )
    rows = np.concatenate([np.repeat(np.arange(n), np.diff(asks.indptr)), wish_rows])
    features = np.concatenate([asks.features, (n_features + wish_numbers).astype(np.int32)])
    order = np.argsort(rows, kind="stable")
    indptr = row_pointers(rows, n)
    weights = np.empty(len(rows), np.uint16)
    weights[order] = apportion(
        indptr,
        features[order],
        np.concatenate([claims, [WISH_IDF * milli.get(name, 0) for name in conditions]]),
        np.concatenate([space.order, [np.uint64(stable_hash("condition", name)) for name in conditions]]),
    )
    wishes = np.zeros((n, len(conditions)), np.uint16)
    wishes[wish_rows, wish_numbers] = weights[len(asks.features) :]
    return Sparse(asks.indptr, asks.features, weights[: len(asks.features)]), wishes


def harmonic_means(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int32]:
    """`engine.kernels.harmonic_mean` of each pair, int32 (m,)."""
    means: NDArray[np.int64] = 2 * a * b // np.maximum(a + b, 1)
    return means.astype(np.int32)


def distances(
    a: Columns, rows_a: NDArray[np.int32], b: Columns, rows_b: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Distance of pairs of rows, float64 (m,), km, to the metre; NaN where one of the two has no location."""
    dx = a.x[rows_a].astype(np.float64) - b.x[rows_b]
    dy = a.y[rows_a].astype(np.float64) - b.y[rows_b]
    known = (a.x[rows_a] != NO_LOCATION) & (b.x[rows_b] != NO_LOCATION)
    return np.where(known, np.rint(np.sqrt(dx * dx + dy * dy)) / 1000, np.nan)
