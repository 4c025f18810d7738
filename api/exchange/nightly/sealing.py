"""What a night says of itself: a manifest for each recipient, one of the night, and a summary.

All of it follows from the files and the settings: no other clock than the cut-off leaves a trace. What a
recipient is told depends on nothing that it may not see.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from data.files import atomic
from engine.nightly import file_hash

__all__ = ["MANIFEST", "SUMMARY", "parties_of", "read_manifest", "read_summary", "seal_night", "seal_party"]

MANIFEST: Final = "manifest.json"
SUMMARY: Final = "summary.json"
FORMAT: Final = 1


def seal_party(folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write the manifest of a recipient's folder, after all that is in it; give it.

    about : what it says beside the format, the files and the counts.
    """
    files: dict[str, dict[str, Any]] = {}
    counts: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*/*/*.parquet")):
        kind, side, _ = path.relative_to(folder).parts
        columns = ["change"] if kind == "changes" else ["own_source", "own_id"]
        rows = pl.read_parquet(path, columns=columns)
        name = path.relative_to(folder).as_posix()
        files[name] = {"sha256": file_hash(path), "size": path.stat().st_size, "rows": rows.height}
        told = counts.setdefault(side, {"lists": 0, "matches": 0})
        if kind == "changes":
            changed = told.setdefault("changes", {"new": 0, "gone": 0, "moved": 0})
            for change, n in rows["change"].value_counts().iter_rows():
                changed[change] += n
        else:
            told["lists"] += rows.n_unique() if rows.height else 0
            told["matches"] += rows.height
    manifest = {"format": FORMAT, **about, "counts": counts, "files": files}
    _write(folder / MANIFEST, manifest)
    return manifest


def seal_night(folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write the manifest and the summary of a night, last of all; give the manifest.

    about : what it says beside the format, the recipients and the files.
    """
    told = {}
    for party in parties_of(folder):
        told[party] = read_manifest(folder / party)["counts"]
    summary = {**about, "recipients": told}
    _write(folder / SUMMARY, summary)
    with atomic(folder / "summary.html") as page:
        page.write(_page(summary).encode())
    parts = [*(f"{party}/{MANIFEST}" for party in parties_of(folder)), SUMMARY, "summary.html"]
    manifest = {"format": FORMAT, **about, "files": {name: file_hash(folder / name) for name in parts}}
    _write(folder / MANIFEST, manifest)
    return manifest


def parties_of(folder: Path) -> list[str]:
    """Give the names of the recipients that have a folder in a night."""
    return sorted(each.name for each in folder.iterdir() if each.is_dir())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a manifest."""
    return dict(json.loads((folder / MANIFEST).read_bytes()))


def read_summary(folder: Path) -> dict[str, Any]:
    """Read the summary of a night."""
    return dict(json.loads((folder / SUMMARY).read_bytes()))


def _write(path: Path, value: Mapping[str, Any]) -> None:
    with atomic(path) as file:
        file.write(json.dumps(value, sort_keys=True, indent=1).encode() + b"\n")


def _page(summary: Mapping[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("api.exchange.nightly", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.filters["dutch"] = lambda number: f"{number:,}".replace(",", ".")
    return environment.get_template("summary.html.j2").render(summary)
