"""In worlds made up by chance the folder of each party holds what the exchange would have answered it."""

import random
import shutil
import tempfile
from pathlib import Path

import pytest
from nightly_states import Asked, StatesWorld, fill_by_chance, live, published, world_in

from api.exchange.nightly.withdrawal import Withdrawal, withdraw


def test_the_folder_of_each_party_holds_what_the_exchange_would_have_answered_and_nothing_else(
    migrated_file: Path, empty_index: Path, request: pytest.FixtureRequest
) -> None:
    """A state is a party in a world: who it is, what it holds, and what all others share with it.

    10,000 of them: pytest -n0 tests/test_nightly_states.py --nights 10000
    """
    count, draw = request.config.getoption("--nights"), random.Random(5)
    states = lists = full = folders = number = 0
    with tempfile.TemporaryDirectory(dir=_in_memory()) as root:
        while states < count:
            number += 1
            world = world_in(Path(root) / str(number), migrated_file, empty_index)
            fill_by_chance(world, draw)
            world.run(top=5, block=20)
            asked = live(world)
            compare(world, asked)
            withdraw_one(world, draw)
            states += len(asked)
            lists += sum(map(len, asked.values()))
            full += sum(bool(each.answer) for own in asked.values() for each in own)
            folders += len(world.parties())
            world.store.close()
            shutil.rmtree(Path(root) / str(number))
    print(
        f"\n{states:,} states in {number:,} nights: {folders:,} folders, {lists:,} lists, {full:,} not empty"
    )
    assert states / 4 < folders < states
    assert full > lists / 4


def compare(world: StatesWorld, asked: dict[str, list[Asked]]) -> None:
    """Every list is the answer; there is no other; and the log tells of each file."""
    assert set(world.parties()) <= set(asked)
    for name, own in asked.items():
        wanted = {(each.side, each.key): each.answer for each in own if each.answer}
        found: dict[object, list[object]] = {}
        if name in world.parties():
            for side, key, row in published(world, name):
                found.setdefault((side, key), []).append(row)
        assert found == wanted
    files = {
        path.relative_to(world.nights.folder()).as_posix()
        for path in world.nights.folder().glob("*/*/*/*.parquet")
    }
    assert files == {body["file"] for kind, body in world.entries() if kind == "nightly"}


def withdraw_one(world: StatesWorld, draw: random.Random) -> None:
    """Who is withdrawn is in nobody's folder on the next read, and nobody else is lost."""
    before = {
        (name, side, key, row["record"])
        for name in world.parties()
        for side, key, row in published(world, name)
    }
    if not before:
        return
    gone = draw.choice(sorted(before))[3]
    asked = Withdrawal(source_id=gone[0], record_id=gone[1])
    withdraw(world.audit, world.keys, world.nights, world.clock, asked, "test")
    after = {
        (name, side, key, row["record"])
        for name in world.parties()
        for side, key, row in published(world, name)
    }
    assert after == {each for each in before if gone not in (each[2], each[3])}


def _in_memory() -> str | None:
    """A folder whose files never reach a disk, where there is one: nothing here asks what survives."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
