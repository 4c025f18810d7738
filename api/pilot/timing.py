"""How fast a run went and what room it took, kept apart from what must be the same every time."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any


@dataclass
class Stopwatch:
    """Times the stages of a run, in the order in which they are done.

    stages : name and seconds of each.
    """

    stages: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done within."""
        start = perf_counter()
        yield
        self.stages.append((name, perf_counter() - start))

    def told(self) -> dict[str, Any]:
        """Give the seconds of each stage and of all, the most memory held (bytes), and processor cores."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "stages": [{"stage": name, "seconds": round(seconds, 3)} for name, seconds in self.stages],
            "seconds": round(sum(seconds for _, seconds in self.stages), 3),
            "peak_memory": peak if sys.platform == "darwin" else peak * 1024,
            "cores": os.cpu_count() or 1,
        }
