"""The registry as it stands, and when it is read anew."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registries import GEMEENTE, SUPPLIER, Clock, FakeLog, fill
from sqlalchemy import Connection, event

from api.clock import DAY
from api.exchange.administration import Administration
from api.exchange.registry import (
    Mandate,
    Party,
    Period,
    Registry,
    RegistryReader,
    Source,
    SourceScope,
    read_registry,
)
from api.exchange.rules import caller_of, explain_caller, permitted_sources, verdict
from api.store import Store

PERIODS = st.builds(
    lambda first, length: Period(first, None if length is None else first + length),
    st.integers(0, 12),
    st.none() | st.integers(0, 12),
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def administration(store: Store, clock: Clock) -> Administration:
    made = Administration(FakeLog(store), clock, "beheerder")
    fill(made)
    return made


@given(PERIODS, PERIODS)
def test_two_periods_overlap_where_a_moment_is_in_both(one: Period, other: Period) -> None:
    moments = [at for at in range(30) if one.holds(at) and other.holds(at)]
    assert one.overlaps(other) == other.overlaps(one) == bool(moments)


def test_a_period_holds_from_its_first_moment_until_just_before_its_last() -> None:
    assert [Period(2, 4).holds(at) for at in (1, 2, 3, 4)] == [False, True, True, False]
    assert [Period(2).holds(at) for at in (1, 2, 2**52)] == [False, True, True]


def test_an_empty_store_has_an_empty_registry(store: Store) -> None:
    assert RegistryReader(store).current() == Registry()


def test_the_registry_holds_what_administration_put_there(
    store: Store, administration: Administration, clock: Clock
) -> None:
    administration.declare_no_bsn("bron", "Wij verklaren …")
    administration.set_scope("bron", "suwi", side="werkgeverscontactmoment", until=clock.now + DAY)
    now = clock.now
    valid = Period(now)
    assert RegistryReader(store).current() == Registry(
        version=12,
        parties={GEMEENTE: Party(GEMEENTE, "Gemeente", "gemeente", True, False, valid)},
        mandates={(SUPPLIER, GEMEENTE): (Mandate(1, SUPPLIER, GEMEENTE, valid),)},
        phases={"pilot": now, "gemeenten_uwv": now, "openbaar": now, "privaat": now},
        agreements=((now, "1.0"),),
        acceptances={(GEMEENTE, "1.0"): now},
        sources={"bron": Source("bron", GEMEENTE, GEMEENTE, "Bron", True, None, True, valid)},
        scopes={
            "bron": (
                SourceScope(1, "bron", None, "alle", valid),
                SourceScope(2, "bron", "werkgeverscontactmoment", "suwi", Period(now, now + DAY)),
            )
        },
    )


def test_the_version_that_counts_is_the_latest_in_force() -> None:
    registry = Registry(agreements=((10, "1.0"), (20, "0.9"), (30, "3")))
    found = [registry.current_agreement(at) for at in (9, 10, 19, 20, 29, 30)]
    assert found == [None, "1.0", "1.0", "0.9", "0.9", "3"]


def test_the_registry_is_read_again_only_where_it_has_changed(
    store: Store, administration: Administration
) -> None:
    reader = RegistryReader(store)
    first = reader.current()
    asked: list[str] = []

    def remember(_: Connection, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    event.listen(store._reader, "before_cursor_execute", remember)
    assert reader.current() is first
    assert all("registry_version" in each for each in asked)
    administration.change_party(GEMEENTE, name="Gemeente Elders")
    second = reader.current()
    assert second is not first
    assert second.parties[GEMEENTE].name == "Gemeente Elders"
    assert first.parties[GEMEENTE].name == "Gemeente"
    assert any("party" in each for each in asked)


def test_only_a_registry_in_a_file_that_has_not_changed_is_given_at_once(
    store: Store, administration: Administration
) -> None:
    reader = RegistryReader(store)
    assert reader.at_once() is None
    current = reader.current()
    assert reader.at_once() is (current if store.dialect == "sqlite" else None)
    administration.change_party(GEMEENTE, name="Gemeente Elders")
    assert reader.at_once() is None


@pytest.mark.parametrize(
    "revoke",
    [
        lambda administration: administration.end_party(GEMEENTE),
        lambda administration: administration.end_mandate(1),
        lambda administration: administration.end_source("bron"),
        lambda administration: administration.end_scope(1),
        lambda administration: administration.add_agreement("2.0"),
        lambda administration: [
            administration.close_phase(name) for name in ("privaat", "openbaar", "gemeenten_uwv")
        ],
    ],
    ids=["party", "mandate", "source", "scope", "agreement", "phase"],
)
def test_what_is_revoked_counts_at_the_next_request_in_every_process(
    store: Store, administration: Administration, clock: Clock, revoke: Callable[[Administration], object]
) -> None:
    elsewhere = Store(store.url.render_as_string(hide_password=False))
    readers = [RegistryReader(store), RegistryReader(elsewhere)]

    def permitted(registry: Registry) -> bool:
        caller = caller_of(registry, GEMEENTE, SUPPLIER, "f")
        asks = explain_caller(registry, SUPPLIER, GEMEENTE, SUPPLIER, GEMEENTE, GEMEENTE, clock.now)
        return verdict(asks) and bool(permitted_sources(registry, caller, "vacature", clock.now))

    assert [permitted(reader.current()) for reader in readers] == [True, True]
    clock.now += 1
    revoke(administration)
    assert [permitted(reader.current()) for reader in readers] == [False, False]
    elsewhere.close()


def test_a_change_that_is_not_committed_is_not_seen(store: Store, administration: Administration) -> None:
    log = FakeLog(store)
    reader = RegistryReader(store)
    before = reader.current()
    log.fails = True
    with pytest.raises(OSError, match="full"):
        Administration(log, Clock(), "beheerder").close_phase("privaat")
    assert reader.current() is before


def test_the_registry_is_read_in_one_state(store: Store, administration: Administration) -> None:
    with store.read() as connection:
        before = read_registry(connection)
        administration.end_mandate(1, Clock().now + 1)
        assert read_registry(connection) == before
