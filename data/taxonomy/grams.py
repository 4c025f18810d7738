"""Texts as sparse vectors of the character n-grams of their words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from data.taxonomy.words import weight

_SIZES = (2, 3)
_MOST_TEXTS = 5_000
"""N-grams in more texts than this are passed over: they cost the most time and tell the least."""

Words = tuple[str, ...]


class Grams:
    """The n-grams of a collection of texts, with their inverse document frequencies.

    N-grams stay inside words (padded by a space on both sides), so that neither the order of words nor that
    of the parts of a compound counts for much: "chauffeur heftruck" is near "heftruckchauffeur".
    """

    def __init__(self, texts: Sequence[Words]) -> None:
        self._ids: dict[str, int] = {}
        counts = self._count(texts, learn=True)
        frequency = np.bincount(counts.indices, minlength=len(self._ids))
        self._rarest = 1.0 + float(np.log1p(len(texts)))
        self._idf = 1.0 + np.log((1.0 + len(texts)) / (1.0 + frequency))
        self._idf[frequency > _MOST_TEXTS] = 0.0
        self.vectors = self._weigh(counts, np.zeros(len(texts)))
        """(texts, n-grams) CSR, float32, rows of length 1 (or 0 where a text has no words)."""

    def transform(self, texts: Sequence[Words]) -> Any:
        """Return the vectors of other texts; n-grams never seen before count in the length alone."""
        unseen = np.array([self._unseen(words) for words in texts], dtype=np.float64)
        return self._weigh(self._count(texts, learn=False), unseen)

    def _count(self, texts: Sequence[Words], *, learn: bool) -> Any:
        vocabulary: dict[str, int] = {}
        words = [vocabulary.setdefault(word, len(vocabulary)) for text in texts for word in text]
        weights = np.array([weight(word) for text in texts for word in text])
        text_ends = np.cumsum([0, *(len(text) for text in texts)])
        grams: list[int] = []
        gram_ends = [0]
        for word in vocabulary:
            for gram in _grams(word):
                number = self._ids.setdefault(gram, len(self._ids)) if learn else self._ids.get(gram, -1)
                if number >= 0:
                    grams.append(number)
            gram_ends.append(len(grams))
        text_words = csr_array((weights, words, text_ends), shape=(len(texts), len(vocabulary)))
        word_grams = csr_array(
            (np.ones(len(grams)), grams, gram_ends), shape=(len(vocabulary), len(self._ids))
        )
        counts = csr_array(text_words @ word_grams)
        counts.sort_indices()
        return counts

    def _unseen(self, words: Words) -> float:
        return sum(weight(word) ** 2 for word in words for gram in _grams(word) if gram not in self._ids)

    def _weigh(self, counts: Any, unseen: NDArray[np.float64]) -> Any:
        counts.data = np.log2(1.0 + counts.data) * self._idf[counts.indices]
        rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        squares = np.bincount(rows, weights=counts.data**2, minlength=counts.shape[0])
        length = np.sqrt(squares + unseen * self._rarest**2)
        length[length == 0.0] = 1.0
        counts.data /= length[rows]
        counts.eliminate_zeros()
        return counts.astype(np.float32)


def _grams(word: str) -> list[str]:
    padded = f" {word} "
    return [padded[at : at + size] for size in _SIZES for at in range(len(padded) - size + 1)]
