"""Files in and out: read in pieces, compressed or not, and written so that nothing half-written is left."""

import gzip
import os
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from data.errors import FileError, OutputError

__all__ = [
    "PIECE",
    "Progress",
    "atomic",
    "bare_suffix",
    "decoded",
    "open_input",
    "read_pieces",
    "sync",
    "writing",
]

PIECE: Final = 1 << 20
"""How many bytes of content are read at a time."""

Progress = Callable[[int, int], None]
"""Is told how far reading has come: bytes of the file so far and its size; 0 and 0 of a pipe."""

_COMPRESSIONS: Final = (".gz", ".zst")

# Bytes of a .zst file unpacked at a time. One byte can stand for 32 KiB, and memory must stay bounded.
_ZSTD_INPUT: Final = 1 << 12


def bare_suffix(path: Path) -> str:
    """Give the suffix of a name in lower case, that of its compression left out: ".json" of "a.JSON.gz"."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in _COMPRESSIONS else suffix


def open_input(path: Path) -> BinaryIO:
    """Open a file to read its bytes as they stand.

    Raises FileError where there is no such file, it is a folder, or it can't be read.
    """
    with _reading(path):
        return path.open("rb")


def read_pieces(path: Path, progress: Progress | None = None) -> Iterator[bytes]:
    """Yield the content of a file in pieces of about `PIECE` bytes, unpacked where it is named .gz or .zst.

    Raises FileError, also between two pieces, for a file that can't be read and a compressed stream that is
    damaged or ends too early.
    """
    with open_input(path) as file:
        size = os.fstat(file.fileno()).st_size
        pieces = _unpacked(file, path.suffix.lower())
        while True:
            with _reading(path):
                piece = next(pieces, b"")
            if progress:
                progress(file.tell() if size else 0, size)
            if not piece:
                return
            yield piece


def decoded(content: bytes, path: Path) -> str:
    """Give the text of a file, without a byte order mark; FileError, with the line, if it isn't UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise FileError(
            f"{path}, line {line}",
            f"byte 0x{content[problem.start]:02x} is not UTF-8",
            "UTF-8",
            "Save the file again with encoding UTF-8.",
        ) from problem


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write that appears whole, or not at all.

    It is written beside its place under another name, flushed to the disk and then renamed; on any exception
    it is removed and what stood in its place stays. What is written is packed where the name ends in .gz or
    .zst, with no time in it: equal content gives equal bytes. A device or pipe is written directly.

    Raises OutputError where it can't be written.
    """
    with _writing(path):
        if path.is_dir():
            raise OutputError(str(path), "a folder", "a file", "Give the path of a file.")
        direct = path.exists() and not path.is_file()
        target = path if direct else Path(os.path.realpath(path))
        part = path if direct else target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with part.open("wb" if direct else "xb") as file:
                with _packed(file, path.suffix.lower()) as content:
                    yield content
                file.flush()
                if not direct:
                    os.fsync(file.fileno())
            if not direct:
                part.replace(target)
        except BaseException:
            if not direct:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
            raise


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Raise OutputError where something can't be written; it tells what, or else `place`."""
    try:
        yield
    except OSError as problem:
        raise _unwritable(str(problem.filename or place), problem) from problem


def sync(path: Path) -> None:
    """Bring the content of a file, or the names in a folder, to the disk. Raises OSError."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unpacked(file: BinaryIO, suffix: str) -> Iterator[bytes]:
    if suffix == ".zst":
        return _unpacked_zstd(file)
    content = gzip.GzipFile(fileobj=file, mode="rb") if suffix == ".gz" else file
    return iter(lambda: content.read(PIECE), b"")


def _unpacked_zstd(file: BinaryIO) -> Iterator[bytes]:
    # The library's own reader takes a stream that ends too early for a whole one.
    from zstandard import ZstdDecompressor

    frame, whole = ZstdDecompressor().decompressobj(), True
    held: list[bytes] = []
    while packed := file.read(_ZSTD_INPUT):
        while packed:
            held.append(frame.decompress(packed))
            packed, whole = frame.unused_data, frame.eof
            if whole:
                frame = ZstdDecompressor().decompressobj()
        if sum(map(len, held)) >= PIECE:
            yield b"".join(held)
            held.clear()
    if not whole:
        raise EOFError
    yield b"".join(held)


def _packed(file: BinaryIO, suffix: str) -> AbstractContextManager[Any]:
    if suffix == ".gz":
        return gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0)
    if suffix == ".zst":
        from zstandard import ZstdCompressor

        return ZstdCompressor(level=3).stream_writer(file, closefd=False)
    return nullcontext(file)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say what is wrong with a file, in terms of what to do about it."""
    from zstandard import ZstdError

    try:
        yield
    except FileNotFoundError as problem:
        raise FileError(str(path), "there is no such file", remedy="Check the path.") from problem
    except IsADirectoryError as problem:
        raise FileError(str(path), "a folder", "a file", "Give the path of a file.") from problem
    except EOFError as problem:
        raise FileError(
            str(path), "the compressed stream ends too early", remedy="Copy or download the file again."
        ) from problem
    except (gzip.BadGzipFile, zlib.error, ZstdError) as problem:
        raise FileError(
            str(path),
            f"not a {path.suffix.lower()} stream, or a damaged one",
            remedy="Copy or download the file again.",
        ) from problem
    except OSError as problem:
        raise FileError(str(path), f"can't be read: {problem.strerror or problem}") from problem


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Do as `writing`, but tell of `path`, and not of the hidden file that is to become it."""
    try:
        yield
    except OSError as problem:
        raise _unwritable(str(path), problem) from problem


def _unwritable(where: str, problem: OSError) -> OutputError:
    return OutputError(
        where, f"can't be written: {problem.strerror or problem}", remedy="Choose another place."
    )
