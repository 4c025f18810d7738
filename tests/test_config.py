"""The configuration: environment before file before defaults, and what can't be is told without its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.config import LAPTOP_OIN, read_settings
from data.errors import FileError

OIN = "00000001234567890000"


def written(folder: Path, text: str) -> Path:
    path = folder / "koppel.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_environment_goes_before_the_file_and_the_file_before_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, f'oin = "{OIN}"\nworkers = 3\nsocket = "/run/koppel.sock"\n')
    monkeypatch.setenv("KOPPEL_WORKERS", "5")
    settings = read_settings(path, port=9000, workers=2)
    assert (settings.oin, settings.workers, settings.port) == (OIN, 5, 9000)
    assert settings.identity == "proxy"


def test_the_store_is_a_file_in_the_state_folder_unless_it_is_named(tmp_path: Path) -> None:
    settings = read_settings(None, identity="laptop", state=tmp_path)
    assert settings.oin == LAPTOP_OIN
    assert settings.store_url == f"sqlite:///{tmp_path}/koppel.db"
    assert settings.checkpoint_file.parent == settings.keys_file.parent == tmp_path
    assert read_settings(None, identity="laptop", store="postgresql:///x").store_url == "postgresql:///x"


@pytest.mark.parametrize(
    ("host", "place"),
    [("127.0.0.1", "127.0.0.1:8000"), ("::1", "[::1]:8000"), ("[fe80::1]", "[fe80::1]:8000")],
)
def test_where_it_listens_is_spelt_as_in_a_url(host: str, place: str) -> None:
    assert read_settings(None, trusted=("127.0.0.1",), host=host).place == place


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('oin = "geheim"', "oin"),
        ("workers = 0", "workers"),
        ('trusted = ["geheim"]', "trusted"),
        ('geheim = "geheim"', "geheim: no setting; allowed: oin, exchange, address, store, state,"),
        ("workers = 1\noin = ", "not TOML: Invalid value (at end of document)"),
        ('oin = "geheim" x', "line 1, column 16"),
        ('address = "koppel"', "address"),
        ("", "needs a socket"),
        ('identity = "laptop"\nhost = "0.0.0.0"', "this machine only"),
        ('identity = "laptop"\nhost = "example.org"', "this machine only"),
    ],
)
def test_what_can_not_be_is_refused_by_its_name(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(FileError) as caught:
        read_settings(written(tmp_path, text))
    assert told in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert '"geheim"' not in str(caught.value)
    assert "'geheim'" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nergens\.toml: there is no such file\. Check the path"):
        read_settings(tmp_path / "nergens.toml")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "koppel.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(FileError, match="UTF-8"):
        read_settings(path)


def test_a_wrong_variable_is_told_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOPPEL_PORT", "geheim")
    with pytest.raises(FileError, match="port") as caught:
        read_settings(None, identity="laptop")
    assert "geheim" not in str(caught.value)


def test_sources_may_not_be_at_private_addresses_unless_the_configuration_says_so(tmp_path: Path) -> None:
    assert not read_settings(written(tmp_path, 'socket = "/run/koppel.sock"')).private_networks
    said = 'socket = "/run/koppel.sock"\nprivate_networks = true'
    assert read_settings(written(tmp_path, said)).private_networks
