"""The log in the shape of Logboek Dataverwerkingen, as lines and to a collector."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from logs import MIDNIGHT, QUESTION, audit_in, show

from api.exchange.log_files import stored
from api.exchange.logboek import SubjectCipher, create_subject_key, lines, send
from api.exchange.trace import Trace, traced
from api.store import Store
from data.errors import FileError, OutputError

ACTIVITY = "https://register.example.nl/activities/7"
START = MIDNIGHT // 1000


@pytest.fixture
def cipher(tmp_path: Path) -> SubjectCipher:
    create_subject_key(tmp_path / "logboek")
    return SubjectCipher(tmp_path / "logboek")


def lines_of(store: Store, cipher: SubjectCipher, after: int = 0) -> list[dict[str, Any]]:
    with store.read() as connection:
        return list(lines(stored(connection, after), cipher, ACTIVITY))


def test_each_person_of_each_answer_has_a_line_below_that_of_the_answer(
    store: Store, tmp_path: Path, cipher: SubjectCipher
) -> None:
    audit = audit_in(store, tmp_path)
    anna, bert = show(audit, ["anna", "bert"])
    show(audit, ["anna"], "detail")
    with audit.write() as connection:
        audit.append(connection, "administration", {"actor": "admin"})
    made = lines_of(store, cipher)
    matches, *both, detail, again = made
    assert [line["name"] for line in made] == ["matches"] * 3 + ["detail"] * 2
    assert {line["trace_id"] for line in made} == {QUESTION.replace("-", "")}
    assert "parent_span_id" not in matches
    assert {line["parent_span_id"] for line in both} == {matches["span_id"]}
    assert again["parent_span_id"] == detail["span_id"]
    assert len({line["span_id"] for line in made}) == 5
    assert all(re.fullmatch("[0-9a-f]{16}", line["span_id"]) for line in made)
    assert all(line["start_time"] == line["end_time"] >= START for line in made)
    assert all(line["status_code"] == 0 for line in made)
    assert all(line["attributes"]["dpl.core.processing_activity_id"] == ACTIVITY for line in made)
    assert [name for name in matches["attributes"] if "subject" in name] == []
    sealed = [line["attributes"]["dpl.core.data_subject_id"] for line in (*both, again)]
    assert [cipher.open(each) for each in sealed] == [anna, bert, anna]
    assert sealed[0] == sealed[2]
    assert {line["attributes"]["dpl.core.data_subject_id_type"] for line in both} == {"pseudonym"}
    assert made == lines_of(store, cipher)
    assert lines_of(store, cipher, after=1) == [detail, again]


def test_lines_name_no_person_no_party_and_no_pseudonym(
    store: Store, tmp_path: Path, cipher: SubjectCipher
) -> None:
    subjects = show(audit_in(store, tmp_path), ["anna"])
    told = json.dumps(lines_of(store, cipher))
    assert not re.search(rf"anna|3511ZX|{subjects[0]}|[0-9]{{20}}", told)


def test_an_answer_to_another_exchange_is_a_trace_of_its_own(
    store: Store, tmp_path: Path, cipher: SubjectCipher
) -> None:
    audit = audit_in(store, tmp_path)
    for _ in range(2):
        show(audit, ["anna"], question="")
    traces = [line["trace_id"] for line in lines_of(store, cipher)]
    assert traces[0] == traces[1] != traces[2] == traces[3]
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in traces)


def test_another_key_opens_nothing_and_a_bad_one_is_refused(tmp_path: Path, cipher: SubjectCipher) -> None:
    sealed = cipher.seal("ab" * 16)
    create_subject_key(tmp_path / "other")
    with pytest.raises(InvalidTag):
        SubjectCipher(tmp_path / "other").open(sealed)
    with pytest.raises(OutputError):
        create_subject_key(tmp_path / "other")
    (tmp_path / "other").chmod(0o640)
    with pytest.raises(FileError, match="chmod 600"):
        SubjectCipher(tmp_path / "other")
    (tmp_path / "other").write_text("ab")
    for name in ("other", "absent"):
        with pytest.raises(FileError, match="no key"):
            SubjectCipher(tmp_path / name)


# -- to a collector


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, list[bytes]]]:
    """Run a receiver of OTLP over HTTP; gives its URL and what it received."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/x-protobuf"
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces", received
        finally:
            server.shutdown()
            thread.join()


def test_a_collector_receives_every_line_as_a_span(
    store: Store, tmp_path: Path, cipher: SubjectCipher
) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    audit = audit_in(store, tmp_path)
    for number in range(6):
        show(audit, [f"{number}-{each}" for each in range(100)])
    made = lines_of(store, cipher)
    with collector() as (url, received):
        assert send(made, url) == len(made) == 606
    spans = [
        (span, resource)
        for body in received
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert len(received) == 2
    got = [
        {
            "trace_id": span.trace_id.hex(),
            "span_id": span.span_id.hex(),
            "status_code": span.status.code,
            "name": span.name,
            "start_time": span.start_time_unix_nano // 1_000_000,
            "end_time": span.end_time_unix_nano // 1_000_000,
            "resource": {
                "attributes": {each.key: each.value.string_value for each in resource.resource.attributes}
            },
            "attributes": {each.key: each.value.string_value for each in span.attributes},
        }
        | ({"parent_span_id": span.parent_span_id.hex()} if span.parent_span_id else {})
        for span, resource in spans
    ]
    assert got == made
    assert len({hashlib.sha256(body).digest() for body in received}) == 2


def test_a_collector_that_refuses_is_told(store: Store, tmp_path: Path, cipher: SubjectCipher) -> None:
    show(audit_in(store, tmp_path), ["anna"])
    made = lines_of(store, cipher)
    with collector(status=400) as (url, _), pytest.raises(OutputError, match="accepted 0 lines"):
        send(made, url)


def test_a_collector_receives_the_action_that_asked_as_a_link(
    store: Store, tmp_path: Path, cipher: SubjectCipher
) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    asking = Trace("ab" * 16, "cd" * 8, "ef" * 8)
    with traced(asking):
        show(audit_in(store, tmp_path), ["anna"])
    with collector() as (url, received):
        send(lines_of(store, cipher), url)
    (resource,) = ExportTraceServiceRequest.FromString(received[0]).resource_spans
    whole, anna = resource.scope_spans[0].spans
    (link,) = whole.links
    assert (whole.trace_id.hex(), whole.span_id.hex()) == (asking.id, asking.span)
    assert (link.trace_id.hex(), link.span_id.hex()) == (asking.id, asking.parent)
    assert not anna.links
