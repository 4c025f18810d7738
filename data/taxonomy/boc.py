"""Reading BO&C, the occupations of UWV: job titles under reference occupations."""

from collections import defaultdict
from pathlib import Path

from data.taxonomy.sources import Source, SourceConcept
from data.taxonomy.tables import Row, read_rows

_CODE, _TITLE = "UWV beroep code", "Omschrijving"
_ABOVE, _TITLE_ABOVE = "Code Bovenliggend Referentie Beroep", "Omschrijving Bovenliggend Referentie Beroep"
_NONE = "n.v.t"
_LEVELS = {"(middelbaar)": "(mbo)", "(hoger)": "(hbo/wo)"}


def read_boc(path: Path) -> Source:
    """Read the semicolon-separated list of job titles, each with the reference occupation that it falls
    under.

    A reference occupation (its own row has "n.v.t" above it) is the concept. A job title under it is an
    alternative label of it, and the title's code an alias. Raises FileError with file, line and column.
    """
    titles: dict[str, Row] = {}
    for row in read_rows(path, (_CODE, _TITLE, _ABOVE, _TITLE_ABOVE), delimiter=";"):
        code = row.required(_CODE)
        row.required(_TITLE)
        if code in titles:
            raise row.error(_CODE, f"{code!r} stands twice", "each code once", "Remove one of the rows.")
        titles[code] = row
    references = {code: row[_TITLE] for code, row in titles.items() if _is_reference(row)}
    below: dict[str, list[str]] = defaultdict(list)
    for code in sorted(titles):
        row = titles[code]
        if _is_reference(row):
            continue
        above, title_above = row.required(_ABOVE), row.required(_TITLE_ABOVE)
        if above in titles and above not in references:
            raise row.error(_ABOVE, f"{above!r} is itself under another", "a reference occupation")
        if references.setdefault(above, title_above) != title_above:
            raise row.error(
                _TITLE_ABOVE,
                f"{title_above!r}, but {above!r} is called {references[above]!r} elsewhere",
                "one title for each code",
                "Mend one of the rows.",
            )
        below[above].append(code)
    return Source(
        name="boc",
        occupations=tuple(
            SourceConcept(
                code,
                label,
                alternatives=tuple(
                    sorted({titles[title][_TITLE] for title in below[code]} | _with_present_level(label))
                ),
                aliases=tuple(sorted(below[code])),
            )
            for code, label in sorted(references.items())
        ),
        one_owner=True,
    )


def _with_present_level(label: str) -> set[str]:
    """Return the label with today's name of the level of education, if it has one."""
    return {label.replace(then, now) for then, now in _LEVELS.items() if then in label}


def _is_reference(row: Row) -> bool:
    return row[_ABOVE].rstrip(".").casefold() == _NONE
