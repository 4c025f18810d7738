"""Whoever checks the log sees each thing that was done to it, and nothing where nothing was done."""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import koppel
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from logs import audit_in, checked, key_of, rows_of, show

from api.exchange.audit import GENESIS, entry_hash
from api.exchange.checkpoints import Checkpoints, create_signing_key, read_signing_key
from api.exchange.log_files import Row, write_log
from api.exchange.verification import Statements, Verified, read_statements, verify
from api.store import Store

ROUNDS = 1000
EVERY = 7


@dataclass(frozen=True)
class Log:
    """A log of 60 entries as it was after each of them, of which the last 4 aren't signed yet."""

    rows: list[Row]
    statements: list[bytes]
    key: Ed25519PublicKey
    file: Path
    said: Statements

    def check(self, rows: list[Row]) -> Verified:
        return verify(rows, self.said)


def entry(seq: int, at: int, body: bytes, previous: bytes) -> Row:
    return seq, at, b"matches", body, previous, entry_hash(previous, seq, at, b"matches", body).encode()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("log")
    create_signing_key(folder / "key", folder / "public")
    checkpoints = Checkpoints(folder / "checkpoints", read_signing_key(folder / "key"), every=EVERY)
    rows: list[Row] = []
    for number in range(60):
        previous = rows[-1][5] if rows else GENESIS.encode()
        checkpoints.extend(number, number, previous.decode(), due_only=True)
        rows.append(entry(number + 1, 1000 + number, b'{"n":%d}' % number, previous))
    statements = (folder / "checkpoints").read_bytes().splitlines(keepends=True)
    key, file = key_of(folder), folder / "checkpoints"
    return Log(rows, statements, key, file, read_statements([file], [key]))


def signed_to(log: Log) -> int:
    return log.check(log.rows).signed_to


def test_a_log_as_it_was_written_is_found_to_be_well(log: Log) -> None:
    found = log.check(log.rows)
    assert (found.entries, found.first_seq, found.last_seq, found.problems) == (60, 1, 60, ())
    assert (found.signed_to, found.last_hash) == (56, log.rows[-1][5].decode())


def test_a_thousand_logs_that_nobody_touched_raise_no_alarm(tmp_path: Path, log: Log) -> None:
    draw = random.Random(1)
    for _ in range(ROUNDS):
        length = draw.randrange(61)
        file = tmp_path / "checkpoints"
        file.write_bytes(
            b"".join(line for line in log.statements if json.loads(line)["seq"] < max(length, 1))
        )
        found = verify(log.rows[:length], read_statements([file], [log.key]))
        assert (found.problems, found.entries) == ((), length)


# -- tampering by somebody who can write the store: as it stands there, or with all hashes worked out anew


def chained(rows: list[Row], start: int) -> list[Row]:
    """Give the rows with numbers and hashes worked out anew from a place on."""
    done = rows[:start]
    for _, at, _, body, _, _ in rows[start:]:
        done.append(entry(len(done) + 1, at, body, done[-1][5] if done else GENESIS.encode()))
    return done


def edit(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    row, column = list(rows[at]), draw.randrange(6)
    value = row[column]
    if isinstance(value, int):
        row[column] = draw.choice([value + 1, -value, float(value) + 0.5, None, str(value)])
    else:
        place = draw.randrange(len(value))
        changed = value[:place] + bytes([value[place] ^ 1 << draw.randrange(7)]) + value[place + 1 :]
        row[column] = draw.choice([changed, value[:-1], value + b" ", b"", None, value.decode()])
    return [*rows[:at], tuple(row), *rows[at + 1 :]]


def edit_body(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    seq, moment, kind, _, previous, digest = rows[at]
    body = b'{"n":%d}' % draw.randrange(1000, 2000)
    return [*rows[:at], (seq, moment, kind, body, previous, digest), *rows[at + 1 :]]


def remove(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    # Not the last ones, which is cutting the end off.
    return rows[:at] + rows[min(at + draw.randrange(1, 4), len(rows) - 1) :]


def put_in(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    made = entry(at + 1, 1000, b'{"n":%d}' % draw.randrange(1000, 2000), rows[at][4])
    return [*rows[:at], draw.choice([made, rows[at], draw.choice(rows)]), *rows[at:]]


def swap(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    other = draw.choice([each for each in range(len(rows)) if each != at])
    changed = list(rows)
    changed[at], changed[other] = changed[other], changed[at]
    return changed


def cut_off(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    return rows[:at]


def cut_beginning(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    return rows[at + 1 :]


def roll_back(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    """Put the log back as it was, and let it go on differently, perhaps for longer."""
    done = rows[:at]
    for number in range(draw.randrange(len(rows))):
        done.append(
            entry(at + number + 1, 5000, b'{"n":%d}' % -number, done[-1][5] if done else GENESIS.encode())
        )
    return done


def rewrite(rows: list[Row], at: int, draw: random.Random) -> list[Row]:
    return chained(edit_body(rows, at, draw), 0)


Tampering = Callable[[list[Row], int, random.Random], list[Row]]


@pytest.mark.parametrize(
    "tamper", [edit, edit_body, remove, put_in, swap, cut_off, cut_beginning, roll_back, rewrite]
)
def test_each_of_a_thousand_tamperings_is_seen(tamper: Tampering, log: Log) -> None:
    draw = random.Random(tamper.__name__)
    signed = signed_to(log)
    for _ in range(ROUNDS):
        changed = tamper(log.rows, draw.randrange(signed), draw)
        assert changed != log.rows
        assert log.check(changed).problems


@pytest.mark.parametrize("tamper", [edit_body, remove, put_in, swap])
def test_it_is_seen_as_well_where_all_hashes_were_worked_out_anew(tamper: Tampering, log: Log) -> None:
    draw = random.Random(f"{tamper.__name__} anew")
    signed, told = signed_to(log), [row[3] for row in log.rows]
    for _ in range(ROUNDS):
        changed = chained(tamper(log.rows, draw.randrange(signed), draw), 0)
        if [row[3] for row in changed][:signed] != told[:signed]:
            assert log.check(changed).problems


def test_what_is_not_signed_yet_is_chained_and_can_be_cut_off_unseen(log: Log) -> None:
    signed = signed_to(log)
    assert 0 < len(log.rows) - signed < EVERY
    assert log.check(log.rows[:signed]).problems == ()
    assert log.check(edit_body(log.rows, signed + 1, random.Random(1))).problems
    assert log.check(chained(edit_body(log.rows, signed + 1, random.Random(1)), signed)).problems == ()


@pytest.mark.parametrize("place", range(0, 400, 7))
def test_a_changed_statement_is_seen(place: int, log: Log, tmp_path: Path) -> None:
    content = bytearray(b"".join(log.statements))
    content[place] ^= 1
    (tmp_path / "changed").write_bytes(content)
    assert verify(log.rows, read_statements([tmp_path / "changed"], [log.key])).problems


def test_a_statement_of_another_key_and_a_missing_file_of_statements_are_seen(
    log: Log, tmp_path: Path
) -> None:
    create_signing_key(tmp_path / "key", tmp_path / "public")
    own, other = log.key, key_of(tmp_path)

    def problems(files: list[Path], *keys: Ed25519PublicKey) -> str:
        return "; ".join(verify(log.rows, read_statements(files, [*keys])).problems)

    assert "another key" in problems([log.file], other)
    (tmp_path / "empty").write_bytes(b"")
    assert "no checkpoint" in problems([tmp_path / "empty"], own)
    forger = Checkpoints(tmp_path / "forged", read_signing_key(tmp_path / "key"))
    forger.extend(1, 60, log.rows[-1][5].decode())
    assert problems([log.file, tmp_path / "forged"], own)
    assert not problems([log.file, tmp_path / "forged"], own, other)


# -- by the command, which has neither configuration nor credentials


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a store that was closed, its checkpoints, the public key and an export."""
    store = Store(f"sqlite:///{tmp_path / 'koppel.db'}")
    store.migrate()
    audit = audit_in(store, tmp_path, every=5)
    for number in range(20):
        show(audit, [f"{number}", f"{number + 1}"])
    audit.checkpoint()
    with store.read() as connection, (tmp_path / "log.ndjson").open("wb") as file:
        write_log(connection, file)
    store.close()
    (tmp_path / "key").unlink()
    return tmp_path


def run(folder: Path, log: str, *more: object) -> tuple[int, str]:
    options = ("--checkpoints", folder / "checkpoints", "--key", folder / "public")
    ended = koppel("audit", "verify", folder / log, *options, *more)
    return ended.code, ended.out + ended.err


@pytest.mark.parametrize("log", ["koppel.db", "log.ndjson"])
def test_the_command_tells_that_all_is_well_and_changes_nothing(log: str, files: Path) -> None:
    before = {path: path.read_bytes() for path in files.iterdir()}
    code, told = run(files, log)
    assert (code, told.startswith("20 entries, 1 to 20: all is well. Signed up to 20 at 2024-10-04")) == (
        0,
        True,
    )
    assert {path: path.read_bytes() for path in files.iterdir()} == before
    assert json.loads(run(files, log, "--json")[1])["signed_to"] == 20


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET body = replace(body, '\"match\"', '\"detail\"') WHERE seq = 3",
        "UPDATE audit_entry SET body = CAST(x'ff' AS TEXT) WHERE seq = 3",
        "UPDATE audit_entry SET at = at + 0.5 WHERE seq = 3",
        "UPDATE audit_entry SET seq = 100 WHERE seq = 20",
        "DELETE FROM audit_entry WHERE seq > 18",
        "DELETE FROM audit_entry WHERE seq < 3",
        "DELETE FROM audit_entry",
        "INSERT INTO audit_entry SELECT 0, at, kind, body, previous, hash FROM audit_entry WHERE seq = 1",
    ],
)
def test_the_command_tells_of_what_was_done_to_a_copy_of_the_store(statement: str, files: Path) -> None:
    with closing(sqlite3.connect(files / "koppel.db")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(statement).rowcount > 0
        connection.commit()
    code, told = run(files, "koppel.db")
    assert (code, "Error: the audit log: " in told) == (7, True)


def test_the_command_reads_what_a_running_store_has_in_its_journal(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'koppel.db'}")
    store.migrate()
    audit = audit_in(store, tmp_path)
    show(audit, ["1"])
    audit.checkpoint()
    assert (tmp_path / "koppel.db-wal").stat().st_size > 0
    assert run(tmp_path, "koppel.db")[0] == 0
    shutil.copy(tmp_path / "koppel.db", tmp_path / "without-journal.db")
    assert run(tmp_path, "without-journal.db")[0] != 0
    store.close()


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]", b'{"seq":1}', b"\xff", b"[" * 100_000])
def test_a_line_that_is_no_entry_is_told(line: bytes, files: Path) -> None:
    lines = (files / "log.ndjson").read_bytes().splitlines()
    lines[3] = line
    (files / "log.ndjson").write_bytes(b"\n".join(lines))
    code, told = run(files, "log.ndjson")
    assert (code, "no entry stands where entry 4 should" in told) == (7, True)


def test_the_url_of_a_store_will_do_in_postgresql(store: Store, tmp_path: Path) -> None:
    if store.dialect != "postgresql":
        pytest.skip("of SQLite the file is read")
    show(audit_in(store, tmp_path), ["1"])
    assert len(rows_of(store)) == checked(store, tmp_path).entries == 1
    options = ("--checkpoints", tmp_path / "checkpoints", "--key", tmp_path / "public")
    ended = koppel(
        "audit", "verify", store.url.render_as_string(hide_password=False).replace("+psycopg", ""), *options
    )
    assert (ended.code, ended.err) == (0, "")
