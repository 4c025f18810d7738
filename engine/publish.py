"""Versions of an index in one folder: built aside, published whole, a few kept; small changes beside them.

    root/CURRENT                  which publications there are, the newest first; replaced in one step
    root/<version>/               one version: manifest.json and the files that it lists, never changed again
    root/changes/                 what changed, one file a change, numbered from 1 for as long as the index is
    root/.building-<hex>-<seen>/  a version that is being built of what there was after <seen> changes
    root/.building-<hex>/         something that is being removed

A version is named by the hash of its manifest, which holds the hash of every file: equal content has an equal
name. A builder holds a lock (flock) on its folder, so that what a dead one left is known; whoever publishes,
collects or changes holds one on the root. Readers hold none: what they have opened stays, on the disk too,
until they let go.

A change is written once and counts for every version. The pointer says of each publication how many changes
its input had seen; those behind that are applied by whoever opens it. So what changes while a version is
built, also where another is published meanwhile, is neither lost nor copied: a version counts together with
the changes that it lacks, in the one step that replaces the pointer.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

import numpy as np

from data.errors import FileError, OutputError
from data.files import PIECE, atomic, sync, writing

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT: Final = 6
"""Of the manifest, of the files that it lists and of changes; a later one is refused."""

MANIFEST: Final = "manifest.json"
POINTER: Final = "CURRENT"

_parsing: Final = Lock()

_VERSION: Final = re.compile("[0-9a-f]{16}")
_BUILDING: Final = re.compile(r"\.building-[0-9a-f]{16}(?:-([0-9]+))?")
_PART: Final = re.compile(r"\.[0-9a-f]{16}\.part")
_CHANGE: Final = re.compile(r"([0-9]{6,})\.change")
_CHANGES: Final = "changes"
_REBUILD: Final = "Build the index again."

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Publication:
    """An entry of the pointer: the number of a publication, counted from 1, its version, and what that holds.

    changes : the number of the last change that the input of the version had seen, 0 for none.
    """

    number: int
    version: str
    changes: int


class Arrays:
    """Arrays that grow on the disk, one .npy file a name; memory holds no more than what is appended.

    They are whole when the `with` block of this ends.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._like: dict[str, NDArray[Any]] = {}
        self._rows: dict[str, int] = {}
        self._ends: dict[str, int] = {}

    def append(self, name: str, rows: NDArray[Any]) -> None:
        """Add rows, (m, ...), to an array, which is made where it is new."""
        if name not in self._files:
            self._files[name] = (self._folder / f"{name}.npy").open("xb")
            self._like[name], self._rows[name] = rows[:0], 0
            self._write_header(name)
        self._files[name].write(np.ascontiguousarray(rows).data)
        self._rows[name] += len(rows)

    def append_pointers(
        self, name: str, indptr: NDArray[np.int64], kind: type[np.integer[Any]] = np.int64
    ) -> None:
        """Add CSR row pointers, which go on where those before them ended, as integers of a kind."""
        if name not in self._files:
            self.append(name, np.zeros(1, kind))
            self._ends[name] = 0
        self.append(name, (indptr[1:] - indptr[0] + self._ends[name]).astype(kind))
        self._ends[name] += int(indptr[-1] - indptr[0])

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return list(self._like)

    def close(self) -> None:
        """Finish all arrays."""
        for name, file in self._files.items():
            with file:
                file.seek(0)
                self._write_header(name)
        self._files.clear()

    def _write_header(self, name: str) -> None:
        # NumPy leaves room in a header for more rows, so it is as long in the end as at the start.
        like = self._like[name]
        np.lib.format.write_array_header_1_0(
            self._files[name],
            {
                "descr": np.lib.format.dtype_to_descr(like.dtype),
                "fortran_order": False,
                "shape": (self._rows[name], *like.shape[1:]),
            },
        )


def map_arrays(folder: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Map arrays of a folder into memory, by name.

    Copy-on-write, though nothing writes: for arrays that can't be written the kernels would be compiled anew.
    """
    return {name: _mapped(folder / f"{name}.npy", "c").view(np.ndarray) for name in names}


def _mapped(path: Path, mode: Literal["c", "r"]) -> NDArray[Any]:
    # The head of an array is parsed as Python, and Python 3.11 can't parse in two threads at once.
    with _parsing:
        mapped: NDArray[Any] = np.load(path, mmap_mode=mode)
    return mapped


# -- building and publishing


@contextmanager
def building(root: Path, since: int | None = None) -> Iterator[Path]:
    """Give a new folder in `root` to build a version in; what is not published from it is removed.

    since : the number of the last change that the input of the version has seen. By default that of the last
        change there is: the input is taken now. Changes behind it count for the version, too, and stay until
        no builder and no publication needs them.

    Raises OutputError where the folder can't be made, where `root` holds other files than an index, and where
    changes behind `since` have been collected, or there are not so many.
    """
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        ours = (_VERSION, _BUILDING, _PART, re.compile(_CHANGES), re.compile(POINTER))
        if any(not any(each.fullmatch(name) for each in ours) for name in os.listdir(root)):  # noqa: PTH208
            raise OutputError(
                str(root), "holds other files than an index", remedy="Choose a new or an empty folder."
            )
        with locked(root):
            first, last = _span(root)
            seen = last if since is None else since
            if not first - 1 <= seen <= last:
                raise OutputError(
                    f"{root}, an input as of change {seen}",
                    "not the changes that it lacks",
                    f"{first - 1} to {last}",
                    "Take the input anew.",
                )
            folder = root / f".building-{secrets.token_hex(8)}-{seen}"
            folder.mkdir()
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with writing(root):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def publish(root: Path, folder: Path, about: Mapping[str, Any], keep: int) -> Manifest:
    """Make what was built in `folder` the newest version, and collect what is older than the `keep` newest.

    folder : as `building` gave it.
    about : what the manifest says beside the format and the files.

    Returns the manifest. On any crash before the pointer is replaced the old version stays the newest.
    """
    manifest = {"format": FORMAT, **about, "files": _describe(folder)}
    content = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    version = _version_of(content)
    _write_file(folder / MANIFEST, content)
    sync(folder)
    with locked(root):
        target = root / version
        if target.exists() and not _is_whole(target):
            _put_away(root, target.name)
        if not target.exists():
            os.rename(folder, target)  # noqa: PTH104
        sync(root)
        before = _published(root)
        new = Publication(1 + max((each.number for each in before), default=0), version, _seen(folder.name))
        kept = [new, *(each for each in before if each.version != version)][:keep]
        with atomic(root / POINTER) as file:
            file.write((json.dumps([asdict(each) for each in kept]) + "\n").encode())
        sync(root)
        _collect(root, kept)
    return manifest


def publications(root: Path) -> list[Publication]:
    """Read the pointer: the publications that are kept, the newest first; none where there is no pointer.

    Raises FileError where it can't be read as one.
    """
    path = root / POINTER
    try:
        listed = json.loads(path.read_bytes())
        found = [
            Publication(int(each["number"]), str(each["version"]), int(each["changes"])) for each in listed
        ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as problem:
        raise FileError(str(path), f"can't be read: {problem.strerror}") from problem
    except (ValueError, TypeError, KeyError) as problem:
        raise FileError(str(path), "damaged", "a list of publications", _REBUILD) from problem
    if not found or not all(_VERSION.fullmatch(each.version) for each in found):
        raise FileError(str(path), "damaged", "a list of publications", _REBUILD)
    return found


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock of the root: one process at a time publishes, collects or changes."""
    lock = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _published(root: Path) -> list[Publication]:
    """The publications that are kept; none where the pointer was lost, as after that everything is new."""
    try:
        return publications(root)
    except FileError:
        return []


def _span(root: Path) -> tuple[int, int]:
    """The number of the first change that was not collected, of 1 more than the last where all were, and of
    the last that there ever was."""
    there = sorted(_changes(root))
    last = max([*there, *(each.changes for each in _published(root))], default=0)
    return (there[0] if there else last + 1), last


def _changes(root: Path) -> dict[int, str]:
    """The names of the changes that are there, by number."""
    folder = root / _CHANGES
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208
    return {int(found[1]): found[0] for found in map(_CHANGE.fullmatch, names) if found}


def _seen(name: str) -> int:
    """How many changes a builder has seen whose folder has this name."""
    found = _BUILDING.fullmatch(name)
    return int(found[1]) if found and found[1] else 0


def _put_away(root: Path, name: str) -> None:
    """Have something go out of sight, in one step, before it is removed."""
    os.rename(root / name, root / f".building-{secrets.token_hex(8)}")  # noqa: PTH104


def _collect(root: Path, kept: Sequence[Publication]) -> None:
    """Remove what no kept publication and no builder needs."""
    versions = {each.version for each in kept}
    for name in os.listdir(root):  # noqa: PTH208
        if _VERSION.fullmatch(name) and name not in versions:
            _put_away(root, name)
    # Half-written files of who was killed; whoever writes one now holds the lock that we hold.
    for folder in filter(Path.is_dir, (root, root / _CHANGES)):
        for name in filter(_PART.fullmatch, os.listdir(folder)):  # noqa: PTH208
            (folder / name).unlink()
    needed = min(each.changes for each in kept)
    for name in filter(_BUILDING.fullmatch, os.listdir(root)):  # noqa: PTH208
        try:
            lock = os.open(root / name, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(root / name, ignore_errors=True)
        except OSError:
            needed = min(needed, _seen(name))
        finally:
            os.close(lock)
    # The oldest first, so that a crash leaves no gap.
    for number, name in sorted(_changes(root).items()):
        if number <= needed:
            (root / _CHANGES / name).unlink()


def _describe(folder: Path) -> dict[str, dict[str, Any]]:
    """Bring all that was built to the disk, and give what the manifest says of each file."""
    described = {}
    for path in sorted(folder.rglob("*")):
        sync(path)
        if path.is_dir():
            continue
        entry: dict[str, Any] = {"size": path.stat().st_size, "sha256": _hash(path)}
        if path.suffix == ".npy":
            entry |= _kind(_mapped(path, "r"))
        described[path.relative_to(folder).as_posix()] = entry
    return described


def _kind(array: NDArray[Any]) -> dict[str, Any]:
    dtype = json.loads(json.dumps(np.lib.format.dtype_to_descr(array.dtype)))
    return {"dtype": dtype, "shape": list(array.shape)}


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _version_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _write_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    sync(path)


def _is_whole(folder: Path) -> bool:
    try:
        check_files(folder, read_manifest(folder), hashes=True)
    except FileError:
        return False
    return True


# -- reading


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a version.

    Raises FileError where there is none, it is not what the version's name says, or it is of a later release;
    FileNotFoundError where the folder itself isn't there (any more).
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError as problem:
        if not folder.exists():
            raise
        raise FileError(str(path), "there is no such file", remedy=_REBUILD) from problem
    except OSError as problem:
        raise FileError(str(path), f"can't be read: {problem.strerror}") from problem
    try:
        manifest = json.loads(content)
        form = manifest["format"]
    except (ValueError, TypeError, KeyError) as problem:
        raise FileError(str(path), "damaged", "the manifest of an index", _REBUILD) from problem
    if isinstance(form, int) and form > FORMAT:
        raise FileError(
            str(path), f"format {form}, of a later release", f"format {FORMAT}", "Upgrade Koppel."
        )
    if form != FORMAT or _version_of(content) != folder.name:
        raise FileError(str(path), "damaged: its hash isn't that of its folder's name", remedy=_REBUILD)
    return dict(manifest)


def check_files(folder: Path, manifest: Manifest, *, hashes: bool) -> None:
    """Check that every file of a version is there and as long as it was, and, with `hashes`, unchanged.

    Raises FileError; FileNotFoundError where the folder itself isn't there (any more).
    """
    for name, entry in manifest["files"].items():
        path = folder / name
        try:
            size = path.stat().st_size
            same = not hashes or size != entry["size"] or _hash(path) == entry["sha256"]
        except FileNotFoundError as problem:
            if not folder.exists():
                raise
            raise FileError(str(path), "there is no such file", remedy=_REBUILD) from problem
        except OSError as problem:
            raise FileError(str(path), f"can't be read: {problem.strerror}") from problem
        if size != entry["size"]:
            raise FileError(str(path), f"{size} bytes", f"{entry['size']} bytes", _REBUILD)
        if not same:
            raise FileError(str(path), "damaged: its hash isn't that of the manifest", remedy=_REBUILD)


def map_files(folder: Path, manifest: Manifest) -> dict[str, NDArray[Any]]:
    """Map the arrays of a version, by name, each with the type and the shape that the manifest says."""
    kinds = {Path(name).stem: entry for name, entry in manifest["files"].items() if name.endswith(".npy")}
    try:
        arrays = map_arrays(folder, kinds)
    except (ValueError, EOFError) as problem:
        raise FileError(str(folder), "an array that is none", remedy=_REBUILD) from problem
    for name, entry in kinds.items():
        if _kind(arrays[name]) != {"dtype": entry["dtype"], "shape": entry["shape"]}:
            raise FileError(
                str(folder / f"{name}.npy"), "another type or shape than the manifest says", remedy=_REBUILD
            )
    return arrays


# -- changes


def write_change(root: Path, about: Mapping[str, Any], content: bytes) -> None:
    """Publish one change: it counts, whole, for whoever looks from now on, in every version there is.

    Raises OutputError where it can't be written, or no version is published in `root`.
    """
    content = json.dumps({"format": FORMAT, **about}).encode() + b"\n" + content
    with writing(root), locked(root):
        if not publications(root):
            raise OutputError(str(root), "no index is here", remedy="Build one first.")
        folder = root / _CHANGES
        folder.mkdir(exist_ok=True)
        sync(root)
        with atomic(folder / f"{1 + _span(root)[1]:06}.change") as file:
            file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        sync(folder)


def read_changes(root: Path, seen: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield what changed behind change number `seen`, in the order it was published.

    Raises FileError where a change is damaged, of a later release, or not there while later ones are: the
    version that needs it may have been collected meanwhile.
    """
    while True:
        seen += 1
        path = root / _CHANGES / f"{seen:06}.change"
        try:
            digest, _, content = path.read_bytes().partition(b"\n")
        except (FileNotFoundError, NotADirectoryError) as problem:
            if max(_changes(root), default=0) <= seen:
                return
            raise FileError(str(path), "there is no such file", remedy=_REBUILD) from problem
        except OSError as problem:
            raise FileError(str(path), f"can't be read: {problem.strerror}") from problem
        if digest != hashlib.sha256(content).hexdigest().encode():
            raise FileError(str(path), "damaged: its hash isn't the one that it bears", remedy=_REBUILD)
        line, _, content = content.partition(b"\n")
        head = json.loads(line)
        if head["format"] > FORMAT:
            raise FileError(
                str(path),
                f"format {head['format']}, of a later release",
                f"format {FORMAT}",
                "Upgrade Koppel.",
            )
        yield head, content
