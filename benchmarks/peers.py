"""What others offer for the same question: the k largest inner products of sparse rows, exactly.

Every peer is a pair of functions. `index` gets the candidates once, as CSR float32 (n, features) with sorted
rows, and may arrange them as it likes; `ask` gets asking rows, CSR float32 (m, features), and returns the k
best candidates of each. No peer knows conditions: who wants those hands it fewer candidates.

Packages of the dependency group `bench` are imported where a peer needs them; `available` tells which are
there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, hstack

ROWS: Final = 64
"""Asking rows that scipy multiplies at a time at most, to keep the product small."""


class Top(NamedTuple):
    """The best candidates of m asking rows, best first; ties in any order."""

    scores: NDArray[np.float32]
    """(m, k), 0 behind the last candidate that shares a feature."""
    candidates: NDArray[np.int32]
    """(m, k) rows; what stands at a score of 0 means nothing."""


@dataclass(frozen=True)
class Peer:
    """A way to find the best candidates.

    `index(candidates)` returns what `ask(index, asking, k, threads)` wants for its first argument. With
    `weighs` false the peer takes every weight of an asking row for 1, so weights belong in the candidates;
    with `exact` false its scores are near the products, to about 1e-7. A `slow` one is far behind the others.
    `module` is what is imported, by default what the key says.
    """

    key: str
    name: str
    index: Callable[[csr_matrix], Any]
    ask: Callable[[Any, csr_matrix, int, int], Top]
    module: str = ""
    weighs: bool = True
    exact: bool = True
    slow: bool = False

    @property
    def available(self) -> bool:
        """Whether the package is installed."""
        return find_spec(self.module or self.key) is not None


def by_feature(candidates: csr_matrix) -> csr_matrix:
    """Turn candidates round: CSR float32 (features, n)."""
    return candidates.T.tocsr()


def sparse_dot_topn(index: csr_matrix, asking: csr_matrix, k: int, threads: int) -> Top:
    """Product and selection fused, in C++ with OpenMP.

    Through the package's own unchecked call: the checked one copies the index at every question.
    """
    unchecked = importlib.import_module("sparse_dot_topn.unchecked")
    k_within = min(k, index.shape[1])
    if threads > 1:
        return _dense(unchecked.sp_matmul_topn_mt(asking, index, k_within, True, None, threads), k)
    return _dense(unchecked.sp_matmul_topn(asking, index, k_within, True, None, 1.0), k)


def sp_matmul_rs(index: csr_matrix, asking: csr_matrix, k: int, threads: int) -> Top:
    """The same in Rust, over chunks of columns that fit a cache: the call that its users make.

    It copies row pointers and ids of the index at every question, so it is the cheaper the more are asked.
    """
    package = importlib.import_module("sp_matmul_rs")
    k_within, several = min(k, index.shape[1]), threads if threads > 1 else None
    return _dense(package.sp_matmul_topn(asking, index, k_within, sort=True, n_threads=several), k)


def sp_matmul_rs_core(index: csr_matrix, asking: csr_matrix, k: int, threads: int) -> Top:
    """The Rust function below that call, which is no public part of the package; it copies nothing."""
    core = importlib.import_module("sp_matmul_rs")._core
    best = core.sp_matmul_topn(
        top_n=min(k, index.shape[1]),
        nrows=asking.shape[0],
        ncols=index.shape[1],
        threshold=None,
        density=1.0,
        sort=True,
        chunk_cols=None,
        n_threads=threads if threads > 1 else None,
        A_data=asking.data,
        A_indptr=asking.indptr,
        A_indices=asking.indices,
        B_data=index.data,
        B_indptr=index.indptr,
        B_indices=index.indices,
    )
    return _dense(csr_matrix(best, shape=(asking.shape[0], index.shape[1])), k)


def scipy_product(index: csr_matrix, asking: csr_matrix, k: int, threads: int) -> Top:
    """The whole product of some rows at a time, then argpartition of each; threads take rows in turn."""
    m = asking.shape[0]
    top, rows = _empty(m, k), min(ROWS, -(-m // threads))

    def rank(first: int) -> None:
        product = asking[first : first + rows] @ index
        for row in range(product.shape[0]):
            part = slice(product.indptr[row], product.indptr[row + 1])
            _keep(top, first + row, product.data[part], product.indices[part])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(rank, range(0, m, rows)))
    return top


class Lifted(NamedTuple):
    """Candidates of one length, and that length."""

    neighbours: Any
    length: np.float32


def lift(candidates: csr_matrix) -> Lifted:
    """Give scikit-learn candidates of one length, so that the largest cosine is the largest product.

    One more column, of which no asking row has any, makes up for what a candidate lacks in length (Bachrach
    et al., "Speeding up the Xbox recommender system using a Euclidean transformation for inner-product
    spaces", 2014).
    """
    squared = np.asarray(candidates.multiply(candidates).sum(axis=1), np.float64).ravel()
    missing = np.sqrt(squared.max() - squared).astype(np.float32)
    lifted = hstack([candidates, csr_matrix(missing[:, None])], format="csr")
    neighbours = importlib.import_module("sklearn.neighbors").NearestNeighbors(
        algorithm="brute", metric="cosine"
    )
    return Lifted(neighbours.fit(lifted), np.float32(np.sqrt(squared.max())))


def sklearn_cosine(index: Lifted, asking: csr_matrix, k: int, threads: int) -> Top:
    """Brute cosine of scikit-learn. Scores come back through a cosine, so they're near, not equal."""
    index.neighbours.set_params(n_jobs=threads)
    n = index.neighbours.n_samples_fit_
    wider = csr_matrix((asking.data, asking.indices, asking.indptr), (asking.shape[0], asking.shape[1] + 1))
    distances, candidates = index.neighbours.kneighbors(wider, min(k, n))
    lengths = np.sqrt(np.asarray(asking.multiply(asking).sum(axis=1)))
    top = _empty(asking.shape[0], k)
    top.scores[:, :n] = (1 - distances) * lengths * index.length
    top.candidates[:, :n] = candidates
    return top


def bm25s_index(candidates: csr_matrix) -> dict[str, Any]:
    """Give bm25s its scores: column by column."""
    columns = csc_matrix(candidates)
    return {
        "data": columns.data,
        "indptr": columns.indptr,
        "indices": columns.indices,
        "num_docs": candidates.shape[0],
    }


def bm25s_numba(index: dict[str, Any], asking: csr_matrix, k: int, threads: int) -> Top:
    """The numba back end of bm25s: every feature of an asking row is one of its query tokens."""
    retrieve = importlib.import_module("bm25s.numba.retrieve_utils")._retrieve_numba_functional
    within = min(k, index["num_docs"])
    tokens = np.split(asking.indices, asking.indptr[1:-1])
    candidates, scores = retrieve(tokens, index, k=within, n_threads=threads)
    top = _empty(asking.shape[0], k)
    top.scores[:, :within], top.candidates[:, :within] = scores, candidates
    return top


def duckdb_index(candidates: csr_matrix) -> Any:
    """Load DuckDB with a table of (feature, candidate, degree), sorted by feature."""
    connection = importlib.import_module("duckdb").connect(":memory:")
    columns = csc_matrix(candidates)
    feature = np.repeat(np.arange(columns.shape[1], dtype=np.int32), np.diff(columns.indptr))
    table = {"feature": feature, "candidate": columns.indices, "degree": columns.data}
    connection.register("given", table)
    connection.execute("CREATE TABLE candidates AS SELECT * FROM given")
    connection.unregister("given")
    return connection


def duckdb_sql(index: Any, asking: csr_matrix, k: int, threads: int) -> Top:
    """Join on the feature, group by pair, keep the best k of each asking row."""
    index.execute(f"SET threads = {threads}")
    rows = np.repeat(np.arange(asking.shape[0], dtype=np.int32), np.diff(asking.indptr))
    index.register("asking", {"row": rows, "feature": asking.indices, "weight": asking.data})
    found = index.execute(
        """
        SELECT row, unnest(arg_max({'score': score, 'candidate': candidate}, score, ?), recursive := true)
        FROM (
            SELECT row, candidate, sum(weight * degree) AS score
            FROM asking JOIN candidates USING (feature)
            GROUP BY row, candidate
        )
        GROUP BY row
        """,
        [k],
    ).fetchnumpy()
    index.unregister("asking")
    top = _empty(asking.shape[0], k)
    order = np.lexsort((-found["score"], found["row"]))
    row = found["row"][order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    top.scores[row, place], top.candidates[row, place] = found["score"][order], found["candidate"][order]
    return top


PEERS: Final = (
    Peer("sparse_dot_topn", "sparse_dot_topn", by_feature, sparse_dot_topn),
    Peer("sp_matmul_rs", "sp_matmul_rs, public call", by_feature, sp_matmul_rs),
    Peer("sp_matmul_rs_core", "sp_matmul_rs, its core", by_feature, sp_matmul_rs_core, "sp_matmul_rs"),
    Peer("bm25s", "bm25s numba kernel", bm25s_index, bm25s_numba, weighs=False),
    Peer("scipy", "scipy product + argpartition", by_feature, scipy_product, slow=True),
    Peer("sklearn", "scikit-learn brute cosine", lift, sklearn_cosine, exact=False, slow=True),
    Peer("duckdb", "DuckDB join + group by", duckdb_index, duckdb_sql, slow=True),
)
"""The peers, those that come nearest first."""


def _empty(m: int, k: int) -> Top:
    return Top(np.zeros((m, k), np.float32), np.full((m, k), -1, np.int32))


def _keep(top: Top, row: int, scores: NDArray[np.float32], candidates: NDArray[np.int32]) -> None:
    """Put the best k of a row's candidates in its place."""
    k = top.scores.shape[1]
    if len(scores) > k:
        best = np.argpartition(scores, len(scores) - k)[-k:]
        scores, candidates = scores[best], candidates[best]
    order = np.argsort(-scores)
    top.scores[row, : len(order)], top.candidates[row, : len(order)] = scores[order], candidates[order]


def _dense(product: csr_matrix, k: int) -> Top:
    """A CSR of at most k sorted values a row, as rows of k."""
    filled = np.arange(k) < np.diff(product.indptr)[:, None]
    top = _empty(product.shape[0], k)
    top.scores[filled], top.candidates[filled] = product.data, product.indices
    return top
