"""From sources to a taxonomy: join equal concepts, lay out arrays, work out neighbours and frequencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.errors import FileError
from data.taxonomy.join import Group, join
from data.taxonomy.labels import normalise
from data.taxonomy.model import ALTERNATIVE, HIDDEN, PREFERRED, Concepts, Taxonomy
from data.taxonomy.own import BUNDLED, read_frequencies, read_own
from data.taxonomy.sources import Source, SourceConcept

if TYPE_CHECKING:
    import polars as pl

_PRIORITY = ("competentnl", "boc", "esco")
"""Whose code and preferred label a joined concept takes: the standard's own codes come from CompetentNL."""

_IN_TAXONOMY = ("occupation", "skill")


def build(*sources: Source, name: str | None = None) -> Taxonomy:
    """Join sources into one taxonomy; `name` is by default the names of the sources, joined by "-".

    Neither the order of the sources nor that of their concepts matters. Groups of the reference table that
    say nothing of occupations or skills come from the sources, else from the bundled table where it exists.
    """
    from data.taxonomy.neighbours import nearest
    from data.taxonomy.storage import version_of

    ordered = sorted(sources, key=lambda source: (_rank(source.name), source.name))
    if not ordered or len({source.name for source in ordered}) < len(ordered):
        raise ValueError("build needs sources, each name once")
    one_owner = [source.one_owner for source in ordered]
    occupations, isco = _concepts([source.occupations for source in ordered], one_owner)
    skills, _ = _concepts([source.skills for source in ordered], one_owner)
    occupation_index, skill_index = occupations.index(), skills.index()

    needed: dict[tuple[int, int], bool] = {}
    broader: set[tuple[int, int]] = set()
    for source in ordered:
        for occupation, skill in source.optional:
            needed.setdefault((occupation_index[occupation], skill_index[skill]), False)
        for occupation, skill in source.essential:
            needed[occupation_index[occupation], skill_index[skill]] = True
        broader.update((skill_index[skill], skill_index[above]) for skill, above in source.broader)
    broader = {(skill, above) for skill, above in broader if skill != above}
    indptr, indices = _csr(needed, len(occupations))
    essential = np.array([needed[pair] for pair in sorted(needed)], dtype=np.bool_)
    broader_indptr, broader_indices = _csr(broader, len(skills))
    neighbours, degrees = nearest(indptr, indices, essential, len(skills), isco)
    taxonomy = Taxonomy(
        name=name or "-".join(source.name for source in ordered),
        version="",
        occupations=occupations,
        skills=skills,
        isco=isco,
        skill_broader_indptr=broader_indptr,
        skill_broader_indices=broader_indices,
        occupation_skill_indptr=indptr,
        occupation_skill_indices=indices,
        occupation_skill_essential=essential,
        neighbours=neighbours,
        neighbour_degrees=degrees,
        frequencies=_frequencies(ordered, occupations, skills, indices),
    )
    return replace(taxonomy, version=version_of(taxonomy.name, taxonomy))


@lru_cache(maxsize=1)
def bundled_taxonomy() -> Taxonomy:
    """Return Koppel's own taxonomy, built from the files that ship with it. Built once; don't change it."""
    return build(read_own())


def _rank(name: str) -> int:
    return _PRIORITY.index(name) if name in _PRIORITY else len(_PRIORITY)


def _concepts(
    sources: Sequence[Sequence[SourceConcept]], one_owner: Sequence[bool]
) -> tuple[Concepts, list[str]]:
    groups: list[Group] = join(sources, one_owner)
    codes = [group[0].code for group in groups]
    known = set(codes)
    aliases: dict[str, int] = {}
    labels: list[tuple[int, int, str]] = []
    isco: list[str] = []
    for number, group in enumerate(groups):
        for member in group:
            for code in (member.code, *member.aliases):
                if code not in known:
                    aliases.setdefault(code, number)
        labels += [(number, kind, text) for text, kind in _labels(group).items()]
        isco.append(next((member.isco for member in group if member.isco), ""))
    labels.sort()
    concepts = Concepts(
        codes=codes,
        labels=[group[0].label for group in groups],
        alias_codes=sorted(aliases),
        alias_concepts=np.array([aliases[code] for code in sorted(aliases)], dtype=np.int32),
        label_texts=[text for _, _, text in labels],
        label_concepts=np.array([number for number, _, _ in labels], dtype=np.int32),
        label_kinds=np.array([kind for _, kind, _ in labels], dtype=np.uint8),
    )
    return concepts, isco


def _labels(group: Group) -> dict[str, int]:
    """Every label of a joined concept once, the way it is first spelt, with its kind."""
    spelt: dict[str, tuple[str, int]] = {}
    for kind, texts in (
        (PREFERRED, [group[0].label]),
        (ALTERNATIVE, [member.label for member in group[1:]]),
        (ALTERNATIVE, [text for member in group for text in sorted(member.alternatives)]),
        (HIDDEN, [text for member in group for text in sorted(member.hidden)]),
    ):
        for text in texts:
            spelt.setdefault(normalise(text) or text, (text, kind))
    return dict(spelt.values())


def _csr(pairs: Iterable[tuple[int, int]], rows: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    ordered = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    counts = np.bincount(ordered[:, 0], minlength=rows)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return indptr, ordered[:, 1].astype(np.int32)


def _frequencies(
    sources: Sequence[Source], occupations: Concepts, skills: Concepts, needed: NDArray[np.int32]
) -> pl.DataFrame:
    import polars as pl

    given = {(group, code): (count, total) for s in sources for group, code, count, total in s.frequencies}
    if not any(group not in _IN_TAXONOMY for group, _ in given):
        path = BUNDLED / "frequencies.csv"
        others = read_frequencies(path) if path.exists() else ()
        given |= {(group, code): (n, total) for group, code, n, total in others if group not in _IN_TAXONOMY}
    total = max(len(occupations), 1)
    counted = np.bincount(needed, minlength=len(skills)).tolist()
    for group, concepts, counts in (
        ("occupation", occupations, [1] * len(occupations)),
        ("skill", skills, counted),
    ):
        index = concepts.index()
        mine = {code: value for (kind, code), value in given.items() if kind == group}
        unknown = sorted(code for code in mine if code not in index)
        if unknown:
            raise FileError(
                "frequencies.csv",
                f"unknown {group} {unknown[0]!r}",
                f"codes of the taxonomy's {group}s",
                "Make the table again.",
            )
        given = {key: value for key, value in given.items() if key[0] != group}
        if mine:
            largest = max(value[1] for value in mine.values())
            given |= {(group, code): mine.get(code, (0, largest)) for code in concepts.codes}
        else:
            rows = zip(concepts.codes, counts, strict=True)
            given |= {(group, code): (count, total) for code, count in rows}
    return pl.DataFrame(
        [(*key, *given[key]) for key in sorted(given)],
        schema={"group": pl.String, "code": pl.String, "count": pl.Int64, "total": pl.Int64},
        orient="row",
    )
