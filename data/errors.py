"""What can be wrong with what people hand to Koppel, grouped by what they should do about it.

KoppelError
    RecordError     one record breaks the standard: mend or skip the record      (exit code 1)
    FileError       a file can't be read as what it should be: mend the file     (exit code 3)
    QuestionError   a selection question breaks the contract: mend the question  (exit code 4)
    OutputError     the result can't be written: mend the place                  (exit code 5)

Exit code 2 belongs to the command line itself (unknown option, missing argument).
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class KoppelError(Exception):
    """Something handed to Koppel can't be used as it is.

    Parameters
    ----------
    subject : where it is wrong: file, record, field, as far as known.
    found : what stands there. Never the content of a name, contact or free-text field.
    allowed : what may stand there, or "" where that says nothing.
    remedy : what to do about it, a full sentence, or "".
    """

    subject: str
    found: str
    allowed: str = ""
    remedy: str = ""

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"{self.subject}: {self.found}{allowed}{remedy}"


class RecordError(KoppelError):
    """One record breaks the standard."""


class FileError(KoppelError):
    """A file can't be read as what it should be."""

    exit_code = 3


@dataclass
class QuestionError(KoppelError):
    """A selection question breaks the contract.

    `missing` is True where a required field is absent (contract code 400.02), False where the
    structure or an operand is wrong (400.01).
    """

    missing: bool = False

    exit_code = 4


class OutputError(KoppelError):
    """The result can't be written."""

    exit_code = 5
