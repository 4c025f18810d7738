"""The command `koppel`, assembled: its commands, and how each way to end is told."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from api.commands import (
    agreement,
    audit,
    demo,
    explain,
    index,
    keys,
    mandate,
    match,
    nightly,
    party,
    phase,
    pilot,
    register,
    retention,
    select,
    serve,
    source_load,
    store,
    subject,
    taxonomy,
    validate,
    weights,
)
from api.commands.console import note
from data.errors import KoppelError, OutputError

EXIT_CODES: Final = {
    0: "done",
    1: "a record was refused",
    2: "the command line is wrong",
    3: "a file can't be read as what it should be",
    4: "a question, a setting or an id is wrong",
    5: "the result can't be written",
    6: "the store can't be reached, or is of another version",
    7: "the log isn't what was written",
    8: "the night can't be run: another runs it, or its cluster isn't there",
    130: "interrupted (Ctrl-C)",
    141: "whoever read the output closed it (| head)",
    143: "asked to stop (SIGTERM)",
}
"""What each exit code says."""


_SAYS: Final = {signal.SIGINT: "Interrupted.", signal.SIGTERM: "Stopped."}
"""The signals that break a command off, which then cleans up and ends with 128 + the number."""

_received: list[signal.Signals] = []


class Commands(TyperGroup):
    """The commands. What goes wrong in one is told in one line on stderr, and by the exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the command line names."""
        try:
            with _broken_off():
                result = super().invoke(ctx)
                sys.stdout.flush()
        except KoppelError as problem:
            note(f"Error: {problem}")
            raise typer.Exit(problem.exit_code) from problem
        except KeyboardInterrupt:
            by = _received[0] if _received else signal.SIGINT
            note(_SAYS[by])
            raise typer.Exit(128 + by) from None
        except OSError as problem:
            # Files have errors of their own: this is stdout. What it holds would fail again at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(problem, BrokenPipeError):
                raise typer.Exit(141) from None
            fault = OutputError(
                problem.filename or "standard output", f"can't be written: {problem.strerror}"
            )
            note(f"Error: {fault}")
            raise typer.Exit(fault.exit_code) from problem
        return result


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Example: koppel demo\n\nExit codes:\n"
    + "\n".join(f"{code:4}  {says}" for code, says in EXIT_CODES.items()),
)
app.command(epilog=demo.EXAMPLE)(demo.demo)
app.command(epilog=validate.EXAMPLE)(validate.validate)
app.command(epilog=select.EXAMPLE)(select.select)
app.command(epilog=match.EXAMPLE)(match.match)
app.command(epilog=explain.EXAMPLE)(explain.explain)
app.command(epilog=serve.EXAMPLE)(serve.serve)
app.add_typer(index.commands, name="index")
app.add_typer(taxonomy.commands, name="taxonomy")
app.add_typer(pilot.commands, name="pilot")
app.add_typer(party.commands, name="party")
app.add_typer(mandate.commands, name="mandate")
app.add_typer(phase.commands, name="phase")
app.add_typer(agreement.commands, name="agreement")
app.add_typer(source_load.commands, name="source")
app.add_typer(store.commands, name="store")
app.add_typer(audit.commands, name="audit")
app.add_typer(keys.commands, name="keys")
app.add_typer(subject.commands, name="subject")
app.add_typer(retention.commands, name="retention")
app.add_typer(nightly.commands, name="nightly")
app.add_typer(weights.commands, name="weights")
app.add_typer(register.commands, name="register")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"koppel {version('koppel')}")
        raise typer.Exit


@app.callback()
def koppel(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Rank and explain matches between jobseekers and vacancies in the Dutch VUM standard."""


@contextmanager
def _broken_off() -> Iterator[None]:
    """Raise KeyboardInterrupt where a signal came, whatever it was turned into by the code that it broke off.

    Compiled code turns it into errors of its own.
    """
    try:
        yield
    except BaseException:
        if _received:
            raise KeyboardInterrupt from None
        raise


def _break_off(number: int, _: object) -> None:
    _received.append(signal.Signals(number))
    # Once: the cleaning up that follows isn't to be broken off itself.
    for each in _SAYS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """Run `koppel` with the arguments of this process, and end it with an exit code."""
    for each in _SAYS:
        if signal.getsignal(each) != signal.SIG_IGN:  # as under nohup
            signal.signal(each, _break_off)
    app(prog_name="koppel")
