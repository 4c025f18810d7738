"""Bad input to `koppel`: one clear line, the documented exit code, nothing half-written, no traceback."""

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import KOPPEL, Ended, koppel, lines_of, put

from data.pilot import Pilot, write_pilot
from data.pilot.blocks import AS_OF

GOOD = {"idWerkzoekende": "good"}


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Good files: profiles, vacancies, and a question."""
    folder = tmp_path_factory.mktemp("region")
    profiles, vacancies = write_pilot(folder, Pilot(profiles=20, vacancies=10))
    asked = {"vraagObject": {"selectiegebied": {"postcode": "6511AA", "afstand": 9}}}
    return {"profiles": profiles, "vacancies": vacancies, "question": put(folder / "question.json", asked)}


def readers(region: dict[str, Path], profiles: Path, folder: Path) -> dict[str, tuple[object, ...]]:
    """Give every command that reads profiles, to be run on these."""
    both = ("--profiles", profiles, "--vacancies", region["vacancies"])
    return {
        "validate": ("validate", profiles, "--on-error", "stop"),
        "select": ("select", "--profiles", profiles, "--question", region["question"], "--json"),
        "match": ("match", *both, "-o", folder / "out.csv"),
        "explain": ("explain", *both, "--vacancy", "a", "--profile", "b"),
        "count": ("taxonomy", "count", *both, "-o", folder / "counted"),
    }


COMMANDS = ("validate", "select", "match", "explain", "count")


def check_refused(ended: Ended, code: int, *words: str) -> None:
    """Check that a run ended with this code, printed nothing but one line, and told all of this in it."""
    assert (ended.code, ended.out) == (code, "")
    told = ended.told()
    for word in words:
        assert word in told


# Files that can't be read


def not_json(folder: Path) -> tuple[Path, str]:
    path = folder / "in.json"
    path.write_text('[{"idWerkzoekende": ]')
    return path, "line 1, column 21: not JSON"


def truncated_gzip(folder: Path) -> tuple[Path, str]:
    path = folder / "in.ndjson.gz"
    lines = "".join(json.dumps({"idWerkzoekende": f"p{number}"}) + "\n" for number in range(5000))
    content = gzip.compress(lines.encode())
    path.write_bytes(content[: len(content) // 2])
    return path, "the compressed stream ends too early"


def wrong_encoding(folder: Path) -> tuple[Path, str]:
    path = folder / "in.json"
    path.write_bytes('[{"idWerkzoekende": "p", "persoonlijkePresentatie": "één"}]'.encode("latin-1"))
    return path, "is not UTF-8"


def utf_16(folder: Path) -> tuple[Path, str]:
    path = folder / "in.ndjson"
    path.write_bytes(json.dumps(GOOD).encode("utf-16"))
    return path, "UTF-16"


def an_object(folder: Path) -> tuple[Path, str]:
    return put(folder / "in.json", GOOD), "a JSON object; allowed: a JSON list of records"


def empty(folder: Path) -> tuple[Path, str]:
    path = folder / "in.json"
    path.touch()
    return path, "empty"


def missing(folder: Path) -> tuple[Path, str]:
    return folder / "in.json", "there is no such file"


def a_folder(folder: Path) -> tuple[Path, str]:
    (folder / "in.json").mkdir()
    return folder / "in.json", "a folder"


def nameless(folder: Path) -> tuple[Path, str]:
    return put(folder / "in", GOOD), "a name without an ending"


def not_parquet(folder: Path) -> tuple[Path, str]:
    return put(folder / "in.parquet", GOOD), "not a Parquet file"


def other_side(folder: Path) -> tuple[Path, str]:
    return put(folder / "in.json", [{"idVacature": "v"}]), "records of the side vacature"


UNREADABLE = (
    *(not_json, truncated_gzip, wrong_encoding, utf_16, an_object, empty, missing, a_folder, nameless),
    *(not_parquet, other_side),
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("make", UNREADABLE, ids=lambda make: make.__name__)
def test_a_file_that_is_no_collection_ends_with_3(
    region: dict[str, Path], tmp_path: Path, command: str, make: Callable[[Path], tuple[Path, str]]
) -> None:
    path, words = make(tmp_path)
    before = set(tmp_path.iterdir())
    arguments = readers(region, path, tmp_path)[command]
    if command == "validate":
        arguments += ("--side", "werkzoekende")
    check_refused(koppel(*arguments), 3, str(path), words)
    assert set(tmp_path.iterdir()) == before


def test_a_file_that_is_no_collection_ends_with_3_also_where_bad_records_are_skipped(tmp_path: Path) -> None:
    path, words = truncated_gzip(tmp_path)
    rejects = tmp_path / "rejects.ndjson"
    check_refused(koppel("validate", path, "--rejects", rejects), 3, words)
    assert not rejects.exists()


# Records that break the standard

BAD: dict[str, tuple[Any, str, str]] = {
    "no JSON": ("{", "$", "JSON"),
    "an extra property": (
        {"idWerkzoekende": "b", "leeftijd": 40},
        "$.leeftijd",
        "properties of the standard",
    ),
    "a wrong enumeration": (
        {"idWerkzoekende": "b", "werktijden": {"indicatieKantoortijden": 3}},
        "$.werktijden.indicatieKantoortijden",
        "3; allowed: ",
    ),
    "a day that does not exist": (
        {"idWerkzoekende": "b", "flexibiliteit": {"datumAanvangBeschikbaarVoorWerk": "2026-02-30"}},
        "$.flexibiliteit.datumAanvangBeschikbaarVoorWerk",
        '"2026-02-30"; allowed: a day that exists',
    ),
    "a bad postcode": (
        {"idWerkzoekende": "b", "mobiliteit": {"bemiddelingspostcode": "651AA"}},
        "$.mobiliteit.bemiddelingspostcode",
        "as 9999AA",
    ),
    "a number as text": (
        {"idWerkzoekende": "b", "werktijden": {"aantalWerkurenPerWeekMaximaal": "36"}},
        "$.werktijden.aantalWerkurenPerWeekMaximaal",
        "a whole number",
    ),
    "an id again": (GOOD, "$.idWerkzoekende", "the id of record 1 again"),
    "NaN": (
        '{"idWerkzoekende": "b", "werktijden": {"aantalWerkurenPerWeekMaximaal": NaN}}',
        "$",
        "",
    ),
    "40 levels of nesting": (
        {"idWerkzoekende": "b", "diep": json.loads("[" * 40 + "]" * 40)},
        "$.diep",
        "properties of the standard",
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("problem", BAD)
def test_a_bad_record_stops_a_command_with_1(
    region: dict[str, Path], tmp_path: Path, command: str, problem: str
) -> None:
    record, place, words = BAD[problem]
    path = put(tmp_path / "in.ndjson", GOOD, record)
    arguments = readers(region, path, tmp_path)[command]
    check_refused(koppel(*arguments), 1, f"{path}, record 2 (id ", place, words)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("problem", BAD)
def test_a_bad_record_is_set_apart_and_the_good_ones_are_used(
    region: dict[str, Path], tmp_path: Path, problem: str
) -> None:
    record, place, _ = BAD[problem]
    profiles = [*lines_of(region["profiles"]), GOOD]
    path = put(tmp_path / "in.ndjson", GOOD, record, *profiles[:-1])
    skipping = ("--on-error", "skip", "--rejects", tmp_path / "rejects.ndjson")

    ended = koppel("validate", path, *skipping, "--json")
    assert (ended.code, ended.err) == (1, "")
    (counts,) = ended.lines
    assert (counts["read"], counts["accepted"], counts["rejected"]) == (22, 21, 1)
    (rejected,) = lines_of(tmp_path / "rejects.ndjson")
    assert (rejected["number"], rejected["path"][: len(place)]) == (2, place)
    # What is JSON stands there as JSON, and what isn't as a text of it.
    assert rejected["record"] == record

    options = ("--profiles", path, "--question", region["question"], "--json")
    ended = koppel("select", *options, *skipping)
    assert ended.code == 0
    assert ended.err.startswith(f"Warning: {path}: 1 of 22 records skipped, the first of them record 2 (id ")
    assert ended.err.count("\n") == 1
    good = put(tmp_path / "good.ndjson", *profiles)
    assert ended.out == koppel("select", "--profiles", good, *options[2:]).out


def test_an_error_tells_nothing_personal(tmp_path: Path) -> None:
    personal = {"idWerkzoekende": "b c", "emailadres": ["jan@example.nl"], "telefoonnummer": "0612345678"}
    path = put(tmp_path / "in.ndjson", GOOD, personal)
    for arguments in (("validate", path), ("validate", path, "--on-error", "stop")):
        ended = koppel(*arguments)
        assert ended.code == 1
        assert "jan@example.nl" not in ended.out + ended.err
        assert "0612345678" not in ended.out + ended.err


# Questions


def asked(**criteria: Any) -> dict[str, Any]:
    return {"vraagObject": {"selectiegebied": {"postcode": "6511AA", "afstand": 9}} | criteria}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"vraagObject": {}}, "$.vraagObject.selectiegebied: absent"),
        ({}, "$.vraagObject: absent"),
        (asked(selectiegebied={"postcode": "6511", "afstand": 9}), "$.vraagObject.selectiegebied.postcode"),
        (
            asked(selectiegebied={"postcode": "6511AA", "afstand": "9"}),
            "$.vraagObject.selectiegebied.afstand",
        ),
        (asked(**{"werktijden.indicatieKantoortijden": {"$eq": "1"}}), "indicatieKantoortijden"),
        (asked(bemiddelingsberoep=[]), "$.vraagObject.bemiddelingsberoep"),
        (asked() | {"limiet": 5}, "$.limiet"),
        ([asked(), 5], "question 2, $: no JSON object"),
    ],
    ids=str,
)
def test_a_question_that_breaks_the_contract_ends_with_4(
    region: dict[str, Path], tmp_path: Path, question: Any, words: str
) -> None:
    path = put(tmp_path / "q.json", question)
    ended = koppel("select", "--profiles", region["profiles"], "--question", path, "--json")
    check_refused(ended, 4, str(path), words)


def test_no_questions_have_no_answers_which_is_told(region: dict[str, Path], tmp_path: Path) -> None:
    path = put(tmp_path / "q.json", [])
    ended = koppel("select", "--profiles", region["profiles"], "--question", path, "--json")
    assert (ended.code, ended.out) == (0, "")
    assert "a question is an object" in ended.err


@pytest.mark.parametrize(
    ("criteria", "path"),
    [
        ({"bemiddelingsberoepen": {"$eq": "x"}}, "bemiddelingsberoepen"),
        ({"werktijden.indicatieKantoortijden": {"$in": [1]}}, "werktijden.indicatieKantoortijden.$in"),
    ],
)
def test_an_unknown_path_or_operator_is_told_and_has_no_effect(
    region: dict[str, Path], tmp_path: Path, criteria: dict[str, Any], path: str
) -> None:
    options = ("select", "--profiles", region["profiles"], "--json", "--question")
    ended = koppel(*options, put(tmp_path / "q.json", asked(**criteria)))
    assert (ended.code, ended.err.count("\n")) == (0, 1)
    assert ended.err.startswith("Warning: ")
    assert path in ended.err
    assert ended.out == koppel(*options, region["question"]).out


@pytest.mark.parametrize("content", [b"", b"{", b'{"vraagObject": NaN}', b"\xff\xfe{", None], ids=str)
def test_a_file_that_is_no_question_ends_with_3(
    region: dict[str, Path], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "q.json"
    if content is not None:
        path.write_bytes(content)
    ended = koppel("select", "--profiles", region["profiles"], "--question", path, "--json")
    check_refused(ended, 3, str(path))


# Settings and ids


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--wish", "salary"], "'salary' is unknown; allowed: area, "),
        (["--require", "salary"], "'salary' is unknown; allowed: area, "),
        (["--ignore", "salary"], "'salary' is unknown; allowed: area, "),
        (["--weight", "salary=2"], "'salary' is unknown; allowed: occupation, "),
        (["--weight", "skill=-1"], "weight of skill: -1.0; allowed: 0 to 1000"),
        (["--weight", "skill=nan"], "weight of skill: nan; allowed: 0 to 1000"),
        (["--radius", "1000"], "radius: 1000 km; allowed: 0 to 999 km"),
        (["--wish", "hours", "--require", "hours"], "condition hours"),
        (["--wish", "hours", "--ignore", "hours"], "condition hours"),
        (["--vacancy", "nobody"], "--vacancy nobody: no record of "),
        (["--profile", "nobody"], "--profile nobody: no record of "),
        (["--vacancy", ""], "--vacancy : no record of "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_setting_or_id_that_does_not_exist_ends_with_4(
    region: dict[str, Path], tmp_path: Path, options: list[str], words: str
) -> None:
    files = ("--profiles", region["profiles"], "--vacancies", region["vacancies"])
    out = tmp_path / "out.csv"
    check_refused(koppel("match", *files, *options, "-o", out), 4, words)
    ids = ("--vacancy", lines_of(region["vacancies"])[0]["idVacature"], "--profile", "nobody")
    check_refused(koppel("explain", *files, *ids), 4, "--profile nobody: no record of ")
    assert not out.exists()


# Places where nothing can be written


def writers(region: dict[str, Path], labels: Path) -> dict[str, tuple[object, ...]]:
    """Give every command that writes, but for the place."""
    both = ("--profiles", region["profiles"], "--vacancies", region["vacancies"])
    return {
        # On the day of the records: later, vacancies have closed.
        "match": ("match", *both, "--as-of", AS_OF, "-o"),
        "count": ("taxonomy", "count", *both, "-o"),
        "import": ("taxonomy", "import", "--competentnl", labels, "-o"),
        "pilot": ("pilot", "generate", "--profiles", 2, "--vacancies", 2, "-o"),
        "rejects": ("validate", region["profiles"], "--rejects"),
    }


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    base = "https://linkeddata.competentnl.nl/uwv/id/occupation"
    return put(tmp_path / "labels.csv", "uri,label_type,label", f"{base}/1,prefLabel,Kok")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *(("match", f"out.{suffix}") for suffix in ("parquet", "csv", "ndjson", "csv.gz", "ndjson.zst")),
        ("count", "out.csv"),
        ("count", "out"),
        ("import", "out"),
        ("pilot", "out"),
        ("rejects", "out.ndjson"),
    ],
)
def test_a_place_that_cannot_be_written_ends_with_5_and_stays_as_it_was(
    region: dict[str, Path], tmp_path: Path, labels: Path, command: str, name: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    before = set(tmp_path.rglob("*"))
    place = tmp_path / "file" / name
    check_refused(koppel(*writers(region, labels)[command], place), 5, str(tmp_path / "file"))
    assert set(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson"])
def test_a_full_disk_ends_with_5(region: dict[str, Path], tmp_path: Path, labels: Path, suffix: str) -> None:
    full = tmp_path / f"out.{suffix}"
    full.symlink_to("/dev/full")
    check_refused(koppel(*writers(region, labels)["match"], full), 5, str(full), "can't be written")


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.json", "out.parquet.gz", "out.gz"])
def test_match_refuses_a_name_that_tells_no_format(
    region: dict[str, Path], tmp_path: Path, labels: Path, name: str
) -> None:
    check_refused(
        koppel(*writers(region, labels)["match"], tmp_path / name), 5, name, ".parquet, .ndjson or .csv"
    )


def test_no_command_writes_over_what_it_reads(region: dict[str, Path], tmp_path: Path) -> None:
    profiles = put(tmp_path / "profiles.ndjson", GOOD)
    before = profiles.read_bytes()
    link = tmp_path / "link.ndjson"
    link.symlink_to(profiles)
    both = ("--profiles", profiles, "--vacancies", region["vacancies"])
    for arguments in (
        ("match", *both, "-o", profiles),
        ("match", *both, "-o", link),
        ("match", *both, "--on-error", "skip", "--rejects", profiles, "--json"),
        ("validate", profiles, "--rejects", link),
    ):
        check_refused(koppel(*arguments), 5, "the file that is read")
        assert profiles.read_bytes() == before


# Taxonomies


def test_a_bad_taxonomy_file_is_told_with_its_line(tmp_path: Path, labels: Path) -> None:
    labels.write_text(labels.read_text() + "no,prefLabel,Kok\n")
    ended = koppel("taxonomy", "import", "--competentnl", labels, "-o", tmp_path / "out")
    check_refused(ended, 3, str(labels), "line 3")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("taxonomy", "info", "FOLDER"),
        ("taxonomy", "link", "kok", "--taxonomy", "FOLDER"),
        ("taxonomy", "import", "--esco", "FOLDER", "-o", "out"),
        ("taxonomy", "import", "--boc", "FOLDER", "-o", "out"),
        ("taxonomy", "link", "--file", "FOLDER"),
    ],
    ids=" ".join,
)
def test_a_folder_without_what_is_looked_for_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    check_refused(
        koppel(*(str(tmp_path) if word == "FOLDER" else word for word in arguments)), 3, str(tmp_path)
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"kok\n\xe9\n", "line 2: byte 0xe9 is not UTF-8")]
)
def test_titles_that_are_no_text_end_with_3(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "titles.txt"
    path.write_bytes(content)
    check_refused(koppel("taxonomy", "link", "--file", path, "--json"), 3, words)


# As a process of its own


@pytest.mark.parametrize("code", [1, 3, 4, 5])
def test_a_process_ends_with_the_same_code_and_line(
    region: dict[str, Path], tmp_path: Path, code: int
) -> None:
    bad = put(tmp_path / "bad.ndjson", GOOD, {"idWerkzoekende": "b", "leeftijd": 40})
    both = ("--profiles", region["profiles"], "--vacancies", region["vacancies"])
    arguments: dict[int, tuple[object, ...]] = {
        1: ("validate", bad, "--on-error", "stop"),
        3: ("validate", tmp_path / "missing.ndjson"),
        4: ("match", *both, "--wish", "salary"),
        5: ("match", *both, "-o", bad / "out.csv"),
    }
    run = subprocess.run([KOPPEL, *map(str, arguments[code])], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (code, "")
    assert Ended(run.returncode, run.stdout, run.stderr) == koppel(*arguments[code])
