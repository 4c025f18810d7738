"""What the exchange refuses, grouped by what the asking party can do about it.

ExchangeError
    NotAuthorised  who asks, or on whose behalf, is not admitted                 (401, no body)
    Invalid        the call breaks the contract, or names what isn't there       (400.01)
    Incomplete     a required field is absent                                    (400.02)
    LimitExceeded  the agreed number of details of a question has been given     (429.01)
    Unavailable    a log, a store or every source fails: try again later         (503, 500.3)

Codes, statuses and messages are those of the VUM contracts. `details` tells which property is wrong; it never
holds a value from a request, let alone personal data.
"""
# ruff: noqa: N818  They are named by what is wrong, as the refusals of the contracts are.

from typing import ClassVar, Final

__all__ = [
    "UNKNOWN",
    "ExchangeError",
    "Incomplete",
    "Invalid",
    "LimitExceeded",
    "NotAuthorised",
    "Unavailable",
    "unknown",
]

UNKNOWN: Final = "vumID"
"""All that is told of a vumID that is not answered. One that never was, one of another party or question and
one that has expired must not be told apart."""


class ExchangeError(Exception):
    """The exchange refuses a call.

    Parameters
    ----------
    details : which property of the call is wrong and what it may be, cut off at 2000 characters; "" where
        that says nothing.

    Attributes
    ----------
    status : the HTTP status.
    code : of the contract, "" where the answer has no body.
    message : of the contract.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    message: ClassVar[str]

    def __init__(self, details: str = "") -> None:
        super().__init__(f"{self.message}: {details}" if details else self.message)
        self.details: Final = details[:2000]


class NotAuthorised(ExchangeError):
    """Who asks, or on whose behalf, is not admitted. Why stands in our own log only."""

    status, code, message = 401, "", "Niet geautoriseerd"


class Invalid(ExchangeError):
    """The call breaks the contract, or names a vumID that can't be answered (see `unknown`)."""

    status, code, message = 400, "400.01", "Ongeldige aanroep"


class Incomplete(ExchangeError):
    """A required field is absent."""

    status, code, message = 400, "400.02", "Onvolledige aanroep"


class LimitExceeded(ExchangeError):
    """As many different records of this question have been shown in detail as the agreement allows."""

    status, code, message = 429, "429.01", "Aantal werkzoekendeProfielen limiet overschreden"


class Unavailable(ExchangeError):
    """A log, a store or every source that was asked fails. Nothing has been answered."""

    status, code, message = 503, "500.3", "Service niet beschikbaar"


def unknown() -> Invalid:
    """Give the one refusal of a vumID that is forged, foreign, of another question, expired or withdrawn."""
    return Invalid(UNKNOWN)
