"""Fitted weights as a file, with all that tells where they come from; and weights taken from one.

They count only where somebody names the file, and only with the taxonomy that they were fitted with: another
one expands and weighs features differently.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from data.errors import FileError, QuestionError
from data.files import decoded, read_pieces
from engine.conditions import LARGEST_WEIGHT, REQUIRED, SUGGESTED
from engine.features import GROUPS
from engine.weights import TOP

if TYPE_CHECKING:
    from datetime import date

    from data.taxonomy import Taxonomy
    from engine.conditions import Direction
    from engine.weights import Fitted

__all__ = ["FORMAT", "NamedWeights", "read_weights", "weights_bytes"]

FORMAT: Final = 1

_KIND: Final = "koppel group weights"

_LIBRARIES: Final = ("koppel", "numpy", "scipy", "scikit-learn", "polars")

_DIGITS: Final = 6
"""Decimals of a measure: what lies beyond them may differ between machines."""


@dataclass(frozen=True)
class NamedWeights:
    """Weights of a file.

    Attributes
    ----------
    name : "weights-" and the first 12 hexadecimal digits of the SHA-256 of the file.
    weights : of each feature group, 0..1000.
    taxonomy : the version that they were fitted with.
    judgements : SHA-256 of the file of judgements that they were fitted to, "" where it isn't told.
    """

    path: Path
    name: str
    weights: Mapping[str, float]
    taxonomy: str
    judgements: str

    def check(self, taxonomy: str, direction: Direction) -> None:
        """Raise QuestionError where they aren't for this taxonomy, or not for who asks."""
        if taxonomy != self.taxonomy:
            raise QuestionError(
                str(self.path),
                f"fitted with taxonomy {self.taxonomy}, not {taxonomy}",
                "weights of the taxonomy that is used",
                "Fit them anew with this taxonomy, or give the other one.",
            )
        if direction == "profile":
            raise QuestionError(
                str(self.path),
                "fitted for vacancies that ask, not for profiles",
                "direction vacancy or mutual",
                "Leave the file out.",
            )


def weights_bytes(
    fitted: Fitted,
    *,
    taxonomy: Taxonomy,
    as_of: date,
    files: Mapping[str, Mapping[str, object]],
    seed: int,
) -> bytes:
    """Spell fitted weights as JSON. The same weights, files, day, seed and libraries give the same bytes.

    files : what they were fitted on, by name: "sha256" of the file and how many "records".
    """
    told = {
        "kind": _KIND,
        "format": FORMAT,
        "weights": dict(fitted.weights),
        "suggested": {group: SUGGESTED[group] for group in GROUPS},
        "taxonomy": taxonomy.version,
        "frequencies": hashlib.sha256(taxonomy.frequencies.write_csv().encode()).hexdigest(),
        "as_of": as_of.isoformat(),
        "files": {name: dict(each) for name, each in files.items()},
        "fit": {
            "method": "non-negative least squares of the grade within each vacancy",
            "asking": "vacancy",
            "conditions": sorted(REQUIRED),
            "vacancies": fitted.vacancies,
            "pairs": fitted.pairs,
            "pairs_that_break_a_condition": fitted.excluded,
            "vacancies_with_one_grade": fitted.uniform,
            "seed": seed,
            "folds": [{"vacancies": each.vacancies, "weights": dict(each.weights)} for each in fitted.folds],
        },
        "measures": {
            "of": "the judged candidates, ordered by weights that were fitted on other vacancies",
            "top": TOP,
            "confidence": 0.95,
            **{name: _rounded(asdict(each)) for name, each in fitted.measures.items()},
        },
        "libraries": {
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
    }
    return (json.dumps(told, indent=2) + "\n").encode()


def read_weights(path: Path) -> NamedWeights:
    """Read a file that `weights_bytes` spelt. Raises FileError for any other."""
    content = b"".join(read_pieces(path))
    try:
        told = json.loads(decoded(content, path))
    except json.JSONDecodeError as problem:
        raise _not_weights(path, f"not JSON, at line {problem.lineno}") from None
    if not isinstance(told, dict) or told.get("kind") != _KIND:
        raise _not_weights(path, "not a file of weights")
    if told.get("format") != FORMAT:
        raise _not_weights(path, "weights of another format", f"format {FORMAT}")
    weights = told.get("weights")
    if not isinstance(weights, dict) or set(weights) != set(GROUPS):
        raise _not_weights(path, "weights: not one for each group", ", ".join(GROUPS))
    for group, weight in weights.items():
        if type(weight) not in (int, float) or not 0 <= weight <= LARGEST_WEIGHT:
            raise _not_weights(path, f"weights.{group}: no such weight", f"0 to {LARGEST_WEIGHT:.0f}")
    if not any(weights.values()):
        raise _not_weights(path, "weights: all are 0", "at least one above 0")
    if not isinstance(told.get("taxonomy"), str):
        raise _not_weights(path, "taxonomy: not a version")
    name = f"weights-{hashlib.sha256(content).hexdigest()[:12]}"
    by_group = {group: float(weights[group]) for group in GROUPS}
    return NamedWeights(path, name, by_group, told["taxonomy"], _judgements(told))


def _judgements(told: dict[str, Any]) -> str:
    match told.get("files"):
        case {"judgements": {"sha256": str(digest)}}:
            return digest
    return ""


def _rounded(comparison: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {at: round(value, _DIGITS) for at, value in interval.items()}
        for name, interval in comparison.items()
    }


def _not_weights(path: Path, found: str, allowed: str = "what `koppel weights fit` writes") -> FileError:
    return FileError(str(path), found, allowed, "Fit the weights anew, or give the right file.")
