"""Linking free text, such as a job title, to the concepts of a taxonomy."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from scipy.sparse import csr_array

from data.taxonomy.grams import Grams
from data.taxonomy.labels import normalise
from data.taxonomy.model import Concepts, Taxonomy
from data.taxonomy.words import EDUCATION, GRADES, fold_label, fold_title

_BATCH = 64
_LOOKED_AT = 32
"""How many concepts of the n-gram search are looked at more closely."""

_LABEL, _CONCEPT, _SPELLING = 0.43, 0.45, 0.12
"""Shares of the score: the best label, all labels of the concept together, the spelling of the best label."""

_OTHER_LEVEL = 0.85
_KNOWN_WIDELY = 0.08
_HIGHEST_INEXACT = 0.99
_DECIMALS = 4
_NO_KIND = 255


@dataclass(frozen=True)
class Candidate:
    """A concept that a text may mean: its code, its label, and a score in [0, 1], 1 for an equal label."""

    code: str
    label: str
    score: float


class Linker:
    """Finds the occupations (or skills) that a free text may mean.

    A title that equals a label, after normalising, scores 1. Others score by what they share with the best
    label of a concept and with all its labels together: inverse-frequency-weighted n-grams of characters,
    and edit distance regardless of the order of words. Words that mean the same ("leraar", "docent"),
    feminine forms and abbreviations count as one; "gezocht" or "32 uur" don't count; another level (mbo,
    hbo, 1e graads) counts against.

    Parameters
    ----------
    taxonomy : its occupations are searched, or its skills where `skills` is True.
    """

    def __init__(self, taxonomy: Taxonomy, *, skills: bool = False) -> None:
        self._concepts = concepts = taxonomy.skills if skills else taxonomy.occupations
        self._keys = [normalise(text) for text in concepts.label_texts]
        self._exact: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        self._known_widely = (np.bincount(concepts.alias_concepts, minlength=len(concepts)) > 0).tolist()
        for row, key in enumerate(self._keys):
            if key:
                concept = int(concepts.label_concepts[row])
                self._exact[key].append((concept, int(concepts.label_kinds[row]), row))
        words = [fold_label(key) for key in self._keys]
        self._spelt = [" ".join(sorted(row)) for row in words]
        self._levels = _levels(words, concepts)
        self._grams = Grams(words)
        self._starts = np.searchsorted(concepts.label_concepts, np.arange(len(concepts) + 1))
        self._centres = _centres(self._grams.vectors, concepts)
        self._radii = np.sqrt(_squares(self._centres))

    def link(
        self, titles: Sequence[str], top: int = 5, *, left_out: Sequence[str | None] | None = None
    ) -> list[list[Candidate]]:
        """Return, for each title, at most `top` candidates: score descending, each concept once.

        Equal scores are ordered by: concepts that several sources know, exact preferred labels, primary code.
        A title without letters or digits has no candidates.

        left_out : for measuring, a code for each title, or None: the label of that concept which equals the
            title is left out as if the concept didn't have it.
        """
        if top < 1:
            raise ValueError(f"top is {top}, but has to be at least 1")
        if left_out is not None and len(left_out) != len(titles):
            raise ValueError("left_out needs one entry for each title")
        if not len(self._concepts):
            return [[] for _ in titles]
        found: list[list[Candidate]] = []
        for start in range(0, len(titles), _BATCH):
            batch = titles[start : start + _BATCH]
            without = left_out[start : start + _BATCH] if left_out is not None else [None] * len(batch)
            found += self._link(batch, top, without)
        return found

    def _link(self, titles: Sequence[str], top: int, left_out: Sequence[str | None]) -> list[list[Candidate]]:
        keys = [normalise(title) for title in titles]
        words = [fold_title(key) for key in keys]
        # Many sparse rows times a few dense columns: twice as fast as a product of two sparse matrices.
        vectors = self._grams.transform(words).T.toarray()
        likeness = np.ascontiguousarray((self._grams.vectors @ vectors).T)
        together = (self._centres @ vectors).T
        gone = [self._row_left_out(key, code) for key, code in zip(keys, left_out, strict=True)]
        for number, row in enumerate(gone):
            if row >= 0:
                concept = int(self._concepts.label_concepts[row])
                together[number, concept] -= likeness[number, row]
                together[number, concept] *= self._radii[concept] / self._radius_without(concept, row)
                likeness[number, row] = 0.0
        best = np.maximum.reduceat(likeness, self._starts[:-1], axis=1)
        together = np.clip(together / self._radii, 0.0, 1.0)
        first = _LABEL * best + _CONCEPT * together
        looked_at = min(max(_LOOKED_AT, 2 * top), first.shape[1])
        nearest = np.argpartition(-first, looked_at - 1, axis=1)[:, :looked_at]
        return [
            self._rank(
                keys[number],
                words[number],
                likeness[number],
                {int(concept): float(first[number, concept]) for concept in nearest[number]},
                gone[number],
                top,
            )
            for number in range(len(titles))
        ]

    def _rank(
        self,
        key: str,
        words: tuple[str, ...],
        likeness: NDArray[np.float32],
        nearest: dict[int, float],
        gone: int,
        top: int,
    ) -> list[Candidate]:
        spelt = " ".join(sorted(words))
        levels = frozenset(words)
        scores: dict[int, tuple[float, int]] = {}
        for concept, score in nearest.items():
            if score <= 0.0:
                continue
            start, stop = self._starts[concept], self._starts[concept + 1]
            label = int(start + likeness[start:stop].argmax())
            score += _SPELLING * fuzz.ratio(spelt, self._spelt[label]) / 100.0
            if self._known_widely[concept]:
                score += _KNOWN_WIDELY
            theirs = self._levels[concept]
            if any(
                levels & scale and theirs & scale and not levels & theirs for scale in (EDUCATION, GRADES)
            ):
                score *= _OTHER_LEVEL
            scores[concept] = (min(round(score, _DECIMALS), _HIGHEST_INEXACT), _NO_KIND)
        for concept, kind, row in self._exact.get(key, ()):
            if row != gone:
                scores[concept] = (1.0, kind)

        def place(concept: int) -> tuple[float, bool, int, int]:
            score, kind = scores[concept]
            return -score, not self._known_widely[concept], kind, concept

        ranked = sorted(scores, key=place)
        return [
            Candidate(self._concepts.codes[concept], self._concepts.labels[concept], scores[concept][0])
            for concept in ranked[:top]
        ]

    def _row_left_out(self, key: str, code: str | None) -> int:
        if code is None:
            return -1
        concept = self._concepts.index()[code]
        return next((row for owner, _, row in self._exact.get(key, ()) if owner == concept), -1)

    def _radius_without(self, concept: int, row: int) -> float:
        centre = self._centres[[concept]] - self._grams.vectors[[row]]
        return max(float(np.sqrt(_squares(centre)[0])), 1e-6)


def _centres(vectors: Any, concepts: Concepts) -> Any:
    rows = len(concepts.label_texts)
    members = csr_array(
        (np.ones(rows), (concepts.label_concepts, np.arange(rows))), shape=(len(concepts), rows)
    )
    return csr_array(members @ vectors)


def _squares(vectors: Any) -> NDArray[np.float64]:
    rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    squares = np.bincount(rows, weights=vectors.data**2, minlength=vectors.shape[0])
    return np.maximum(squares.astype(np.float64), 1e-12)


def _levels(words: list[tuple[str, ...]], concepts: Concepts) -> list[frozenset[str]]:
    levels: list[set[str]] = [set() for _ in range(len(concepts))]
    for row, concept in zip(words, concepts.label_concepts.tolist(), strict=True):
        levels[concept].update((EDUCATION | GRADES).intersection(row))
    return [frozenset(found) for found in levels]
