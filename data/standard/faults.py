"""What is wrong with a record or question, told without telling what it says about a person.

A value is shown only where the standard wants a code, a date or a number, and only where it looks like one: a
shifted column must not put a name or a telephone number into a log. Of anything else the kind and length are
told.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from data.standard.fields import (
    DATE_PATTERN,
    DIGITS_PATTERN,
    FORM,
    ID_PATTERN,
    KVK_PATTERN,
    POSTCODE_PATTERN,
    TAAL_PATTERN,
    VUM_ID_PATTERN,
)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a record or question.

    Attributes
    ----------
    path : where, as a JSON path: "$.arbeidsmarktkwalificatie.rijbewijs[2].codeSoortRijbewijs".
    found : what stands there: the value of a code, date or number, of anything else its kind and length.
    allowed : what may stand there.
    missing : whether a required property is absent.
    """

    path: str
    found: str
    allowed: str
    missing: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.found}; allowed: {self.allowed}"


PROPERTIES_ONLY: Final = "only the properties of the standard"
"""What is allowed where a property stands that the standard does not have."""

_PATTERNS: Final = {
    DATE_PATTERN: "a day that exists, as YYYY-MM-DD",
    DIGITS_PATTERN: "digits only",
    ID_PATTERN: "at most 200 letters, digits, dots, dashes and underscores",
    KVK_PATTERN: "eight digits",
    POSTCODE_PATTERN: "four digits and two letters, as 9999AA",
    TAAL_PATTERN: "three small letters (ISO 639-3)",
    VUM_ID_PATTERN: "at most 500 letters, digits, dots, dashes and underscores",
}

_ALLOWED: Final = {
    "bool_type": "true or false",
    "extra_forbidden": PROPERTIES_ONLY,
    "greater_than_equal": "at least {ge}",
    "int_type": "a whole number",
    "json_invalid": "JSON",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "missing": "a value, which is required",
    "model_type": "an object",
    "string_too_long": "at most {max_length} characters",
    "string_type": "text",
    "string_unicode": "text of Unicode characters",
    "too_short": "a list of at least {min_length}",
}

_CODE: Final = re.compile("[A-Za-z0-9+-]{1,3}")
_DATE: Final = re.compile("[0-9]{4}[-/.]?[0-9]{1,2}[-/.]?[0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}")
_NUMBER: Final = re.compile("[-+]?[0-9]{1,6}([.,][0-9]{1,3})?")

_SHOWN: Final = {
    "greater_than_equal": _NUMBER,
    "int_type": _NUMBER,
    "less_than_equal": _NUMBER,
    "literal_error": _CODE,
}
_SHOWN_PATTERNS: Final = {DATE_PATTERN: _DATE, DIGITS_PATTERN: _CODE, TAAL_PATTERN: _CODE}
"""What a value must look like to be shown, by the fault or the pattern that it breaks. Others show none."""

_HIDDEN: Final = {"huisnummer"}
"""Numbers that are part of an address."""

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_LAST_STEP: Final = re.compile(r"(\.\w+|\['[^']*'\])\Z")
_UNKNOWN_NAME: Final = re.compile("[A-Za-z_$][A-Za-z0-9_$.-]{0,59}")


def faults(error: ValidationError) -> list[Fault]:
    """Give all that is wrong with a record or question, in the order of the model's properties.

    Unknown properties come after the known ones of the same object. Text that is no JSON is one fault, at
    "$". No fault holds what a name, contact, free-text, identifier or address property says.
    """
    return [_fault(details) for details in error.errors(include_url=False)]


def object_of(path: str) -> str:
    """Give the JSON path of the object in which a property stands.

    For who must not hear the name of an unknown property: it is whoever wrote it, and may be anything.
    """
    return _LAST_STEP.sub("", path)


def _fault(details: ErrorDetails) -> Fault:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "string_pattern_mismatch":
        allowed = _PATTERNS.get(context["pattern"], f"text as {context['pattern']}")
        shown = _SHOWN_PATTERNS.get(context["pattern"])
    else:
        allowed = _ALLOWED.get(kind, "what the standard says").format_map(context)
        shown = None if details["loc"][-1:] and details["loc"][-1] in _HIDDEN else _SHOWN.get(kind)
    match kind:
        case "json_invalid":
            found = f"no JSON ({context['error']})"
        case "missing":
            found = "absent"
        case "extra_forbidden":
            found = "a property that the standard does not have"
        case _:
            found = _described(details["input"], shown)
    return Fault(_path(details), found, allowed, missing=kind == "missing")


def _path(details: ErrorDetails) -> str:
    """Give the JSON path of a fault. The name of an unknown property is told only if it looks like a name."""
    steps = [step for step in details["loc"] if not (isinstance(step, str) and step.startswith(FORM))]
    if details["type"] == "extra_forbidden" and not _UNKNOWN_NAME.fullmatch(str(steps[-1])):
        steps[-1] = "?"
    return "$" + "".join(map(_step, steps))


def _step(step: int | str) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _NAME.fullmatch(step) else f"['{step}']"


def _described(value: Any, shown: re.Pattern[str] | None) -> str:
    """Tell what a JSON value is; the value itself only where it looks like `shown`."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean" if shown is None else str(value).lower()
        case str():
            return f'"{value}"' if shown and shown.fullmatch(value) else f"text of {len(value)} characters"
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "an infinite number"
        case int() | float():
            return f"{value}" if shown and abs(value) < 1_000_000 else "a number"
        case list():
            return f"a list of length {len(value)}"
        case dict():
            return "an object"
        case _:
            return f"a Python {type(value).__name__}"
