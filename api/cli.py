"""The command `koppel`, assembled: its commands, and how each way to end is told."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from api.commands import demo, explain, index, match, pilot, select, taxonomy, validate
from api.commands.console import note
from data.errors import KoppelError, OutputError

EXIT_CODES: Final = {
    0: "done",
    1: "a record was refused",
    2: "the command line is wrong",
    3: "a file can't be read as what it should be",
    4: "a question, a setting or an id is wrong",
    5: "the result can't be written",
    130: "interrupted (Ctrl-C)",
    141: "whoever read the output closed it (| head)",
}
"""What each exit code says."""


class Commands(TyperGroup):
    """The commands. What goes wrong in one is told in one line on stderr, and by the exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the command line names."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KoppelError as problem:
            note(f"Error: {problem}")
            raise typer.Exit(problem.exit_code) from problem
        except KeyboardInterrupt:
            note("Interrupted.")
            raise typer.Exit(130) from None
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
app.add_typer(index.commands, name="index")
app.add_typer(taxonomy.commands, name="taxonomy")
app.add_typer(pilot.commands, name="pilot")


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


def main() -> None:
    """Run `koppel` with the arguments of this process, and end it with an exit code."""
    app(prog_name="koppel")
