"""The page of the nightly benchmark is what its code writes of the figures that are kept beside it."""

import argparse
import json
import re
from collections import defaultdict
from typing import Any

import pytest

from benchmarks import nightly
from benchmarks.report import RESULTS

TOTALS = {"total": "seconds", "peak_memory": "memory", "matches": "matches"}


def test_the_page_is_what_is_written_of_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = (RESULTS / "nightly.md").read_text("utf-8")
    machine = re.search(r"Machine: .*?(?= [\d,]+ profiles and )", kept)
    lists = re.search(r"^\| lists \| (.*) \|$", kept, re.MULTILINE)
    assert machine
    assert lists
    monkeypatch.setattr(nightly, "machine_lines", lambda: machine[0])
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"stages": {}})
    for line in (RESULTS / "nightly.jsonl").read_text("utf-8").splitlines():
        figure = json.loads(line)
        _, night, name = figure["name"].split(".", 2)
        told = found[night] if name in TOTALS else found[night]["stages"]
        told[TOTALS.get(name, name)] = figure["value"]
    # What the figures don't tell.
    for told, count in zip(found.values(), lists[1].split(" | "), strict=True):
        told["lists"] = int(count.replace(",", ""))
    asked = argparse.Namespace(profiles=200_000, vacancies=80_000, parties=20, top=25, threads=2)
    assert nightly.page(asked, found) == kept
