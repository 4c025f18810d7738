"""`koppel source`: the sources (bronnen), and with whom each shares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from api.commands import options
from api.commands.console import row, show, show_json, table
from api.commands.moments import End, From, Until, iso, local, moment_of
from api.commands.opened import Config, administration_of, registry_of

if TYPE_CHECKING:
    from api.exchange.registry import Scope, Shared, SourceScope

commands = typer.Typer(help="Sources (bronnen), and with whom each shares.", no_args_is_help=True)

SourceId = Annotated[str, typer.Argument(metavar="ID", help="Id of the source.")]
Processor = Annotated[
    str | None,
    typer.Option(
        "--processor", metavar="OIN", help="Who answers for it, by a mandate; by default the participant."
    ),
]

_URL: Final = "Where a source elsewhere is asked: https://host/path, up to the paths of the contract."


@commands.callback()
def source() -> None:
    """Register sources of participants."""


@commands.command(
    epilog='Example: koppel source register utrecht --oin 00000001823288444000 --name "Gemeente Utrecht"'
)
def register(
    source_id: Annotated[str, typer.Argument(metavar="ID", help="Its id: a-z, 0-9 and -, at most 50.")],
    oin: Annotated[str, typer.Option(metavar="OIN", help="The participant whose source it is.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the source.")],
    processor: Processor = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help=f"{_URL} Without, its records are in this store.")
    ] = None,
    first: From = None,
    until: Until = None,
    config: Config = None,
) -> None:
    """Register a source, or one anew that has ended. It shares with nobody until it is told to."""
    administration_of(config).register_source(
        source_id, oin, name, processor_oin=processor, url=url, first=moment_of(first), until=moment_of(until)
    )


@commands.command(epilog="Example: koppel source change elders --url https://bron.example.nl/vum/v3")
def change(
    source_id: SourceId,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the source.")] = None,
    processor: Processor = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help=_URL)] = None,
    config: Config = None,
) -> None:
    """Change a source. It counts at the next request."""
    administration_of(config).change_source(source_id, name=name, processor_oin=processor, url=url)


@commands.command(epilog="Example: koppel source end utrecht --until 2027-01-01")
def end(source_id: SourceId, until: End = None, config: Config = None) -> None:
    """End a source: it is not asked any more."""
    administration_of(config).end_source(source_id, moment_of(until))


@commands.command(epilog="Example: koppel source share utrecht --with suwi --side werkzoekende")
def share(
    source_id: SourceId,
    scope: Annotated[
        str,
        typer.Option("--with", metavar="SCOPE", help="suwi, openbaar (public parties) or alle (all)."),
    ],
    side: Annotated[
        str | None,
        typer.Option(
            metavar="SIDE",
            help="werkzoekende, vacature or werkgeverscontactmoment; by default the first two.",
        ),
    ] = None,
    first: From = None,
    until: Until = None,
    config: Config = None,
) -> None:
    """Let a source share with a scope of participants. Prints the number of this.

    It takes the place of nothing: end what is in force for the side first.
    """
    number = administration_of(config).set_scope(
        source_id,
        cast("Scope", scope),
        side=cast("Shared | None", side),
        first=moment_of(first),
        until=moment_of(until),
    )
    show(f"{number}")


@commands.command(epilog="Example: koppel source unshare 3")
def unshare(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Number that `share` printed.")],
    until: End = None,
    config: Config = None,
) -> None:
    """End what `share` began. Without another, nothing is shared."""
    administration_of(config).end_scope(number, moment_of(until))


@commands.command(epilog="Example: koppel source declare-no-bsn utrecht --file verklaring.txt")
def declare_no_bsn(
    source_id: SourceId,
    file: Annotated[Path, typer.Option(metavar="FILE", help="The declaration, text in UTF-8.")],
    config: Config = None,
) -> None:
    """Keep a source's written declaration that its ids of nine digits are no BSN.

    Without it, ids that could be a BSN are refused when records are loaded.
    """
    from data.files import decoded, read_pieces

    declaration = decoded(b"".join(read_pieces(file)), file)
    administration_of(config).declare_no_bsn(source_id, declaration.strip())


@commands.command(epilog="Example: koppel source withdraw-no-bsn utrecht")
def withdraw_no_bsn(source_id: SourceId, config: Config = None) -> None:
    """Take the declaration back that ids of nine digits are no BSN."""
    administration_of(config).withdraw_no_bsn(source_id)


@commands.command("list", epilog="Example: koppel source list --json")
def show_all(config: Config = None, as_json: options.Json = False) -> None:
    """List the sources, with whom each shares, and whether each may answer now.

    Where one may not, the rules are named that refuse it. With --json {"id",
    "name", "oin", "processor", "url", "noBsn", "from", "until", "refusedBy",
    "scopes": [{"id", "side", "scope", "from", "until"}]}.
    """
    from api.clock import now
    from api.exchange.rules import explain_holding

    registry, at = registry_of(config), now()
    shown = table("id", "name", "at", "from", "until", "shares with", "answers")
    for each in registry.sources.values():
        scopes = registry.scopes.get(each.id, ())
        reasons = explain_holding(registry, each.id, at)
        refused_by = [reason.rule for reason in reasons if reason.effect == "refuse"]
        if as_json:
            show_json(
                {
                    "id": each.id,
                    "name": each.name,
                    "oin": each.oin,
                    "processor": each.processor_oin,
                    "url": each.url,
                    "noBsn": each.bsn_declared,
                    "from": iso(each.valid.first),
                    "until": iso(each.valid.until),
                    "refusedBy": refused_by,
                    "scopes": [_as_json(scope) for scope in scopes],
                }
            )
            continue
        row(
            shown,
            each.id,
            each.name,
            each.url or "here",
            local(each.valid.first),
            local(each.valid.until),
            ", ".join(_told(scope) for scope in scopes if scope.valid.holds(at)) or "nobody",
            f"no: {', '.join(refused_by)}" if refused_by else "yes",
        )
    if not as_json:
        show(shown)


def _told(scope: SourceScope) -> str:
    return f"{scope.id}: {scope.scope}" + (f" ({scope.side})" if scope.side else "")


def _as_json(scope: SourceScope) -> dict[str, object]:
    return {
        "id": scope.id,
        "side": scope.side,
        "scope": scope.scope,
        "from": iso(scope.valid.first),
        "until": iso(scope.valid.until),
    }
