"""Which occupations are alike: shared skills, the rarer the more telling, and the ISCO hierarchy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.taxonomy.model import HIGHEST_NEIGHBOUR_DEGREE, NEIGHBOURS

_ESSENTIAL, _OPTIONAL = 2, 1
_SKILL_SHARE = 96
"""Of 128: what shared skills can give; the ISCO hierarchy gives the rest."""


def nearest(
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    essential: NDArray[np.bool_],
    n_skills: int,
    isco: Sequence[str],
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return each occupation's neighbours and degrees, (n, 20), as `Taxonomy` describes them."""
    n = len(isco)
    neighbours = np.full((n, NEIGHBOURS), -1, dtype=np.int32)
    degrees = np.zeros((n, NEIGHBOURS), dtype=np.uint8)
    if n == 0:
        return neighbours, degrees
    from scipy.sparse import csr_array

    weights = np.where(essential, _ESSENTIAL, _OPTIONAL).astype(np.int64)
    idf = np.rint(64 * np.log1p(n / np.maximum(np.bincount(indices, minlength=n_skills), 1))).astype(np.int64)
    needs = csr_array((weights * idf[indices], indices, indptr), shape=(n, n_skills))
    length = np.sqrt((needs * needs).sum(axis=1).astype(np.float64))
    length[length == 0] = 1.0
    prefixes = _prefixes(isco)
    for start in range(0, n, 256):
        stop = min(start + 256, n)
        shared = (needs[start:stop] @ needs.T).toarray()
        cosine = shared / length[start:stop, None] / length[None, :]
        levels = sum((p[start:stop, None] == p[None, :]) & (p[start:stop, None] >= 0) for p in prefixes)
        degree = np.floor(_SKILL_SHARE * cosine + (128 - _SKILL_SHARE) / 4 * levels).astype(np.int64)
        degree = np.minimum(degree, HIGHEST_NEIGHBOUR_DEGREE)
        degree[np.arange(stop - start), np.arange(start, stop)] = -1
        order = np.argsort(-degree, axis=1, kind="stable")[:, :NEIGHBOURS]
        best = np.take_along_axis(degree, order, axis=1)
        width = order.shape[1]
        neighbours[start:stop, :width] = np.where(best > 0, order, -1)
        degrees[start:stop, :width] = np.maximum(best, 0)
    return neighbours, degrees


def _prefixes(isco: Sequence[str]) -> list[NDArray[np.int64]]:
    return [
        np.array([int("1" + code[:size]) if code else -1 for code in isco], dtype=np.int64)
        for size in (1, 2, 3, 4)
    ]
