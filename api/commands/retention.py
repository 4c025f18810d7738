"""`koppel retention`: remove what has been kept long enough."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.console import note
from api.commands.opened import Config, audit_of, nights_of, settings_of, store_of
from api.commands.subject import holder_of

commands = typer.Typer(help="How long things are kept.", no_args_is_help=True)


@commands.callback()
def retention() -> None:
    """Remove what has been kept long enough."""


@commands.command(epilog="Example: koppel retention run --audit-days 1096")
def run(
    question_days: Annotated[
        int, typer.Option(metavar="DAYS", min=0, help="Of a question, after it expired.")
    ] = 30,
    record_days: Annotated[
        int,
        typer.Option(
            metavar="DAYS", min=1, help="Of a record or contact that its source hasn't supplied anew."
        ),
    ] = 366,
    audit_days: Annotated[
        int, typer.Option(metavar="DAYS", min=1, help="Of an entry of the log, in whole days (UTC).")
    ] = 1096,
    config: Config = None,
) -> None:
    """Remove expired and stale records, old questions, whole old days of the log. Run it every night.

    What stays of the log verifies. Nothing of it is removed, exit code 7, where what
    would go isn't what was written. Pseudonyms go once the log names them no more.
    Of a night the store forgets all once it is kept no more (`nightly run --keep`)
    and its vumIDs have expired; keys then go whose time is over.
    """
    from api.clock import now
    from api.exchange.nightly.retention import forget_nights
    from api.exchange.retention import Periods, apply_retention

    settings = settings_of(config)
    store = store_of(settings)
    audit = audit_of(settings, store)
    periods = Periods(question_days, record_days, audit_days)
    removed = apply_retention(store, audit, holder_of(settings, store), periods, now)
    counts = vars(removed) | {"nights": forget_nights(audit, settings.keys_file, nights_of(settings), now)}
    told = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
    note(f"Removed: {told}.")
