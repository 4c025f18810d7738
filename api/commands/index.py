"""`koppel index`: build an index of records, look at it, check it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands import options
from api.commands.console import heading, note, row, show, show_json, table, warn, working
from api.commands.inputs import day_of, taxonomy_of

if TYPE_CHECKING:
    from engine.publish import Manifest

commands = typer.Typer(
    help="Indexes of records, built once, opened by any number of processes.", no_args_is_help=True
)

IndexFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the index.")]

_SIDES: Final = ("profiles", "vacancies")
_RECORDS: Final = "a .json list, .ndjson (both also .gz or .zst) or .parquet, and after = its source's name"


@commands.callback()
def index() -> None:
    """Build, look at and check indexes."""


@commands.command(
    epilog="Example: koppel index build -o index --profiles profiles.parquet --vacancies vacancies.parquet"
)
def build(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the index, an older one or new.")
    ],
    profiles: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[=SOURCE]", help=f"Profiles of jobseekers: {_RECORDS}. Repeatable."),
    ] = None,
    vacancies: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[=SOURCE]", help="Vacancies, likewise. Repeatable."),
    ] = None,
    taxonomy: options.TaxonomyFolder = None,
    as_of: options.AsOf = None,
    keep: Annotated[int, typer.Option(min=1, help="How many versions stay, the new one included.")] = 2,
    on_error: options.OnErrorOption = "stop",
) -> None:
    """Build an index of profiles and vacancies, and make it the newest.

    Whoever reads the index meanwhile sees the version before it, whole. Equal
    records, day and taxonomy give equal bytes.
    """
    from engine.index import build_index

    sources = {
        "profiles": _sources("--profiles", profiles or []),
        "vacancies": _sources("--vacancies", vacancies or []),
    }
    taken = taxonomy_of(taxonomy)
    with working("Building") as told:
        manifest = build_index(
            output,
            **sources,
            taxonomy=taken,
            as_of=day_of(as_of),
            keep=keep,
            on_error=on_error,
            progress=lambda what, done, whole: told(done, whole),
        )
    for side in _SIDES:
        if rejected := manifest["sides"][side]["rejected"]:
            warn(f"{side}: {rejected:,} records skipped")
    note(f"Built {output}: {_told(manifest)}.")


@commands.command(epilog="Example: koppel index info index")
def info(folder: IndexFolder, as_json: options.Json = False) -> None:
    """Show what the newest version of an index is made of, and what has changed since.

    With --json what the version says of itself, and {"version", "publication",
    "kept", "bytes", "now"}: the versions that stay, and the records there are now.
    """
    from engine.index import open_index
    from engine.publish import publications

    opened = open_index(folder)
    manifest = opened.manifest
    sizes = {side: _size(manifest, side) for side in _SIDES}
    if as_json:
        show_json(
            {
                **{name: value for name, value in manifest.items() if name != "files"},
                "version": opened.publication.version,
                "publication": opened.publication.number,
                "kept": [each.version for each in publications(folder)],
                "bytes": sum(entry["size"] for entry in manifest["files"].values()),
                "now": {side: len(getattr(opened, side)) for side in _SIDES},
            }
        )
        return
    shown = table("", *(f">{side}" for side in _SIDES))
    sides = [manifest["sides"][side] for side in _SIDES]
    row(shown, "records", *(f"{side['records']:,}" for side in sides))
    row(shown, "records now", *(f"{len(getattr(opened, side)):,}" for side in _SIDES))
    row(shown, "sources", *(", ".join(name or "-" for name in side["sources"]) or None for side in sides))
    row(shown, "MiB", *(f"{size / 2**20:,.1f}" for size in sizes.values()))
    each = (size / max(side["records"], 1) for size, side in zip(sizes.values(), sides, strict=True))
    row(shown, "bytes a record", *(f"{size:,.0f}" for size in each))
    title = f"{folder}, version {opened.publication.version}, publication {opened.publication.number}"
    show(heading(title), shown, "")
    show(
        f"As of {manifest['as_of']}; taxonomy {manifest['taxonomy']}; features {manifest['features']:,}; "
        f"built by Koppel {manifest['koppel']}."
    )


@commands.command(epilog="Example: koppel index verify index")
def verify(folder: IndexFolder) -> None:
    """Read every byte of all versions of an index, and compare it with what was written."""
    from engine.index import verify as verify_index

    with working("Checking"):
        checked = verify_index(folder)
    for publication, manifest in checked:
        show(f"{publication.version}  {_told(manifest)}")


def _sources(option: str, given: list[str]) -> dict[str, Path]:
    """The file of each source: FILE=SOURCE, or a FILE alone, whose source has no name."""
    sources: dict[str, Path] = {}
    for text in given:
        file, is_named, source = text.rpartition("=")
        if not is_named or Path(text).exists():
            file, source = text, ""
        if source in sources:
            raise typer.BadParameter(
                f"two files of the source {source!r}; give each a =SOURCE of its own.", param_hint=option
            )
        sources[source] = Path(file)
    return sources


def _size(manifest: Manifest, side: str) -> int:
    return sum(entry["size"] for name, entry in manifest["files"].items() if name.startswith(f"{side}-"))


def _told(manifest: Manifest) -> str:
    counts = ", ".join(f"{manifest['sides'][side]['records']:,} {side}" for side in _SIDES)
    return f"{counts}; as of {manifest['as_of']}; taxonomy {manifest['taxonomy']}"
