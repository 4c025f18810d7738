"""Running `koppel` in this process, and as a process of its own."""

import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from api.cli import app

KOPPEL = Path(sys.executable).with_name("koppel")


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code, and what was printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """What was printed as JSON, an object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def told(self) -> str:
        """The one line that says what went wrong."""
        assert self.err.startswith("Error: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.strip()


def koppel(*arguments: object) -> Ended:
    """Run a command in this process."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        app([str(each) for each in arguments], prog_name="koppel")
    assert isinstance(ended.value.code, int)
    return Ended(ended.value.code, out.getvalue(), err.getvalue())


def process(*arguments: object) -> "subprocess.Popen[str]":
    """Start a command as a process of its own."""
    return subprocess.Popen(
        [KOPPEL, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def lines_of(path: Path) -> list[Any]:
    """Read a file with JSON on each line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def put(path: Path, *records: Any) -> Path:
    """Write records, one a line; text stands as it is."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path
