"""Blocks of the nightly run on a Dask cluster: the same blocks and files, on as many machines as there are.

Every machine has Koppel installed and sees the folders of the index and of the files by the same paths. Of a
worker that is lost the scheduler gives the blocks to others. The blocks bear the name under which a party's
records break ties, so a scheduler that others can reach needs TLS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from engine.nightly import Block, NightlyError, Ranked, Seat, write_block

__all__ = ["on_cluster"]

CONNECT_SECONDS: Final = 10
"""How long a scheduler may take to answer at first."""

_LOST: Final = "Start it again and run again: what was done stays done."


def on_cluster(address: str | None, workers: int = 2) -> Seat:
    """Give a seat on a cluster.

    Parameters
    ----------
    address : of its scheduler, tcp://host:8786 or tls://host:8786, or the path of its scheduler file; None
        for a cluster on this machine, which is started for the occasion.
    workers : how many processes that has, of one thread each.

    The seat raises NightlyError where Dask isn't installed, the cluster isn't there, or is lost.
    """

    def seat(root: Path, folder: Path, blocks: Sequence[Block]) -> Iterator[Ranked]:
        with _client(address, workers) as client:
            yield from _ranked(client, root.resolve(), folder.resolve(), blocks)

    return seat


def _ranked(client: Any, root: Path, folder: Path, blocks: Sequence[Block]) -> Iterator[Ranked]:
    keys = [f"koppel-{block.name}" for block in blocks]
    futures = client.map(partial(write_block, root, folder), blocks, key=keys, pure=False)
    for future in _dask().as_completed(futures):
        if future.status == "error":
            raise _told(future.exception())
        if future.status != "finished":
            raise NightlyError("the cluster", f"gave up a block ({future.status})", remedy=_LOST)
        try:
            ranked = future.result()
        except (OSError, CancelledError) as problem:
            raise NightlyError("the cluster", "was lost", remedy=_LOST) from problem
        yield ranked
        future.release()


def _told(problem: BaseException) -> BaseException:
    """Say of a block that every worker was lost with that it is the cluster."""
    if isinstance(problem, _dask().KilledWorker):
        remedy = "Have they enough memory? What was done stays done."
        return NightlyError("the cluster", "several workers were lost with the same block", remedy=remedy)
    return problem


@contextmanager
def _client(address: str | None, workers: int) -> Iterator[Any]:
    dask = _dask()
    if address is None:
        local = dask.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        )
        with local, dask.Client(local) as client:
            yield client
        return
    where = {"address": address} if "://" in address else {"scheduler_file": address}
    try:
        # Dask would wait for a file that isn't there, for ever.
        if "scheduler_file" in where and not Path(address).is_file():
            raise FileNotFoundError(address)
        client = dask.Client(**where, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as problem:
        raise NightlyError(
            f"the cluster at {address}",
            "can't be reached",
            "tcp://host:8786, tls://host:8786 or the path of a scheduler file",
            "Start its scheduler, or run without --cluster.",
        ) from problem
    with client:
        yield client


def _dask() -> Any:
    try:
        return import_module("distributed")
    except ModuleNotFoundError as problem:
        remedy = "Install `koppel[cluster]`."
        raise NightlyError("a run on a cluster", "needs Dask, which isn't there", remedy=remedy) from problem
