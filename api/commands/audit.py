"""`koppel audit`: the log of what was shown to whom: check it, take it elsewhere, ask it."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.commands import options
from api.commands.console import heading, note, row, show, show_json, table, working
from api.commands.moments import iso, local
from api.commands.opened import SIGNING_KEY, VERIFYING_KEY, Config, audit_of, settings_of, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator

commands = typer.Typer(help="The log: who was shown what, and by which rules.", no_args_is_help=True)
keys = typer.Typer(help="The keys of the log.", no_args_is_help=True)
commands.add_typer(keys, name="keys")

SUBJECT_KEY: Final = "logboek-key.txt"
"""The file in the state folder with the key that encrypts data subjects in lines for a logboek."""

_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]

After = Annotated[int, typer.Option("--after", metavar="NUMBER", min=0, help="Only entries behind this one.")]


@commands.callback()
def audit() -> None:
    """Check the log, take it elsewhere, ask it."""


@keys.callback()
def of_keys() -> None:
    """Make the keys of the log."""


@keys.command(epilog="Example: koppel audit keys create --config koppel.toml")
def create(config: Config = None) -> None:
    """Make the keys, in the state folder. Nothing is answered without them.

    audit-key.pem signs how far the log has come, and audit-key.pub.pem checks
    that: give the latter to whoever verifies. logboek-key.txt encrypts who a line
    of a logboek is about. Keep copies of all: none can be made again.
    """
    from api.exchange.checkpoints import create_signing_key
    from api.exchange.logboek import create_subject_key

    state = settings_of(config).state
    state.mkdir(parents=True, exist_ok=True)
    create_signing_key(state / SIGNING_KEY, state / VERIFYING_KEY)
    create_subject_key(state / SUBJECT_KEY)
    note(f"Made {SIGNING_KEY}, {VERIFYING_KEY} and {SUBJECT_KEY} in {state}.")


@commands.command(
    epilog="Example: koppel audit verify log.ndjson --checkpoints checkpoints.jsonl --key audit-key.pub.pem"
)
def verify(
    log: Annotated[
        str,
        typer.Argument(
            metavar="LOG",
            help="An export (also .gz or .zst), a copy of the file of SQLite, or the postgresql:// URL of "
            "the store, for somebody who may read audit_entry.",
        ),
    ],
    checkpoints: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE", help="The signed checkpoints of each machine that wrote the log. Repeatable."
        ),
    ],
    key: Annotated[
        list[Path], typer.Option(metavar="FILE", help="The public key of whoever signed them. Repeatable.")
    ],
    as_json: options.Json = False,
) -> None:
    """Check that the log is what was written: nothing changed, cut off or written anew.

    Needs no configuration and no key that signs. Entries behind the last
    checkpoint are chained, and could be cut off without a trace: how many there
    are is told. Exit code 7 where something is wrong.
    """
    from api.exchange.checkpoints import read_verifying_key
    from api.exchange.log_files import read_log
    from api.exchange.verification import LogError, read_statements
    from api.exchange.verification import verify as verify_log
    from data.files import open_input

    for path in checkpoints:
        open_input(path).close()
    with working("Checking"):
        said = read_statements(checkpoints, [read_verifying_key(path) for path in key])
        found = verify_log(read_log(log), said)
    unsigned = found.last_seq - found.signed_to
    if as_json:
        show_json(
            {
                "entries": found.entries,
                "first": found.first_seq,
                "last": found.last_seq,
                "signed_to": found.signed_to,
                "signed_at": iso(found.signed_at),
                "problems": found.problems,
            }
        )
    elif not found.problems:
        show(
            f"{found.entries:,} entries, {found.first_seq} to {found.last_seq}: all is well. Signed up to "
            f"{found.signed_to} at {local(found.signed_at)}; chained only: {unsigned:,}."
        )
    if found.problems:
        for problem in found.problems[1:]:
            note(problem)
        raise LogError("the audit log", found.problems[0], remedy="Report it as an incident.")


@commands.command(epilog="Example: koppel audit checkpoint")
def checkpoint(config: Config = None) -> None:
    """Sign how far the log has come. The server does so by itself every few seconds."""
    settings = settings_of(config)
    audit_of(settings, store_of(settings)).checkpoint()


@commands.command(epilog="Example: koppel audit export -o log.ndjson.zst")
def export(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="An .ndjson, also .gz or .zst: see verify."),
    ],
    after: After = 0,
    config: Config = None,
) -> None:
    """Write the log to a file, an entry a line. It names people by pseudonyms only."""
    from api.exchange.log_files import write_log
    from data.files import atomic

    with store_of(settings_of(config)).read() as connection, atomic(output) as file:
        written = write_log(connection, file, after)
    note(f"Wrote {written:,} entries.")


@commands.command(
    epilog="Example: koppel audit logboek --activity https://register.example.nl/activities/7 -o lines.ndjson"
)
def logboek(
    activity: Annotated[
        str,
        typer.Option(metavar="URI", help="The processing activity (verwerkingsactiviteit) in your register."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="An .ndjson, also .gz or .zst.")
    ] = None,
    otlp: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A collector of OpenTelemetry, https://host/v1/traces, instead."),
    ] = None,
    after: After = 0,
    config: Config = None,
) -> None:
    """Give the log in the shape of Logboek Dataverwerkingen: one line a data subject.

    The id of a data subject is encrypted, the same person always alike. Without -o
    or --otlp the lines are printed. The number of the last entry is told: next
    time give it as --after.
    """
    from api.exchange.log_files import stored
    from api.exchange.logboek import SubjectCipher, lines, send
    from data.files import atomic

    settings = settings_of(config)
    cipher = SubjectCipher(settings.state / SUBJECT_KEY)
    last = after

    def entries(found: Iterator[Any]) -> Iterator[Any]:
        nonlocal last
        for each in found:
            yield each
            last = each.seq

    with store_of(settings).read() as connection:
        made = lines(entries(stored(connection, after)), cipher, activity)
        if otlp:
            written = send(made, otlp)
        elif output:
            with atomic(output) as file:
                written = sum(file.write(_line(each).encode()) > 0 for each in made)
        else:
            written = sum(sys.stdout.write(_line(each)) > 0 for each in made)
    note(f"Lines: {written:,}; last entry: {last}.")


@commands.command(
    epilog="Example: koppel audit breach --party 00000001823288444000 --from 2026-09-01 --until 2026-09-08"
)
def breach(
    party: Annotated[str, typer.Option(metavar="OIN", help="Who was broken into, or asked too much.")],
    first: Annotated[
        datetime, typer.Option("--from", metavar="DATE", formats=_FORMATS, help="From this moment.")
    ],
    until: Annotated[
        datetime,
        typer.Option("--until", metavar="DATE", formats=_FORMATS, help="Until just before this one."),
    ],
    config: Config = None,
    as_json: options.Json = False,
) -> None:
    """Tell whose data a party has seen in a period, as controller or as processor.

    A record for each person or vacancy that still has a name in the log; of
    those that were erased the number. With --json {"source", "side", "id",
    "level", "times", "first", "last"}.
    """
    from api.clock import microseconds
    from api.exchange.breach import breach as breach_of

    with store_of(settings_of(config)).read() as connection:
        found = breach_of(connection, party, microseconds(first), microseconds(until))
    shown = table("source", "side", "id", "level", ">times", "first", "last")
    for each in found.seen:
        if as_json:
            show_json(
                {
                    "source": each.source_id,
                    "side": each.side,
                    "id": each.record_id,
                    "level": each.level,
                    "times": each.times,
                    "first": iso(each.first_at),
                    "last": iso(each.last_at),
                }
            )
            continue
        period = (local(each.first_at), local(each.last_at))
        row(shown, each.source_id, each.side, each.record_id, each.level, each.times, *period)
    if not as_json:
        show(heading(f"Shown to {party}"), shown, "")
    note(
        f"Answers: {found.entries:,}; records: {len(found.seen):,}; nameless: {found.nameless:,}; "
        f"contacts with employers: {found.contact_moments:,}."
    )


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"
