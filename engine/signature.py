"""Conditions as bits: what a record is marked with, and which marks an asking record can't have.

A pair whose marks and refusals share a bit breaks a condition for certain, and many candidates can be asked
that at once. The reverse doesn't hold: hours are marked in steps, languages if they are common, starting
dates not at all; `engine.kernels.check` decides in the end. Unknown is never marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.columns import names_language, pack_language
from engine.kernels import EVERYONE, MISSING_DATE

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from engine.columns import Records

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

_LICENCE, _CONTRACT, _IRREGULAR, _OFFICE, _LEVEL, _LANGUAGE, _LEAST, _MOST = 0, 16, 18, 19, 20, 32, 48, 56
"""First bit of what each condition marks; bit 31 is EVERYONE's."""

_STEP: Final = 8
"""Hours a week that share a bit; the last bit takes all above it."""


def signatures(records: Records) -> NDArray[np.uint64]:
    """Return the marks of records as candidates, uint64 (n,)."""
    columns, profiles = records.columns, records.side == "werkzoekende"
    marks = np.full(len(records), EVERYONE, np.uint64)
    licences = columns.licences.astype(np.uint64)
    # A profile is marked with what it lacks, a vacancy with what it asks.
    marks |= (np.where(licences > 0, ~licences & np.uint64(0xFFFF), 0) if profiles else licences) << _LICENCE
    marks |= np.where(np.isin(columns.contracts, (1, 2)), columns.contracts, 0).astype(np.uint64) << _CONTRACT
    marks |= (columns.irregular == (2 if profiles else 1)).astype(np.uint64) << _IRREGULAR
    marks |= (columns.office_hours == (1 if profiles else 2)).astype(np.uint64) << _OFFICE
    marks |= _one_of(columns.level.astype(np.int64) - 1, columns.level > 0) << _LEVEL
    named = _languages(records)
    marks |= (
        np.where(names_language(columns), ~named & np.uint64(0xFFFF), 0) if profiles else named
    ) << _LANGUAGE
    for first, hours in ((_LEAST, columns.hours_min), (_MOST, columns.hours_max)):
        marks |= _one_of(np.minimum(hours.astype(np.int64) // _STEP, 7), hours >= 0) << first
    return marks


def refusals(records: Records, required: Collection[str], today: int) -> NDArray[np.uint64]:
    """Return the marks that no candidate may have, uint64 (n,): EVERYONE's where all is in vain."""
    columns, vacancies = records.columns, records.side == "vacature"
    marks = np.where(in_vain(records, required, today), EVERYONE, 0).astype(np.uint64)

    def refuse(condition: str, first: int, which: NDArray[np.uint64]) -> None:
        nonlocal marks
        if condition in required:
            marks |= which << np.uint64(first)

    licences = columns.licences.astype(np.uint64)
    refuse(
        "licence",
        _LICENCE,
        licences if vacancies else np.where(licences > 0, ~licences & np.uint64(0xFFFF), 0).astype(np.uint64),
    )
    only = np.where(np.isin(columns.contracts, (1, 2)), 3 - columns.contracts.astype(np.int64), 0)
    refuse("contract", _CONTRACT, only.astype(np.uint64))
    refuse("irregular", _IRREGULAR, (columns.irregular == (1 if vacancies else 2)).astype(np.uint64))
    refuse("office_hours", _OFFICE, (columns.office_hours == (2 if vacancies else 1)).astype(np.uint64))
    level = columns.level.astype(np.int64)
    below, above = _below(level - 1), ~_below(level) & np.uint64(0x3F)
    refuse("education_level", _LEVEL, np.where(level > 0, below if vacancies else above, 0).astype(np.uint64))
    named = _languages(records)
    lacking = np.where(names_language(columns), ~named & np.uint64(0xFFFF), 0).astype(np.uint64)
    refuse("language", _LANGUAGE, named if vacancies else lacking)
    least, most = columns.hours_min.astype(np.int64), columns.hours_max.astype(np.int64)
    # The longest week of the candidate is all below our shortest, or its shortest is all above our longest.
    refuse("hours", _MOST, np.where(least >= 0, _below(np.minimum(least // _STEP, 7)), 0).astype(np.uint64))
    beyond = ~_below(np.minimum(most // _STEP, 7) + 1) & np.uint64(0xFF)
    refuse("hours", _LEAST, np.where(most >= 0, beyond, 0).astype(np.uint64))
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


def _one_of(number: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.uint64]:
    return np.where(known, np.uint64(1) << np.maximum(number, 0).astype(np.uint64), np.uint64(0))


def _below(number: NDArray[np.int64]) -> NDArray[np.uint64]:
    """All bits below a number 0..63."""
    return (np.uint64(1) << np.maximum(number, 0).astype(np.uint64)) - np.uint64(1)


def _languages(records: Records) -> NDArray[np.uint64]:
    """Which of the common languages records name, uint64 (n,)."""
    columns = records.columns
    rows = np.repeat(np.arange(len(records)), np.diff(columns.language_indptr))
    named = np.zeros(len(records), np.uint64)
    for number, language in enumerate(COMMON_LANGUAGES):
        named[rows[columns.language == language]] |= np.uint64(1 << number)
    return named
