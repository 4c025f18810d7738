"""What a change of the registry may be made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from api.clock import spelled
from api.exchange.registry import KINDS, Kind, Period
from api.exchange.ruleset import PILOT_KINDS
from data.errors import KoppelError

NAME_LENGTH: Final = 200
"""Most characters of the name of a party or a source."""

TEXT_LENGTH: Final = 2000
"""Most characters of a declaration."""

FOREVER: Final = 253_402_300_800_000_000
"""The first moment of the year 10000, in microseconds since 1970: no date is written beyond it."""

SOURCE_ID: Final = re.compile(r"[a-z0-9-]{1,50}")
"""What the id of a source may be."""

VERSION: Final = re.compile(r"[A-Za-z0-9._-]{1,50}")
"""What the version of an agreement may be."""


_OIN: Final = re.compile(r"[0-9]{20}", re.ASCII)


class RegistryError(KoppelError):
    """A change of the registry that makes no sense."""

    exit_code = 4


def checked_oin(subject: str, oin: str) -> str:
    """Give an OIN as it is. Raises RegistryError where it hasn't 20 digits."""
    if not _OIN.fullmatch(oin):
        digits = f"{len(oin)} digits" if oin.isdecimal() else "something else"
        raise RegistryError(subject, f"has {digits}", "20 digits")
    return oin


def checked_name(subject: str, name: str) -> str:
    """Give a name as it is. Raises RegistryError where it is blank, too long, or steers a terminal."""
    return checked_text(subject, name, NAME_LENGTH, one_line=True)


def checked_text(subject: str, text: str, length: int, *, one_line: bool = False) -> str:
    """Give a text as it is. Raises RegistryError where it is blank, too long, or holds what isn't text."""
    printable = text if one_line else "".join(text.split())
    if not text.strip() or len(text) > length or not printable.isprintable():
        raise RegistryError(subject, f"has {len(text)} characters, or one that isn't text", f"1 to {length}")
    return text


def checked_moment(at: int) -> int:
    """Give a moment as it is. Raises RegistryError where it isn't between 1970 and the year 9999."""
    if not 0 <= at < FOREVER:
        raise RegistryError("moment", "can't be written as a date", "1970 to 9999")
    return at


def checked_url(url: str) -> str:
    """Give the URL of a source as it is. Raises RegistryError where it isn't plain https.

    http is for this machine only. What a URL may carry beside a host and a path is refused.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    plain = url.isascii() and url.isprintable() and " " not in url and "@" not in parts.netloc
    bare = not ("?" in url or "#" in url or "\\" in url)
    if not (
        plain and bare and host and (parts.scheme == "https" or (parts.scheme == "http" and _is_local(host)))
    ):
        raise RegistryError(
            "URL of the source", "can't be used", "https://host[:port]/path, or http:// on this machine"
        )
    return url


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_party(kind: Kind, *, suwi: bool, pilot: bool) -> None:
    """Refuse what no party can be, by a RegistryError."""
    check_one_of("kind", kind, KINDS)
    if suwi and kind == "privaat":
        raise RegistryError("suwi", "a private party is none of SUWI")
    if pilot and kind not in PILOT_KINDS:
        raise RegistryError("pilot", f"isn't for kind {kind}", " or ".join(sorted(PILOT_KINDS)))


def check_one_of(subject: str, value: str, allowed: Iterable[str]) -> None:
    """Refuse a value that isn't one of a list, by a RegistryError."""
    if value not in allowed:
        raise RegistryError(subject, "isn't one of those there are", ", ".join(allowed))


def check_pattern(subject: str, value: str, pattern: re.Pattern[str], allowed: str) -> None:
    """Refuse a value that isn't wholly of a pattern, by a RegistryError that says what is allowed."""
    if not pattern.fullmatch(value):
        raise RegistryError(subject, "has other characters, or too many", f"{allowed} characters")


def check_free(subject: str, period: Period, others: Iterable[Period], remedy: str) -> None:
    """Refuse a period that overlaps another of the same thing, by a RegistryError."""
    for other in others:
        if period.overlaps(other):
            end = "" if other.until is None else f" until {spelled(other.until)}"
            found = f"is in force from {spelled(other.first)}{end} already"
            raise RegistryError(subject, found, remedy=remedy)


def given(**values: Any) -> dict[str, Any]:
    """Give the values that aren't None. Raises RegistryError where none is left."""
    changes = {name: value for name, value in values.items() if value is not None}
    if not changes:
        raise RegistryError("change", "nothing is to be changed", ", ".join(values))
    return changes
