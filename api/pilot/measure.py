"""All numbers of a pilot, from the records of a world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from api.pilot.fairness import fairness_table, visibility_table
from api.pilot.gaps import Gaps, occupation_table
from api.pilot.quality import measure_quality
from api.pilot.reach import (
    FEW,
    between_table,
    measure_reach,
    organisation_table,
    reach_table,
    region_table,
)
from api.pilot.world import RINGS
from data.errors import QuestionError
from engine import Ranker
from engine.conditions import REQUIRED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from api.pilot.choices import Choices
    from api.pilot.quality import Judged
    from api.pilot.reach import Reach
    from api.pilot.timing import Stopwatch
    from api.pilot.world import Part, World

FORMAT: Final = 1
"""Number of the form of `Results.numbers`."""

_DECIMALS: Final = 6


@dataclass(frozen=True, eq=False)
class Results:
    """What was measured.

    Attributes
    ----------
    numbers : tables and totals, as they are written as JSON.
    vacancies, jobseekers : a row for each record of the region, with the number of suitable candidates (or
        vacancies) up to each ring. Columns: organisation, id (String), the rings (Int64); jobseekers also
        have lists, the number of top lists that they stand in.
    """

    numbers: dict[str, Any]
    vacancies: pl.DataFrame
    jobseekers: pl.DataFrame


def measure(world: World, choices: Choices, judged: Judged | None, watch: Stopwatch) -> Results:
    """Measure a pilot.

    judged : by what the ranking is judged, if by anything.

    Raises QuestionError where the region has no vacancy or no jobseeker.
    """
    vacancies, profiles = world.inside(world.vacancies), world.inside(world.profiles)
    for rows, what in ((vacancies, "vacancy"), (profiles, "jobseeker")):
        if not len(rows):
            raise QuestionError(
                f"region {world.region}",
                f"no {what} has a postcode in it",
                remedy="Check the files, or make up more (--jobseekers, --openings).",
            )
    gaps = Gaps(world.space, choices.suitable, choices.top)
    with watch.stage("Kandidaten bij vacatures"):
        coming = measure_reach(world, "vacancy", choices, gaps.see)
    with watch.stage("Vacatures bij werkzoekenden"):
        going = measure_reach(world, "profile", choices)
    with watch.stage("Toplijsten van alle vacatures"):
        visible = _lists(world, choices)[profiles]
    quality = None
    if judged is not None:
        with watch.stage("Kwaliteit van de rangorde"):
            quality = measure_quality(world, judged, choices)
    with watch.stage("Tabellen"):
        numbers = {
            "format": FORMAT,
            "about": _about(world, choices, vacancies, profiles),
            "reach_vacancies": reach_table(coming),
            "reach_jobseekers": reach_table(going),
            "vacancies_by_organisation": organisation_table(world, world.vacancies, coming, 1),
            "jobseekers_by_organisation": organisation_table(world, world.profiles, going, choices.minimum),
            "between": between_table(world, coming, choices.minimum),
            "regions": region_table(world, coming, going, choices.minimum),
            "visibility": visibility_table(visible),
            "fairness": fairness_table(world, profiles, visible, coming.suits[profiles], choices.minimum),
            "skills": gaps.table(choices.minimum),
            "occupations": occupation_table(world, coming, profiles, choices.minimum),
            "quality": quality,
        }
        return Results(
            _rounded(numbers),
            _records(world.vacancies, coming),
            _records(world.profiles, going).with_columns(lists=pl.Series(visible)),
        )


def _about(
    world: World, choices: Choices, vacancies: NDArray[np.int32], profiles: NDArray[np.int32]
) -> dict[str, Any]:
    return {
        "region": world.region,
        "neighbours": list(world.neighbours),
        "as_of": world.as_of.isoformat(),
        "is_made_up": world.is_made_up,
        "seed": world.seed,
        "taxonomy": world.space.taxonomy.version,
        "weights": choices.settings(world.as_of).applied,
        "weights_file": choices.weights_file or None,
        "conditions": sorted(REQUIRED),
        "suitable": choices.suitable,
        "radius": choices.radius,
        "few": FEW,
        "top": choices.top,
        "minimum": choices.minimum,
        "organisations": len(world.organisations),
        "profiles": len(world.profiles),
        "vacancies": len(world.vacancies),
        "region_profiles": len(profiles),
        "region_vacancies": len(vacancies),
    }


def _lists(world: World, choices: Choices) -> NDArray[np.int64]:
    """In how many top lists of all vacancies each profile stands, int64 (n,)."""
    profiles = world.profiles.encoded
    ranker = Ranker(world.vacancies.encoded, profiles, world.space, choices.settings(world.as_of))
    lists = np.zeros(len(profiles), np.int64)
    for block in ranker.blocks(choices.top, threads=choices.threads):
        lists += np.bincount(block.profile, minlength=len(lists))
    return lists


def _records(part: Part, reach: Reach) -> pl.DataFrame:
    records = part.encoded.records
    counts = {ring: pl.Series(each) for ring, each in zip(RINGS, reach.up_to.T, strict=True)}
    return pl.DataFrame(
        {
            "organisation": records.sources_of(reach.asking),
            "id": records.ids_of(reach.asking),
            **counts,
        }
    )


def _rounded(value: Any) -> Any:
    """The same with floats rounded, so that the last bits of a mean don't show."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, _DECIMALS) if isinstance(value, float) else value
