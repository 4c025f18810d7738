"""Whatever kills a run of the night, the next one publishes the very same bytes."""

import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from exchange_world import OWNER
from nightly_world import Reopened, filled, tree
from ranking_world import cook
from sqlalchemy import Engine, event

from api.clock import SECOND
from api.exchange.nightly.run import NightlyRun, Wishes, running
from engine.cluster import on_cluster
from engine.nightly import Seat, in_processes, in_threads

STEPS = ("fsync", "rename", "replace", "symlink", "link", "unlink")


class Killed(BaseException):
    """Stands for a process that is no more: nothing that it does after this has an effect."""


@pytest.fixture(scope="module")
def begun(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with a night, and another that was begun and broken off at once."""
    folder = tmp_path_factory.mktemp("begun") / "state"
    with filled(folder, migrated_file) as world:
        world.run()
        world.clock.at += 600 * SECOND
        world.put("two", "werkzoekende", cook("two-new"))
        with pytest.raises(KeyboardInterrupt):
            world.run(supplied=Interrupting())
    return folder


class Interrupting:
    def __iter__(self) -> Iterator[Any]:
        raise KeyboardInterrupt


def copy_of(begun: Path, target: Path) -> Reopened:
    shutil.copytree(begun, target, symlinks=True)
    return Reopened(target)


def published(world: Reopened) -> dict[str, str]:
    """Every file that a reader can find, by the names of the nights."""
    return {
        f"{name}/{path}": digest
        for name in world.nights.names()
        for path, digest in tree(world.nights.folder(name)).items()
    }


@pytest.fixture(scope="module")
def expected(begun: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What an undisturbed run publishes."""
    world = copy_of(begun, tmp_path_factory.mktemp("expected") / "state")
    world.run()
    found = published(world)
    world.store.close()
    assert any(f"/{OWNER}/changes/" in path for path in found)
    return found


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch, until: int) -> Iterator[list[str]]:
    """Count what reaches the disk, and from step number `until` on kill whoever does it."""
    steps: list[str] = []

    def step(name: str) -> None:
        steps.append(name)
        if len(steps) > until:
            raise Killed

    def killing(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def done(*arguments: Any, **options: Any) -> Any:
            step(name)
            return original(*arguments, **options)

        return done

    def committing(_: object) -> None:
        step("commit")

    for name in STEPS:
        monkeypatch.setattr(os, name, killing(name, getattr(os, name)))
    event.listen(Engine, "commit", committing)
    try:
        yield steps
    finally:
        event.remove(Engine, "commit", committing)
        monkeypatch.undo()


def test_a_run_that_dies_at_any_step_to_the_disk_is_finished_by_the_next_with_the_same_bytes(
    begun: Path,
    expected: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    before = {path: digest for path, digest in expected.items() if ".1/" in path}
    world = copy_of(begun, tmp_path / "whole")
    with counting(monkeypatch, sys.maxsize) as steps:
        world.run()
    world.store.close()
    assert {"commit", "fsync", "replace", "rename", "symlink"} <= set(steps)
    n, kills = len(steps), request.config.getoption("--kills")
    draw = random.Random(7)
    # The last steps publish: each of them counts.
    moments = (
        range(n)
        if kills >= n
        else sorted({*draw.sample(range(n - 12), kills), *draw.sample(range(n - 12, n), min(kills, 12))})
    )
    for moment in moments:
        folder = tmp_path / str(moment)
        world = copy_of(begun, folder)
        with counting(monkeypatch, moment), pytest.raises(BaseException):  # noqa: B017, PT011, PT012
            world.run()
            raise Killed
        found = published(world)
        assert found in (before, expected), f"half a night is seen after step {moment}"
        world.store.close()
        again = Reopened(folder)
        again.runner._clock.at += 120 * SECOND  # type: ignore[attr-defined]
        finish(again)
        again.store.close()
        assert published(again) == expected, f"killed at step {moment}: {steps[moment]}"
        shutil.rmtree(folder)


@pytest.mark.parametrize("seat", ["threads", "processes"])
def test_a_run_that_is_killed_at_a_random_moment_is_finished_by_the_next_with_the_same_bytes(
    begun: Path, expected: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest, seat: str
) -> None:
    draw = random.Random(seat)
    began = time.monotonic()
    world = copy_of(begun, tmp_path / "whole")
    world.store.close()
    process = start(tmp_path / "whole", seat)
    process.communicate()
    whole = time.monotonic() - began
    assert published(world) == expected
    kills = request.config.getoption("--kills")
    for number in range(kills // 2 if seat == "threads" else max(1, kills // 8)):
        folder = tmp_path / str(number)
        world = copy_of(begun, folder)
        world.store.close()
        process = start(folder, seat)
        with suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0, whole))
        process.kill()
        process.communicate()
        again = Reopened(folder)
        finish(again)
        assert published(again) == expected
        again.store.close()
        shutil.rmtree(folder)


def finish(world: Reopened) -> None:
    """Run again, unless the night was published when the run was killed: that would begin another."""
    if running(world.store, world.nights, 0)["night"] is not None:
        world.run()


def start(folder: Path, seat: str) -> "subprocess.Popen[bytes]":
    """Start a run in a process of its own, and wait until it is about to begin."""
    child = Path(__file__).with_name("nightly_child.py")
    process = subprocess.Popen([sys.executable, child, folder, seat], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize(
    "seat", [in_threads(2), in_processes(4), on_cluster(None, 2)], ids=["2 threads", "4 processes", "Dask"]
)
def test_whoever_ranks_a_night_what_is_published_is_the_same(
    begun: Path, expected: dict[str, str], tmp_path: Path, seat: Seat
) -> None:
    world = copy_of(begun, tmp_path / "state")
    world.run(seat)
    assert published(world) == expected
    world.store.close()


def test_however_many_processes_write_the_lists_what_is_published_is_the_same(
    begun: Path, expected: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.exchange.nightly.writing.FEW", 0)
    world = copy_of(begun, tmp_path / "state")
    world.runner.run(Wishes(top=5, block=3), in_threads(1), writers=2, keep=3)
    assert published(world) == expected
    world.store.close()


def test_lists_that_were_left_by_a_process_that_was_killed_are_written_all_the_same(
    begun: Path, expected: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.exchange.nightly.writing.FEW", 0)
    world, log, logged = copy_of(begun, tmp_path / "state"), NightlyRun._log, []

    def kill(*arguments: Any) -> None:
        log(*arguments)
        logged.append(arguments)
        if len(logged) == 2:
            for child in multiprocessing.active_children():
                child.kill()

    monkeypatch.setattr(NightlyRun, "_log", kill)
    world.runner.run(Wishes(top=5, block=3), in_threads(1), writers=2, keep=3)
    assert len(logged) > 2
    assert published(world) == expected
    world.store.close()
