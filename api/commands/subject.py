"""`koppel subject`: serve a person's rights: what is held of them, to be left out, to be erased."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.commands.console import note, show_json
from api.commands.opened import Config, audit_of, nights_of, settings_of, store_of

if TYPE_CHECKING:
    from pathlib import Path

    from api.config import Settings
    from api.exchange.audit import Audit
    from api.exchange.subjects import Holder
    from api.store import Store

commands = typer.Typer(help="A person's rights, across records and log.", no_args_is_help=True)

Source = Annotated[str, typer.Option("--source", metavar="S", help="The source that the record is of.")]
RecordId = Annotated[str, typer.Option("--id", metavar="ID", help="The source's own id of the record.")]
OfSide = Annotated[
    Literal["werkzoekende", "vacature"] | None,
    typer.Option(
        "--side",
        help="Whose it is, where the source gives a profile and a vacancy the same id.",
    ),
]


@commands.callback()
def subject() -> None:
    """Serve the rights of the person behind a record."""


@commands.command(epilog="Example: koppel subject export --source utrecht --id 4711")
def export(source: Source, record_id: RecordId, side: OfSide = None, config: Config = None) -> None:
    """Print all that is held of a person, as JSON: the records, and who was shown them when.

    It is personal data: give it to that person alone.
    """
    from api.exchange.subjects import export as export_of

    settings = settings_of(config)
    store = store_of(settings)
    show_json(export_of(store, audit_of(settings, store), source, record_id, account(), side))


@commands.command(epilog="Example: koppel subject restrict --source utrecht --id 4711")
def restrict(source: Source, record_id: RecordId, side: OfSide = None, config: Config = None) -> None:
    """Leave a person's records out of every answer and night, also when the source puts them anew."""
    from api.exchange.subjects import restrict as restrict_of

    settings = settings_of(config)
    store = store_of(settings)
    audit = audit_of(settings, store)
    restrict_of(audit, holder_of(settings, store), source, record_id, account(), side)
    _take_out_of_nights(settings, audit, source, record_id)
    note("The records are in no answer and no night any more.")


@commands.command(epilog="Example: koppel subject erase --source utrecht --id 4711")
def erase(source: Source, record_id: RecordId, side: OfSide = None, config: Config = None) -> None:
    """Erase a person's records, also from the nights, and who the log speaks of where it does.

    The log stays whole and still verifies. A source elsewhere, and parties that
    were shown the record, hold copies of their own: see export, before.
    """
    from api.exchange.subjects import erase as erase_of
    from api.exchange.subjects import side_of

    settings = settings_of(config)
    store = store_of(settings)
    audit = audit_of(settings, store)
    with store.read() as connection:
        side = side_of(connection, source, record_id, side)
    holder = holder_of(settings, store)
    # In no answer, and in no night that is made meanwhile; then out of those that were made. Who is erased
    # isn't known any more.
    holder.restrict(source, side, [record_id])
    _take_out_of_nights(settings, audit, source, record_id)
    erase_of(audit, holder, source, record_id, account(), side)
    note("Erased.")


def _take_out_of_nights(settings: Settings, audit: Audit, source: str, record_id: str) -> None:
    """Take a record out of the nights, where there are any: of both sides, if its id is that of two."""
    from api.clock import now
    from api.exchange.keys import Keys
    from api.exchange.nightly.withdrawal import Withdrawal, withdraw

    nights = nights_of(settings)
    if nights.root.is_dir():
        keys, asked = Keys(settings.keys_file), Withdrawal(source_id=source, record_id=record_id)
        withdraw(audit, keys, nights, now, asked, account())


def holder_of(settings: Settings, store: Store) -> Holder:
    """Open the hosted sources."""
    from api.clock import now
    from api.exchange.hosted import HostedSources

    root: Path = settings.state / "index"
    return HostedSources(store, root, now)


def account() -> str:
    """Give the account that this process runs as, for the log."""
    return pwd.getpwuid(os.getuid()).pw_name
