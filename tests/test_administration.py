"""Changes of the registry: each checked, each logged, or not made at all."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from registries import GEMEENTE, NOBODY, PRIVAAT, SUPPLIER, Clock, FakeLog, fill
from sqlalchemy import select
from stores import BACKENDS, migrate, postgres_database

from api.clock import DAY
from api.exchange.administration import Administration, RegistryError
from api.exchange.audit import Audit
from api.exchange.checkpoints import Checkpoints, create_signing_key, read_signing_key
from api.exchange.registry import KINDS, PHASES, SCOPES, SHARED, Period, Registry, RegistryReader
from api.exchange.rules import may_hold
from api.store import Store, tables

NOW = Clock().now
OTHER = f"{4:020}"

Change = Callable[[Any], Any]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(store: Store) -> FakeLog:
    return FakeLog(store)


@pytest.fixture
def administration(log: FakeLog, clock: Clock) -> Administration:
    made = Administration(log, clock, "beheerder")
    fill(made)
    clock.now += 1
    return made


def registry(store: Store) -> Registry:
    return RegistryReader(store).current()


CHANGES: dict[str, Change] = {
    "admit-party": lambda a: a.admit_party(PRIVAAT, "Bureau", "privaat", until=NOW + DAY),
    "change-party": lambda a: a.change_party(GEMEENTE, pilot=True),
    "end-party": lambda a: a.end_party(GEMEENTE),
    "add-mandate": lambda a: a.add_mandate(OTHER, GEMEENTE, first=NOW + DAY),
    "end-mandate": lambda a: a.end_mandate(1, NOW + DAY),
    "open-phase": lambda a: a.open_phase("pilot", NOW - DAY),
    "close-phase": lambda a: a.close_phase("privaat"),
    "add-agreement": lambda a: a.add_agreement("2.0", NOW + DAY),
    "register-source": lambda a: a.register_source(
        "elders", GEMEENTE, "Elders", url="https://bron.example/vum/v3"
    ),
    "change-source": lambda a: a.change_source("bron", processor_oin=SUPPLIER),
    "end-source": lambda a: a.end_source("bron"),
    "set-scope": lambda a: a.set_scope("bron", "suwi", side="werkgeverscontactmoment"),
    "end-scope": lambda a: a.end_scope(1),
    "declare-no-bsn": lambda a: a.declare_no_bsn("bron", "Onze nummers zijn geen BSN.\nGetekend"),
}


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_is_made_with_its_entry_in_the_log_or_not_at_all(
    action: str, store: Store, administration: Administration, log: FakeLog
) -> None:
    before, entries = registry(store), len(log.entries)
    log.fails = True
    with pytest.raises(OSError, match="full"):
        CHANGES[action](administration)
    assert registry(store) == before
    log.fails = False
    CHANGES[action](administration)
    assert registry(store) != before
    assert registry(store).version == before.version + 1
    (entry,) = log.entries[entries:]
    assert entry["action"] == action
    assert entry["actor"] == "beheerder"
    assert entry["registry"] == registry(store).version
    assert entry["values"]
    assert "geen BSN" not in str(entry)


NONSENSE: dict[str, Change] = {
    "an OIN of 19 digits": lambda a: a.admit_party("1" * 19, "Naam", "uwv"),
    "an OIN of 21 digits": lambda a: a.admit_party("1" * 21, "Naam", "uwv"),
    "an OIN with a letter": lambda a: a.admit_party("1" * 19 + "x", "Naam", "uwv"),
    "an OIN of other digits": lambda a: a.admit_party("١" * 20, "Naam", "uwv"),
    "an OIN and a line end": lambda a: a.admit_party("1" * 20 + "\n", "Naam", "uwv"),
    "a party without a name": lambda a: a.admit_party(OTHER, " ", "uwv"),
    "a name of 201 characters": lambda a: a.admit_party(OTHER, "x" * 201, "uwv"),
    "a name that steers a terminal": lambda a: a.admit_party(OTHER, "x\x1b[2J", "uwv"),
    "a name of half a character": lambda a: a.admit_party(OTHER, "x\ud800", "uwv"),
    "an unknown kind": lambda a: a.admit_party(OTHER, "Naam", "bank"),
    "a private party in SUWI": lambda a: a.admit_party(OTHER, "Naam", "privaat", suwi=True),
    "a private party in the pilot": lambda a: a.admit_party(OTHER, "Naam", "privaat", pilot=True),
    "a SUWI party made private": lambda a: a.change_party(GEMEENTE, kind="privaat"),
    "a party twice": lambda a: a.admit_party(GEMEENTE, "Naam", "gemeente"),
    "an end before the start": lambda a: a.admit_party(OTHER, "Naam", "uwv", first=NOW + 9, until=NOW + 8),
    "an end at the start": lambda a: a.admit_party(OTHER, "Naam", "uwv", first=NOW + 9, until=NOW + 9),
    "a period that is over": lambda a: a.admit_party(OTHER, "Naam", "uwv", first=0, until=NOW),
    "a time before 1970": lambda a: a.admit_party(OTHER, "Naam", "uwv", first=-1),
    "a time after 9999": lambda a: a.admit_party(OTHER, "Naam", "uwv", until=253_402_300_800_000_000),
    "no change of a party": lambda a: a.change_party(GEMEENTE),
    "a change of an unknown party": lambda a: a.change_party(NOBODY, name="Naam"),
    "a party without a name any more": lambda a: a.change_party(GEMEENTE, name=""),
    "an end of an unknown party": lambda a: a.end_party(NOBODY),
    "an end in the past": lambda a: a.end_party(GEMEENTE, NOW),
    "a mandate of an unknown party": lambda a: a.add_mandate(SUPPLIER, NOBODY),
    "a mandate for oneself": lambda a: a.add_mandate(GEMEENTE, GEMEENTE),
    "a mandate for no OIN": lambda a: a.add_mandate("supplier", GEMEENTE),
    "a mandate that overlaps": lambda a: a.add_mandate(SUPPLIER, GEMEENTE, first=NOW + DAY),
    "an end of no mandate": lambda a: a.end_mandate(99),
    "an unknown phase": lambda a: a.open_phase("morgen"),
    "a phase before an earlier one": lambda a: a.open_phase("openbaar", NOW - 1),
    "a phase after a later one": lambda a: a.open_phase("openbaar", NOW + 1),
    "closing an unknown phase": lambda a: a.close_phase("morgen"),
    "closing a phase before a later one": lambda a: a.close_phase("openbaar"),
    "an agreement twice": lambda a: a.add_agreement("1.0"),
    "an agreement before the last": lambda a: a.add_agreement("2.0", NOW),
    "an agreement without a version": lambda a: a.add_agreement(""),
    "a version of odd characters": lambda a: a.add_agreement("2.0\n"),
    "an acceptance of no version": lambda a: a.accept(GEMEENTE, "2.0"),
    "an acceptance by an unknown party": lambda a: a.accept(NOBODY, "1.0"),
    "an acceptance twice": lambda a: a.accept(GEMEENTE, "1.0"),
    "an acceptance to come": lambda a: a.accept(GEMEENTE, "1.0", NOW + 2),
    "a source of an unknown party": lambda a: a.register_source("x", NOBODY, "Naam"),
    "a source twice": lambda a: a.register_source("bron", GEMEENTE, "Naam"),
    "a source with a capital": lambda a: a.register_source("Bron", GEMEENTE, "Naam"),
    "a source without an id": lambda a: a.register_source("", GEMEENTE, "Naam"),
    "a source with a path for an id": lambda a: a.register_source("../x", GEMEENTE, "Naam"),
    "a source with a line end": lambda a: a.register_source("x\n", GEMEENTE, "Naam"),
    "a source with a long id": lambda a: a.register_source("x" * 51, GEMEENTE, "Naam"),
    "a source answered by no OIN": lambda a: a.register_source("x", GEMEENTE, "Naam", processor_oin="1"),
    "no change of a source": lambda a: a.change_source("bron"),
    "a change of an unknown source": lambda a: a.change_source("x", name="Naam"),
    "a source without a name any more": lambda a: a.change_source("bron", name=""),
    "a URL for a source that is here": lambda a: a.change_source("bron", url="https://bron.example"),
    "an end of an unknown source": lambda a: a.end_source("x"),
    "a scope of an unknown source": lambda a: a.set_scope("x", "alle"),
    "an unknown scope": lambda a: a.set_scope("bron", "iedereen"),
    "an unknown side": lambda a: a.set_scope("bron", "alle", side="beide"),
    "a scope that overlaps": lambda a: a.set_scope("bron", "suwi"),
    "a scope of a side that overlaps one of both": lambda a: a.set_scope("bron", "suwi", side="vacature"),
    "an end of no scope": lambda a: a.end_scope(99),
    "an empty declaration": lambda a: a.declare_no_bsn("bron", " \n"),
    "an endless declaration": lambda a: a.declare_no_bsn("bron", "x" * 2001),
    "a declaration of an unknown source": lambda a: a.declare_no_bsn("x", "Verklaring"),
    "nothing to withdraw": lambda a: a.withdraw_no_bsn("bron"),
}


# What is refused leaves the store as it is, so that one of either kind will do.
@pytest.fixture(scope="module", params=BACKENDS)
def unchanging(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'koppel.db'}"
        migrate(url)
        with closing(Store(url)) as store:
            yield store
    else:
        template = request.getfixturevalue("migrated_database")
        server = request.getfixturevalue("postgres")
        with postgres_database(server, template) as url, closing(Store(url)) as store:
            yield store


@pytest.fixture(scope="module")
def refusing(unchanging: Store) -> Administration:
    clock = Clock()
    made = Administration(FakeLog(unchanging), clock, "beheerder")
    fill(made)
    clock.now += 1
    return made


@pytest.mark.parametrize("change", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_and_changes_nothing(
    change: Change, unchanging: Store, refusing: Administration
) -> None:
    before = registry(unchanging)
    with pytest.raises(RegistryError) as told:
        change(refusing)
    assert told.value.exit_code == 4
    assert registry(unchanging) == before
    # An error may end up in a log: it names no party.
    assert not any(oin in str(told.value) for oin in (GEMEENTE, SUPPLIER, NOBODY, OTHER))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bron.example",
        "http://bron.example/vum/v3",
        "http://127.0.0.1.bron.example/",
        "http://169.254.169.254/",
        "ftp://bron.example/",
        "file:///etc/passwd",
        "https:///vum/v3",
        "https://gebruiker:geheim@bron.example/",
        "https://bron.example/vum?x=1",
        "https://bron.example/vum#x",
        "https://bron.example/v um",
        "https://bron.example/\r\nHost: x",
        "https://bron.example:99999/",
        "https://[::1/",
        "https://bron.example\\@elders.example/",
    ],
)
def test_a_url_that_is_not_plain_https_is_refused(url: str, refusing: Administration) -> None:
    with pytest.raises(RegistryError, match="URL of the source: can't be used") as told:
        refusing.register_source("elders", GEMEENTE, "Elders", url=url)
    assert "geheim" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://bron.example",
        "https://bron.example:8443/vum/v3",
        "http://127.0.0.1:8001/vum/v3",
        "http://localhost/",
    ],
)
def test_plain_https_and_this_machine_are_taken_as_they_are(
    url: str, store: Store, administration: Administration
) -> None:
    administration.register_source("elders", GEMEENTE, "Elders", url=url)
    source = registry(store).sources["elders"]
    assert (source.url, source.hosted) == (url, False)


def test_what_has_ended_can_begin_anew_for_the_same_party_only(
    store: Store, administration: Administration, clock: Clock
) -> None:
    administration.admit_party(OTHER, "Uitvoerder", "uwv")
    ends: list[Callable[[int], None]] = [
        lambda until: administration.end_party(OTHER, until),
        lambda until: administration.end_source("bron", until),
        lambda until: administration.end_mandate(1, until),
        lambda until: administration.end_scope(1, until),
    ]
    for end in ends:
        end(NOW + 2)
    clock.now = NOW + 2
    for end in ends:
        with pytest.raises(RegistryError, match="ended at"):
            end(NOW + 3)
    administration.admit_party(OTHER, "Uitvoerder", "openbaar")
    assert registry(store).parties[OTHER].kind == "openbaar"
    with pytest.raises(RegistryError, match="another party's"):
        administration.register_source("bron", OTHER, "Bron")
    with pytest.raises(RegistryError, match="elsewhere"):
        administration.register_source("bron", GEMEENTE, "Bron", url="https://bron.example")
    administration.register_source("bron", GEMEENTE, "Bron")
    assert may_hold(registry(store), "bron", clock.now)
    assert administration.add_mandate(SUPPLIER, GEMEENTE) == 2
    assert administration.set_scope("bron", "suwi") == 2


def test_an_end_can_be_drawn_nearer_but_not_put_off(administration: Administration) -> None:
    administration.end_mandate(1, NOW + 100)
    administration.end_mandate(1, NOW + 50)
    with pytest.raises(RegistryError, match="where it ends"):
        administration.end_mandate(1, NOW + 51)


def test_what_is_ended_before_it_begins_never_does_and_is_in_nobodys_way(
    store: Store, administration: Administration, clock: Clock
) -> None:
    for until in (None, NOW + 40, NOW + 50):
        number = administration.add_mandate(OTHER, GEMEENTE, first=NOW + 50)
        administration.end_mandate(number, until)
        assert registry(store).mandates[OTHER, GEMEENTE][-1].valid == Period(NOW + 50, NOW + 50)
    assert not any(each.valid.holds(NOW + 50) for each in registry(store).mandates[OTHER, GEMEENTE])


def test_an_agreement_can_be_withdrawn_until_it_is_in_force(
    store: Store, administration: Administration, clock: Clock
) -> None:
    before = registry(store)
    for _ in range(2):
        administration.add_agreement("2.0", NOW + 50)
        administration.accept(GEMEENTE, "2.0")
        administration.withdraw_agreement("2.0")
        assert registry(store).agreements == before.agreements
        assert registry(store).acceptances == before.acceptances
    administration.add_agreement("2.0", NOW + 50)
    clock.now = NOW + 50
    with pytest.raises(RegistryError, match="is in force"):
        administration.withdraw_agreement("2.0")
    with pytest.raises(RegistryError, match="isn't there"):
        administration.withdraw_agreement("3.0")


def test_a_phase_opens_again_after_it_closed(store: Store, administration: Administration) -> None:
    administration.close_phase("privaat")
    with pytest.raises(RegistryError, match="isn't open"):
        administration.close_phase("privaat")
    assert registry(store).phases["privaat"] is None
    administration.open_phase("privaat", NOW + 7)
    assert registry(store).phases["privaat"] == NOW + 7


def test_an_open_phase_is_not_shut_by_opening_it_later(
    store: Store, administration: Administration, clock: Clock
) -> None:
    administration.close_phase("privaat")
    administration.open_phase("privaat", NOW + 7)
    administration.open_phase("privaat", NOW + 9)
    clock.now = NOW + 9
    with pytest.raises(RegistryError, match=r"phase privaat: is open since .* Close it first"):
        administration.open_phase("privaat", NOW + 10)
    assert registry(store).phases["privaat"] == NOW + 9


def test_a_declaration_is_kept_word_for_word_and_can_be_withdrawn(
    store: Store, administration: Administration, clock: Clock
) -> None:
    text = "Onze nummers zijn geen BSN.\nGetekend, 1 september 2026"
    administration.declare_no_bsn("bron", text)
    assert registry(store).sources["bron"].bsn_declared
    with pytest.raises(RegistryError, match="already"):
        administration.declare_no_bsn("bron", text)
    with store.read() as connection:
        kept = connection.execute(select(tables.source)).one()
        assert (kept.bsn_declaration, kept.bsn_declared_at) == (text, clock.now)
    administration.withdraw_no_bsn("bron")
    assert not registry(store).sources["bron"].bsn_declared


def test_administrators_at_work_at_the_same_time_cannot_make_periods_overlap(
    store: Store, administration: Administration, log: FakeLog
) -> None:
    made: list[int] = []
    refused: list[RegistryError] = []
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        try:
            made.append(administration.add_mandate(OTHER, GEMEENTE))
        except RegistryError as problem:
            refused.append(problem)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(made), len(refused)) == (1, 5)
    assert len(registry(store).mandates[OTHER, GEMEENTE]) == 1


@pytest.mark.parametrize("seed", range(3))
def test_no_series_of_changes_makes_a_registry_that_contradicts_itself(
    seed: int, store: Store, administration: Administration, log: FakeLog, clock: Clock
) -> None:
    draw = random.Random(seed)
    oins = (GEMEENTE, OTHER, PRIVAAT)

    def when() -> int | None:
        return draw.choice([None, clock.now + draw.randrange(-5, 30)])

    def period() -> dict[str, Any]:
        return {"first": when(), "until": when()}

    def one_of(*options: Any) -> Any:
        return draw.choice(options)

    tries: list[Callable[[], Any]] = [
        lambda: administration.admit_party(
            one_of(*oins),
            "Naam",
            one_of(*KINDS),
            suwi=one_of(True, False),
            pilot=one_of(True, False),
            **period(),
        ),
        lambda: administration.change_party(
            one_of(*oins), kind=one_of(*KINDS, None), suwi=one_of(True, False)
        ),
        lambda: administration.end_party(one_of(*oins), when()),
        lambda: administration.add_mandate(one_of(*oins, SUPPLIER), one_of(*oins), **period()),
        lambda: administration.end_mandate(draw.randrange(1, 9), when()),
        lambda: administration.open_phase(one_of(*PHASES), when()),
        lambda: administration.close_phase(one_of(*PHASES)),
        lambda: administration.add_agreement(f"{draw.randrange(9)}", when()),
        lambda: administration.register_source(one_of("a", "b", "bron"), one_of(*oins), "Naam", **period()),
        lambda: administration.end_source(one_of("a", "b", "bron"), when()),
        lambda: administration.set_scope(
            one_of("a", "b", "bron"), one_of(*SCOPES), side=one_of(None, *SHARED), **period()
        ),
        lambda: administration.end_scope(draw.randrange(1, 9), when()),
    ]
    refused = 0
    for _ in range(150):
        clock.now += draw.randrange(4)
        try:
            draw.choice(tries)()
        except RegistryError:
            refused += 1
    found = registry(store)
    assert 0 < refused < 150
    assert found.version == len(log.entries)
    for mandates in found.mandates.values():
        assert not _any_overlap([each.valid for each in mandates])
    for scopes in found.scopes.values():
        for side in SHARED:
            assert not _any_overlap([each.valid for each in scopes if each.covers(side)])
    opens = [found.phases.get(name) for name in PHASES]
    known = [each for each in opens if each is not None]
    assert known == sorted(known) == opens[: len(known)]
    for party in found.parties.values():
        assert not (party.suwi and party.kind == "privaat")
        assert not (party.pilot and party.kind in ("openbaar", "privaat"))


def _any_overlap(periods: list[Period]) -> bool:
    return any(one.overlaps(other) for number, one in enumerate(periods) for other in periods[number + 1 :])


def test_changes_stand_in_the_real_log(store: Store, tmp_path: Path, clock: Clock) -> None:
    create_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    checkpoints = Checkpoints(tmp_path / "checkpoints.jsonl", read_signing_key(tmp_path / "key.pem"))
    fill(Administration(Audit(store, clock, checkpoints), clock, "beheerder"))
    with store.read() as connection:
        kinds = connection.execute(select(tables.audit_entry.c.kind)).scalars().all()
    assert kinds == ["administration"] * registry(store).version
