"""`koppel pilot generate`: a made-up region, or several, as files."""

from pathlib import Path

import polars as pl
from command import koppel

from data.pilot import organisations, read_region


def test_the_command_writes_organisations_of_the_neighbours_and_grades(tmp_path: Path) -> None:
    sizes = ("--profiles", 60, "--vacancies", 20)
    ended = koppel(
        *("pilot", "generate", "-o", tmp_path / "all", "--region", "zuid limburg", "--neighbours"),
        *("--by-organisation", "--judged", 5, *sizes),
    )
    assert (ended.code, ended.out) == (0, "")
    assert "Zuid-Limburg, Midden-Limburg" in ended.err
    grades = pl.read_csv(tmp_path / "all" / "judgements-synthetic.csv")
    assert grades["vacancy"].n_unique() == 5
    region = read_region("Zuid-Limburg", "Midden-Limburg")
    known = {each.source for each in organisations(region)} | {"judgements-synthetic.csv"}
    assert {each.name for each in (tmp_path / "all").iterdir()} <= known
    ended = koppel("pilot", "generate", "-o", tmp_path / "one", *sizes)
    assert ended.code == 0
    assert {each.name for each in (tmp_path / "one").iterdir()} == {"profiles.ndjson", "vacancies.ndjson"}


def test_the_command_tells_the_nearest_name_of_a_region_that_is_misspelt(tmp_path: Path) -> None:
    ended = koppel("pilot", "generate", "-o", tmp_path / "none", "--region", "Rijnmont")
    assert ended.code == 2
    assert "Rijnmond" in ended.err
    assert not (tmp_path / "none").exists()
