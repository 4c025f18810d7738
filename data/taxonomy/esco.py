"""Reading ESCO: the folder of CSV files of an official download, plain or gzipped."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from data.errors import FileError
from data.taxonomy.sources import Source, SourceConcept
from data.taxonomy.tables import Row, read_rows

_TOLERATED = 0.01
"""Share of relations that may name unknown concepts: releases differ a little from language to language."""

_ISCO_GROUP = re.compile(r"/isco/C(\d{4})$")
_FIRST_LANGUAGES = ("nl", "en")
_LONGEST_WAY_UP = 8


def read_esco(folder: Path) -> Source:
    """Read the tables of an ESCO download.

    Needed are occupations_<language>.csv, skills_<language>.csv and occupationSkillRelations_<language>.csv;
    used where they are there broaderRelationsSkillPillar, broaderRelationsOccPillar (the ISCO group of
    occupations that name none) and ISCOGroups (to check those groups). Each may end in .gz.

    A concept takes its labels from its first language, Dutch before English before the others; labels in a
    further language become hidden ones. Relations that name unknown concepts are passed over, with a note,
    up to 1 in 100. Raises FileError with file, line and column.
    """
    if not folder.is_dir():
        raise FileError(str(folder), "not a folder", "the folder of an ESCO download in CSV")
    notes: list[str] = []
    isco_parents = _isco_parents(_tables(folder, "broaderRelationsOccPillar"))
    groups = {row["code"] for path in _tables(folder, "ISCOGroups") for row in read_rows(path, ("code",))}
    occupations = _concepts(_needed(folder, "occupations"), "Occupation", isco_parents, groups)
    skills = _concepts(_needed(folder, "skills"), "KnowledgeSkillCompetence")

    related: dict[str, set[tuple[str, str]]] = {"essential": set(), "optional": set()}
    path = _needed(folder, "occupationSkillRelations")[0]
    rows = list(read_rows(path, ("occupationUri", "relationType", "skillUri")))
    for row in _known(rows, {"occupationUri": occupations, "skillUri": skills}, notes):
        kind = row["relationType"]
        if kind not in related:
            raise row.error("relationType", f"{kind!r}", "essential, optional")
        related[kind].add((row["occupationUri"], row["skillUri"]))

    broader: set[tuple[str, str]] = set()
    for path in _tables(folder, "broaderRelationsSkillPillar")[:1]:
        rows = [
            row
            for row in read_rows(path, ("conceptType", "conceptUri", "broaderType", "broaderUri"))
            if row["conceptType"] == row["broaderType"] == "KnowledgeSkillCompetence"
        ]
        for row in _known(rows, {"conceptUri": skills, "broaderUri": skills}, notes):
            broader.add((row["conceptUri"], row["broaderUri"]))
    return Source(
        name="esco",
        occupations=tuple(occupations[code] for code in sorted(occupations)),
        skills=tuple(skills[code] for code in sorted(skills)),
        broader=tuple(sorted(broader)),
        essential=tuple(sorted(related["essential"])),
        optional=tuple(sorted(related["optional"] - related["essential"])),
        notes=tuple(notes),
    )


def _tables(folder: Path, name: str) -> list[Path]:
    """Return the files of one table, one for each language, the preferred language first."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        found = re.fullmatch(rf"{name}(?:_([A-Za-z-]+))?\.csv(\.gz)?", path.name)
        if found:
            files.setdefault((found[1] or "").lower(), path)

    def order(language: str) -> tuple[int, str]:
        known = language in _FIRST_LANGUAGES
        return _FIRST_LANGUAGES.index(language) if known else len(_FIRST_LANGUAGES), language

    return [files[language] for language in sorted(files, key=order)]


def _needed(folder: Path, name: str) -> list[Path]:
    files = _tables(folder, name)
    if not files:
        raise FileError(
            str(folder), f"no {name} file", f"{name}_nl.csv, or another language, also .gz", "Add the file."
        )
    return files


def _concepts(
    paths: Iterable[Path],
    kind: str,
    isco_parents: dict[str, str] | None = None,
    groups: set[str] | None = None,
) -> dict[str, SourceConcept]:
    concepts: dict[str, SourceConcept] = {}
    for path in paths:
        columns = ("conceptType", "conceptUri", "preferredLabel", "altLabels")
        seen: dict[str, str] = {}
        for row in read_rows(path, columns if isco_parents is None else (*columns, "iscoGroup")):
            if row["conceptType"] != kind or row.cells.get("status") == "obsolete":
                continue
            code, label = row.required("conceptUri"), row.required("preferredLabel")
            if seen.setdefault(code, label) != label:
                raise row.error(
                    "conceptUri",
                    f"{code!r} is called {label!r} here and {seen[code]!r} above",
                    "each concept once",
                    "Remove one of the rows.",
                )
            alternatives = _lines(row["altLabels"])
            hidden = _lines(row.cells.get("hiddenLabels", ""))
            first = concepts.get(code)
            if first is None:
                isco = "" if isco_parents is None else _isco(row, isco_parents, groups or set())
                concepts[code] = SourceConcept(code, label, alternatives, hidden, isco=isco)
            else:
                more = tuple(dict.fromkeys((*first.hidden, label, *alternatives, *hidden)))
                concepts[code] = SourceConcept(code, first.label, first.alternatives, more, isco=first.isco)
    return concepts


def _lines(cell: str) -> tuple[str, ...]:
    return tuple(sorted({line.strip() for line in cell.splitlines() if line.strip()}))


def _isco(row: Row, parents: dict[str, str], groups: set[str]) -> str:
    group = row["iscoGroup"]
    above = row["conceptUri"]
    for _ in range(_LONGEST_WAY_UP if not group else 0):
        above = parents.get(above, "")
        if found := _ISCO_GROUP.search(above):
            group = found[1]
            break
    if not group:
        return ""
    if not (len(group) == 4 and group.isascii() and group.isdigit()):
        raise row.error("iscoGroup", f"{group!r}", "four digits")
    if groups and group not in groups:
        raise row.error("iscoGroup", f"{group!r} is not in the ISCOGroups file", "its 4-digit codes")
    return group


def _isco_parents(paths: list[Path]) -> dict[str, str]:
    parents: dict[str, str] = {}
    for path in paths[:1]:
        for row in read_rows(path, ("conceptType", "conceptUri", "broaderType", "broaderUri")):
            if row["conceptType"] == "Occupation":
                parents[row["conceptUri"]] = min(row["broaderUri"], parents.get(row["conceptUri"], "~"))
    return parents


def _known(rows: list[Row], columns: dict[str, dict[str, SourceConcept]], notes: list[str]) -> Iterator[Row]:
    unknown: list[Row] = []
    for row in rows:
        if all(row.required(column) in concepts for column, concepts in columns.items()):
            yield row
        else:
            unknown.append(row)
    if len(unknown) > _TOLERATED * len(rows):
        row = unknown[0]
        column = next(name for name, concepts in columns.items() if row[name] not in concepts)
        raise row.error(
            column,
            f"unknown concept {row[column]!r}",
            "concepts of the occupations and skills files",
            "Take all files from one release.",
        )
    if unknown:
        notes.append(
            f"{unknown[0].path.name}: {len(unknown)} of {len(rows)} relations name concepts that aren't there"
        )
