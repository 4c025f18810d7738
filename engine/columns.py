"""Records to typed columns: one row a record, in the order of the key, for conditions and selection.

A value that is absent, empty or "unknown" in the standard's own lists has one spelling per column:
`MISSING_DATE` for dates, -1 for hours, levels and the travel limit, 0 for indications and for sets of
licences and contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import polars as pl

from data.dataset import ID_FIELDS
from data.reference import NO_LOCATION, postcodes
from data.standard.values import SOORT_RIJBEWIJS, TYPE_ARBEIDSCONTRACT
from engine.features import stable_hash
from engine.fields import (
    chosen,
    days,
    distinct_texts,
    elements,
    field,
    numbers,
    prop,
    ragged,
    single,
    stated,
)
from engine.ids import Ids
from engine.kernels import MISSING_DATE, NO_LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from data.standard import Side
    from engine.fields import Number, Table, Values

LICENCES: Final = SOORT_RIJBEWIJS.codes
"""Licence number i is bit i of the licence columns."""

CONTRACT_TYPES: Final = TYPE_ARBEIDSCONTRACT.codes
"""Contract type number i is bit i of the contract columns."""

LANGUAGE_SKILLS: Final = ("Mondeling", "Schriftelijk", "Lezen", "Luisteren")
"""Order of the four levels of a language."""

EDUCATION_TO_LEVEL: Final[Mapping[int, int]] = {1: 2, 2: 3, 3: 4, 4: 4, 5: 5, 6: 6}
"""codeNiveauOpleiding on the scale of codeWerkEnDenkniveau: basis 2, vmbo 3, havo/vwo/mbo 4, hbo 5, wo 6."""
_TO_LEVEL: Final = np.array([EDUCATION_TO_LEVEL.get(code, 0) for code in range(10)], np.int8)


class Columns(NamedTuple):
    """Columns of n records, as the kernels take them.

    Row i of every column belongs to the same record. Languages are ragged: those of row i stand in
    `language` and `language_levels` at `language_indptr[i]:language_indptr[i + 1]`; occupations likewise.
    """

    hash: NDArray[np.uint64]
    """(n,) fixed hash of (source, id)."""
    source: NDArray[np.uint16]
    """(n,) number of the source in `Records.sources`."""
    x: NDArray[np.int32]
    """(n,) metres east in the plane of `data.reference`, or NO_LOCATION."""
    y: NDArray[np.int32]
    """(n,) metres north, or NO_LOCATION."""
    travel_limit: NDArray[np.int16]
    """(n,) 0..999 km, -1 where there is none (always for vacancies)."""
    hours_min: NDArray[np.int8]
    """(n,) 0..99 hours a week, or -1."""
    hours_max: NDArray[np.int8]
    """(n,) 0..99 hours a week, or -1."""
    irregular: NDArray[np.int8]
    """(n,) irregular hours or shifts: 1 yes, 2 no, 0 unknown."""
    office_hours: NDArray[np.int8]
    """(n,) office hours: 1 yes, 2 no, 0 unknown."""
    contracts: NDArray[np.uint8]
    """(n,) bit set over CONTRACT_TYPES, 0 where none is named."""
    licences: NDArray[np.uint16]
    """(n,) bit set over LICENCES, 0 where none is named."""
    level: NDArray[np.int8]
    """(n,) education on the scale of codeWerkEnDenkniveau, 1..6, 0 unknown: had, or asked at least."""
    level_code: NDArray[np.int8]
    """(n,) the record's own codeWerkEnDenkniveau 0..7 as it stands, or -1."""
    start: NDArray[np.int32]
    """(n,) first day: available for work, or of the work; MISSING_DATE."""
    end: NDArray[np.int32]
    """(n,) last day: available for work, or of the work; MISSING_DATE."""
    closing: NDArray[np.int32]
    """(n,) last day on which a vacancy is open, MISSING_DATE where none is named (always for profiles)."""
    language_indptr: NDArray[np.int64]
    """(n + 1,)"""
    language: NDArray[np.int16]
    """(n_languages,) ISO 639-3 code packed by `pack_language`, or NO_LANGUAGE: only a level is told."""
    language_levels: NDArray[np.int8]
    """(n_languages, 4) levels in the order of LANGUAGE_SKILLS, -1 where absent."""
    occupation_indptr: NDArray[np.int64]
    """(n + 1,)"""
    occupation: NDArray[np.int32]
    """(n_occupations,) number of the exact code in `Records.occupation_codes`."""


FACTS: Final = np.dtype(
    [
        ("hash", np.uint64),
        ("x", np.int32),
        ("y", np.int32),
        ("start", np.int32),
        ("end", np.int32),
        ("closing", np.int32),
        ("first_language", np.uint32),
        ("travel_limit", np.int16),
        ("licences", np.uint16),
        ("source", np.uint16),
        ("n_languages", np.uint16),
        ("hours_min", np.int8),
        ("hours_max", np.int8),
        ("irregular", np.int8),
        ("office_hours", np.int8),
        ("contracts", np.uint8),
        ("level", np.int8),
        ("level_code", np.int8),
    ],
    align=True,
)
"""The columns of one record side by side, 48 bytes: a condition then reads one line of the cache a
candidate."""


@dataclass(frozen=True, eq=False)
class Records:
    """A collection of profiles or vacancies ready to be selected and matched, sorted by key.

    Attributes
    ----------
    side : which kind of record.
    sources : names of the sources that they come from; with the id a source makes the key.
    ids : (n,) record ids, unique, ascending.
    columns : typed columns, row i belongs to ids[i].
    occupation_codes : the exact codes that `columns.occupation` numbers, ascending.
    """

    side: Side
    sources: tuple[str, ...]
    ids: Sequence[str]
    columns: Columns
    occupation_codes: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    def ids_of(self, rows: NDArray[np.integer[Any]]) -> pl.Series:
        """Return the ids of rows, in their order."""
        if isinstance(self.ids, Ids):
            return pl.Series("id", self.ids.gather(rows), dtype=pl.String)
        return pl.Series("id", self.ids, dtype=pl.String).gather(rows)

    def names(self, rows: NDArray[np.integer[Any]]) -> list[str]:
        """Return the same as a list, sooner where no row stands in it often."""
        if isinstance(self.ids, Ids):
            return self.ids.read(rows)
        return [self.ids[row] for row in rows.tolist()]

    def sources_of(self, rows: NDArray[np.integer[Any]]) -> pl.Series:
        """Return the names of the sources of rows, in their order."""
        return pl.Series("source", self.sources, dtype=pl.String).gather(self.columns.source[rows])

    @property
    def without_location(self) -> int:
        """How many records have a postcode that is not in the table, or none: they are never in an area."""
        return int(np.count_nonzero(self.columns.x == NO_LOCATION))


def sort_by_key(frame: pl.DataFrame, side: Side) -> pl.DataFrame:
    """The frame in the order of its ids, the canonical order of everything below."""
    return frame.sort(ID_FIELDS[side]) if frame.height > 1 else frame


def read_columns(table: Table, side: Side, *, source: str = "") -> Records:
    """Typed columns of records that are in the order of their ids, as `sort_by_key` puts them.

    Parameters
    ----------
    table : the records; ids unique and not null.
    side : which kind of record they are.
    source : name of the source of these records.

    Returns
    -------
    Records; nothing is shared with the table.
    """
    n = len(table)
    if side == "werkzoekende":
        qualification, flexibility = "arbeidsmarktkwalificatie.", "flexibiliteit."
        postcode = field(table, "mobiliteit.bemiddelingspostcode")
        travel_limit = numbers(field(table, "mobiliteit.maximaleReisafstand"), np.int16, -1)
        start, end = (f"{flexibility}datum{which}BeschikbaarVoorWerk" for which in ("Aanvang", "Einde"))
        level_code = numbers(field(table, f"{qualification}codeWerkEnDenkniveauWerkzoekende"), np.int8, -1)
        closing = np.full(n, MISSING_DATE, np.int32)
        occupation_rows, occupations = ragged(table, "bemiddelingsberoep", "codeBeroepsnaam")
    else:
        qualification = ""
        postcode = field(table, "adres.postcode")
        travel_limit = np.full(n, -1, np.int16)
        start, end = (f"arbeidsVoorwaarden.datum{which}Werkzaamheden" for which in ("Aanvang", "Einde"))
        level_code = numbers(field(table, "codeWerkEnDenkniveauMinimaal"), np.int8, -1)
        closing = days(field(table, "sluitingsdatumVacature"))
        occupation_rows, occupations = single(table, "beroep.codeBeroepsnaam")

    ids = list(field(table, ID_FIELDS[side]))
    x, y = _places(postcode)
    occupation_codes, occupation = distinct_texts(occupations)
    language_rows, language, language_levels = read_languages(table, f"{qualification}taalbeheersing")
    columns = Columns(
        hash=np.fromiter((stable_hash(source, record) for record in ids), np.uint64, n),
        source=np.zeros(n, np.uint16),
        x=x,
        y=y,
        travel_limit=travel_limit,
        hours_min=numbers(field(table, "werktijden.aantalWerkurenPerWeekMinimaal"), np.int8, -1),
        hours_max=numbers(field(table, "werktijden.aantalWerkurenPerWeekMaximaal"), np.int8, -1),
        irregular=numbers(field(table, "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst"), np.int8, 0),
        office_hours=numbers(field(table, "werktijden.indicatieKantoortijden"), np.int8, 0),
        contracts=_bits(table, "contractvorm", "codeTypeArbeidscontract", CONTRACT_TYPES, np.uint8),
        licences=_bits(table, f"{qualification}rijbewijs", "codeSoortRijbewijs", LICENCES, np.uint16),
        level=_levels(table, side, level_code, f"{qualification}opleiding"),
        level_code=level_code,
        start=days(field(table, start)),
        end=days(field(table, end)),
        closing=closing,
        language_indptr=row_pointers(language_rows, n),
        language=language,
        language_levels=language_levels,
        occupation_indptr=row_pointers(occupation_rows, n),
        occupation=occupation.astype(np.int32),
    )
    return Records(side, (source,), ids, columns, occupation_codes)


def row_pointers(rows: NDArray[np.intp], n: int) -> NDArray[np.int64]:
    """CSR row pointers, int64 (n + 1,), of ascending row numbers."""
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=indptr[1:])
    return indptr


def day_number(day: date) -> int:
    """Days since 1970-01-01 of a date."""
    return day.toordinal() - 719_163


def read_languages(table: Table, path: str) -> tuple[NDArray[np.intp], NDArray[np.int16], NDArray[np.int8]]:
    """Languages of every record: those that are named by their code, and levels of one that isn't.

    Returns
    -------
    (rows intp (m,) ascending; int16 (m,) packed codes, or NO_LANGUAGE; int8 (m, 4) levels in the order of
    LANGUAGE_SKILLS).
    """
    rows, spoken = elements(table, path)
    if not len(rows):
        return rows, np.empty(0, np.int16), np.empty((0, len(LANGUAGE_SKILLS)), np.int8)
    codes = prop(spoken, "codeTaal")
    named = stated(codes)
    distinct, positions = distinct_texts(chosen(codes, named))
    packed = np.full(len(rows), NO_LANGUAGE, np.int16)
    packed[named] = np.array([pack_language(text) for text in distinct], np.int16)[positions]
    levels = np.stack(
        [numbers(prop(spoken, f"codeNiveauTaalbeheersing{skill}"), np.int8, -1) for skill in LANGUAGE_SKILLS],
        axis=1,
    )
    kept = named | (levels >= 0).any(axis=1)
    return rows[kept], packed[kept], np.ascontiguousarray(levels[kept])


def names_language(columns: Columns) -> NDArray[np.bool_]:
    """Which records name a language by its code, bool (n,)."""
    rows = np.repeat(np.arange(len(columns.x)), np.diff(columns.language_indptr))
    naming = np.zeros(len(columns.x), np.bool_)
    naming[rows[columns.language != NO_LANGUAGE]] = True
    return naming


def pack_language(code: str) -> int:
    """An ISO 639-3 code, three letters a-z, as an integer 0..17575."""
    number = 0
    for letter in code:
        number = number * 26 + ord(letter) - ord("a")
    return number


def education_levels(followed: Values) -> NDArray[np.int8]:
    """Level of every opleiding on the scale of codeWerkEnDenkniveau, int8 (m,), 0 where it has none."""
    return _TO_LEVEL[numbers(prop(followed, "codeNiveauOpleiding"), np.intp, 0)]


def unfinished(followed: Values) -> NDArray[np.bool_]:
    """Which opleidingen a profile says were broken off, still run or gave no diploma, bool (m,)."""
    diploma = numbers(prop(followed, "indicatieDiploma"), np.int8, 0)
    status = numbers(prop(followed, "codeStatusOpleiding"), np.int8, 0)
    return np.isin(status, (2, 3)) | np.equal(diploma, 2)


def _places(postcode: Values) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Coordinates of postcodes, NO_LOCATION where there is none that is in the table."""
    if not isinstance(postcode, list):
        return postcodes().locate(postcode)
    places = [(NO_LOCATION, NO_LOCATION) if each is None else postcodes().place(each) for each in postcode]
    x, y = np.array(places, np.int32).reshape(-1, 2).T.copy()
    return x, y


def _bits(
    table: Table, path: str, name: str, values: tuple[str, ...], dtype: type[Number]
) -> NDArray[Number]:
    rows, codes = ragged(table, path, name)
    distinct, positions = distinct_texts(codes)
    bits = np.zeros(len(table), dtype)
    for place, code in enumerate(distinct):
        # A row that stands twice in the index gets the same bit twice.
        bits[rows[positions == place]] |= dtype(1 << values.index(code))
    return bits


def _levels(table: Table, side: Side, level_code: NDArray[np.int8], educations: str) -> NDArray[np.int8]:
    """A profile's highest level, stated or of a finished education; a vacancy's stated, else lowest, one."""
    level = np.where((level_code < 1) | (level_code > 6), np.int8(0), level_code)
    rows, followed = elements(table, educations)
    levels = education_levels(followed)
    if side == "werkzoekende":
        levels[unfinished(followed)] = 0
        np.maximum.at(level, rows, levels)
        return level
    lowest = np.full(len(table), 7, np.int8)
    np.minimum.at(lowest, rows[levels > 0], levels[levels > 0])
    return np.where((level == 0) & (lowest < 7), lowest, level)
