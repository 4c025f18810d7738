"""`koppel party`: the participants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from api.commands import options
from api.commands.console import row, show, show_json, table
from api.commands.moments import End, From, Until, iso, local, moment_of
from api.commands.nightly import take_ended_out
from api.commands.opened import Config, administration_of, registry_of

if TYPE_CHECKING:
    from api.exchange.registry import Kind

commands = typer.Typer(help="Participants: who was admitted, and what each is.", no_args_is_help=True)

Oin = Annotated[str, typer.Argument(metavar="OIN", help="The participant's OIN, 20 digits.")]

_KINDS: Final = "uwv, gemeente, openbaar (another public party) or privaat."


@commands.callback()
def party() -> None:
    """Register participants that SZW admitted."""


@commands.command(
    epilog='Example: koppel party admit 00000001823288444000 --name "Gemeente Utrecht" --kind gemeente --suwi'
)
def admit(
    oin: Oin,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the organisation.")],
    kind: Annotated[str, typer.Option(metavar="KIND", help=f"What it is: {_KINDS}")],
    suwi: Annotated[bool, typer.Option("--suwi", help="It takes part in SUWI.")] = False,
    pilot: Annotated[bool, typer.Option("--pilot", help="It is in a pilot region (koploper).")] = False,
    first: From = None,
    until: Until = None,
    config: Config = None,
) -> None:
    """Register a participant that SZW admitted, or admit one anew whose admission has ended.

    It takes part once the phase of its kind is open (`koppel phase`) and it has
    accepted the agreement (`koppel agreement`).
    """
    administration_of(config).admit_party(
        oin,
        name,
        cast("Kind", kind),
        suwi=suwi,
        pilot=pilot,
        first=moment_of(first),
        until=moment_of(until),
    )


@commands.command(epilog="Example: koppel party change 00000001823288444000 --no-pilot")
def change(
    oin: Oin,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the organisation.")] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help=f"What it is: {_KINDS}")] = None,
    suwi: Annotated[
        bool | None, typer.Option("--suwi/--no-suwi", help="Whether it takes part in SUWI.")
    ] = None,
    pilot: Annotated[
        bool | None, typer.Option("--pilot/--no-pilot", help="Whether it is in a pilot region.")
    ] = None,
    config: Config = None,
) -> None:
    """Change what a participant is. It counts at the next request."""
    administration_of(config).change_party(
        oin, name=name, kind=cast("Kind | None", kind), suwi=suwi, pilot=pilot
    )


@commands.command(epilog="Example: koppel party end 00000001823288444000 --until 2027-01-01")
def end(oin: Oin, until: End = None, config: Config = None) -> None:
    """End the admission of a participant: it may not ask, and its sources are not asked.

    It is taken out of the nights, too: at once, or where it ends later by the
    first run of a night after that.
    """
    administration_of(config).end_party(oin, moment_of(until))
    take_ended_out(config)


@commands.command("list", epilog="Example: koppel party list --json")
def show_all(config: Config = None, as_json: options.Json = False) -> None:
    """List the participants, and whether each takes part now.

    Where one does not, the rules are named that refuse it: admission, phase,
    agreement. With --json {"oin", "name", "kind", "suwi", "pilot", "from",
    "until", "refusedBy"}.
    """
    from api.clock import now
    from api.exchange.rules import explain_caller

    registry, at = registry_of(config), now()
    shown = table(">OIN", "name", "kind", "suwi", "pilot", "from", "until", "takes part")
    for oin, each in sorted(registry.parties.items()):
        reasons = explain_caller(registry, oin, oin, oin, oin, oin, at)
        refused_by = [reason.rule for reason in reasons if reason.effect == "refuse"]
        if as_json:
            show_json(
                {
                    "oin": oin,
                    "name": each.name,
                    "kind": each.kind,
                    "suwi": each.suwi,
                    "pilot": each.pilot,
                    "from": iso(each.admitted.first),
                    "until": iso(each.admitted.until),
                    "refusedBy": refused_by,
                }
            )
            continue
        row(
            shown,
            oin,
            each.name,
            each.kind,
            "yes" if each.suwi else "no",
            "yes" if each.pilot else "no",
            local(each.admitted.first),
            local(each.admitted.until),
            f"no: {', '.join(refused_by)}" if refused_by else "yes",
        )
    if not as_json:
        show(shown)
