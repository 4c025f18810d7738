"""`koppel phase`: which kinds of participants are admitted since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from api.commands import options
from api.commands.console import row, show, show_json, table
from api.commands.moments import At, iso, local, moment_of
from api.commands.opened import Config, administration_of, registry_of

if TYPE_CHECKING:
    from api.exchange.registry import PhaseName

commands = typer.Typer(
    help="Phases of admission: pilot, gemeenten_uwv, openbaar, privaat.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="PHASE", help="pilot, gemeenten_uwv, openbaar or privaat.")]


@commands.callback()
def phase() -> None:
    """Open and close the phases of admission."""


@commands.command("open", epilog="Example: koppel phase open pilot --at 2027-01-01")
def open_(name: Name, at: At = None, config: Config = None) -> None:
    """Open a phase: participants of its kind may take part. They open in their order."""
    administration_of(config).open_phase(cast("PhaseName", name), moment_of(at))


@commands.command(epilog="Example: koppel phase close privaat")
def close(name: Name, config: Config = None) -> None:
    """Close a phase: participants of its kind may not take part any more. The last one first."""
    administration_of(config).close_phase(cast("PhaseName", name))


@commands.command("list", epilog="Example: koppel phase list")
def show_all(config: Config = None, as_json: options.Json = False) -> None:
    """List the phases and when each opens; with --json {"phase", "opensAt"}, null for not yet."""
    from api.exchange.registry import PHASES

    registry = registry_of(config)
    shown = table("phase", "opens")
    for name in PHASES:
        opens = registry.phases.get(name)
        if as_json:
            show_json({"phase": name, "opensAt": iso(opens)})
        else:
            row(shown, name, local(opens) or "not yet")
    if not as_json:
        show(shown)
