"""`koppel audit`, `koppel subject` and `koppel retention`, on a store made by the commands."""

import json
import os
import pwd
from pathlib import Path

import pytest
from command import Ended, koppel, lines_of
from logs import ASKER, show

from api.commands import subject
from api.commands.opened import audit_of, settings_of, store_of
from api.exchange import subjects
from api.exchange.audit import Audit
from api.exchange.hosted import HostedSources

ACTIVITY = ("--activity", "https://register.example.nl/activities/7")


class Exchange:
    """An exchange in a folder, as its administrator works with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "koppel.toml"
        self.config.write_text(f'identity = "laptop"\nstate = "{self.state}"\n')
        self.run("store", "migrate")
        self.run("audit", "keys", "create")

    def run(self, *arguments: object, code: int = 0) -> Ended:
        ended = koppel(*arguments, "--config", self.config)
        assert ended.code == code, ended.err
        return ended

    def log(self) -> Audit:
        settings = settings_of(self.config)
        return audit_of(settings, store_of(settings))

    def verify(self, log: Path) -> Ended:
        checks = (
            "--checkpoints",
            self.state / "checkpoints.jsonl",
            "--key",
            self.state / "audit-key.pub.pem",
        )
        return koppel("audit", "verify", log, *checks)


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


def test_keys_are_made_once_and_the_secret_ones_are_for_their_owner(exchange: Exchange) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in exchange.state.glob("*key*")}
    assert modes == {"audit-key.pem": 0o600, "audit-key.pub.pem": 0o644, "logboek-key.txt": 0o600}
    before = (exchange.state / "audit-key.pem").read_bytes()
    assert "there is a key already" in exchange.run("audit", "keys", "create", code=5).told()
    assert (exchange.state / "audit-key.pem").read_bytes() == before
    (exchange.state / "audit-key.pem").chmod(0o644)
    assert "chmod 600" in exchange.run("audit", "checkpoint", code=3).told()


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_an_export_is_verified_elsewhere(suffix: str, exchange: Exchange) -> None:
    log = exchange.log()
    for _ in range(3):
        show(log, ["anna", "bert"])
    exchange.run("audit", "checkpoint")
    path = exchange.folder / f"log.ndjson{suffix}"
    assert exchange.run("audit", "export", "-o", path).err == "Wrote 3 entries.\n"
    assert exchange.verify(path).out.startswith("3 entries, 1 to 3: all is well. Signed up to 3 at ")
    later = exchange.folder / "later.ndjson"
    exchange.run("audit", "export", "-o", later, "--after", 1)
    assert "no statement says" in exchange.verify(later).err


def test_what_is_no_log_or_not_there_is_said_to_be(exchange: Exchange, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("koppel\n" * 40)
    checks = ("--checkpoints", other, "--key", exchange.state / "audit-key.pub.pem")
    ended = koppel("audit", "verify", other, *checks)
    assert (ended.code, "no export of a log" in ended.told()) == (3, True)
    absent = koppel("audit", "verify", f"postgresql://koppel:geheim@/db?host={tmp_path}", *checks)
    assert absent.code == 3
    assert "No such file" in absent.told()
    assert "geheim" not in absent.err


def test_the_logboek_goes_on_where_it_ended(exchange: Exchange) -> None:
    log = exchange.log()
    show(log, ["anna", "bert"])
    path = exchange.folder / "lines.ndjson"
    assert exchange.run("audit", "logboek", *ACTIVITY, "-o", path).err == "Lines: 3; last entry: 1.\n"
    printed = exchange.run("audit", "logboek", *ACTIVITY)
    assert printed.lines == lines_of(path)
    show(log, ["anna"])
    ended = exchange.run("audit", "logboek", *ACTIVITY, "--after", 1)
    assert (len(ended.lines), ended.err) == (2, "Lines: 2; last entry: 2.\n")
    assert ended.lines[1]["attributes"]["dpl.core.data_subject_id"] in printed.out
    assert exchange.run("audit", "logboek", *ACTIVITY, "--after", 2).err == "Lines: 0; last entry: 2.\n"


def test_a_breach_is_reported_for_people_and_for_programs(exchange: Exchange) -> None:
    log = exchange.log()
    show(log, ["anna", "bert"])
    show(log, ["anna"], "detail")
    asked = ("audit", "breach", "--party", ASKER, "--from", "2024-10-04", "--until", "2100-01-01")
    shown = exchange.run(*asked)
    assert "anna" in shown.out
    assert shown.err == "Answers: 2; records: 2; nameless: 0; contacts with employers: 0.\n"
    anna, bert = exchange.run(*asked, "--json").lines
    assert (anna["id"], anna["level"], anna["times"]) == ("anna", "detail", 2)
    assert (bert["source"], bert["side"], bert["level"]) == ("utrecht", "werkzoekende", "match")
    other = exchange.run(*asked[:3], ASKER[::-1], *asked[4:], "--json")
    assert (other.out, other.err.split(";")[0]) == ("", "Answers: 0")


def test_a_person_is_told_and_then_erased(exchange: Exchange) -> None:
    log = exchange.log()
    show(log, ["anna", "bert"])
    of_anna = ("--source", "utrecht", "--id", "anna")
    (told,) = exchange.run("subject", "export", *of_anna).lines
    assert [entry["kind"] for entry in told["log"][0]["entries"]] == ["matches", "subject-export"]
    assert told["log"][0]["entries"][1]["actor"] == pwd.getpwuid(os.getuid()).pw_name
    exchange.run("subject", "erase", *of_anna)
    assert "nothing is held" in exchange.run("subject", "export", *of_anna, code=4).told()
    exchange.run("audit", "checkpoint")
    path = exchange.folder / "log.ndjson"
    exchange.run("audit", "export", "-o", path)
    assert "all is well" in exchange.verify(path).out
    assert "anna" not in json.dumps(lines_of(path))


def test_who_is_erased_is_in_no_answer_before_the_nights_are_gone_through(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(exchange.log(), ["anna"])
    done: list[object] = []
    monkeypatch.setattr(HostedSources, "restrict", lambda _, source, side, ids: done.append((side, ids)))
    monkeypatch.setattr(subject, "_take_out_of_nights", lambda *_: done.append("nights"))
    monkeypatch.setattr(subjects, "erase", lambda *_: done.append("erased"))
    subject.erase("utrecht", "anna", config=exchange.config)
    assert done == [("werkzoekende", ["anna"]), "nights", "erased"]


def test_whose_an_id_is_that_a_profile_and_a_vacancy_have_is_told_by_the_side(exchange: Exchange) -> None:
    log = exchange.log()
    show(log, ["anna"])
    show(log, ["anna"], side="vacature")
    of_anna = ("--source", "utrecht", "--id", "anna")
    for what in ("export", "restrict", "erase"):
        assert "--side" in exchange.run("subject", what, *of_anna, code=4).told()
    of_vacancy = (*of_anna, "--side", "vacature")
    (told,) = exchange.run("subject", "export", *of_vacancy).lines
    assert [each["side"] for each in told["log"]] == ["vacature"]
    exchange.run("subject", "erase", *of_vacancy)
    exchange.run("subject", "export", *of_vacancy, code=4)
    (told,) = exchange.run("subject", "export", *of_anna).lines
    assert [each["side"] for each in told["log"]] == ["werkzoekende"]
    exchange.run("subject", "export", *of_anna, "--side", "persoon", code=2)


def test_a_restricted_record_of_nobody_is_told(exchange: Exchange) -> None:
    ended = exchange.run("subject", "restrict", "--source", "utrecht", "--id", "anna", code=4)
    assert "nothing is held" in ended.told()
    assert "anna" not in ended.err


def test_retention_tells_what_went_and_logs_it(exchange: Exchange) -> None:
    show(exchange.log(), ["anna"])
    told = "Removed: questions 0, records 0, contact moments 0, audit entries 0, pseudonyms 0, nights 0.\n"
    assert exchange.run("retention", "run").err == told
    path = exchange.folder / "log.ndjson"
    exchange.run("audit", "export", "-o", path)
    assert [entry["kind"] for entry in lines_of(path)] == ["matches", "retention"]
