"""`koppel validate`: check files of records against the standard."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from api.commands import options
from api.commands.console import heading, row, show, show_json, table
from api.commands.inputs import reading

if TYPE_CHECKING:
    from data.dataset import Batches

EXAMPLE: Final = "Example: koppel validate profiles.ndjson vacancies.json.gz --rejects bad.ndjson"


def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="A .json list, .ndjson, or .parquet.")],
    side: Annotated[
        Literal["werkzoekende", "vacature"] | None,
        typer.Option(help="Whose records they are; by default what their ids tell."),
    ] = None,
    on_error: options.OnErrorOption = "skip",
    rejects: options.RejectsFile = None,
    as_json: options.Json = False,
) -> None:
    """Check records against the standard, and count: read = accepted + rejected.

    Exit code 1 where a record is rejected.
    """
    checked = []
    with reading(on_error, rejects) as reader:
        for path in files:
            batches = reader.check(path, side)
            checked.append((path, batches))
            if as_json:
                show_json(_json(path, batches))
    if not as_json:
        _show(checked)
    if any(batches.rejected for _, batches in checked):
        raise typer.Exit(1)


def _json(path: Path, batches: Batches) -> dict[str, object]:
    return {
        "file": str(path),
        "side": batches.side,
        "read": batches.read,
        "accepted": batches.accepted,
        "rejected": batches.rejected,
        "faults": [asdict(fault) for fault in batches.faults],
    }


def _show(checked: list[tuple[Path, Batches]]) -> None:
    counts = table("file", "side", ">read", ">accepted", ">rejected")
    for path, batches in checked:
        numbers = (f"{number:,}" for number in (batches.read, batches.accepted, batches.rejected))
        row(counts, path, batches.side, *numbers)
    show(counts)
    for path, batches in checked:
        if batches.faults:
            faults = table("record", "id", "where", "found", "allowed")
            for fault in batches.faults:
                row(faults, fault.number, fault.id, fault.path, fault.found, fault.allowed)
            show("", heading(f"{path}, first faults"), faults)
