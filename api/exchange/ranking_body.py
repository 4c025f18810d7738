"""The bodies of ranked and explained answers. Scores and their parts are 0..1, distances whole kilometres."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from api.exchange.bodies import identified

if TYPE_CHECKING:
    from engine import Coverage, Explanation, Part, Settings
    from engine.placement import Gap, Placement

__all__ = ["explanation_body", "ranked_matches", "ranking_body"]

_UNIT: Final = 1 << 22  # `engine.UNIT`, known here without starting the engine

GAPS: Final = 5
"""How many gaps of a candidate a ranking tells, the costliest; an explanation tells all."""


def ranking_body(head: Mapping[str, Any], matches: Sequence[bytes]) -> bytes:
    """Join the answer to a ranking."""
    return to_json(head)[:-1] + b',"matches":[' + b",".join(matches) + b"]}"


def ranked_matches(placement: Placement, shown: Mapping[int, tuple[str, bytes]]) -> Iterator[bytes]:
    """Yield what is told of each candidate.

    shown : row of the placement, ascending -> vumID, and what a match shows.
    """
    from engine.conditions import names

    ranking = placement.ranking
    sides = ("vacancy", "profile", "mutual")
    scores = {side: getattr(ranking, f"score_{side}").tolist() for side in sides}
    unknown, distance = ranking.unknown.tolist(), ranking.distance.tolist()
    conditions = {each: names(each) for each in set(unknown)}
    parts, gaps = placement.parts(GAPS)
    for rank, (row, (vum_id, match)) in enumerate(shown.items(), start=1):
        told = {
            "rank": rank,
            "score": _share(scores[ranking.direction][row]),
            "scores": {side: _share(each[row]) for side, each in scores.items()},
            "parts": {group: _share(points) for group, points in parts[row].items()},
            "gaps": [_gap(gap) for gap in gaps[row]],
            "unknown": conditions[unknown[row]],
            "distanceKm": _kilometres(distance[row]),
        }
        yield to_json(told)[:-1] + b',"match":' + identified("vumID", vum_id, match) + b"}"


def explanation_body(explanation: Explanation, settings: Settings) -> bytes:
    """Give the answer to a question why. Neither record is named: ids are no part of a match."""
    from engine import CONDITIONS

    points = {
        "vacancy": explanation.vacancy.score,
        "profile": explanation.profile.score,
        "mutual": explanation.score_mutual,
    }
    counting = settings.required | settings.wished
    told = {*explanation.broken, *explanation.unknown}
    distance = explanation.distance_km
    return to_json(
        {
            "asOf": explanation.as_of.isoformat(),
            "direction": settings.direction,
            "taxonomy": explanation.taxonomy,
            "score": _share(points[settings.direction]),
            "scores": {side: _share(each) for side, each in points.items()},
            "vacancy": _coverage(explanation.vacancy),
            "profile": _coverage(explanation.profile),
            "conditions": {
                "met": [name for name in CONDITIONS if name in counting and name not in told],
                "broken": list(explanation.broken),
                "unknown": list(explanation.unknown),
            },
            "excludedBy": list(explanation.excluded_by),
            "weights": {
                "suggested": dict(explanation.suggested),
                "preferred": dict(explanation.preferred),
                "applied": dict(explanation.applied),
            },
            "distanceKm": None if distance is None else _kilometres(distance),
        }
    )


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "score": _share(coverage.score),
        "groups": {group: _share(points) for group, points in coverage.groups.items()},
        "parts": [_part(part) for part in coverage.parts],
        "gaps": [_part(part) for part in coverage.gaps],
    }


def _part(part: Part) -> dict[str, Any]:
    from engine.kernels import FULL

    return {
        "group": part.group,
        "code": part.code,
        "label": part.label,
        "weight": _share(part.weight * FULL),
        "degree": round(part.degree / FULL, 6),
        "adds": _share(part.points),
        "nearest": {"code": part.nearest, "label": part.nearest_label} if part.nearest else None,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {"group": gap.group, "code": gap.code, "label": gap.label, "costs": _share(gap.points)}


def _share(points: int) -> float:
    """Give points as a share of a whole score, to six decimals."""
    # As `round(…, 6)` would, in a third of the time: there are a thousand in an answer.
    return round(points * 1_000_000 / _UNIT) / 1_000_000


def _kilometres(distance: float) -> int | None:
    return None if distance != distance else round(distance)
