"""How good a ranking is, by judgements of pairs: nDCG@k, MAP, MRR and recall@k, with intervals.

nDCG as in Järvelin and Kekäläinen (2002), with the gain 2**grade - 1 of Burges et al. (2005) and the discount
log2(rank + 1); the others as in Manning, Raghavan and Schütze (2008), chapter 8. A judged candidate that was
not ranked counts as missed; one that was ranked and not judged counts as not suitable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MEASURES", "Interval", "Judgements", "intervals", "measure"]

MEASURES: Final = ("ndcg", "map", "mrr", "recall")
"""nDCG@k, mean average precision, mean reciprocal rank, recall@k; each 0..1."""

SUITABLE: Final = 1
"""From this grade on a candidate counts as suitable, where a measure knows no grades."""


@dataclass(frozen=True, eq=False)
class Judgements:
    """How suitable candidates are; each pair once.

    Attributes
    ----------
    asking, candidate : int32 (m,), rows of the pair.
    grade : uint8 (m,), 0 not suitable, higher is better.
    """

    asking: NDArray[np.int32]
    candidate: NDArray[np.int32]
    grade: NDArray[np.uint8]


@dataclass(frozen=True)
class Interval:
    """A mean and what lies around it with 95 % confidence."""

    mean: float
    low: float
    high: float


def measure(
    judgements: Judgements,
    asking: NDArray[np.int32],
    candidate: NDArray[np.int32],
    rank: NDArray[np.int32],
    k: int = 10,
) -> dict[str, NDArray[np.float64]]:
    """Measure a ranking for each asking record that has a suitable candidate.

    Parameters
    ----------
    asking, candidate, rank : int32 (n,), the ranked pairs, each once; of each asking record rank 1 is the
        best, and no rank is there twice.
    k : how many places nDCG and recall look at.

    Returns
    -------
    For each of `MEASURES` a float64 (q,), one value for each such record, by ascending row.
    """
    suitable = judgements.grade >= SUITABLE
    questions, n_suitable = np.unique(judgements.asking[suitable], return_counts=True)
    q = np.searchsorted(questions, asking)
    known = q < len(questions)
    known[known] = questions[q[known]] == asking[known]
    q, rank, grade = q[known], rank[known], _grades(judgements, asking[known], candidate[known])

    gain = (np.exp2(grade) - 1) / np.log2(rank + 1.0)
    found = np.bincount(q[rank <= k], gain[rank <= k], len(questions))
    order = np.lexsort((-judgements.grade.astype(np.int16), judgements.asking))
    ideal_asking, ideal_grade = judgements.asking[order], judgements.grade[order]
    place = np.arange(len(order)) - np.searchsorted(ideal_asking, ideal_asking) + 1
    best = place <= k
    ideal_q = np.searchsorted(questions, ideal_asking)
    # Records with no suitable candidate have no question here, and only grades that gain nothing.
    best &= ideal_grade > 0
    ideal = np.bincount(
        ideal_q[best],
        (np.exp2(ideal_grade[best]) - 1) / np.log2(place[best] + 1.0),
        len(questions),
    )

    hit = grade >= SUITABLE
    order = np.lexsort((rank[hit], q[hit]))
    hit_q, hit_rank = q[hit][order], rank[hit][order].astype(np.float64)
    nth = np.arange(len(hit_q)) - np.searchsorted(hit_q, hit_q) + 1
    return {
        "ndcg": found / ideal,
        "map": np.bincount(hit_q, nth / hit_rank, len(questions)).astype(np.float64) / n_suitable,
        "mrr": np.bincount(hit_q[nth == 1], 1 / hit_rank[nth == 1], len(questions)).astype(np.float64),
        "recall": np.bincount(hit_q[hit_rank <= k], minlength=len(questions)) / n_suitable,
    }


def intervals(
    values: dict[str, NDArray[np.float64]], *, samples: int = 2000, seed: int = 1
) -> dict[str, Interval]:
    """Give mean and 95 % interval of each measure by the percentile bootstrap over asking records.

    samples : how many times they are drawn anew, with replacement. Without records all is NaN.
    """
    n = len(next(iter(values.values())))
    if n == 0:
        return dict.fromkeys(values, Interval(np.nan, np.nan, np.nan))
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), samples)
    told = {}
    for name, each in values.items():
        low, high = np.quantile(drawn @ each / n, (0.025, 0.975))
        told[name] = Interval(float(each.mean()), float(low), float(high))
    return told


def _grades(
    judgements: Judgements, asking: NDArray[np.int32], candidate: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """The grade of each pair, 0 where it was not judged."""
    judged = judgements.asking.astype(np.int64) << 32 | judgements.candidate
    pairs = asking.astype(np.int64) << 32 | candidate
    order = np.argsort(judged)
    if not len(order):
        return np.zeros(len(pairs), np.uint8)
    at = order[np.minimum(np.searchsorted(judged[order], pairs), len(order) - 1)]
    return np.where(judged[at] == pairs, judgements.grade[at], 0).astype(np.uint8)
