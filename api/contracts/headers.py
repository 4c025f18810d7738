"""The headers of the contracts: what a request must have, and what an answer echoes.

| message                     | toParty              | fromParty            | viaParty             |
|-----------------------------|----------------------|----------------------|----------------------|
| bemiddelaar asks            | the exchange         | asking controller    | asking processor     |
| exchange answers            | asking controller    | the exchange         | asking processor     |
| exchange asks a source      | answering controller | asking controller    | answering processor  |
| source answers              | asking controller    | answering controller | the one received     |

Headers of other names are ignored.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from api.exchange.errors import Incomplete, Invalid

__all__ = ["VERSION", "Parties", "Received", "Role"]

Role = Literal["bemiddelaar", "bron"]
"""Whose contract it is: with the bemiddelaar that asks us, or with us as the bron that is asked."""

VERSION: Final = "3.0.0"
"""The only value of API-Version and X-VUM-berichtVersie; the contract of contacts (3.1.0) has it too."""

_OIN: Final = re.compile("[0-9]{20}")
_VERSIONS: Final = ("API-Version", "X-VUM-berichtVersie")
_PARTIES: Final = ("X-VUM-fromParty", "X-VUM-toParty", "X-VUM-viaParty")
_SUWI: Final = "X-VUM-SUWIparty"
_REQUIRED: Final[dict[Role, tuple[str, ...]]] = {
    "bemiddelaar": _VERSIONS + _PARTIES,
    "bron": (*_VERSIONS, *_PARTIES, _SUWI),
}
# Two of one name are two answers to one question; which of them counts would depend on who reads them.
_AT_MOST_ONCE: Final = re.compile("host|api-version|client-cert|content-.*|transfer-encoding|x-vum-.*")


@dataclass(frozen=True)
class Parties:
    """Who asks whom, as the headers say it.

    Attributes
    ----------
    from_oin, to_oin, via_oin : OINs of 20 digits.
    suwi : whether the asking controller takes part in SUWI, as the exchange tells a bron; None where a
        bemiddelaar asks, whose word on it does not count.
    """

    from_oin: str
    to_oin: str
    via_oin: str
    suwi: bool | None = None


class Received:
    """The headers of a request."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in raw:
            self._values[name.decode("latin-1").lower()].append(value.decode("latin-1").strip(" \t"))

    def value(self, name: str) -> str | None:
        """Give the value of a header that stands there once, else None."""
        values = self._values.get(name.lower(), ())
        return values[0] if len(values) == 1 else None

    def check_repeated(self) -> None:
        """Check that what may stand there once does. Raises Invalid."""
        for name, values in self._values.items():
            if len(values) > 1 and _AT_MOST_ONCE.fullmatch(name):
                raise Invalid("headers: X-VUM-*, API-Version, Host and Content-* at most once")

    def parties(self, role: Role) -> Parties:
        """Check the headers of the contract, and give the parties.

        Raises
        ------
        Incomplete : a required header is absent.
        Invalid : a header is repeated, or its value is none of the contract.
        """
        self.check_repeated()
        for name in _REQUIRED[role]:
            if name.lower() not in self._values:
                raise Incomplete(f"{name}: required")
        for name in _VERSIONS:
            if self.value(name) != VERSION:
                raise Invalid(f"{name}: {VERSION}")
        from_oin, to_oin, via_oin = map(self._oin, _PARTIES)
        return Parties(from_oin, to_oin, via_oin, self._suwi() if role == "bron" else None)

    def echo(self, role: Role, own_oin: str) -> dict[str, str]:
        """Give the headers of the answer. A party that the request names wrongly is left out."""
        asking, asked, via = map(self.value, _PARTIES)
        parties = zip(_PARTIES, (own_oin if role == "bemiddelaar" else asked, asking, via), strict=True)
        return dict.fromkeys(_VERSIONS, VERSION) | {
            name: oin for name, oin in parties if oin is not None and _OIN.fullmatch(oin)
        }

    def _oin(self, name: str) -> str:
        oin = self.value(name)
        if oin is None or not _OIN.fullmatch(oin):
            raise Invalid(f"{name}: an OIN of 20 digits")
        return oin

    def _suwi(self) -> bool:
        match (self.value(_SUWI) or "").lower():
            case "true":
                return True
            case "false":
                return False
        raise Invalid(f"{_SUWI}: true or false")
