"""The command `koppel`: what each command answers, prints and writes."""

import hashlib
import json
import random
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import typer.main
from command import KOPPEL, koppel, lines_of, process, put

from api.cli import EXIT_CODES, app
from api.commands.console import WIDTH, working
from data.dataset import read, write
from data.errors import KoppelError
from data.pilot import Pilot, write_pilot
from data.taxonomy import bundled_taxonomy, load_taxonomy
from engine import CONDITIONS, REQUIRED, SUGGESTED, FeatureSpace, Ranker, Settings, count_frequencies, encode

DAY = date(2026, 9, 1)
AS_OF = ("--as-of", DAY)
COLUMNS = [
    *("vacancy_id", "profile_id", "rank", "score", "score_vacancy", "score_profile", "score_mutual"),
    *("distance_km", "unknown"),
]
FORMATS = ("parquet", "ndjson", "csv", "ndjson.gz", "csv.zst")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """The options that name a small region's files."""
    profiles, vacancies = write_pilot(tmp_path_factory.mktemp("region"), Pilot(profiles=200, vacancies=150))
    return "--profiles", profiles, "--vacancies", vacancies


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """The options that name files which take seconds to rank and print more than a pipe holds."""
    folder = tmp_path_factory.mktemp("large")
    profiles, vacancies = write_pilot(folder, Pilot(profiles=6000, vacancies=3000), suffix=".parquet")
    return "--profiles", profiles, "--vacancies", vacancies


def ranked(files: tuple[object, ...], settings: Settings, top: int = 10) -> list[dict[str, Any]]:
    """Rank by the engine itself."""
    space = FeatureSpace(bundled_taxonomy())
    profiles, vacancies = (read(Path(str(files[at]))).frame for at in (1, 3))
    ranker = Ranker(
        encode(vacancies, "vacature", space, as_of=settings.as_of),
        encode(profiles, "werkzoekende", space, as_of=settings.as_of),
        space,
        settings,
    )
    return ranker.rank(top).frame().to_dicts()


def commands() -> Iterator[list[str]]:
    """Give the words of every command."""
    waiting: list[tuple[list[str], Any]] = [([], typer.main.get_command(app))]
    for words, command in waiting:
        yield words
        waiting += [([*words, name], each) for name, each in getattr(command, "commands", {}).items()]


# The command line itself


@pytest.mark.parametrize("words", list(commands()), ids=lambda words: " ".join(words) or "koppel")
def test_every_command_has_help_with_an_example_whose_options_exist(words: list[str]) -> None:
    ended = koppel(*words, "--help")
    assert ended.code == 0
    if words and any(other[:-1] == words for other in commands()):  # a group: its commands have examples
        return
    example = re.search(r"Example: (koppel [^│]*?)\n *(\n|$|Exit)", ended.out, re.DOTALL)
    assert example
    used = shlex.split(example[1])
    assert used[1 : 1 + len(words)] == words or not words
    for option in used:
        assert not option.startswith("-") or option in ended.out


def test_help_documents_the_exit_code_of_every_error() -> None:
    shown = koppel("--help").out
    for code, says in EXIT_CODES.items():
        assert re.search(rf"^ +{code}  {re.escape(says)}", shown, re.MULTILINE)
    assert {error.exit_code for error in KoppelError.__subclasses__()} < EXIT_CODES.keys()


@pytest.mark.parametrize("command", ["match", "explain"])
def test_help_names_every_condition_and_group(command: str) -> None:
    words = re.findall(r"\w+", koppel(command, "--help").out)
    assert {*CONDITIONS, *SUGGESTED} <= {*words}


def test_the_version_is_that_of_the_distribution() -> None:
    assert re.fullmatch(r"koppel \d+\.\d+\.\d+\n", koppel("--version").out)


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], ["numba", "numpy", "polars", "sklearn", "scipy"]),
        (["match", "--help"], ["numba", "numpy", "polars", "sklearn", "scipy"]),
        (["validate"], ["numba", "sklearn", "scipy"]),
    ],
    ids=" ".join,
)
def test_a_command_loads_only_what_it_needs(
    arguments: list[str], absent: list[str], files: tuple[object, ...]
) -> None:
    if arguments == ["validate"]:
        arguments = [*arguments, str(files[3])]
    script = (
        "import sys\nfrom api.cli import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert ended.code == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    assert not set(absent) & set(run.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["rank"],
        ["match"],
        ["match", "--profiles", "p.json", "--vacancies", "v.json", "--top", "0"],
        ["match", "--profiles", "p.json", "--vacancies", "v.json", "--as-of", "2026-02-30"],
        ["match", "--profiles", "p.json", "--vacancies", "v.json", "--weight", "skill"],
        ["match", "--profiles", "p.json", "--vacancies", "v.json", "--weight", "skill=much"],
        ["match", "--profiles", "p.json", "--vacancies", "v.json", "--direction", "both"],
        ["match", "--profiles", "p.json", "--vacancies", "v.json", "--rejects", "r.ndjson"],
        ["validate"],
        ["select", "--question", "q.json"],
        ["select", "--question", "q.json", "--profiles", "p.json", "--vacancies", "v.json"],
        ["taxonomy", "link"],
        ["taxonomy", "link", "kok", "--file", "titles.txt"],
        ["taxonomy", "import", "-o", "folder"],
        ["pilot", "generate", "-o", "folder", "--region", "Atlantis"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_2_and_does_nothing(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = koppel(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Error" in ended.err
    assert list(tmp_path.iterdir()) == []


class Terminal(StringIO):
    """What a terminal is to a program."""

    def isatty(self) -> bool:
        """Tell that it is one."""
        return True


@pytest.mark.parametrize("stream", [StringIO, Terminal])
def test_progress_is_shown_on_a_terminal_only(stream: type[StringIO]) -> None:
    with redirect_stderr(stream()) as err, working("Reading") as told:
        told(1, 2)
    assert ("Reading" in err.getvalue()) == (stream is Terminal)


# demo


def test_the_demo_is_the_same_each_time_fits_the_page_and_names_nobody() -> None:
    arguments = ("demo", "--profiles", 300, "--vacancies", 60, "--seed", 3, "--top", 4, "--show", 3)
    first, second = (koppel(*arguments) for _ in range(2))
    assert (first.code, first.err) == (0, "")
    timing = re.compile(r"in [0-9.]+ s on .* a second\.")
    assert timing.sub("", first.out) == timing.sub("", second.out)
    assert max(map(len, first.out.splitlines())) <= WIDTH
    assert first.out.count("lacking, and what is nearest to it") == 3
    assert "\x1b" not in first.out
    assert "@" not in first.out
    assert not re.search("[0-9a-f]{9}", first.out.replace(bundled_taxonomy().version, ""))


def test_the_demo_shows_parts_that_add_up_to_the_score() -> None:
    shown = koppel("demo", "--profiles", 300, "--vacancies", 60, "--show", 2).out
    rows = re.findall(r"^\d +[0-9a-f]{8}((?: +[0-9.-]+)+)$", shown, re.MULTILINE)
    assert len(rows) == 10
    for row in rows:
        _, _, _, score, *parts = map(float, row.split())
        assert score == pytest.approx(sum(parts), abs=0.0021)


@pytest.mark.parametrize("size", [1, 5])
def test_a_demo_of_a_tiny_region_has_nothing_or_little_to_show(size: int) -> None:
    ended = koppel("demo", "--profiles", size, "--vacancies", size, "--top", 9)
    assert (ended.code, ended.err) == (0, "")


# validate


def test_validate_counts_the_records_of_each_file(files: tuple[object, ...]) -> None:
    ended = koppel("validate", files[1], files[3], "--json")
    assert ended.code == 0
    assert [(each["side"], each["read"], each["accepted"], each["rejected"]) for each in ended.lines] == [
        ("werkzoekende", 200, 200, 0),
        ("vacature", 150, 150, 0),
    ]


def test_validate_shows_the_first_faults_and_sets_the_records_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bad = {"idWerkzoekende": "b", "werktijden": {"indicatieKantoortijden": "1"}}
    paths = [
        put(Path("one.ndjson"), {"idWerkzoekende": "a"}, bad, "no JSON"),
        put(Path("two.ndjson"), {"idVacature": "a", "adres": {"postcode": "x"}}, {"idVacature": "b"}),
    ]
    rejects = tmp_path / "rejects.ndjson"
    ended = koppel("validate", *paths, "--rejects", rejects)
    assert (ended.code, ended.err) == (1, "")
    assert re.search(r"one\.ndjson +werkzoekende +3 +1 +2", ended.out)
    assert re.search(r"two\.ndjson +vacature +2 +1 +1", ended.out)
    assert re.search(r"^2 +b +\$\.werktijden\.", ended.out, re.MULTILINE)
    told = lines_of(rejects)
    assert [(each["file"], each["number"], each["id"]) for each in told] == [
        (str(paths[0]), 2, "b"),
        (str(paths[0]), 3, "unknown"),
        (str(paths[1]), 1, "a"),
    ]
    assert told[0]["record"] == bad
    faults = koppel("validate", *paths, "--json").lines[0]["faults"]
    assert [each["path"] for each in faults] == ["$.werktijden.indicatieKantoortijden", "$"]


def test_validate_checks_also_what_koppel_wrote(tmp_path: Path) -> None:
    frame = read(put(tmp_path / "in.ndjson", {"idVacature": "a", "naamVacature": "kok"})).frame
    write(frame.with_columns(naamVacature=pl.lit("x" * 1000)), tmp_path / "in.parquet")
    assert koppel("validate", tmp_path / "in.parquet").code == 1


# select


def question(**criteria: Any) -> dict[str, Any]:
    return {"vraagObject": {"selectiegebied": {"postcode": "6511AA", "afstand": 8}} | criteria}


def test_select_prints_a_line_of_json_for_each_question(files: tuple[object, ...], tmp_path: Path) -> None:
    asked = put(tmp_path / "q.json", [question(), question(afstand=1), question(rijbewijs={"$all": []})])
    ended = koppel("select", *files[:2], "--question", asked, "--json", "--top", 5)
    assert ended.code == 0
    assert len(ended.lines) == 3
    for answer in ended.lines:
        assert list(answer) == ["total", "without_location", "matches"]
        assert len(answer["matches"]) == 5 < answer["total"]
        assert all(list(match) == ["id", "distance_km"] for match in answer["matches"])
        distances = [match["distance_km"] for match in answer["matches"]]
        assert distances == sorted(distances)


def test_select_shows_a_hundred_unless_told_otherwise(files: tuple[object, ...], tmp_path: Path) -> None:
    asked = put(tmp_path / "q.json", question())
    (answer,) = koppel("select", *files[:2], "--question", asked, "--json").lines
    assert len(answer["matches"]) == min(100, answer["total"])
    (none,) = koppel("select", *files[:2], "--question", asked, "--json", "--top", 0).lines
    assert none == answer | {"matches": []}


def test_select_warns_of_what_has_no_effect(files: tuple[object, ...], tmp_path: Path) -> None:
    typo = question(rijbewijzen={"$all": []}, **{"werktijden.indicatieKantoortijden": {"$ne": 1}})
    asked = put(tmp_path / "q.json", [question(), typo])
    ended = koppel("select", *files[:2], "--question", asked, "--json")
    assert ended.code == 0
    assert ended.lines[0] == ended.lines[1]
    assert ended.err.count("\n") == 1
    assert ended.err.startswith(f"Warning: {asked}, question 2: ")
    assert "rijbewijzen" in ended.err
    assert "werktijden.indicatieKantoortijden.$ne" in ended.err


def test_select_counts_and_reports_what_has_no_place(tmp_path: Path) -> None:
    records = put(
        tmp_path / "v.ndjson",
        {"idVacature": "here", "adres": {"postcode": "6511ab"}},
        {"idVacature": "nowhere"},
        {"idVacature": "unknown", "adres": {"postcode": "0001AA"}},
    )
    asked = put(tmp_path / "q.json", question())
    ended = koppel("select", "--vacancies", records, "--question", asked)
    assert re.search(r"^here +\d", ended.out, re.MULTILINE)
    assert "2 records have no known postcode" in ended.out
    (answer,) = koppel("select", "--vacancies", records, "--question", asked, "--json").lines
    assert (answer["total"], answer["without_location"]) == (1, 2)
    nowhere = {"vraagObject": {"selectiegebied": {"postcode": "0001AA", "afstand": 9}}}
    ended = koppel(
        "select", "--vacancies", records, "--question", put(tmp_path / "q.json", nowhere), "--json"
    )
    assert ended.lines[0]["total"] == 0
    assert "postcode 0001AA is not in the table" in ended.err


def test_select_looks_from_the_day_that_is_asked(tmp_path: Path) -> None:
    closing = {"idVacature": "a", "adres": {"postcode": "6511AA"}, "sluitingsdatumVacature": "2026-03-01"}
    records, asked = put(tmp_path / "v.ndjson", closing), put(tmp_path / "q.json", question())
    totals = [
        koppel("select", "--vacancies", records, "--question", asked, "--json", "--as-of", day).lines[0][
            "total"
        ]
        for day in ("2026-03-01", "2026-03-02")
    ]
    assert totals == [1, 0]


# match


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ([], Settings(DAY)),
        (["--direction", "mutual"], Settings(DAY, "mutual")),
        (["--direction", "profile"], Settings(DAY, "profile")),
        (["--strict"], Settings(DAY, strict=True)),
        (["--radius", 5], Settings(DAY, radius_km=5)),
        (["--ignore", "hours", "--ignore", "area"], Settings(DAY, required=REQUIRED - {"hours", "area"})),
        (["--require", "education_level"], Settings(DAY, required=REQUIRED | {"education_level"})),
        (
            ["--wish", "language", "--weight", "language=8", "--weight", "skill=0"],
            Settings(DAY, preferred={"language": 8.0, "skill": 0.0}).with_wishes("language"),
        ),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_match_ranks_as_the_engine_does_under_these_options(
    files: tuple[object, ...], arguments: list[object], settings: Settings
) -> None:
    ended = koppel("match", *files, *AS_OF, "--json", *arguments)
    assert ended.code == 0
    assert ended.lines == ranked(files, settings)
    assert all(list(pair) == COLUMNS for pair in ended.lines)


def test_match_writes_the_same_pairs_in_every_format(files: tuple[object, ...], tmp_path: Path) -> None:
    pairs = koppel("match", *files, *AS_OF, "--top", 3, "--json").lines
    for suffix in FORMATS:
        ended = koppel("match", *files, *AS_OF, "--top", 3, "-o", tmp_path / f"out.{suffix}")
        assert (ended.code, ended.out) == (0, "")
    assert pl.read_parquet(tmp_path / "out.parquet").to_dicts() == pairs
    assert lines_of(tmp_path / "out.ndjson") == pairs
    table = pl.read_csv(tmp_path / "out.csv")
    joined = [pair | {"unknown": "|".join(pair["unknown"])} for pair in pairs]
    assert table.to_dicts() == joined
    assert any("|" in pair["unknown"] for pair in joined)


@pytest.mark.parametrize("suffix", FORMATS)
def test_match_writes_the_same_bytes_for_any_order_of_input_and_number_of_threads(
    files: tuple[object, ...], tmp_path: Path, suffix: str
) -> None:
    digests = set()
    for run in range(4):
        shuffled: list[object] = []
        for option, path in ((files[0], files[1]), (files[2], files[3])):
            records = lines_of(Path(str(path)))
            random.Random(run).shuffle(records)
            shuffled += [option, put(tmp_path / f"{str(option)[2:]}.ndjson", *records)]
        out = tmp_path / f"out.{suffix}"
        assert koppel("match", *shuffled, *AS_OF, "--threads", 1 + run % 2, "-o", out).code == 0
        digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_match_of_one_vacancy_and_of_one_profile_are_parts_of_the_whole(files: tuple[object, ...]) -> None:
    everything = koppel("match", *files, *AS_OF, "--top", 200, "--json").lines
    pair = everything[len(everything) // 2]
    vacancy, profile = pair["vacancy_id"], pair["profile_id"]
    asking = koppel("match", *files, *AS_OF, "--top", 200, "--json", "--vacancy", vacancy).lines
    assert asking == [each for each in everything if each["vacancy_id"] == vacancy]
    limited = koppel("match", *files, *AS_OF, "--top", 200, "--json", "--profile", profile).lines
    assert limited == [each | {"rank": 1} for each in everything if each["profile_id"] == profile]
    both = koppel("match", *files, *AS_OF, "--json", "--vacancy", vacancy, "--profile", profile)
    assert both.lines == [pair | {"rank": 1}]
    assert "Asking vacancies: 1; candidates: 1; pairs: 1;" in both.err


def test_in_the_direction_of_profiles_a_profile_asks_and_a_vacancy_limits(files: tuple[object, ...]) -> None:
    arguments = ("match", *files, *AS_OF, "--top", 150, "--json", "--direction", "profile")
    everything = koppel(*arguments).lines
    pair = everything[len(everything) // 2]
    profile, vacancy = pair["profile_id"], pair["vacancy_id"]
    asking = koppel(*arguments, "--profile", profile).lines
    assert asking == [each for each in everything if each["profile_id"] == profile]
    limited = koppel(*arguments, "--vacancy", vacancy).lines
    assert limited == [each | {"rank": 1} for each in everything if each["vacancy_id"] == vacancy]


def test_match_reports_its_day_its_taxonomy_and_records_without_a_place(tmp_path: Path) -> None:
    code = bundled_taxonomy().occupations.codes[0]
    profiles = put(
        tmp_path / "p.ndjson", {"idWerkzoekende": "p", "bemiddelingsberoep": [{"codeBeroepsnaam": code}]}
    )
    vacancies = put(tmp_path / "v.ndjson", {"idVacature": "v", "beroep": {"codeBeroepsnaam": code}})
    out = tmp_path / "out.parquet"
    before = datetime.now(ZoneInfo("Europe/Amsterdam")).date()
    ended = koppel("match", "--profiles", profiles, "--vacancies", vacancies, "-o", out)
    after = datetime.now(ZoneInfo("Europe/Amsterdam")).date()
    assert ended.code == 0
    assert re.search(rf"as of ({before}|{after}); taxonomy {bundled_taxonomy().version}", ended.err)
    assert "Without a known postcode, so without distances: vacancies 1, profiles 1." in ended.err
    metadata = pl.read_parquet_metadata(out)
    assert metadata["koppel.as_of"] in (f"{before}", f"{after}")
    assert metadata["koppel.taxonomy"] == bundled_taxonomy().version
    assert pl.read_parquet(out)["distance_km"].to_list() == [None]
    shown = koppel("match", "--profiles", profiles, "--vacancies", vacancies).out
    assert re.search(r"^vacancy v\n.*\n.*\n +1 +p +1\.000 +1\.000 +1\.000 +1\.000 +- +\n", shown)


@pytest.mark.parametrize("suffix", ["parquet", "ndjson", "csv"])
@pytest.mark.parametrize("empty", [0, 2])
def test_match_of_an_empty_collection_gives_no_pairs(
    files: tuple[object, ...], tmp_path: Path, suffix: str, empty: int
) -> None:
    arguments = list(files)
    arguments[empty + 1] = put(tmp_path / "none.json", [])
    out = tmp_path / f"out.{suffix}"
    assert koppel("match", *arguments, "-o", out).code == 0
    text = out.read_bytes()
    if suffix == "parquet":
        frame = pl.read_parquet(out)
        assert (frame.height, frame.columns) == (0, COLUMNS)
    else:
        assert text.decode() == (",".join(COLUMNS) + "\n" if suffix == "csv" else "")
    assert koppel("match", *arguments).code == 0


def test_match_leaves_out_bad_records_if_asked(files: tuple[object, ...], tmp_path: Path) -> None:
    paths = []
    for name, path, bad in (("p", files[1], {"idWerkzoekende": "x y"}), ("v", files[3], {"soort": 1})):
        paths.append(put(tmp_path / f"{name}.ndjson", *lines_of(Path(str(path))), bad))
    arguments = ("match", "--profiles", paths[0], "--vacancies", paths[1], *AS_OF, "--json")
    assert koppel(*arguments).code == 1
    rejects = tmp_path / "rejects.ndjson"
    ended = koppel(*arguments, "--on-error", "skip", "--rejects", rejects)
    assert ended.code == 0
    assert ended.lines == ranked(files, Settings(DAY))
    assert f"Warning: {paths[0]}: 1 of 201 records skipped" in ended.err
    assert f"Warning: {paths[1]}: 1 of 151 records skipped" in ended.err
    assert [(each["file"], each["record"]) for each in lines_of(rejects)] == [
        (str(paths[0]), {"idWerkzoekende": "x y"}),
        (str(paths[1]), {"soort": 1}),
    ]


# explain


@pytest.mark.parametrize("direction", ["vacancy", "profile", "mutual"])
def test_explain_gives_parts_that_add_up_to_what_match_gives(
    files: tuple[object, ...], direction: str
) -> None:
    options = (*files, *AS_OF, "--direction", direction, "--wish", "hours", "--weight", "skill=2")
    pair = koppel("match", *options, "--json").lines[7]
    ids = ("--vacancy", pair["vacancy_id"], "--profile", pair["profile_id"])
    (told,) = koppel("explain", *options, *ids, "--json").lines
    shared = [name for name in COLUMNS if name not in ("rank", "unknown")]
    assert {name: told[name] for name in shared} == {name: pair[name] for name in shared}
    assert told["conditions"]["unknown"] == pair["unknown"]
    for side in ("vacancy", "profile"):
        points = sum(part["points"] for part in told[side]["parts"])
        assert points == told[side]["points"] == sum(told[side]["groups"].values())
        assert points / told["unit"] == told[f"score_{side}"]
        assert all(part["degree"] < 128 for part in told[side]["gaps"])
    assert (told["as_of"], told["taxonomy"]) == (f"{DAY}", bundled_taxonomy().version)
    assert told["weights"]["suggested"]["skill"] == 1.0
    assert told["weights"]["preferred"] == {"skill": 2.0}
    assert told["weights"]["applied"]["skill"] == 2.0
    assert told["excluded_by"] == []


def test_explain_puts_each_condition_that_counts_in_one_state(files: tuple[object, ...]) -> None:
    ids = ("--vacancy", lines_of(Path(str(files[3])))[0]["idVacature"])
    for profile in lines_of(Path(str(files[1])))[:5]:
        arguments = (
            "explain",
            *files,
            *AS_OF,
            *ids,
            "--profile",
            profile["idWerkzoekende"],
            "--ignore",
            "open",
        )
        (told,) = koppel(*arguments, "--json").lines
        states = [name for named in told["conditions"].values() for name in named]
        assert sorted(states) == sorted(REQUIRED - {"open"})
        shown = koppel(*arguments).out
        for name in told["conditions"]["broken"]:
            assert re.search(rf"^{name} +broken +required", shown, re.MULTILINE)
        assert re.search(r"^open +- +ignored", shown, re.MULTILINE)
        assert ("Not ranked, because of" in shown) == bool(told["excluded_by"])


def test_explain_shows_the_whole_in_tables_that_fit_the_page(files: tuple[object, ...]) -> None:
    pair = koppel("match", *files, *AS_OF, "--json").lines[7]
    ids = ("--vacancy", pair["vacancy_id"], "--profile", pair["profile_id"])
    shown = koppel("explain", *files, *AS_OF, *ids).out
    assert max(map(len, shown.splitlines())) <= WIDTH
    for title in (
        "What the vacancy asks, by group",
        "What the vacancy asks, one by one",
        "What the profile wants, one by one",
        "Conditions",
        "Weights",
    ):
        assert f"\n{title}\n" in shown
    assert re.search(rf"^vacancy +{pair['score_vacancy']:.3f} +.*\(ranked by this\)$", shown, re.MULTILINE)


def test_what_a_record_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    code = "urn:\x1b[2J[red]:smile:"
    profiles = put(
        tmp_path / "p.ndjson", {"idWerkzoekende": "p", "bemiddelingsberoep": [{"codeBeroepsnaam": code}]}
    )
    vacancies = put(tmp_path / "v.ndjson", {"idVacature": "v", "beroep": {"codeBeroepsnaam": code}})
    ended = koppel(
        "explain", "--profiles", profiles, "--vacancies", vacancies, "--vacancy", "v", "--profile", "p"
    )
    assert "\x1b" not in ended.out + ended.err
    assert "urn:\\x1b[2J[red]:smile:" in ended.out


# taxonomy


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A small list of labels, as CompetentNL publishes them."""
    base = "https://linkeddata.competentnl.nl/uwv/id"
    return put(
        tmp_path / "competentnl.csv",
        "uri,label_type,label",
        f"{base}/occupation/1,prefLabel,Heftruckchauffeur",
        f"{base}/occupation/1,altLabel,Vorkheftruckbestuurder",
        f"{base}/occupation/2,prefLabel,Financieel coördinator",
        f"{base}/humancapability/3,prefLabel,Plannen",
    )


def test_a_taxonomy_is_imported_shown_and_linked_to(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "taxonomy"
    ended = koppel("taxonomy", "import", "--competentnl", labels, "--name", "eigen", "-o", folder)
    assert ended.code == 0
    (told,) = koppel("taxonomy", "info", folder, "--json").lines
    version = load_taxonomy(folder).version
    assert (told["name"], told["version"]) == ("eigen", version)
    assert (told["occupations"], told["occupation_labels"], told["skills"]) == (2, 3, 1)
    assert version in ended.out
    (answer,) = koppel("taxonomy", "link", "vorkheftruckbestuurder", "--taxonomy", folder, "--json").lines
    assert answer["title"] == "vorkheftruckbestuurder"
    assert answer["candidates"][0] == {
        "code": "https://linkeddata.competentnl.nl/uwv/id/occupation/1",
        "label": "Heftruckchauffeur",
        "score": 1.0,
    }
    shown = koppel("taxonomy", "link", "financieel coordinator", "--taxonomy", folder, "--top", 1).out
    assert "Financieel coördinator" in shown


def test_titles_of_a_file_are_linked_a_line_each(tmp_path: Path) -> None:
    titles = put(tmp_path / "titles.txt", "kok", "", "[b]schilder (m/v)[/b]\r", "kok\u2028")
    ended = koppel("taxonomy", "link", "--file", titles, "--top", 2, "--json")
    assert [answer["title"] for answer in ended.lines] == ["kok", "", "[b]schilder (m/v)[/b]", "kok\u2028"]
    assert [len(answer["candidates"]) for answer in ended.lines] == [2, 0, 2, 2]
    for answer in ended.lines:
        assert list(answer) == ["title", "candidates"]
        assert all(list(each) == ["code", "label", "score"] for each in answer["candidates"])
    assert "[b]schilder (m/v)[/b]" in koppel("taxonomy", "link", "--file", titles).out


def test_the_bundled_taxonomy_is_shown_without_a_folder() -> None:
    taxonomy = bundled_taxonomy()
    (told,) = koppel("taxonomy", "info", "--json").lines
    assert (told["version"], told["occupations"]) == (taxonomy.version, len(taxonomy.occupations))
    assert taxonomy.version in koppel("taxonomy", "info").out


def test_frequencies_are_counted_into_a_new_version_or_a_table(
    files: tuple[object, ...], tmp_path: Path
) -> None:
    folder, table = tmp_path / "counted", tmp_path / "counted.csv"
    assert koppel("taxonomy", "count", *files, *AS_OF, "-o", folder).code == 0
    assert koppel("taxonomy", "count", *files, *AS_OF, "-o", table).code == 0
    space = FeatureSpace(bundled_taxonomy())
    expected = count_frequencies(
        [
            encode(read(Path(str(files[3]))).frame, "vacature", space, as_of=DAY),
            encode(read(Path(str(files[1]))).frame, "werkzoekende", space, as_of=DAY),
        ],
        space,
    )
    counted = load_taxonomy(folder)
    assert counted.frequencies.equals(expected)
    assert counted.version != bundled_taxonomy().version
    assert pl.read_csv(table, schema=expected.schema).equals(expected)
    ended = koppel("match", *files, *AS_OF, "--taxonomy", folder, "--json")
    assert counted.version in ended.err
    assert ended.lines != ranked(files, Settings(DAY))


# pilot


@pytest.mark.parametrize("suffix", ["ndjson", "parquet", "json"])
def test_a_pilot_is_generated_the_same_each_time(tmp_path: Path, suffix: str) -> None:
    arguments = ("--profiles", 30, "--vacancies", 20, "--seed", 5, "--format", suffix)
    contents = []
    for name in ("a", "b"):
        assert koppel("pilot", "generate", "-o", tmp_path / name, *arguments).code == 0
        paths = [tmp_path / name / f"{side}.{suffix}" for side in ("profiles", "vacancies")]
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    assert [each["accepted"] for each in koppel("validate", *paths, "--json").lines] == [30, 20]


# As a process of its own


@pytest.mark.parametrize(
    ("sent", "ending"),
    [(signal.SIGINT, (130, "", "Interrupted.\n")), (signal.SIGTERM, (143, "", "Stopped.\n"))],
    ids=["interrupted", "stopped"],
)
@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson.gz"])
def test_a_match_that_is_broken_off_leaves_what_was_there_and_nothing_else(
    large: tuple[object, ...], tmp_path: Path, suffix: str, sent: signal.Signals, ending: tuple[int, str, str]
) -> None:
    out = tmp_path / f"out.{suffix}"
    out.write_text("before")
    run = process("match", *large, *AS_OF, "--threads", 1, "-o", out)
    while len(list(tmp_path.iterdir())) == 1 and run.poll() is None:  # until it begins to write
        with suppress(subprocess.TimeoutExpired):
            run.wait(0.02)
    run.send_signal(sent)
    printed, told = run.communicate()
    assert (run.returncode, printed, told) == ending
    assert list(tmp_path.iterdir()) == [out]
    assert out.read_text() == "before"


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
def test_a_reader_that_has_seen_enough_ends_a_match_quietly(
    large: tuple[object, ...], as_json: list[str]
) -> None:
    run = process("match", *large, *AS_OF, *as_json)
    assert run.stdout is not None
    assert run.stdout.readline()
    run.stdout.close()
    assert run.stderr is not None
    with run.stderr:
        assert run.stderr.read() == ""
    assert run.wait() == 141


def test_a_full_disk_behind_stdout_is_told_in_one_line(files: tuple[object, ...], tmp_path: Path) -> None:
    asked = put(tmp_path / "q.json", question())
    with open("/dev/full", "w") as full:  # noqa: PTH123
        run = subprocess.run(
            [KOPPEL, "select", *map(str, files[:2]), "--question", asked, "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (run.returncode, run.stderr.count("\n")) == (5, 1)
    assert run.stderr.startswith("Error: standard output: can't be written: ")


# The accreditation sets


@pytest.mark.parametrize(
    ("option", "name", "cases"),
    [("--profiles", "werkzoekenden", 20), ("--vacancies", "vacatures", 30)],
)
def test_every_accreditation_question_finds_all_that_is_expected(
    shared: Path, tmp_path: Path, option: str, name: str, cases: int
) -> None:
    folder = shared / "accreditation"
    questions = json.loads((folder / f"{name}_cases.json").read_text(encoding="utf-8"))
    asked = put(tmp_path / "q.json", [{"vraagObject": each["vraagObject"]} for each in questions])
    ended = koppel("select", option, folder / f"{name}.json", "--question", asked, "--json", *AS_OF)
    assert (ended.code, len(ended.lines)) == (0, cases)
    for case, answer in zip(questions, ended.lines, strict=True):
        expected = {each.get("idWerkzoekende") or each["idVacature"] for each in case["expectedMatches"]}
        assert expected <= {match["id"] for match in answer["matches"]}
        assert len(answer["matches"]) <= 100


def test_the_accreditation_sets_give_one_ranking_in_ten_runs(shared: Path, tmp_path: Path) -> None:
    digests = set()
    for run in range(10):
        shuffled: list[object] = []
        for option, name in (("--profiles", "werkzoekenden"), ("--vacancies", "vacatures")):
            records = json.loads((shared / "accreditation" / f"{name}.json").read_text(encoding="utf-8"))
            random.Random(run).shuffle(records)
            shuffled += [option, put(tmp_path / f"{name}.json", records)]
        out = tmp_path / "out.parquet"
        assert koppel("match", *shuffled, *AS_OF, "--threads", 1 + run % 2, "-o", out).code == 0
        digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(digests) == 1


def standing(pairs: pl.DataFrame) -> pl.DataFrame:
    """Count in how many top-10s each profile stands, and in how many it would if ties were drawn by lot.

    Columns: profile_id; found; expected and its variance, where each of the profiles with the score of the
    tenth place has the same chance to be on the right side of it.
    """
    of_vacancy = pl.col("score").sort(descending=True)
    cut = pl.when(pl.len() > 10).then(of_vacancy.slice(9, 1).first()).otherwise(-1.0)
    chance = (10 - (pl.col("score") > pl.col("cut")).sum()) / (pl.col("score") == pl.col("cut")).sum()
    return (
        pairs.with_columns(cut.over("vacancy_id").alias("cut"))
        .with_columns(chance.over("vacancy_id").alias("chance"))
        .with_columns(
            pl.when(pl.col("score") > pl.col("cut"))
            .then(1.0)
            .when(pl.col("score") == pl.col("cut"))
            .then(pl.col("chance"))
            .otherwise(0.0)
            .alias("p")
        )
        .group_by("profile_id")
        .agg(
            found=(pl.col("rank") <= 10).sum(),
            expected=pl.col("p").sum(),
            variance=(pl.col("p") * (1 - pl.col("p"))).sum(),
        )
    )


def unfair(counts: pl.DataFrame) -> pl.DataFrame:
    """Give the profiles that stand in more top-10s than four standard deviations above their share."""
    return counts.filter(pl.col("found") > pl.col("expected") + 4 * pl.col("variance").sqrt() + 1e-9)


def most(counts: pl.DataFrame) -> float:
    """Give how often the commonest profile is found, as a multiple of how often the commonest would be."""
    return float(max(counts["found"].to_list()) / max(counts["expected"].to_list()))


def by_id(pairs: pl.DataFrame) -> pl.DataFrame:
    """Rank the same pairs by score and id, the order that would be unfair."""
    ordered = pairs.sort("vacancy_id", "score", "profile_id", descending=[False, True, False])
    return ordered.with_columns(rank=pl.int_range(1, pl.len() + 1).over("vacancy_id"))


def accreditation_pairs(shared: Path, tmp_path: Path, *options: object, places: bool) -> pl.DataFrame:
    """Rank the accreditation sets to the last candidate, the profiles with or without their postcodes."""
    folder, out = shared / "accreditation", tmp_path / "out.parquet"
    records = json.loads((folder / "werkzoekenden.json").read_text(encoding="utf-8"))
    if not places:
        for record in records:
            record.pop("mobiliteit", None)
    profiles = put(tmp_path / "profiles.json", records)
    collections = "--profiles", profiles, "--vacancies", folder / "vacatures.json"
    assert koppel("match", *collections, *AS_OF, *options, "--top", 1000, "-o", out).code == 0
    return pl.read_parquet(out)


UNCONDITIONAL = [word for name in sorted(REQUIRED) for word in ("--ignore", name)]


def test_nobody_stands_in_more_than_a_fair_share_of_the_top_10s(shared: Path, tmp_path: Path) -> None:
    assert unfair(standing(accreditation_pairs(shared, tmp_path, places=True))).is_empty()


def test_ties_of_score_and_distance_are_as_if_drawn_by_lot(shared: Path, tmp_path: Path) -> None:
    pairs = accreditation_pairs(shared, tmp_path, *UNCONDITIONAL, places=False)
    assert unfair(standing(pairs)).is_empty()
    assert unfair(standing(by_id(pairs))).height > 5, "so the check sees an order that is not fair"


def test_ties_of_score_alone_favour_the_near_and_nobody_everywhere(shared: Path, tmp_path: Path) -> None:
    pairs = accreditation_pairs(shared, tmp_path, *UNCONDITIONAL, places=True)
    assert most(standing(pairs)) < 1.5 < most(standing(by_id(pairs)))
