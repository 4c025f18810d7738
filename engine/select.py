"""A selection question over the columns of a collection: which records satisfy it, nearest first.

Every criterion is one expression over a whole column. A record without the value that a criterion looks at
does not satisfy it (MongoDB semantics).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.question import LanguageCriterion, Question
from data.reference import NO_LOCATION, postcodes
from engine.columns import CONTRACT_TYPES, LICENCES, Columns, Records, day_number, pack_language
from engine.kernels import MISSING_DATE

__all__ = ["Selection", "satisfying", "select"]


@dataclass(frozen=True, eq=False)
class Selection:
    """The records that satisfy a question.

    Attributes
    ----------
    rows : intp (total,) rows of the collection, by distance and then by key; no row twice.
    distance_km : float64 (total,) distance from the question's postcode, to the metre; aligned with `rows`.
    without_location : how many records of the collection have no known postcode, so are in no area.
    postcode_known : False where the question's own postcode is not in the table; nothing is near it then.
    """

    rows: NDArray[np.intp]
    distance_km: NDArray[np.float64]
    without_location: int
    postcode_known: bool

    @property
    def total(self) -> int:
        """How many records satisfy the question."""
        return len(self.rows)


def select(question: Question, records: Records, *, as_of: date) -> Selection:
    """Select the records that satisfy every criterion of a question.

    Parameters
    ----------
    question : parsed by `data.question`, for the side of the records.
    records : profiles or vacancies, in the order of their keys.
    as_of : today in the Netherlands. A vacancy is open up to and including its sluitingsdatumVacature.

    Raises
    ------
    ValueError : the question asks for the other side.
    """
    if question.side != records.side:
        raise ValueError(f"question for {question.side}, records of {records.side}")
    columns = records.columns
    east, north = postcodes().locate(pl.Series([question.postcode], dtype=pl.String))
    postcode_known = bool(east[0] != NO_LOCATION)

    is_open = (columns.closing == MISSING_DATE) | (columns.closing >= day_number(as_of))
    located = (columns.x != NO_LOCATION) & postcode_known
    rows = np.flatnonzero(satisfying(question, records) & is_open & located)

    squared = (columns.x[rows] - np.int64(east[0])) ** 2 + (columns.y[rows] - np.int64(north[0])) ** 2
    limit = columns.travel_limit[rows].astype(np.int64)
    reach = np.where(limit >= 0, np.minimum(limit, question.afstand), question.afstand) * 1000
    inside = squared <= reach**2
    rows, squared = rows[inside], squared[inside]

    order = np.argsort(squared, kind="stable")
    distance_km = np.rint(np.sqrt(squared[order])) / 1000
    return Selection(rows[order], distance_km, records.without_location, postcode_known)


def satisfying(question: Question, records: Records) -> NDArray[np.bool_]:
    """Tell which records satisfy each criterion of a question but the area, open or not, bool (n,)."""
    satisfied = np.ones(len(records), np.bool_)
    for criterion in _criteria(question, records):
        satisfied &= criterion
    return satisfied


def _criteria(question: Question, records: Records) -> Iterator[NDArray[np.bool_]]:
    """Yield, for each criterion but the area, which records satisfy it: bool (n,)."""
    columns = records.columns
    if question.occupations is not None:
        wanted = numbered(question.occupations, records.occupation_codes)
        yield _any_of(wanted[columns.occupation], columns.occupation_indptr)
    if question.contract_types is not None:
        yield columns.contracts & bits(question.contract_types, CONTRACT_TYPES) != 0
    if question.irregular is not None:
        yield columns.irregular == question.irregular
    if question.office_hours is not None:
        yield columns.office_hours == question.office_hours
    if question.licences:
        asked = bits(question.licences, LICENCES)
        yield columns.licences & asked == asked
    for language in question.languages:
        yield _any_of(_speaks(language, columns), columns.language_indptr)
    if question.start is not None:
        day = day_number(question.start)
        if question.side == "werkzoekende":
            yield (columns.start <= day) & (columns.start != MISSING_DATE)
        else:
            yield columns.start >= day
    if question.hours_max_at_least is not None:
        yield columns.hours_max >= question.hours_max_at_least
    if question.hours_min_at_most is not None:
        yield (columns.hours_min <= question.hours_min_at_most) & (columns.hours_min >= 0)
    if question.level_at_least is not None:
        yield (columns.level_code >= question.level_at_least) & (columns.level_code < 7)
    if question.level_equal is not None:
        yield columns.level_code == question.level_equal


def numbered(codes: frozenset[str], known: list[str]) -> NDArray[np.bool_]:
    """Tell which of the known codes (ascending) are among these, bool (n_known,)."""
    among = np.zeros(len(known), np.bool_)
    for code in codes:
        number = bisect_left(known, code)
        if number < len(known) and known[number] == code:
            among[number] = True
    return among


def bits(codes: frozenset[str], known: tuple[str, ...]) -> int:
    """Give codes as a bit set: number i of the known ones is bit i."""
    return sum(1 << known.index(code) for code in codes)


def _speaks(language: LanguageCriterion, columns: Columns) -> NDArray[np.bool_]:
    """Which of the languages of all records satisfy the criterion by themselves, bool (n_languages,)."""
    satisfied = np.ones(len(columns.language), np.bool_)
    if language.code is not None:
        satisfied &= columns.language == pack_language(language.code)
    for level, skill in ((language.oral, 0), (language.written, 1)):
        if level is not None:
            satisfied &= columns.language_levels[:, skill] >= level
    return satisfied


def _any_of(satisfied: NDArray[np.bool_], indptr: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows have at least one of their ragged elements satisfied, bool (n,)."""
    found = np.zeros(len(indptr) - 1, np.bool_)
    found[np.searchsorted(indptr, np.flatnonzero(satisfied), side="right") - 1] = True
    return found
