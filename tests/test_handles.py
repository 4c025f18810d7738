"""vumIDs: only the exchange makes and reads them, for one party, one question and a time."""

import base64
import json
import re
import threading
from pathlib import Path

import pytest
from forgery import GEMEENTE, NOW, QUESTION, SIDE, UWV, Party, count_accepted
from hypothesis import given
from hypothesis import strategies as st

from api.clock import DAY
from api.exchange.handles import Handles, Run
from api.exchange.keys import Keys, create_keys, read_keys, rotate_keys
from data.errors import FileError, OutputError

IDS = st.text("abcXYZ019_.-", max_size=200)
VUM_ID = re.compile("[a-zA-Z0-9_.-]{1,500}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys.json", lambda: NOW)
    return tmp_path / "keys.json"


@pytest.fixture
def handles(path: Path) -> Handles:
    return Handles(Keys(path), lambda: NOW)


def seal(handles: Handles, *ids: str, expires_at: int = NOW + DAY) -> list[str]:
    return handles.seal(QUESTION, SIDE, GEMEENTE, [("bron-1", each) for each in ids], expires_at)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Handles:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    create_keys(path, lambda: NOW)
    return Handles(Keys(path), lambda: NOW)


@given(st.lists(IDS, max_size=5), st.text("abc-09", min_size=1, max_size=50))
def test_every_vum_id_stands_for_its_record_and_has_the_shape_of_the_contract(
    lasting: Handles, ids: list[str], source: str
) -> None:
    tokens = lasting.seal(QUESTION, SIDE, GEMEENTE, [(source, each) for each in ids], NOW + DAY)
    assert all(VUM_ID.fullmatch(token) for token in tokens)
    found = [lasting.open(token, SIDE, GEMEENTE) for token in tokens]
    assert [(each.question_id, each.source_id, each.record_id) for each in found if each] == [
        (QUESTION, source, record) for record in ids
    ]


def test_no_forgery_and_no_replay_is_accepted_and_every_valid_vum_id_is(tmp_path: Path) -> None:
    assert count_accepted(20_000, tmp_path) == (0, 1000)


def test_no_bit_of_a_vum_id_can_be_flipped(handles: Handles) -> None:
    (token,) = seal(handles, "record")
    raw = base64.urlsafe_b64decode(token)
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert handles.open(base64.urlsafe_b64encode(flipped).decode(), SIDE, GEMEENTE) is None


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "A", "AAAA", "A" * 500, "A" * 501, "é", None, 7, b"A"]
)
def test_what_is_no_vum_id_is_refused_without_an_exception(handles: Handles, token: object) -> None:
    assert handles.open(token, SIDE, GEMEENTE) is None


@pytest.mark.parametrize("more", ["\n", "=", " ", "%0a", "A", "AAAA", "."])
def test_nothing_may_follow_or_precede_a_vum_id(handles: Handles, more: str) -> None:
    (token,) = seal(handles, "record")
    assert handles.open(token + more, SIDE, GEMEENTE) is None
    assert handles.open(more + token, SIDE, GEMEENTE) is None


def test_a_vum_id_opens_for_its_side_and_for_both_oins_of_its_party_only(handles: Handles) -> None:
    (token,) = seal(handles, "record")
    assert handles.open(token, SIDE, GEMEENTE) is not None
    assert handles.open(token, "vacature", GEMEENTE) is None
    for other in (
        UWV,
        Party(GEMEENTE.controller, UWV.processor),
        Party(UWV.controller, GEMEENTE.processor),
        Party(GEMEENTE.processor, GEMEENTE.controller),
    ):
        assert handles.open(token, SIDE, other) is None


def test_a_vum_id_expires(path: Path) -> None:
    now = NOW
    handles = Handles(Keys(path), lambda: now)
    (token,) = seal(handles, "record")
    now = NOW + DAY - 1
    assert handles.open(token, SIDE, GEMEENTE) is not None
    now = NOW + DAY
    assert handles.open(token, SIDE, GEMEENTE) is None


def test_the_same_record_has_another_vum_id_in_every_answer_and_its_reference_is_its_questions_own(
    handles: Handles,
) -> None:
    (first,), (again,) = seal(handles, "record"), seal(handles, "record")
    assert first != again
    other = handles.seal(
        "11111111-ceea-467f-a9d5-4b4c6a2b1c11", SIDE, GEMEENTE, [("bron-1", "record")], NOW + 1
    )
    references = [
        found.reference for token in (first, again, *other) if (found := handles.open(token, SIDE, GEMEENTE))
    ]
    assert references[0] == references[1] != references[2]
    assert "record" not in references[0]


def test_the_length_of_a_vum_id_tells_nothing_of_the_length_of_an_id(path: Path, handles: Handles) -> None:
    keys = [(source, record) for source in ("b", "b" * 50) for record in ("x", "x" * 36, "x" * 200)]
    run = Run(b"r" * 12, Keys(path).newest())
    tokens = handles.seal(QUESTION, SIDE, GEMEENTE, keys, NOW + DAY)
    tokens += handles.seal_nightly(run, SIDE, GEMEENTE, [(QUESTION, *key) for key in keys], NOW + DAY)
    assert len({len(token) for token in tokens}) == 1
    found = [handles.open(token, SIDE, GEMEENTE) for token in tokens]
    assert [(each.source_id, each.record_id) for each in found if each] == keys * 2


def test_keys_of_another_exchange_open_nothing(handles: Handles, tmp_path: Path) -> None:
    create_keys(tmp_path / "others.json", lambda: NOW)
    others = Handles(Keys(tmp_path / "others.json"), lambda: NOW)
    (token,) = seal(handles, "record")
    assert others.open(token, SIDE, GEMEENTE) is None


def test_after_a_rotation_old_vum_ids_open_until_their_key_is_forgotten(path: Path, handles: Handles) -> None:
    (old,) = seal(handles, "record", expires_at=NOW + 100 * DAY)
    rotate_keys(path, lambda: NOW, keep_days=31)
    (new,) = seal(handles, "record")
    assert [len(read_keys(path)), handles.open(old, SIDE, GEMEENTE) is not None] == [2, True]
    assert base64.urlsafe_b64decode(new)[1:5] != base64.urlsafe_b64decode(old)[1:5]
    rotate_keys(path, lambda: NOW + 31 * DAY, keep_days=31)
    assert [len(read_keys(path)), handles.open(old, SIDE, GEMEENTE) is None] == [2, True]
    assert handles.open(new, SIDE, GEMEENTE) is not None


def test_a_key_that_was_closed_at_once_opens_nothing_any_more(path: Path, handles: Handles) -> None:
    (old,) = seal(handles, "record")
    rotate_keys(path, lambda: NOW, keep_days=0)
    (new,) = seal(handles, "record")
    assert handles.open(old, SIDE, GEMEENTE) is None
    assert handles.open(new, SIDE, GEMEENTE) is not None


def test_a_rotation_while_others_seal_and_open_costs_no_valid_vum_id(path: Path, handles: Handles) -> None:
    lost: list[str] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            lost.extend(token for token in seal(handles, "a") if handles.open(token, SIDE, GEMEENTE) is None)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        rotate_keys(path, lambda: NOW, keep_days=31)
    stop.set()
    for thread in threads:
        thread.join()
    assert lost == []


def test_the_file_of_keys_is_its_owners_alone_and_is_never_overwritten(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(OutputError, match="there are keys already"):
        create_keys(path, lambda: NOW)
    rotate_keys(path, lambda: NOW, keep_days=31)
    assert path.stat().st_mode & 0o777 == 0o600


def test_keys_that_others_may_read_are_refused(path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(FileError, match="others may read"):
        Keys(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        '{"keys": []}',
        '{"keys": [{"id": "00"}]}',
        '{"keys": [{"id": "00000000", "secret": "AAAA", "made_at": 1, "until": null}]}',
    ],
)
def test_a_damaged_file_of_keys_is_refused_and_not_shown(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(FileError, match="not a file of keys") as refused:
        Keys(path)
    assert refused.value.__cause__ is None
    assert "AAAA" not in str(refused.value)


def test_no_two_keys_are_the_newest(path: Path) -> None:
    listed = json.loads(path.read_text())
    path.write_text(json.dumps({"keys": listed["keys"] * 2}))
    with pytest.raises(FileError, match="one newest"):
        Keys(path)


def test_without_a_file_there_are_no_keys(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="koppel keys create"):
        Keys(tmp_path / "keys.json")


def test_no_secret_stands_in_what_a_handle_shows_of_itself(path: Path) -> None:
    (key,) = read_keys(path)
    handles, run = Handles(Keys(path), lambda: NOW), Run(b"r" * 12, key)
    (token,) = handles.seal_nightly(run, SIDE, GEMEENTE, [(QUESTION, "bron-1", "1")], NOW + DAY)
    handle = handles.open(token, SIDE, GEMEENTE)
    assert handle
    assert handle.run == run
    for shown in (repr(handle), repr(run), repr(key), str(vars(handle))):
        assert repr(key.id) in shown
        assert repr(key.secret) not in shown
        assert "secret" not in shown
