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
    since: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="NUMBER",
            help="The last change that the files have seen, as info tells it; by default the last there is.",
        ),
    ] = None,
    on_error: options.OnErrorOption = "stop",
) -> None:
    """Build an index of profiles and vacancies, and make it the newest.

    Whoever reads the index meanwhile sees the version before it, whole. What is
    put or deleted in it meanwhile counts in the new version, too. Equal records,
    day and taxonomy give equal bytes.
    """
    from engine.index import build_index

    if not (profiles or vacancies):
        raise typer.BadParameter("give at least one.", param_hint="--profiles or --vacancies")
    given = _sources("--profiles", profiles or []), _sources("--vacancies", vacancies or [])
    taken = taxonomy_of(taxonomy)
    with working("Building") as told:
        manifest = build_index(
            output,
            profiles=given[0],
            vacancies=given[1],
            taxonomy=taken,
            as_of=day_of(as_of),
            keep=keep,
            since=since,
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
    "kept", "changes", "bytes", "parts", "now"}: the versions that stay, the number
    of the last change, bytes of each part, and the records there are now.
    """
    from engine.index import open_index
    from engine.publish import publications

    opened = open_index(folder)
    manifest = opened.manifest
    parts = {side: _parts(manifest, side) for side in _SIDES}
    if as_json:
        show_json(
            {
                **{name: value for name, value in manifest.items() if name != "files"},
                "version": opened.publication.version,
                "publication": opened.publication.number,
                "kept": [each.version for each in publications(folder)],
                "changes": opened.seen,
                "parts": parts,
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
    row(shown, "MiB", *(f"{sum(parts[side].values()) / 2**20:,.1f}" for side in _SIDES))
    shown.add_section()
    row(shown, "bytes a record", *(_each(sum(parts[name].values()), manifest, name) for name in _SIDES))
    names = {
        part: sum(parts[side].get(part, 0) for side in _SIDES) for side in _SIDES for part in parts[side]
    }
    for part in sorted(names, key=lambda part: (-names[part], part)):
        row(shown, f"  {part}", *(_each(parts[side].get(part, 0), manifest, side) for side in _SIDES))
    title = f"{folder}, version {opened.publication.version}, publication {opened.publication.number}"
    show(heading(title), shown, "")
    show(
        f"As of {manifest['as_of']}; taxonomy {manifest['taxonomy']}; features {manifest['features']:,}; "
        f"built by Koppel {manifest['koppel']}; last change {opened.seen}."
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


def _parts(manifest: Manifest, side: str) -> dict[str, int]:
    """Bytes of each part of a side: what is stored of its records, by the first of the names of its files."""
    parts: dict[str, int] = {}
    for name, entry in manifest["files"].items():
        of, _, rest = name.partition(".")[0].partition("-")
        if of == side:
            part = rest.removeprefix("blocks-").partition("-")[0]
            parts[part] = parts.get(part, 0) + entry["size"]
    return parts


def _each(size: int, manifest: Manifest, side: str) -> str:
    return f"{size / max(manifest['sides'][side]['records'], 1):,.1f}"


def _told(manifest: Manifest) -> str:
    counts = ", ".join(f"{manifest['sides'][side]['records']:,} {side}" for side in _SIDES)
    return f"{counts}; as of {manifest['as_of']}; taxonomy {manifest['taxonomy']}"
