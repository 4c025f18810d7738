"""The index: what it ranks and refuses, that it is published whole or not at all, and what changes in it."""

import json
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import polars as pl
import pytest
from command import koppel, process
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_engine import AS_OF, Json, frame_of, random_record, random_settings, small_taxonomy
from test_rank import DIRECTIONS, alike, world

import data.dataset.reading
import engine.blocks
import engine.build
import engine.index
from data.dataset import write
from data.errors import FileError, OutputError, RecordError
from data.pilot import generate_profiles, generate_vacancies
from data.question import Question, parse_question
from data.standard import Side
from data.taxonomy import Taxonomy, bundled_taxonomy
from engine import Encoded, FeatureSpace, Ranker, Settings, encode, explain, select
from engine.index import MatchIndex, build_index, open_index, verify
from engine.publish import FORMAT, Manifest, publications

Records = Mapping[str, Sequence[Json]]
"""Source -> records."""

SCORES = ["vacancy_id", "profile_id", "rank", "score", "score_vacancy", "score_profile", "score_mutual"]


def built(
    root: Path,
    vacancies: Records | pl.DataFrame,
    profiles: Records | pl.DataFrame,
    taxonomy: Taxonomy | None = None,
    **options: Any,
) -> Manifest:
    """Build an index of records, each source a Parquet file beside it."""
    given: dict[str, dict[str, Path]] = {}
    for side, records in (("vacature", vacancies), ("werkzoekende", profiles)):
        given[side] = {}
        sources = {"": records} if isinstance(records, pl.DataFrame) else records
        for source, each in sources.items():
            frame = each if isinstance(each, pl.DataFrame) else frame_of(each, side)  # type: ignore[arg-type]
            given[side][source] = root.with_name(f"{root.name}-{side}-{source}.parquet")
            write([frame], given[side][source])
    return build_index(
        root,
        profiles=given["werkzoekende"],
        vacancies=given["vacature"],
        taxonomy=taxonomy or small_taxonomy(),
        as_of=AS_OF,
        **options,
    )


def some(side: Side, n: int, seed: int = 1, prefix: str = "") -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [random_record(chance, side, f"{prefix}{side[0]}{number}") for number in range(n)]


def ranked(index: MatchIndex, setting: Settings, k: int = 10, **options: Any) -> list[dict[str, Any]]:
    return rows_of(index.ranker(setting, **options).rank(k).frame(), setting)


def rows_of(frame: pl.DataFrame, setting: Settings) -> list[dict[str, Any]]:
    """All that a ranking says, by the asking record: an index has an order of its own."""
    asking = "profile_id" if setting.direction == "profile" else "vacancy_id"
    return frame.sort(asking, "rank").to_dicts()


@pytest.fixture(scope="module")
def small_blocks() -> Iterator[None]:
    """Blocks of 512 records, so that a few records fill several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.blocks, "BLOCK", 512)
        yield


@pytest.fixture(scope="module")
def region(
    tmp_path_factory: pytest.TempPathFactory, small_blocks: None
) -> tuple[Path, Encoded, Encoded, FeatureSpace]:
    """An index of 1,300 profiles and 80 vacancies of the pilot, and the same encoded in memory."""
    root = tmp_path_factory.mktemp("region") / "index"
    vacancies = pl.concat(generate_vacancies(80, seed=3))
    profiles = pl.concat(generate_profiles(1300, seed=4))
    built(root, vacancies, profiles, bundled_taxonomy())
    space = FeatureSpace(bundled_taxonomy())
    return (
        root,
        encode(vacancies, "vacature", space, as_of=AS_OF),
        encode(profiles, "werkzoekende", space, as_of=AS_OF),
        space,
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index "one" and another, "two", of other records."""
    folder = tmp_path_factory.mktemp("pair")
    for name, seed in (("one", 1), ("two", 2)):
        built(folder / name, {"": some("vacature", 5, seed)}, {"": some("werkzoekende", 12, seed)})
    return folder


# -- what it ranks


@pytest.mark.parametrize("setting", DIRECTIONS, ids=lambda setting: setting.direction)
def test_ranking_through_an_index_equals_ranking_in_memory(
    region: tuple[Path, Encoded, Encoded, FeatureSpace], setting: Settings
) -> None:
    root, vacancies, profiles, space = region
    expected = Ranker(vacancies, profiles, space, setting).rank(30).frame()
    assert len(expected) > 500
    for k_threads in (1, 2):
        ranking = open_index(root).ranker(setting).rank(30, threads=k_threads)
        assert rows_of(ranking.frame(), setting) == rows_of(expected, setting)


@given(st.integers(0, 2**32))
@settings(max_examples=12)
def test_ranking_random_records_of_several_sources_equals_ranking_in_memory(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    vacancies = some("vacature", chance.randint(0, 6), seed)
    profiles = some("werkzoekende", chance.randint(0, 12), seed)
    root = tmp_path_factory.mktemp("random") / "index"
    built(root, {"b": vacancies}, {"a": profiles})
    index, plain = open_index(root), world(vacancies, profiles, sources=("b", "a"))
    for k in (1, 50):
        setting = random_settings(chance)
        assert ranked(index, setting, k) == rows_of(plain.ranker(setting).rank(k).frame(), setting)


def test_a_record_that_is_not_in_the_index_ranks_as_one_that_is(
    region: tuple[Path, Encoded, Encoded, FeatureSpace],
) -> None:
    index = open_index(region[0])
    frame = pl.concat(generate_vacancies(80, seed=3))
    for setting in DIRECTIONS:
        expected = ranked(index, setting)
        assert ranked(index, setting, vacancies=index.encode(frame, "vacature")) == expected
        assert ranked(index, setting, vacancies=index.vacancies.take(np.arange(80))) == expected
    novel = {"idVacature": "x", "beroep": {"codeBeroepsnaam": "novel"}}
    asking = index.encode(frame_of([novel], "vacature"), "vacature")
    assert ranked(index, DIRECTIONS[0], vacancies=asking) == []


def test_codes_that_an_index_lacks_match_only_each_other_and_are_not_kept(tmp_path: Path) -> None:
    def asking(code: str) -> dict[str, Any]:
        return {"idVacature": f"v{code}", "beroep": {"codeBeroepsnaam": code}}

    def having(code: str) -> dict[str, Any]:
        return {"idWerkzoekende": f"p{code}", "bemiddelingsberoep": [{"codeBeroepsnaam": code}]}

    def pairs(index: MatchIndex, setting: Settings, **given: Any) -> set[tuple[str, str]]:
        frame = index.ranker(setting, **given).rank(9).frame()
        return set(frame.select("vacancy_id", "profile_id").rows())

    built(tmp_path / "index", {"": [asking("a")]}, {"": [having("a")]})
    before = open_index(tmp_path / "index")
    before.put("werkzoekende", frame_of([having("b"), having("c")], "werkzoekende"))
    index = before.refresh()
    size = len(index.space)
    vacancies = index.encode(frame_of([asking(code) for code in "zdcba"], "vacature"), "vacature")
    profiles = index.encode(frame_of([having(code) for code in "yd"], "werkzoekende"), "werkzoekende")
    earlier = before.encode(frame_of([asking(code) for code in "ecb"], "vacature"), "vacature")
    for setting in DIRECTIONS:
        assert pairs(index, setting) == {("va", "pa")}
        assert pairs(index, setting, vacancies=vacancies) == {("va", "pa"), ("vb", "pb"), ("vc", "pc")}
        assert pairs(index, setting, vacancies=vacancies, profiles=profiles) == {("vd", "pd")}
        assert pairs(index, setting, vacancies=earlier) == {("vb", "pb"), ("vc", "pc")}
    assert [len(index.space), len(before.space)] == [size, size - 2]
    built(tmp_path / "other", {}, {"": [having("a")]})
    with pytest.raises(ValueError, match="another index"):
        open_index(tmp_path / "other").ranker(DIRECTIONS[0], vacancies=vacancies)


def test_encoding_in_many_threads_says_what_encoding_in_one_does(
    region: tuple[Path, Encoded, Encoded, FeatureSpace],
) -> None:
    index, setting = open_index(region[0]), DIRECTIONS[0]
    records = [
        frame_of([{"idVacature": "x", "beroep": {"codeBeroepsnaam": code}}], "vacature")
        for code in (*bundled_taxonomy().occupations.codes[:20], *map(str, range(20)))
    ]

    def answer(frame: pl.DataFrame) -> list[dict[str, Any]]:
        return ranked(index, setting, vacancies=index.encode(frame, "vacature"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, records * 3))
    assert answers == [answer(frame) for frame in records] * 3
    assert len(answers[0]) > 0


def test_only_the_sources_that_are_allowed_are_ranked(tmp_path: Path) -> None:
    profiles = {name: alike(9, "werkzoekende", name) for name in ("a", "b", "c")}
    built(tmp_path / "index", {"v": alike(3, "vacature")}, profiles)
    index = open_index(tmp_path / "index")
    assert index.profiles.encoded.records.sources == ("a", "b", "c")
    for sources in ({"b"}, {"a", "c"}, set(), {"nobody"}, None):
        found = ranked(index, Settings(AS_OF), 99, sources=sources)
        assert {row["profile_id"][0] for row in found} == {
            name for name in "abc" if sources is None or name in sources
        }


SCRIPT = """
import sys, hashlib, json
from pathlib import Path
from engine.index import open_index
from engine import Settings
index = open_index(Path(sys.argv[1]))
for direction in ("vacancy", "profile", "mutual"):
    frame = index.ranker(Settings(index.as_of, direction)).rank(30).frame()
    print(hashlib.sha256(json.dumps(frame.to_dicts()).encode()).hexdigest())
"""


def test_two_processes_at_once_rank_as_one_does(region: tuple[Path, Encoded, Encoded, FeatureSpace]) -> None:
    command = [sys.executable, "-c", SCRIPT, str(region[0])]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (process.communicate()[0] for process in running)
    assert first == second
    assert len(first.split()) == 3


def question_of(side: Side, distance: int, **criteria: Any) -> Question:
    area = {"postcode": "6511AB", "afstand": distance}
    return parse_question({"vraagObject": {"selectiegebied": area, **criteria}}, side)


def test_selection_through_an_index_equals_selection_in_memory(
    region: tuple[Path, Encoded, Encoded, FeatureSpace],
) -> None:
    root, vacancies, profiles, _ = region
    index = open_index(root)
    for side, records in (("werkzoekende", profiles.records), ("vacature", vacancies.records)):
        collection = index.side(side)  # type: ignore[arg-type]
        code = records.occupation_codes[len(records.occupation_codes) // 2]
        equal = {"codeBeroepsnaam": {"$eq": code}}
        occupation = (
            {"bemiddelingsberoep": {"$elemMatch": {"$or": [equal]}}}
            if side == "werkzoekende"
            else {"beroep.codeBeroepsnaam": {"$eq": code}}
        )
        languages = {"$all": [{"$elemMatch": {"codeTaal": {"$eq": "nld"}}}]}
        path = "arbeidsmarktkwalificatie." if side == "werkzoekende" else ""
        for distance, criteria in (
            (5, {}),
            (25, {}),
            (300, {}),
            (999, occupation),
            (999, {f"{path}taalbeheersing": languages}),
        ):
            question = question_of(side, distance, **criteria)  # type: ignore[arg-type]
            assert not question.ignored
            expected = select(question, records, as_of=AS_OF)
            found = collection.select(question)
            assert collection.keys(found.rows)["id"].to_list() == [records.ids[row] for row in expected.rows]
            assert found.distance_km.tolist() == expected.distance_km.tolist()
            assert found.without_location == expected.without_location
            assert expected.total > 0 or distance == 5


def test_a_pair_is_explained_as_in_memory(region: tuple[Path, Encoded, Encoded, FeatureSpace]) -> None:
    root, vacancies, profiles, space = region
    index, setting = open_index(root), Settings(AS_OF)
    for v, p in ((0, 0), (7, 400), (79, 1299)):
        rows = (
            index.vacancies.find(vacancies.records.ids[v]),
            index.profiles.find(profiles.records.ids[p]),
        )
        expected = explain(Ranker(vacancies, profiles, space, setting), v, p)
        assert explain(index.ranker(setting), *rows) == expected  # type: ignore[arg-type]


def test_every_record_is_found_by_its_id_and_source_and_no_other(tmp_path: Path) -> None:
    same = [{"idWerkzoekende": f"p{number}"} for number in range(50)]
    built(tmp_path / "index", {}, {"a": same, "b": same[:20]})
    profiles = open_index(tmp_path / "index").profiles
    rows = [profiles.find(f"p{number}", "a") for number in range(50)]
    rows += [profiles.find(f"p{number}", "b") for number in range(20)]
    assert sorted(rows) == list(range(70))  # type: ignore[type-var]
    found = profiles.keys(np.array(rows))
    assert found["id"].to_list() == [f"p{number}" for number in [*range(50), *range(20)]]
    assert found["source"].to_list() == ["a"] * 50 + ["b"] * 20
    assert profiles.find("p30", "b") is None
    assert profiles.find("p50") is None
    assert profiles.find("p3") == profiles.find("p3", "a")


# -- what it is made of


def test_equal_records_give_equal_bytes_in_any_order_and_by_batches_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_blocks: None
) -> None:
    vacancies, profiles = some("vacature", 40), some("werkzoekende", 560)
    first = built(tmp_path / "first", {"x": vacancies[:9], "a": vacancies[9:]}, {"": profiles})
    random.Random(3).shuffle(vacancies := vacancies[9:] + vacancies[:9])
    by_source = {
        "a": [each for each in vacancies if int(each["idVacature"][1:]) >= 9],
        "x": [each for each in vacancies if int(each["idVacature"][1:]) < 9],
    }
    random.Random(4).shuffle(profiles)
    monkeypatch.setattr(data.dataset.reading, "BATCH", 29)
    second = built(tmp_path / "second", by_source, {"": profiles})
    assert first["sides"]["profiles"]["block"] == 512
    assert bytes_of(tmp_path / "first") == bytes_of(tmp_path / "second")
    assert first == second
    built(tmp_path / "third", by_source, {"": profiles[1:]})
    assert bytes_of(tmp_path / "third").keys() != bytes_of(tmp_path / "second").keys()


def bytes_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_index_without_records_is_an_index(tmp_path: Path) -> None:
    built(tmp_path / "index", {}, {})
    index = open_index(tmp_path / "index", check=True)
    for setting in DIRECTIONS:
        assert ranked(index, setting) == []
    assert len(index.profiles) == len(index.vacancies) == 0
    assert index.profiles.find("p") is None


def test_a_bad_record_stops_the_building_or_is_left_out_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "profiles.ndjson"
    path.write_text('{"idWerkzoekende": "a"}\n{"idWerkzoekende": "b", "sector": 3}\n')
    options: dict[str, Any] = {
        "profiles": {"": path},
        "vacancies": {},
        "taxonomy": small_taxonomy(),
        "as_of": AS_OF,
    }
    with pytest.raises(RecordError):
        build_index(tmp_path / "index", **options)
    assert list((tmp_path / "index").iterdir()) == []
    manifest = build_index(tmp_path / "index", on_error="skip", **options)
    about = manifest["sides"]["profiles"]
    assert (about["records"], about["rejected"]) == (1, 1)


# -- what it refuses


def copied(pair: Path, tmp_path: Path) -> Path:
    root = tmp_path / "index"
    subprocess.run(["cp", "-r", pair / "one", root], check=True)
    return root


def newest(root: Path) -> Path:
    return root / publications(root)[0].version


def refused(root: Path, says: str, *, check: bool = False) -> None:
    with pytest.raises(FileError, match=says):
        open_index(root, check=check)
    with pytest.raises(FileError):
        verify(root)


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "no index is here")
    refused(tmp_path / "nowhere", "no index is here")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "[3]", '[{"number": 1}]', '[{"number": 1, "version": "../x", "changes": 0}]'],
)
def test_a_damaged_pointer_is_refused(content: str, pair: Path, tmp_path: Path) -> None:
    root = copied(pair, tmp_path)
    (root / "CURRENT").write_text(content)
    refused(root, "CURRENT: damaged")


def test_a_pointer_to_nothing_is_refused(pair: Path, tmp_path: Path) -> None:
    root = copied(pair, tmp_path)
    (root / "CURRENT").write_text('[{"number": 1, "version": "0123456789abcdef", "changes": 0}]')
    refused(root, "no such version")


def test_a_version_that_is_not_kept_is_refused(pair: Path) -> None:
    with pytest.raises(FileError, match="not kept"):
        open_index(pair / "one", "0123456789abcdef")


@pytest.mark.parametrize("damage", ["no", "empty", "list", "value", "truncated"])
def test_a_damaged_manifest_is_refused(damage: str, pair: Path, tmp_path: Path) -> None:
    root = copied(pair, tmp_path)
    path = newest(root) / "manifest.json"
    text = path.read_text()
    path.unlink()
    if damage != "no":
        damaged = {
            "empty": "",
            "list": "[]",
            "value": text.replace('"records": 12', '"records": 13'),
            "truncated": text[:-9],
        }
        assert damaged[damage] != text
        path.write_text(damaged[damage])
    refused(root, "no such file" if damage == "no" else "damaged")


def test_a_later_format_is_refused_as_such(pair: Path, tmp_path: Path) -> None:
    root = copied(pair, tmp_path)
    path = newest(root) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": FORMAT + 1}))
    refused(root, "later release")


def test_each_file_that_is_missing_or_truncated_is_refused(pair: Path, tmp_path: Path) -> None:
    root = copied(pair, tmp_path)
    names = json.loads((newest(root) / "manifest.json").read_text())["files"]
    assert len(names) > 60
    for name in names:
        path = newest(root) / name
        content = path.read_bytes()
        path.unlink()
        refused(root, "no such file")
        path.write_bytes(content[:-1])
        refused(root, "bytes; allowed")
        path.write_bytes(content)
    open_index(root)


def test_a_changed_byte_is_refused_when_all_is_checked(pair: Path, tmp_path: Path) -> None:
    root = copied(pair, tmp_path)
    path = newest(root) / "profiles-has-values.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    open_index(root)
    refused(root, "damaged: its hash", check=True)


def test_an_array_of_another_type_is_refused(pair: Path, tmp_path: Path) -> None:
    root = copied(pair, tmp_path)
    path = newest(root) / "profiles-key.npy"
    path.write_bytes(path.read_bytes().replace(b"<i4", b"<u4"))
    refused(root, "another type or shape")


def test_a_folder_with_other_files_is_not_built_into(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(OutputError, match="other files"):
        built(tmp_path, {}, {})
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".parquet"] == ["letter.txt"]


# -- how it is published


def test_as_many_versions_are_kept_as_asked(tmp_path: Path) -> None:
    root = tmp_path / "index"
    for keep, expected in ((2, [0]), (2, [1, 0]), (2, [2, 1]), (3, [3, 2, 1]), (1, [4])):
        number = expected[0]
        built(root, {}, {"": some("werkzoekende", 3, number)}, keep=keep)
        kept = publications(root)
        assert [each.number for each in kept] == [place + 1 for place in expected]
        folders = {path.name for path in root.iterdir() if path.is_dir()}
        assert folders == {each.version for each in kept}
        assert [each for each, _ in verify(root)] == kept
    for each in kept:
        assert open_index(root, each.version).publication == each


def test_a_reader_keeps_its_version_when_that_is_collected_and_sees_the_new_one_by_refreshing(
    tmp_path: Path,
) -> None:
    root = tmp_path / "index"
    vacancies, profiles = some("vacature", 6), some("werkzoekende", 20)
    built(root, {"": vacancies}, {"": profiles})
    other, reader = open_index(root), open_index(root)
    expected = [ranked(other, setting) for setting in DIRECTIONS]
    built(root, {"": vacancies}, {"": profiles[:10]}, keep=1)
    assert [path.name for path in root.iterdir() if path.is_dir()] == [publications(root)[0].version]
    assert [ranked(reader, setting) for setting in DIRECTIONS] == expected
    newer = reader.refresh()
    assert len(newer.profiles) == 10
    assert newer.refresh() is newer
    reader.delete("werkzoekende", ["w1"])
    assert len(newer.refresh().profiles) == 9


def test_whoever_stays_with_a_version_sees_its_changes_until_it_is_collected(tmp_path: Path) -> None:
    root = tmp_path / "index"
    built(root, {}, {"": alike(3, "werkzoekende")})
    opened = open_index(root, publications(root)[0].version)
    built(root, {}, {"": alike(2, "werkzoekende")})
    open_index(root).delete("werkzoekende", ["0001"])
    assert [len(each.profiles) for each in (opened, opened.refresh(), open_index(root))] == [3, 2, 1]
    built(root, {}, {"": alike(1, "werkzoekende")}, keep=1)
    with pytest.raises(FileError, match="not kept"):
        opened.refresh()


def test_touching_an_index_reads_all_pages_of_its_arrays(pair: Path) -> None:
    def resident(of: str) -> int:
        """Bytes of a file, or all files below a folder, that this process has mapped and read."""
        total, counts = 0, False
        for line in Path("/proc/self/smaps").read_text().splitlines():
            if re.match("[0-9a-f]+-", line):
                counts = of in line
            elif counts and line.startswith("Rss:"):
                total += 1024 * int(line.split()[1])
        return total

    opened = open_index(pair / "one")
    folder = pair / "one" / opened.publication.version
    opened.touch()
    assert resident(str(folder)) >= sum(path.stat().st_size for path in folder.glob("*.npy"))


def test_whoever_opens_an_index_while_it_is_published_sees_one_version_whole(
    pair: Path, tmp_path: Path
) -> None:
    root = copied(pair, tmp_path)
    setting, stop = Settings(AS_OF), Event()
    expected = [ranked(open_index(pair / name), setting) for name in ("one", "two")]
    seen: list[int] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(expected.index(ranked(open_index(root, check=True), setting)))

    readers = [Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for seed in (2, 1) * 3:
        built(root, {"": some("vacature", 5, seed)}, {"": some("werkzoekende", 12, seed)}, keep=1)
    stop.set()
    for reader in readers:
        reader.join()
    assert set(seen) == {0, 1}


@pytest.mark.parametrize("step", ["read_manifest", "check_files", "map_files", "_Space"])
def test_whoever_opens_a_version_that_is_collected_meanwhile_gets_the_next(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, call, times = tmp_path / "index", getattr(engine.index, step), iter(range(9))
    built(root, {}, {"": alike(3, "werkzoekende")})

    def publishing(*arguments: Any, **options: Any) -> Any:
        if next(times) == 0:
            built(root, {}, {"": alike(2, "werkzoekende")}, keep=1)
        return call(*arguments, **options)

    monkeypatch.setattr(engine.index, step, publishing)
    assert len(open_index(root).profiles) == 2


# Nothing here may start a thread of Polars before the process is forked, so the checks read files only.
KILLED = """
import json, os, random, shutil, signal, sys, time
from pathlib import Path

import numpy as np

from engine import kernels
from engine.build import build_index
from engine.publish import (
    building, check_files, publications, publish, read_changes, read_manifest, write_change
)
from plain_engine import AS_OF

folder, what = Path(sys.argv[1]), sys.argv[2]
old, root = folder / "one", folder / f"killed-{what}"
new = folder / "two" / publications(folder / "two")[0].version
about = json.loads((new / "manifest.json").read_text())
del about["format"], about["files"]
versions = {publications(folder / name)[0].version for name in ("one", "two")}


def fresh():
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(old, root, copy_function=os.link)
    change("first")


def change(name):
    write_change(root, {"name": name}, b"")


def state():
    newest = publications(root)[0]
    assert newest.version in versions
    for each in publications(root):
        check_files(root / each.version, read_manifest(root / each.version), hashes=True)
    # Of what changed, all that this version lacks, whole and in order.
    names = [head["name"] for head, _ in read_changes(root, newest.changes)]
    if newest.version == new.name:
        assert names == ["second"] * (what == "steps"), names
    else:
        assert names == ["first", *["second"] * (len(names) - 1)], names
    return newest.version


def publish_it():
    with building(root) as place:
        change("second")
        shutil.copytree(new, place, dirs_exist_ok=True, copy_function=os.link)
        (place / "manifest.json").unlink()
        publish(root, place, about, 1)


def build_it():
    from data.taxonomy import load_taxonomy
    build_index(
        root,
        profiles={"": folder / "two-werkzoekende-.parquet"},
        vacancies={"": folder / "two-vacature-.parquet"},
        taxonomy=load_taxonomy(new / "taxonomy"),
        as_of=AS_OF,
        keep=1,
    )


def forked(work):
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    return child


def dying(at):
    calls = 0
    def until(call):
        def counted(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)
        return counted
    for name in ("fsync", "rename", "replace", "rmdir", "unlink"):
        setattr(os, name, until(getattr(os, name)))


def cleaned(work):
    assert os.waitpid(forked(work), 0)[1] == 0
    assert sorted(path.name for path in root.iterdir()) == sorted(["CURRENT", "changes", new.name])
    assert len(list((root / "changes").iterdir())) == (what == "steps")
    assert state() == new.name


found = []
if what == "steps":
    at, status = 0, None
    fresh()
    while status != 0:
        at += 1
        if state() == new.name:
            fresh()
        child = forked(lambda: (dying(at), publish_it()))
        status = os.waitpid(child, 0)[1]
        assert status in (0, signal.SIGKILL)
        found.append(state())
        if at % 10 == 0:
            cleaned(publish_it)
else:
    # What each child would load by itself.
    few = np.zeros(2, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8)
    kernels.expand(*few, *few)
    kernels.fill_block(*few, np.zeros(1, np.int32), np.zeros(2, np.uint32), np.zeros((1, 512), np.uint8))
    kernels.apportion(few[0], few[1], np.zeros(1, np.int64), np.zeros(1, np.uint64))
    fresh()
    start = time.perf_counter()
    cleaned(build_it)
    whole, chance = time.perf_counter() - start, random.Random(5)
    for number in range(50):
        fresh()
        child = forked(build_it)
        time.sleep(chance.random() * whole)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found.append(state())
        if number % 10 == 9:
            cleaned(build_it)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def killings(pair: Path) -> Iterator[dict[str, "subprocess.Popen[str]"]]:
    """Processes that have builders killed, at each step and at random moments; both at once, for the time."""
    running = {
        what: subprocess.Popen(
            [sys.executable, "-c", KILLED, str(pair), what],
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for what in ("steps", "moments")
    }
    yield running
    for each in running.values():
        each.kill()
        each.communicate()


def found_by(process: "subprocess.Popen[str]") -> list[str]:
    """The newest version after each time that a builder was killed."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out)  # type: ignore[no-any-return]


def test_whoever_is_killed_at_any_step_of_publication_leaves_the_old_version_or_the_new(
    pair: Path, killings: dict[str, "subprocess.Popen[str]"]
) -> None:
    old, new = (publications(pair / name)[0].version for name in ("one", "two"))
    found = found_by(killings["steps"])
    turn = found.index(new)
    assert found == [old] * turn + [new] * (len(found) - turn)
    # Before it counts: every file, the folder, its name, the pointer. After that: collecting the old one.
    assert turn > 70
    assert len(found) - turn > 70


def test_whoever_is_killed_at_a_random_moment_leaves_the_old_version_or_the_new(
    pair: Path, killings: dict[str, "subprocess.Popen[str]"]
) -> None:
    found = found_by(killings["moments"])
    assert len(found) == 50
    assert publications(pair / "one")[0].version in found


# -- what changes in it


def changed(
    chance: random.Random, index: MatchIndex, side: Side, records: dict[str, dict[str, Json]]
) -> None:
    """Publish a change of one source, and make it in `records` too: source -> id -> record."""
    source = chance.choice(sorted(records))
    of_source = records[source]
    names = sorted({*of_source, f"{source}{side[0]}{chance.randint(0, 99)}"})
    chosen = chance.sample(names, min(len(names), chance.randint(1, 3)))
    if chance.random() < 0.4:
        index.delete(side, [*chosen, "nobody"], source)
        for name in chosen:
            of_source.pop(name, None)
    else:
        put = [random_record(chance, side, name) for name in chosen]
        index.put(side, frame_of(put, side), source)
        of_source |= dict(zip(chosen, put, strict=True))


@given(st.integers(0, 2**32))
@settings(max_examples=12)
def test_a_changed_index_ranks_and_selects_as_one_that_is_built_anew(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance, folder = random.Random(seed), tmp_path_factory.mktemp("changed")
    sides: tuple[Side, Side] = ("vacature", "werkzoekende")
    records: dict[Side, dict[str, dict[str, Json]]] = {
        side: {
            source: {each[ID[side]]: each for each in some(side, chance.randint(0, 6), seed, source)}
            for source in ("a", "b")
        }
        for side in sides
    }

    def build(name: str) -> None:
        vacancies, profiles = (
            {source: list(each.values()) for source, each in records[side].items()} for side in sides
        )
        built(folder / name, vacancies, profiles)

    build("index")
    index = watching = open_index(folder / "index")
    for _ in range(chance.randint(1, 6)):
        side = chance.choice(sides)
        changed(chance, index, side, records[side])
        if chance.random() < 0.5:
            watching = watching.refresh()
    build("anew")
    anew, watching = open_index(folder / "anew"), watching.refresh()
    for opened in (watching, open_index(folder / "index")):
        for side in sides:
            assert len(opened.side(side)) == len(anew.side(side)) == sum(map(len, records[side].values()))
        for _ in range(4):
            setting, k = random_settings(chance), chance.choice((1, 3, 50))
            sources = chance.choice((None, {"a"}, {"a", "b"}))
            assert ranked(opened, setting, k, sources=sources) == ranked(anew, setting, k, sources=sources)
        for side in sides:
            question = question_of(side, chance.choice((20, 300)))
            found, expected = (
                (each.select(question), each.keys(each.select(question).rows))
                for each in (opened.side(side), anew.side(side))
            )
            assert found[1].to_dicts() == expected[1].to_dicts()
            assert found[0].distance_km.tolist() == expected[0].distance_km.tolist()
            assert found[0].without_location == expected[0].without_location


ID: Mapping[Side, str] = {"werkzoekende": "idWerkzoekende", "vacature": "idVacature"}


def test_a_ranking_of_changed_candidates_in_blocks_and_threads_is_the_same(tmp_path: Path) -> None:
    vacancies, profiles = some("vacature", 300), some("werkzoekende", 60)
    built(tmp_path / "index", {"": vacancies}, {"": profiles})
    index = open_index(tmp_path / "index")
    index.put("werkzoekende", frame_of(some("werkzoekende", 20, 9), "werkzoekende"))
    index.put("werkzoekende", frame_of(some("werkzoekende", 20, 9), "werkzoekende"), "other")
    index = index.refresh()
    for setting in DIRECTIONS:
        ranker = index.ranker(setting)
        expected = ranker.rank(7).frame()
        assert len(expected) > 100
        assert pl.concat(block.frame() for block in ranker.blocks(7, threads=2)).equals(expected)
        assert pl.concat(ranker.rank(7, row, row + 1).frame() for row in range(3)).equals(
            expected[: sum(len(ranker.rank(7, row, row + 1)) for row in range(3))]
        )


def test_a_change_is_seen_by_refreshing_and_a_found_record_is_the_changed_one(tmp_path: Path) -> None:
    built(tmp_path / "index", {"": alike(2, "vacature")}, {"": alike(3, "werkzoekende")})
    index = open_index(tmp_path / "index")
    assert index.refresh() is index
    other = {"idWerkzoekende": "0001", "bemiddelingsberoep": [{"codeBeroepsnaam": "o:lasser"}]}
    index.put("werkzoekende", frame_of([other], "werkzoekende"))
    index.delete("werkzoekende", ["0002"])
    later = index.refresh()
    assert len(index.profiles) == 3
    assert [len(later.profiles), later.profiles.find("0002")] == [2, None]
    assert {row["profile_id"] for row in ranked(later, Settings(AS_OF))} == {"0000"}
    row = later.profiles.find("0001")
    assert row is not None
    assert later.profiles.keys(np.array([row]))["id"].to_list() == ["0001"]
    taken = later.profiles.take(np.array([row]))
    assert [later.space.codes[feature] for feature in taken.asks.features] == ["o:lasser"]
    later.delete("werkzoekende", ["0001"])
    assert later.refresh().profiles.find("0001") is None
    assert later.vacancies is index.vacancies


def test_building_anew_starts_without_changes_also_from_equal_records(tmp_path: Path) -> None:
    root = tmp_path / "index"
    for number in range(2):
        built(root, {}, {"": alike(3, "werkzoekende")}, keep=1)
        index = open_index(root)
        assert [len(index.profiles), index.seen] == [3, number]
        index.delete("werkzoekende", ["0001"])
        assert len(index.refresh().profiles) == len(open_index(root).profiles) == 2
    assert [path.name for path in (root / "changes").iterdir()] == ["000002.change"]


@pytest.mark.parametrize("pointer", ["lost", "damaged"])
def test_old_changes_never_apply_to_a_new_publication_also_where_the_pointer_was_lost(
    pointer: str, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    built(root, {}, {"": alike(3, "werkzoekende")})
    open_index(root).delete("werkzoekende", ["0001"])
    (root / "CURRENT").unlink()
    if pointer == "damaged":
        (root / "CURRENT").write_text("[")
    built(root, {}, {"": alike(3, "werkzoekende")})
    assert len(open_index(root).profiles) == 3


def ids_of(index: MatchIndex) -> list[str]:
    return sorted(index.profiles.whole.records.ids)


def meanwhile(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Have something happen while a version is built: once, when its input has been read."""
    call, times = engine.build._learnt, iter(range(9))

    def learnt(*arguments: Any) -> Any:
        if next(times) == 0:
            work()
        return call(*arguments)

    monkeypatch.setattr(engine.build, "_learnt", learnt)


def test_what_is_deleted_or_put_while_a_version_is_built_counts_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, records = tmp_path / "index", {"": alike(4, "werkzoekende")}
    built(root, {}, records)
    before = open_index(root)
    before.delete("werkzoekende", ["0000"])

    def change() -> None:
        before.delete("werkzoekende", ["0001"])
        before.put("werkzoekende", frame_of([{"idWerkzoekende": "new"}], "werkzoekende"))
        before.delete("werkzoekende", ["0002"])

    meanwhile(monkeypatch, change)
    built(root, {}, records, keep=1)
    # 0000 was deleted before the files were taken, and they have it: it has come back.
    for opened in (open_index(root), before.refresh()):
        assert ids_of(opened) == ["0000", "0003", "new"]
        assert [opened.publication.number, opened.publication.changes, opened.seen] == [2, 1, 4]
    built(root, {}, records, keep=1)
    assert ids_of(open_index(root)) == ["0000", "0001", "0002", "0003"]
    assert list((root / "changes").iterdir()) == []


def test_what_changes_counts_in_a_version_that_was_begun_before_and_is_published_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, records = tmp_path / "index", {"": alike(4, "werkzoekende")}
    built(root, {}, records)

    def change() -> None:
        open_index(root).delete("werkzoekende", ["0001"])
        built(root, {}, {"": alike(3, "werkzoekende")}, keep=1)
        assert ids_of(open_index(root)) == ["0000", "0001", "0002"]
        open_index(root).delete("werkzoekende", ["0002"])

    meanwhile(monkeypatch, change)
    built(root, {}, records, keep=1)
    assert ids_of(open_index(root)) == ["0000", "0003"]


def test_a_build_of_files_that_were_taken_earlier_counts_what_changed_since_then(tmp_path: Path) -> None:
    root, records = tmp_path / "index", {"": alike(4, "werkzoekende")}
    built(root, {}, records)
    index = open_index(root)
    for name in ("0001", "0002"):
        index.delete("werkzoekende", [name])
        index = index.refresh()
    assert index.seen == 2
    everybody = ["0000", "0001", "0002", "0003"]
    for since, expected in ((1, ["0000", "0001", "0003"]), (2, everybody)):
        built(root, {}, records, since=since, keep=1)
        assert ids_of(open_index(root)) == expected
    for since in (1, 3):
        with pytest.raises(OutputError, match=f"as of change {since}"):
            built(root, {}, records, since=since)
    assert ids_of(open_index(root)) == everybody


def test_a_change_that_is_missing_between_others_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "index"
    built(root, {}, {"": alike(4, "werkzoekende")})
    index = open_index(root)
    for name in ("0001", "0002"):
        index.delete("werkzoekende", [name])
    (root / "changes" / "000001.change").unlink()
    with pytest.raises(FileError, match="no such file"):
        index.refresh()
    refused(root, "no such file")


def test_records_at_one_distance_are_selected_by_source_and_id_changed_or_not(tmp_path: Path) -> None:
    profiles = alike(4, "werkzoekende")
    built(tmp_path / "index", {}, {"b": profiles, "a": profiles})
    index = open_index(tmp_path / "index")
    expected = [(source, f"000{number}") for source in "ab" for number in range(4)]
    for _ in range(2):
        found = index.profiles.select(question_of("werkzoekende", 10))
        assert index.profiles.keys(found.rows).rows() == expected
        index.put("werkzoekende", frame_of(profiles[1:3], "werkzoekende"), "a")
        index = index.refresh()


@pytest.mark.parametrize("damage", ["changed", "truncated", "empty"])
def test_a_damaged_change_is_refused(damage: str, tmp_path: Path) -> None:
    root = tmp_path / "index"
    built(root, {}, {"": alike(3, "werkzoekende")})
    index = open_index(root)
    index.delete("werkzoekende", ["0001"])
    path = root / "changes" / "000001.change"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes({"changed": bytes(content), "truncated": bytes(content[:-1]), "empty": b""}[damage])
    with pytest.raises(FileError, match="damaged"):
        index.refresh()
    refused(root, "damaged")


def test_what_is_no_record_of_the_side_is_not_put(tmp_path: Path) -> None:
    built(tmp_path / "index", {}, {})
    index = open_index(tmp_path / "index")
    good = frame_of(alike(2, "werkzoekende"), "werkzoekende")
    for wrong in (
        frame_of(alike(2, "vacature"), "vacature"),
        pl.concat([good, good]),
        good.with_columns(pl.lit(None, pl.String).alias("idWerkzoekende")),
    ):
        with pytest.raises(ValueError, match="not records"):
            index.put("werkzoekende", wrong)
    assert index.refresh() is index


CHANGES = """
import sys
from pathlib import Path
from engine.index import open_index
index = open_index(Path(sys.argv[1]))
for number in range(10):
    index.delete("werkzoekende", [f"{sys.argv[2]}{number}"])
"""


def test_changes_of_several_processes_at_once_all_count(tmp_path: Path) -> None:
    names = [f"{prefix}{number}" for prefix in "ab" for number in range(10)]
    built(tmp_path / "index", {}, {"": [{"idWerkzoekende": name} for name in [*names, "rest"]]})
    running = [
        subprocess.Popen([sys.executable, "-c", CHANGES, str(tmp_path / "index"), prefix]) for prefix in "ab"
    ]
    assert [process.wait() for process in running] == [0, 0]
    profiles = open_index(tmp_path / "index").profiles
    assert [len(profiles), profiles.find("a3"), profiles.find("rest")] != [1, None, None]
    assert len(profiles) == 1


# -- the command


def test_the_command_builds_shows_and_checks_an_index(pair: Path, tmp_path: Path) -> None:
    files = pair / "one-werkzoekende-.parquet", pair / "one-vacature-.parquet"
    root = tmp_path / "index"
    sources = "--profiles", f"{files[0]}=uwv", "--vacancies", f"{files[1]}=werk.nl"
    done = koppel("index", "build", "-o", root, *sources, "--as-of", "2026-06-01", "--keep", 1)
    assert (done.code, done.out) == (0, "")
    assert "12 profiles, 5 vacancies; as of 2026-06-01" in done.err
    open_index(root).delete("werkzoekende", ["w1"], "uwv")
    (about,) = koppel("index", "info", root, "--json").lines
    assert about["version"] == publications(root)[0].version
    assert about["now"] == {"profiles": 11, "vacancies": 5}
    assert about["sides"]["vacancies"]["sources"] == ["werk.nl"]
    assert (
        about["bytes"]
        == sum(path.stat().st_size for path in newest(root).rglob("*.*") if path.is_file())
        - (newest(root) / "manifest.json").stat().st_size
    )
    assert about["changes"] == 1
    mapped = sum(
        sum(path.stat().st_size for path in newest(root).glob(f"{side}-*"))
        for side in ("profiles", "vacancies")
    )
    assert sum(sum(parts.values()) for parts in about["parts"].values()) == mapped
    shown = koppel("index", "info", root).out
    assert re.search(r" posting_row +[\d,.]+ +[\d,.]+\n", shown)
    assert re.search(r"records +12 +5\n", shown)
    assert re.search(r"records now +11 +5\n", shown)
    checked = koppel("index", "verify", root)
    assert (checked.code, checked.out.count("\n")) == (0, 1)
    (newest(root) / "profiles-key.npy").unlink()
    assert koppel("index", "verify", root).code == 3
    assert koppel("index", "info", root).told().startswith("Error: ")


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["interrupted", "stopped"]
)
def test_a_build_that_is_broken_off_leaves_the_old_index_and_nothing_else(
    pair: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    root = copied(pair, tmp_path)
    before = bytes_of(root)
    files = pair / "one-werkzoekende-.parquet", tmp_path / "many.parquet"
    write(generate_vacancies(20_000, seed=5), files[1])
    run = process("index", "build", "-o", root, "--profiles", files[0], "--vacancies", files[1])
    while len(list(root.iterdir())) == 2 and run.poll() is None:  # until it begins to write
        with suppress(subprocess.TimeoutExpired):
            run.wait(0.02)
    run.send_signal(sent)
    assert run.communicate()[0] == ""
    assert run.returncode == code
    assert bytes_of(root) == before
    assert [path.name for path in root.iterdir() if path.name.startswith(".")] == []


@pytest.fixture(scope="module")
def of_two_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of profiles of which two sources, a and b, have the same, and of vacancies of v and w."""
    root = tmp_path_factory.mktemp("sources") / "index"
    profiles = alike(3, "werkzoekende")
    built(
        root, {"v": alike(1, "vacature", "v"), "w": alike(1, "vacature", "w")}, {"a": profiles, "b": profiles}
    )
    return root


@pytest.mark.parametrize("direction", ["vacancy", "profile", "mutual"])
@pytest.mark.parametrize("changed", [False, True])
def test_a_ranking_tells_of_which_source_a_record_is(direction: str, changed: bool, tmp_path: Path) -> None:
    root, profiles = tmp_path / "index", alike(3, "werkzoekende")
    built(root, {"v": alike(1, "vacature")}, {"a": profiles, "b": profiles})
    if changed:
        open_index(root).put("werkzoekende", frame_of(profiles[1:2], "werkzoekende"), "c")
        open_index(root).delete("werkzoekende", ["0002"], "a")
    index = open_index(root)
    frame = index.ranker(Settings(AS_OF, direction)).rank(9).frame()  # type: ignore[arg-type]
    keys = {("a", "0000"), ("a", "0001"), *(("b", f"000{number}") for number in range(3))}
    assert set(frame.select("profile_source", "profile_id").rows()) == keys | (
        {("c", "0001")} if changed else {("a", "0002")}
    )
    assert frame["vacancy_source"].unique().to_list() == ["v"]


def test_match_and_explain_take_candidates_of_the_named_sources_only(of_two_sources: Path) -> None:
    index = ["--index", of_two_sources, "--json"]
    for direction in ("vacancy", "profile", "mutual"):
        named, candidate = ("v", "vacancy_source") if direction == "profile" else ("b", "profile_source")
        done = koppel("match", *index, "--direction", direction, "--sources", named)
        assert {row[candidate] for row in done.lines} == {named}
        assert f"candidates: {1 if direction == 'profile' else 3};" in done.err
        everybody = koppel("match", *index, "--direction", direction, "--sources", f"a,b,{named},v,w").lines
        assert everybody == koppel("match", *index, "--direction", direction).lines
    shown = koppel("match", "--index", of_two_sources, "--sources", "b").out
    assert re.search(r"vacancy v v0000\n", shown)
    assert re.search(r"1 +b +000", shown)
    asked = ["--vacancy", "v0000", "--profile"]
    for command in ("match", "explain"):
        assert "2 sources have this id" in koppel(command, *index, *asked, "0001").told()
        for found in ([*asked, "a=0001"], [*asked, "0001", "--sources", "a"]):
            (row,) = koppel(command, *index, *found).lines
            assert (row["profile_source"], row["profile_id"]) == ("a", "0001")
        assert koppel(command, *index, *asked, "a=0001", "--sources", "b").code == 4
        assert koppel(command, *index, *asked, "c=0001").code == 4
        assert "'c' is unknown" in koppel(command, *index, *asked, "0001", "--sources", "a,c").told()
        files = "--profiles", of_two_sources, "--vacancies", of_two_sources
        assert koppel(command, *files, *asked, "0001", "--sources", "a").code == 2


def test_two_files_of_one_source_are_refused(tmp_path: Path) -> None:
    done = koppel(
        "index", "build", "-o", tmp_path / "index", "--profiles", "a.json=x", "--profiles", "b.json=x"
    )
    assert (done.code, not (tmp_path / "index").exists()) == (2, True)


def test_an_index_of_no_file_takes_the_place_of_none(tmp_path: Path) -> None:
    done = koppel("index", "build", "-o", tmp_path / "index")
    assert (done.code, not (tmp_path / "index").exists()) == (2, True)
    assert "--profiles or --vacancies" in done.err


@pytest.mark.parametrize("direction", ["vacancy", "profile", "mutual"])
def test_match_and_explain_say_of_an_index_what_they_say_of_its_files(direction: str, tmp_path: Path) -> None:
    frames = pl.concat(generate_vacancies(40, seed=3)), pl.concat(generate_profiles(300, seed=4))
    built(tmp_path / "index", *frames, bundled_taxonomy())
    files = [
        *("--vacancies", tmp_path / "index-vacature-.parquet"),
        *("--profiles", tmp_path / "index-werkzoekende-.parquet"),
        *("--as-of", "2026-06-01"),
    ]
    index = ["--index", tmp_path / "index"]
    options = ["--direction", direction, "--json"]
    asking = "profile_id" if direction == "profile" else "vacancy_id"
    plain, indexed = koppel("match", *files, *options), koppel("match", *index, *options)
    assert len(plain.lines) > 30
    assert sorted(indexed.lines, key=lambda row: (row[asking], row["rank"])) == plain.lines
    assert indexed.err == plain.err
    first = plain.lines[0]
    one = ["--vacancy", first["vacancy_id"], "--profile", first["profile_id"]]
    assert koppel("match", *index, *options, *one).lines == koppel("match", *files, *options, *one).lines
    assert koppel("explain", *index, *options, *one) == koppel("explain", *files, *options, *one)
    assert koppel("match", *index, "--vacancy", "nobody").code == 4
    assert koppel("match", *index, *files[:2]).code == 2
    assert koppel("match", *index, "--as-of", "2026-06-02").code == 2
    assert koppel("match", *files[:2]).code == 2
