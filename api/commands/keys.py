"""`koppel keys`: the keys of vumIDs, in a file outside the store."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from api.commands import options
from api.commands.console import note, row, show, show_json, table
from api.commands.moments import iso, local
from api.commands.opened import Config, settings_of

commands = typer.Typer(
    help="The keys of vumIDs. Whoever reads them can read and make every vumID.", no_args_is_help=True
)

KEEP_DAYS: Final = 31
"""The longest that a question can live."""


@commands.callback()
def keys() -> None:
    """Make, rotate and list the keys of vumIDs."""


@commands.command(epilog="Example: koppel keys create --config koppel.toml")
def create(config: Config = None) -> None:
    """Make the file of keys, in the state folder, readable by its owner alone.

    Nothing is answered without it. Keep a copy: without it every vumID that was
    given is worthless, and nothing else is lost.
    """
    from api.clock import now
    from api.exchange.keys import create_keys

    path = settings_of(config).keys_file
    path.parent.mkdir(parents=True, exist_ok=True)
    key = create_keys(path, now)
    note(f"Made {path} with key {key.id.hex()}.")


@commands.command(epilog="Example: koppel keys rotate --keep-days 7")
def rotate(
    keep_days: Annotated[
        int,
        typer.Option(
            min=0, max=KEEP_DAYS, metavar="DAYS", help="How long the present key still opens vumIDs."
        ),
    ] = KEEP_DAYS,
    config: Config = None,
) -> None:
    """Add a key, which seals every vumID from now on, in every running worker.

    The present one opens what it sealed until the days are over; let that be as
    long as a question lives, or vumIDs become unknown before they expire. Rotate
    at least once a year, and at once where somebody else may have read the file:
    then with --keep-days 0.
    """
    from api.clock import now
    from api.exchange.keys import rotate_keys

    key = rotate_keys(settings_of(config).keys_file, now, keep_days)
    note(f"Key {key.id.hex()} seals from now on.")


@commands.command("list", epilog="Example: koppel keys list")
def list_keys(config: Config = None, as_json: options.Json = False) -> None:
    """List the keys by their ids: when each was made, and until when it opens. Never what they are.

    With --json {"id", "madeAt", "until"}, null for the one that seals.
    """
    from api.exchange.keys import read_keys

    shown = table("key", "made", "opens until", "seals")
    for key in read_keys(settings_of(config).keys_file):
        if as_json:
            show_json({"id": key.id.hex(), "madeAt": iso(key.made_at), "until": iso(key.until)})
            continue
        seals = "yes" if key.until is None else "no"
        row(shown, key.id.hex(), local(key.made_at), local(key.until), seals)
    if not as_json:
        show(shown)
