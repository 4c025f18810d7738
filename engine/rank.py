"""Ranking: the best candidates of every asking record, in one total order, conditions first."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from engine.blocks import Candidates, feature_type, lay_out, pointer_type, take_facts, take_rows
from engine.columns import day_number, row_pointers
from engine.conditions import CONDITIONS, Settings, bits, can_wish, names
from engine.features import GROUPS, IDF_UNIT, stable_hash
from engine.kernels import (
    FULL,
    UNIT,
    Asking,
    Rules,
    Sought,
    Sparse,
    answer,
    apportion,
    check_pairs,
    measure_pairs,
    pair_scores,
)
from engine.signature import in_vain, refusals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.standard import Side
    from engine.encode import Encoded
    from engine.features import FeatureSpace
    from engine.kernels import Facts

TILE: Final = 2048
"""The most asking records that one thread ranks at a time, each block of candidates for all of them before
the next: so a block is fetched into the nearer caches once for many."""

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

    def frame(self, named: Collection[Side] | None = None) -> pl.DataFrame:
        """Return the pairs as a frame.

        named : the sides whose sources are told; by default those of which any source has a name.

        Columns: vacancy_id and profile_id (String), rank (Int32), score, score_vacancy, score_profile and
        score_mutual (Float64, 0..1), distance_km (Float64, null where there is none), unknown (List of
        String: names of conditions). Where sources are told, vacancy_source and profile_source (String) come
        before the id, which is unique within its source only.
        """
        told = named_sides(self.vacancies, self.profiles) if named is None else named
        keys: dict[str, pl.Series] = {}
        for name, records, rows in (
            ("vacancy", self.vacancies.records, self.vacancy),
            ("profile", self.profiles.records, self.profile),
        ):
            if records.side in told:
                keys[f"{name}_source"] = records.sources_of(rows)
            keys[f"{name}_id"] = records.ids_of(rows)
        by = {"vacancy": self.score_vacancy, "profile": self.score_profile, "mutual": self.score_mutual}
        seen, position = np.unique(self.unknown, return_inverse=True)
        unknown = pl.Series([names(each) for each in seen.tolist()], dtype=pl.List(pl.String))
        return pl.DataFrame(
            {
                **keys,
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
        self._required, self._wished = bits(settings.required), bits(settings.wished)
        asked, self.wishes = weigh(self.asking, space, settings)
        # The other side doesn't ask, so what it wants weighs as suggested, and its wishes are not known.
        known = None if candidates is None else candidates.wanted
        wanted = weigh(self.candidates, space, Settings(settings.as_of))[0] if known is None else known
        self.vacancy_weights, self.profile_weights = (
            (asked, wanted) if self._vacancies_ask else (wanted, asked)
        )
        self._laid_out = candidates or lay_out(self.candidates)
        rows = self._laid_out.rows
        if known is None:
            # Who breaks a condition with everybody needn't be looked at.
            may = ~in_vain(self.candidates.records, settings.required, today)
            if allowed is not None:
                may &= allowed
            wanted, may = take_rows(wanted, rows), may[rows]
            wanted = wanted._replace(
                indptr=wanted.indptr.astype(pointer_type(wanted.indptr)),
                features=wanted.features.astype(feature_type(len(space))),
            )
        else:
            # The rows of an index stand in the order of its layout: one question needn't go through them all.
            may = np.ones(len(rows), np.bool_) if allowed is None else allowed
        facts = take_facts(self.asking.records.columns)
        self._asking = Asking(
            facts=facts,
            weights=asked,
            wishes=self.wishes,
            refused=refusals(self.asking.records, facts, settings.required, today),
            has=self.asking.has,
            reach=self.asking.reach,
            expected=np.zeros(len(self.asking), np.int32),
        )
        self._sought = Sought(
            facts=self._laid_out.facts,
            blocks=self._laid_out.blocks,
            rows=rows,
            wanted=wanted,
            allowed=may,
            sources=np.ones(len(self.candidates.records.sources), np.bool_),
        )
        radius = settings.radius_km
        self._rules = Rules(
            vacancies_ask=self._vacancies_ask,
            mutual=settings.direction == "mutual",
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
        rows = range(len(self.asking))[first:last]
        if len(rows) <= tile(len(rows), threads):
            return self._block(k, rows.start, rows.start + len(rows))
        blocks = list(self.blocks(k, first, last, threads=threads))
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(block, name) for block in blocks]) for name in _PAIR
        }
        return replace(blocks[0], **arrays)

    def blocks(
        self, k: int, first: int = 0, last: int | None = None, *, threads: int = 1
    ) -> Iterator[Ranking]:
        """Yield the same in blocks of `tile` asking records, in their order, as they become ready."""
        rows = range(len(self.asking))[first:last]
        size = tile(len(rows), threads)
        if threads == 1:
            for start in rows[::size]:
                yield self._block(k, start, min(start + size, rows.stop))
            return
        ahead: deque[Future[Ranking]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for start in rows[::size]:
                    if len(ahead) == 2 * threads:
                        yield ahead.popleft().result()
                    ahead.append(pool.submit(self._block, k, start, min(start + size, rows.stop)))
                while ahead:
                    yield ahead.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def expect(self, scores: NDArray[np.int32]) -> None:
        """Say which score the last of the best of each record will likely reach, int32 (n_asking,); 0: any.

        A good guess saves most of the time where k or more candidates are found. No guess changes the answer.
        """
        self._asking = self._asking._replace(expected=scores)

    def _block(self, k: int, first: int, last: int) -> Ranking:
        rules = self._rules._replace(k=min(k, len(self.candidates)))
        return self._pairs(*answer(first, last, self._asking, self._sought, rules))

    def _pairs(
        self,
        asking: NDArray[np.int32],
        candidates: NDArray[np.int32],
        place: NDArray[np.int32],
        own: NDArray[np.int32],
        other: NDArray[np.int32],
        distance: NDArray[np.float64],
        unknown: NDArray[np.uint16],
    ) -> Ranking:
        """All that is told about pairs, by what they are and what was found out about them."""
        vacancy, profile = (asking, candidates) if self._vacancies_ask else (candidates, asking)
        score_vacancy, score_profile = (own, other) if self._vacancies_ask else (other, own)
        return Ranking(
            vacancies=self.vacancies,
            profiles=self.profiles,
            direction=self.settings.direction,
            vacancy=vacancy,
            profile=profile,
            rank=place,
            score_vacancy=score_vacancy,
            score_profile=score_profile,
            score_mutual=harmonic_means(own, other),
            distance=distance,
            unknown=unknown & np.uint16(self._required | self._wished),
        )

    def pair(self, vacancy: int, profile: int) -> Ranking:
        """Score one pair of rows, whether it would be ranked or not; its rank is 0."""
        rows = np.array([vacancy], np.int32), np.array([profile], np.int32)
        only = np.zeros(1, np.int32)
        covers = self.vacancies.covers_of(vacancy, vacancy + 1), self.profiles.covers_of(profile, profile + 1)
        scores, degree = np.zeros((2, 1), np.int32), np.zeros(len(self.space), np.uint8)
        pair_scores(self.vacancy_weights, covers[1], rows[0], only, degree, scores[0])
        pair_scores(self.profile_weights, covers[0], rows[1], only, degree, scores[1])
        (own, other), (asking, candidates) = (
            (scores, rows) if self._vacancies_ask else (scores[::-1], rows[::-1])
        )
        broken, unknown = self.conditions(*rows)
        if len(self.wishes):
            met = ~(broken | unknown) >> np.arange(len(CONDITIONS), dtype=np.uint16) & 1
            own += np.int32(self.wishes[asking[0]].astype(np.int64) @ met) * np.int32(FULL)
        distance = np.zeros(1)
        measure_pairs(*self._facts, *rows, distance)
        return self._pairs(asking, candidates, only, own, other, distance, unknown)

    def conditions(
        self, vacancy: NDArray[np.int32], profile: NDArray[np.int32]
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return what pairs break and what can't be checked: uint16 (m,) bit sets over all conditions."""
        broken, unknown = np.zeros((2, len(vacancy)), np.uint16)
        vacancies, profiles = self._facts
        check_pairs(vacancies, profiles, vacancy, profile, self._rules.today, broken, unknown)
        return broken, unknown

    @cached_property
    def _facts(self) -> tuple[Facts, Facts]:
        """Facts of vacancies and of profiles, in the order of their rows."""
        asking, candidates = self._asking.facts, self._laid_out.facts
        if self._laid_out.wanted is None:
            candidates = take_facts(self.candidates.records.columns)
        return (asking, candidates) if self._vacancies_ask else (candidates, asking)


def named_sides(*collections: Encoded) -> set[Side]:
    """Return the sides of these collections in which any source has a name."""
    return {each.records.side for each in collections if any(each.records.sources)}


def tile(n: int, threads: int) -> int:
    """Return how many of n asking records stand in one block of a ranking: up to `TILE`, as many for each
    thread."""
    return max(1, min(TILE, -(-n // threads)))


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


def harmonic_means(a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.int32]:
    """`engine.kernels.harmonic_mean` of each pair, int32 (m,)."""
    total = np.maximum(a + b, 1)
    means: NDArray[np.int64] = 2 * a.astype(np.int64) * b // total
    return means.astype(np.int32)
