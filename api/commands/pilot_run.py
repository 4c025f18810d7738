"""`koppel pilot run` and `koppel pilot compare`: what the exchange adds in a region, measured."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands import options
from api.commands.console import note, row, show, show_json, table, warn, working
from api.commands.inputs import day_of, reading, taxonomy_of
from api.commands.weights import name_of, read_chosen, sha256_of

if TYPE_CHECKING:
    import polars as pl

    from api.pilot.timing import Stopwatch
    from data.standard import Side

    Files = dict[Side, dict[str, Path]]

RUN_EXAMPLE: Final = 'Example: koppel pilot run --region "Rijk van Nijmegen" -o pilot'
COMPARE_EXAMPLE: Final = "Example: koppel pilot compare pilot-spring pilot-autumn"

_SIDES: Final[dict[str, Side]] = {"profiles": "werkzoekende", "vacancies": "vacature"}
_RECORDS: Final = "a .json list, .ndjson (both also .gz or .zst) or .parquet, and after = its organisation"


def run(
    region: Annotated[
        str, typer.Option(metavar="NAME", help="One of the 35 labour-market regions, as UWV calls it.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the report and its numbers.")
    ],
    profiles: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE=NAME", help=f"Profiles of jobseekers: {_RECORDS}. Repeatable."),
    ] = None,
    vacancies: Annotated[
        list[str] | None, typer.Option(metavar="FILE=NAME", help="Vacancies, likewise. Repeatable.")
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="In their place a folder with a folder for each organisation, in it a file named profiles, "
            "vacancies, or both.",
        ),
    ] = None,
    made_up: Annotated[
        bool, typer.Option("--made-up", help="Say in the report that the records of the files are made up.")
    ] = False,
    judgements: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="How suitable pairs are: a .csv or .parquet with vacancy, profile and grade (0 to 10).",
        ),
    ] = None,
    jobseekers: Annotated[
        int, typer.Option(min=1, help="How many to make up, in the region and around it, without files.")
    ] = 50_000,
    openings: Annotated[int, typer.Option(min=1, help="How many vacancies to make up, likewise.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes up the same.")] = 1,
    suitable: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="From which score a candidate is suitable.")
    ] = 0.6,
    radius: Annotated[
        int, typer.Option(min=1, max=999, metavar="KM", help="How far apart the two may be at most.")
    ] = 50,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many places of a list are looked at.")] = 10,
    minimum: Annotated[
        int, typer.Option(min=2, help="About fewer jobseekers than this nothing is told.")
    ] = 10,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Weights that `koppel weights fit` wrote, for this taxonomy, where a vacancy asks.",
        ),
    ] = None,
    taxonomy: options.TaxonomyFolder = None,
    as_of: options.AsOf = None,
    on_error: options.OnErrorOption = "stop",
    threads: Annotated[
        int | None, typer.Option(min=1, help="By default one a core. The numbers are the same for any.")
    ] = None,
) -> None:
    """Measure what the exchange adds in a region, whether it is fair, and how well it ranks.

    Without files all records are made up, as of 2026-09-01 by default. The
    folder gets report.html, which needs nothing but itself; results.json and
    its tables as Parquet, the same for the same input; and timing.json. Only
    records-*.parquet has a row for each record: keep these within the pilot.
    """
    from api.pilot.choices import Choices
    from api.pilot.folder import REPORT, TIMING, write_json, write_results, write_text
    from api.pilot.made_up import Size, make_up
    from api.pilot.measure import measure
    from api.pilot.quality import read_judged
    from api.pilot.report import render
    from api.pilot.timing import Stopwatch
    from api.pilot.world import make_world
    from data.pilot.blocks import AS_OF

    name, watch = _region(region), Stopwatch()
    chosen, _ = read_chosen(weights, None)
    choices = Choices(suitable, radius, top, minimum, threads or os.cpu_count() or 1)
    files = _files(profiles or [], vacancies or [], records)
    if files:
        frames, concepts = _read(files, on_error, watch), taxonomy_of(taxonomy)
        with watch.stage("Voorbereiden"), working("Preparing"):
            world = make_world(name, frames, concepts, day_of(as_of), is_made_up=made_up)
            judged = read_judged(judgements, world) if judgements else None
    else:
        for option, value in (("--judgements", judgements), ("--taxonomy", taxonomy), ("--made-up", made_up)):
            if value:
                raise typer.BadParameter("goes with files of records.", param_hint=option)
        with watch.stage("Gegevens verzinnen"), working("Making up the exchange"):
            size = Size(jobseekers, openings, seed)
            world, judged = make_up(name, size, radius, as_of.date() if as_of else AS_OF)
    if chosen is not None:
        by_weights = name_of(chosen, world.space.taxonomy.version, "vacancy")
        choices = replace(choices, weights=chosen.weights, weights_file=by_weights)
        if judgements and chosen.judgements == sha256_of(judgements):
            warn("these weights were fitted to these very judgements: how well it ranks is flattered.")
    with working("Measuring"):
        results = measure(world, choices, judged, watch)
    timing = watch.told()
    with working("Writing"):
        write_results(output, results)
        write_json(output / TIMING, timing)
        write_text(output / REPORT, render(results.numbers, timing))
    about = results.numbers["about"]
    note(
        f"Measured {name}: {about['region_vacancies']:,} vacancies and {about['region_profiles']:,} "
        f"jobseekers in {timing['seconds']:.0f} s. Read {output / REPORT}."
    )


def _region(given: str) -> str:
    from data.errors import QuestionError
    from data.reference import regions

    try:
        return regions().find(given)
    except QuestionError as error:
        raise typer.BadParameter(f"{error.found}; {error.allowed}.", param_hint="--region") from error


def _files(profiles: list[str], vacancies: list[str], records: Path | None) -> Files:
    """The files of either side by organisation; nothing where none are given."""
    if records and (profiles or vacancies):
        raise typer.BadParameter("goes without --profiles and --vacancies.", param_hint="--records")
    if records:
        return _folders(records)
    if not profiles and not vacancies:
        return {}
    if not profiles or not vacancies:
        raise typer.BadParameter(
            "give both, or neither to make all up.", param_hint="--profiles and --vacancies"
        )
    return {
        "werkzoekende": _by_organisation("--profiles", profiles),
        "vacature": _by_organisation("--vacancies", vacancies),
    }


def _folders(records: Path) -> Files:
    found: Files = {"werkzoekende": {}, "vacature": {}}
    for path in sorted(records.glob("*/*")):
        side = _SIDES.get(path.name.partition(".")[0])
        if side:
            if path.parent.name in found[side]:
                raise typer.BadParameter(
                    f"two files named {path.name.partition('.')[0]} in {path.parent}.", param_hint="--records"
                )
            found[side][path.parent.name] = path
    for name, side in _SIDES.items():
        if not found[side]:
            raise typer.BadParameter(f"no folder in {records} has {name}.", param_hint="--records")
    return found


def _by_organisation(option: str, given: list[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for each in given:
        file, _, name = each.rpartition("=")
        if not file or not name:
            raise typer.BadParameter(f"{each!r} names no organisation; give FILE=NAME.", param_hint=option)
        if name in files:
            raise typer.BadParameter(f"two files of {name!r}; join them.", param_hint=option)
        files[name] = Path(file)
    return files


def _read(files: Files, on_error: options.OnError, watch: Stopwatch) -> dict[Side, dict[str, pl.DataFrame]]:
    with watch.stage("Lezen"), reading(on_error, None) as reader:
        return {
            side: {name: reader.read(path, side).frame for name, path in of_side.items()}
            for side, of_side in files.items()
        }


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another.")],
    as_json: options.Json = False,
) -> None:
    """Show how the numbers of two runs differ.

    A difference is "apart" where the 95% intervals of both don't overlap. With
    --json a line for each number: part, name, first, second, change, apart.
    """
    from api.pilot.compare import choices, differences
    from api.pilot.folder import read_numbers

    numbers = read_numbers(first), read_numbers(second)
    for name, a, b in choices(*numbers):
        warn(f"{name} differs: {a} and {b}")
    found = differences(*numbers)
    if as_json:
        for each in found:
            show_json(
                {
                    "part": each.part,
                    "name": each.name,
                    "first": each.first,
                    "second": each.second,
                    "change": each.change,
                    "apart": each.is_apart,
                }
            )
        return
    shown = table("", "", ">A", ">B", ">change", "apart")
    part = ""
    for each in found:
        values = (_spelt(each.first), _spelt(each.second), _spelt(each.change, sign="+"))
        apart = {True: "yes", False: "no", None: None}[each.is_apart]
        row(shown, each.part if each.part != part else "", each.name, *values, apart)
        part = each.part
    show(shown)


def _spelt(value: float | None, sign: str = "") -> str | None:
    return None if value is None else f"{value:{sign}.3f}"
