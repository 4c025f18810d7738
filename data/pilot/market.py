"""What a labour market is made of: how many look for, and are asked for, each occupation, and what comes
with it.

`market.csv` tells that by ISCO-08 group; an occupation takes the row with the longest code that its own
begins with. Its columns:

isco : the group, one to four digits; empty for occupations without one.
supply, demand : weight of the group among jobseekers and among vacancies, divided over its occupations.
levels : weights of code werk- en denkniveau 2, 3, 4, 5 and 6.
sectors : where the work is done, codes of the SBI 2008 (CBS), most usual first.
licences : of the people in it, how many in a hundred have a driving licence of a kind.
irregular, parttime : how many in a hundred work shifts, and part-time.
courses : what people in it take courses in, most usual first.

The figures are estimates of ours with the proportions of a Dutch region, where care, technology and education
ask for more people than there are, and offices, shops and culture for fewer.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.pilot.draws import Draws, Integers, ragged
from data.pilot.words import SCHOOLINGS
from data.taxonomy import Taxonomy
from data.taxonomy.model import ALTERNATIVE

TABLE = Path(__file__).with_name("market.csv")

LICENCES = ("AM", "A", "B", "BE", "C", "CE", "D", "DE", "T")
"""The driving licences that occur, codes of the standard."""

_USUAL = {"AM": 9, "A": 6, "B": 70}
"""Of all people, how many in a hundred have a licence, where the occupation's row says nothing of it."""

LOWEST_LEVEL = 2
"""The code werk- en denkniveau that the first weight in column `levels` is for."""

SCHOOLING = np.array([1, 2, 4, 5, 6])
"""The codeNiveauOpleiding that belongs to each level, from `LOWEST_LEVEL` on."""


@dataclass(frozen=True, eq=False)
class Market:
    """The labour market over a taxonomy's n occupations, told by r rows of `market.csv`.

    supply, demand : float64 (n,), weight of each occupation.
    row : int64 (n,), the row of each occupation.
    labels : String series (n,), preferred labels, at most 120 characters.
    title_indptr, titles : ragged (n,), what an occupation is called, preferred and alternative labels.
    group : String series (n,), three-digit ISCO-08 group, "000" where there is none.
    levels : int64 (r, 5), cumulated weights of levels 2 to 6.
    licences : float64 (r, 9), share of people with each of `LICENCES`.
    required : bool (r, 9), whether the work is hardly possible without it.
    irregular, parttime : float64 (r,), shares.
    sector_indptr, sectors : ragged (r,), positions in `sector_codes`.
    sector_codes : SBI codes as they are written, with leading zeros.
    sbi : int64, the same codes as the standard has them.
    course_indptr, courses : ragged (r,), positions in `course_names`.
    near : int64 (n, 20), cumulated squares of the degrees of an occupation's neighbours.
    """

    taxonomy: Taxonomy
    supply: NDArray[np.float64]
    demand: NDArray[np.float64]
    row: Integers
    labels: pl.Series
    title_indptr: Integers
    titles: pl.Series
    group: pl.Series
    levels: Integers
    licences: NDArray[np.float64]
    required: NDArray[np.bool_]
    irregular: NDArray[np.float64]
    parttime: NDArray[np.float64]
    sector_indptr: Integers
    sectors: Integers
    sector_codes: list[str]
    sbi: Integers
    course_indptr: Integers
    courses: Integers
    course_names: list[str]
    near: Integers

    def neighbour(self, draws: Draws, occupations: Integers) -> Integers:
        """Draw an occupation like each of `occupations` (n,), the more alike the likelier.

        An occupation that is like no other gives itself.
        """
        position = draws.choice_of_row(self.near, occupations)
        alone = self.near[occupations, -1] == 0
        return np.where(
            alone, occupations, self.taxonomy.neighbours[occupations, np.where(alone, 0, position)]
        )

    def sector(self, draws: Draws, occupations: Integers) -> Integers:
        """Draw a sector, as a position in `sector_codes`, for each of `occupations` (n,)."""
        return self.sectors[_low(draws, self.sector_indptr, self.row[occupations])]

    def course(self, draws: Draws, occupations: Integers) -> Integers:
        """Draw a course, as a position in `course_names`, for each of `occupations` (n,)."""
        return self.courses[_low(draws, self.course_indptr, self.row[occupations])]

    def title(self, draws: Draws, occupations: Integers) -> pl.Series:
        """Draw one of the labels of each of `occupations` (n,)."""
        first, spread = self.title_indptr[occupations], np.diff(self.title_indptr)[occupations]
        return self.titles.gather(first + draws.below(spread, len(occupations)))

    def level(self, draws: Draws, occupations: Integers) -> Integers:
        """Draw a level (2..6) for each of `occupations` (n,)."""
        return LOWEST_LEVEL + draws.choice_of_row(self.levels, self.row[occupations])

    def schooling_codes(self, occupations: Integers, kinds: Integers) -> pl.Series:
        """Give stand-ins for codeOpleidingsnaam: one for each `group` and codeNiveauOpleiding (`kinds`).

        The register's own codes are not ours to ship. Ten digits, beginning with 99.
        """
        return "99" + self.group.gather(occupations) + "0000" + pl.Series(kinds).cast(pl.String)

    def schooling_names(self, occupations: Integers, kinds: Integers) -> pl.Series:
        """Describe schooling of kinds (codeNiveauOpleiding) for occupations."""
        return SCHOOLINGS.gather(kinds) + ", richting " + self.labels.str.to_lowercase().gather(occupations)


def read_market(taxonomy: Taxonomy) -> Market:
    """Lay the table over a taxonomy. Raises ValueError where that has no occupations or no skills."""
    if not len(taxonomy.occupations) or not len(taxonomy.skills):
        raise ValueError("a labour market needs a taxonomy with occupations and skills")
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    groups = {row["isco"]: number for number, row in enumerate(rows)}
    number = np.array(
        [next(groups[isco[:n]] for n in range(4, -1, -1) if isco[:n] in groups) for isco in taxonomy.isco]
    )
    sector_indptr, sectors = ragged([row["sectors"].split("|") for row in rows])
    course_indptr, courses = ragged([row["courses"].split("|") for row in rows])
    sector_codes, course_names = sorted(set(sectors)), sorted(set(courses))
    licences = [_licences(row["licences"]) for row in rows]
    degrees = np.where(taxonomy.neighbours < 0, 0, taxonomy.neighbour_degrees).astype(np.int64)
    concepts = taxonomy.occupations
    shown = concepts.label_kinds <= ALTERNATIVE
    return Market(
        taxonomy=taxonomy,
        supply=_shares(concepts.codes, number, [int(row["supply"]) for row in rows], "supply"),
        demand=_shares(concepts.codes, number, [int(row["demand"]) for row in rows], "demand"),
        row=number,
        title_indptr=np.searchsorted(concepts.label_concepts[shown], np.arange(len(concepts) + 1)),
        titles=pl.Series(concepts.label_texts, dtype=pl.String).filter(shown).str.slice(0, 120),
        labels=pl.Series(concepts.labels, dtype=pl.String).str.slice(0, 120),
        group=pl.Series([isco[:3] or "000" for isco in taxonomy.isco], dtype=pl.String),
        levels=np.cumsum([[int(weight) for weight in row["levels"].split("|")] for row in rows], axis=1),
        licences=np.array([[(_USUAL | own).get(kind, 0) / 100 for kind in LICENCES] for own in licences]),
        required=np.array([[own.get(kind, 0) >= 60 for kind in LICENCES] for own in licences]),
        irregular=np.array([int(row["irregular"]) / 100 for row in rows]),
        parttime=np.array([int(row["parttime"]) / 100 for row in rows]),
        sector_indptr=sector_indptr,
        sectors=np.searchsorted(sector_codes, sectors),
        sector_codes=sector_codes,
        sbi=np.array(sector_codes, dtype=np.int64),
        course_indptr=course_indptr,
        courses=np.searchsorted(course_names, courses),
        course_names=course_names,
        near=np.cumsum(degrees * degrees, axis=1),
    )


def _licences(cell: str) -> dict[str, int]:
    pairs = (entry.split(":") for entry in cell.split("|") if entry)
    return {kind: int(share) for kind, share in pairs}


def _shares(
    codes: Sequence[str], rows: Integers, weights: Sequence[int], purpose: str
) -> NDArray[np.float64]:
    """Divide the weight of each row over its occupations, the i-th of which gets a share as 1 / (i + 2).

    The order is a fixed hash of purpose and code: within a group too, the occupations that many look for are
    not those that are much asked for.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for occupation, row in enumerate(rows.tolist()):
        members[row].append(occupation)
    shares = np.zeros(len(codes))
    for row, occupations in members.items():
        ordered = sorted(occupations, key=lambda each: (crc32(f"{purpose}:{codes[each]}".encode()), each))
        parts = 1 / (np.arange(len(ordered)) + 2)
        shares[ordered] = weights[row] * parts / np.cumsum(parts)[-1]
    return shares


def _low(draws: Draws, indptr: Integers, rows: Integers) -> Integers:
    return indptr[rows] + draws.low(indptr[rows + 1] - indptr[rows], len(rows))
