"""Blocks on a real Dask cluster: a scheduler and workers as processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from nightly_blocks import files_of

from data.errors import FileError
from engine.cluster import on_cluster
from engine.nightly import Block, Ledger, NightlyError, rank_blocks

pytest.importorskip("distributed")

PATIENCE_S = 120


@dataclass
class Cluster:
    """A scheduler and its workers.

    Attributes
    ----------
    file : the scheduler file.
    """

    file: Path
    scheduler: "subprocess.Popen[bytes]"
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)


def dask(*words: object) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + str(words[0]), *map(str, words[1:])],
        env=environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    file = tmp_path / "scheduler.json"
    with ExitStack() as stack:
        local = ("--host", "127.0.0.1", "--port", 0, "--no-dashboard")
        made = Cluster(file, dask("dask_scheduler", "--scheduler-file", file, *local))
        stack.callback(end, made)
        made.workers += [
            dask(
                "dask_worker",
                *("--scheduler-file", file, "--nthreads", 1, "--no-nanny", "--no-dashboard"),
                *("--host", "127.0.0.1", "--local-directory", tmp_path),
            )
            for _ in range(3)
        ]
        yield made


def end(cluster: Cluster) -> None:
    for process in (*cluster.workers, cluster.scheduler):
        process.kill()
        process.wait()


def wait_for_workers(cluster: Cluster, n: int) -> None:
    from distributed import Client

    until = time.monotonic() + PATIENCE_S
    while not cluster.file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    with Client(scheduler_file=str(cluster.file), timeout=PATIENCE_S) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(n, timeout=PATIENCE_S)


def test_three_workers_of_which_one_is_killed_write_the_same_bytes(
    cluster: Cluster,
    root: Path,
    blocks: list[Block],
    expected: dict[str, bytes],
    tmp_path: Path,
) -> None:
    wait_for_workers(cluster, 3)
    killed: list[int] = []

    def told(done: int, whole: int) -> None:
        if done and not killed:
            killed.append(cluster.workers[0].pid)
            cluster.workers[0].send_signal(signal.SIGKILL)

    seat = on_cluster(str(cluster.file))
    rank_blocks(root, tmp_path / "blocks", blocks, Ledger(tmp_path / "ledger"), seat, told)
    assert killed
    assert cluster.workers[0].wait() == -signal.SIGKILL
    assert {path.name: path.read_bytes() for path in (tmp_path / "blocks").glob("[!.]*")} == expected


def test_a_run_whose_cluster_is_lost_is_gone_on_with_elsewhere(
    cluster: Cluster,
    root: Path,
    blocks: list[Block],
    expected: dict[str, bytes],
    tmp_path: Path,
) -> None:
    wait_for_workers(cluster, 1)

    def told(done: int, whole: int) -> None:
        if done:
            raise KeyboardInterrupt

    ledger = tmp_path / "ledger"
    with pytest.raises(KeyboardInterrupt):
        rank_blocks(root, tmp_path / "blocks", blocks, Ledger(ledger), on_cluster(str(cluster.file)), told)
    end(cluster)
    assert files_of(root, blocks, tmp_path, on_cluster(None, 1)) == expected


def test_a_scheduler_that_is_lost_while_blocks_come_in_is_said_to_be(
    cluster: Cluster, root: Path, blocks: list[Block], tmp_path: Path
) -> None:
    wait_for_workers(cluster, 1)

    def told(done: int, whole: int) -> None:
        if done:
            cluster.scheduler.kill()

    seat = on_cluster(str(cluster.file))
    with pytest.raises(NightlyError, match="the cluster"):
        rank_blocks(root, tmp_path / "blocks", blocks, Ledger(tmp_path / "ledger"), seat, told)


def test_what_goes_wrong_in_a_worker_is_told_as_it_is(
    root: Path, blocks: list[Block], tmp_path: Path
) -> None:
    with pytest.raises(FileError, match="no index is here"):
        files_of(tmp_path / "nowhere", blocks[:1], tmp_path, on_cluster(None, 1))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "no-such-scheduler.json", "tests"])
def test_a_cluster_that_is_not_there_is_said_to_be(
    root: Path, blocks: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr("engine.cluster.CONNECT_SECONDS", 1)
    seat = on_cluster(address)
    with pytest.raises(NightlyError, match="can't be reached"):
        files_of(root, blocks, tmp_path, seat)
