"""Blocks of the nightly run: the same files whoever does them, each done once, or anew where damaged."""

import hashlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightly_blocks import JOBS, files_of

from data.errors import OutputError
from engine import MatchIndex
from engine.index import Collection
from engine.nightly import (
    Block,
    Expected,
    Ledger,
    NightlyError,
    Pace,
    Ranked,
    Seat,
    asking_rows,
    cut,
    in_processes,
    in_threads,
    rank_block,
    rank_blocks,
    write_block,
    write_expected,
)


def test_every_record_of_the_asking_sources_is_in_one_block_and_no_other_record_is(
    index: MatchIndex, blocks: list[Block]
) -> None:
    for job in JOBS:
        own = [block for block in blocks if block.job == job]
        rows = np.concatenate([np.arange(block.first, block.last) for block in own])
        assert rows.tolist() == list(range(len(asking_rows(index.side(job.side), job.own))))
        keys = index.side(job.side).keys(asking_rows(index.side(job.side), job.own))
        assert set(keys["source"]) == set(job.own)


def test_a_block_holds_what_its_records_get_when_each_asks_by_itself(
    index: MatchIndex, blocks: list[Block]
) -> None:
    for block in (blocks[0], blocks[-1]):
        asked: Collection = index.side(block.job.side)
        found = rank_block(index, block)
        rows = asking_rows(asked, block.job.own)[block.first : block.last]
        for row in rows[::7].tolist():
            one = replace(block, first=int(np.flatnonzero(rows == row)[0]) + block.first)
            alone = rank_block(index, replace(one, last=one.first + 1))
            assert alone.equals(found.filter(pl.col("asking") == row))


def test_who_may_not_be_seen_is_in_no_block(index: MatchIndex, blocks: list[Block]) -> None:
    for block in blocks:
        found = rank_block(index, block)
        candidates = index.side("werkzoekende" if block.job.side == "vacature" else "vacature")
        seen = set(candidates.keys(found["candidate"].to_numpy())["source"])
        assert seen == set(block.job.sources)


def test_equal_candidates_are_ordered_by_the_name_under_which_a_record_asks(index: MatchIndex) -> None:
    def of(name: str) -> pl.DataFrame:
        (block,) = cut(index, [replace(JOBS[1], known_as=name)], 1000)
        return rank_block(index, block)

    one, other = of("one"), of("other")
    assert one.equals(of("one"))
    scores = ["asking", "rank", "score_profile"]
    assert one.select(scores).equals(other.select(scores))
    assert not one.equals(other)


@pytest.mark.parametrize("seat", [in_threads(2), in_processes(4)], ids=["2 threads", "4 processes"])
def test_threads_and_processes_write_the_same_bytes(
    root: Path, blocks: list[Block], expected: dict[str, bytes], tmp_path: Path, seat: Seat
) -> None:
    assert files_of(root, blocks, tmp_path, seat) == expected


def test_a_process_that_is_killed_costs_no_result(
    root: Path, blocks: list[Block], expected: dict[str, bytes], tmp_path: Path
) -> None:
    killed: list[int] = []

    def told(done: int, whole: int) -> None:
        if done and not killed:
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            workers = [each for each in children if "spawn_main" in Path(f"/proc/{each}/cmdline").read_text()]
            killed.append(int(workers[0]))
            os.kill(killed[0], signal.SIGKILL)

    rank_blocks(root, tmp_path / "blocks", blocks, Ledger(tmp_path / "ledger"), in_processes(2), told)
    assert killed
    assert {path.name: path.read_bytes() for path in (tmp_path / "blocks").glob("[!.]*")} == expected


@given(data=st.data())
def test_a_run_that_was_broken_off_goes_on_and_ends_with_the_same_files(
    root: Path,
    blocks: list[Block],
    expected: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("broken")
    done: list[str] = []

    def until(n: int) -> Seat:
        def seat(root: Path, folder: Path, blocks: Sequence[Block]) -> Iterator[Ranked]:
            for block in blocks[:n]:
                done.append(block.name)
                (folder / block.name).write_bytes(expected[block.name])
                yield Ranked(block, sha256(expected[block.name]), 0)
            if n < len(blocks):
                raise KeyboardInterrupt

        return seat

    for n in data.draw(st.lists(st.integers(0, 4), max_size=3)):
        with suppress(KeyboardInterrupt):
            files_of(root, blocks, folder, until(n))
        ledger = folder / "ledger"
        if ledger.exists() and data.draw(st.booleans()):
            # Torn anywhere, as when the machine stops.
            ledger.write_bytes(ledger.read_bytes()[: data.draw(st.integers(0, ledger.stat().st_size))])
    assert files_of(root, blocks, folder, until(len(blocks))) == expected


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_what_is_done_is_not_done_again_but_a_damaged_or_missing_file_is(
    root: Path, blocks: list[Block], expected: dict[str, bytes], tmp_path: Path
) -> None:
    assert files_of(root, blocks, tmp_path, in_threads(1)) == expected
    damaged, missing = tmp_path / "blocks" / blocks[0].name, tmp_path / "blocks" / blocks[-1].name
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    missing.unlink()
    again: list[Block] = []

    def seat(root: Path, folder: Path, blocks: Sequence[Block]) -> Iterator[Ranked]:
        again.extend(blocks)
        return (write_block(root, folder, block) for block in blocks)

    assert files_of(root, blocks, tmp_path, seat) == expected
    assert again == [blocks[0], blocks[-1]]


@pytest.mark.parametrize("damage", [b"x", b"0" * 16 + b' {"step": "two"}\n', b"\n\n", b"\xff\xfe\n"])
def test_a_damaged_line_of_the_ledger_counts_as_never_written(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "ledger"
    Ledger(path).add("one", sha256="a")
    with path.open("ab") as file:
        file.write(damage)
    Ledger(path).add("three", sha256="c")
    found = Ledger(path)
    assert [found.get(step) for step in ("one", "two", "three")] == [{"sha256": "a"}, None, {"sha256": "c"}]


def test_a_block_of_another_decision_or_index_is_another_block(blocks: list[Block]) -> None:
    block = blocks[0]
    others = [
        replace(block, version="0" * 16),
        replace(block, last=block.last - 1),
        replace(block, job=replace(block.job, sources=("north",))),
        replace(block, job=replace(block.job, k=6)),
        replace(block, job=replace(block.job, known_as="other")),
    ]
    assert len({each.name for each in (block, *others)}) == 1 + len(others)


def test_a_ledger_that_cannot_be_written_is_said_to_be(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    (tmp_path / "ledger").mkdir()
    with pytest.raises(OutputError, match="can't be written"):
        ledger.add("one")


def test_processes_that_die_each_time_end_the_run(
    root: Path, blocks: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.nightly.end_with_parent", die)
    with pytest.raises(NightlyError, match="killed each time"):
        files_of(root, blocks[:1], tmp_path, in_processes(1))


def die() -> None:
    os._exit(1)


def test_the_pace_counts_from_where_a_run_went_on() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.at(50, 100) == (0.0, None)
    now[0] = 10.0
    assert pace.at(70, 100) == (2.0, 15.0)


@given(data=st.data())
def test_whatever_is_expected_of_a_record_it_gets_the_same_candidates(
    index: MatchIndex, blocks: list[Block], data: st.DataObject
) -> None:
    block = data.draw(st.sampled_from(blocks))
    hashes = np.sort(index.side(block.job.side).encoded.records.columns.hash)
    scores = st.lists(st.integers(0, 1 << 22), min_size=1, max_size=9)
    pattern = np.array(data.draw(scores), np.int32)
    expected = Expected(hashes, np.resize(pattern, len(hashes)).astype(np.int32))
    assert rank_block(index, block, expected).equals(rank_block(index, block))


def test_what_a_night_leads_to_expect_is_a_little_less_than_the_last_of_each_whole_list(
    root: Path, index: MatchIndex, blocks: list[Block], tmp_path: Path
) -> None:
    rank_blocks(root, tmp_path, blocks, Ledger(tmp_path / "ledger"), in_threads(1))
    write_expected(index, tmp_path, blocks, tmp_path / "expected")
    some = 0
    for block in blocks:
        expected = Expected.read(tmp_path / "expected", block.job)
        assert expected is not None
        found = rank_block(index, block)
        hashes = index.side(block.job.side).encoded.records.columns.hash
        for own in found.partition_by("asking"):
            last = own.filter(pl.col("rank") == block.job.k)[f"score_{block.job.direction}"].to_list()
            told = expected.of(hashes[own["asking"].to_numpy()[:1]])[0]
            assert told == (last[0] - last[0] // 16 if last else 0)
            some += bool(last)
    assert some


@pytest.mark.parametrize("content", [None, b"", b"no parquet"])
def test_where_nothing_can_be_read_nothing_is_expected(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / f"expected-vacancy-{JOBS[0].k}.parquet").write_bytes(content)
    assert Expected.read(tmp_path, JOBS[0]) is None
