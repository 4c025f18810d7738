"""Who is seen: the share of each group that stands in a top list, by what the standard itself shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from api.pilot.cells import blanked, too_small, wilson
from data.standard.values import WERK_EN_DENKNIVEAU
from engine.columns import LICENCES, pack_language
from engine.fields import elements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from api.pilot.world import World
    from engine.columns import Columns

FEW_HOURS: Final = 20
"""At most so many hours a week are few."""

_UNKNOWN: Final = "niet opgegeven"


def groups(world: World, rows: NDArray[np.int32]) -> Iterator[tuple[str, list[str], NDArray[np.int64]]]:
    """Divide jobseekers, rows of profiles, in groups, in one way after another.

    Yields what it is about, the names of the groups, and for each jobseeker the number of its group. What was
    registered under the Doelgroepregister is looked at in made-up records only.
    """
    columns, frame = world.profiles.encoded.records.columns, world.profiles.frame
    level = columns.level[rows].astype(np.int64)
    labels = WERK_EN_DENKNIVEAU.labels
    yield "Opleidingsniveau", [*(labels[each] for each in range(1, 7)), _UNKNOWN], (level - 1) % 7

    worked, _ = elements(frame, "arbeidsmarktkwalificatie.werkervaring")
    has_worked = np.isin(rows, worked)
    yield "Werkverleden", ["geen werkverleden opgegeven", "werkverleden"], has_worked.astype(np.int64)

    most = columns.hours_max[rows]
    hours = np.where(most < 0, 2, most > FEW_HOURS)
    yield "Uren", [f"hoogstens {FEW_HOURS} uur per week", f"meer dan {FEW_HOURS} uur", _UNKNOWN], hours

    car = np.uint16(1 << LICENCES.index("B"))
    licences = columns.licences[rows]
    licence = np.where(licences == 0, 0, np.where(licences & car, 1, 2))
    yield "Rijbewijs", ["geen rijbewijs opgegeven", "rijbewijs B", "alleen een ander rijbewijs"], licence

    spoken = np.array([4, 4, 0, 1, 2, 4, 4, 4, 3], np.int64)[_dutch(columns)[rows]]
    spoken_as = ["geen of redelijk", "goed", "uitstekend", "niet van toepassing", _UNKNOWN]
    yield "Nederlands spreken", spoken_as, spoken

    if world.is_made_up:
        said = frame["indicatieLdrRegistratie"].fill_null(0).to_numpy()[rows]
        registered = np.array([2, 0, 1], np.int64)[said]
        yield "Doelgroepregister (LDR)", ["geregistreerd", "niet geregistreerd", _UNKNOWN], registered


def _dutch(columns: Columns) -> NDArray[np.int64]:
    """Level at which each profile says to speak Dutch, 1 and 2 alike as 2; 0 where it doesn't say."""
    level = np.zeros(len(columns.hash), np.int64)
    owner = np.repeat(np.arange(len(level)), np.diff(columns.language_indptr))
    is_dutch = columns.language == pack_language("nld")
    spoken = columns.language_levels[is_dutch, 0].astype(np.int64)
    level[owner[is_dutch]] = np.where(spoken == 1, 2, np.maximum(spoken, 0))
    return level


def fairness_table(
    world: World,
    rows: NDArray[np.int32],
    visible: NDArray[np.int64],
    suits: NDArray[np.int64],
    minimum: int,
) -> list[dict[str, Any]]:
    """Tell for each group how many of it stand in a top list, and how many suit a vacancy at all.

    Parameters
    ----------
    rows : int32 (n,), the jobseekers.
    visible, suits : int64 (n,), in how many top lists each stands, and how many vacancies of the region each
        suits.
    minimum : groups of fewer are not shown.
    """
    told: list[dict[str, Any]] = []
    for dimension, names, group in groups(world, rows):
        counts = np.bincount(group, minlength=len(names))
        hidden = too_small(counts.tolist(), minimum)
        for number, name in enumerate(names):
            if not counts[number]:
                continue
            own = group == number
            n = int(counts[number])
            row = {
                "dimension": dimension,
                "group": name,
                "jobseekers": n,
                **wilson(int((visible[own] > 0).sum()), n).plain("visible"),
                **wilson(int((suits[own] > 0).sum()), n).plain("suitable"),
                "lists": float(visible[own].mean()),
            }
            told.append(blanked(row, "dimension", "group") if hidden[number] else row)
    return told


def visibility_table(visible: NDArray[np.int64]) -> dict[str, float]:
    """Tell how the places in top lists are spread over all jobseekers, int64 (n,) lists of each."""
    if not len(visible) or not visible.sum():
        return {"visible": 0.0, "top_tenth": 0.0, "mean": 0.0, "most": 0.0}
    ordered = np.sort(visible)[::-1]
    tenth = max(1, len(ordered) // 10)
    return {
        "visible": float((visible > 0).mean()),
        "top_tenth": float(ordered[:tenth].sum() / ordered.sum()),
        "mean": float(visible.mean()),
        "most": float(ordered[0]),
    }
