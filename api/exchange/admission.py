"""Who asks, decided at every call anew: by the certificate, the headers and the registry as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.exchange.errors import NotAuthorised, Unavailable
from api.exchange.rules import (
    Caller,
    addressed_sources,
    caller_of,
    caller_through_exchange,
    explain_caller,
    explain_exchange,
    verdict,
)
from api.threads import in_turn

if TYPE_CHECKING:
    from api.clock import Clock
    from api.contracts.headers import Parties, Role
    from api.contracts.identity import Identified
    from api.exchange.registry import Registry, RegistryReader
    from api.exchange.rules import Reason

__all__ = ["Admission", "CallerOfSource"]

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallerOfSource(Caller):
    """Who asks through another exchange, and which of our sources it asks.

    `processor` is who answers for those sources: the contract of the bron names no asking processor.

    Attributes
    ----------
    sources : ids of the hosted sources that the call is addressed to, sorted.
    """

    sources: tuple[str, ...] = ()


class Admission:
    """Admits callers.

    Parameters
    ----------
    reader : gives the registry.
    clock : microseconds since 1970 UTC.
    own_oin : of this exchange, which bemiddelaars address.
    exchange_oin : of the exchange that may ask our sources, by default this one's own.
    believe : whether the certificate of that exchange goes without saying: in the identity of the laptop,
        where there are no certificates and no header tells which exchange asks.
    """

    def __init__(
        self,
        reader: RegistryReader,
        clock: Clock,
        own_oin: str,
        *,
        exchange_oin: str | None = None,
        believe: bool = False,
    ) -> None:
        self._reader, self._clock, self._own_oin = reader, clock, own_oin
        self._exchange_oin, self._believe = exchange_oin or own_oin, believe

    async def __call__(self, role: Role, identified: Identified, parties: Parties) -> Caller:
        """Give who asks.

        Raises
        ------
        NotAuthorised : a rule refuses; which one is told in the log only.
        Unavailable : the registry can't be read.
        """
        try:
            registry = self._reader.at_once()
            if registry is None:
                registry = await in_turn(self._reader.current)
        except SQLAlchemyError as problem:
            raise Unavailable from problem
        reasons, caller = (self._bemiddelaar if role == "bemiddelaar" else self._exchange)(
            registry, identified, parties
        )
        if not verdict(reasons):
            refusing = [reason.rule for reason in reasons if reason.effect == "refuse"]
            _log.warning("caller.refused", role=role, rules=refusing)
            raise NotAuthorised
        return caller

    def _bemiddelaar(
        self, registry: Registry, identified: Identified, parties: Parties
    ) -> tuple[tuple[Reason, ...], Caller]:
        controller, processor, to = parties.from_oin, parties.via_oin, parties.to_oin
        reasons = explain_caller(
            registry, identified.oin, controller, processor, to, self._own_oin, self._clock()
        )
        return reasons, caller_of(registry, controller, processor, identified.fingerprint)

    def _exchange(
        self, registry: Registry, identified: Identified, parties: Parties
    ) -> tuple[tuple[Reason, ...], Caller]:
        at, processor, to = self._clock(), parties.via_oin, parties.to_oin
        holder = self._exchange_oin if self._believe else identified.oin
        reasons = explain_exchange(registry, holder, processor, to, self._exchange_oin, at)
        asking = caller_through_exchange(
            registry, parties.from_oin, processor, identified.fingerprint, suwi=bool(parties.suwi)
        )
        return reasons, CallerOfSource(
            asking.controller,
            asking.processor,
            asking.suwi,
            asking.certificate,
            asking.public,
            addressed_sources(registry, to, processor, at),
        )
