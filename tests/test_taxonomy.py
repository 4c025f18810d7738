"""The taxonomy: built from sources, saved as a folder, loaded, refused when damaged."""

from pathlib import Path

import pytest

from data.taxonomy import Taxonomy, build, load_taxonomy, read_own

SKILLS = """code,label,alt_labels,broader
s:lassen,Lassen,Metaal lassen|MIG-lassen,s:metaal
s:metaal,Metaal bewerken,,
s:zagen,Zagen,,
s:heftruck,Heftruck rijden,Vorkheftruck besturen,
"""
OCCUPATIONS = """code,label,isco,alt_labels,essential,optional
o:lasser,Lasser,7212,MIG-lasser|Lasser (m/v),s:lassen|s:metaal,s:zagen
o:timmerman,Timmerman,7115,,s:zagen,s:heftruck
o:heftruck,Heftruckchauffeur,8344,,s:heftruck,
o:constructie,Constructiebankwerker,7214,,s:lassen|s:metaal|s:zagen,
"""


def own_folder(folder: Path, skills: str = SKILLS, occupations: str = OCCUPATIONS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "skills.csv").write_text(skills, encoding="utf-8")
    (folder / "occupations.csv").write_text(occupations, encoding="utf-8")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Taxonomy:
    return build(read_own(own_folder(tmp_path / "own")))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_taxonomy_that_is_loaded_saves_to_the_same_bytes(small: Taxonomy, tmp_path: Path) -> None:
    small.save(tmp_path / "a")
    load_taxonomy(tmp_path / "a").save(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert load_taxonomy(tmp_path / "b").version == small.version
