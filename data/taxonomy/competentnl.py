"""Reading CompetentNL: lists of labels, of occupations and of human capabilities."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from data.errors import FileError
from data.taxonomy.sources import Source, SourceConcept
from data.taxonomy.tables import Row, read_rows

_OCCUPATION, _SKILL = "/occupation/", "/humancapability/"
_TOLERATED = 0.01
"""Share of concepts that may have two preferred labels, or none: the published lists have a few."""


def read_competentnl(paths: Sequence[Path]) -> Source:
    """Read label lists: uri, label_type (prefLabel, altLabel or hiddenLabel), label.

    Other columns are passed over. The URI says whether a row is about an occupation or a human capability,
    which becomes a skill. A concept has one preferred label; where up to 1 in 100 have several, or none, the
    first one in the alphabet is taken, the rest become alternatives, and a note says so. Raises FileError
    with file, line and column.
    """
    labels: dict[str, dict[str, set[str]]] = {}
    last: dict[str, Row] = {}
    second: dict[str, Row] = {}
    mended = 0
    for path in paths:
        for row in read_rows(path, ("uri", "label_type", "label")):
            uri, kind, label = row.required("uri"), row["label_type"], _mended(row.required("label"))
            mended += label != row["label"]
            if _OCCUPATION not in uri and _SKILL not in uri:
                raise row.error("uri", f"{uri!r}", f"a URI with {_OCCUPATION} or {_SKILL} in it")
            if kind not in ("prefLabel", "altLabel", "hiddenLabel"):
                raise row.error("label_type", f"{kind!r}", "prefLabel, altLabel, hiddenLabel")
            of_kind = labels.setdefault(uri, defaultdict(set))[kind]
            if kind == "prefLabel" and of_kind - {label}:
                second.setdefault(uri, row)
            of_kind.add(label)
            last[uri] = row
    without = [uri for uri in labels if not labels[uri]["prefLabel"]]
    notes = [
        *_tolerate(
            [(second[uri], f"a second preferred label for {uri}") for uri in second],
            len(labels),
            "have two preferred labels",
        ),
        *_tolerate(
            [(last[uri], f"no preferred label for {uri}") for uri in without],
            len(labels),
            "have no preferred label",
        ),
    ]
    if mended:
        notes.append(f"{mended} labels with mangled accents were mended")
    concepts = [_concept(uri, labels[uri]) for uri in sorted(labels)]
    return Source(
        name="competentnl",
        occupations=tuple(concept for concept in concepts if _OCCUPATION in concept.code),
        skills=tuple(concept for concept in concepts if _OCCUPATION not in concept.code),
        one_owner=True,
        notes=tuple(notes),
    )


def _mended(label: str) -> str:
    """Undo UTF-8 that was once read as code page 850, as in the published lists ("industri├½le")."""
    if "├" not in label and "┬" not in label:
        return label
    try:
        return label.encode("cp850").decode("utf-8")
    except UnicodeError:
        return label


def _concept(uri: str, labels: dict[str, set[str]]) -> SourceConcept:
    label = min(labels["prefLabel"] or labels["altLabel"] or labels["hiddenLabel"])
    alternatives = (labels["prefLabel"] | labels["altLabel"]) - {label}
    hidden = labels["hiddenLabel"] - {label}
    return SourceConcept(uri, label, tuple(sorted(alternatives)), tuple(sorted(hidden)))


def _tolerate(faults: list[tuple[Row, str]], concepts: int, what: str) -> list[str]:
    if len(faults) > _TOLERATED * concepts:
        row, found = faults[0]
        raise _fault(row, found)
    return [f"{faults[0][0].path.name}: {len(faults)} of {concepts} concepts {what}"] if faults else []


def _fault(row: Row, found: str) -> FileError:
    return row.error("label_type", found, "one prefLabel for each URI", "Mend the rows of this concept.")
