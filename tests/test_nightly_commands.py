"""`koppel nightly` from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import koppel, put
from nightly_world import kitchen
from ranking_world import cook

from data.errors import KoppelError
from engine.nightly import NightlyError

OIN, OTHER = f"{21:020}", f"{22:020}"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Run a command of an exchange in a folder of its own."""
    config = tmp_path / "koppel.toml"
    config.write_text(f'identity = "laptop"\nstate = "{tmp_path / "state"}"\n')

    def command(*words: object) -> Any:
        return koppel(*words, "--config", config)

    return command


@pytest.fixture
def exchange(run: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """The same with two participants, each with a source of both sides."""
    for words in (
        ("store", "migrate"),
        ("keys", "create"),
        ("audit", "keys", "create"),
        ("agreement", "add", "1.0"),
        ("phase", "open", "pilot"),
        ("phase", "open", "gemeenten_uwv"),
    ):
        assert run(*words).code == 0
    for oin, name in ((OIN, "utrecht"), (OTHER, "zeist")):
        assert run("party", "admit", oin, "--name", name, "--kind", "gemeente", "--suwi").code == 0
        assert run("agreement", "accept", "1.0", oin).code == 0
        assert run("source", "register", name, "--oin", oin, "--name", name).code == 0
        assert run("source", "share", name, "--with", "alle").code == 0
        profiles = put(tmp_path / "profiles.ndjson", *(cook(f"{name}-p{n}") for n in range(3)))
        vacancies = put(tmp_path / "vacancies.ndjson", *(kitchen(f"{name}-v{n}") for n in range(2)))
        assert run("source", "load", name, profiles, "--side", "werkzoekende").code == 0
        assert run("source", "load", name, vacancies, "--side", "vacature").code == 0
    return run


def test_a_night_from_the_first_run_to_the_withdrawal_of_a_person(
    exchange: Callable[..., Any], tmp_path: Path
) -> None:
    ended = exchange("nightly", "run", "--top", 6, "--threads", 1)
    assert ended.code == 0, ended.err
    assert "2 recipients, 10 lists, " in ended.err
    (night,) = exchange("nightly", "list", "--json").lines
    assert (night["recipients"], night["lists"]) == (2, 10)
    told = exchange("nightly", "diff", "--json").lines
    assert {(each["recipient"], each["side"]) for each in told} == {
        (oin, side) for oin in (OIN, OTHER) for side in ("vacature", "werkzoekende")
    }
    assert {each["new"] for each in told} == {None}
    (now,) = exchange("nightly", "status", "--json").lines
    assert now == {"runner": None, "night": None, "newest": night["night"], "progress": None}
    ended = exchange("nightly", "fetch", "--party", OIN, "-o", tmp_path / "copy")
    assert ended.code == 0
    assert json.loads((tmp_path / "copy" / "manifest.json").read_bytes())["controller"] == OIN
    ended = exchange("nightly", "withdraw", "--source", "zeist", "--id", "zeist-p1")
    assert ended.code == 0
    assert f"recipient {OIN}" in ended.err
    assert "zeist-p1" not in ended.err
    assert exchange("nightly", "run").code == 0
    assert "no matches" not in exchange("nightly", "diff").out
    assert exchange("nightly", "withdraw", "--party", OTHER).code == 0
    (newest, _) = exchange("nightly", "list", "--json").lines
    assert newest["recipients"] == 1


@pytest.mark.parametrize("what", ["restrict", "erase"])
def test_who_is_restricted_or_erased_is_taken_out_of_the_nights(
    exchange: Callable[..., Any], tmp_path: Path, what: str
) -> None:
    assert exchange("nightly", "run", "--top", 6, "--threads", 1).code == 0
    assert exchange("subject", what, "--source", "zeist", "--id", "zeist-p1").code == 0
    notices = [
        json.loads(path.read_bytes()) for path in (tmp_path / "state" / "nights" / "notices").iterdir()
    ]
    assert all(each["vumIDs"] or each["lists"] for each in notices)
    assert len(notices) == 2
    left = exchange("nightly", "withdraw", "--source", "zeist", "--id", "zeist-p1")
    assert left.code == (4 if what == "erase" else 0)
    assert what == "erase" or "no published night" in left.err


def test_a_party_whose_admission_is_ended_is_in_no_night_any_more(
    exchange: Callable[..., Any], tmp_path: Path
) -> None:
    assert exchange("nightly", "run", "--threads", 1).code == 0
    assert exchange("party", "end", OTHER).code == 0
    (night,) = exchange("nightly", "list", "--json").lines
    assert night["recipients"] == 1
    assert exchange("nightly", "fetch", "--party", OTHER, "-o", tmp_path / "copy").code == 4
    told = exchange("retention", "run").err
    assert told.endswith("nights 0.\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nightly", "run", "--threads", 1, "--processes", 1), 2),
        (("nightly", "run", "--profiles", "file.parquet"), 2),
        (("nightly", "run", "--profiles", "nowhere.parquet=utrecht"), 4),
        (("nightly", "run", "--profiles", "nowhere.parquet=nobody"), 4),
        (("nightly", "run", "--top", 101), 2),
        (("nightly", "diff"), 3),
        (("nightly", "diff", "2020-01-01.1"), 3),
        (("nightly", "withdraw"), 2),
        (("nightly", "withdraw", "--source", "utrecht"), 2),
        (("nightly", "withdraw", "--source", "utrecht", "--id", "nobody"), 4),
        (("nightly", "fetch", "--party", OIN, "-o", "copy"), 3),
    ],
)
def test_bad_input_ends_with_its_exit_code_and_no_night(
    exchange: Callable[..., Any], words: tuple[object, ...], code: int
) -> None:
    assert exchange(*words).code == code
    assert exchange("nightly", "list", "--json").lines == []


def test_a_cluster_that_is_not_there_is_said_with_an_exit_code_of_its_own(
    exchange: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cluster.CONNECT_SECONDS", 1)
    ended = exchange("nightly", "run", "--cluster", "tcp://127.0.0.1:1")
    assert ended.code == NightlyError.exit_code == 8
    assert "can't be reached" in ended.told()
    (now,) = exchange("nightly", "status", "--json").lines
    assert now["night"]
    assert now["runner"] is None
    assert exchange("nightly", "run").code == 0


def test_the_store_must_have_been_migrated(run: Callable[..., Any]) -> None:
    assert issubclass(NightlyError, KoppelError)
    assert run("nightly", "run").code == 6
