"""What the machine can do, and what that allows: the rates of the three things that matching is made of.

    python -m benchmarks.limits

- triad: a = b + s x c over arrays larger than any cache, in bytes a second (24 a step, as STREAM counts);
- scatter: degree x weight added to the accumulator of a block, wherever a posting points, in postings a
  second;
- axpy: a dense row of degrees x weight added to the same accumulator, in degrees a second, one row at a time
  and two and four at once.

Degrees are uint8, weights and accumulators int32, local ids uint16. Postings and rows are read from the
second level of the cache, as they are when many vacancies pass over one block.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.report import figure, machine_lines, say

BLOCKS: Final = (4_096, 16_384, 65_536)
"""Records in a block: the sizes of accumulator that are tried."""

RUNS: Final = 10
"""The fastest counts, since a limit is what can be reached."""

TRIAD_LENGTH: Final = 1 << 24
"""Float64 in each of three arrays: 128 MiB each."""

STEPS: Final = 1 << 26
"""Scatter-adds in a run, about; axpy takes four times as many steps."""

ROWS: Final = 16
"""Dense rows in a block."""


class Rates(NamedTuple):
    """What two threads reach together, or as many as were asked for."""

    threads: int
    triad: float
    """Bytes a second."""
    scatter: float
    """Postings a second, for the best block."""
    axpy: float
    """Degrees a second, for the best block and number of rows at once."""


def main() -> None:
    """Measure for one thread and for two, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    say(machine_lines())
    for threads in parser.parse_args().threads:
        measure(threads)


def measure(threads: int, name: str = "limits") -> Rates:
    """Measure all rates, print each as a figure whose name starts so, and return the best; takes seconds."""
    triad = _report(f"{name}.triad.{threads}", triad_rate(threads), "GB/s")
    scatters, axpys = [], []
    for block in BLOCKS:
        scatters.append(_report(f"{name}.scatter.{block}.{threads}", scatter_rate(threads, block), "G/s"))
        for rows in (1, 2, 4):
            rate = axpy_rate(threads, block, rows)
            axpys.append(_report(f"{name}.axpy{rows}.{block}.{threads}", rate, "G/s"))
    return Rates(threads, triad, max(scatters), max(axpys))


def bound(
    candidates: csr_matrix,
    asking: csr_matrix,
    rates: Rates,
) -> float:
    """Tell how many asking rows a second these rates allow: the mixed bound.

    A feature that a row asks for costs either a dense row over all candidates at the axpy rate, or its
    postings at the scatter rate. Nothing else is counted: no clearing, no scan for the best, no conditions.

    Parameters
    ----------
    candidates : CSR (n, features), those in reach only.
    asking : CSR (m, features).
    rates : of the machine.
    """
    n, features = candidates.shape
    postings = np.bincount(candidates.indices, minlength=features)
    seconds = np.minimum(postings / rates.scatter, n / rates.axpy)
    return float(asking.shape[0] / seconds[asking.indices].sum())


def triad_rate(threads: int) -> float:
    """Bytes a second of a = b + s x c."""
    lengths = [TRIAD_LENGTH // threads] * threads
    work = [(np.zeros(n), np.ones(n), np.ones(n)) for n in lengths]
    return _rate(triad, work, 24 * sum(lengths))


def scatter_rate(threads: int, block: int) -> float:
    """Postings a second, added to an accumulator for `block` records."""
    rng = np.random.default_rng(1)
    postings = 4 * block
    weights = _weights(STEPS // postings // threads)
    work = [
        (
            rng.integers(0, block, postings).astype(np.uint16),
            rng.integers(1, 129, postings).astype(np.uint8),
            weights,
            # Of the size that 16-bit ids can reach, so that no id needs a check.
            np.zeros(1 << 16, np.int32),
        )
        for _ in range(threads)
    ]
    return _rate(scatter, work, postings * len(weights) * threads)


def axpy_rate(threads: int, block: int, rows: int) -> float:
    """Degrees a second, added to an accumulator for `block` records, of so many rows (1, 2 or 4) at once."""
    rng = np.random.default_rng(1)
    weights = _weights(4 * STEPS // (ROWS * block) // threads)
    work = [
        (rng.integers(0, 129, (ROWS, block)).astype(np.uint8), weights, np.zeros(block, np.int32))
        for _ in range(threads)
    ]
    return _rate({1: axpy1, 2: axpy2, 4: axpy4}[rows], work, ROWS * block * len(weights) * threads)


def _weights(n: int) -> NDArray[np.int32]:
    return np.random.default_rng(2).integers(1, 1 << 14, n, np.int32)


@njit(cache=True, nogil=True)
def triad(a: Any, b: Any, c: Any) -> None:
    """a = b + 3c."""
    for i in range(len(a)):
        a[i] = b[i] + 3.0 * c[i]


@njit(cache=True, nogil=True)
def scatter(ids: Any, degrees: Any, weights: Any, accumulator: Any) -> None:
    """`np.add.at(accumulator, ids, weight * degrees)`, for every weight."""
    for j in range(len(weights)):
        w = weights[j]
        for i in range(len(ids)):
            accumulator[ids[i]] += w * np.int32(degrees[i])


@njit(cache=True, nogil=True)
def axpy1(rows: Any, weights: Any, accumulator: Any) -> None:
    """`accumulator += weight * row`, for all rows and every weight."""
    for j in range(len(weights)):
        w = weights[j]
        for r in range(len(rows)):
            a = rows[r]
            for i in range(len(accumulator)):
                accumulator[i] += w * np.int32(a[i])


@njit(cache=True, nogil=True)
def axpy2(rows: Any, weights: Any, accumulator: Any) -> None:
    """The same, two rows at once."""
    for j in range(len(weights)):
        w, x = weights[j], weights[j - 1]
        for r in range(0, len(rows), 2):
            a, b = rows[r], rows[r + 1]
            for i in range(len(accumulator)):
                accumulator[i] += w * np.int32(a[i]) + x * np.int32(b[i])


@njit(cache=True, nogil=True)
def axpy4(rows: Any, weights: Any, accumulator: Any) -> None:
    """The same, four rows at once."""
    for j in range(len(weights)):
        w, x, y, z = weights[j], weights[j - 1], weights[j - 2], weights[j - 3]
        for r in range(0, len(rows), 4):
            a, b, c, d = rows[r], rows[r + 1], rows[r + 2], rows[r + 3]
            for i in range(len(accumulator)):
                accumulator[i] += (
                    w * np.int32(a[i]) + x * np.int32(b[i]) + y * np.int32(c[i]) + z * np.int32(d[i])
                )


def _rate(kernel: Callable[..., None], work: list[tuple[Any, ...]], steps: int) -> float:
    """Steps a second in the fastest run after one that compiles, with a thread for each piece of work."""
    times = []
    with ThreadPoolExecutor(len(work)) as pool:
        for _ in range(RUNS + 1):
            started = time.perf_counter()
            list(pool.map(lambda piece: kernel(*piece), work))
            times.append(time.perf_counter() - started)
    return steps / min(times[1:])


def _report(name: str, rate: float, unit: str) -> float:
    figure(name, round(rate / 1e9, 2), unit)
    return rate


if __name__ == "__main__":
    main()
