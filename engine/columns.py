"""Records to typed columns: one row a record, in the order of the key, for conditions and selection.

A value that is absent, empty or "unknown" in the standard's own lists has one spelling per column:
`MISSING_DATE` for dates, -1 for hours, levels and the travel limit, 0 for indications and for sets of
licences and contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np
import polars as pl

from data.dataset import ID_FIELDS
from data.reference import NO_LOCATION, postcodes
from data.standard.values import SOORT_RIJBEWIJS, TYPE_ARBEIDSCONTRACT
from engine.features import distinct_texts, stable_hash
from engine.ids import Ids
from engine.kernels import MISSING_DATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from data.standard import Side

Number = TypeVar("Number", bound=np.generic)

LICENCES: Final = SOORT_RIJBEWIJS.codes
"""Licence number i is bit i of the licence columns."""

CONTRACT_TYPES: Final = TYPE_ARBEIDSCONTRACT.codes
"""Contract type number i is bit i of the contract columns."""

LANGUAGE_SKILLS: Final = ("Mondeling", "Schriftelijk", "Lezen", "Luisteren")
"""Order of the four levels of a language."""

EDUCATION_TO_LEVEL: Final[Mapping[int, int]] = {1: 2, 2: 3, 3: 4, 4: 4, 5: 5, 6: 6}
"""codeNiveauOpleiding on the scale of codeWerkEnDenkniveau: basis 2, vmbo 3, havo/vwo/mbo 4, hbo 5, wo 6."""


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
    """(n_languages,) ISO 639-3 code packed by `pack_language`."""
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
            return self.ids.gather(rows)
        return pl.Series("id", self.ids, dtype=pl.String).gather(rows)

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


def read_columns(frame: pl.DataFrame, side: Side, *, source: str = "") -> Records:
    """Typed columns of a frame that `sort_by_key` has ordered.

    Parameters
    ----------
    frame : records as `data.dataset` gives them, ids unique, not null and ascending.
    side : which kind of record the frame holds.
    source : name of the source of these records.

    Returns
    -------
    Records; nothing is shared with the frame.
    """
    if side == "werkzoekende":
        postcode, travel = (
            field(frame, "mobiliteit.bemiddelingspostcode"),
            field(frame, "mobiliteit.maximaleReisafstand"),
        )
        qualification = "arbeidsmarktkwalificatie."
        start, end = (
            "flexibiliteit.datumAanvangBeschikbaarVoorWerk",
            "flexibiliteit.datumEindeBeschikbaarVoorWerk",
        )
        level_code = field(frame, "arbeidsmarktkwalificatie.codeWerkEnDenkniveauWerkzoekende")
        closing = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
        occupation_rows, occupations = ragged(frame, "bemiddelingsberoep", "codeBeroepsnaam")
    else:
        postcode = field(frame, "adres.postcode")
        travel = pl.repeat(None, frame.height, dtype=pl.Int32, eager=True)
        qualification = ""
        start, end = (
            "arbeidsVoorwaarden.datumAanvangWerkzaamheden",
            "arbeidsVoorwaarden.datumEindeWerkzaamheden",
        )
        level_code = field(frame, "codeWerkEnDenkniveauMinimaal").cast(pl.Int32)
        closing = frame["sluitingsdatumVacature"]
        codes = field(frame, "beroep.codeBeroepsnaam")
        named = (codes.is_not_null() & (codes != "")).fill_null(False)
        occupation_rows, occupations = np.flatnonzero(named.to_numpy()), codes.filter(named)

    n = frame.height
    ids = frame[ID_FIELDS[side]].to_list()
    x, y = postcodes().locate(postcode)
    occupation_codes, numbers = distinct_texts(occupations)
    language_rows, language, language_levels = read_languages(frame, qualification + "taalbeheersing")
    columns = Columns(
        hash=np.fromiter((stable_hash(source, record) for record in ids), np.uint64, n),
        source=np.zeros(n, np.uint16),
        x=x,
        y=y,
        travel_limit=_numbers(travel, np.int16, -1),
        hours_min=_numbers(field(frame, "werktijden.aantalWerkurenPerWeekMinimaal"), np.int8, -1),
        hours_max=_numbers(field(frame, "werktijden.aantalWerkurenPerWeekMaximaal"), np.int8, -1),
        irregular=_numbers(
            field(frame, "flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst"), np.int8, 0
        ),
        office_hours=_numbers(field(frame, "werktijden.indicatieKantoortijden"), np.int8, 0),
        contracts=_bits(frame, "contractvorm", "codeTypeArbeidscontract", CONTRACT_TYPES, np.uint8),
        licences=_bits(frame, qualification + "rijbewijs", "codeSoortRijbewijs", LICENCES, np.uint16),
        level=_levels(frame, side, level_code, qualification + "opleiding"),
        level_code=_numbers(level_code, np.int8, -1),
        start=days(field(frame, start)),
        end=days(field(frame, end)),
        closing=days(closing),
        language_indptr=row_pointers(language_rows, n),
        language=language,
        language_levels=language_levels,
        occupation_indptr=row_pointers(occupation_rows, n),
        occupation=numbers.astype(np.int32),
    )
    return Records(side, (source,), ids, columns, occupation_codes)


def field(frame: pl.DataFrame, path: str) -> pl.Series:
    """The property at a dotted path through objects, null where any object on the way is absent."""
    top, *inner = path.split(".")
    series = frame[top]
    for name in inner:
        series = prop(series, name)
    return series


def prop(objects: pl.Series, name: str) -> pl.Series:
    """A property of objects, null where the object is absent."""
    # Many times faster than an expression, which counts where records come one by one.
    return objects.struct.unnest()[name]


def ragged(frame: pl.DataFrame, path: str, *properties: str) -> tuple[NDArray[np.intp], pl.Series]:
    """The values of one property of the objects in a list, flattened, absent and empty ones left out.

    Returns
    -------
    (rows intp (m,) ascending, values (m,)): value j belongs to record rows[j].
    """
    rows, objects = elements(frame, path)
    for name in properties:
        objects = prop(objects, name)
    return _filtered(rows, objects, objects != "" if objects.dtype == pl.String else None)


def elements(frame: pl.DataFrame, path: str) -> tuple[NDArray[np.intp], pl.Series]:
    """The elements of a list property, flattened, with the row that each belongs to; nulls are left out."""
    lists = field(frame, path)
    if frame.height == 1:
        values = lists.explode()
        return _filtered(np.zeros(len(values), np.intp), values)
    lengths = lists.list.len().fill_null(0)
    rows = np.repeat(np.arange(frame.height), lengths.to_numpy())
    return _filtered(rows, lists.filter(lengths > 0).explode())


def _filtered(
    rows: NDArray[np.intp], values: pl.Series, kept: pl.Series | None = None
) -> tuple[NDArray[np.intp], pl.Series]:
    """Rows and values without those that are null, and those that aren't to be kept."""
    if values.null_count() == len(values):
        return rows[:0], values.clear()
    if values.null_count():
        present = values.is_not_null()
        kept = present if kept is None else present & kept.fill_null(False)
    return (rows, values) if kept is None else (rows[kept.to_numpy()], values.filter(kept))


def row_pointers(rows: NDArray[np.intp], n: int) -> NDArray[np.int64]:
    """CSR row pointers, int64 (n + 1,), of ascending row numbers."""
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=indptr[1:])
    return indptr


def days(dates: pl.Series) -> NDArray[np.int32]:
    """Dates spelt YYYY-MM-DD as days since 1970-01-01, int32; MISSING_DATE where absent or no date."""
    if dates.null_count() == len(dates):
        return np.full(len(dates), MISSING_DATE, np.int32)
    parsed = dates.str.to_date("%Y-%m-%d", strict=False).to_physical()
    return parsed.fill_null(MISSING_DATE).to_numpy().astype(np.int32)


def day_number(day: date) -> int:
    """Days since 1970-01-01 of a date."""
    return day.toordinal() - 719_163


def read_languages(
    frame: pl.DataFrame, path: str
) -> tuple[NDArray[np.intp], NDArray[np.int16], NDArray[np.int8]]:
    """Languages of every record that names one by its code.

    Returns
    -------
    (rows intp (m,) ascending; int16 (m,) packed codes; int8 (m, 4) levels in the order of LANGUAGE_SKILLS).
    """
    rows, spoken = elements(frame, path)
    if not len(rows):
        return rows, np.empty(0, np.int16), np.empty((0, len(LANGUAGE_SKILLS)), np.int8)
    code = prop(spoken, "codeTaal")
    named = (code.str.len_bytes() == 3).fill_null(False)
    rows, spoken, code = rows[named.to_numpy()], spoken.filter(named), code.filter(named)
    distinct, positions = distinct_texts(code)
    numbers = np.array([pack_language(text) for text in distinct], np.int16)[positions]
    levels = [
        _numbers(prop(spoken, f"codeNiveauTaalbeheersing{skill}"), np.int8, -1) for skill in LANGUAGE_SKILLS
    ]
    return rows, numbers, np.ascontiguousarray(np.stack(levels, axis=1))


def pack_language(code: str) -> int:
    """An ISO 639-3 code, three letters a-z, as an integer 0..17575."""
    number = 0
    for letter in code:
        number = number * 26 + ord(letter) - ord("a")
    return number


def education_levels(followed: pl.Series) -> NDArray[np.int8]:
    """Level of every opleiding on the scale of codeWerkEnDenkniveau, int8 (m,), 0 where it has none."""
    to_level = np.array([EDUCATION_TO_LEVEL.get(code, 0) for code in range(10)], np.int8)
    return to_level[_numbers(prop(followed, "codeNiveauOpleiding"), np.int64, 0)]


def unfinished(followed: pl.Series) -> NDArray[np.bool_]:
    """Which opleidingen a profile says were broken off, still run or gave no diploma, bool (m,)."""
    diploma = _numbers(prop(followed, "indicatieDiploma"), np.int8, 0)
    status = _numbers(prop(followed, "codeStatusOpleiding"), np.int8, 0)
    return np.isin(status, (2, 3)) | np.equal(diploma, 2)


def _numbers(series: pl.Series, dtype: type[Number], missing: int) -> NDArray[Number]:
    if series.null_count() == len(series):
        return np.full(len(series), missing, dtype)
    return (series.fill_null(missing) if series.null_count() else series).to_numpy().astype(dtype)


def _bits(
    frame: pl.DataFrame, path: str, name: str, values: tuple[str, ...], dtype: type[Number]
) -> NDArray[Number]:
    rows, codes = ragged(frame, path, name)
    bits = np.zeros(frame.height, dtype)
    if not len(rows):
        return bits
    numbers = codes.cast(pl.Enum(values)).to_physical().to_numpy()
    for number in range(len(values)):
        # A row that stands twice in the index gets the same bit twice.
        bits[rows[numbers == number]] |= dtype(1 << number)
    return bits


def _levels(frame: pl.DataFrame, side: Side, level_code: pl.Series, educations: str) -> NDArray[np.int8]:
    """A profile's highest level, stated or of a finished education; a vacancy's stated, else lowest, one."""
    stated = _numbers(level_code, np.int8, 0)
    stated[(stated < 1) | (stated > 6)] = 0
    rows, followed = elements(frame, educations)
    levels = education_levels(followed)
    if side == "werkzoekende":
        levels[unfinished(followed)] = 0
        np.maximum.at(stated, rows, levels)
        return stated
    lowest = np.full(frame.height, 7, np.int8)
    np.minimum.at(lowest, rows[levels > 0], levels[levels > 0])
    return np.where((stated == 0) & (lowest < 7), lowest, stated)
