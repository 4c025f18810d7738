"""A taxonomy as a folder: manifest.json, and one Parquet file for each table.

The names of the Parquet files carry the beginning of their SHA-256 and the manifest is replaced last, in one
step: whoever opens the folder sees the old taxonomy or the new one, never half of either.
"""

import contextlib
import hashlib
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.errors import FileError, OutputError
from data.taxonomy.model import HIGHEST_NEIGHBOUR_DEGREE, NEIGHBOURS, Concepts, Taxonomy

FORMAT = 1
MANIFEST = "manifest.json"

_CONCEPTS: dict[str, Any] = {"code": pl.String, "label": pl.String}
_ALIASES: dict[str, Any] = {"code": pl.String, "concept": pl.Int32}
_LABELS: dict[str, Any] = {"concept": pl.Int32, "kind": pl.UInt8, "text": pl.String}
_TABLES: dict[str, dict[str, Any]] = {
    "occupations": {**_CONCEPTS, "isco": pl.String},
    "occupation_aliases": _ALIASES,
    "occupation_labels": _LABELS,
    "skills": _CONCEPTS,
    "skill_aliases": _ALIASES,
    "skill_labels": _LABELS,
    "skill_broader": {"skill": pl.Int32, "broader": pl.Int32},
    "occupation_skills": {"occupation": pl.Int32, "skill": pl.Int32, "essential": pl.Boolean},
    "neighbours": {"neighbour": pl.Int32, "degree": pl.UInt8},
    "frequencies": {"group": pl.String, "code": pl.String, "count": pl.Int64, "total": pl.Int64},
}
_OURS = re.compile(rf"(?:{'|'.join(_TABLES)})-[0-9a-f]{{12}}\.parquet(?:\.part)?|manifest\.json(?:\.part)?")


def version_of(name: str, taxonomy: Taxonomy) -> str:
    """Return name, "-" and the first 12 hexadecimal digits of a SHA-256 over the content."""
    digest = hashlib.sha256()
    for table, frame in _frames(taxonomy).items():
        digest.update(f"{table}:{frame.height}\n".encode())
        for column in frame:
            if column.dtype == pl.String:
                digest.update(json.dumps(column.to_list()).encode())
            else:
                digest.update(column.to_numpy().astype("<i8").tobytes())
    return f"{name}-{digest.hexdigest()[:12]}"


def save(taxonomy: Taxonomy, folder: Path) -> None:
    """Write the taxonomy to `folder`, which is made, empty, or holds a taxonomy that this one replaces in
    one step.

    Equal taxonomies give equal bytes. Raises OutputError where it can't be written; nothing half-written is
    left.
    """
    made = not folder.exists()
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strange = sorted(entry.name for entry in folder.iterdir() if not _OURS.fullmatch(entry.name))
        if strange:
            raise OutputError(
                str(folder), "holds other files than a taxonomy", remedy="Choose a new or an empty folder."
            )
        files: dict[str, dict[str, Any]] = {}
        for table, frame in _frames(taxonomy).items():
            content = _parquet(frame)
            digest = hashlib.sha256(content).hexdigest()
            path = folder / f"{table}-{digest[:12]}.parquet"
            files[table] = {"file": path.name, "rows": frame.height, "sha256": digest}
            if not path.exists() or path.read_bytes() != content:
                written.append(path)
                _write(path, content)
        manifest = {
            "format": FORMAT,
            "name": taxonomy.name,
            "version": taxonomy.version,
            "counts": {"occupations": len(taxonomy.occupations), "skills": len(taxonomy.skills)},
            "files": files,
        }
        _write(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    except OSError as problem:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise OutputError(
            str(folder), f"can't be written: {problem.strerror}", remedy="Choose another place."
        ) from problem
    keep = {MANIFEST, *(entry["file"] for entry in files.values())}
    for entry in folder.iterdir():
        if entry.name not in keep:
            entry.unlink()


def load(folder: Path) -> Taxonomy:
    """Read a taxonomy that `Taxonomy.save` wrote.

    Raises FileError, with the file and the reason, for a folder without a taxonomy, a format of a later
    release, a missing or damaged file, and content that isn't what the version says.
    """
    manifest = _manifest(folder)
    while True:
        try:
            frames = {table: _read(folder, table, manifest["files"][table]) for table in _TABLES}
            break
        except FileNotFoundError as problem:
            # A taxonomy that replaced this one while it was being read took its files away.
            latest = _manifest(folder)
            if latest == manifest:
                raise FileError(
                    str(problem.filename), "there is no such file", remedy="Import the taxonomy again."
                ) from problem
            manifest = latest
    taxonomy = _taxonomy(manifest, frames)
    problem_found = _inconsistency(taxonomy)
    if not problem_found and version_of(taxonomy.name, taxonomy) != taxonomy.version:
        problem_found = "the content isn't what the version says"
    if problem_found:
        raise FileError(str(folder / MANIFEST), problem_found, remedy="Import the taxonomy again.")
    return taxonomy


def _frames(taxonomy: Taxonomy) -> dict[str, pl.DataFrame]:
    occupations, skills = taxonomy.occupations, taxonomy.skills
    columns: dict[str, list[Any]] = {
        "occupations": [occupations.codes, occupations.labels, taxonomy.isco],
        "occupation_aliases": [occupations.alias_codes, occupations.alias_concepts],
        "occupation_labels": [occupations.label_concepts, occupations.label_kinds, occupations.label_texts],
        "skills": [skills.codes, skills.labels],
        "skill_aliases": [skills.alias_codes, skills.alias_concepts],
        "skill_labels": [skills.label_concepts, skills.label_kinds, skills.label_texts],
        "skill_broader": [_owners(taxonomy.skill_broader_indptr), taxonomy.skill_broader_indices],
        "occupation_skills": [
            _owners(taxonomy.occupation_skill_indptr),
            taxonomy.occupation_skill_indices,
            taxonomy.occupation_skill_essential,
        ],
        "neighbours": [taxonomy.neighbours.ravel(), taxonomy.neighbour_degrees.ravel()],
        "frequencies": [taxonomy.frequencies[name] for name in _TABLES["frequencies"]],
    }
    return {
        table: pl.DataFrame(
            [
                pl.Series(name, values, dtype=dtype)
                for (name, dtype), values in zip(schema.items(), columns[table], strict=True)
            ]
        )
        for table, schema in _TABLES.items()
    }


def _taxonomy(manifest: dict[str, Any], frames: dict[str, pl.DataFrame]) -> Taxonomy:
    occupations = _concepts(frames, "occupation")
    skills = _concepts(frames, "skill")
    needed, broader = frames["occupation_skills"], frames["skill_broader"]
    return Taxonomy(
        name=manifest["name"],
        version=manifest["version"],
        occupations=occupations,
        skills=skills,
        isco=frames["occupations"]["isco"].to_list(),
        skill_broader_indptr=_indptr(broader["skill"].to_numpy(), len(skills)),
        skill_broader_indices=_frozen(broader["broader"].to_numpy()),
        occupation_skill_indptr=_indptr(needed["occupation"].to_numpy(), len(occupations)),
        occupation_skill_indices=_frozen(needed["skill"].to_numpy()),
        occupation_skill_essential=_frozen(needed["essential"].to_numpy()),
        neighbours=_frozen(frames["neighbours"]["neighbour"].to_numpy()).reshape(-1, NEIGHBOURS),
        neighbour_degrees=_frozen(frames["neighbours"]["degree"].to_numpy()).reshape(-1, NEIGHBOURS),
        frequencies=frames["frequencies"],
    )


def _concepts(frames: dict[str, pl.DataFrame], kind: str) -> Concepts:
    concepts, aliases, labels = frames[f"{kind}s"], frames[f"{kind}_aliases"], frames[f"{kind}_labels"]
    return Concepts(
        codes=concepts["code"].to_list(),
        labels=concepts["label"].to_list(),
        alias_codes=aliases["code"].to_list(),
        alias_concepts=_frozen(aliases["concept"].to_numpy()),
        label_texts=labels["text"].to_list(),
        label_concepts=_frozen(labels["concept"].to_numpy()),
        label_kinds=_frozen(labels["kind"].to_numpy()),
    )


def _inconsistency(taxonomy: Taxonomy) -> str:
    """Say what can't be in arrays that came with right hashes, or "": a writer other than ours made them."""
    occupations, skills = len(taxonomy.occupations), len(taxonomy.skills)
    inside = [
        (taxonomy.occupation_skill_indices, skills),
        (taxonomy.skill_broader_indices, skills),
        (taxonomy.neighbours + 1, occupations + 1),
        (taxonomy.occupations.alias_concepts, occupations),
        (taxonomy.occupations.label_concepts, occupations),
        (taxonomy.skills.alias_concepts, skills),
        (taxonomy.skills.label_concepts, skills),
    ]
    if any(array.size and not (array.min() >= 0 and array.max() < size) for array, size in inside):
        return "a relation points outside the concepts"
    if taxonomy.neighbours.shape != (occupations, NEIGHBOURS):
        return "the neighbours are not those of the occupations"
    if taxonomy.neighbour_degrees.size and taxonomy.neighbour_degrees.max() > HIGHEST_NEIGHBOUR_DEGREE:
        return f"a neighbour's degree is above {HIGHEST_NEIGHBOUR_DEGREE}"
    return ""


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise FileError(
            str(folder),
            "no taxonomy is here",
            f"a folder with {MANIFEST}",
            "Import a taxonomy into it first.",
        ) from problem
    except OSError as problem:
        raise FileError(str(path), f"can't be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise FileError(str(path), "not JSON", remedy="Import the taxonomy again.") from problem
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise FileError(
            str(path),
            f"format {found}, of a later release",
            f"format {FORMAT}",
            "Upgrade, or import it again.",
        )
    if found != FORMAT or not _manifest_is_whole(manifest):
        raise FileError(str(path), "not the manifest of a taxonomy", remedy="Import the taxonomy again.")
    return dict(manifest)


def _manifest_is_whole(manifest: dict[str, Any]) -> bool:
    files = manifest.get("files")
    return (
        isinstance(manifest.get("name"), str)
        and isinstance(manifest.get("version"), str)
        and isinstance(files, dict)
        and all(
            isinstance(files.get(table), dict)
            and isinstance(files[table].get("file"), str)
            and _OURS.fullmatch(files[table]["file"])
            for table in _TABLES
        )
    )


def _read(folder: Path, table: str, entry: dict[str, Any]) -> pl.DataFrame:
    path = folder / entry["file"]
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise FileError(str(path), f"can't be read: {problem.strerror}") from problem
    if hashlib.sha256(content).hexdigest() != entry.get("sha256"):
        raise FileError(str(path), "damaged: its hash isn't that of the manifest", remedy="Import it again.")
    try:
        frame = pl.read_parquet(content)
    except pl.exceptions.PolarsError as problem:
        raise FileError(str(path), "not a Parquet file", remedy="Import it again.") from problem
    if frame.schema != pl.Schema(_TABLES[table]) or frame.null_count().sum_horizontal().sum():
        raise FileError(
            str(path), "not the columns of this table", ", ".join(_TABLES[table]), "Import it again."
        )
    return frame


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _owners(indptr: np.ndarray[Any, np.dtype[np.int32]]) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))


def _indptr(owners: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    counts = np.bincount(owners, minlength=size)
    return _frozen(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))


def _frozen(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
