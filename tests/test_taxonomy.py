"""The taxonomy: built from sources, saved as a folder, loaded, refused when damaged."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import FileError, OutputError
from data.taxonomy import Source, SourceConcept, Taxonomy, build, load_taxonomy, normalise, read_own

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


def shuffled_rows(table: str, seed: int) -> str:
    header, *rows = table.splitlines()
    random.Random(seed).shuffle(rows)
    return "\n".join([header, *rows]) + "\n"


@pytest.fixture
def small(tmp_path: Path) -> Taxonomy:
    return build(read_own(own_folder(tmp_path / "own")))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def needs(taxonomy: Taxonomy, occupation: str) -> dict[str, bool]:
    row = taxonomy.occupations.index()[occupation]
    part = slice(taxonomy.occupation_skill_indptr[row], taxonomy.occupation_skill_indptr[row + 1])
    skills = [taxonomy.skills.codes[skill] for skill in taxonomy.occupation_skill_indices[part]]
    return dict(zip(skills, taxonomy.occupation_skill_essential[part].tolist(), strict=True))


def source(name: str, *occupations: SourceConcept, one_owner: bool = False) -> Source:
    return Source(name=name, occupations=occupations, one_owner=one_owner)


def joined(*sources: Source) -> list[set[str]]:
    """The codes of each concept that more than one source knows."""
    occupations = build(*sources).occupations
    groups: dict[int, set[str]] = {}
    for code, concept in occupations.index().items():
        groups.setdefault(concept, set()).add(code)
    return sorted((group for group in groups.values() if len(group) > 1), key=sorted)


# -- arrays


def test_relations_labels_and_isco_are_laid_out_by_sorted_code(small: Taxonomy) -> None:
    assert small.occupations.codes == ["o:constructie", "o:heftruck", "o:lasser", "o:timmerman"]
    assert small.isco == ["7214", "8344", "7212", "7115"]
    assert needs(small, "o:lasser") == {"s:lassen": True, "s:metaal": True, "s:zagen": False}
    lassen = small.skills.index()["s:lassen"]
    broader = small.skill_broader_indices[
        small.skill_broader_indptr[lassen] : small.skill_broader_indptr[lassen + 1]
    ]
    assert [small.skills.codes[skill] for skill in broader] == ["s:metaal"]


def test_a_label_that_differs_only_in_spelling_is_kept_once(small: Taxonomy) -> None:
    of_lasser = small.occupations.label_concepts == small.occupations.index()["o:lasser"]
    texts = [text for text, mine in zip(small.occupations.label_texts, of_lasser, strict=True) if mine]
    assert texts == ["Lasser", "MIG-lasser"]


def test_a_preferred_label_wins_the_label_index_over_an_alternative() -> None:
    taxonomy = build(
        source("a", SourceConcept("1", "Kok", ("Chef",)), SourceConcept("2", "Chef"), SourceConcept("3", "X"))
    )
    assert taxonomy.occupations.label_index()["chef"] == taxonomy.occupations.index()["2"]


def test_frequencies_count_the_occupations_that_need_a_skill(small: Taxonomy) -> None:
    rows = {(group, code): (count, total) for group, code, count, total in small.frequencies.iter_rows()}
    assert rows["skill", "s:zagen"] == (3, 4)
    assert rows["occupation", "o:lasser"] == (1, 4)
    keys = small.frequencies.select("group", "code").rows()
    assert keys == sorted(keys)


def test_a_reference_table_beside_the_files_is_used_and_covers_every_concept(tmp_path: Path) -> None:
    folder = own_folder(tmp_path)
    (folder / "frequencies.csv").write_text("group,code,count,total\nskill,s:zagen,7,50\nlanguage,nl,49,50\n")
    rows = {row[:2]: row[2:] for row in build(read_own(folder)).frequencies.iter_rows()}
    assert rows["skill", "s:zagen"] == (7, 50)
    assert rows["skill", "s:lassen"] == (0, 50)
    assert rows["language", "nl"] == (49, 50)
    assert rows["occupation", "o:lasser"] == (1, 4)


# -- neighbours


def test_occupations_that_share_rare_skills_and_isco_are_nearest(small: Taxonomy) -> None:
    lasser = small.occupations.index()["o:lasser"]
    assert small.occupations.codes[small.neighbours[lasser, 0]] == "o:constructie"


def test_neighbours_are_sorted_never_oneself_and_below_128() -> None:
    chosen = random.Random(5)
    codes = [f"o{number:02d}" for number in range(60)]
    skills = [f"s{number:02d}" for number in range(30)]
    pairs = {(code, skill) for code in codes for skill in chosen.sample(skills, 4)}
    pairs |= {("o01", skill) for skill in skills} | {("o02", skill) for skill in skills}
    taxonomy = build(
        Source(
            name="a",
            occupations=tuple(SourceConcept(code, code, isco=f"{int(code[1:]) % 7:04d}") for code in codes),
            skills=tuple(SourceConcept(code, code) for code in skills),
            essential=tuple(pairs),
        )
    )
    neighbours, degrees = taxonomy.neighbours, taxonomy.neighbour_degrees.astype(int)
    assert neighbours.shape == degrees.shape == (60, 20)
    assert neighbours.dtype == np.int32
    assert taxonomy.neighbour_degrees.dtype == np.uint8
    assert degrees.max() <= 127
    assert (neighbours != np.arange(60)[:, None]).all()
    assert (np.diff(degrees, axis=1) <= 0).all()
    ties = (np.diff(degrees, axis=1) == 0) & (neighbours[:, 1:] >= 0)
    assert (np.diff(neighbours, axis=1)[ties] > 0).all()
    assert ((neighbours == -1) == (degrees == 0)).all()


def test_an_occupation_without_skills_and_isco_has_no_neighbours() -> None:
    taxonomy = build(source("a", SourceConcept("1", "Kok"), SourceConcept("2", "Bakker")))
    assert (taxonomy.neighbours == -1).all()


# -- joining


def test_equal_preferred_labels_join_and_the_first_source_gives_code_and_label() -> None:
    competentnl = source("competentnl", SourceConcept("https://c", "Kok (m/v)", ("Keukenprins",)))
    esco = source("esco", SourceConcept("http://e", "KOK", ("cook",), isco="5120"))
    taxonomy = build(esco, competentnl)
    assert taxonomy.occupations.codes == ["https://c"]
    assert taxonomy.occupations.labels == ["Kok (m/v)"]
    assert taxonomy.occupations.index() == {"https://c": 0, "http://e": 0}
    assert taxonomy.isco == ["5120"]
    assert set(taxonomy.occupations.label_index()) == {"kok", "keukenprins", "cook"}


def test_concepts_that_name_each_other_join() -> None:
    left = source("competentnl", SourceConcept("c", "Pedicure", ("Voetverzorger",)))
    right = source("esco", SourceConcept("e", "voetverzorger", ("pedicure",)))
    assert joined(left, right) == [{"c", "e"}]


def test_a_preferred_label_that_is_only_an_alternative_of_the_other_does_not_join() -> None:
    narrow = source("competentnl", SourceConcept("c", "Pianostemmer"))
    broad = source("esco", SourceConcept("e", "reparateur van muziekinstrumenten", ("pianostemmer",)))
    assert joined(narrow, broad) == []


def test_titles_join_two_sources_that_give_each_title_to_one_concept_only() -> None:
    left = source(
        "competentnl", SourceConcept("c", "Voorman / voorvrouw heien", ("Heibaas",)), one_owner=True
    )
    right = source("boc", SourceConcept("b", "Voorman heien", ("heibaas", "baas heien")), one_owner=True)
    assert joined(left, right) == [{"b", "c"}]
    assert joined(left, replace(right, one_owner=False)) == []


def test_a_title_shared_by_two_concepts_of_one_source_is_no_evidence() -> None:
    left = source("competentnl", SourceConcept("c", "A", ("Baas",)), one_owner=True)
    right = source(
        "boc", SourceConcept("b1", "B", ("baas",)), SourceConcept("b2", "C", ("baas",)), one_owner=True
    )
    assert joined(left, right) == []


def test_a_homonym_within_one_source_joins_nothing() -> None:
    esco = source("esco", SourceConcept("e1", "portier"), SourceConcept("e2", "portier"))
    assert joined(source("competentnl", SourceConcept("c", "Portier")), esco) == []


@given(
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4), min_size=2, max_size=12),
    st.booleans(),
)
def test_a_join_never_merges_two_concepts_of_one_source(labels: list[list[str]], one_owner: bool) -> None:
    half = len(labels) // 2
    sources = [
        source(
            name,
            *(SourceConcept(f"{name}{n}", texts[0], tuple(texts[1:])) for n, texts in enumerate(part)),
            one_owner=one_owner,
        )
        for name, part in (("boc", labels[:half]), ("esco", labels[half:]))
    ]
    taxonomy = build(*sources)
    assert len(taxonomy.occupations.index()) == len(labels)
    for group in joined(*sources):
        assert len({code.rstrip("0123456789") for code in group}) == len(group) == 2


def test_relations_of_joined_concepts_come_together_and_essential_wins() -> None:
    skill = (SourceConcept("s:1", "Koken"),)
    first = Source("competentnl", (SourceConcept("c", "Kok"),), skill, optional=(("c", "s:1"),))
    other = (SourceConcept("t:1", "koken"), SourceConcept("t:2", "Snijden"))
    second = Source(
        "esco", (SourceConcept("e", "kok"),), other, essential=(("e", "t:1"),), optional=(("e", "t:2"),)
    )
    assert needs(build(first, second), "c") == {"s:1": True, "t:2": False}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_and_of_sources_does_not_matter(tmp_path: Path, seed: int) -> None:
    other = source("esco", SourceConcept("e:1", "lasser", ("welder",)), SourceConcept("e:2", "smid"))
    plain = build(read_own(own_folder(tmp_path / "a")), other)
    folder = own_folder(tmp_path / "b", shuffled_rows(SKILLS, seed), shuffled_rows(OCCUPATIONS, seed))
    turned = build(replace(other, occupations=other.occupations[::-1]), read_own(folder))
    assert turned.version == plain.version
    plain.save(tmp_path / "plain")
    turned.save(tmp_path / "turned")
    assert contents(tmp_path / "plain") == contents(tmp_path / "turned")


# -- folder


def test_a_taxonomy_that_is_loaded_saves_to_the_same_bytes(small: Taxonomy, tmp_path: Path) -> None:
    small.save(tmp_path / "a")
    loaded = load_taxonomy(tmp_path / "a")
    loaded.save(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert loaded.version == small.version
    assert loaded.occupations.label_index() == small.occupations.label_index()
    assert loaded.frequencies.equals(small.frequencies)
    for name in ("neighbours", "neighbour_degrees", "occupation_skill_indptr", "occupation_skill_essential"):
        saved, original = getattr(loaded, name), getattr(small, name)
        assert saved.dtype == original.dtype
        assert np.array_equal(saved, original)


def test_an_empty_taxonomy_can_be_saved_and_loaded(tmp_path: Path) -> None:
    build(source("empty")).save(tmp_path / "a")
    assert len(load_taxonomy(tmp_path / "a").occupations) == 0


def test_the_version_changes_with_the_content_and_not_with_the_name(small: Taxonomy, tmp_path: Path) -> None:
    other = build(read_own(own_folder(tmp_path / "x", SKILLS.replace("Zagen", "Zagen en schaven"))))
    assert other.version != small.version
    assert small.version.startswith("koppel-")
    renamed = build(read_own(own_folder(tmp_path / "y")), name="regio")
    assert renamed.version == small.version.replace("koppel-", "regio-")


def test_a_taxonomy_is_replaced_as_a_whole_and_old_files_go(small: Taxonomy, tmp_path: Path) -> None:
    target = tmp_path / "tax"
    build(source("a", SourceConcept("1", "Kok"))).save(target)
    small.save(target)
    small.save(tmp_path / "fresh")
    assert contents(target) == contents(tmp_path / "fresh")


def test_a_failed_save_leaves_the_old_taxonomy_as_it_was(
    small: Taxonomy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "tax"
    build(source("a", SourceConcept("1", "Kok"))).save(target)
    before = contents(target)
    replace_file = Path.replace

    def full(path: Path, goal: Path) -> Path:
        if goal.name == "manifest.json":
            raise OSError(28, "No space left on device")
        return replace_file(path, goal)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        small.save(target)
    assert contents(target) == before
    with pytest.raises(OutputError):
        small.save(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_with_other_files_is_not_written_to(small: Taxonomy, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(OutputError, match="other files"):
        small.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["letter.txt"]


def test_a_target_that_is_a_file_is_an_output_error(small: Taxonomy, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        small.save(tmp_path / "file")


def damage(folder: Path, table: str) -> Path:
    path = next(folder.glob(f"{table}-*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("table", ["occupations", "skill_labels", "neighbours", "frequencies"])
def test_a_damaged_table_is_refused_by_name(small: Taxonomy, tmp_path: Path, table: str) -> None:
    small.save(tmp_path / "t")
    path = damage(tmp_path / "t", table)
    with pytest.raises(FileError, match="damaged") as caught:
        load_taxonomy(tmp_path / "t")
    assert str(path) == caught.value.subject


def test_a_missing_table_a_missing_manifest_and_a_missing_folder_are_refused(
    small: Taxonomy, tmp_path: Path
) -> None:
    folder = tmp_path / "t"
    small.save(folder)
    next(folder.glob("skills-*.parquet")).unlink()
    with pytest.raises(FileError, match="no such file"):
        load_taxonomy(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(FileError, match="no taxonomy"):
        load_taxonomy(folder)
    with pytest.raises(FileError, match="no taxonomy"):
        load_taxonomy(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 99}, "later release"),
        ({"format": "1"}, "not the manifest"),
        ({"files": {}}, "not the manifest"),
        ({"version": "koppel-000000000000"}, "version"),
        ({"name": "regio"}, "version"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    small: Taxonomy, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    small.save(tmp_path / "t")
    manifest = tmp_path / "t" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
    with pytest.raises(FileError, match=reason):
        load_taxonomy(tmp_path / "t")


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "12"])
def test_a_manifest_that_is_not_one_is_refused(small: Taxonomy, tmp_path: Path, text: str) -> None:
    small.save(tmp_path / "t")
    (tmp_path / "t" / "manifest.json").write_text(text)
    with pytest.raises(FileError):
        load_taxonomy(tmp_path / "t")


# -- labels


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Café-eigenaar", "cafe eigenaar"),
        ("Verpleegkundige (m/v)", "verpleegkundige"),
        ("Verpleegkundige m/v/x", "verpleegkundige"),
        ("Kok (v/m)", "kok"),
        ("Chauffeur v/d bus", "chauffeur v d bus"),
        ("Foto's bewerken", "fotos bewerken"),
        ("C++-ontwikkelaar", "c++ ontwikkelaar"),
        ("C# ontwikkelaar", "c# ontwikkelaar"),
        ("  Bedrijfsleider / ondernemer,  horeca ", "bedrijfsleider ondernemer horeca"),
        ("Regis\u00adseur", "regisseur"),
        ("STRASSE ø Œ", "strasse o oe"),
        ("(m/v)", ""),
        ("+ #", ""),
    ],
)
def test_labels_fold_to_one_key(label: str, key: str) -> None:
    assert normalise(label) == key


@given(st.text())
def test_normalising_twice_changes_nothing(label: str) -> None:
    once = normalise(label)
    assert normalise(once) == once


@given(st.text(alphabet=st.characters(codec="latin-1")))
def test_case_does_not_matter_to_normalise(label: str) -> None:
    assert normalise(label.upper()) == normalise(label.upper().lower())


def test_importing_the_taxonomy_stays_light() -> None:
    heavy = "{'sklearn', 'scipy', 'polars', 'numba', 'rapidfuzz'} & set(sys.modules)"
    code = f"import sys, data.taxonomy; sys.exit(str({heavy} or ''))"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr.strip() == ""
