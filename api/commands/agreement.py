"""`koppel agreement`: the versions of the afsprakenstelsel, and who accepted them."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands import options
from api.commands.console import row, show, show_json, table
from api.commands.moments import At, From, iso, local, moment_of
from api.commands.opened import Config, administration_of, registry_of

commands = typer.Typer(
    help="The agreement (afsprakenstelsel): its versions, and who accepted them.", no_args_is_help=True
)

Version = Annotated[str, typer.Argument(metavar="VERSION", help="Version of the agreement.")]


@commands.callback()
def agreement() -> None:
    """Register versions of the agreement and their acceptance."""


@commands.command(epilog="Example: koppel agreement add 2.0 --from 2027-01-01")
def add(version: Version, first: From = None, config: Config = None) -> None:
    """Add a version of the agreement.

    From its first moment on, only participants that have accepted it take part:
    register what they accept (`koppel agreement accept`) before that.
    """
    administration_of(config).add_agreement(version, moment_of(first))


@commands.command(epilog="Example: koppel agreement withdraw 2.0")
def withdraw(version: Version, config: Config = None) -> None:
    """Take back a version that has yet to begin, and what was accepted of it."""
    administration_of(config).withdraw_agreement(version)


@commands.command(epilog="Example: koppel agreement accept 2.0 00000001823288444000")
def accept(
    version: Version,
    oin: Annotated[str, typer.Argument(metavar="OIN", help="The participant's OIN, 20 digits.")],
    at: At = None,
    config: Config = None,
) -> None:
    """Register that a participant accepted a version."""
    administration_of(config).accept(oin, version, moment_of(at))


@commands.command("list", epilog="Example: koppel agreement list")
def show_all(config: Config = None, as_json: options.Json = False) -> None:
    """List the versions and how many accepted each.

    With --json {"version", "from", "current", "accepted"}, the OINs of who did.
    """
    from api.clock import now

    registry = registry_of(config)
    current = registry.current_agreement(now())
    shown = table("version", "from", "current", ">accepted by")
    for first, version in registry.agreements:
        accepted = sorted(oin for oin, each in registry.acceptances if each == version)
        if as_json:
            is_current = version == current
            show_json({"version": version, "from": iso(first), "current": is_current, "accepted": accepted})
        else:
            row(shown, version, local(first), "yes" if version == current else "no", len(accepted))
    if not as_json:
        show(shown)
