"""Whatever kills a withdrawal, whole nights are seen, and what is left to do is done by who comes next."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exchange_world import OTHER_OWNER, OWNER
from nightly_world import Nightly, Reopened, filled, published, tomorrow, tree
from sqlalchemy import select

from api.store.tables import audit_entry, nightly_withdrawal

NEVER = 10**9
Trees = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def nights(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with two nights."""
    folder = tmp_path_factory.mktemp("nights") / "state"
    with filled(folder, migrated_file) as world:
        world.run()
        tomorrow(world)
        world.run()
    shutil.rmtree(folder / "index")
    return folder


@pytest.fixture(scope="module")
def child() -> Iterator["subprocess.Popen[str]"]:
    path = Path(__file__).with_name("withdrawal_child.py")
    process = subprocess.Popen(
        [sys.executable, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    yield process
    process.stdin.close()
    process.wait()
    process.stdout.close()


def begin(child: "subprocess.Popen[str]", folder: Path, what: str, until: int = NEVER) -> None:
    assert child.stdin
    child.stdin.write(f"{folder} {what} {until}\n")
    child.stdin.flush()


def end(child: "subprocess.Popen[str]") -> int:
    assert child.stdout
    return int(child.stdout.readline())


def do(child: "subprocess.Popen[str]", folder: Path, what: str, until: int = NEVER) -> int:
    begin(child, folder, what, until)
    return end(child)


def told(folder: Path) -> dict[str, list[Any]]:
    """The notices of each recipient, without their moment."""
    return {
        path.name: [{**json.loads(line), "at": None} for line in path.read_bytes().splitlines()]
        for path in sorted((folder / "nights" / "notices").iterdir())
    }


def logged(world: Reopened) -> tuple[list[dict[str, Any]], int]:
    """The nights of each withdrawal that the log says was finished, and how many aren't."""
    with world.store.read() as connection:
        entries = select(audit_entry.c.body).where(audit_entry.c.kind == "nightly-withdrawn")
        bodies = [json.loads(body) for body in connection.scalars(entries.order_by(audit_entry.c.seq))]
        rows = connection.scalars(select(nightly_withdrawal.c.finished_at)).all()
    return [each["nights"] for each in bodies if each["nights"]], rows.count(None)


def left_behind(world: Nightly) -> set[str]:
    """What lies about in the folder of the nights and is none."""
    root = world.nights.root
    versions = {(root / name).resolve().name for name in world.nights.names()}
    found = {path.name for path in root.iterdir()} - {*world.nights.names(), "current", ".versions"}
    found |= {path.name for path in (root / ".versions").iterdir()} - versions
    return {*found, *(path.name for path in root.rglob(".*.part"))} - {"notices", ".expected"}


def test_a_withdrawal_that_is_killed_at_any_step_is_finished_by_the_next_and_no_half_night_is_seen(
    nights: Path, child: "subprocess.Popen[str]", tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(nights, whole, symlinks=True)
    world = Reopened(whole)
    before = published(world)
    n = do(child, whole, "withdraw")
    after, notices, entry = published(world), told(whole), logged(world)
    world.store.close()
    assert all(before[name] != after[name] for name in before)
    assert set(notices) == {f"{OWNER}.ndjson", f"{OTHER_OWNER}.ndjson"}
    assert len(entry[0]) == 1
    assert left_behind(world) == set()
    kills = request.config.getoption("--kills")
    draw = random.Random(7)
    moments = range(n) if 4 * kills >= n else sorted(draw.sample(range(n), 4 * kills))
    for moment in moments:
        folder = tmp_path / str(moment)
        shutil.copytree(nights, folder, symlinks=True)
        assert do(child, folder, "withdraw", moment) == -1
        world = Reopened(folder)
        seen = published(world)
        assert list(seen) == list(before)
        for name, found in seen.items():
            assert found in (before[name], after[name]), f"half of a night is seen after step {moment}"
        with world.store.read() as connection:
            is_begun = connection.execute(select(nightly_withdrawal)).first() is not None
        # As the next run of the night does first; before anything was written only whoever asked can know.
        assert do(child, folder, "finish" if is_begun and moment % 2 else "again") >= 0
        assert published(world) == after, f"killed at step {moment}"
        assert told(folder) == notices
        assert logged(world) == entry
        assert left_behind(world) == set()
        world.store.close()
        shutil.rmtree(folder)


def test_a_reader_that_polls_while_a_person_is_withdrawn_sees_each_night_with_or_without_them(
    nights: Path, child: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    shutil.copytree(nights, folder, symlinks=True)
    world = Reopened(folder)
    before = published(world)
    begin(child, folder, "withdraw")
    seen: dict[str, list[dict[str, str]]] = {name: [] for name in before}
    while any(before[name] == (each or [before[name]])[-1] for name, each in seen.items()):
        for name, found in seen.items():
            version = world.nights.folder(name)
            try:
                files = tree(version)
            except FileNotFoundError:
                assert version != world.nights.folder(name), "a file is missing in a night that is there"
                continue
            # A folder that was replaced while it was read is read again, as the README says.
            if version == world.nights.folder(name):
                found.append(files)
    assert end(child) > 0
    after = published(world)
    assert all(each in (before[name], after[name]) for name, found in seen.items() for each in found)
    world.store.close()
