"""`koppel register`: the entry for the Algoritmeregister, and facts for the AI-verordening."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.console import note, show_json, warn
from api.commands.opened import Config, settings_of

if TYPE_CHECKING:
    from api.register.annex import Fact
    from api.register.entry import Value

commands = typer.Typer(help="What the public and supervisors are told.", no_args_is_help=True)


@commands.callback()
def register() -> None:
    """Tell the public and supervisors what this does."""


@commands.command(epilog="Example: koppel register export -o register --config koppel.toml")
def export(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder for the files, made where it is missing."),
    ] = None,
    config: Config = None,
) -> None:
    """Write the entry for the Dutch Algoritmeregister, by publication standard 1.0, in Dutch.

    It is filled with facts of the software and this configuration. What the
    organisation has to fill in begins with VUL IN, and is listed. Beside it stand
    the facts about log and human oversight that the AI-verordening asks. Files:
    algoritmeregister.json and .csv, ai-verordening.json and .csv. Fill in the JSON:
    exported again to the same folder, answers stay and facts are renewed. Without
    -o all is printed, as one line of JSON.
    """
    from api.register import files
    from api.register.answers import annex_with, entry_with
    from api.register.facts import facts_of
    from api.register.gaps import gaps
    from api.register.standard import FIELDS

    facts = facts_of(settings_of(config))
    entry_before, annex_before = _before(output, facts) if output else ({}, [])
    entry, kept = entry_with(facts, entry_before)
    annex, kept_facts = annex_with(facts, annex_before)
    missing = gaps(entry)
    open_facts = gaps({f"{number} {each.onderwerp}": each.feit for number, each in enumerate(annex, 1)})
    if output is None:
        show_json(
            {
                "algoritmeregister": entry,
                "aiVerordening": [asdict(each) for each in annex],
                "inTeVullen": missing,
            }
        )
    else:
        _write(
            output,
            {
                "algoritmeregister.json": files.entry_json(entry),
                "algoritmeregister.csv": files.entry_csv(entry),
                "ai-verordening.json": files.annex_json(annex),
                "ai-verordening.csv": files.annex_csv(annex),
            },
        )
        answers = kept.answers + kept_facts.answers
        note(f"Written to {output}." + (f" Answers kept: {answers}." if answers else ""))
    titles = {field.name: field.title for field in FIELDS}
    if rewritten := [*(titles[name] for name in kept.rewritten), *kept_facts.rewritten]:
        warn(
            "texts that were rewritten stay as they are; compare them with an export to another folder: "
            + ", ".join(rewritten)
        )
    if missing:
        warn(
            f"{len(missing)} of {len(FIELDS)} fields of the entry are for the organisation to fill in: "
            + ", ".join(titles[name] for name in missing)
        )
    if open_facts:
        warn(
            f"{len(open_facts)} of {len(annex)} facts of the annex are, too: "
            + ", ".join(name.partition(" ")[2] for name in open_facts)
        )


def _before(folder: Path, facts: dict[str, str]) -> tuple[dict[str, Value], list[Fact]]:
    """Read what was exported to a folder before, with all that people filled in since."""
    from api.register import files
    from api.register.annex import annex_of
    from api.register.answers import read_annex, read_entry, refuse_answered
    from api.register.entry import entry_of
    from api.register.standard import FIELDS

    path = folder / "algoritmeregister.json"
    entry = read_entry(path) if path.exists() else entry_of(facts)
    told = {field.name: entry.get(field.name) for field in FIELDS}
    refuse_answered(path.with_suffix(".csv"), files.entry_csv(told))
    path = folder / "ai-verordening.json"
    annex = read_annex(path) if path.exists() else annex_of(facts)
    refuse_answered(path.with_suffix(".csv"), files.annex_csv(annex))
    return entry, annex


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    from data.errors import OutputError
    from data.files import atomic

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(str(folder), "can't be made a folder", remedy="Choose another place.") from problem
    for name, content in contents.items():
        with atomic(folder / name) as file:
            file.write(content)
