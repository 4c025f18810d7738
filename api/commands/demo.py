"""`koppel demo`: a made-up region, ranked, and a few of its vacancies explained."""

from __future__ import annotations

import os
from collections import defaultdict
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.commands.console import distance, heading, row, score, show, table, working

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

    from data.taxonomy import Taxonomy
    from engine import Explanation, Part, Ranking

EXAMPLE: Final = "Example: koppel demo --profiles 20000 --vacancies 1000 --seed 7"

_SHORT: Final = 8
"""Characters of an id that are shown."""

_GAPS: Final = 3
"""Gaps shown of each candidate, the costliest ones."""

_GOOD, _MIDDLING = 0.95, 0.65
"""Vacancies are shown whose best candidate scores about so, from the first to the last."""


def demo(
    profiles: Annotated[int, typer.Option(min=1, help="How many profiles.")] = 2000,
    vacancies: Annotated[int, typer.Option(min=1, help="How many vacancies.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same region.")] = 1,
    top: Annotated[int, typer.Option(min=1, help="How many candidates to show of a vacancy.")] = 5,
    shown: Annotated[int, typer.Option("--show", min=0, help="How many vacancies to show.")] = 4,
) -> None:
    """Make up a region, rank all its profiles for all its vacancies, and explain a few places."""
    import polars as pl

    from data.pilot import generate_profiles, generate_vacancies, read_region
    from data.pilot.blocks import AS_OF
    from data.taxonomy import bundled_taxonomy
    from engine import FeatureSpace, Ranker, Settings, encode, explain, sort_by_key

    with working("Making up the region"):
        taxonomy = bundled_taxonomy()
        wanted = pl.concat(generate_profiles(profiles, seed=seed))
        offered = sort_by_key(pl.concat(generate_vacancies(vacancies, seed=seed)), "vacature")
    threads = os.cpu_count() or 1
    with working("Preparing"):
        space = FeatureSpace(taxonomy)
        encoded = (
            encode(offered, "vacature", space, as_of=AS_OF),
            encode(wanted, "werkzoekende", space, as_of=AS_OF),
        )
        ranker = Ranker(*encoded, space, Settings(AS_OF))
        ranker.rank(1, 0, 1)  # compiles the kernel, if it isn't yet
    with working("Ranking"):
        start = perf_counter()
        ranking = ranker.rank(min(top, profiles), threads=threads)
        seconds = perf_counter() - start
    pairs = profiles * vacancies
    show(
        f"{read_region().name}, seed {seed}: {profiles:,} profiles and {vacancies:,} vacancies, all made up.",
        f"As of {AS_OF}, with taxonomy {taxonomy.version}, {pairs:,} pairs were ranked",
        f"in {seconds:.2f} s on {threads} threads: {pairs / seconds / 1e6:.1f} million a second.",
        *_spread(ranking),
        "",
        "score    how far the profile covers what the vacancy asks: the sum of the parts to its right",
        "wants    how far the vacancy covers what the profile wants",
        "mutual   the harmonic mean of both",
    )
    for vacancy in _choose(ranking, offered, taxonomy, shown):
        candidates = ranking.profile[ranking.vacancy == vacancy].tolist()
        explanations = [explain(ranker, vacancy, candidate) for candidate in candidates]
        what = _described(offered.row(vacancy, named=True), taxonomy)
        title = heading(f"{what} (vacancy {explanations[0].vacancy_id[:_SHORT]})")
        show("", title, _scores(explanations), "", _gaps(explanations))


def _spread(ranking: Ranking) -> list[str]:
    """Say how many vacancies have candidates, and how good the best ones are."""
    import numpy as np

    from engine import UNIT

    best = ranking.score_vacancy[ranking.rank == 1]
    told = [f"{len(best):,} of the vacancies have a candidate."]
    if len(best):
        low, middle, high = (score(value / UNIT) for value in np.quantile(best, (0.1, 0.5, 0.9)))
        told.append(f"The best candidate scores {middle} for the middle one, {low} to {high} for most.")
    return told


def _choose(ranking: Ranking, offered: pl.DataFrame, taxonomy: Taxonomy, how_many: int) -> list[int]:
    """Give rows of vacancies of different kinds of work, whose best candidates are good to middling.

    They have as many candidates as any vacancy of the ranking.
    """
    from engine import UNIT

    first = ranking.rank == 1
    best = dict(zip(ranking.vacancy[first].tolist(), ranking.score_vacancy[first].tolist(), strict=True))
    concepts = taxonomy.occupations.index()
    codes = offered["beroep"].struct.field("codeBeroepsnaam").to_list()
    kinds: dict[str, list[int]] = defaultdict(list)
    for vacancy in ranking.vacancy[ranking.rank == ranking.rank.max(initial=0)].tolist():
        if codes[vacancy] in concepts:
            kinds[taxonomy.isco[concepts[codes[vacancy]]][:1]].append(vacancy)
    commonest = sorted(kinds.values(), key=lambda kind: (-len(kind), kind))
    chosen: list[int] = []
    while commonest and len(chosen) < how_many:
        kind = commonest.pop(0)
        aim = UNIT * (_GOOD - (_GOOD - _MIDDLING) * len(chosen) / max(1, how_many - 1))
        chosen.append(min(kind, key=lambda vacancy: (abs(best[vacancy] - aim), vacancy)))
        kind.remove(chosen[-1])
        if kind:
            commonest.append(kind)
    return chosen


def _described(vacancy: dict[str, Any], taxonomy: Taxonomy) -> str:
    """Say what a vacancy is: occupation, place, hours."""
    from data.reference import postcodes

    occupations = taxonomy.occupations
    what = occupations.labels[occupations.index()[vacancy["beroep"]["codeBeroepsnaam"]]]
    pc4 = int(((vacancy["adres"] or {}).get("postcode") or "0")[:4])
    table = postcodes().table
    place = table["place"].filter(table["pc4"] == pc4).to_list()
    worked = vacancy["werktijden"] or {}
    hours = [worked.get(f"aantalWerkurenPerWeek{limit}") for limit in ("Minimaal", "Maximaal")]
    told = "-".join(dict.fromkeys(str(each) for each in hours if each is not None))
    return f"{what}{' in ' + place[0] if place else ''}{f', {told} hours a week' if told else ''}"


def _scores(explanations: list[Explanation]) -> Table:
    """The candidates with their scores, and the part that each group of features adds to the first."""
    from engine import UNIT
    from engine.features import GROUPS
    from engine.kernels import FULL

    first = explanations[0]
    asked: dict[str, int] = {group: 0 for group in GROUPS if group in first.vacancy.groups}
    for part in first.vacancy.parts:
        asked[part.group] += part.weight * FULL
    shown = table(
        ">",
        "profile",
        ">km",
        ">wants",
        ">mutual",
        ">score",
        *(f">{group}" for group in asked),
    )
    row(shown, "", "asked", "", "", "", *(score(points / UNIT) for points in (UNIT, *asked.values())))
    shown.add_section()
    for rank, each in enumerate(explanations, start=1):
        points = each.profile.score, each.score_mutual, each.vacancy.score
        parts = (each.vacancy.groups[group] for group in asked)
        row(
            shown,
            rank,
            each.profile_id[:_SHORT],
            distance(each.distance_km),
            *(score(number / UNIT) for number in (*points, *parts)),
        )
    return shown


def _gaps(explanations: list[Explanation]) -> Table:
    shown = table(">", "lacking, and what is nearest to it", "not known")
    for rank, each in enumerate(explanations, start=1):
        gaps = each.vacancy.gaps
        told = [_gap(part) for part in gaps[:_GAPS]]
        if len(gaps) > _GAPS:
            told.append(f"{len(gaps) - _GAPS} more")
        row(shown, rank, "; ".join(told) or None, ", ".join(each.unknown) or None)
    return shown


def _gap(part: Part) -> str:
    from engine.kernels import FULL

    if not part.nearest:
        return part.label
    nearest = "" if part.nearest == part.code else f"{part.nearest_label}, "
    return f"{part.label} ({nearest}{100 * part.degree // FULL}%)"
