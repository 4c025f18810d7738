"""The rules of the exchange: who may ask, which source shares with whom, what is taken out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import plain_rules
import pytest

from api.exchange.registry import (
    KINDS,
    PHASES,
    Kind,
    Mandate,
    Party,
    Period,
    PhaseName,
    Registry,
    Scope,
    Shared,
    Source,
    SourceScope,
)
from api.exchange.rules import (
    Caller,
    Reason,
    addressed_sources,
    caller_of,
    caller_through_exchange,
    detail_removals,
    explain_caller,
    explain_exchange,
    explain_holding,
    explain_source,
    mandate_of,
    may_hold,
    permitted_sources,
    rules,
    verdict,
)
from data.standard.werkzoekende import Werkzoekende

NOW = 1_000
ALWAYS = Period(0)
OVER = Period(0, NOW)
TO_COME = Period(NOW + 1)

EXCHANGE = f"{1:020}"
GEMEENTE = f"{2:020}"
SUPPLIER = f"{3:020}"
OPENBAAR = f"{4:020}"
PRIVAAT = f"{5:020}"
NOBODY = f"{9:020}"

SIDES: tuple[Shared, ...] = get_args(Shared)


def party(
    oin: str, kind: Kind, *, suwi: bool = False, pilot: bool = False, admitted: Period = ALWAYS
) -> Party:
    return Party(oin, "Naam", kind, suwi, pilot, admitted)


def source(name: str = "bron", oin: str = GEMEENTE, *, by: str = "", valid: Period = ALWAYS) -> Source:
    return Source(name, oin, by or oin, "Naam", True, None, False, valid)


def scope(scope: Scope, side: Shared | None = None, valid: Period = ALWAYS) -> SourceScope:
    return SourceScope(1, "bron", side, scope, valid)


WORLD = Registry(
    parties={
        each.oin: each
        for each in (
            party(GEMEENTE, "gemeente", suwi=True),
            party(OPENBAAR, "openbaar"),
            party(PRIVAAT, "privaat"),
        )
    },
    mandates={(SUPPLIER, GEMEENTE): (Mandate(7, SUPPLIER, GEMEENTE, ALWAYS),)},
    phases=dict.fromkeys(PHASES, 0),
    agreements=((0, "1.0"),),
    acceptances={(oin, "1.0"): 0 for oin in (GEMEENTE, OPENBAAR, PRIVAAT)},
    sources={"bron": source()},
    scopes={"bron": (scope("alle"),)},
)
"""Everybody takes part, and the one source shares with all."""


def explained(
    world: Registry = WORLD,
    certificate: str = SUPPLIER,
    sender: str = GEMEENTE,
    via: str = SUPPLIER,
    to: str = EXCHANGE,
    at: int = NOW,
) -> tuple[Reason, ...]:
    return explain_caller(world, certificate, sender, via, to, EXCHANGE, at)


def refused_by(reasons: tuple[Reason, ...]) -> list[str]:
    assert verdict(reasons) == all(reason.effect == "allow" for reason in reasons)
    return [reason.rule for reason in reasons if reason.effect == "refuse"]


def sees(world: Registry, asking: str, side: Shared = "werkzoekende", at: int = NOW) -> bool:
    found = permitted_sources(world, caller_of(world, asking, asking, "f"), side, at)
    assert found in ((), ("bron",))
    return bool(found)


def with_party(**changes: Any) -> Registry:
    """The world in which the municipality is different."""
    return replace(WORLD, parties={**WORLD.parties, GEMEENTE: replace(WORLD.parties[GEMEENTE], **changes)})


# The verdict


def test_without_a_rule_the_answer_is_no() -> None:
    assert not verdict(())


@pytest.mark.parametrize("allows", [0, 1, 5])
def test_one_refusal_settles_it_wherever_it_stands(allows: int) -> None:
    allow = Reason("a", "allow", "", None, "")
    refuse = Reason("b", "refuse", "", None, "")
    assert verdict((allow,))
    for place in range(allows + 1):
        reasons = [allow] * allows
        reasons.insert(place, refuse)
        assert not verdict(tuple(reasons))


def test_a_decision_explains_every_rule_whatever_the_others_say() -> None:
    for world in (WORLD, Registry()):
        told = [reason.rule for reason in explained(world)]
        assert told == ["certificate", "addressee", "mandate", "admission", "phase", "agreement"]
    caller = caller_of(WORLD, GEMEENTE, GEMEENTE, "f")
    for name in ("bron", "no-such-source"):
        reasons = explain_source(WORLD, caller, name, "vacature", NOW)
        assert len(reasons) == 6
        assert {reason.source for reason in reasons} == {name}


def test_the_list_of_rules_has_a_reason_and_a_ground_for_each_effect() -> None:
    listed = rules()
    assert all(all(each.values()) for each in listed)
    assert len({(each["id"], each["effect"]) for each in listed}) == len(listed)
    world, caller = Registry(), caller_of(WORLD, GEMEENTE, GEMEENTE, "f")
    told = {
        (reason.rule, reason.effect, reason.why, reason.legal_basis)
        for each in (WORLD, world)
        for reason in (
            *explained(each),
            *explain_source(each, caller, "bron", "vacature", NOW),
            *explain_exchange(each, EXCHANGE if each is WORLD else "", GEMEENTE, GEMEENTE, EXCHANGE, NOW),
        )
    }
    told |= {
        (reason.rule, reason.effect, reason.why, reason.legal_basis)
        for reason in explained(world, certificate=NOBODY, to=NOBODY)
    }
    decided = {
        (each["id"], each["effect"], each["reason"], each["legalBasis"])
        for each in listed
        if each["effect"] != "remove"
    }
    assert told == decided


# Who may ask: the permitted request, and its nearest refused neighbours


def test_a_processor_asks_for_a_controller_that_takes_part() -> None:
    assert refused_by(explained()) == []


def test_a_controller_asks_for_itself_without_a_mandate() -> None:
    assert refused_by(explained(certificate=GEMEENTE, via=GEMEENTE)) == []
    assert refused_by(explained(certificate=OPENBAAR, via=OPENBAAR, sender=OPENBAAR)) == []


@pytest.mark.parametrize("certificate", [GEMEENTE, NOBODY, "", SUPPLIER[:-1], f"{SUPPLIER}\n"])
def test_another_certificate_than_that_of_via_party_is_refused(certificate: str) -> None:
    assert refused_by(explained(certificate=certificate)) == ["certificate"]


@pytest.mark.parametrize("to", [GEMEENTE, NOBODY, ""])
def test_a_call_to_another_exchange_is_refused(to: str) -> None:
    assert refused_by(explained(to=to)) == ["addressee"]


@pytest.mark.parametrize("valid", [OVER, TO_COME])
def test_a_mandate_that_is_not_in_force_is_refused(valid: Period) -> None:
    world = replace(WORLD, mandates={(SUPPLIER, GEMEENTE): (Mandate(7, SUPPLIER, GEMEENTE, valid),)})
    assert refused_by(explained(world)) == ["mandate"]


def test_a_mandate_of_another_controller_or_the_other_way_round_is_refused() -> None:
    assert refused_by(explained(sender=OPENBAAR)) == ["mandate"]
    world = replace(WORLD, mandates={(GEMEENTE, SUPPLIER): (Mandate(7, GEMEENTE, SUPPLIER, ALWAYS),)})
    assert refused_by(explained(world)) == ["mandate"]


def test_the_mandate_in_force_is_the_one_that_is_told() -> None:
    mandates = tuple(Mandate(n, SUPPLIER, GEMEENTE, each) for n, each in enumerate((OVER, ALWAYS, TO_COME)))
    world = replace(WORLD, mandates={(SUPPLIER, GEMEENTE): mandates})
    assert mandate_of(world, SUPPLIER, GEMEENTE, NOW) == mandates[1]
    assert mandate_of(world, SUPPLIER, OPENBAAR, NOW) is None


@pytest.mark.parametrize("admitted", [OVER, TO_COME])
def test_a_party_whose_admission_is_not_in_force_is_refused(admitted: Period) -> None:
    assert refused_by(explained(with_party(admitted=admitted))) == ["admission"]


def test_a_party_that_was_never_admitted_is_refused() -> None:
    reasons = explained(certificate=NOBODY, via=NOBODY, sender=NOBODY)
    assert refused_by(reasons) == ["admission", "phase", "agreement"]


def test_a_processor_needs_no_admission_of_its_own() -> None:
    assert SUPPLIER not in WORLD.parties
    assert refused_by(explained()) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("opened", [(), *((name,) for name in PHASES), PHASES[1:]])
@pytest.mark.parametrize("pilot", [False, True])
def test_a_phase_that_is_not_open_admits_nobody_of_its_kind(
    kind: Kind, opened: tuple[PhaseName, ...], pilot: bool
) -> None:
    own = {"uwv": "gemeenten_uwv", "gemeente": "gemeenten_uwv"}.get(kind, kind)
    goes_ahead = pilot and kind in ("uwv", "gemeente") and "pilot" in opened
    for moments in (
        dict.fromkeys(opened, NOW),
        {name: (0 if name in opened else None) for name in PHASES},
    ):
        world = replace(with_party(kind=kind, pilot=pilot), phases=moments)
        assert refused_by(explained(world)) == ([] if own in opened or goes_ahead else ["phase"])
        assert refused_by(explained(replace(world, phases=dict.fromkeys(opened, NOW + 1)))) == ["phase"]


def test_only_who_accepted_the_version_in_force_may_ask() -> None:
    newer = replace(WORLD, agreements=((0, "1.0"), (NOW, "2.0")))
    assert refused_by(explained(newer, at=NOW - 1)) == []
    assert refused_by(explained(newer)) == ["agreement"]
    accepted = {**WORLD.acceptances, (GEMEENTE, "2.0"): NOW}
    assert refused_by(explained(replace(newer, acceptances=accepted))) == []
    later = {**WORLD.acceptances, (GEMEENTE, "2.0"): NOW + 1}
    assert refused_by(explained(replace(newer, acceptances=later))) == ["agreement"]
    of_another = {**WORLD.acceptances, (OPENBAAR, "2.0"): NOW}
    assert refused_by(explained(replace(newer, acceptances=of_another))) == ["agreement"]
    assert refused_by(explained(replace(WORLD, agreements=()))) == ["agreement"]


# Which source shares with whom


@pytest.mark.parametrize(
    ("scope_name", "included"),
    [("suwi", {GEMEENTE}), ("openbaar", {GEMEENTE, OPENBAAR}), ("alle", {GEMEENTE, OPENBAAR, PRIVAAT})],
)
def test_a_source_shares_with_its_scope_only(scope_name: Scope, included: set[str]) -> None:
    world = replace(WORLD, scopes={"bron": (scope(scope_name),)})
    assert {oin for oin in WORLD.parties if sees(world, oin)} == included


def test_a_source_without_a_scope_in_force_shares_with_nobody_not_even_its_owner() -> None:
    for scopes in ((), (scope("alle", valid=OVER),), (scope("alle", valid=TO_COME),)):
        assert not sees(replace(WORLD, scopes={"bron": scopes}), GEMEENTE)
    assert not sees(replace(WORLD, scopes={}), GEMEENTE)
    assert not sees(replace(WORLD, scopes={"another": (scope("alle"),)}), GEMEENTE)


@pytest.mark.parametrize("side", SIDES)
def test_a_scope_covers_its_side_only(side: Shared) -> None:
    world = replace(WORLD, scopes={"bron": (scope("alle", side),)})
    assert [each for each in SIDES if sees(world, GEMEENTE, each)] == [side]


def test_contacts_with_employers_are_shared_only_where_that_is_said() -> None:
    assert [each for each in SIDES if sees(WORLD, GEMEENTE, each)] == ["werkzoekende", "vacature"]


def test_a_second_scope_can_only_take_away() -> None:
    world = replace(WORLD, scopes={"bron": (scope("alle"), scope("suwi", "vacature"))})
    assert sees(world, PRIVAAT, "werkzoekende")
    assert not sees(world, PRIVAAT, "vacature")
    assert sees(world, GEMEENTE, "vacature")


@pytest.mark.parametrize("valid", [OVER, TO_COME])
def test_a_source_that_is_not_in_force_is_not_asked(valid: Period) -> None:
    world = replace(WORLD, sources={"bron": source(valid=valid)})
    assert refused_by(explain_holding(world, "bron", NOW)) == ["source-registered"]
    assert not sees(world, OPENBAAR)


def test_a_source_whose_controller_does_not_take_part_is_not_asked() -> None:
    for world, rule in (
        (with_party(admitted=OVER), "source-admission"),
        (replace(WORLD, phases={"openbaar": 0}), "source-phase"),
        (replace(WORLD, acceptances={(OPENBAAR, "1.0"): 0}), "source-agreement"),
    ):
        assert refused_by(explain_holding(world, "bron", NOW)) == [rule]
        assert not may_hold(world, "bron", NOW)
        assert not sees(world, OPENBAAR)


def test_who_answers_for_a_source_needs_a_mandate_of_its_controller() -> None:
    world = replace(WORLD, sources={"bron": source(by=SUPPLIER)})
    assert may_hold(world, "bron", NOW)
    assert refused_by(explain_holding(replace(world, mandates={}), "bron", NOW)) == ["source-mandate"]


def test_a_source_that_nobody_registered_is_refused() -> None:
    assert not may_hold(WORLD, "no-such-source", NOW)
    assert len(refused_by(explain_holding(WORLD, "no-such-source", NOW))) == 5


def test_permitted_sources_come_in_the_order_of_their_ids() -> None:
    names = ("b", "a-1", "a", "c")
    world = replace(
        WORLD,
        sources={name: source(name) for name in names},
        scopes={name: (scope("alle"),) for name in names[:3]},
    )
    assert permitted_sources(world, caller_of(world, OPENBAAR, OPENBAAR, "f"), "vacature", NOW) == (
        "a",
        "a-1",
        "b",
    )


# What is taken out


def test_the_ldr_indication_is_taken_out_for_parties_outside_suwi() -> None:
    assert detail_removals(caller_of(WORLD, GEMEENTE, SUPPLIER, "f")) == ()
    for oin in (OPENBAAR, PRIVAAT, NOBODY):
        assert detail_removals(caller_of(WORLD, oin, oin, "f")) == ("indicatieLdrRegistratie",)


def test_what_is_taken_out_is_an_attribute_of_the_standard() -> None:
    assert set(detail_removals(Caller(OPENBAAR, OPENBAAR, False, "f"))) <= Werkzoekende.model_fields.keys()


def test_what_a_caller_is_stands_in_the_registry() -> None:
    assert caller_of(WORLD, GEMEENTE, SUPPLIER, "f") == Caller(GEMEENTE, SUPPLIER, True, "f", True)
    assert caller_of(WORLD, OPENBAAR, OPENBAAR, "f") == Caller(OPENBAAR, OPENBAAR, False, "f", True)
    assert caller_of(WORLD, PRIVAAT, PRIVAAT, "f") == Caller(PRIVAAT, PRIVAAT, False, "f", False)
    assert caller_of(WORLD, NOBODY, NOBODY, "f") == Caller(NOBODY, NOBODY, False, "f", False)


# As a source of another exchange


def test_only_the_exchange_asks_a_source() -> None:
    asked = (WORLD, GEMEENTE, GEMEENTE, EXCHANGE, NOW)
    assert verdict(explain_exchange(asked[0], EXCHANGE, *asked[1:]))
    for certificate in (GEMEENTE, NOBODY, ""):
        assert refused_by(explain_exchange(asked[0], certificate, *asked[1:])) == ["exchange-certificate"]


def test_the_exchange_asks_sources_that_are_here_and_answered_by_via_party() -> None:
    elsewhere = replace(source("verre-bron"), hosted=False, url="https://bron.example")
    world = replace(WORLD, sources={"bron": source(by=SUPPLIER), "verre-bron": elsewhere})
    assert addressed_sources(world, GEMEENTE, SUPPLIER, NOW) == ("bron",)
    assert verdict(explain_exchange(world, EXCHANGE, SUPPLIER, GEMEENTE, EXCHANGE, NOW))
    for via, to in ((GEMEENTE, GEMEENTE), (SUPPLIER, OPENBAAR), (SUPPLIER, NOBODY), ("", "")):
        assert refused_by(explain_exchange(world, EXCHANGE, via, to, EXCHANGE, NOW)) == ["exchange-addressee"]
    without = replace(world, mandates={})
    assert refused_by(explain_exchange(without, EXCHANGE, SUPPLIER, GEMEENTE, EXCHANGE, NOW)) == [
        "exchange-addressee"
    ]


def test_the_word_of_the_exchange_on_suwi_counts_for_parties_that_are_not_known_here() -> None:
    for said in (False, True):
        caller = caller_through_exchange(WORLD, NOBODY, GEMEENTE, "f", suwi=said)
        assert (caller.suwi, caller.public) == (said, said)


def test_what_is_known_here_takes_away_from_the_word_of_the_exchange() -> None:
    for oin, suwi, public in ((GEMEENTE, True, True), (OPENBAAR, False, True), (PRIVAAT, False, False)):
        told = caller_through_exchange(WORLD, oin, GEMEENTE, "f", suwi=True)
        assert (told.suwi, told.public) == (suwi, public)
        assert not caller_through_exchange(WORLD, oin, GEMEENTE, "f", suwi=False).suwi


# Against the rules told anew


PERIODS = [(0, None), (0, NOW + 1), (NOW, None), (0, NOW), (NOW + 1, None), (NOW - 1, NOW + 1)]
MOMENTS = [0, NOW, NOW + 1, None]
OINS = [GEMEENTE, SUPPLIER, OPENBAAR]
HOLDERS = [*OINS, NOBODY]
ABOUT = ["", "", *SIDES]
WHOM: tuple[Scope, ...] = get_args(Scope)
SOURCES = ["bron-a", "bron-b"]
DRAWS = 96


class Draws:
    """Draws from lists, from a row of numbers 0..255."""

    def __init__(self, row: list[int]) -> None:
        self._numbers = iter(row)

    def one(self, options: Any) -> Any:
        return options[next(self._numbers) % len(options)]

    def chance(self, of_256: int) -> bool:
        return next(self._numbers) < of_256

    def period(self) -> tuple[int, int | None]:
        # Mostly in force, or nobody would ever be let through all rules at once.
        return self.one(PERIODS) if self.chance(70) else (0, None)


def state_of(draws: Draws) -> plain_rules.State:
    """Make a state of the world by chance, around the moment NOW."""

    def row(names: str, *values: Any) -> dict[str, Any]:
        start, end = draws.period()
        return {**dict(zip(names.split(), values, strict=True)), "start": start, "end": end}

    phases = {name: draws.one(MOMENTS) if draws.chance(70) else 0 for name in PHASES}
    starts = {"1.0": draws.one([0, 0, 0, NOW, None]), "2.0": draws.one([NOW - 1, NOW, NOW + 1, None])}
    return {
        "parties": [
            row("oin kind suwi pilot", oin, draws.one(KINDS), draws.chance(128), draws.chance(128))
            for oin in OINS
            if draws.chance(235)
        ],
        "mandates": [
            row("processor controller", draws.one(HOLDERS), draws.one(OINS))
            for _ in range(draws.one(range(5)))
        ],
        "phases": {name: at for name, at in phases.items() if at is not None},
        "agreements": [
            {"version": version, "start": start}
            for version, start in starts.items()
            if start is not None and not (version == "1.0" and start == starts["2.0"])
        ],
        "accepted": [
            {"oin": oin, "version": version, "when": draws.one([0, 0, 0, NOW, NOW + 1])}
            for oin in OINS
            for version in starts
            if draws.chance(220)
        ],
        "sources": [
            row("name owner processor", name, owner, owner if draws.chance(150) else draws.one(HOLDERS))
            for name in SOURCES
            for owner in [draws.one(OINS)]
            if draws.chance(240)
        ],
        "scopes": [
            row("source about whom", draws.one(SOURCES), draws.one(ABOUT), draws.one(WHOM))
            for _ in range(draws.one(range(6)))
        ],
    }


def registry_of(state: plain_rules.State) -> Registry:
    """The same state as the exchange keeps it."""

    def period(row: dict[str, Any]) -> Period:
        return Period(row["start"], row["end"])

    mandates: dict[tuple[str, str], tuple[Mandate, ...]] = {}
    for each in state["mandates"]:
        pair = each["processor"], each["controller"]
        mandates[pair] = (*mandates.get(pair, ()), Mandate(0, *pair, period(each)))
    scopes: dict[str, tuple[SourceScope, ...]] = {}
    for each in state["scopes"]:
        name = each["source"]
        made = SourceScope(0, name, each["about"] or None, each["whom"], period(each))
        scopes[name] = (*scopes.get(name, ()), made)
    return Registry(
        parties={
            each["oin"]: Party(each["oin"], "", each["kind"], each["suwi"], each["pilot"], period(each))
            for each in state["parties"]
        },
        mandates=mandates,
        phases=state["phases"],
        agreements=tuple(sorted((each["start"], each["version"]) for each in state["agreements"])),
        acceptances={(each["oin"], each["version"]): each["when"] for each in state["accepted"]},
        sources={
            each["name"]: Source(
                each["name"], each["owner"], each["processor"], "", True, None, False, period(each)
            )
            for each in state["sources"]
        },
        scopes=scopes,
    )


def random_rows(count: int) -> Iterator[list[int]]:
    random = np.random.default_rng(20261125)
    for start in range(0, count, 10_000):
        yield from random.integers(0, 256, (min(10_000, count - start), DRAWS), dtype=np.uint8).tolist()


def test_decisions_equal_those_of_the_rules_told_anew(request: pytest.FixtureRequest) -> None:
    count = request.config.getoption("--states")
    refusals: Counter[tuple[str, ...]] = Counter()
    permitted = 0
    for row in random_rows(count):
        draws = Draws(row)
        state = state_of(draws)
        world = registry_of(state)
        sender = draws.one(HOLDERS)
        via = draws.one(HOLDERS) if draws.chance(128) else sender
        certificate = draws.one([*HOLDERS, ""]) if draws.chance(40) else via
        to = draws.one([EXCHANGE, GEMEENTE, ""]) if draws.chance(40) else EXCHANGE

        reasons = explain_caller(world, certificate, sender, via, to, EXCHANGE, NOW)
        expected = plain_rules.may_ask(state, NOW, certificate, sender, via, to, EXCHANGE)
        assert verdict(reasons) == expected, (state, certificate, sender, via, to)
        refusals[tuple(refused_by(reasons))] += 1

        caller = caller_of(world, sender, via, "f")
        side = draws.one(SIDES)
        seen = tuple(name for name in SOURCES if plain_rules.may_see(state, NOW, sender, name, side))
        assert permitted_sources(world, caller, side, NOW) == seen, (state, sender, side)
        for name in SOURCES:
            assert may_hold(world, name, NOW) == plain_rules.may_hold(state, NOW, name), (state, name)
            for reason in explain_source(world, caller, name, side, NOW):
                refusals[(reason.rule,)] += reason.effect == "refuse"
        shown = plain_rules.shows_ldr(state, sender)
        assert (detail_removals(caller) == ()) == shown, (state, sender)
        permitted += expected and bool(seen)
    # The states are of use: each rule is often the only one that refuses, and much is permitted.
    alone = {
        rule: refusals[(rule,)]
        for rule in ("certificate", "addressee", "mandate", "admission", "phase", "agreement")
    }
    assert min(alone.values()) > count / 200, alone
    assert refusals[()] > count / 20
    assert permitted > count / 100
