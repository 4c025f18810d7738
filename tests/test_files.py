"""Files and folders: what is wrong is told of the place that a person knows."""

from pathlib import Path

import pytest

from data.errors import OutputError
from data.files import atomic, sync, writing


def test_what_cannot_be_written_is_told_by_its_name_or_else_by_the_place(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as told, writing(tmp_path):
        (tmp_path / "no" / "folder").mkdir()
    assert told.value.subject == str(tmp_path / "no" / "folder")
    with pytest.raises(OutputError, match="No space left") as told, writing(tmp_path):
        raise OSError(28, "No space left on device")
    assert told.value.subject == str(tmp_path)
    assert told.value.remedy


def test_a_file_that_cannot_be_written_is_told_by_its_own_name_not_that_of_its_hidden_part(
    tmp_path: Path,
) -> None:
    path = tmp_path / "no" / "file"
    with pytest.raises(OutputError) as told, atomic(path):
        pass
    assert told.value.subject == str(path)


def test_files_and_folders_reach_the_disk_and_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    sync(tmp_path / "file")
    sync(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "nothing")
