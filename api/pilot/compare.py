"""Two runs beside one another: what was chosen differently, and which numbers differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Row = dict[str, Any]

_CHOICES: Final = (
    *("region", "as_of", "is_made_up", "seed", "taxonomy", "weights", "suitable", "radius", "few", "top"),
    *("minimum", "organisations", "profiles", "vacancies"),
)
"""What two runs had better have in common, of "about"."""


@dataclass(frozen=True)
class Difference:
    """One number of two runs.

    Attributes
    ----------
    part, name : what it tells.
    first, second : the number in either run; None where it isn't told.
    is_apart : whether the 95 % intervals of both don't overlap; None where there are none.
    """

    part: str
    name: str
    first: float | None
    second: float | None
    is_apart: bool | None

    @property
    def change(self) -> float | None:
        """Second less first."""
        return None if self.first is None or self.second is None else self.second - self.first


def choices(first: Row, second: Row) -> list[tuple[str, Any, Any]]:
    """Give what was chosen or given differently: name, and the value in either run."""
    a, b = first["about"], second["about"]
    return [(name, a[name], b[name]) for name in _CHOICES if a[name] != b[name]]


def differences(first: Row, second: Row) -> list[Difference]:
    """Give all numbers that either run tells, in the order of a report, also those that are equal."""
    a, b = dict(_numbers(first)), dict(_numbers(second))
    return [_difference(key, a.get(key), b.get(key)) for key in dict.fromkeys([*a, *b])]


def _difference(key: tuple[str, str], first: Row | None, second: Row | None) -> Difference:
    limits = [each for each in (first, second) if each and each["low"] is not None]
    is_apart = None
    if len(limits) == 2:
        is_apart = limits[0]["high"] < limits[1]["low"] or limits[1]["high"] < limits[0]["low"]
    a, b = (None if each is None else each["value"] for each in (first, second))
    return Difference(*key, a, b, is_apart)


def _numbers(numbers: Row) -> Iterator[tuple[tuple[str, str], Row]]:
    """Each number that is compared: its part and name, and its value, low and high."""
    for part, share in (("vacancies", "few"), ("jobseekers", "none")):
        for row in numbers[f"reach_{part}"]:
            yield (
                (f"{part} with {'few' if share == 'few' else 'no'} matches", row["scope"]),
                _limited(row, share),
            )
            yield (f"matches of {part}, mean", row["scope"]), _plain(row["mean"])
    yield ("jobseekers in top lists", "all"), _plain(numbers["visibility"]["visible"])
    for row in numbers["fairness"]:
        yield ("jobseekers in top lists", f"{row['dimension']}: {row['group']}"), _limited(row, "visible")
    quality = numbers["quality"] or {"methods": [], "ablation": [], "k": 0}
    for row in quality["methods"]:
        yield (f"nDCG@{quality['k']}", row["method"]), _limited(row, "ndcg")
    for row in quality["ablation"]:
        yield (f"nDCG@{quality['k']} lost without", row["group"]), _limited(row, "lost")


def _limited(row: Row, name: str) -> Row:
    return {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}


def _plain(value: float) -> Row:
    return {"value": value, "low": None, "high": None}
