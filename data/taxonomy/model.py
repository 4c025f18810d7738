"""The taxonomy as arrays: occupations, skills and what connects them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.taxonomy.labels import normalise

if TYPE_CHECKING:
    import polars as pl

PREFERRED, ALTERNATIVE, HIDDEN = 0, 1, 2

NEIGHBOURS = 20
"""How many neighbours an occupation keeps."""

HIGHEST_NEIGHBOUR_DEGREE = 127
"""Only an occupation itself has degree 128: the nearest of others stays below it."""


@dataclass(frozen=True, eq=False)
class Concepts:
    """Occupations, or skills: n concepts, sorted by primary code.

    codes : (n,) primary codes, unique, ascending.
    labels : (n,) preferred labels, Dutch where there is one.
    alias_codes : (a,) other codes of the same concepts (from joined sources), unique, ascending, none of
        `codes`.
    alias_concepts : (a,) int32, the concept that each alias code stands for.
    label_texts : (t,) every label of every concept as it is spelt, preferred ones too, sorted by concept,
        kind, text.
    label_concepts : (t,) int32, the concept of each label.
    label_kinds : (t,) uint8, 0 preferred, 1 alternative, 2 hidden (found by a search, never shown).
    """

    codes: list[str]
    labels: list[str]
    alias_codes: list[str]
    alias_concepts: NDArray[np.int32]
    label_texts: list[str]
    label_concepts: NDArray[np.int32]
    label_kinds: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.codes)

    def index(self) -> dict[str, int]:
        """Primary and alias code -> concept. Built once; don't change it."""
        return self._index

    def label_index(self) -> dict[str, int]:
        """Normalised label -> concept. Built once; don't change it.

        Where concepts share a label, the one that prefers it wins, then the one that has it as an
        alternative, then the lowest concept.
        """
        return self._label_index

    @cached_property
    def _index(self) -> dict[str, int]:
        index = dict(zip(self.alias_codes, self.alias_concepts.tolist(), strict=True))
        index.update((code, concept) for concept, code in enumerate(self.codes))
        return index

    @cached_property
    def _label_index(self) -> dict[str, int]:
        claims: dict[str, tuple[int, int]] = {}
        kinds, concepts = self.label_kinds.tolist(), self.label_concepts.tolist()
        for text, claim in zip(self.label_texts, zip(kinds, concepts, strict=True), strict=True):
            key = normalise(text)
            if key and (key not in claims or claim < claims[key]):
                claims[key] = claim
        return {key: concept for key, (_, concept) in claims.items()}


@dataclass(frozen=True, eq=False)
class Taxonomy:
    """Occupations and skills with their relations, frozen under a version.

    name, version : version is the name, "-" and the first 12 hexadecimal digits of a SHA-256 over the
        content.
    occupations, skills : `Concepts`.
    isco : (n_occupations,) 4-digit ISCO-08 group, or "".
    skill_broader_indptr, skill_broader_indices : CSR, int32: skill -> its directly broader skills, ascending.
    occupation_skill_indptr, occupation_skill_indices : CSR, int32: occupation -> the skills it needs,
        ascending.
    occupation_skill_essential : bool, beside the indices: essential (True) or optional.
    neighbours : (n_occupations, 20) int32, the most alike other occupations, -1 where there are fewer.
    neighbour_degrees : (n_occupations, 20) uint8, 0..127, how alike; descending along a row, ties by lower
        index.
    frequencies : the frozen reference table, columns group (String), code (String), count (Int64), total
        (Int64), sorted by group and code: in how many of `total` reference records the feature occurs.
    """

    name: str
    version: str
    occupations: Concepts
    skills: Concepts
    isco: list[str]
    skill_broader_indptr: NDArray[np.int32]
    skill_broader_indices: NDArray[np.int32]
    occupation_skill_indptr: NDArray[np.int32]
    occupation_skill_indices: NDArray[np.int32]
    occupation_skill_essential: NDArray[np.bool_]
    neighbours: NDArray[np.int32]
    neighbour_degrees: NDArray[np.uint8]
    frequencies: pl.DataFrame

    def save(self, folder: Path | str) -> None:
        """Write the taxonomy to `folder`; see `data.taxonomy.storage.save`."""
        from data.taxonomy.storage import save

        save(self, Path(folder))


def load_taxonomy(folder: Path | str) -> Taxonomy:
    """Read a taxonomy that `Taxonomy.save` wrote; see `data.taxonomy.storage.load`."""
    from data.taxonomy.storage import load

    return load(Path(folder))
