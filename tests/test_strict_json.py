"""JSON from outside: read as Python reads it, unless two readers could read two things."""

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.contracts.strict_json import Limits, parse
from api.exchange.errors import Invalid

LIMITS = Limits()

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(JSON, st.booleans())
def test_what_is_unambiguous_and_small_is_read_as_it_stands(value: Any, escaped: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=escaped).encode(), LIMITS) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_either_read_as_python_reads_them_or_refused(body: bytes) -> None:
    try:
        value = parse(body, LIMITS)
    except Invalid:
        return
    assert value == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"}",
        b'{"a":1}x',
        b'{"a":1,}',
        b"[1,]",
        b"{'a':1}",
        b'"\x01"',
        b"\xef\xbb\xbf{}",
        b"\xff",
        b'"\xed\xa0\x80"',
        '{"a":1}'.encode("utf-16"),
        b"NaN",
        b"[Infinity]",
        b'{"a":-Infinity}',
        b"1e999",
        b"-1e999",
        b"1" * 19,
        b"1" * 5000,
        b"-" + b"1" * 5000,
        b"1." + b"1" * 5000,
        b'{"a":1,"a":1}',
        b'{"b":{"a":1,"\\u0061":2}}',
        b'"\\ud800"',
        b'["\\udc00\\ud800"]',
        b'{"\\uDBFF":1}',
        b"[" * 25 + b"]" * 25,
        b"[" * 100_000,
        b'{"a":' * 30_000,
        b"[" + b"0," * 5_000 + b"0]",
        b"[" + b"[]," * 5_000 + b"[]]",
        b"{" + b",".join(b'"%d":0' % n for n in range(5_001)) + b"}",
        b'"' + b"a" * LIMITS.body_bytes + b'"',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_json_ambiguous_or_too_large_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="body: "):
        parse(body, LIMITS)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[" * 24 + b"]" * 24, json.loads("[" * 24 + "]" * 24)),
        (b"[" + b"0," * 4_998 + b"0]", [0] * 4_999),
        (b'"[[[[{{{{,,,,\\"]"', '[[[[{{{{,,,,"]'),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b"999999999999999999", 10**18 - 1),
        (b" {} ", {}),
    ],
    ids=lambda part: repr(part)[:24],
)
def test_what_just_fits_is_read(body: bytes, value: Any) -> None:
    assert parse(body, LIMITS) == value


def test_brackets_and_commas_within_text_do_not_count() -> None:
    text = "[{," * 10_000
    assert parse(json.dumps([text]).encode(), LIMITS) == [text]


@pytest.mark.parametrize("piece", [b'"', b'\\"', b'"\\', b"[", b'"[', b"\\u", b'","', b'{"'])
def test_the_time_it_takes_grows_with_the_length_and_not_with_its_square(piece: bytes) -> None:
    def seconds(size: int) -> float:
        body = b'"' + piece * (size // len(piece))
        began = time.process_time()
        with pytest.raises(Invalid):
            parse(body, Limits(body_bytes=size + 1, depth=10**9, width=10**9))
        return time.process_time() - began

    # Were it the square, 2**20 bytes would take hours.
    assert math.isfinite(seconds(2**20))


def test_a_refusal_says_nothing_of_what_stands_in_the_body() -> None:
    for body in (b'{"geheim":1,"geheim":2}', b'["geheim"', b'"geheim\\ud800"', b"geheim"):
        with pytest.raises(Invalid) as refusal:
            parse(body, LIMITS)
        assert "geheim" not in str(refusal.value)
