"""Conditions as bits: what a record is marked with, and which marks an asking record can't have.

A pair whose marks and refusals share a bit breaks a condition for certain, and many candidates can be asked
that at once. The reverse doesn't hold: hours are marked in steps, languages if they are common, starting
dates not at all; `engine.kernels.check` decides in the end. Unknown is never marked.

The kernels take `EVERYONE`, `NO_LANGUAGE` and the packing of languages from elsewhere: those never change
(see `engine.kernels`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit

from engine.columns import pack_language
from engine.kernels import EVERYONE, MISSING_DATE, NO_LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from data.standard import Side
    from engine.columns import Records
    from engine.kernels import Facts

COMMON_LANGUAGES: Final = tuple(
    pack_language(code)
    for code in [
        "nld",
        "eng",
        "deu",
        "fra",
        "spa",
        "por",
        "ita",
        "pol",
        "ukr",
        "rus",
        "tur",
        "ara",
        "tir",
        "fas",
        "som",
        "zho",
    ]
)
"""Languages that have a bit of their own."""

_COMMON: Final = np.array(COMMON_LANGUAGES, np.uint32)

_LICENCE, _CONTRACT, _IRREGULAR, _OFFICE, _LEVEL, _LANGUAGE, _LEAST, _MOST = (
    np.uint64(bit) for bit in (0, 16, 18, 19, 20, 32, 48, 56)
)
"""First bit of what each condition marks; bit 31 is EVERYONE's."""

_MARKED: Final = {
    "licence": 0xFFFF,
    "contract": 0b11 << 16,
    "irregular": 1 << 18,
    "office_hours": 1 << 19,
    "education_level": 0x3F << 20,
    "language": 0xFFFF << 32,
    "hours": 0xFFFF << 48,
}
"""All bits of what each condition marks."""

_16_BITS, _8_BITS, _6_BITS, _ONE = (np.uint64(bits) for bits in (0xFFFF, 0xFF, 0x3F, 1))

_STEP: Final = 8
"""Hours a week that share a bit; the last bit takes all above it."""


def signatures(facts: Facts, side: Side) -> NDArray[np.uint64]:
    """Return the marks of records of a side as candidates, uint64 (n,)."""
    marks = np.empty(len(facts.table), np.uint64)
    mark(*facts, side == "werkzoekende", marks)
    return marks


def refusals(records: Records, facts: Facts, required: Collection[str], today: int) -> NDArray[np.uint64]:
    """Return the marks that no candidate may have, uint64 (n,): EVERYONE's where all is in vain.

    facts : of the records.
    """
    marks = np.empty(len(records), np.uint64)
    refuse(*facts, records.side == "werkzoekende", marks)
    marks &= np.uint64(sum(bits for condition, bits in _MARKED.items() if condition in required))
    marks[in_vain(records, required, today)] |= EVERYONE
    return marks


def in_vain(records: Records, required: Collection[str], today: int) -> NDArray[np.bool_]:
    """Return which records break a required condition with everybody, bool (n,): closed, or over."""
    columns = records.columns
    closed = (columns.closing != MISSING_DATE) & (columns.closing < today)
    over = (columns.end != MISSING_DATE) & (columns.end < today)
    if records.side == "vacature":
        over |= (columns.end != MISSING_DATE) & (columns.end < columns.start)
    vain: NDArray[np.bool_] = (closed & ("open" in required)) | (over & ("dates" in required))
    return vain


@njit(cache=True, nogil=True)
def mark(table: Any, spoken: Any, profiles: Any, marks: Any) -> None:
    """Write `signatures` of facts, of profiles or of vacancies.

    table, spoken : of `Facts`. marks : uint64 (n,), filled.
    """
    for row in range(len(table)):
        record = table[row]
        marks[row] = EVERYONE | _opposed(record, spoken, profiles)
        if record.contracts == 1 or record.contracts == 2:
            marks[row] |= np.uint64(record.contracts) << _CONTRACT
        if record.level > 0:
            marks[row] |= _ONE << _LEVEL + np.uint64(record.level - 1)
        if record.hours_min >= 0:
            marks[row] |= _ONE << _LEAST + _step(record.hours_min)
        if record.hours_max >= 0:
            marks[row] |= _ONE << _MOST + _step(record.hours_max)


@njit(cache=True, nogil=True)
def refuse(table: Any, spoken: Any, profiles: Any, marks: Any) -> None:
    """Write `refusals` of facts, of profiles or of vacancies, where all conditions are required.

    table, spoken : of `Facts`. marks : uint64 (n,), filled.
    """
    for row in range(len(table)):
        record = table[row]
        marks[row] = _opposed(record, spoken, profiles)
        if record.contracts == 1 or record.contracts == 2:
            marks[row] |= np.uint64(3 - record.contracts) << _CONTRACT
        if record.level > 0:
            own = _ONE << np.uint64(record.level - 1)
            below, above = own - _ONE, _6_BITS & ~(own | own - _ONE)
            marks[row] |= (above if profiles else below) << _LEVEL
        # Refused: a longest week all below our shortest, or a shortest one all above our longest.
        if record.hours_min >= 0:
            marks[row] |= (_ONE << _step(record.hours_min)) - _ONE << _MOST
        if record.hours_max >= 0:
            up_to = (_ONE << _step(record.hours_max) + _ONE) - _ONE
            marks[row] |= (_8_BITS & ~up_to) << _LEAST


@njit(cache=True, nogil=True)
def _opposed(record: Any, spoken: Any, profiles: Any) -> Any:
    """Mark what a profile lacks or won't do, or what a vacancy asks: it breaks a condition with the same."""
    licences, languages, named = np.uint64(record.licences), np.uint64(0), False
    first = np.int64(record.first_language)
    for at in range(first, first + record.n_languages):
        language = spoken[at] >> np.uint32(16)
        named |= language != NO_LANGUAGE
        for number in range(len(_COMMON)):
            if language == _COMMON[number]:
                languages |= _ONE << np.uint64(number)
    if profiles:
        licences = _16_BITS & ~licences if licences else licences
        languages = _16_BITS & ~languages if named else languages
    irregular = np.uint64(record.irregular == (2 if profiles else 1))
    office = np.uint64(record.office_hours == (1 if profiles else 2))
    return licences << _LICENCE | irregular << _IRREGULAR | office << _OFFICE | languages << _LANGUAGE


@njit(cache=True, nogil=True)
def _step(hours: Any) -> Any:
    return np.uint64(min(hours // _STEP, 7))
