"""The one feature space in which profiles and vacancies meet.

A feature is a (group, code) pair: an occupation, a skill, a level or name of education, a sector. The space
numbers them: first the occupations and skills of the taxonomy, then whatever other code turns up in the
records. No score depends on these numbers: ties between features are broken by a hash of the code itself.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from data.standard.values import WERK_EN_DENKNIVEAU
from data.taxonomy import normalise
from engine.fields import distinct_texts
from engine.kernels import FULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.taxonomy import Taxonomy
    from engine.fields import Values

GROUPS: Final = ("occupation", "skill", "education", "sector")
"""Feature groups in the order of their numbers (uint8)."""
OCCUPATION, SKILL, EDUCATION, SECTOR = range(len(GROUPS))

IDF_UNIT: Final = 1024
"""Inverse document frequencies are integers in 1/1024: 1024 stands for a feature that no record has."""

NEIGHBOURS: Final = 5
"""How many of an occupation's neighbours a record with that occupation reaches."""

BROADER_DEGREES: Final = (64, 32)
"""Degree to which a skill covers its broader skill, and the broader skill of that one."""

EDUCATION_LEVELS: Final = (2, 3, 4, 5, 6)
"""Levels that can be asked for, on the scale of codeWerkEnDenkniveau (2 basis .. 6 wetenschappelijk)."""

ONE_LEVEL_SHORT: Final = 64
"""Degree to which an education covers the level just above it."""


def education_level(level: int) -> str:
    """Code of the education feature "at this level", `level` on the scale of codeWerkEnDenkniveau."""
    return f"niveau:{level}"


_LEVELS: Final = {education_level(level): WERK_EN_DENKNIVEAU.labels[level] for level in EDUCATION_LEVELS}
_KINDS: Final = ("", "", "opleiding", "SBI")


class FeatureSpace:
    """Numbers features, knows their group and weight, and what a feature reaches beyond itself.

    Parameters
    ----------
    taxonomy : gives the occupations and skills, their neighbours and broader skills, and the frozen table of
        document frequencies. Frequencies never come from the records being served.

    Attributes
    ----------
    codes : the code of every feature.
    levels : int32 (7,), the feature of each level of education on the scale of codeWerkEnDenkniveau, 0 where
        that can't be asked for.
    group : uint8, (n_features,), index into `GROUPS`.
    idf : uint16, (n_features,), 1..1024, in units of 1/1024: log(1 + total / (1 + count)) / log(1 + total).
    order : uint64, (n_features,), a fixed hash of (group, code) that breaks ties between features.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._is_shared = False
        self.codes: list[str] = []
        self._ids: list[dict[str, int]] = [{} for _ in GROUPS]
        self._counts = _counts(taxonomy.frequencies)
        self._totals = _totals(taxonomy.frequencies)
        self._group: list[int] = []
        self._idf: list[int] = []
        self._order: list[int] = []
        for group, concepts in ((OCCUPATION, taxonomy.occupations), (SKILL, taxonomy.skills)):
            first = len(self.codes)
            for code in concepts.codes:
                self._add(group, code)
            self._ids[group].update({code: first + concept for code, concept in concepts.index().items()})
        self.levels = np.zeros(EDUCATION_LEVELS[-1] + 1, np.int32)
        for level in EDUCATION_LEVELS:
            self.levels[level] = self._add(EDUCATION, education_level(level))
        self._arrays_of = 0
        self._arrays()

    def __len__(self) -> int:
        return len(self.codes)

    def extension(self) -> FeatureSpace:
        """Give a space that numbers features as this one does so far; what either learns then is its own.

        Nothing is copied before one of them learns. A space that never learns can be extended and read by any
        number of threads at once.
        """
        self._arrays()
        _ = self._reach
        self._is_shared = True
        return copy.copy(self)

    @property
    def group(self) -> NDArray[np.uint8]:
        """Group number of every feature, uint8, (n_features,)."""
        return self._arrays()[0]

    @property
    def idf(self) -> NDArray[np.uint16]:
        """Inverse document frequency of every feature, uint16, (n_features,), in 1/1024."""
        return self._arrays()[1]

    @property
    def order(self) -> NDArray[np.uint64]:
        """Tie-breaking hash of every feature, uint64, (n_features,)."""
        return self._arrays()[2]

    def ids(self, group: int, codes: Values) -> NDArray[np.int32]:
        """Feature numbers of codes; codes not seen before get a number of their own.

        Parameters
        ----------
        group : index into `GROUPS`.
        codes : texts, or numbers that are spelt as texts, (m,), no nulls.

        Returns
        -------
        int32, (m,).
        """
        if not len(codes):
            return np.empty(0, np.int32)
        distinct, positions = distinct_texts(codes)
        numbers = [self._number(group, code) for code in distinct]
        features: NDArray[np.int32] = np.array(numbers, np.int32)[positions]
        return features

    def find_labels(self, labels: Values) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Features of free labels that equal a label of the taxonomy, occupations before skills.

        Parameters
        ----------
        labels : texts, (m,), no nulls.

        Returns
        -------
        (int32 (m,) feature numbers, 0 where none is equal; bool (m,) True where one is).
        """
        if not len(labels):
            return np.empty(0, np.int32), np.empty(0, np.bool_)
        distinct, positions = distinct_texts(labels)
        occupations, skills = self.taxonomy.occupations.label_index(), self.taxonomy.skills.label_index()
        first_skill = len(self.taxonomy.occupations.codes)
        numbers = np.full(len(distinct), -1, np.int32)
        for position, label in enumerate(distinct):
            text = normalise(label)
            if text in occupations:
                numbers[position] = occupations[text]
            elif text in skills:
                numbers[position] = first_skill + skills[text]
        found = numbers[positions]
        return np.maximum(found, 0), found >= 0

    def label(self, feature: int) -> str:
        """What a feature is called: a label of the taxonomy or the standard, else its kind and code."""
        occupations, skills = self.taxonomy.occupations.labels, self.taxonomy.skills.labels
        if feature < len(occupations):
            return occupations[feature]
        if feature < len(occupations) + len(skills):
            return skills[feature - len(occupations)]
        code = self.codes[feature]
        if code in _LEVELS:
            return _LEVELS[code]
        return f"{_KINDS[self._group[feature]]} {code}".strip()

    def degree(self, feature: int, other: int, degree: int) -> int:
        """To what degree, 0..128, having one feature to a degree of 1..128 covers another, or itself."""
        if feature == other:
            return degree
        indptr, features, degrees = self._reach
        if feature + 1 >= len(indptr):
            return 0
        reached = slice(indptr[feature], indptr[feature + 1])
        found = degrees[reached][features[reached] == other]
        return (degree * int(found.max(initial=0)) + FULL // 2) // FULL

    def reach(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
        """What a feature covers beyond itself, as CSR over all features.

        Returns
        -------
        (indptr int64 (n_features + 1,), features int32 (nnz,), degrees uint8 (nnz,) in 1..128): an occupation
        covers its nearest neighbours, a skill its broader skills, a level of education the lower levels
        wholly and the next one in part.
        """
        indptr, features, degrees = self._reach
        beyond = np.full(len(self) + 1 - len(indptr), indptr[-1], np.int64)
        return np.concatenate([indptr, beyond]), features, degrees

    @cached_property
    def _reach(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
        """The same over the features that the taxonomy and the levels give; no others reach anything."""
        taxonomy = self.taxonomy
        n_occupations = len(taxonomy.occupations.codes)
        neighbours = taxonomy.neighbours[:, :NEIGHBOURS]
        degrees = taxonomy.neighbour_degrees[:, :NEIGHBOURS]
        present = (neighbours >= 0) & (degrees > 0)
        sources = [np.nonzero(present)[0].astype(np.int64)]
        targets = [neighbours[present].astype(np.int32)]
        values = [degrees[present].astype(np.uint8)]

        for skill, covered in enumerate(self._broader()):
            sources.append(np.full(len(covered), n_occupations + skill, np.int64))
            targets.append(np.fromiter((n_occupations + other for other in covered), np.int32, len(covered)))
            values.append(np.fromiter(covered.values(), np.uint8, len(covered)))

        levels = {level: self._ids[EDUCATION][education_level(level)] for level in EDUCATION_LEVELS}
        for level, feature in levels.items():
            for other, other_feature in levels.items():
                if other < level or other == level + 1:
                    sources.append(np.array([feature], np.int64))
                    targets.append(np.array([other_feature], np.int32))
                    values.append(np.array([FULL if other < level else ONE_LEVEL_SHORT], np.uint8))

        source = np.concatenate(sources)
        by_source = np.argsort(source, kind="stable")
        n = max(levels.values()) + 1
        indptr = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(source, minlength=n), out=indptr[1:])
        return indptr, np.concatenate(targets)[by_source], np.concatenate(values)[by_source]

    def _broader(self) -> list[dict[int, int]]:
        """For each skill the broader skills that it covers, nearest degree first."""
        indptr, indices = self.taxonomy.skill_broader_indptr, self.taxonomy.skill_broader_indices
        direct = [indices[indptr[s] : indptr[s + 1]].tolist() for s in range(len(indptr) - 1)]
        covered: list[dict[int, int]] = []
        for skill in range(len(direct)):
            degrees: dict[int, int] = {}
            ring = {skill}
            for degree in BROADER_DEGREES:
                ring = {broader for inner in ring for broader in direct[inner]}
                for broader in sorted(ring):
                    if broader != skill:
                        degrees.setdefault(broader, degree)
            covered.append(degrees)
        return covered

    def _number(self, group: int, code: str) -> int:
        found = self._ids[group].get(code)
        return self._add(group, code) if found is None else found

    def _add(self, group: int, code: str) -> int:
        if self._is_shared:
            self.codes, self._group = list(self.codes), list(self._group)
            self._idf, self._order = list(self._idf), list(self._order)
            self._ids = [dict(ids) for ids in self._ids]
            self._is_shared = False
        number = len(self.codes)
        self._ids[group][code] = number
        self.codes.append(code)
        self._group.append(group)
        self._idf.append(_idf(self._counts.get((group, code), 0), self._totals[group]))
        self._order.append(stable_hash(GROUPS[group], code))
        return number

    def _arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.uint64]]:
        if self._arrays_of != len(self.codes):
            self._cached = (
                np.array(self._group, np.uint8),
                np.array(self._idf, np.uint16),
                np.array(self._order, np.uint64),
            )
            self._arrays_of = len(self.codes)
        return self._cached


def stable_hash(*parts: str) -> int:
    """A 64-bit hash of texts that is the same on every machine, in every process and year (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "little")


def _idf(count: int, total: int) -> int:
    """Whole 1/1024ths, so that a last-bit difference between math libraries can't move a weight."""
    if total <= 0:
        return IDF_UNIT
    share = math.log1p(total / (1 + count)) / math.log1p(total)
    return max(1, round(IDF_UNIT * share))


def _counts(frequencies: pl.DataFrame) -> Mapping[tuple[int, str], int]:
    return {
        (GROUPS.index(group), code): count
        for group, code, count in frequencies.select("group", "code", "count").iter_rows()
        if group in GROUPS
    }


def _totals(frequencies: pl.DataFrame) -> list[int]:
    totals = dict(frequencies.group_by("group").agg(pl.col("total").max()).iter_rows())
    return [int(totals.get(group, 0)) for group in GROUPS]
