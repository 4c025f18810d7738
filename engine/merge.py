"""Parts of collections, several as one, and a ranking over candidates that stand in several."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from engine.blocks import ragged_rows, take_rows
from engine.columns import Columns, Records
from engine.encode import Encoded
from engine.kernels import FAR, Sparse, mix
from engine.rank import Ranker, Ranking, named_sides

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.standard import Side

_RAGGED: Final = {"language": ("language", "language_levels"), "occupation": ("occupation",)}


def take(encoded: Encoded, rows: NDArray[np.integer[Any]], ids: Sequence[str] | None = None) -> Encoded:
    """Copy these rows of a collection, in their order; with `ids`, under other ids."""
    records, asks, has = encoded.records, take_rows(encoded.asks, rows), take_rows(encoded.has, rows)
    taken: dict[str, NDArray[Any]] = {}
    for name, names in _RAGGED.items():
        places, taken[f"{name}_indptr"] = ragged_rows(getattr(records.columns, f"{name}_indptr"), rows)
        taken |= {each: getattr(records.columns, each)[places] for each in names}
    flat = {name: getattr(records.columns, name)[rows] for name in Columns._fields if name not in taken}
    return replace(
        encoded,
        records=replace(
            records,
            ids=records.names(rows) if ids is None else list(ids),
            columns=Columns(**flat, **taken),
        ),
        asks=asks._replace(features=asks.features.astype(np.int32)),
        has=has._replace(features=has.features.astype(np.int32)),
    )


def spread(
    parts: Sequence[Encoded], rows: NDArray[np.integer[Any]]
) -> Iterator[tuple[Encoded, NDArray[np.intp], NDArray[np.integer[Any]]]]:
    """Yield each part, where among the rows those of it stand, and which rows of the part those are.

    Rows count through the parts, in their order.
    """
    first = 0
    for part in parts:
        at = np.flatnonzero((rows >= first) & (rows < first + len(part)))
        yield part, at, rows[at] - first
        first += len(part)


def keys_of(parts: Sequence[Encoded], rows: NDArray[np.integer[Any]]) -> tuple[list[str], list[str]]:
    """Return source and id of records of several parts, in the order of the rows."""
    sources, ids = [""] * len(rows), [""] * len(rows)
    for part, at, own in spread(parts, rows):
        records = part.records
        for place, source, name in zip(
            at.tolist(), records.columns.source[own].tolist(), records.names(own), strict=True
        ):
            sources[place], ids[place] = records.sources[source], name
    return sources, ids


def take_of(parts: Sequence[Encoded], rows: NDArray[np.integer[Any]]) -> Encoded:
    """Copy records of several parts into a collection of their own, in the order of the rows."""
    found = [(at, take(part, own)) for part, at, own in spread(parts, rows) if len(at)]
    if not found:
        return take(parts[0], rows[:0])
    places, taken = zip(*found, strict=True)
    joined, order = join(taken), np.argsort(np.concatenate(places))
    return joined if bool(np.all(np.diff(order) > 0)) else take(joined, order)


def join(parts: Sequence[Encoded]) -> Encoded:
    """Put collections of one side, encoded in one space on one day, behind one another: at least one."""
    if len(parts) == 1:
        return parts[0]
    longest = max(parts, key=lambda part: len(part.reach.indptr))
    codes = sorted({code for part in parts for code in part.records.occupation_codes})
    number = {code: place for place, code in enumerate(codes)}
    sources = tuple(sorted({name for part in parts for name in part.records.sources}))
    columns = [
        part.records.columns._replace(
            source=np.array([sources.index(name) for name in part.records.sources], np.uint16)[
                part.records.columns.source
            ],
            occupation=np.array([number[code] for code in part.records.occupation_codes], np.int32)[
                part.records.columns.occupation
            ],
        )
        for part in parts
    ]
    joined: dict[str, NDArray[Any]] = {
        name: (_pointers if name.endswith("_indptr") else np.concatenate)(
            [getattr(each, name) for each in columns]
        )
        for name in Columns._fields
    }
    records = Records(
        side=longest.records.side,
        sources=sources,
        ids=[name for part in parts for name in part.records.ids],
        columns=Columns(**joined),
        occupation_codes=codes,
    )
    asks, has = ([getattr(part, name) for part in parts] for name in ("asks", "has"))
    return replace(longest, records=records, asks=_stacked(asks), has=_stacked(has))


def _stacked(parts: Sequence[Sparse]) -> Sparse:
    return Sparse(
        _pointers([part.indptr for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def _pointers(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part) for part in parts]))]).astype(
        np.int64
    )


@dataclass(frozen=True, eq=False)
class MergedRanking(Ranking):
    """A ranking whose candidates stand in several collections.

    Attributes
    ----------
    changed : the collections behind the first: row `len(first)` is the first row of the second, and so on.
        The first is `vacancies` or `profiles`, whichever don't ask.
    """

    changed: tuple[Encoded, ...]

    def frame(self, named: Collection[Side] | None = None) -> pl.DataFrame:
        """Return the pairs as a frame, with the columns of `Ranking.frame`."""
        if named is None:
            named = named_sides(self.vacancies, self.profiles, *self.changed)
        side = "vacancy" if self.direction == "profile" else "profile"
        frames = []
        for encoded, at, own in spread((self._candidates, *self.changed), getattr(self, side)):
            plain = Ranking(
                vacancies=encoded if side == "vacancy" else self.vacancies,
                profiles=encoded if side == "profile" else self.profiles,
                direction=self.direction,
                **{name: getattr(self, name)[at] for name in _PAIR} | {side: own},
            )
            frames.append(plain.frame(named=named).with_columns(at=at))
        return pl.concat(frames).sort("at").drop("at")

    @property
    def _candidates(self) -> Encoded:
        return self.vacancies if self.direction == "profile" else self.profiles


_PAIR: Final = (
    *("vacancy", "profile", "rank", "score_vacancy", "score_profile", "score_mutual", "distance", "unknown"),
)


class MergedRanker:
    """Ranks the candidates of several collections together, in the one total order.

    Parameters
    ----------
    rankers : one or more, of the same asking records under the same settings, each of other candidates.

    Attributes
    ----------
    asking, space, settings : of the rankers.
    """

    def __init__(self, rankers: Sequence[Ranker]) -> None:
        self._rankers = rankers
        self.asking, self.space, self.settings = rankers[0].asking, rankers[0].space, rankers[0].settings
        self._candidate = "vacancy" if self.settings.direction == "profile" else "profile"
        self._asker = "profile" if self._candidate == "vacancy" else "vacancy"

    def rank(self, k: int, first: int = 0, last: int | None = None, *, threads: int = 1) -> Ranking:
        """Rank the best k candidates of the asking records [first:last]; see `Ranker.rank`."""
        return self._merge(k, [ranker.rank(k, first, last, threads=threads) for ranker in self._rankers])

    def blocks(
        self, k: int, first: int = 0, last: int | None = None, *, threads: int = 1
    ) -> Iterator[Ranking]:
        """Yield the same in blocks of asking records; see `Ranker.blocks`."""
        streams = [ranker.blocks(k, first, last, threads=threads) for ranker in self._rankers]
        for rankings in zip(*streams, strict=True):
            yield self._merge(k, rankings)

    def _merge(self, k: int, rankings: Sequence[Ranking]) -> Ranking:
        """The best k for each asking record of what the rankers found."""
        pairs = {name: np.concatenate([getattr(each, name) for each in rankings]) for name in _PAIR}
        squared, tie = (np.concatenate(each) for each in zip(*map(self._order, rankings), strict=True))
        sizes = [len(ranker.candidates) for ranker in self._rankers]
        offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        pairs[self._candidate] += np.repeat(offsets, [len(each) for each in rankings])
        score = pairs[f"score_{self.settings.direction}"]
        order = np.lexsort((pairs[self._candidate], tie, squared, -score, pairs[self._asker]))
        asking = pairs[self._asker][order]
        place = np.arange(len(order)) - np.searchsorted(asking, asking)
        pairs["rank"][order] = place + 1
        chosen = {name: values[order[place < k]] for name, values in pairs.items()}
        whole = rankings[0]
        return MergedRanking(
            vacancies=whole.vacancies,
            profiles=whole.profiles,
            direction=whole.direction,
            **chosen,
            changed=tuple(ranker.candidates for ranker in self._rankers[1:]),
        )

    def _order(self, ranking: Ranking) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """What decides between equal scores: the squared distance, then the hash of the pair."""
        asking, candidates = ranking.vacancies, ranking.profiles
        rows, found = ranking.vacancy, ranking.profile
        if self._asker == "profile":
            asking, candidates, rows, found = candidates, asking, found, rows
        a, b = asking.records.columns, candidates.records.columns
        dx, dy = (
            getattr(a, axis)[rows].astype(np.int64) - getattr(b, axis)[found].astype(np.int64)
            for axis in ("x", "y")
        )
        squared = np.where(np.isnan(ranking.distance), FAR, dx * dx + dy * dy)
        return squared, mix.py_func(a.hash[rows], b.hash[found])
