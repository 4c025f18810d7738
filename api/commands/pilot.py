"""`koppel pilot`: a made-up region as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from api.commands.console import note, working

if TYPE_CHECKING:
    from data.pilot.files import Suffix

commands = typer.Typer(help="A made-up region, to try things out on.", no_args_is_help=True)


_SUFFIXES: Final[dict[str, Suffix]] = {"ndjson": ".ndjson", "parquet": ".parquet", "json": ".json"}


@commands.callback()
def pilot() -> None:
    """Make up a region, to try things out on."""


@commands.command(
    epilog="Example: koppel pilot generate -o region --profiles 100000 --vacancies 5000 --format parquet"
)
def generate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the two files.")],
    profiles: Annotated[int, typer.Option(min=0, help="How many profiles.")] = 2000,
    vacancies: Annotated[int, typer.Option(min=0, help="How many vacancies.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    region: Annotated[
        str | None,
        typer.Option(help="A labour-market region, as UWV calls it; by default Rijk van Nijmegen."),
    ] = None,
    file_format: Annotated[
        Literal["ndjson", "parquet", "json"], typer.Option("--format", help="The format of the files.")
    ] = "ndjson",
) -> None:
    """Generate the profiles and vacancies of a real Dutch region, all of them invented."""
    from data.pilot import read_region, regions, write_pilot

    if region is not None and region not in regions():
        raise typer.BadParameter(f"give one of: {', '.join(regions())}.", param_hint="--region")
    with working("Generating"):
        written = write_pilot(
            output,
            profiles=profiles,
            vacancies=vacancies,
            seed=seed,
            region=read_region(region) if region else None,
            suffix=_SUFFIXES[file_format],
        )
    note(f"Generated {profiles:,} profiles and {vacancies:,} vacancies: {written[0]}, {written[1]}.")
