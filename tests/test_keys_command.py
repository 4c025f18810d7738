"""`koppel keys`: made once, rotated at any time, listed without being shown."""

import base64
from pathlib import Path

import pytest
from command import Ended, koppel

from api.exchange.keys import read_keys


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "koppel.toml"
    path.write_text(f'identity = "laptop"\nstate = "{tmp_path / "state"}"\n')
    return path


def run(config: Path, *arguments: object, code: int = 0) -> Ended:
    ended = koppel("keys", *arguments, "--config", config)
    assert ended.code == code, ended.err
    return ended


def test_keys_are_made_once(config: Path) -> None:
    run(config, "create")
    path = config.parent / "state" / "keys.json"
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert "Rotate them instead" in run(config, "create", code=5).told()
    assert path.read_bytes() == before


def test_a_rotated_key_is_listed_with_the_day_that_it_opens_until_and_no_key_is_shown(config: Path) -> None:
    run(config, "create")
    run(config, "rotate", "--keep-days", 7)
    old, new = run(config, "list", "--json").lines
    assert old["until"] > new["madeAt"] > old["madeAt"]
    assert new["until"] is None
    shown = run(config, "list")
    assert old["id"] in shown.out
    for key in read_keys(config.parent / "state" / "keys.json"):
        secret = base64.b64encode(key.secret).decode()
        assert secret not in shown.out + shown.err
        assert key.secret.hex() not in shown.out + shown.err


@pytest.mark.parametrize("command", ["rotate", "list"])
def test_without_keys_the_remedy_is_told(config: Path, command: str) -> None:
    assert "koppel keys create" in run(config, command, code=3).told()


@pytest.mark.parametrize("days", [-1, 32])
def test_a_key_is_kept_no_longer_than_a_question_can_live(config: Path, days: int) -> None:
    run(config, "create")
    run(config, "rotate", "--keep-days", days, code=2)
