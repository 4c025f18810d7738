"""Seeded random draws, whole columns at a time, and the same on every machine."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Draws:
    """One stream of random numbers.

    Only the uniform doubles of PCG64 are used, compared and scaled but never put through a logarithm or a
    power: those may round differently on another machine.

    Parameters
    ----------
    seed : 0 or more.
    path : which child of the seed this is; streams with another path are independent of one another.
    """

    def __init__(self, seed: int, *path: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=path)))

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Draw doubles in [0, 1)."""
        return self._generator.random(shape)

    def chance(self, share: ArrayLike, *shape: int) -> Flags:
        """Draw flags that are set with probability `share` (0..1, broadcast to `shape`)."""
        flags: Flags = self.uniform(*shape) < np.asarray(share)
        return flags

    def below(self, limit: ArrayLike, *shape: int) -> Integers:
        """Draw integers in [0, limit), each alike; `limit` (1 or more) is broadcast to `shape`."""
        return _floor(self.uniform(*shape) * np.asarray(limit))

    def low(self, limit: ArrayLike, *shape: int) -> Integers:
        """Draw integers in [0, limit), the lower the likelier: half of them are in the lowest quarter."""
        uniform = self.uniform(*shape)
        return _floor(uniform * uniform * np.asarray(limit))

    def choice(self, weights: ArrayLike, *shape: int) -> Integers:
        """Draw positions in `weights` (k,), each in proportion to its weight (0 or more, not all 0)."""
        cumulative = np.cumsum(weights)
        target = self.uniform(*shape) * cumulative[-1]
        positions: Integers = np.searchsorted(cumulative, target, side="right").astype(np.int64)
        return positions

    def choice_of_row(self, cumulative: NDArray[Any], rows: Integers) -> Integers:
        """Draw for each of `rows` (n,) a position in that row of the cumulated weights (r, k)."""
        target = self.uniform(len(rows)) * cumulative[rows, -1]
        positions: Integers = (target[:, None] >= cumulative[rows]).sum(axis=1)
        return positions

    def text(self, table: pl.Series, n: int) -> pl.Series:
        """Draw n of the texts of a table, each alike."""
        return table.gather(self.below(len(table), n))

    def identities(self, n: int) -> pl.Series:
        """Draw n texts of 32 hexadecimal digits, more than 120 bits each, so no two are alike in practice.

        Every eighth is a letter: no part of them can be taken for a citizen service number.
        """
        digits = np.frombuffer(self._generator.bytes(16 * n).hex().encode("ascii"), np.uint8).copy()
        digits[::8] = ord("a") + digits[::8] % 6
        return pl.Series(digits.view("S32"), dtype=pl.Binary).cast(pl.String)


def expand(indptr: NDArray[Any], rows: Integers) -> tuple[Integers, Integers]:
    """Lay out the elements of rows of a ragged array.

    Parameters
    ----------
    indptr : (r + 1,) where each row begins.
    rows : (n,) which rows.

    Returns
    -------
    owner : position in `rows` of each element, ascending.
    element : position of each in the array's values.
    """
    begin = indptr[rows].astype(np.int64)
    counts = indptr[rows + 1] - begin
    owner = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, begin[owner] + within


def ragged(lists: Sequence[Sequence[Any]]) -> tuple[Integers, list[Any]]:
    """Lay lists end to end: where each begins (and the last ends), and the values."""
    indptr = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    return indptr, [value for values in lists for value in values]


def _floor(values: NDArray[np.float64]) -> Integers:
    return values.astype(np.int64)
