"""The bodies of ranked and explained answers. Scores and their parts are 0..1, distances whole kilometres."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

if TYPE_CHECKING:
    from engine import Coverage, Explanation, Part, Settings
    from engine.placement import Gap, Placement

__all__ = ["explanation_body", "ranking_body"]

# In a point: `engine.UNIT`, known here without starting the engine, is a power of two, so that nothing is
# rounded yet.
_MILLIONTHS: Final = 1_000_000 / (1 << 22)

_MATCH: Final = b'"match":'
# Nothing within a string of JSON can be taken for it.
_NO_MATCH: Final = _MATCH + b"null"

GAPS: Final = 5
"""How many gaps of a candidate a ranking tells, the costliest; an explanation tells all."""


def ranking_body(
    head: Mapping[str, Any], placement: Placement, rows: Sequence[int], matches: Iterable[bytes]
) -> bytes:
    """Give the answer to a ranking.

    rows : of the placement that are told, ascending. matches : what is shown of each.
    """
    # All is written at once, and then the matches put in their places.
    *before, end = to_json({**head, "matches": _ranked(placement, rows)}).split(_NO_MATCH)
    told = zip([each + _MATCH for each in before], matches, strict=True)
    return b"".join([*chain.from_iterable(told), end])


def _ranked(placement: Placement, rows: Sequence[int]) -> list[dict[str, Any]]:
    """What is told of each candidate, but for the match itself."""
    import numpy as np

    from engine.conditions import names

    ranking = placement.ranking
    points, gaps = placement.parts(GAPS)
    scores = np.array([ranking.score_vacancy, ranking.score_profile, ranking.score_mutual, *points.values()])
    vacancy, profile, mutual, *parts = ((scores * _MILLIONTHS).round() / 1_000_000).tolist()
    by_group = dict(zip(points, parts, strict=True))
    score = {"vacancy": vacancy, "profile": profile, "mutual": mutual}[ranking.direction]
    unknown, distance = ranking.unknown.tolist(), ranking.distance.tolist()
    conditions = {each: names(each) for each in set(unknown)}
    gap = cache(_gap)  # Candidates have most in common.
    return [
        {
            "rank": rank,
            "score": score[row],
            "scores": {"vacancy": vacancy[row], "profile": profile[row], "mutual": mutual[row]},
            "parts": {group: each[row] for group, each in by_group.items()},
            "gaps": [gap(each) for each in gaps[row]],
            "unknown": conditions[unknown[row]],
            "distanceKm": _kilometres(distance[row]),
            "match": None,
        }
        for rank, row in enumerate(rows, start=1)
    ]


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
    # As `round(…, 6)` would, in a third of the time.
    return round(points * _MILLIONTHS) / 1_000_000


def _kilometres(distance: float) -> int | None:
    return None if distance != distance else round(distance)
