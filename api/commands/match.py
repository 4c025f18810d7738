"""`koppel match`: rank all against all, or one against all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands import options
from api.commands.console import distance, heading, note, row, score, show, table, working
from api.commands.inputs import (
    Pool,
    both_files,
    day_of,
    encode_files,
    open_pool,
    refuse_overwriting,
    report_locations,
)
from api.commands.ranking import settings_of
from api.commands.rows import format_of, ndjson, write_rows
from api.commands.weights import name_of, read_chosen

if TYPE_CHECKING:
    import polars as pl

    from engine import Ranker
    from engine.merge import MergedRanker

EXAMPLE: Final = (
    "Example: koppel match --profiles profiles.parquet --vacancies vacancies.ndjson --top 20 -o out.parquet"
)


def match(
    profiles: options.ProfilesWithoutIndex = None,
    vacancies: options.VacanciesWithoutIndex = None,
    index: options.Index = None,
    sources: options.Sources = None,
    top: Annotated[
        int, typer.Option(min=1, help="How many candidates to keep for each record that asks.")
    ] = 10,
    vacancy: Annotated[str | None, typer.Option(metavar="ID", help="Only this vacancy.")] = None,
    profile: Annotated[str | None, typer.Option(metavar="ID", help="Only this profile.")] = None,
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
    threads: Annotated[
        int | None, typer.Option(min=1, help="By default one a core. The result is the same for any.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="A .parquet, or .ndjson or .csv (both also .gz or .zst)."
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Rank vacancies and profiles: the best candidates of each record that asks.

    A row for each pair: vacancy_id, profile_id, rank, score, score_vacancy,
    score_profile, score_mutual, distance_km, unknown (the conditions that could
    not be checked). Where an index has sources with names, vacancy_source and
    profile_source tell them; one of several records with an id is named SOURCE=ID.
    Without -o they are printed.
    """
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
    if output:
        format_of(output)
        for source in (profiles, vacancies):
            if source:
                refuse_overwriting(output, source)
    pool: Pool = opened or encode_files(*both_files(profiles, vacancies), taxonomy, day, on_error, rejects)
    by_weights = name_of(chosen, pool.taxonomy, direction)
    only_vacancy = None if vacancy is None else pool.one("vacature", "--vacancy", vacancy, direction)
    only_profile = None if profile is None else pool.one("werkzoekende", "--profile", profile, direction)
    with working("Preparing"):
        ranker = pool.ranker(settings, only_vacancy, only_profile)
    with working("Ranking", printing=not output) as told:
        frames = _frames(ranker, top, threads or os.cpu_count() or 1, told)
        if output:
            about = {
                "koppel.as_of": f"{day}",
                "koppel.direction": direction,
                "koppel.taxonomy": pool.taxonomy,
            } | ({"koppel.weights": by_weights} if by_weights else {})
            pairs = write_rows(frames, ranker.rank(1, 0, 0).frame().schema, output, about)
        else:
            pairs = sum(_print(frame, direction, as_json=as_json) for frame in frames)
    report_locations(pool)
    profiles_told = pool.count("werkzoekende", direction) if profile is None else 1
    vacancies_told = pool.count("vacature", direction) if vacancy is None else 1
    told_by_side = (
        f"Asking profiles: {profiles_told:,}; candidates: {vacancies_told:,}"
        if direction == "profile"
        else f"Asking vacancies: {vacancies_told:,}; candidates: {profiles_told:,}"
    )
    under = f"; {by_weights}" if by_weights else ""
    note(f"{told_by_side}; pairs: {pairs:,}; as of {day}; taxonomy {pool.taxonomy}{under}.")


def _frames(
    ranker: Ranker | MergedRanker, top: int, threads: int, told: Callable[[int, int], None]
) -> Iterator[pl.DataFrame]:
    """Rank, and give the pairs in the order of the asking records, block by block."""
    from engine.rank import tile

    n = len(ranker.asking)
    size = tile(n, threads)
    for number, block in enumerate(ranker.blocks(top, threads=threads), start=1):
        yield block.frame()
        told(min(number * size, n), n)


def _print(pairs: pl.DataFrame, direction: options.Direction, *, as_json: bool) -> int:
    """Print pairs as NDJSON, or as a table for each asking record; gives their number."""
    if as_json:
        sys.stdout.write(ndjson(pairs).decode())
        return pairs.height
    asking, candidate = ("profile", "vacancy") if direction == "profile" else ("vacancy", "profile")
    key = [name for name in (f"{asking}_source", f"{asking}_id") if name in pairs.columns]
    sources = ["source"] if f"{candidate}_source" in pairs.columns else []
    for of_one in pairs.partition_by(key, maintain_order=True):
        shown = table(
            ">rank",
            *sources,
            candidate,
            ">score",
            ">vacancy",
            ">profile",
            ">mutual",
            ">km",
            "not known",
        )
        for pair in of_one.iter_rows(named=True):
            row(
                shown,
                pair["rank"],
                *(pair[f"{candidate}_{each}"] for each in (*sources, "id")),
                score(pair["score"]),
                *(score(pair[f"score_{side}"]) for side in ("vacancy", "profile", "mutual")),
                distance(pair["distance_km"]),
                ", ".join(pair["unknown"]),
            )
        show(heading(" ".join([asking, *of_one.select(key).row(0)])), shown, "")
    return pairs.height
