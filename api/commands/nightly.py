"""`koppel nightly`: the run of every night, and what was published."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.commands import options
from api.commands.console import note, row, show, show_json, table, warn, working
from api.commands.opened import Config, audit_of, nights_of, settings_of, store_of
from api.commands.subject import account

if TYPE_CHECKING:
    from api.config import Settings
    from api.exchange.nightly.nights import Nights
    from api.exchange.nightly.run import NightlyRun
    from api.exchange.nightly.snapshot import Supplied
    from api.store import Store
    from data.standard import Side
    from engine.nightly import Seat

commands = typer.Typer(
    help="The run of every night: ranked matches for all participants' own records.", no_args_is_help=True
)

EVERY_SECONDS: Final = 30
"""How often a run that nobody watches on a terminal tells how far it is."""

NightName = Annotated[
    str | None, typer.Argument(metavar="NIGHT", help="A night as `list` names it; by default the newest.")
]
_FILE: Final = "a .json list, .ndjson (both also .gz or .zst) or .parquet, and after = the id of its source"


@commands.callback()
def nightly() -> None:
    """Run the night, and look after what was published."""


@commands.command(epilog="Example: koppel nightly run --top 25 --keep 7 --processes 4")
def run(
    profiles: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE=SOURCE", help=f"Profiles of a source that holds none here: {_FILE}."),
    ] = None,
    vacancies: Annotated[
        list[str] | None, typer.Option(metavar="FILE=SOURCE", help="Vacancies, likewise.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="Matches for each own record, at most.")] = 25,
    keep: Annotated[int, typer.Option(min=1, help="How many nights stay, this one included.")] = 7,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that rank, and processes that write; by default one a core."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that rank and write, in the place of threads.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask cluster that ranks: tcp://host:8786, tls://host:8786, a scheduler file, or local.",
        ),
    ] = None,
    on_error: options.OnErrorOption = "stop",
    config: Config = None,
) -> None:
    """Match everybody and publish a folder for each participant, in one step.

    A run that was broken off is gone on with by the same command, as it was asked
    for then, and publishes the very same bytes, by whatever threads, processes or
    cluster. One runner at a time; the nights before stay as they are until the new
    one is whole. Sources elsewhere are covered only where they supply a file.
    """
    from api.exchange.nightly.run import Wishes

    settings = settings_of(config)
    if top > settings.matches:
        raise typer.BadParameter(f"1 to {settings.matches}, the limit of matches.", param_hint="--top")
    runner = runner_of(settings, store_of(settings))
    supplied = (*_supplied("--profiles", profiles), *_supplied("--vacancies", vacancies))
    with working("Running the night") as told:
        night = runner.run(
            Wishes(top=top, supplied=supplied, on_error=on_error),
            _seat(threads, processes, cluster),
            writers=processes or threads or os.cpu_count() or 1,
            keep=keep,
            progress=_Teller(told),
        )
    _summarise(nights_of(settings), night.name)


@commands.command(epilog="Example: koppel nightly status --json")
def status(config: Config = None, as_json: options.Json = False) -> None:
    """Tell who runs the night, and how far it is.

    With --json {"runner", "night", "newest", "progress": {"stage", "done", "whole",
    "rate", "left"}}; rate is a second, left are seconds.
    """
    from api.clock import now
    from api.exchange.nightly.run import running

    settings = settings_of(config)
    nights = nights_of(settings)
    told = running(store_of(settings), nights, now()) | {"newest": next(iter(nights.names()), None)}
    if as_json:
        show_json(told)
        return
    progress = told["progress"]
    if told["night"] is None:
        show("No night is being made.")
    elif told["runner"] is None:
        show(f"Night {told['night']} was broken off. Run `koppel nightly run` to go on with it.")
    else:
        show(f"Night {told['night']} is being made by process {told['runner']}.")
    if progress:
        show(
            _spelled(
                progress["stage"], progress["done"], progress["whole"], progress["rate"], progress["left"]
            )
        )
    show(f"Newest night: {told['newest'] or 'none'}.")


@commands.command("list", epilog="Example: koppel nightly list --json")
def show_all(config: Config = None, as_json: options.Json = False) -> None:
    """List the nights that are published, the newest first.

    With --json {"night", "cutOff", "folder", "recipients", "lists", "matches"}.
    """
    from api.exchange.nightly.sealing import read_summary

    nights = nights_of(settings_of(config))
    shown = table("night", "data as of", ">recipients", ">lists", ">matches")
    for name in nights.names():
        summary = read_summary(nights.folder(name))
        sides = [each for told in summary["recipients"].values() for each in told.values()]
        counts = [sum(each[what] for each in sides) for what in ("lists", "matches")]
        if as_json:
            show_json(
                {
                    "night": name,
                    "cutOff": summary["cut_off"],
                    "folder": str(nights.folder(name)),
                    "recipients": len(summary["recipients"]),
                    "lists": counts[0],
                    "matches": counts[1],
                }
            )
        else:
            row(shown, name, summary["cut_off"], len(summary["recipients"]), *(f"{n:,}" for n in counts))
    if not as_json:
        show(shown)


@commands.command(epilog="Example: koppel nightly diff --json")
def diff(night: NightName = None, config: Config = None, as_json: options.Json = False) -> None:
    """Tell how much a night differs from the one before it, by recipient.

    Who is new, gone or moved stands in each recipient's folder, in changes/. With
    --json {"recipient", "side", "lists", "matches", "new", "gone", "moved"}.
    """
    from api.exchange.nightly.sealing import read_summary

    nights = nights_of(settings_of(config))
    summary = read_summary(nights.folder(night))
    shown = table("recipient", "lists for", ">lists", ">matches", ">new", ">gone", ">moved")
    for recipient, sides in summary["recipients"].items():
        for side, counts in sides.items():
            changes = [counts.get("changes", {}).get(each) for each in ("new", "gone", "moved")]
            if as_json:
                told = {"recipient": recipient, "side": side, "lists": counts["lists"]}
                told |= {
                    "matches": counts["matches"],
                    **dict(zip(("new", "gone", "moved"), changes, strict=True)),
                }
                show_json(told)
            else:
                row(shown, recipient, side, counts["lists"], counts["matches"], *changes)
    if not as_json:
        show(shown)
        if summary["before"] is None:
            note("There was no night before it.")


@commands.command(epilog="Example: koppel nightly withdraw --source utrecht --id 4711")
def withdraw(
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Id of the source of a record.")
    ] = None,
    record_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The source's own id of it.")
    ] = None,
    party: Annotated[
        str | None, typer.Option(metavar="OIN", help="A participant, with all of its sources and its folder.")
    ] = None,
    config: Config = None,
) -> None:
    """Take a person, a vacancy or a participant out of all published nights at once.

    Also out of one that is being made, and no vumID of these nights opens it any
    more. Every recipient that had it is told in nights/notices, with the vumIDs
    that its own copies must lose. The records stay with their source: see `koppel
    subject` for those. Where this is broken off, the next run goes on with it.
    """
    from api.clock import now
    from api.exchange.keys import Keys
    from api.exchange.nightly.withdrawal import Withdrawal
    from api.exchange.nightly.withdrawal import withdraw as withdraw_of

    if (party is None) == (source is None) or (source is None) != (record_id is None):
        raise typer.BadParameter("--source and --id, or --party.")
    settings = settings_of(config)
    audit, keys = audit_of(settings, store_of(settings)), Keys(settings.keys_file)
    asked = Withdrawal(party, source, record_id)
    taken = withdraw_of(audit, keys, nights_of(settings), now, asked, account())
    for night, recipients in taken.items():
        for name, each in recipients.items():
            what = (
                "the whole folder"
                if each.whole
                else f"{len(set(each.vum_ids)):,} vumIDs, {each.lists:,} lists"
            )
            note(f"Night {night}, recipient {name}: {what} taken out.")
    if not taken:
        note("It stood in no published night.")


@commands.command(epilog="Example: koppel nightly fetch --party 00000001003214345000 -o nacht")
def fetch(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="A new folder.")],
    party: Annotated[str, typer.Option(metavar="OIN", help="The recipient.")],
    processor: Annotated[
        str | None, typer.Option(metavar="OIN", help="Who answers for its sources, where that is another.")
    ] = None,
    night: NightName = None,
    config: Config = None,
) -> None:
    """Copy the folder of a recipient, and remember that it was fetched."""
    from api.clock import now
    from api.exchange.keys import Keys
    from api.exchange.nightly.withdrawal import fetch as fetch_of

    settings = settings_of(config)
    audit, keys = audit_of(settings, store_of(settings)), Keys(settings.keys_file)
    found = fetch_of(audit, keys, nights_of(settings), now, party, output, processor, night, actor=account())
    note(f"Night {found} is in {output}.")


def take_ended_out(config: Path | None) -> None:
    """Take parties whose admission has ended out of the nights, where there are any."""
    from api.clock import now
    from api.exchange.keys import Keys
    from api.exchange.nightly.withdrawal import withdraw_ended

    settings = settings_of(config)
    nights = nights_of(settings)
    if nights.names():
        audit, keys = audit_of(settings, store_of(settings)), Keys(settings.keys_file)
        withdraw_ended(audit, keys, nights, now, account())


def runner_of(settings: Settings, store: Store) -> NightlyRun:
    """Give what runs the nights of a configuration. Raises FileError where a key can't be read."""
    from api.clock import now
    from api.exchange.keys import Keys
    from api.exchange.nightly.run import NightlyRun

    return NightlyRun(
        store=store,
        audit=audit_of(settings, store),
        keys=Keys(settings.keys_file),
        nights=nights_of(settings),
        own_oin=settings.oin,
        clock=now,
        question_days=settings.question_days,
    )


def _seat(threads: int | None, processes: int | None, cluster: str | None) -> Seat:
    from engine.nightly import in_processes, in_threads

    if sum(each is not None for each in (threads, processes, cluster)) > 1:
        raise typer.BadParameter("One of --threads, --processes and --cluster.")
    if cluster is not None:
        from engine.cluster import on_cluster

        return on_cluster(None if cluster == "local" else cluster, os.cpu_count() or 1)
    return in_processes(processes) if processes else in_threads(threads or os.cpu_count() or 1)


def _supplied(option: str, texts: list[str] | None) -> tuple[Supplied, ...]:
    from api.exchange.nightly.snapshot import Supplied

    side: Side = "werkzoekende" if option == "--profiles" else "vacature"
    found = []
    for text in texts or ():
        file, _, source = text.rpartition("=")
        if not file or not source:
            raise typer.BadParameter("FILE=SOURCE", param_hint=option)
        found.append(Supplied(source, side, Path(file)))
    return tuple(found)


class _Teller:
    """Tells how far a run is: on a terminal by a bar, else by a line now and then."""

    def __init__(self, bar: Callable[[int, int], None]) -> None:
        from engine.nightly import Pace

        self._bar, self._made = bar, Pace
        self._stage, self._pace, self._told = "", Pace(), 0.0

    def __call__(self, stage: str, done: int, whole: int) -> None:
        self._bar(done, whole)
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._pace, self._told = stage, self._made(), now
        rate, left = self._pace.at(done, whole)
        if now - self._told >= EVERY_SECONDS:
            self._told = now
            note(_spelled(stage, done, whole, rate, left))


def _spelled(stage: str, done: int, whole: int, rate: float, left: float | None) -> str:
    if not whole:
        return f"{stage}."
    remaining = (
        "" if left is None else f"; {left / 60:,.0f} minutes left" if left > 90 else f"; {left:.0f} s left"
    )
    return f"{stage}: {done:,} of {whole:,}; {rate:,.0f} a second{remaining}."


def _summarise(nights: Nights, name: str) -> None:
    from api.exchange.nightly.sealing import read_summary

    summary: dict[str, Any] = read_summary(nights.folder(name))
    for source, why in summary["not_covered"].items():
        reasons = {
            "remote": "it is elsewhere and supplied no file",
            "refused": "the rules refuse it",
            "empty": "it has no records",
        }
        warn(f"source {source} isn't covered: {reasons[why]}")
    if summary["rejected"]:
        warn(f"{summary['rejected']:,} records skipped")
    sides = [each for told in summary["recipients"].values() for each in told.values()]
    note(
        f"Night {name} is published in {nights.root / name}: {len(summary['recipients']):,} recipients, "
        f"{sum(each['lists'] for each in sides):,} lists, {sum(each['matches'] for each in sides):,} matches."
    )
