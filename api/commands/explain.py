"""`koppel explain`: all that decides the place of one pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.commands import options
from api.commands.console import distance, heading, note, row, score, show, show_json, table
from api.commands.inputs import Pool, both_files, day_of, encode_files, open_pool, report_locations
from api.commands.ranking import settings_of
from api.commands.weights import name_of, read_chosen

if TYPE_CHECKING:
    from rich.table import Table

    from engine import Coverage, Encoded, Explanation, Part, Settings

EXAMPLE: Final = (
    "Example: koppel explain --vacancy c56dfde1c3be2d16e25d41d2c9f3a9b6 "
    "--profile d80141aeea34ade1e78ecf09d946ffe4 --profiles profiles.ndjson --vacancies vacancies.ndjson"
)

_SIDES: Final = {
    "vacancy": "the profile covers what the vacancy asks",
    "profile": "the vacancy covers what the profile wants",
    "mutual": "the harmonic mean of both",
}
_ASKS: Final = {"vacancy": "asks", "profile": "wants"}
_OTHER: Final = {"vacancy": "profile", "profile": "vacancy"}


def explain(
    vacancy: Annotated[str, typer.Option(metavar="ID", help="The vacancy.")],
    profile: Annotated[str, typer.Option(metavar="ID", help="The profile.")],
    profiles: options.ProfilesWithoutIndex = None,
    vacancies: options.VacanciesWithoutIndex = None,
    index: options.Index = None,
    sources: options.Sources = None,
    direction: options.DirectionOption = "vacancy",
    weight: options.Weights = None,
    weights: options.WeightsFile = None,
    wish: options.Wishes = None,
    require: options.Requirements = None,
    ignore: options.Ignored = None,
    radius: options.Radius = None,
    strict: options.Strict = False,
    taxonomy: options.TaxonomyFolder = None,
    as_of: options.AsOf = None,
    on_error: options.OnErrorOption = "stop",
    rejects: options.RejectsFile = None,
    as_json: options.Json = False,
) -> None:
    """Show why a pair scores what it does: parts that add up, gaps, conditions.

    The options are those of match. A pair is explained whether it would be
    ranked or not. Where several sources of an index have a record with an id, it
    is named SOURCE=ID.
    """
    from engine import Ranker
    from engine import explain as explain_pair

    opened = open_pool(index, [profiles, vacancies, taxonomy, rejects], as_of, sources)
    day = opened.as_of if opened else day_of(as_of)
    chosen, weight = read_chosen(weights, weight)
    settings = settings_of(
        day,
        direction,
        weight,
        wish or (),
        require or (),
        ignore or (),
        strict=strict,
        radius=radius,
    )
    pool: Pool = opened or encode_files(*both_files(profiles, vacancies), taxonomy, day, on_error, rejects)
    by_weights = name_of(chosen, pool.taxonomy, direction)
    pair = (
        pool.one("vacature", "--vacancy", vacancy, direction),
        pool.one("werkzoekende", "--profile", profile, direction),
    )
    explanation = explain_pair(Ranker(*pair, pool.space, settings), 0, 0)
    told = tuple(_source(each) for each in pair)
    if as_json:
        named = zip(("vacancy_source", "profile_source"), told, strict=True)
        spelt = _json(explanation, settings)
        if by_weights:
            spelt["weights"]["file"] = by_weights
        show_json({name: source for name, source in named if source} | spelt)
    else:
        _show(explanation, settings, *told)
        report_locations(pool)
        if by_weights:
            note(f"Weights of {by_weights}.")


def _source(record: Encoded) -> str:
    """The name of the source that a record comes from, "" where it has none."""
    return record.records.sources[int(record.records.columns.source[0])]


def _json(explanation: Explanation, settings: Settings) -> dict[str, Any]:
    from engine import UNIT

    return {
        "vacancy_id": explanation.vacancy_id,
        "profile_id": explanation.profile_id,
        "as_of": explanation.as_of.isoformat(),
        "taxonomy": explanation.taxonomy,
        "direction": settings.direction,
        "unit": UNIT,
        "score": _points(explanation)[settings.direction] / UNIT,
        **{f"score_{side}": points / UNIT for side, points in _points(explanation).items()},
        "distance_km": explanation.distance_km,
        "vacancy": _coverage(explanation.vacancy),
        "profile": _coverage(explanation.profile),
        "conditions": _states(explanation, settings),
        "excluded_by": list(explanation.excluded_by),
        "weights": {
            "suggested": dict(explanation.suggested),
            "preferred": dict(explanation.preferred),
            "applied": dict(explanation.applied),
        },
    }


def _points(explanation: Explanation) -> dict[str, int]:
    return {
        "vacancy": explanation.vacancy.score,
        "profile": explanation.profile.score,
        "mutual": explanation.score_mutual,
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "points": coverage.score,
        "groups": coverage.groups,
        "parts": _parts(coverage.parts),
        "gaps": _parts(coverage.gaps),
    }


def _parts(parts: Sequence[Part]) -> list[dict[str, Any]]:
    return [asdict(part) | {"points": part.points} for part in parts]


def _states(explanation: Explanation, settings: Settings) -> dict[str, list[str]]:
    """Which of the conditions that count are met, broken and unknown."""
    from engine import CONDITIONS

    counting = settings.required | settings.wished
    told = explanation.broken + explanation.unknown
    return {
        "met": [name for name in CONDITIONS if name in counting and name not in told],
        "broken": list(explanation.broken),
        "unknown": list(explanation.unknown),
    }


def _show(explanation: Explanation, settings: Settings, vacancy_source: str, profile_source: str) -> None:
    from engine import UNIT

    scores = table("side", ">score", "how far")
    for side, points in _points(explanation).items():
        ordered = " (ranked by this)" if side == settings.direction else ""
        row(scores, side, score(points / UNIT), _SIDES[side] + ordered)
    excluded = ", ".join(explanation.excluded_by)
    show(
        " ".join(filter(None, ["Vacancy", vacancy_source, explanation.vacancy_id])),
        " ".join(filter(None, ["Profile", profile_source, explanation.profile_id])),
        f"Distance {distance(explanation.distance_km)} km; as of {explanation.as_of}; "
        f"taxonomy {explanation.taxonomy}",
        f"Not ranked, because of: {excluded}" if excluded else "Nothing keeps this pair out.",
        "",
        scores,
    )
    for side, coverage in (("vacancy", explanation.vacancy), ("profile", explanation.profile)):
        asks = f"What the {side} {_ASKS[side]}"
        show("", heading(f"{asks}, by group"), _groups(coverage))
        show("", heading(f"{asks}, one by one"), _asked(coverage))
        if coverage.gaps:
            show("", heading(f"{asks} and the {_OTHER[side]} lacks, costliest first"), _gaps(coverage))
    show("", heading("Conditions"), _conditions(explanation, settings))
    show("", heading("Weights"), _weights(explanation))


def _groups(coverage: Coverage) -> Table:
    from engine import UNIT
    from engine.kernels import FULL

    shown = table("group", ">weight", ">adds")
    for group, points in coverage.groups.items():
        weight = sum(part.weight for part in coverage.parts if part.group == group) * FULL
        row(shown, group, score(weight / UNIT), score(points / UNIT))
    shown.add_section()
    row(
        shown,
        "all",
        score(sum(part.weight for part in coverage.parts) * FULL / UNIT),
        score(coverage.score / UNIT),
    )
    return shown


def _asked(coverage: Coverage) -> Table:
    from engine import UNIT
    from engine.kernels import FULL

    shown = table("group", "asked", ">weight", ">degree", ">adds", "covered by")
    for part in coverage.parts:
        row(
            shown,
            part.group,
            part.label,
            score(part.weight * FULL / UNIT),
            score(part.degree / FULL),
            score(part.points / UNIT),
            part.nearest_label or None,
        )
    return shown


def _gaps(coverage: Coverage) -> Table:
    from engine import UNIT
    from engine.kernels import FULL

    shown = table("group", "lacking", ">costs", "nearest")
    for part in coverage.gaps:
        cost = part.weight * (FULL - part.degree) / UNIT
        row(shown, part.group, part.label, score(cost), part.nearest_label or None)
    return shown


def _conditions(explanation: Explanation, settings: Settings) -> Table:
    from engine import CONDITIONS

    states = {name: state for state, named in _states(explanation, settings).items() for name in named}
    shown = table("condition", "state", "effect", "says")
    for name, says in CONDITIONS.items():
        effect = "required" if name in settings.required else "wish" if name in settings.wished else "ignored"
        row(shown, name, states.get(name), effect, says)
    return shown


def _weights(explanation: Explanation) -> Table:
    shown = table("group", ">suggested", ">preferred", ">applied")
    for name, applied in explanation.applied.items():
        row(shown, name, explanation.suggested[name], explanation.preferred.get(name), applied)
    return shown
