"""Kernels that one process has called, and another loads without an index."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

from data.dataset import schema
from data.dataset.lines import to_frame
from data.pilot import Pilot, write_pilot
from data.taxonomy import bundled_taxonomy
from engine import Settings, build_index, explain, open_index
from engine.loading import load_kernels, loaded_kernels
from engine.placement import pair_of, place, rehearse

DAY = date(2026, 9, 1)


def rank_for_somebody(root: Path) -> None:
    """Rank for a vacancy among the records of an index, one that was put since, and one from elsewhere."""
    index = open_index(root)
    cook = {"idWerkzoekende": "kok", "werklocatie": {"postcode": "6511AB"}}
    index.put("werkzoekende", to_frame([json.dumps(cook).encode()], schema("werkzoekende")), "bron")
    index = index.refresh()
    asking = index.encode([{"idVacature": "keuken"}], "vacature", "")
    beside = index.encode([cook], "werkzoekende", "elders")
    settings = Settings(DAY).with_wishes("hours", "contract")
    for others in ([], [beside]):
        placement = place(index, asking, settings, ["bron"], 9, today=DAY, beside=others)
        placement.parts()
    explain(pair_of(index, asking, beside, settings), 0, 0)


def test_kernels_are_loaded_by_how_another_process_called_them_and_without_a_thread(tmp_path: Path) -> None:
    profiles, vacancies = write_pilot(tmp_path, Pilot(profiles=30, vacancies=5, seed=1))
    build_index(
        tmp_path / "index",
        profiles={"bron": profiles},
        vacancies={"bron": vacancies},
        taxonomy=bundled_taxonomy(),
        as_of=DAY,
    )
    rehearse(open_index(tmp_path / "index"), ["bron"])
    (tmp_path / "called").write_bytes(pickle.dumps(loaded_kernels()))
    subprocess.run([sys.executable, __file__, tmp_path], check=True, env=os.environ | {"PYTHONPATH": "."})


def threads() -> int:
    """How many threads this process has, Python's own and others."""
    return len(list(Path("/proc/self/task").iterdir()))


def _load(folder: Path) -> None:
    """What the other process does."""
    called = pickle.loads((folder / "called").read_bytes())
    # Where Numba finds BLAS, whose threads know of forks.
    import_module("scipy.linalg")
    before = threads()
    load_kernels(called)
    assert threads() == before
    assert loaded_kernels() == called
    rank_for_somebody(folder / "index")
    assert loaded_kernels() == called


if __name__ == "__main__":
    _load(Path(sys.argv[1]))
