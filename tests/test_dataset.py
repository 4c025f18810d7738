"""Collections of records: what goes out comes in again, and what is bad is told, counted and set apart."""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from polars.datatypes import DataTypeClass
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from data import files
from data.dataset import ID_FIELDS, batches, parquet, read, reading, records, schema, write, writing
from data.dataset.lines import to_frame, to_lines
from data.dataset.plain import validator
from data.errors import FileError, OutputError, RecordError
from data.files import atomic
from data.pilot import generate_profiles, generate_vacancies
from data.standard import Side, model_of

SIDES: tuple[Side, ...] = ("werkzoekende", "vacature")
TEXT_SUFFIXES = [form + packing for form in (".json", ".ndjson", ".jsonl") for packing in ("", ".gz", ".zst")]
SUFFIXES = [*TEXT_SUFFIXES, ".parquet"]

GOOD: dict[str, Any] = {
    "idWerkzoekende": "a-1",
    "mobiliteit": {"bemiddelingspostcode": "6511AB", "maximaleReisafstand": 30},
    "bemiddelingsberoep": [{"codeBeroepsnaam": "urn:koppel:beroep:lasser"}, {}],
    "flexibiliteit": {"datumAanvangBeschikbaarVoorWerk": "2026-02-28"},
    "arbeidsmarktkwalificatie": {"taalbeheersing": [], "rijbewijs": [{"codeSoortRijbewijs": "BE"}]},
    "eisAanWerk": {},
    "telefoonnummer": ["024-1234567", 'a"\\\n\u2028é😀\u0000'],
    "sector": [],
}


def named(number: int, **changes: Any) -> dict[str, Any]:
    return {**GOOD, "idWerkzoekende": f"n{number}", **changes}


def packed(content: bytes, suffix: str) -> bytes:
    if suffix.endswith(".gz"):
        return gzip.compress(content)
    return zstandard.compress(content) if suffix.endswith(".zst") else content


def unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content)
    return (
        zstandard.ZstdDecompressor().decompressobj().decompress(content) if path.suffix == ".zst" else content
    )


def put(folder: Path, *items: Any, name: str = "in.ndjson") -> Path:
    """Write items as lines: bytes as they are, anything else as JSON."""
    path = folder / name
    lines = [item if isinstance(item, bytes) else json.dumps(item).encode() for item in items]
    path.write_bytes(packed(b"\n".join(lines) + b"\n", name))
    return path


def rows_of(path: Path) -> list[Any]:
    """Give the records of a text file by Python's own reader."""
    text = unpacked(path).decode()
    return (
        json.loads(text) if ".json" in path.suffixes else [json.loads(line) for line in text.split("\n")[:-1]]
    )


def pruned(value: Any) -> Any:
    """Take absent properties out of a row of a frame: what writing records is equal to."""
    if isinstance(value, dict):
        return {name: pruned(each) for name, each in value.items() if each is not None}
    return [pruned(each) for each in value] if isinstance(value, list) else value


def rejected(path: Path, tmp_path: Path, **options: Any) -> list[dict[str, Any]]:
    result = read(path, on_error="skip", rejects=tmp_path / "rejects.ndjson", **options)
    lines = (tmp_path / "rejects.ndjson").read_bytes().splitlines()
    assert result.rejected == len(lines)
    assert result.read == result.accepted + result.rejected
    assert result.frame.height == result.accepted
    return [json.loads(line) for line in lines]


# -- any record of the standard

TEXT = st.text(st.characters(codec="utf-8"), max_size=14)


def values(dtype: pl.DataType) -> st.SearchStrategy[Any]:
    """Any JSON value of a type of the schema, whatever the standard says of its content."""
    if isinstance(dtype, pl.Struct):
        fields = {field.name: values(as_instance(field.dtype)) for field in dtype.fields}
        return st.fixed_dictionaries({}, optional=fields)
    if isinstance(dtype, pl.List):
        return st.lists(values(as_instance(dtype.inner)), max_size=3)
    whole = st.integers(-(2**63), 2**63 - 1)
    return {pl.String(): TEXT, pl.Int64(): whole, pl.Boolean(): st.booleans()}[dtype]


def as_instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype


def any_records(side: Side) -> st.SearchStrategy[list[dict[str, Any]]]:
    fields = {name: values(dtype) for name, dtype in schema(side).items() if name != ID_FIELDS[side]}
    # Few at a time: most properties absent is what real records look like, and it is quicker.
    some = st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: fields[name] for name in names})
    )
    return st.lists(some, max_size=4).map(
        lambda found: [{ID_FIELDS[side]: f"id{number}", **each} for number, each in enumerate(found)]
    )


@pytest.mark.parametrize("side", SIDES)
@given(data=st.data())
def test_lines_become_a_frame_and_a_frame_lines_with_every_value_as_it_is(
    side: Side, data: st.DataObject
) -> None:
    found = data.draw(any_records(side))
    escaped = data.draw(st.booleans())
    texts = [json.dumps(each, ensure_ascii=escaped).encode() for each in found]
    frame = to_frame(texts, schema(side))
    assert frame.schema == schema(side)
    assert [pruned(row) for row in frame.to_dicts()] == found
    assert_frame_equal(frame, pl.DataFrame(found, schema=schema(side)))
    assert [json.loads(line) for line in to_lines(frame).split(b"\n")[:-1]] == found


@given(data=st.data())
def test_parquet_keeps_every_value_as_it_is(data: st.DataObject, tmp_path_factory: Any) -> None:
    found = data.draw(any_records("vacature"))
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    frame = pl.DataFrame(found, schema=schema("vacature"))
    assert write(frame, path) == len(found)
    assert_frame_equal(read(path).frame, frame)


def test_the_columns_are_the_properties_of_the_standard_as_they_are_spelt() -> None:
    for side in SIDES:
        assert schema(side).names() == list(model_of(side).model_fields)
    columns = schema("werkzoekende")
    assert columns["idWerkzoekende"] == pl.String
    assert columns["sector"] == pl.List(pl.Struct({"codeSbi": pl.Int64}))
    assert columns["telefoonnummer"] == pl.List(pl.String)
    assert columns["indicatieLdrRegistratie"] == pl.Int64


def test_absent_is_null_and_an_empty_list_or_object_is_not(tmp_path: Path) -> None:
    frame = read(put(tmp_path, GOOD)).frame
    assert frame["werktijden"].is_null().item()
    assert frame["contractvorm"].is_null().item()
    assert not frame["eisAanWerk"].is_null().item()
    assert frame["sector"].to_list() == [[]]


# -- the check of plain values


@cache
def generated(side: Side) -> pl.DataFrame:
    generate = generate_profiles if side == "werkzoekende" else generate_vacancies
    return pl.concat(generate(60, seed=1, as_of=date(2026, 9, 1)))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place in a JSON value, as what holds it and the name or number there."""
    for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(each, dict | list):
            yield from places(each)


LIKE_ANOTHER = st.sampled_from(
    [None, True, 0, 1, -1, 10**30, 1.0, "", "1", "6511AB", "2026-02-30", [], [None]]
)
ANYTHING: st.SearchStrategy[Any] = (
    LIKE_ANOTHER | st.floats() | TEXT | st.builds(dict) | st.just({"idWerkzoekende": "a"})
)


@pytest.mark.parametrize("side", SIDES)
@given(data=st.data())
def test_what_is_accepted_is_what_the_model_accepts(side: Side, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, generated(side).height - 1))
    record = json.loads(to_lines(generated(side)[row]))
    holder, key = data.draw(st.sampled_from(list(places(record))))
    change = data.draw(st.sampled_from(["nothing", "another value", "another property", "a value less"]))
    if change == "another value":
        holder[key] = data.draw(ANYTHING)
    elif change == "a value less":
        del holder[key]
    elif change == "another property" and isinstance(holder, dict):
        holder[data.draw(TEXT)] = holder[key]
    assert accepts(lambda: validator(side).validate_python(record)) == accepts(
        lambda: model_of(side).model_validate_json(json.dumps(record))
    )


def accepts(check: Callable[[], Any]) -> bool:
    try:
        check()
    except ValidationError:
        return False
    return True


# -- out and in again


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str) -> None:
    found = [named(number) for number in range(5)]
    first = read(put(tmp_path, *found))
    path = tmp_path / f"out{suffix}"
    assert write(first.frame, path) == 5
    again = read(path)
    assert_frame_equal(again.frame, first.frame)
    assert (again.side, again.read, again.accepted, again.rejected, again.faults) == (
        *("werkzoekende", 5, 5, 0),
        (),
    )
    if suffix in TEXT_SUFFIXES:
        assert rows_of(path) == found


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_records_give_equal_bytes_however_they_come(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "TEXT_GROUP", 7)
    monkeypatch.setattr(parquet, "ROW_GROUP", 7)
    frame = read(put(tmp_path, *map(named, range(40)))).frame
    write(frame, tmp_path / f"a{suffix}")
    for size in (1, 6, 7, 39):
        write(frame.iter_slices(size), tmp_path / f"b{suffix}")
        assert (tmp_path / f"b{suffix}").read_bytes() == (tmp_path / f"a{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frame_after_frame_is_the_same_as_all_at_once(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(put(tmp_path, *map(named, range(40)))).frame
    path = tmp_path / f"all{suffix}"
    write(whole, path)
    monkeypatch.setattr(reading, "BATCH", 7)
    monkeypatch.setattr(files, "PIECE", 50)
    frames = batches(path)
    heights = []
    for number, frame in enumerate(frames):
        assert_frame_equal(frame, whole[7 * number : 7 * number + 7])
        heights.append(frame.height)
        assert frames.accepted >= sum(heights)
    assert heights == [7, 7, 7, 7, 7, 5]
    assert write(batches(path), tmp_path / f"copy{suffix}") == 40
    assert (tmp_path / f"copy{suffix}").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("suffix", [each for each in SUFFIXES if each.startswith((".json.", ".par"))])
def test_a_collection_of_no_records_is_one_empty_frame(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"none{suffix}"
    assert write(pl.DataFrame(schema=schema("vacature")), path) == 0
    frames = list(batches(path, "vacature"))
    assert [frame.shape for frame in frames] == [(0, len(schema("vacature")))]
    assert read(path, "vacature").read == 0


def test_spelling_that_means_the_same_is_read_the_same(tmp_path: Path) -> None:
    plain = read(put(tmp_path, GOOD)).frame
    spelt = json.dumps(GOOD, indent=3, ensure_ascii=True).replace("idWerk", "id\\u0057erk")
    for text in (f"[{spelt}]", f"\ufeff \r\n[\t{spelt}\n\n]\n "):
        (tmp_path / "b.json").write_bytes(text.encode())
        assert_frame_equal(read(tmp_path / "b.json").frame, plain)
    line = json.dumps(GOOD).encode()
    (tmp_path / "c.jsonl").write_bytes(b"\xef\xbb\xbf\n  " + line + b"\r\n\n")
    assert_frame_equal(read(tmp_path / "c.jsonl").frame, plain)


SPELLINGS = [
    lambda found: json.dumps(found),
    lambda found: json.dumps(found, separators=(",", ":"), ensure_ascii=False),
    lambda found: json.dumps(found, indent=1),
    lambda found: "[" + "\n , ".join(json.dumps(each, ensure_ascii=False) for each in found) + "]",
    lambda found: "[\r\n" + ",\r\n".join(map(json.dumps, found)) + "\r\n]",
    lambda found: "[" + ",\n".join(json.dumps(each).replace("}, {", "},\n{") for each in found) + "\n]",
]


@pytest.mark.parametrize("spelt", SPELLINGS)
@pytest.mark.parametrize("side", SIDES)
def test_a_list_may_have_its_line_ends_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: Side, spelt: Callable[[list[Any]], str]
) -> None:
    monkeypatch.setattr(files, "PIECE", 999)
    frame = generated(side)
    found = [json.loads(line) for line in to_lines(frame).splitlines()]
    (tmp_path / "a.json").write_text(spelt(found), newline="")
    assert_frame_equal(read(tmp_path / "a.json").frame, frame)


@pytest.mark.parametrize("name", ["werkzoekenden", "vacatures"])
def test_real_records_come_through_whole(shared: Path, tmp_path: Path, name: str) -> None:
    source = shared / "accreditation" / f"{name}.json"
    result = read(source)
    assert (result.rejected, result.side) == (0, "vacature" if name == "vacatures" else "werkzoekende")
    write(result.frame, tmp_path / "a.ndjson")
    assert rows_of(tmp_path / "a.ndjson") == json.loads(source.read_bytes())


def test_progress_goes_up_to_the_size_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE", 1000)
    frame = read(put(tmp_path, *map(named, range(40)))).frame
    for suffix in (".json", ".ndjson.gz", ".json.zst", ".parquet"):
        path = tmp_path / f"a{suffix}"
        write(frame, path)
        told: list[tuple[int, int]] = []
        read(path, progress=lambda *place, told=told: told.append(place))
        assert told == sorted(told)
        assert told[-1] == (path.stat().st_size,) * 2


# -- bad records


def bad(text: str) -> bytes:
    """Give a record with something in the place of its first property after the id."""
    return b'{"idWerkzoekende":"bad",' + text.encode() + b"}"


BAD_RECORDS: dict[str, tuple[bytes, str, str, str]] = {
    # what is wrong: the line, and what is told: id, path, a part of what was found
    "no JSON": (b'{"idWerkzoekende":"bad",', "unknown", "$", "no JSON"),
    "two values in a line": (b"{} {}", "unknown", "$", "no JSON"),
    "a list": (b"[]", "unknown", "$", "a list"),
    "null": (b"null", "unknown", "$", "null"),
    "a text": (b'"Jan"', "unknown", "$", "text of 3 characters"),
    "an unknown property": (bad('"naam":"Jan"'), "bad", "$.naam", "a property"),
    "a code that is not in its list": (
        bad('"arbeidsmarktkwalificatie":{"rijbewijs":[{},{"codeSoortRijbewijs":"Z"}]}'),
        *("bad", "$.arbeidsmarktkwalificatie.rijbewijs[1].codeSoortRijbewijs", '"Z"'),
    ),
    "a day that does not exist": (
        bad('"flexibiliteit":{"datumAanvangBeschikbaarVoorWerk":"2026-02-30"}'),
        *("bad", "$.flexibiliteit.datumAanvangBeschikbaarVoorWerk", "2026-02-30"),
    ),
    "a bad postcode": (
        bad('"mobiliteit":{"bemiddelingspostcode":"6511 AB"}'),
        *("bad", "$.mobiliteit.bemiddelingspostcode", "text of 7 characters"),
    ),
    "a number as text": (bad('"sector":[{"codeSbi":"12"}]'), "bad", "$.sector[0].codeSbi", '"12"'),
    "a number with a fraction": (bad('"sector":[{"codeSbi":12.0}]'), "bad", "$.sector[0].codeSbi", "12.0"),
    "an endless number": (
        bad('"sector":[{"codeSbi":' + "9" * 5000 + "}]"),
        *("unknown", "$", "no JSON"),
    ),
    "NaN": (bad('"sector":[{"codeSbi":NaN}]'), "bad", "$.sector[0].codeSbi", "NaN"),
    "Infinity": (bad('"sector":[{"codeSbi":-Infinity}]'), "bad", "$.sector[0].codeSbi", "infinite"),
    "null for a value": (bad('"sector":null'), "bad", "$.sector", "null"),
    "a property twice": (bad('"sector":[{"codeSbi":1,"codeSbi":1}]'), "bad", "$", "codeSbi twice"),
    "a property twice, hidden by escapes": (
        bad('"sector":[],"sector":[],"persoonlijkePresentatie":"' + "\\u0022" * 2 + '"'),
        *("bad", "$", "sector twice"),
    ),
    "an id twice in one record": (bad('"idWerkzoekende":"other"'), "other", "$", "idWerkzoekende twice"),
    "half a surrogate": (bad('"persoonlijkePresentatie":"\\ud800"'), "unknown", "$", "no JSON"),
    "nesting of 40 levels": (bad('"diep":' + "[" * 40 + "]" * 40), "bad", "$.diep", "a property"),
    "nesting of 400 levels": (bad('"diep":' + "[" * 400 + "]" * 400), "unknown", "$", "no JSON"),
    "no id": (b'{"sector":[]}', "unknown", "$.idWerkzoekende", "absent"),
    "an id that is none": (b'{"idWerkzoekende":"Jan de Boer"}', "unknown", "$.idWerkzoekende", "text of 11"),
    "the id of another": (json.dumps(named(1)).encode(), "n1", "$.idWerkzoekende", "record 1 again"),
}
IN_LISTS = sorted(BAD_RECORDS.keys() - {"no JSON", "two values in a line"})


@pytest.mark.parametrize("problem", BAD_RECORDS)
def test_a_bad_record_is_told_and_set_apart_and_the_others_are_read(tmp_path: Path, problem: str) -> None:
    line, record_id, path, found = BAD_RECORDS[problem]
    (told,) = rejected(put(tmp_path, named(1), line, named(2)), tmp_path)
    assert list(told) == ["number", "id", "path", "found", "allowed", "record"]
    assert (told["number"], told["id"], told["path"]) == (2, record_id, path)
    assert found in told["found"]
    assert told["allowed"]


@pytest.mark.parametrize("problem", IN_LISTS)
def test_a_bad_item_of_a_list_is_told_like_a_bad_line(tmp_path: Path, problem: str) -> None:
    line = BAD_RECORDS[problem][0]
    from_lines = rejected(put(tmp_path, named(1), line, named(2)), tmp_path)
    one, two = (json.dumps(named(number)).encode() for number in (1, 2))
    (tmp_path / "a.json").write_bytes(b"[" + b",\n".join([one, line, two]) + b"]")
    assert rejected(tmp_path / "a.json", tmp_path) == from_lines


@pytest.mark.parametrize("problem", IN_LISTS)
def test_a_bad_item_is_told_the_same_wherever_its_line_ends(tmp_path: Path, problem: str) -> None:
    one, two = (json.dumps(named(number)).encode() for number in (1, 2))
    told = []
    for between in (b",\n", b" , "):
        (tmp_path / "a.json").write_bytes(b"[" + between.join([one, BAD_RECORDS[problem][0], two]) + b"]")
        told.append(rejected(tmp_path / "a.json", tmp_path))
    assert told[0] == told[1]


@pytest.mark.parametrize("problem", BAD_RECORDS)
def test_a_bad_record_stops_the_reading_if_asked(tmp_path: Path, problem: str) -> None:
    line, record_id, path, found = BAD_RECORDS[problem]
    source = put(tmp_path, named(1), line, named(2))
    with pytest.raises(RecordError) as caught:
        read(source, rejects=tmp_path / "rejects.ndjson")
    message = str(caught.value)
    assert message.startswith(f"{source}, record 2 (id {record_id}), {path}: ")
    assert found in message
    assert "; allowed: " in message
    assert message.endswith("or skip bad records.")
    assert "\n" not in message
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.ndjson"]


def test_all_that_is_wrong_with_a_record_is_counted_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"\(faults in it: 3\)"):
        read(put(tmp_path, {"idWerkzoekende": "a", "x": 1, "y": 2, "z": 3}))


@pytest.mark.parametrize("problem", BAD_RECORDS)
def test_rejects_hold_the_record_untouched(tmp_path: Path, problem: str) -> None:
    line = BAD_RECORDS[problem][0]
    (told,) = rejected(put(tmp_path, named(1), line), tmp_path)
    written = (tmp_path / "rejects.ndjson").read_bytes()
    assert line in written or told["record"] == line.decode()


def test_rejects_hold_bytes_that_are_no_utf_8(tmp_path: Path) -> None:
    line = '{"idWerkzoekende":"a","persoonlijkePresentatie":"cafés"}'.encode("latin-1")
    (told,) = rejected(put(tmp_path, GOOD, line), tmp_path)
    assert told["record"].encode("utf-8", "surrogateescape") == line
    assert "not UTF-8" in told["found"]
    assert "0xe9" in told["found"]


def test_rejects_are_a_record_a_line_and_can_be_packed(tmp_path: Path) -> None:
    wrong = {"idWerkzoekende": "a", "x": [1, {"y": "z"}]}
    (tmp_path / "a.json").write_text(json.dumps([wrong, GOOD], indent=2).replace("\n", "\r\n"))
    read(tmp_path / "a.json", on_error="skip", rejects=tmp_path / "r.ndjson.gz")
    (told,) = rows_of(tmp_path / "r.ndjson.gz")
    assert told["record"] == wrong


def test_the_first_rejections_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    result = read(put(tmp_path, *[{"idWerkzoekende": f"x{n}", "x": 1} for n in range(30)]), on_error="skip")
    assert (result.read, result.accepted, result.rejected) == (30, 0, 30)
    assert [(each.number, each.id) for each in result.faults] == [(n + 1, f"x{n}") for n in range(10)]
    assert result.frame.shape == (0, len(schema("werkzoekende")))


def test_only_an_accepted_record_takes_its_id(tmp_path: Path) -> None:
    wrong = {**GOOD, "x": 1}
    assert [told["number"] for told in rejected(put(tmp_path, wrong, GOOD, GOOD, GOOD), tmp_path)] == [
        1,
        3,
        4,
    ]


KINDS = st.lists(st.sampled_from(sorted(BAD_RECORDS) + ["good"] * 10), max_size=20)


@given(kinds=KINDS, size=st.integers(1, 9), suffix=st.sampled_from([".ndjson", ".json", ".ndjson.gz"]))
def test_counts_add_up(kinds: list[str], size: int, suffix: str, tmp_path_factory: Any) -> None:
    kinds = ["good", *(kind for kind in kinds if suffix != ".json" or kind in IN_LISTS or kind == "good")]
    folder = tmp_path_factory.mktemp("counts")
    lines = [
        json.dumps(named(number)).encode() if kind == "good" else BAD_RECORDS[kind][0]
        for number, kind in enumerate(kinds, 1)
    ]
    content = b"[" + b",".join(lines) + b"]" if suffix == ".json" else b"\n".join(lines)
    path = folder / f"a{suffix}"
    path.write_bytes(packed(content, suffix))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH", size)
        patch.setattr(files, "PIECE", 64)
        frames = batches(path, on_error="skip", rejects=folder / "r.ndjson")
        heights = []
        for frame in frames:
            heights.append(frame.height)
            assert frames.read == frames.accepted + frames.rejected
    good = kinds.count("good")
    assert (frames.read, frames.accepted, frames.rejected) == (len(kinds), good, len(kinds) - good)
    assert sum(heights) == good
    assert all(height == size for height in heights[:-1])
    assert len(rows_of(folder / "r.ndjson")) == len(kinds) - good


# -- which side


def test_the_side_is_that_of_the_first_record_that_tells(tmp_path: Path) -> None:
    vacancy = {"idVacature": "v"}
    assert read(put(tmp_path, vacancy)).side == "vacature"
    result = read(put(tmp_path, b"x", {}, vacancy, GOOD), on_error="skip")
    assert (result.side, result.accepted) == ("vacature", 1)


def test_a_file_of_the_other_side_is_refused_at_once(tmp_path: Path) -> None:
    path = put(tmp_path, {"idVacature": "v"})
    with pytest.raises(FileError, match="records of the side vacature; allowed: the side werkzoekende"):
        read(path, "werkzoekende", on_error="skip")
    write(read(path).frame, tmp_path / "a.parquet")
    with pytest.raises(FileError, match="records of the side vacature; allowed: the side werkzoekende"):
        read(tmp_path / "a.parquet", "werkzoekende")


def test_a_file_that_does_not_tell_its_side_needs_to_be_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Say which side"):
        read(put(tmp_path, {}, b"x"), on_error="skip")
    assert read(put(tmp_path, {}, b"x"), "vacature", on_error="skip").rejected == 2


# -- bad files

LINE = json.dumps(GOOD).encode()
BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    # what is wrong: name, content, a part of the message
    "empty lines": ("a.ndjson", b"", "empty"),
    "empty list": ("a.json", b"", "empty"),
    "only blanks": ("a.ndjson", b" \n\r\n", "empty"),
    "only a byte order mark": ("a.json", b"\xef\xbb\xbf", "empty"),
    "empty gzip": ("a.json.gz", b"", "empty"),
    "empty zstandard": ("a.json.zst", b"", "empty"),
    "empty parquet": ("a.parquet", b"", "empty"),
    "text": ("a.json", b"id;naam\n", "line 1, column 1: not a JSON list"),
    "an object": ("a.json", LINE, "a JSON object; allowed: a JSON list of records"),
    "a list as lines": ("a.ndjson", b"[\n" + LINE + b"]", "a JSON list; allowed: one record a line"),
    "a list not closed": ("a.json", b"[" + LINE, "not a JSON list"),
    "an item cut off": ("a.json", b"[" + LINE + b",\n" + LINE[:40], "line 2"),
    "no comma": ("a.json", b"[" + LINE + b"\n" + LINE + b"]", "line 2, column 1: not a JSON list"),
    "a comma too many": ("a.json", b"[" + LINE + b",]", "not JSON"),
    "a comma only": ("a.json", b"[,]", "not JSON"),
    "more after the list": ("a.json", b"[" + LINE + b"]\n[]", "line 2, column 1: more text after the list"),
    "a bare word": ("a.json", b"[" + LINE + b",\n\n  nul]", "line 3, column 3: not JSON"),
    "nesting without end": ("a.json", b"[" * 100_000, "nested too deeply"),
    "UTF-16": ("a.json", "[]".encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": ("a.ndjson", LINE.decode().encode("utf-16-le"), "UTF-16"),
    "UTF-32": ("a.json", "[]".encode("utf-32-be"), "UTF-16 or UTF-32"),
    "Latin-1 in a list": ("a.json", b'[\n{"a":\n"caf\xe9"}]', "line 3: byte 0xe9 is not UTF-8"),
    "half a character": ("a.json", b'["\xc3', "byte 0xc3 is not UTF-8"),
    "gzip cut off": ("a.json.gz", gzip.compress(b"[" + LINE + b"]")[:-9], "ends too early"),
    "zstandard cut off": ("a.ndjson.zst", zstandard.compress(LINE * 99)[:-4], "ends too early"),
    "no gzip": ("a.ndjson.gz", LINE, "not a .gz stream"),
    "no zstandard": ("a.ndjson.zst", LINE, "not a .zst stream"),
    "gzip with a wrong checksum": ("a.ndjson.gz", gzip.compress(LINE)[:-8] + bytes(8), "not a .gz stream"),
    "no parquet": ("a.parquet", LINE, "not a Parquet file"),
    "parquet cut off": ("a.parquet", b"PAR1" + bytes(99), "not a Parquet file"),
    "another format": ("a.xml", LINE, "a name that ends in .xml; allowed: .json, .ndjson"),
    "no ending": ("a", LINE, "a name without an ending"),
    "packed parquet": ("a.parquet.gz", gzip.compress(b"PAR1"), "a name that ends in .gz"),
}


@pytest.mark.parametrize("problem", BAD_FILES)
def test_a_file_that_is_not_a_collection_is_refused_in_one_line(tmp_path: Path, problem: str) -> None:
    name, content, told = BAD_FILES[problem]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read(path, "werkzoekende", on_error="skip", rejects=tmp_path / "rejects.ndjson")
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("suffix", [".json", ".ndjson.gz", ".ndjson.zst", ".parquet"])
def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        read(tmp_path / f"none{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(FileError, match="a folder; allowed: a file"):
        read(tmp_path / f"folder{suffix}")


def test_a_record_without_end_does_not_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LONGEST", 1 << 20)
    for name, content in (("a.ndjson", b"x" * (3 << 20)), ("a.json", b'["' + b"x" * (3 << 20))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError, match="more than 1 Mi"):
            read(tmp_path / name, "vacature")


def test_streams_of_several_parts_are_read_whole(tmp_path: Path) -> None:
    for suffix, pack in ((".gz", gzip.compress), (".zst", zstandard.compress)):
        path = tmp_path / f"a.ndjson{suffix}"
        path.write_bytes(b"".join(pack(json.dumps(named(n)).encode() + b"\n") for n in range(9)))
        assert read(path).read == 9
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(FileError, match="ends too early"):
            read(path)


# -- parquet of others


def parquet_file(path: Path, found: list[dict[str, Any]], **columns: Any) -> Path:
    """Write Parquet without the mark of valid records."""
    pl.DataFrame(found, schema={**schema("werkzoekende"), **columns}).write_parquet(path)
    return path


def test_parquet_that_others_wrote_is_checked_record_by_record(tmp_path: Path) -> None:
    wrong = named(2, mobiliteit={"bemiddelingspostcode": "x"})
    path = parquet_file(tmp_path / "a.parquet", [named(1), wrong, named(3), named(1)])
    first, second = rejected(path, tmp_path)
    assert (first["number"], first["id"], first["path"]) == (2, "n2", "$.mobiliteit.bemiddelingspostcode")
    assert first["record"] == wrong
    assert (second["number"], second["found"]) == (4, "the id of record 1 again")


def test_parquet_with_null_in_a_list_is_refused_and_absent_properties_are_not(tmp_path: Path) -> None:
    found = [
        named(1, sector=[None, {}]),
        named(2, sector=[{"codeSbi": None}]),
        named(3, telefoonnummer=[None]),
    ]
    path = parquet_file(tmp_path / "a.parquet", found)
    assert [(told["id"], told["path"]) for told in rejected(path, tmp_path)] == [
        ("n1", "$.sector[0]"),
        ("n3", "$.telefoonnummer[0]"),
    ]
    assert read(path, on_error="skip").frame["sector"].to_list() == [[{"codeSbi": None}]]


def test_parquet_that_koppel_wrote_is_trusted_but_for_its_ids_unless_asked(tmp_path: Path) -> None:
    wrong = named(2, mobiliteit={"bemiddelingspostcode": "x"})
    write(
        pl.DataFrame([named(1), wrong, {}, named(1)], schema=schema("werkzoekende")), tmp_path / "a.parquet"
    )
    assert [told["number"] for told in rejected(tmp_path / "a.parquet", tmp_path)] == [3, 4]
    assert [told["number"] for told in rejected(tmp_path / "a.parquet", tmp_path, trust=False)] == [2, 3, 4]


def test_the_mark_of_valid_records_changes_with_the_standard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = named(2, mobiliteit={"bemiddelingspostcode": "x"})
    write(pl.DataFrame([wrong], schema=schema("werkzoekende")), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").accepted == 1
    monkeypatch.setattr(parquet, "mark", lambda side: "another")
    with pytest.raises(RecordError):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sector": pl.List(pl.Struct({"codeSbi": pl.String}))}, "column sector: absent, or of another type"),
        ({"naam": pl.String}, "column naam: not a property of the standard"),
        ({"idVacature": pl.String}, "neither idWerkzoekende nor idVacature"),
    ],
)
def test_parquet_with_other_columns_is_refused(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    path = parquet_file(tmp_path / "a.parquet", [], **change)
    with pytest.raises(FileError, match=re.escape(told)):
        read(path)


def test_parquet_with_its_columns_in_another_order_is_read(tmp_path: Path) -> None:
    frame = pl.DataFrame([GOOD], schema=schema("werkzoekende"))
    frame.select(sorted(frame.columns, reverse=True)).write_parquet(tmp_path / "a.parquet")
    assert_frame_equal(read(tmp_path / "a.parquet").frame, frame)


def test_a_name_with_signs_of_a_pattern_is_only_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "sector=1"
    folder.mkdir()
    frame = read(put(tmp_path, GOOD)).frame
    for name in ("a[1].parquet", "a*.parquet", "a?.ndjson"):
        write(frame, folder / name)
        assert_frame_equal(read(folder / name).frame, frame)


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    write(read(put(tmp_path, *map(named, range(500)))).frame, tmp_path / "a.parquet")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[4:400] = bytes(396)
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(FileError, match="damaged"):
        read(tmp_path / "a.parquet")


# -- writing that fails


def half_way(tmp_path: Path, problem: BaseException) -> Iterator[pl.DataFrame]:
    yield read(put(tmp_path / "source", *map(named, range(9)))).frame
    raise problem


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("problem", [RecordError("a", "b"), KeyboardInterrupt(), OSError(5, "I/O error")])
def test_a_failure_half_way_leaves_nothing_or_what_was_there(
    tmp_path: Path, source: Path, suffix: str, problem: BaseException
) -> None:
    expected = OutputError if isinstance(problem, OSError) else type(problem)
    with pytest.raises(expected):
        write(half_way(tmp_path, problem), tmp_path / f"out{suffix}")
    assert list(tmp_path.iterdir()) == [source]
    (tmp_path / f"out{suffix}").write_bytes(b"old")
    with pytest.raises(expected):
        write(half_way(tmp_path, problem), tmp_path / f"out{suffix}")
    assert (tmp_path / f"out{suffix}").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path, source: Path, suffix: str) -> None:
    frame = read(put(source, GOOD)).frame
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / f"folder{suffix}").mkdir()
    for place in (f"file/out{suffix}", f"nowhere/out{suffix}", f"folder{suffix}"):
        with pytest.raises(OutputError) as caught:
            write(frame, tmp_path / place)
        assert str(caught.value).startswith(str(tmp_path / place))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", f"folder{suffix}", "source"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_an_output_error(tmp_path: Path, source: Path, suffix: str) -> None:
    frame = read(put(source, *map(named, range(999)))).frame
    target = tmp_path / f"out{suffix}"
    target.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left on device"):
        write(frame, target)
    assert Path("/dev/full").is_char_device()


def test_rejects_that_cannot_be_written_are_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left on device"):
        read(put(tmp_path, GOOD, b"x"), on_error="skip", rejects=Path("/dev/full"))
    with pytest.raises(OutputError):
        read(put(tmp_path, GOOD), on_error="skip", rejects=tmp_path / "none" / "r.ndjson")


def test_reading_that_is_closed_early_leaves_no_rejects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH", 1)
    frames = batches(put(tmp_path, b"x", named(1), named(2)), on_error="skip", rejects=tmp_path / "r.ndjson")
    assert next(frames).height == 1
    frames.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.ndjson"]
    assert list(frames) == []


@pytest.mark.parametrize("name", ["out.xml", "out", "out.parquet.gz", "out.gz"])
def test_a_name_that_tells_no_format_is_an_output_error(tmp_path: Path, source: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"allowed: \.json, \.ndjson"):
        write(read(put(source, GOOD)).frame, tmp_path / name)


def test_frames_that_hold_no_records_of_a_side_are_not_written(tmp_path: Path) -> None:
    for frames in ([], [pl.DataFrame({"a": [1]})], [pl.DataFrame({"idVacature": ["a"]})]):
        with pytest.raises(ValueError, match="frame"):
            write(iter(frames), tmp_path / "out.ndjson")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_replaces_another_through_a_link_leaves_the_link(tmp_path: Path, source: Path) -> None:
    (tmp_path / "real.ndjson").write_bytes(b"old")
    (tmp_path / "link.ndjson").symlink_to("real.ndjson")
    write(read(put(source, GOOD)).frame, tmp_path / "link.ndjson")
    assert (tmp_path / "link.ndjson").is_symlink()
    assert rows_of(tmp_path / "real.ndjson") == [GOOD]


def test_a_new_file_has_the_rights_that_any_other_has(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with atomic(tmp_path / "atomic") as file:
        file.write(b"x")
        assert not (tmp_path / "atomic").exists()
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_pipe_can_be_read_and_written(tmp_path: Path) -> None:
    path = put(tmp_path, *map(named, range(3)))
    for link, device in (("in.jsonl", "stdin"), ("out.jsonl", "stdout")):
        (tmp_path / link).symlink_to(f"/dev/{device}")
    command = (
        "from pathlib import Path; from data.dataset import batches, write;"
        f"write(batches(Path('{tmp_path}/in.jsonl')), Path('{tmp_path}/out.jsonl'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], input=path.read_bytes(), capture_output=True, check=True
    )
    assert [json.loads(line)["idWerkzoekende"] for line in done.stdout.splitlines()] == ["n0", "n1", "n2"]
