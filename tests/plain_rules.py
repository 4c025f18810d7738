"""Who may take part and what is shown to whom, told anew as plainly as it can be, to test the rules against.

It shares no code with the exchange and has shapes of its own: a state of the world is a dict of lists of
rows.

    parties     oin, kind, suwi, pilot, start, end
    mandates    processor, controller, start, end
    phases      {"pilot" | "gemeenten_uwv" | "openbaar" | "privaat": the moment it opens}, those that do
    agreements  version, start
    accepted    oin, version, when
    sources     name, owner, processor, start, end
    scopes      source, about ("werkzoekende", "vacature", "werkgeverscontactmoment"; "" for the first two),
                whom ("suwi", "openbaar", "alle"), start, end

An end of None is no end. A start belongs to a period, its end doesn't.
"""

from typing import Any

State = dict[str, Any]


def may_ask(state: State, now: int, certificate: str, sender: str, via: str, to: str, exchange: str) -> bool:
    """A bemiddelaar asks the exchange."""
    if certificate != via:
        return False
    if to != exchange:
        return False
    if via != sender and not _has_mandate(state, via, sender, now):
        return False
    return _takes_part(state, sender, now)


def may_hold(state: State, now: int, name: str) -> bool:
    """A source may have records and answer."""
    for source in state["sources"]:
        if source["name"] == name:
            if source["start"] > now:
                return False
            if source["end"] is not None and source["end"] <= now:
                return False
            if not _takes_part(state, source["owner"], now):
                return False
            if source["processor"] == source["owner"]:
                return True
            return _has_mandate(state, source["processor"], source["owner"], now)
    return False


def may_see(state: State, now: int, asking: str, name: str, about: str) -> bool:
    """A source shares what is asked about with the party that asks."""
    if not may_hold(state, now, name):
        return False
    shared = False
    for scope in state["scopes"]:
        if scope["source"] != name:
            continue
        if scope["start"] > now:
            continue
        if scope["end"] is not None and now >= scope["end"]:
            continue
        if scope["about"] == "" and about == "werkgeverscontactmoment":
            continue
        if scope["about"] != "" and scope["about"] != about:
            continue
        if scope["whom"] == "suwi" and not _is_suwi(state, asking):
            return False
        if scope["whom"] == "openbaar" and not _is_public(state, asking):
            return False
        shared = True
    return shared


def shows_ldr(state: State, asking: str) -> bool:
    """indicatieLdrRegistratie is in the detail that a party gets."""
    return _is_suwi(state, asking)


def _takes_part(state: State, oin: str, now: int) -> bool:
    for party in state["parties"]:
        if party["oin"] == oin:
            if now < party["start"]:
                return False
            if party["end"] is not None and now >= party["end"]:
                return False
            if not _let_in(state, party, now):
                return False
            return _signed(state, oin, now)
    return False


def _let_in(state: State, party: dict[str, Any], now: int) -> bool:
    phases = state["phases"]
    if party["kind"] == "gemeente" or party["kind"] == "uwv":
        if party["pilot"] and "pilot" in phases and phases["pilot"] <= now:
            return True
        return "gemeenten_uwv" in phases and phases["gemeenten_uwv"] <= now
    if party["kind"] == "openbaar":
        return "openbaar" in phases and phases["openbaar"] <= now
    if party["kind"] == "privaat":
        return "privaat" in phases and phases["privaat"] <= now
    return False


def _signed(state: State, oin: str, now: int) -> bool:
    current = None
    for agreement in state["agreements"]:
        if agreement["start"] <= now and (current is None or agreement["start"] > current["start"]):
            current = agreement
    if current is None:
        return False
    for signature in state["accepted"]:
        if signature["oin"] == oin and signature["version"] == current["version"]:
            return bool(signature["when"] <= now)
    return False


def _has_mandate(state: State, processor: str, controller: str, now: int) -> bool:
    for mandate in state["mandates"]:
        if mandate["processor"] != processor or mandate["controller"] != controller:
            continue
        if mandate["start"] <= now and (mandate["end"] is None or now < mandate["end"]):
            return True
    return False


def _is_suwi(state: State, oin: str) -> bool:
    for party in state["parties"]:
        if party["oin"] == oin:
            return bool(party["suwi"])
    return False


def _is_public(state: State, oin: str) -> bool:
    for party in state["parties"]:
        if party["oin"] == oin:
            return bool(party["kind"] != "privaat")
    return False
