"""What every benchmark reports besides its figures: machine, versions, peak memory; and where pages go."""

import json
import os
import platform
import resource
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SHARED = Path(__file__).parents[1].parent / "shared"
"""Reference data that may be read but is no part of the project; absent on most machines."""

_PACKAGES = (
    "koppel",
    "numpy",
    "scipy",
    "polars",
    "numba",
    "pydantic",
    "scikit-learn",
    "rapidfuzz",
    "zstandard",
    "sparse-dot-topn",
    "sp-matmul-rs",
    "bm25s",
    "duckdb",
)


def machine() -> dict[str, str]:
    """Return processor, cores, memory, system, Python and package versions: what a figure depends on."""
    facts = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    for package in _PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            continue
    return facts


def machine_lines() -> str:
    """Return `machine()` as a Markdown paragraph."""
    return "Machine: " + ", ".join(f"{name} {value}" for name, value in machine().items()) + "."


def figure(
    name: str, value: float, unit: str, ratio_to: str | None = None, ratio: float | None = None
) -> dict[str, Any]:
    """Print one figure as a JSON line on standard output and return it.

    `ratio` is value / (value of what `ratio_to` names), both measured in the same run.
    """
    line = {"name": name, "value": value, "unit": unit, "ratio_to": ratio_to, "ratio": ratio}
    print(json.dumps(line), flush=True)
    return line


def say(text: str) -> None:
    """Print a line for people on standard error, so that standard output stays JSON lines."""
    print(text, file=sys.stderr, flush=True)


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def write_page(name: str, markdown: str) -> Path:
    """Write benchmarks/results/<name>.md and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.md"
    path.write_text(markdown.rstrip() + "\n", encoding="utf-8")
    return path


def write_figures(name: str, figures: Iterable[Mapping[str, Any]]) -> None:
    """Write benchmarks/results/<name>.jsonl, a line for each figure."""
    RESULTS.mkdir(exist_ok=True)
    lines = "".join(json.dumps(line) + "\n" for line in figures)
    (RESULTS / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def read_figures(name: str) -> list[dict[str, Any]]:
    """Return the figures of benchmarks/results/<name>.jsonl, none where that isn't there."""
    path = RESULTS / f"{name}.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def shared(*names: str) -> Path:
    """Return a path inside the shared reference data; end with a clear message where it is absent."""
    path = SHARED.joinpath(*names)
    if not path.exists():
        say(f"skipped: {path} is absent; this benchmark reads reference data that is no part of the project")
        raise SystemExit(0)
    return path


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.1f} GiB"
    except (ValueError, OSError):
        return "unknown"
