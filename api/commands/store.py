"""`koppel store`: make the tables, check them."""

from __future__ import annotations

import typer

from api.commands.console import note
from api.commands.opened import Config, settings_of

commands = typer.Typer(help="The store: its tables in SQLite or PostgreSQL.", no_args_is_help=True)


@commands.callback()
def store() -> None:
    """Make and check the store."""


@commands.command(epilog="Example: koppel store migrate --config koppel.toml")
def migrate(config: Config = None) -> None:
    """Make the store, or bring its tables to this version of Koppel.

    Whatever happens meanwhile nothing is lost, and doing it again finishes it.
    Make a backup first: no command brings the old tables back. In SQLite
    it may need room for the records once more.
    """
    from api.store import Store

    made = Store(settings_of(config).store_url)
    note(f"{made}: revision {made.migrate()}.")


@commands.command(epilog="Example: koppel store check")
def check(config: Config = None) -> None:
    """Check that the store can be read, and that its tables are those of this version of Koppel."""
    from api.store import Store

    opened = Store(settings_of(config).store_url)
    note(f"{opened}: revision {opened.check()}.")
