"""The matching core against its peers, the machine and what it has to reach: `make bench`.

    python -m benchmarks [--quick] [--profiles N] [--seconds S] [--parts NAME ...]

Writes benchmarks/results/core.md, and every figure as a JSON line in core.jsonl beside it; with --quick
core-quick.md and core-quick.jsonl, of a fifth of the country. What each part measures stands in
`benchmarks.parts`, how peers are measured in `benchmarks.contest`, what is to be reached in
`benchmarks.targets`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.parts import PARTS, QUICK
from benchmarks.report import machine_lines, read_figures, say, write_figures, write_page
from benchmarks.targets import page


def main() -> None:
    """Measure every part in its own process, print the figures and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the country, in three minutes")
    parser.add_argument("--profiles", type=int)
    parser.add_argument("--vacancies", type=int, default=8_000)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="what one turn takes, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS))
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.profiles = asked.profiles or (200_000 if asked.quick else 1_000_000)
    asked.seconds = asked.seconds or (0.3 if asked.quick else 0.4)
    if asked.part:
        PARTS[asked.part](asked.part, asked)
        return
    say(machine_lines())
    started = time.perf_counter()
    parts = asked.parts or (QUICK if asked.quick else list(PARTS))
    figures = [line for part in parts for line in in_own_process(part)]
    minutes = (time.perf_counter() - started) / 60
    name = "core-quick" if asked.quick else "core"
    write_figures(name, figures)
    written = write_page(name, page(asked, [*figures, *read_figures("national")], minutes))
    say(f"{minutes:.1f} minutes; see {written}")


def in_own_process(part: str) -> Iterator[dict[str, Any]]:
    """Run this command for one part, pass its figures on and yield them."""
    say(f"== {part}")
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks", *sys.argv[1:], "--part", part]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"{part} failed")
    say(f"{part}: {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
