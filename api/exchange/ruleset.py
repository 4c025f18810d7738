"""The rules of the exchange as data: what each is about, what it says, and on what ground.

`api.exchange.rules` decides by them. Nothing here reads a clock or a store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from api.exchange.registry import Kind, Mandate, PhaseName, Registry, Shared

C = TypeVar("C")

PHASE_OF: Final[dict[Kind, PhaseName]] = {
    "uwv": "gemeenten_uwv",
    "gemeente": "gemeenten_uwv",
    "openbaar": "openbaar",
    "privaat": "privaat",
}
"""The phase in which parties of a kind are admitted."""

PILOT_KINDS: Final[frozenset[Kind]] = frozenset({"uwv", "gemeente"})
"""The kinds of which some (koplopers) are admitted before the others, in the pilot."""

_AGREEMENT: Final = "Afsprakenstelsel VUM: toelating van deelnemers"
_SHARING: Final = "Afsprakenstelsel VUM: delen door bronnen; AVG artikel 5, eerste lid, onder b (doelbinding)"
_PROCESSOR: Final = "AVG artikel 28 (verwerker)"
_SECURITY: Final = "AVG artikel 32 (beveiliging)"
_MINIMAL: Final = "Afsprakenstelsel VUM; AVG artikel 5, eerste lid, onder c (minimale gegevensverwerking)"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, once it may.

    Attributes
    ----------
    controller, processor : OINs of fromParty and viaParty.
    suwi : whether the controller takes part in SUWI.
    certificate : fingerprint of the certificate that the call came with.
    public : whether the controller is a public party.
    """

    controller: str
    processor: str
    suwi: bool
    certificate: str
    public: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A call to the exchange: the OINs of its certificate, its headers and the exchange, and its moment."""

    registry: Registry
    certificate_oin: str
    from_oin: str
    via_oin: str
    to_oin: str
    own_oin: str
    at: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A source that may be asked for what a caller looks for, and the moment."""

    registry: Registry
    caller: Caller
    source_id: str
    side: Shared
    at: int


@dataclass(frozen=True, slots=True)
class Held:
    """A source whose records may be held and answered, and the moment."""

    registry: Registry
    source_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Rule(Generic[C]):
    """A rule.

    Attributes
    ----------
    id : its name, unique.
    scope : what it is about: who asks ("caller"), who asks a source ("exchange"), a source as such
        ("source"), a source and who asks
        ("sharing").
    allows, refuses : what it says when it does.
    legal_basis : its ground.
    holds : tells whether it allows a case.
    """

    id: str
    scope: Literal["caller", "exchange", "source", "sharing"]
    allows: str
    refuses: str
    legal_basis: str
    holds: Callable[[C], bool]


# What follows from the registry


def is_admitted(registry: Registry, oin: str, at: int) -> bool:
    """Tell whether SZW admitted a party and its admission is in force."""
    party = registry.parties.get(oin)
    return party is not None and party.admitted.holds(at)


def is_phase_open(registry: Registry, oin: str, at: int) -> bool:
    """Tell whether the phase of a party's kind is open, or it is in the pilot and that is."""
    party = registry.parties.get(oin)
    if party is None:
        return False
    phases: list[PhaseName] = [PHASE_OF[party.kind]]
    if party.pilot and party.kind in PILOT_KINDS:
        phases.append("pilot")
    opened = (registry.phases.get(name) for name in phases)
    return any(moment is not None and moment <= at for moment in opened)


def has_accepted(registry: Registry, oin: str, at: int) -> bool:
    """Tell whether a party has accepted the version of the agreement that is in force."""
    version = registry.current_agreement(at)
    if version is None:
        return False
    accepted = registry.acceptances.get((oin, version))
    return accepted is not None and accepted <= at


def mandate_of(registry: Registry, processor: str, controller: str, at: int) -> Mandate | None:
    """Give the mandate in force by which a processor acts for a controller, None where there is none."""
    mandates = registry.mandates.get((processor, controller), ())
    return next((mandate for mandate in mandates if mandate.valid.holds(at)), None)


def may_act(registry: Registry, processor: str, controller: str, at: int) -> bool:
    """Tell whether a processor may act for a controller: it is the same party, or has a mandate in force."""
    return processor == controller or mandate_of(registry, processor, controller, at) is not None


def _is_valid(registry: Registry, source_id: str, at: int) -> bool:
    source = registry.sources.get(source_id)
    return source is not None and source.valid.holds(at)


def _of_source(says: Callable[[Registry, str, int], bool]) -> Callable[[Held], bool]:
    """Ask of the controller of a source what is asked of any party."""

    def holds(case: Held) -> bool:
        source = case.registry.sources.get(case.source_id)
        return source is not None and says(case.registry, source.oin, case.at)

    return holds


def _answers_by_right(case: Held) -> bool:
    source = case.registry.sources.get(case.source_id)
    return source is not None and may_act(case.registry, source.processor_oin, source.oin, case.at)


def _shares(case: Asked) -> bool:
    """Tell whether some scope in force covers what is sought, and each of those includes the caller."""
    scopes = [
        each.scope
        for each in case.registry.scopes.get(case.source_id, ())
        if each.covers(case.side) and each.valid.holds(case.at)
    ]
    included = {"alle": True, "openbaar": case.caller.public, "suwi": case.caller.suwi}
    return bool(scopes) and all(included.get(scope, False) for scope in scopes)


def addressed_sources(registry: Registry, to_oin: str, via_oin: str, at: int) -> tuple[str, ...]:
    """Give the ids of the hosted sources of a controller that a processor answers for, sorted."""
    return tuple(
        each.id
        for each in sorted(registry.sources.values(), key=lambda source: source.id)
        if each.hosted
        and (each.oin, each.processor_oin) == (to_oin, via_oin)
        and all(rule.holds(Held(registry, each.id, at)) for rule in HELD_RULES)
    )


# The rules

CALLER_RULES: Final[tuple[Rule[Call], ...]] = (
    Rule(
        "certificate",
        "caller",
        "The certificate is that of viaParty.",
        "The certificate isn't that of viaParty.",
        _SECURITY,
        lambda call: call.certificate_oin == call.via_oin,
    ),
    Rule(
        "addressee",
        "caller",
        "The call is addressed to this exchange.",
        "The call is addressed to another than this exchange.",
        _SECURITY,
        lambda call: call.to_oin == call.own_oin,
    ),
    Rule(
        "mandate",
        "caller",
        "viaParty is fromParty, or has a mandate of fromParty in force.",
        "viaParty has no mandate of fromParty in force.",
        _PROCESSOR,
        lambda call: may_act(call.registry, call.via_oin, call.from_oin, call.at),
    ),
    Rule(
        "admission",
        "caller",
        "SZW admitted fromParty, and its admission is in force.",
        "SZW hasn't admitted fromParty, or its admission isn't in force.",
        _AGREEMENT,
        lambda call: is_admitted(call.registry, call.from_oin, call.at),
    ),
    Rule(
        "phase",
        "caller",
        "The phase of admission for parties like fromParty is open.",
        "The phase of admission for parties like fromParty isn't open.",
        _AGREEMENT,
        lambda call: is_phase_open(call.registry, call.from_oin, call.at),
    ),
    Rule(
        "agreement",
        "caller",
        "fromParty has accepted the version of the agreement that is in force.",
        "fromParty hasn't accepted the version of the agreement that is in force.",
        _AGREEMENT,
        lambda call: has_accepted(call.registry, call.from_oin, call.at),
    ),
)
"""Who may ask this exchange."""

EXCHANGE_RULES: Final[tuple[Rule[Call], ...]] = (
    Rule(
        "exchange-certificate",
        "exchange",
        "The certificate is that of the exchange.",
        "The certificate isn't that of the exchange.",
        _SECURITY,
        lambda call: call.certificate_oin == call.own_oin,
    ),
    Rule(
        "exchange-addressee",
        "exchange",
        "A source in force here is toParty's, and viaParty answers for it.",
        "No source in force here is toParty's with viaParty answering for it.",
        _SECURITY,
        lambda call: bool(addressed_sources(call.registry, call.to_oin, call.via_oin, call.at)),
    ),
)
"""Who may ask this server as a source (bron): the exchange, which has looked at who asks it."""

HELD_RULES: Final[tuple[Rule[Held], ...]] = (
    Rule(
        "source-registered",
        "source",
        "The source is registered, and its registration is in force.",
        "The source isn't registered, or its registration isn't in force.",
        _AGREEMENT,
        lambda held: _is_valid(held.registry, held.source_id, held.at),
    ),
    Rule(
        "source-admission",
        "source",
        "SZW admitted the source's controller, and its admission is in force.",
        "SZW hasn't admitted the source's controller, or its admission isn't in force.",
        _AGREEMENT,
        _of_source(is_admitted),
    ),
    Rule(
        "source-phase",
        "source",
        "The phase of admission for parties like the source's controller is open.",
        "The phase of admission for parties like the source's controller isn't open.",
        _AGREEMENT,
        _of_source(is_phase_open),
    ),
    Rule(
        "source-agreement",
        "source",
        "The source's controller has accepted the version of the agreement that is in force.",
        "The source's controller hasn't accepted the version of the agreement that is in force.",
        _AGREEMENT,
        _of_source(has_accepted),
    ),
    Rule(
        "source-mandate",
        "source",
        "The source's controller answers itself, or who does has its mandate in force.",
        "Who answers for the source has no mandate of its controller in force.",
        _PROCESSOR,
        _answers_by_right,
    ),
)
"""Which sources may hold records here, and answer."""

SHARING_RULES: Final[tuple[Rule[Asked], ...]] = (
    Rule(
        "sharing",
        "sharing",
        "Every scope of the source in force for what is asked includes the asking controller.",
        "No scope of the source is in force for what is asked, or one leaves out the asking controller.",
        _SHARING,
        _shares,
    ),
)
"""Which source shares with whom."""


@dataclass(frozen=True, slots=True)
class Removal:
    """An attribute that is taken out of a detail for some callers."""

    id: str
    attribute: str
    why: str
    legal_basis: str
    applies: Callable[[Caller], bool]


REMOVALS: Final[tuple[Removal, ...]] = (
    Removal(
        "ldr-outside-suwi",
        "indicatieLdrRegistratie",
        "indicatieLdrRegistratie is shown to SUWI parties only.",
        _MINIMAL,
        lambda caller: not caller.suwi,
    ),
)
"""What is taken out of a detail."""


def rules() -> list[dict[str, str]]:
    """List all rules, as data: {"id", "scope", "effect", "reason", "legalBasis"}; one entry an effect."""
    every: tuple[Rule[Any], ...] = (*CALLER_RULES, *EXCHANGE_RULES, *HELD_RULES, *SHARING_RULES)
    told = [
        {"id": rule.id, "scope": rule.scope, "effect": effect, "reason": why, "legalBasis": rule.legal_basis}
        for rule in every
        for effect, why in (("allow", rule.allows), ("refuse", rule.refuses))
    ]
    told += [
        {
            "id": each.id,
            "scope": "detail",
            "effect": "remove",
            "reason": each.why,
            "legalBasis": each.legal_basis,
        }
        for each in REMOVALS
    ]
    return told
