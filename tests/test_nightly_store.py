"""The nightly run in both databases: its tables, its lease, and who gets lists, against rules told anew."""

from pathlib import Path

import plain_rules
import pytest
from exchange_world import OTHER_OWNER, OWNER
from nightly_world import NightlyWorld
from sqlalchemy import func, select
from test_rules import EXCHANGE, NOW, Draws, random_rows, registry_of, state_of

from api.exchange.nightly.lease import Lease, holder_of
from api.exchange.nightly.recipients import OTHER, covered, recipients
from api.exchange.nightly.withdrawal import Withdrawal, fetch, withdraw
from api.store import Store, tables
from data.standard import Side
from engine.nightly import NightlyError


def test_a_night_is_run_fetched_and_withdrawn_from(store: Store, tmp_path: Path) -> None:
    world = NightlyWorld(store, tmp_path / "state")
    world.fill()
    world.run()
    fetch(world.audit, world.keys, world.nights, world.clock, OWNER, tmp_path / "copy", actor="test")
    with store.read() as connection:
        counts = [
            connection.scalar(select(func.count()).select_from(each))
            for each in (tables.night, tables.nightly_part, tables.nightly_fetch, tables.question)
        ]
    assert counts == [1, 8, 1, 20]
    asked = Withdrawal(source_id="two", record_id="two-p1")
    taken = withdraw(world.audit, world.keys, world.nights, world.clock, asked, "test")
    assert set(*map(set, taken.values())) == {OWNER, OTHER_OWNER}


def test_the_lease_goes_to_one_runner_at_a_time_and_fences_off_the_one_before(store: Store) -> None:
    now = [10**15]
    first, second = (Lease(store, lambda: now[0], seconds=60) for _ in range(2))
    with first.held():
        with store.read() as connection:
            assert holder_of(connection, now[0])
        with pytest.raises(NightlyError, match="at work already"), second.held():
            pass
        now[0] += 61_000_000
        with second.held(), store.write() as connection:
            second.check(connection)
            with pytest.raises(NightlyError, match="another took over"):
                first.check(connection)
    with store.read() as connection:
        assert holder_of(connection, now[0]) is None


def test_recipients_and_what_they_may_see_are_those_of_the_rules_told_anew(
    request: pytest.FixtureRequest,
) -> None:
    published = 0
    for row in random_rows(request.config.getoption("--states")):
        draws = Draws(row)
        state = state_of(draws)
        registry = registry_of(state)
        held: dict[Side, list[str]] = {
            side: [each["name"] for each in state["sources"] if draws.chance(200)] for side in OTHER
        }
        holders = {side: covered(registry, each, [], NOW) for side, each in held.items()}
        wanted: dict[tuple[str, str], dict[Side, tuple[list[str], list[str]]]] = {}
        for source in sorted(state["sources"], key=lambda each: str(each["name"])):
            owner, processor = source["owner"], source["processor"]
            asks = plain_rules.may_ask(state, NOW, processor, owner, processor, EXCHANGE, EXCHANGE)
            for side, names in held.items():
                name = source["name"]
                if not asks or name not in names or not plain_rules.may_hold(state, NOW, name):
                    continue
                other = OTHER[side]
                seen = [each for each in held[other] if plain_rules.may_see(state, NOW, owner, each, other)]
                own, _ = wanted.setdefault((owner, processor), {}).setdefault(side, ([], sorted(seen)))
                own.append(name)
        found = {
            (each.caller.controller, each.caller.processor): {
                side: (list(own), list(each.permitted[OTHER[side]])) for side, own in each.own.items()
            }
            for each in recipients(registry, holders, EXCHANGE, NOW)
        }
        assert found == wanted, state
        published += any(seen for each in found.values() for _, seen in each.values())
    assert published > 0
