"""Runs the night of a world on the disk, in a process that can be killed: nightly_child.py FOLDER SEAT."""

import sys
from pathlib import Path

from nightly_world import Reopened

from engine.nightly import in_processes, in_threads

if __name__ == "__main__":
    folder, seat = Path(sys.argv[1]), sys.argv[2]
    print("ready", flush=True)
    Reopened(folder).run(in_threads(2) if seat == "threads" else in_processes(2))
    print("done", flush=True)
