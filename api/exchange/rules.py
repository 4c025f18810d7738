"""Decisions: who may ask, which source shares with whom, what is taken out; each with its reasons.

A decision is explained first, rule by rule of `api.exchange.ruleset`; the verdict follows from the
explanation. No rule means no, and one refusal settles it: a rule can only take away. Nothing here reads a
clock or a store.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

from api.exchange.registry import Registry, Shared, Source
from api.exchange.ruleset import (
    CALLER_RULES,
    EXCHANGE_RULES,
    HELD_RULES,
    REMOVALS,
    SHARING_RULES,
    Asked,
    Call,
    Caller,
    Held,
    Rule,
    addressed_sources,
    mandate_of,
    rules,
)

__all__ = [
    "Caller",
    "Reason",
    "addressed_sources",
    "caller_of",
    "caller_through_exchange",
    "detail_removals",
    "explain_caller",
    "explain_exchange",
    "explain_holding",
    "explain_source",
    "mandate_of",
    "may_hold",
    "own_source",
    "permitted_sources",
    "rules",
    "verdict",
]

Effect = Literal["allow", "refuse"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule says in one case.

    Attributes
    ----------
    rule : its id.
    effect : what it comes to.
    why : a sentence, the same in every case of this effect.
    source : id of the source that it is about, None where it is about who asks.
    legal_basis : the ground of the rule.
    """

    rule: str
    effect: Effect
    why: str
    source: str | None
    legal_basis: str


def verdict(reasons: tuple[Reason, ...]) -> bool:
    """Tell what an explanation comes to: at least one rule allows and none refuses."""
    effects = {reason.effect for reason in reasons}
    return effects == {"allow"}


def explain_caller(
    registry: Registry,
    certificate_oin: str,
    from_oin: str,
    via_oin: str,
    to_oin: str,
    own_oin: str,
    at: int,
) -> tuple[Reason, ...]:
    """Explain whether a call to this exchange may be answered at all.

    Parameters
    ----------
    certificate_oin : of the certificate that the call came with, "" where it has none.
    from_oin, via_oin, to_oin : what the headers say: asking controller, asking processor, addressee.
    own_oin : of this exchange.
    at : microseconds since 1970, UTC.

    Returns
    -------
    What each rule says, in the order of `CALLER_RULES`.
    """
    call = Call(registry, certificate_oin, from_oin, via_oin, to_oin, own_oin, at)
    return _explained(CALLER_RULES, call, None)


def explain_exchange(
    registry: Registry, certificate_oin: str, via_oin: str, to_oin: str, exchange_oin: str, at: int
) -> tuple[Reason, ...]:
    """Explain whether a call to this server as a source (bron) may be answered at all.

    Parameters
    ----------
    certificate_oin : of the certificate that the call came with, "" where it has none.
    via_oin, to_oin : what the headers say: answering processor, answering controller.
    exchange_oin : of the one exchange that may ask.
    at : microseconds since 1970, UTC.
    """
    call = Call(registry, certificate_oin, "", via_oin, to_oin, exchange_oin, at)
    return _explained(EXCHANGE_RULES, call, None)


def explain_holding(registry: Registry, source_id: str, at: int) -> tuple[Reason, ...]:
    """Explain whether a source may hold records here and answer."""
    return _explained(HELD_RULES, Held(registry, source_id, at), source_id)


def explain_source(
    registry: Registry, caller: Caller, source_id: str, side: Shared, at: int
) -> tuple[Reason, ...]:
    """Explain whether a source may be asked by a caller for records of a side, or contacts with employers.

    The caller is taken at its word: make it of a call that `explain_caller` allows, at every call anew.
    """
    asked = Asked(registry, caller, source_id, side, at)
    return explain_holding(registry, source_id, at) + _explained(SHARING_RULES, asked, source_id)


def permitted_sources(registry: Registry, caller: Caller, side: Shared, at: int) -> tuple[str, ...]:
    """Give the ids of the sources that a caller may ask, sorted."""
    return tuple(
        source_id
        for source_id in sorted(registry.sources)
        if verdict(explain_source(registry, caller, source_id, side, at))
    )


def may_hold(registry: Registry, source_id: str, at: int) -> bool:
    """Tell whether a source may hold records here and answer."""
    return verdict(explain_holding(registry, source_id, at))


def own_source(registry: Registry, caller: Caller, source_id: str, at: int) -> Source | None:
    """Give a hosted source that the caller itself answers for and that may hold records, else None."""
    source = registry.sources.get(source_id)
    if source is None or not source.hosted or not may_hold(registry, source_id, at):
        return None
    is_own = (source.oin, source.processor_oin) == (caller.controller, caller.processor)
    return source if is_own else None


def detail_removals(caller: Caller) -> tuple[str, ...]:
    """Name the attributes of a record that are taken out of a detail for a caller."""
    return tuple(each.attribute for each in REMOVALS if each.applies(caller))


def caller_of(registry: Registry, from_oin: str, via_oin: str, certificate: str) -> Caller:
    """Make the caller of a call that `explain_caller` allows: what it is stands in the registry."""
    party = registry.parties.get(from_oin)
    return Caller(
        from_oin,
        via_oin,
        suwi=party is not None and party.suwi,
        certificate=certificate,
        public=party is not None and party.kind != "privaat",
    )


def caller_through_exchange(
    registry: Registry, from_oin: str, via_oin: str, certificate: str, *, suwi: bool
) -> Caller:
    """Make the caller of a call that `explain_exchange` allows.

    suwi : what the exchange says of the asking controller (X-VUM-SUWIparty). SUWI parties are public. What
        this registry knows of the controller can take away from that.
    """
    party = registry.parties.get(from_oin)
    if party is None:
        return Caller(from_oin, via_oin, suwi, certificate, public=suwi)
    return Caller(from_oin, via_oin, suwi and party.suwi, certificate, public=party.kind != "privaat")


def _explained(every: tuple[Rule[C], ...], case: C, source: str | None) -> tuple[Reason, ...]:
    return tuple(_reason(rule, rule.holds(case), source) for rule in every)


@lru_cache(maxsize=4096)
def _reason(rule: Rule[Any], holds: bool, source: str | None) -> Reason:
    effect: Effect = "allow" if holds else "refuse"
    return Reason(rule.id, effect, rule.allows if holds else rule.refuses, source, rule.legal_basis)
