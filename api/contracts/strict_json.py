"""JSON from outside: bounded before it is parsed, and refused where two readers could read two things.

Python's parser keeps the last of two properties of one name, takes NaN and lone surrogates, and recurses as
deep as a text asks it to.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from api.exchange.errors import Invalid

__all__ = ["Limits", "parse"]


@dataclass(frozen=True)
class Limits:
    """How large a body may be.

    Attributes
    ----------
    body_bytes : bytes of the body.
    depth : levels of objects and lists, one within the other. The deepest criterion of the contracts takes 7.
    width : objects, lists, elements and properties, all together.
    """

    body_bytes: int = 256 * 1024
    depth: int = 24
    width: int = 5_000


# Possessive, and a string may lack its end: linear in the length of any text.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BESIDE_STRUCTURE: Final = bytes(set(range(256)) - set(b"[]{},"))
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_LONGEST_NUMBER: Final = 40


def parse(body: bytes, limits: Limits) -> Any:
    """Give what a JSON text (UTF-8, RFC 8259) says.

    Raises
    ------
    Invalid : it is no JSON, is larger than `limits`, names a property twice in one object, or has a number
        that is not finite or has more than 18 digits before its point, or text that is no Unicode. What the
        body says is not in the error.
    """
    if len(body) > limits.body_bytes:
        raise Invalid(f"body: at most {limits.body_bytes} bytes")
    _measure(body, limits)
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise Invalid("body: UTF-8, and no halves of surrogate pairs") from None
    except ValueError:
        raise Invalid("body: JSON") from None
    return value


def _measure(body: bytes, limits: Limits) -> None:
    depth = width = 0
    for mark in _STRING.sub(b"", body).translate(None, _BESIDE_STRUCTURE):
        if mark in b"[{":
            depth += 1
            width += 1
            if depth > limits.depth:
                raise Invalid(f"body: at most {limits.depth} levels of objects and lists")
        elif mark in b"]}":
            depth -= 1
        else:
            width += 1
        if width > limits.width:
            raise Invalid(f"body: at most {limits.width} elements and properties")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Invalid("body: a property at most once in an object")
    return members


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > 18:
        raise Invalid("body: whole numbers of at most 18 digits")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits) if len(digits) <= _LONGEST_NUMBER else math.inf
    if not math.isfinite(number):
        _no_number(digits)
    return number


def _no_number(_: str) -> NoReturn:
    raise Invalid(f"body: finite numbers of at most {_LONGEST_NUMBER} characters")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_no_number
)
