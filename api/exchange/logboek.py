"""The log in the shape of the standard Logboek Dataverwerkingen: one line a data subject.

Source: Logius, Logboek dataverwerkingen, "Component: Logboek" (fields) and "Component: Applicatie" (an action
of its own for each data subject, below that of the whole; the trace that a request came with). Times are in
milliseconds since 1970, identifiers in hexadecimal digits. An organisation is named by the log itself, and in
these lines only as `foreign_operation` needs it: who asked, where it said for which action of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from data.errors import FileError, OutputError
from data.files import atomic

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["SubjectCipher", "create_subject_key", "lines", "send"]

_UNSET: Final = 0
_KEY_BYTES: Final = 64
_BATCH: Final = 512
_TIMEOUT_S: Final = 30


class LogEntry(Protocol):
    """An entry of the log, see `api.exchange.audit.Entry`."""

    at: int
    kind: str
    body: str
    hash: str


class SubjectCipher:
    """Encrypts pseudonyms (AES-SIV), the same always alike, so that a person's lines can be found together.

    Raises FileError where the file of its key is absent, damaged, or may be read by others than its owner.
    """

    def __init__(self, path: Path) -> None:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            key = bytes.fromhex(path.read_text("ascii").strip())
        except (OSError, ValueError):
            key = b""
        remedy = "Make one with `koppel audit keys create`, or put back the copy that was kept."
        if len(key) != _KEY_BYTES:
            raise FileError(str(path), "no key for data subjects", "128 hexadecimal digits", remedy)
        if mode & 0o077:
            raise FileError(str(path), "a key that others may read", "mode 600", f"Run chmod 600 {path}.")
        self._cipher = AESSIV(key)

    def seal(self, pseudonym: str) -> str:
        """Encrypt a pseudonym of 32 hexadecimal digits; gives 64."""
        return self._cipher.encrypt(bytes.fromhex(pseudonym), None).hex()

    def open(self, sealed: str) -> str:
        """Decrypt what `seal` gave. Raises `cryptography.exceptions.InvalidTag` for anything else."""
        return self._cipher.decrypt(bytes.fromhex(sealed), None).hex()


def create_subject_key(path: Path) -> None:
    """Make the key of a `SubjectCipher`, for its owner's eyes. Raises OutputError where there is one."""
    if path.exists():
        remedy = "Keep it, or give another place."
        raise OutputError(str(path), "there is a key already", "a file that isn't there", remedy)
    with atomic(path) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(secrets.token_hex(_KEY_BYTES).encode() + b"\n")


def lines(entries: Iterable[LogEntry], cipher: SubjectCipher, activity: str) -> Iterator[dict[str, Any]]:
    """Give the lines of the entries that tell of people: one of the whole, then one of each person.

    Parameters
    ----------
    entries : of the log; those without data subjects give no line.
    cipher : encrypts who they are.
    activity : URI of the processing activity in the register of the controller.
    """
    for entry in entries:
        body = json.loads(entry.body)
        if "subjects" not in body:
            continue
        question, trace = body.get("question", ""), body.get("trace", {})
        about = {"dpl.core.processing_activity_id": activity}
        whole: dict[str, Any] = {
            # Of what no request asked for, a question is one trace; without one the entry is its own.
            "trace_id": trace.get("id") or question.replace("-", "") or entry.hash[:32],
            "span_id": trace.get("span") or entry.hash[32:48],
            "status_code": _UNSET,
            "name": entry.kind,
            "start_time": entry.at // 1000,
            "end_time": entry.at // 1000,
            "resource": {"attributes": {"service.name": "koppel"}},
            # A question and its details are requests of their own, and this is what they share.
            "attributes": about | ({"dpl.vum.question_id": question} if question else {}),
        }
        yield whole | _foreign(body, trace)
        for pseudonym in body["subjects"]:
            span = hashlib.sha256(f"{entry.hash} {pseudonym}".encode()).hexdigest()[:16]
            subject = about | {
                "dpl.core.data_subject_id": cipher.seal(pseudonym),
                "dpl.core.data_subject_id_type": "pseudonym",
            }
            yield whole | {"span_id": span, "parent_span_id": whole["span_id"], "attributes": subject}


def _foreign(body: dict[str, Any], trace: dict[str, Any]) -> dict[str, Any]:
    """Give the action of the caller that asked for this, where it said which."""
    if not trace.get("parent"):
        return {}
    entity = f"urn:osb:oin:{body['processor']}"
    return {
        "foreign_operation": {"trace_id": trace["id"], "span_id": trace["parent"], "entity": entity},
    }


def send(given: Iterable[dict[str, Any]], url: str) -> int:
    """Send lines to a collector by OTLP over HTTP, as spans; gives how many it accepted.

    url : where it takes traces, `https://…/v1/traces`.

    Raises OutputError where it doesn't accept them, or `koppel[otlp]` isn't installed. Lines have the same
    ids each time, so that sending them again does no harm.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError as problem:
        remedy = "Run pip install 'koppel[otlp]'."
        raise OutputError("OTLP", "its library isn't installed", remedy=remedy) from problem
    exporter = OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_S)
    sent, waiting = 0, iter(given)
    try:
        while batch := [_span(each) for each in islice(waiting, _BATCH)]:
            if exporter.export(batch) is not SpanExportResult.SUCCESS:
                remedy = "Send them again from there."
                raise OutputError(url, f"accepted {sent} lines, and not those after them", remedy=remedy)
            sent += len(batch)
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]
    return sent


def _span(line: dict[str, Any]) -> ReadableSpan:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Link, SpanContext

    def context(span: str, *, is_remote: bool = False) -> SpanContext:
        return SpanContext(int(line["trace_id"], 16), int(span, 16), is_remote)

    parent, foreign = line.get("parent_span_id"), line.get("foreign_operation")
    return ReadableSpan(
        name=line["name"],
        context=context(line["span_id"]),
        parent=context(parent) if parent else None,
        resource=Resource(line["resource"]["attributes"]),
        attributes=line["attributes"],
        links=[
            Link(
                context(foreign["span_id"], is_remote=True),
                {"dpl.core.foreign_operation.entity": foreign["entity"]},
            )
        ]
        if foreign
        else (),
        start_time=line["start_time"] * 1_000_000,
        end_time=line["end_time"] * 1_000_000,
    )
