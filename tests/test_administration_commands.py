"""`koppel store|party|mandate|phase|agreement|source`: what they change, print and refuse."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import Ended, koppel
from sqlalchemy import select

from api.commands.opened import SIGNING_KEY, VERIFYING_KEY
from api.exchange.checkpoints import create_signing_key
from api.exchange.registry import RegistryReader
from api.exchange.rules import caller_of, permitted_sources
from api.store import Store, tables

GEMEENTE = "00000001823288444000"
SUPPLIER = "00000003123456780000"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an exchange with a municipality that takes part and its source."""
    state = tmp_path_factory.mktemp("state")
    create_signing_key(state / SIGNING_KEY, state / VERIFYING_KEY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KOPPEL_STATE", str(state))
        assert done("store", "migrate").err.startswith("store sqlite:///")
        for name in ("pilot", "gemeenten_uwv"):
            done("phase", "open", name, "--at", "2026-01-01")
        done("agreement", "add", "1.0", "--from", "2026-01-01")
        done("party", "admit", GEMEENTE, "--name", "Gemeente Utrecht", "--kind", "gemeente", "--suwi")
        done("agreement", "accept", "1.0", GEMEENTE)
        assert done("mandate", "add", "--processor", SUPPLIER, "--controller", GEMEENTE).out == "1\n"
        done("source", "register", "utrecht", "--oin", GEMEENTE, "--name", "Utrecht")
        assert done("source", "share", "utrecht", "--with", "suwi").out == "1\n"
    return state


@pytest.fixture
def filled(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which the commands of a test work on."""
    state = tmp_path / "state"
    shutil.copytree(made, state)
    monkeypatch.setenv("KOPPEL_STATE", str(state))
    return state


def done(*words: object) -> Ended:
    ended = koppel(*words)
    assert ended.code == 0, ended.err
    return ended


def listed(group: str) -> list[Any]:
    return done(group, "list", "--json").lines


def entries(state: Path) -> list[Any]:
    store = Store(f"sqlite:///{state / 'koppel.db'}")
    with store.read() as connection:
        bodies = connection.execute(select(tables.audit_entry.c.body)).scalars().all()
    store.close()
    return [json.loads(body) for body in bodies]


def test_an_exchange_is_set_up_by_commands(filled: Path) -> None:
    store = Store(f"sqlite:///{filled / 'koppel.db'}")
    registry = RegistryReader(store).current()
    store.close()
    asking = caller_of(registry, GEMEENTE, SUPPLIER, "f")
    at = registry.sources["utrecht"].valid.first + 10**9
    assert permitted_sources(registry, asking, "werkzoekende", at) == ("utrecht",)
    assert permitted_sources(registry, asking, "werkgeverscontactmoment", at) == ()


def test_every_change_is_in_the_log_with_the_account_that_made_it(filled: Path) -> None:
    told = entries(filled)
    assert [each["action"] for each in told] == [
        *("open-phase", "open-phase", "add-agreement", "admit-party", "accept-agreement"),
        *("add-mandate", "register-source", "set-scope"),
    ]
    assert [each["registry"] for each in told] == list(range(1, 9))
    assert {each["actor"] for each in told} == {filled.owner()}


def test_lists_show_what_there_is_as_json(filled: Path) -> None:
    (party,) = listed("party")
    first = party.pop("from")
    assert first.endswith("Z")
    assert party == {
        "oin": GEMEENTE,
        "name": "Gemeente Utrecht",
        "kind": "gemeente",
        "suwi": True,
        "pilot": False,
        "until": None,
        "refusedBy": [],
    }
    (mandate,) = listed("mandate")
    assert (mandate["id"], mandate["processor"], mandate["controller"]) == (1, SUPPLIER, GEMEENTE)
    opens = {each["phase"]: each["opensAt"] for each in listed("phase")}
    midnight = "2025-12-31T23:00:00Z"
    assert opens == {"pilot": midnight, "gemeenten_uwv": midnight, "openbaar": None, "privaat": None}
    assert listed("agreement") == [
        {"version": "1.0", "from": midnight, "current": True, "accepted": [GEMEENTE]}
    ]
    (source,) = listed("source")
    assert (source["id"], source["processor"], source["url"], source["noBsn"]) == (
        "utrecht",
        GEMEENTE,
        None,
        False,
    )
    assert source["refusedBy"] == []
    assert [(each["side"], each["scope"]) for each in source["scopes"]] == [(None, "suwi")]


def test_lists_show_what_there_is_in_tables(filled: Path) -> None:
    for group, cells in {
        "party": (GEMEENTE, "gemeente", "yes"),
        "mandate": (SUPPLIER, GEMEENTE),
        "phase": ("pilot", "2026-01-01", "not yet"),
        "agreement": ("1.0", "2026-01-01"),
        "source": ("utrecht", "1: suwi", "here"),
    }.items():
        shown = done(group, "list")
        assert all(cell in shown.out for cell in cells), shown.out
        assert max(len(line) for line in shown.out.splitlines()) <= 100
        assert shown.err == ""


def test_a_list_says_which_rule_keeps_a_party_and_its_source_out(filled: Path) -> None:
    done("phase", "close", "gemeenten_uwv")
    assert listed("party")[0]["refusedBy"] == ["phase"]
    assert listed("source")[0]["refusedBy"] == ["source-phase"]
    assert "no: phase" in " ".join(done("party", "list").out.split())


def test_what_was_begun_is_ended_by_its_number_or_id(filled: Path) -> None:
    for words in (
        ("mandate", "end", 1),
        ("source", "unshare", 1),
        ("source", "end", "utrecht"),
        ("party", "end", GEMEENTE, "--until", "2099-01-01"),
    ):
        done(*words)
    assert listed("party")[0]["until"] == "2098-12-31T23:00:00Z"
    assert all(
        each["until"] for each in (*listed("mandate"), *listed("source"), *listed("source")[0]["scopes"])
    )
    assert listed("source")[0]["refusedBy"] == ["source-registered"]


def test_what_a_party_and_a_source_are_can_be_changed(filled: Path) -> None:
    done("party", "change", GEMEENTE, "--no-suwi", "--pilot", "--name", "Utrecht")
    (party,) = listed("party")
    assert (party["name"], party["suwi"], party["pilot"]) == ("Utrecht", False, True)
    done("source", "change", "utrecht", "--processor", SUPPLIER)
    assert listed("source")[0]["processor"] == SUPPLIER


def test_a_declaration_is_read_from_a_file_and_its_words_are_not_logged(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "verklaring.txt"
    file.write_text("Onze nummers zijn géén BSN.\n", encoding="utf-8")
    done("source", "declare-no-bsn", "utrecht", "--file", file)
    assert listed("source")[0]["noBsn"] is True
    assert "nummers" not in json.dumps(entries(filled))
    file.write_bytes(b"\xff\xfe")
    assert "UTF-8" in koppel("source", "declare-no-bsn", "utrecht", "--file", file).told()
    done("source", "withdraw-no-bsn", "utrecht")
    assert listed("source")[0]["noBsn"] is False


def test_an_agreement_to_come_is_withdrawn(filled: Path) -> None:
    done("agreement", "add", "2.0", "--from", "2099-01-01T12:30")
    assert listed("agreement")[1]["from"] == "2099-01-01T11:30:00Z"
    done("agreement", "withdraw", "2.0")
    assert len(listed("agreement")) == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("party", "admit", "123", "--name", "x", "--kind", "uwv"), 4, "has 3 digits; allowed: 20 digits"),
        (
            ("party", "admit", "1" * 20, "--name", "x", "--kind", "bank"),
            4,
            "uwv, gemeente, openbaar, privaat",
        ),
        (("party", "end", "9" * 20), 4, "isn't that of a participant"),
        (("phase", "open", "privaat"), 4, "before phase openbaar"),
        (("source", "share", "utrecht", "--with", "alle"), 4, "End that one first"),
        (("source", "declare-no-bsn", "utrecht", "--file", "/no/such/file"), 3, "there is no such file"),
        (("phase", "open", "pilot", "--at", "2099-01-01"), 4, "is open since 2025-12-31T23:00:00Z"),
        (("mandate", "end", 7), 4, "koppel mandate list"),
    ],
)
def test_nonsense_is_told_in_one_line_and_changes_nothing(
    words: tuple[object, ...], code: int, told: str, filled: Path
) -> None:
    before = len(entries(filled))
    ended = koppel(*words)
    assert ended.code == code
    assert told in ended.told()
    assert ended.out == ""
    assert len(entries(filled)) == before


def test_a_command_on_a_store_that_was_not_migrated_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOPPEL_STATE", str(tmp_path))
    for words in (("party", "list"), ("store", "check"), ("phase", "open", "pilot")):
        ended = koppel(*words)
        assert ended.code == 6
        assert "koppel store migrate" in ended.told()
    assert list(tmp_path.iterdir()) == []


def test_the_example_of_opening_a_phase_works_where_none_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOPPEL_STATE", str(tmp_path))
    done("store", "migrate")
    create_signing_key(tmp_path / SIGNING_KEY, tmp_path / VERIFYING_KEY)
    _, example = done("phase", "open", "--help").out.split("Example: koppel ")
    done(*example.split())
    assert [each["opensAt"] for each in listed("phase")] == ["2026-12-31T23:00:00Z", None, None, None]


def test_without_the_key_of_the_log_nothing_is_changed(filled: Path) -> None:
    (filled / SIGNING_KEY).unlink()
    assert koppel("phase", "open", "openbaar").code == 3
    assert listed("phase")[2]["opensAt"] is None


def test_the_configuration_is_a_file_if_one_is_named(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KOPPEL_STATE")
    config = tmp_path / "koppel.toml"
    config.write_text(f'state = "{filled}"\nidentity = "laptop"\n')
    assert len(done("party", "list", "--json", "--config", config).lines) == 1
