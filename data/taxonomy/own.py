"""Koppel's own small taxonomy: Dutch occupations and skills as CSV files that ship with it."""

from pathlib import Path

from data.taxonomy.sources import Source, SourceConcept
from data.taxonomy.tables import Row, read_rows

BUNDLED = Path(__file__).parent / "bundled"


def read_own(folder: Path = BUNDLED, *, name: str = "koppel") -> Source:
    """Read skills.csv, occupations.csv and, where it is there, frequencies.csv.

    skills.csv: code, label, alt_labels, broader; occupations.csv: code, label, isco, alt_labels, essential,
    optional; frequencies.csv: group, code, count, total. Lists inside a cell are separated by "|"; broader,
    essential and optional hold codes of skills. Raises FileError with file, line and column.
    """
    skills: dict[str, SourceConcept] = {}
    broader: list[tuple[str, str]] = []
    rows = list(read_rows(folder / "skills.csv", ("code", "label", "alt_labels", "broader")))
    for row in rows:
        _add(
            skills, row, SourceConcept(row.required("code"), row.required("label"), _list(row["alt_labels"]))
        )
    for row in rows:
        broader += [(row["code"], code) for code in _codes(row, "broader", skills)]

    occupations: dict[str, SourceConcept] = {}
    essential: list[tuple[str, str]] = []
    optional: list[tuple[str, str]] = []
    columns = ("code", "label", "isco", "alt_labels", "essential", "optional")
    for row in read_rows(folder / "occupations.csv", columns):
        isco = row["isco"]
        if isco and not (len(isco) == 4 and isco.isascii() and isco.isdigit()):
            raise row.error("isco", f"{isco!r}", "four digits", "Give the ISCO-08 unit group.")
        code, label = row.required("code"), row.required("label")
        _add(occupations, row, SourceConcept(code, label, _list(row["alt_labels"]), isco=isco))
        essential += [(code, skill) for skill in _codes(row, "essential", skills)]
        optional += [(code, skill) for skill in _codes(row, "optional", skills)]

    frequencies = folder / "frequencies.csv"
    return Source(
        name=name,
        occupations=tuple(occupations.values()),
        skills=tuple(skills.values()),
        broader=tuple(broader),
        essential=tuple(essential),
        optional=tuple(optional),
        frequencies=read_frequencies(frequencies) if frequencies.exists() else (),
    )


def read_frequencies(path: Path) -> tuple[tuple[str, str, int, int], ...]:
    """Read a reference table: group, code, count, total; each code once a group, 0 <= count <= total."""
    frequencies: dict[tuple[str, str], tuple[str, str, int, int]] = {}
    for row in read_rows(path, ("group", "code", "count", "total")):
        key = row.required("group"), row.required("code")
        if key in frequencies:
            raise row.error("code", f"{key[1]!r} stands twice in group {key[0]}", "each code once a group")
        count, total = (_number(row, column) for column in ("count", "total"))
        if count > total:
            raise row.error("count", f"{count}", f"0 to the total, {total}")
        frequencies[key] = (*key, count, total)
    return tuple(sorted(frequencies.values()))


def _add(concepts: dict[str, SourceConcept], row: Row, concept: SourceConcept) -> None:
    if concept.code in concepts:
        raise row.error("code", f"{concept.code!r} stands twice", "each code once", "Remove one of the rows.")
    concepts[concept.code] = concept


def _codes(row: Row, column: str, skills: dict[str, SourceConcept]) -> tuple[str, ...]:
    codes = _list(row[column])
    for code in codes:
        if code not in skills:
            raise row.error(
                column, f"unknown skill {code!r}", "codes in skills.csv", "Add the skill or mend the code."
            )
    return codes


def _list(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))


def _number(row: Row, column: str) -> int:
    value = row.required(column)
    if not (value.isascii() and value.isdigit()):
        raise row.error(column, f"{value!r}", "a whole number, 0 or more")
    return int(value)
