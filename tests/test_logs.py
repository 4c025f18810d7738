"""What the server logs: fields that are known to hold nothing personal, and of libraries only who logged."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from api.logs import ALLOWED, configure

SECRET = "Jansen"


Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[StringIO]:
    """Where is logged to."""
    handlers, level = logging.root.handlers[:], logging.root.level
    logging.root.handlers[:] = []  # configuring closes those that are there
    yield StringIO()
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def logged(stream: StringIO) -> Logged:
    """Give what was logged."""
    configure("INFO", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_field_that_is_not_listed_is_left_out(logged: Logged) -> None:
    structlog.get_logger().info("event", status=200, naam=SECRET, request="ab")
    (line,) = logged()
    assert line.keys() == {"event", "level", "request", "status", "timestamp"}
    assert line.keys() <= ALLOWED


def test_of_a_library_is_told_who_logged_and_the_class_of_the_error(
    logged: Logged,
) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("sqlalchemy.pool").exception("%s", SECRET)
    logging.getLogger("asyncio").error(SECRET)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(SECRET, UserWarning, stacklevel=1)
    lines = logged()
    assert [line["event"] for line in lines] == ["sqlalchemy.pool", "asyncio", "py.warnings"]
    assert lines[0]["error"] == "ValueError"
    assert SECRET not in json.dumps(lines)


def test_of_the_servers_is_told_the_message_without_what_was_put_into_it(
    logged: Logged,
) -> None:
    logging.getLogger("gunicorn.error").warning("Worker %s was sent %s", SECRET, "SIGKILL")
    logging.getLogger("uvicorn.error").warning(SECRET)
    assert [line["event"] for line in logged()] == [
        "gunicorn.error: Worker %s was sent %s",
        "uvicorn.error",
    ]


def test_what_is_bound_to_a_request_stands_in_each_of_its_lines(
    logged: Logged,
) -> None:
    with structlog.contextvars.bound_contextvars(request="cafe", naam=SECRET):
        structlog.get_logger().info("one")
        structlog.get_logger().warning("two")
    assert [line["request"] for line in logged()] == ["cafe", "cafe"]


def test_less_than_the_level_is_not_logged(stream: StringIO) -> None:
    configure("WARNING", stream)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]
