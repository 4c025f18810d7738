"""What an operation of the contracts is: a method on a path, and one call of the exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.exchange.errors import Incomplete, Invalid

if TYPE_CHECKING:
    from api.contracts.headers import Role
    from api.exchange.answering import Answer
    from api.exchange.exchange import Exchange

__all__ = ["Operation", "asked_in"]


@dataclass(frozen=True)
class Operation:
    """An operation of a contract.

    Attributes
    ----------
    role : whose contract.
    method, path : segments below the role's root; None stands for an id.
    call : gives the answer to who asks (a Caller, for the bron a CallerOfSource) and what is asked (POST: a
        document, GET: an id).
    """

    role: Role
    method: str
    path: tuple[str | None, ...]
    call: Callable[[Exchange, Any, Any], Awaitable[Answer]]

    def answers(self, role: Role, method: str, segments: Sequence[str]) -> bool:
        """Tell whether a request is one of this operation."""
        return (role, method, len(segments)) == (self.role, self.method, len(self.path)) and all(
            mine in (None, theirs) for mine, theirs in zip(self.path, segments, strict=True)
        )


def asked_in(document: Any, *, alone: bool) -> dict[str, Any]:
    """Give a body that has a vraagObject.

    Raises
    ------
    Invalid : it is no object, or other properties stand beside vraagObject although it must stand `alone`.
    Incomplete : vraagObject is absent.
    """
    if not isinstance(document, dict):
        raise Invalid("$: an object")
    if "vraagObject" not in document:
        raise Incomplete("$.vraagObject: required")
    if alone and len(document) > 1:
        raise Invalid("$: vraagObject alone")
    return document
