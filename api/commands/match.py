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
from api.commands.inputs import day_of, encode_files, refuse_overwriting, report_locations, row_of
from api.commands.ranking import settings_of
from api.commands.rows import format_of, ndjson, write_rows

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from engine import Encoded, Ranker

EXAMPLE: Final = (
    "Example: koppel match --profiles profiles.parquet --vacancies vacancies.ndjson --top 20 -o out.parquet"
)


def match(
    profiles: options.ProfilesFile,
    vacancies: options.VacanciesFile,
    top: Annotated[
        int, typer.Option(min=1, help="How many candidates to keep for each record that asks.")
    ] = 10,
    vacancy: Annotated[str | None, typer.Option(metavar="ID", help="Only this vacancy.")] = None,
    profile: Annotated[str | None, typer.Option(metavar="ID", help="Only this profile.")] = None,
    direction: options.DirectionOption = "vacancy",
    weight: options.Weights = None,
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
    not be checked). Without -o they are printed.
    """
    from engine import Ranker

    day = day_of(as_of)
    settings = settings_of(
        day,
        direction,
        weight or (),
        wish or (),
        require or (),
        ignore or (),
        strict=strict,
        radius=radius,
    )
    if output:
        format_of(output)
        for source in (profiles, vacancies):
            refuse_overwriting(output, source)
    collections = encode_files(profiles, vacancies, taxonomy, day, on_error, rejects)
    asking, candidates = collections.vacancies, collections.profiles
    asked = None if vacancy is None else row_of("--vacancy", vacancy, asking.records, vacancies)
    limited = None if profile is None else row_of("--profile", profile, candidates.records, profiles)
    if direction == "profile":
        asking, candidates, asked, limited = candidates, asking, limited, asked
    with working("Preparing"):
        ranker = Ranker(
            collections.vacancies,
            collections.profiles,
            collections.space,
            settings,
            _only(limited, candidates),
        )
    first, last = (0, len(asking)) if asked is None else (asked, asked + 1)
    with working("Ranking", printing=not output) as told:
        frames = _frames(ranker, top, first, last, threads or os.cpu_count() or 1, told)
        if output:
            version = collections.space.taxonomy.version
            about = {
                "koppel.as_of": f"{day}",
                "koppel.direction": direction,
                "koppel.taxonomy": version,
            }
            pairs = write_rows(frames, ranker.rank(1, 0, 0).frame().schema, output, about)
        else:
            pairs = sum(_print(frame, direction, as_json=as_json) for frame in frames)
    report_locations(collections)
    opposite = len(candidates) if limited is None else 1
    asked_by = "profiles" if direction == "profile" else "vacancies"
    note(
        f"Asking {asked_by}: {last - first:,}; candidates: {opposite:,}; pairs: {pairs:,}; as of {day}; "
        f"taxonomy {collections.space.taxonomy.version}."
    )


def _only(row: int | None, candidates: Encoded) -> NDArray[np.bool_] | None:
    """Which candidates may be ranked: one, or all where that is None."""
    import numpy as np

    return None if row is None else np.arange(len(candidates)) == row


def _frames(
    ranker: Ranker, top: int, first: int, last: int, threads: int, told: Callable[[int, int], None]
) -> Iterator[pl.DataFrame]:
    """Rank, and give the pairs in the order of the asking records, block by block."""
    from engine.rank import TILE

    k = min(top, max(1, len(ranker.candidates)))
    for number, block in enumerate(ranker.blocks(k, first, last, threads=threads), start=1):
        yield block.frame()
        told(min(number * TILE, last - first), last - first)


def _print(pairs: pl.DataFrame, direction: options.Direction, *, as_json: bool) -> int:
    """Print pairs as NDJSON, or as a table for each asking record; gives their number."""
    if as_json:
        sys.stdout.write(ndjson(pairs).decode())
        return pairs.height
    asking, candidate = ("profile", "vacancy") if direction == "profile" else ("vacancy", "profile")
    for of_one in pairs.partition_by(f"{asking}_id", maintain_order=True):
        shown = table(
            ">rank",
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
                pair[f"{candidate}_id"],
                score(pair["score"]),
                *(score(pair[f"score_{side}"]) for side in ("vacancy", "profile", "mutual")),
                distance(pair["distance_km"]),
                ", ".join(pair["unknown"]),
            )
        show(heading(f"{asking} {of_one[f'{asking}_id'][0]}"), shown, "")
    return pairs.height
