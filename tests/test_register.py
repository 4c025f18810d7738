"""The entry for the Algoritmeregister: every field of the standard, true numbers, gaps that none can miss."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from command import koppel

from api.config import Settings
from api.exchange.retention import Periods
from api.exchange.ruleset import (
    CALLER_RULES,
    EXCHANGE_RULES,
    HELD_RULES,
    REMOVALS,
    SHARING_RULES,
    Removal,
    Rule,
)
from api.exchange.wanted import Wanted, ranked_by, settings_of, told_of
from api.register import files
from api.register.annex import annex_of
from api.register.answers import Kept, annex_with, entry_with
from api.register.entry import entry_of
from api.register.facts import CONDITION_WORDS, GROUP_WORDS, NEVER, facts_of, texts
from api.register.gaps import MARK, gaps
from api.register.standard import FIELDS, VERSION
from data.pilot import Pilot, write_pilot
from data.taxonomy import bundled_taxonomy
from engine import CONDITIONS, REQUIRED, SUGGESTED, build_index
from engine.features import GROUPS

STANDARD = [
    *("name", "description_short", "organization", "category", "status"),
    *("begin_date", "end_date", "contact_email", "website", "publication_category"),
    *("url", "goal", "proportionality", "human_intervention", "risks"),
    *(
        "lawful_basis",
        "lawful_basis_grouping",
        "process_index_url",
        "impacttoetsen_grouping",
        "impacttoetsen",
    ),
    *("source_data", "source_data_grouping", "methods_and_models", "provider", "publiccode"),
    *("lang", "standard_version", "source_id", "tags", "lars"),
]
"""The fields of the publication standard 1.0, in its order."""

FOR_THE_ORGANISATION = {
    "organization",
    "status",
    "begin_date",
    "contact_email",
    "lawful_basis",
    "impacttoetsen",
}
"""Some that no software can know."""

FILES = {"algoritmeregister.json", "algoritmeregister.csv", "ai-verordening.json", "ai-verordening.csv"}


def settings(tmp_path: Path, **changed: Any) -> Settings:
    return Settings(identity="laptop", state=tmp_path / "state", **changed)


def spoken(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def exported(folder: Path, config: Path | None = None) -> Any:
    ended = koppel("register", "export", "-o", folder, *(("--config", config) if config else ()))
    assert ended.code == 0, ended.err
    return ended


# The standard


def test_an_entry_has_every_field_of_the_standard_in_its_order(tmp_path: Path) -> None:
    entry = entry_of(facts_of(settings(tmp_path)))
    assert list(entry) == STANDARD == [field.name for field in FIELDS]
    assert entry["standard_version"] == VERSION == "1.0"
    assert not set(texts("entry.toml")) - set(STANDARD)


def test_every_value_fits_its_field(tmp_path: Path) -> None:
    entry = entry_of(facts_of(settings(tmp_path)))
    for field in FIELDS:
        value = entry[field.name]
        if field.references:
            for each in value or ():
                assert isinstance(each, dict)
                assert set(each) == {"title", "link"}
                assert len(each["title"]) <= field.longest_title
                assert len(each["link"]) <= field.longest
                assert each["link"].startswith(("https://", MARK))
        elif field.many:
            assert isinstance(value, list)
            assert set(map(str, value)) <= set(field.choices)
            assert len(value) <= 3
        elif isinstance(value, str):
            assert field.longest == 0 or len(value) <= field.longest, field.name
            if field.choices:
                assert value in field.choices or value.startswith(MARK)
        else:
            assert value is None
        assert value or not field.required


def test_html_stands_only_where_the_standard_allows_it(tmp_path: Path) -> None:
    entry = entry_of(facts_of(settings(tmp_path)))
    for field in FIELDS:
        tags = set(re.findall(r"</?(\w+)>", spoken(entry[field.name])))
        assert tags == ({"p"} if field.html else set()), field.name


# The facts


def test_numbers_are_those_of_the_configuration(tmp_path: Path) -> None:
    told = entry_of(
        facts_of(settings(tmp_path, matches=37, details=4, question_days=13, deadline_seconds=2.5))
    )
    assert "ten hoogste 37 kandidaten" in spoken(told["human_intervention"])
    assert "hoogste 4 daarvan" in spoken(told["human_intervention"])
    assert "vervalt na 13 dagen" in spoken(told["human_intervention"])
    assert "ten hoogste 37 kandidaten" in spoken(told["methods_and_models"])
    assert "krijgt 2,5 seconden" in spoken(told["methods_and_models"])
    use = spoken(
        annex_of(facts_of(settings(tmp_path, matches=37, details=4, question_days=13)))[-8:-7][0].feit
    )
    assert "37 kandidaten" in use
    assert "4 inzages" in use
    assert "13 dagen" in use


def test_weights_conditions_rules_and_periods_are_those_of_the_software(tmp_path: Path) -> None:
    told = {name: spoken(value) for name, value in entry_of(facts_of(settings(tmp_path))).items()}
    for group in GROUPS:
        assert f"{GROUP_WORDS[group]} {SUGGESTED[group]:g}".replace(".", ",") in told["methods_and_models"]
    fixed, _, asked = told["methods_and_models"].partition("Alleen als de bemiddelaar dat vraagt")
    for name, words in CONDITION_WORDS.items():
        assert (words in fixed) == (name in REQUIRED)
        assert (words in asked) == (name not in REQUIRED)
    every: tuple[Rule[Any] | Removal, ...] = (
        *CALLER_RULES,
        *EXCHANGE_RULES,
        *HELD_RULES,
        *SHARING_RULES,
        *REMOVALS,
    )
    assert f"{len(every)} regels" in told["risks"]
    assert all(rule.legal_basis in told["lawful_basis"] for rule in every)
    assert f"{Periods().audit_days} dagen weg" in told["risks"]
    assert f"een vraag {Periods().question_days} dagen" in told["risks"]
    assert all(each in told["risks"] and each in told["source_data"] for each in NEVER)


def test_every_group_and_condition_has_a_dutch_word() -> None:
    assert tuple(GROUP_WORDS) == GROUPS
    assert tuple(CONDITION_WORDS) == tuple(CONDITIONS)


def test_the_log_is_kept_longer_than_the_six_months_that_the_annex_speaks_of() -> None:
    assert Periods().audit_days > 184


def test_the_annex_says_truly_what_the_log_holds_of_a_ranking(tmp_path: Path) -> None:
    wanted = Wanted("vacature", {"idVacature": "own-record"}, preferred={"skill": 7.5})
    by = ranked_by(wanted, settings_of(wanted, date(2026, 9, 1)), "taxonomy-1")
    told = spoken(told_of(wanted, None) | by)
    facts = {each.onderwerp: each.feit for each in annex_of(facts_of(settings(tmp_path)))}
    holds, lacks = facts["Wat een regel bevat"], facts["Wat een regel niet bevat"]
    for value, words in (
        ("7.5", "toegepaste gewichten"),
        ("licence", "voorwaarden"),
        ("2026-09-01", "de peildag"),
        ("taxonomy-1", "de taxonomie"),
        ("vacature", "de kant die vroeg"),
    ):
        assert value in told
        assert words in holds
    assert "own-record" not in told
    assert "de vragende vacature of werkzoekende" in lacks


def test_the_taxonomy_is_that_of_the_index_else_the_bundled_one(tmp_path: Path) -> None:
    told = settings(tmp_path)
    assert facts_of(told)["taxonomy"] == bundled_taxonomy().version
    profiles, vacancies = write_pilot(tmp_path / "region", Pilot(profiles=5, vacancies=5))
    other = replace(bundled_taxonomy(), version="other-0123456789ab")
    build_index(
        told.index_folder,
        profiles={"stad": profiles},
        vacancies={"stad": vacancies},
        taxonomy=other,
        as_of=date(2026, 9, 1),
    )
    assert facts_of(told)["taxonomy"] == "other-0123456789ab"


def test_texts_name_no_fact_that_is_not_there_and_leave_none_out(tmp_path: Path) -> None:
    named = set(re.findall(r"{(\w+)}", spoken([texts("entry.toml"), texts("annex.toml")])))
    assert named == set(facts_of(settings(tmp_path)))


# The gaps


def test_what_only_the_organisation_knows_is_marked_and_nothing_else_is_empty(tmp_path: Path) -> None:
    entry = entry_of(facts_of(settings(tmp_path)))
    missing = gaps(entry)
    assert set(missing) >= FOR_THE_ORGANISATION
    assert [name for name, value in entry.items() if MARK in spoken(value)] == missing
    assert [name for name, value in entry.items() if not value] == ["end_date", "url", "source_id", "lars"]


def test_gaps_are_counted_and_listed_and_no_failure(tmp_path: Path) -> None:
    ended = exported(tmp_path / "out")
    entry = json.loads((tmp_path / "out" / "algoritmeregister.json").read_bytes())
    annex = json.loads((tmp_path / "out" / "ai-verordening.json").read_bytes())
    assert f"{len(gaps(entry))} of {len(FIELDS)} fields" in ended.err
    assert "Organisatie, Status, Begindatum" in ended.err
    open_facts = [each for each in annex if MARK in each["feit"]]
    assert f"{len(open_facts)} of {len(annex)} facts" in ended.err
    assert all(each["onderwerp"] in ended.err for each in open_facts)


def test_what_is_filled_in_is_no_gap() -> None:
    assert gaps({"a": "text", "b": None, "c": ["Werk"], "d": [{"title": "t", "link": "https://l"}]}) == []
    assert gaps({"a": "x. VUL IN: y", "d": [{"title": "t", "link": MARK}], "c": "vul in"}) == ["a", "d"]


# Exported again


def configured(tmp_path: Path, **changed: Any) -> Path:
    config = tmp_path / "koppel.toml"
    more = "".join(f"{name} = {value}\n" for name, value in changed.items())
    config.write_text(f'identity = "laptop"\nstate = "{tmp_path / "state"}"\n{more}')
    return config


def edited(path: Path, edit: Callable[[Any], None]) -> Any:
    """Change an exported file by hand."""
    told = json.loads(path.read_bytes())
    edit(told)
    path.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    return told


def test_answers_stay_and_facts_are_renewed_where_it_is_exported_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported(out, configured(tmp_path, details=4))

    def answer(entry: Any) -> None:
        entry["organization"] = "Gemeente Voorbeeld"
        entry["lars"] = "12345"
        entry["human_intervention"] = re.sub(
            "VUL IN.*?</p>", "de teamleider & zij</p><p>en hij</p>", entry["human_intervention"]
        )
        entry["lawful_basis_grouping"][-1] = {"title": "Participatiewet", "link": "https://example.nl"}

    def judge(annex: Any) -> None:
        asked = next(each for each in annex if MARK in each["feit"])
        asked["feit"] = asked["feit"].partition(MARK)[0] + "Ons oordeel."
        annex.append({"artikel": "26", "onderwerp": "Van onszelf", "feit": "Eigen feit."})

    entry = edited(out / "algoritmeregister.json", answer)
    annex = edited(out / "ai-verordening.json", judge)
    missing = gaps(entry)
    ended = exported(out, configured(tmp_path, details=7))
    again = json.loads((out / "algoritmeregister.json").read_bytes())
    assert {name for name in entry if again[name] != entry[name]} == {"human_intervention"}
    assert again["human_intervention"] == entry["human_intervention"].replace("hoogste 4", "hoogste 7")
    assert "<p>de teamleider & zij</p><p>en hij</p>" in again["human_intervention"]
    assert gaps(again) == missing
    facts = json.loads((out / "ai-verordening.json").read_bytes())
    assert [each["feit"].replace("7 inzages", "4 inzages") for each in facts] == [
        each["feit"] for each in annex
    ]
    assert "Answers kept: 6." in ended.err
    assert "rewritten" not in ended.err
    before = {each: (out / each).read_bytes() for each in FILES}
    exported(out, configured(tmp_path, details=7))
    assert {each: (out / each).read_bytes() for each in FILES} == before


def test_every_gap_that_is_filled_in_is_kept(tmp_path: Path) -> None:
    facts, other = (facts_of(settings(tmp_path, details=details)) for details in (4, 7))
    entry, annex = entry_of(facts), annex_of(facts)
    filled = {
        name: re.sub("VUL IN.*?(?=</p>|$)", f"antwoord {name}", value, flags=re.DOTALL)
        for name, value in entry.items()
        if isinstance(value, str) and MARK in value
    }
    judged = [replace(each, feit=re.sub("VUL IN.*", "ANTWOORD", each.feit)) for each in annex]
    again, kept = entry_with(other, entry | filled)
    assert {name for name in filled if f"antwoord {name}" not in spoken(again[name])} == set()
    assert (kept.answers, list(kept.rewritten)) == (len(filled), [])
    facts_again, kept = annex_with(other, judged)
    assert all(("ANTWOORD" in a.feit) == (MARK in b.feit) for a, b in zip(facts_again, annex, strict=True))
    assert list(kept.rewritten) == []
    assert entry_with(other, entry) == (entry_of(other), Kept(0, []))


def test_a_text_that_was_rewritten_stays_as_it_is_and_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported(out)
    edited(out / "algoritmeregister.json", lambda entry: entry.update(goal="<p>Heel anders.</p>"))
    ended = exported(out)
    assert json.loads((out / "algoritmeregister.json").read_bytes())["goal"] == "<p>Heel anders.</p>"
    assert "texts that were rewritten stay as they are" in ended.err
    assert "Doel en impact" in ended.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("algoritmeregister.json", "{"),
        ("algoritmeregister.json", '{"naam": "van iets anders"}'),
        ("ai-verordening.json", '[{"artikel": "26"}]'),
        ("ai-verordening.json", '[{"artikel": "26", "onderwerp": "gebruik", "feit": 5}]'),
        ("ai-verordening.json", '[{"artikel": "26", "onderwerp": "gebruik", "feit": null}]'),
        ("ai-verordening.json", '[{"artikel": "26", "onderwerp": ["gebruik"], "feit": "ja"}]'),
        ("ai-verordening.json", "[]"),
        ("ai-verordening.json", "5"),
        ("algoritmeregister.csv", "veld,waarde\norganization,Gemeente Voorbeeld\n"),
    ],
)
def test_a_file_whose_answers_would_be_lost_is_not_written_over(
    tmp_path: Path, name: str, content: str
) -> None:
    out = tmp_path / "out"
    exported(out)
    (out / name).write_text(content)
    ended = koppel("register", "export", "-o", out)
    assert ended.code == 3
    assert ended.told().startswith(f"Error: {out / name}")
    assert (out / name).read_text() == content


@pytest.mark.parametrize("name", ["algoritmeregister", "ai-verordening"])
def test_answers_in_a_csv_are_not_lost_where_the_json_beside_it_was_removed(
    tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    exported(out)
    csv_path = out / f"{name}.csv"
    (out / f"{name}.json").unlink()
    exported(out)
    (out / f"{name}.json").unlink()
    answered = csv_path.read_text("utf-8").replace(MARK, "Antwoord", 1)
    csv_path.write_text(answered, "utf-8")
    ended = koppel("register", "export", "-o", out)
    assert ended.code == 3
    assert ended.told().startswith(f"Error: {csv_path}")
    assert "isn't there" in ended.told()
    assert csv_path.read_text("utf-8") == answered
    assert not (out / f"{name}.json").exists()


# The files


def test_csv_says_what_json_says(tmp_path: Path) -> None:
    exported(tmp_path / "out")
    assert {each.name for each in (tmp_path / "out").iterdir()} == FILES
    entry = json.loads((tmp_path / "out" / "algoritmeregister.json").read_bytes())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "algoritmeregister.csv").read_text("utf-8"))))
    assert [row["veld"] for row in rows] == list(entry)
    for row, field in zip(rows, FIELDS, strict=True):
        value = entry[field.name]
        assert row["waarde"] == ("" if value is None else value) or json.loads(row["waarde"]) == value
        assert (row["verplicht"] == "ja") == field.required
        assert (row["in_te_vullen"] == "ja") == (MARK in spoken(value))
        assert row["titel"] == field.title
    annex = json.loads((tmp_path / "out" / "ai-verordening.json").read_bytes())
    told = csv.DictReader(io.StringIO((tmp_path / "out" / "ai-verordening.csv").read_text("utf-8")))
    assert list(told) == annex


def test_equal_configurations_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        exported(tmp_path / name)
    for each in FILES:
        assert (tmp_path / "a" / each).read_bytes() == (tmp_path / "b" / each).read_bytes()


def test_the_annex_covers_log_information_oversight_and_use(tmp_path: Path) -> None:
    articles = {re.split(r"[, ]", each.artikel)[0] for each in annex_of(facts_of(settings(tmp_path)))}
    assert articles >= {"6", "12", "13", "14", "19", "26", "27"}


def test_without_a_folder_all_is_printed(tmp_path: Path) -> None:
    config = tmp_path / "koppel.toml"
    config.write_text(f'identity = "laptop"\nstate = "{tmp_path}"\ndetails = 6\n')
    (told,) = koppel("register", "export", "--config", config).lines
    facts = facts_of(settings(tmp_path, details=6))
    assert told["algoritmeregister"] == entry_of(facts)
    assert files.entry_json(told["algoritmeregister"]) == files.entry_json(entry_of(facts))
    assert told["inTeVullen"] == gaps(told["algoritmeregister"])
    assert len(told["aiVerordening"]) == len(annex_of(facts))


@pytest.mark.parametrize(("option", "code"), [("--config", 3), ("-o", 5)])
def test_a_place_that_is_none_is_told(tmp_path: Path, option: str, code: int) -> None:
    (tmp_path / "file").write_text("[")
    path = tmp_path / "file" if option == "--config" else tmp_path / "file" / "folder"
    ended = koppel("register", "export", option, path)
    assert ended.code == code
    assert ended.told().startswith(f"Error: {path}")
