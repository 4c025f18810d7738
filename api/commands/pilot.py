"""`koppel pilot`: a made-up region as files, and what the exchange adds in a region."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from api.commands import pilot_run
from api.commands.console import note, working

if TYPE_CHECKING:
    from data.pilot.files import Suffix

commands = typer.Typer(help="Made-up regions, and what the exchange adds in one.", no_args_is_help=True)


_SUFFIXES: Final[dict[str, Suffix]] = {"ndjson": ".ndjson", "parquet": ".parquet", "json": ".json"}


@commands.callback()
def pilot() -> None:
    """Make up a region, and measure what the exchange adds in one."""


@commands.command(
    epilog="Example: koppel pilot generate -o region --profiles 100000 --vacancies 5000 --format parquet"
)
def generate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the files.")],
    profiles: Annotated[int, typer.Option(min=0, help="How many profiles.")] = 2000,
    vacancies: Annotated[int, typer.Option(min=0, help="How many vacancies.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    region: Annotated[
        str,
        typer.Option(metavar="NAME", help="One of the 35 labour-market regions, as UWV calls it."),
    ] = "Rijk van Nijmegen",
    neighbours: Annotated[
        bool, typer.Option("--neighbours", help="Take the regions that border it as well.")
    ] = False,
    by_organisation: Annotated[
        bool,
        typer.Option("--by-organisation", help="A folder for each organisation, named after its source."),
    ] = False,
    judged: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Add judgements-synthetic.csv: how well the profiles suit the first N vacancies, by what no "
            "record tells.",
        ),
    ] = 0,
    file_format: Annotated[
        Literal["ndjson", "parquet", "json"], typer.Option("--format", help="The format of the files.")
    ] = "ndjson",
) -> None:
    """Generate the profiles and vacancies of a real Dutch region, all of them invented."""
    from data.errors import QuestionError
    from data.pilot import Pilot, read_region, write_by_organisation, write_pilot, write_truth
    from data.reference import regions

    try:
        names = [region, *(regions().neighbours(region) if neighbours else [])]
        area = read_region(*names)
    except QuestionError as error:
        raise typer.BadParameter(f"{error.found}; {error.allowed}.", param_hint="--region") from error
    pilot = Pilot(profiles=profiles, vacancies=vacancies, seed=seed, region=area)
    with working("Generating"):
        write = write_by_organisation if by_organisation else write_pilot
        write(output, pilot, suffix=_SUFFIXES[file_format])
        if judged:
            graded = replace(pilot, vacancies=min(judged, vacancies))
            write_truth(output / "judgements-synthetic.csv", graded)
    note(f"Generated {profiles:,} profiles and {vacancies:,} vacancies of {area.name}: {output}.")


commands.command(epilog=pilot_run.RUN_EXAMPLE)(pilot_run.run)
commands.command(epilog=pilot_run.COMPARE_EXAMPLE)(pilot_run.compare)
