"""`koppel mandate`: which processor may act for which participant."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands import options
from api.commands.console import row, show, show_json, table
from api.commands.moments import End, From, Until, iso, local, moment_of
from api.commands.opened import Config, administration_of, registry_of

commands = typer.Typer(
    help="Mandates: which processor (verwerker) may act for which participant.", no_args_is_help=True
)


@commands.callback()
def mandate() -> None:
    """Register mandates that participants gave."""


@commands.command(
    epilog="Example: koppel mandate add --processor 00000003123456780000 --controller 00000001823288444000"
)
def add(
    processor: Annotated[str, typer.Option(metavar="OIN", help="Who may act, any OIN.")],
    controller: Annotated[str, typer.Option(metavar="OIN", help="For whom, a participant.")],
    first: From = None,
    until: Until = None,
    config: Config = None,
) -> None:
    """Let a processor ask and answer for a participant. Prints the number of the mandate."""
    number = administration_of(config).add_mandate(
        processor, controller, first=moment_of(first), until=moment_of(until)
    )
    show(f"{number}")


@commands.command(epilog="Example: koppel mandate end 3")
def end(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the mandate.")],
    until: End = None,
    config: Config = None,
) -> None:
    """End a mandate. It counts at the next request."""
    administration_of(config).end_mandate(number, moment_of(until))


@commands.command("list", epilog="Example: koppel mandate list")
def show_all(config: Config = None, as_json: options.Json = False) -> None:
    """List the mandates; with --json {"id", "processor", "controller", "from", "until"}."""
    registry = registry_of(config)
    mandates = sorted(
        (each for group in registry.mandates.values() for each in group), key=lambda one: one.id
    )
    shown = table(">number", ">processor", ">controller", "from", "until")
    for each in mandates:
        if as_json:
            show_json(
                {
                    "id": each.id,
                    "processor": each.processor_oin,
                    "controller": each.controller_oin,
                    "from": iso(each.valid.first),
                    "until": iso(each.valid.until),
                }
            )
            continue
        period = (local(each.valid.first), local(each.valid.until))
        row(shown, each.id, each.processor_oin, each.controller_oin, *period)
    if not as_json:
        show(shown)
