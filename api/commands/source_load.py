"""`koppel source load` and `koppel source index`: the records and contacts of hosted sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from api.commands import options
from api.commands.console import note, warn, working
from api.commands.opened import Config, audit_of, settings_of, store_of
from api.commands.source import SourceId, commands
from api.commands.subject import account

if TYPE_CHECKING:
    from api.config import Settings
    from api.exchange.hosted import HostedSources
    from data.standard import Side

__all__ = ["commands", "index", "load"]

_SIDES: Final = ("werkzoekende", "vacature", "werkgeverscontactmoment")


@commands.command(epilog="Example: koppel source load utrecht profielen.ndjson.zst --side werkzoekende")
def load(
    source_id: SourceId,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A .json list, .ndjson (both also .gz or .zst) or .parquet of its records."
        ),
    ],
    side: Annotated[
        str, typer.Option(metavar="SIDE", help="werkzoekende, vacature or werkgeverscontactmoment.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete its other records of this side afterwards.")
    ] = False,
    on_error: options.OnErrorOption = "stop",
    rejects: options.RejectsFile = None,
    config: Config = None,
) -> None:
    """Put the records of a file into this store, as a source's own.

    Each takes the place of the one with its id. The exchange goes on meanwhile,
    and answers with them as soon as this is done. Broken off, it is finished by
    the same command. Ids of nine digits that could be a BSN are refused, unless
    the source has declared that they are none.

    Contacts with employers have no ids: those of the file take the place of all
    that the source holds, or where one of them is bad nothing changes.
    """
    if side not in _SIDES:
        raise typer.BadParameter("werkzoekende, vacature or werkgeverscontactmoment.", param_hint="--side")
    if side == "werkgeverscontactmoment" and (on_error != "stop" or rejects):
        raise typer.BadParameter("contacts are loaded all or none.", param_hint="--on-error, --rejects")
    settings = settings_of(config)
    _log(settings, source_id, side)
    hosted = _hosted(settings)
    if side == "werkgeverscontactmoment":
        note(f"Source {source_id}: {hosted.load_contacts(source_id, file):,} contacts stored.")
        return
    with working(f"Loading {file.name}") as told:
        loaded = hosted.load(
            source_id,
            cast("Side", side),
            file,
            on_error=on_error,
            rejects=rejects,
            replace=replace,
            progress=lambda what, done, whole: told(done, whole),
        )
    if loaded.rejected:
        warn(f"{loaded.rejected:,} records skipped")
    deleted = f", {loaded.deleted:,} deleted" if replace else ""
    note(f"Source {source_id}: {loaded.stored:,} records stored{deleted}.")


@commands.command(epilog="Example: koppel source index")
def index(config: Config = None) -> None:
    """Build the index of the hosted sources anew, as of today.

    A server does it itself when a day has begun. Questions are answered meanwhile.
    A ranking counts experience up to the day of the index; what has been deleted is
    gone from the disk with the next index.
    """
    hosted = _hosted(settings_of(config))
    with working("Building the index") as told:
        hosted.rebuild(lambda what, done, whole: told(done, whole))
    now = hosted.index()
    note(
        f"Built the index of the hosted sources: {len(now.profiles):,} profiles, "
        f"{len(now.vacancies):,} vacancies; as of {now.as_of}."
    )


def _log(settings: Settings, source_id: str, side: str) -> None:
    """Log that records are loaded, if the source is hosted here: else what was given may be anything."""
    from api.exchange.hosted import declares_no_bsn

    audit = audit_of(settings, store_of(settings))
    with audit.write() as connection:
        declares_no_bsn(connection, source_id)
        audit.append(connection, "records", {"actor": account(), "source": source_id, "side": side})


def _hosted(settings: Settings) -> HostedSources:
    from api.clock import now
    from api.exchange.hosted import HostedSources

    return HostedSources(store_of(settings), settings.index_folder, now)
