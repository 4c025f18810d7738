"""An index whose records are ranked in blocks, and the files that one thread writes of them."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from data.dataset import ID_FIELDS, batches, write
from data.pilot import Pilot, write_pilot
from data.standard import Side
from data.taxonomy import bundled_taxonomy
from engine import MatchIndex, build_index, open_index
from engine.nightly import Block, Job, Ledger, Seat, cut, in_threads, rank_blocks

AS_OF = date(2026, 9, 1)
SIZE = 40
SOURCES = ("north", "south", "west")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of three sources of both sides."""
    folder = tmp_path_factory.mktemp("nightly")
    pilot = Pilot(profiles=300, vacancies=150, as_of=AS_OF)
    files = dict(zip(ID_FIELDS, write_pilot(folder, pilot), strict=True))
    given: dict[Side, dict[str, Path]] = {}
    for side, path in files.items():
        frame = pl.concat(list(batches(path, side)))
        given[side] = {}
        for number, name in enumerate(SOURCES):
            given[side][name] = folder / f"{side}-{name}.parquet"
            write(frame[number :: len(SOURCES)], given[side][name])
    build_index(
        folder / "index",
        profiles=given["werkzoekende"],
        vacancies=given["vacature"],
        taxonomy=bundled_taxonomy(),
        as_of=AS_OF,
    )
    return folder / "index"


@pytest.fixture(scope="module")
def index(root: Path) -> MatchIndex:
    return open_index(root)


JOBS = (
    Job("vacancy", ("north",), ("north", "south"), "secret", 5),
    Job("profile", ("south", "west"), SOURCES, "another", 7),
)


@pytest.fixture(scope="module")
def blocks(index: MatchIndex) -> list[Block]:
    return list(cut(index, JOBS, SIZE))


@pytest.fixture(scope="module")
def expected(root: Path, blocks: list[Block], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files as one thread writes them."""
    return files_of(root, blocks, tmp_path_factory.mktemp("expected"), in_threads(1))


def files_of(root: Path, blocks: Sequence[Block], folder: Path, seat: Seat) -> dict[str, bytes]:
    rank_blocks(root, folder / "blocks", blocks, Ledger(folder / "ledger"), seat)
    # Whoever is killed leaves the file that it was writing, under a hidden name; nothing reads it.
    return {path.name: path.read_bytes() for path in (folder / "blocks").glob("[!.]*")}
