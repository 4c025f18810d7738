"""All benchmarks, one after another: `make bench`. Each prints its figures and writes its page."""

import subprocess
import sys

from benchmarks.report import say

PAGES = ("throughput", "kernel", "linking", "neighbours")


def main() -> int:
    """Run every benchmark in a process of its own; return 1 where one failed."""
    failed = []
    for name in PAGES:
        say(f"\n== {name}")
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
