"""Reading the files that taxonomies come in, and what is said of bad ones: file, line, column, reason."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from data.errors import FileError
from data.taxonomy import build, normalise, read_boc, read_competentnl, read_esco, read_own
from data.taxonomy.own import BUNDLED, read_frequencies

SHARED = Path(__file__).parents[1].parent / "shared" / "reference"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="../shared/reference is absent")

C = "https://linkeddata.competentnl.nl/uwv/id/occupation/"
H = "https://linkeddata.competentnl.nl/id/humancapability/"
COMPETENTNL = f"""uri,label_type,label
{C}1,prefLabel,Heftruckchauffeur
{C}1,altLabel,Chauffeur heftruck
{C}2,prefLabel,Medewerker industri├½le reiniging
"""
CAPABILITIES = f"""uri,label_type,label,occupation_count,idf
{H}1,prefLabel,Innoveren,5,0.1
{H}1,altLabel,"Nieuwe dingen bedenken, uitvinden",5,0.1
"""
BOC = """"UWV beroep code";"Omschrijving";"Code Bovenliggend Referentie Beroep";\
"Omschrijving Bovenliggend Referentie Beroep"
"9";"Heftruckchauffeur";"n.v.t";"n.v.t"
"10";"reachtruckchauffeur";"9";"Heftruckchauffeur"
"11";"webmaster";"8";"Webmaster (hoger)"
"""
E = "http://data.europa.eu/esco/"
ESCO = {
    "occupations_nl.csv": f"""conceptType,conceptUri,iscoGroup,preferredLabel,altLabels,hiddenLabels,status
Occupation,{E}occupation/1,5120,kok,"keukenkok
bereider",koch,released
Occupation,{E}occupation/2,,bakker,,,released
""",
    "occupations_en.csv": f"""conceptType,conceptUri,iscoGroup,preferredLabel,altLabels
Occupation,{E}occupation/1,5120,cook,kitchen cook
Occupation,{E}occupation/3,0110,officer,
""",
    "skills_en.csv": f"""conceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels
KnowledgeSkillCompetence,{E}skill/1,skill,cross-sector,cook,
KnowledgeSkillCompetence,{E}skill/2,skill,cross-sector,bake bread,bake
""",
    "occupationSkillRelations_en.csv": f"""occupationUri,relationType,skillType,skillUri
{E}occupation/1,essential,skill,{E}skill/1
{E}occupation/2,optional,skill,{E}skill/1
{E}occupation/2,essential,skill,{E}skill/2
""",
    "broaderRelationsSkillPillar.csv": f"""conceptType,conceptUri,broaderType,broaderUri
KnowledgeSkillCompetence,{E}skill/2,KnowledgeSkillCompetence,{E}skill/1
KnowledgeSkillCompetence,{E}skill/1,SkillGroup,{E}skill/S1
""",
    "broaderRelationsOccPillar.csv": f"""conceptType,conceptUri,broaderType,broaderUri
Occupation,{E}occupation/2,Occupation,{E}occupation/9
Occupation,{E}occupation/9,ISCOGroup,{E}isco/C7512
""",
    "ISCOGroups_nl.csv": f"""conceptType,conceptUri,code,preferredLabel
ISCOGroup,{E}isco/C5120,5120,Koks
ISCOGroup,{E}isco/C7512,7512,Bakkers
ISCOGroup,{E}isco/C0110,0110,Officieren
""",
}
SKILLS = "code,label,alt_labels,broader\ns:1,Koken,,\ns:2,Bakken,,s:1\n"
OCCUPATIONS = "code,label,isco,alt_labels,essential,optional\no:1,Kok,5120,,s:1,s:2\n"


def esco_folder(folder: Path, **changed: str | None) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in ESCO.items():
        text_or_none = changed.get(name.partition(".")[0], text)
        if text_or_none is not None:
            (folder / name).write_text(text_or_none, encoding="utf-8")
    return folder


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# -- good files


def test_competentnl_occupations_and_capabilities_are_told_apart_by_uri(tmp_path: Path) -> None:
    source = read_competentnl(
        [write(tmp_path / "o.csv", COMPETENTNL), write(tmp_path / "c.csv", CAPABILITIES)]
    )
    assert [concept.label for concept in source.occupations] == [
        "Heftruckchauffeur",
        "Medewerker industriële reiniging",
    ]
    assert source.occupations[0].alternatives == ("Chauffeur heftruck",)
    assert [concept.code for concept in source.skills] == [f"{H}1"]
    assert any("accents" in note for note in source.notes)


def test_boc_titles_are_labels_and_aliases_of_their_reference_occupation(tmp_path: Path) -> None:
    source = read_boc(write(tmp_path / "boc.csv", BOC))
    reference = {concept.code: concept for concept in source.occupations}
    assert reference["9"].alternatives == ("reachtruckchauffeur",)
    assert reference["9"].aliases == ("10",)
    assert reference["8"].alternatives == ("Webmaster (hbo/wo)", "webmaster")
    occupations = build(source).occupations
    assert occupations.index()["10"] == occupations.index()["9"]


def test_esco_prefers_dutch_labels_and_keeps_the_others_as_hidden(tmp_path: Path) -> None:
    source = read_esco(esco_folder(tmp_path / "esco"))
    cook, baker, officer = source.occupations
    assert (cook.label, cook.alternatives) == ("kok", ("bereider", "keukenkok"))
    assert set(cook.hidden) == {"koch", "cook", "kitchen cook"}
    assert (baker.isco, officer.label, officer.isco) == ("7512", "officer", "0110")
    assert source.broader == ((f"{E}skill/2", f"{E}skill/1"),)
    assert len(source.essential) == 2
    assert source.optional == ((f"{E}occupation/2", f"{E}skill/1"),)


def test_esco_reads_gzipped_files_as_plain_ones(tmp_path: Path) -> None:
    plain, packed = esco_folder(tmp_path / "plain"), esco_folder(tmp_path / "packed")
    for path in list(packed.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert read_esco(plain) == read_esco(packed)


def test_a_few_relations_with_unknown_concepts_are_passed_over_with_a_note(tmp_path: Path) -> None:
    rows = [f"{E}occupation/1,optional,skill,{E}skill/{1 + number % 2}" for number in range(150)]
    table = "\n".join(
        ["occupationUri,relationType,skillType,skillUri", *rows, f"{E}occupation/7,optional,s,{E}skill/1"]
    )
    (note,) = read_esco(esco_folder(tmp_path / "esco", occupationSkillRelations_en=table)).notes
    assert note.startswith("occupationSkillRelations_en.csv: 1 of 151 relations")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes(b"\xef\xbb\xbf" + COMPETENTNL.replace("\n", "\r\n").encode())
    assert len(read_competentnl([path]).occupations) == 2


@pytest.mark.skipif(not (BUNDLED / "occupations.csv").exists(), reason="the bundled files are not there yet")
def test_the_bundled_taxonomy_builds_and_every_occupation_has_skills_and_neighbours() -> None:
    taxonomy = build(read_own())
    counts = taxonomy.occupation_skill_indptr[1:] - taxonomy.occupation_skill_indptr[:-1]
    assert len(taxonomy.occupations) >= 120
    assert counts.min() >= 8
    assert all(len(code) == 4 for code in taxonomy.isco)
    assert (taxonomy.neighbours[:, 0] >= 0).all()


@needs_shared
def test_the_published_competentnl_and_boc_files_join(tmp_path: Path) -> None:
    competentnl = read_competentnl(
        [SHARED / "competentnl_occupations.csv", SHARED / "competentnl_capabilities.csv"]
    )
    boc = read_boc(SHARED / "boc_24.1.csv")
    taxonomy = build(competentnl, boc)
    assert len(competentnl.occupations) == 3255
    assert len(competentnl.skills) == 112
    assert len(boc.occupations) == 3263
    index = taxonomy.occupations.index()
    for source in (competentnl, boc):
        assert len({index[concept.code] for concept in source.occupations}) == len(source.occupations)
    joined = len(competentnl.occupations) + len(boc.occupations) - len(taxonomy.occupations)
    assert joined > 3200
    driver = index["https://linkeddata.competentnl.nl/uwv/id/occupation/4D2B24EB18"]
    assert taxonomy.occupations.label_index()[normalise(taxonomy.occupations.labels[driver])] == driver


# -- bad files

Reader = Callable[[Path], object]


def competentnl(path: Path) -> object:
    return read_competentnl([path])


@pytest.mark.parametrize(
    ("read", "text", "subject", "found"),
    [
        (competentnl, "", "{path}", "empty"),
        (competentnl, "uri,label\na,b\n", "{path}, line 1", "column label_type is missing"),
        (competentnl, COMPETENTNL.replace(",", ";"), "{path}, line 1", "separated by semicolons"),
        (competentnl, "uri,uri,label_type,label\n", "{path}, line 1", "column uri occurs twice"),
        (competentnl, COMPETENTNL + f"{C}3,prefLabel,\n", "{path}, line 5, column label", "empty"),
        (competentnl, COMPETENTNL + f"{C}3,label,Kok\n", "{path}, line 5, column label_type", "'label'"),
        (competentnl, COMPETENTNL + "urn:x,prefLabel,Kok\n", "{path}, line 5, column uri", "'urn:x'"),
        (competentnl, COMPETENTNL + f"{C}3,prefLabel\n", "{path}, line 5", "2 cells"),
        (
            competentnl,
            COMPETENTNL + f"{C}1,prefLabel,Kok\n",
            "{path}, line 5, column label_type",
            "second preferred",
        ),
        (
            competentnl,
            COMPETENTNL + f"{C}3,altLabel,Kok\n",
            "{path}, line 5, column label_type",
            "no preferred",
        ),
        (competentnl, COMPETENTNL + f'{C}3,prefLabel,"Kok\n', "{path}, line 5", "not a row"),
        (read_boc, BOC.replace(";", ","), "{path}, line 1", "separated by commas"),
        (
            read_boc,
            BOC + '"10";"x";"9";"Heftruckchauffeur"\n',
            "{path}, line 5, column UWV beroep code",
            "twice",
        ),
        (
            read_boc,
            BOC + '"12";"x";"9";"Iets anders"\n',
            "{path}, line 5, column Omschrijving Bovenliggend Referentie Beroep",
            "'Iets anders'",
        ),
        (
            read_boc,
            BOC + '"12";"x";"10";"y"\n',
            "{path}, line 5, column Code Bovenliggend Referentie Beroep",
            "itself under another",
        ),
        (read_boc, BOC + '"12";"";"9";"Heftruckchauffeur"\n', "{path}, line 5, column Omschrijving", "empty"),
        (read_frequencies, "group,code,count,total\nskill,a,5,4\n", "{path}, line 2, column count", "5"),
        (read_frequencies, "group,code,count,total\nskill,a,-1,4\n", "{path}, line 2, column count", "'-1'"),
        (
            read_frequencies,
            "group,code,count,total\ns,a,1,4\ns,a,1,4\n",
            "{path}, line 3, column code",
            "twice",
        ),
    ],
)
def test_a_bad_table_is_refused_with_its_place(
    tmp_path: Path, read: Reader, text: str, subject: str, found: str
) -> None:
    path = write(tmp_path / "table.csv", text)
    with pytest.raises(FileError) as caught:
        read(path)
    assert caught.value.subject == subject.format(path=path)
    assert found in caught.value.found


def test_lines_are_counted_through_cells_of_several_lines(tmp_path: Path) -> None:
    table = ESCO["occupations_nl.csv"] + f"Occupation,{E}occupation/4,5120,,,,released\n"
    with pytest.raises(FileError) as caught:
        read_esco(esco_folder(tmp_path / "esco", occupations_nl=table))
    assert caught.value.subject.endswith("occupations_nl.csv, line 5, column preferredLabel")


@pytest.mark.parametrize(
    ("table", "row", "column", "found"),
    [
        (
            "occupations_nl",
            f"Occupation,{E}occupation/1,5120,cuisinier,,,released",
            "conceptUri",
            "'cuisinier'",
        ),
        ("occupations_nl", f"Occupation,{E}occupation/4,512,chef,,,released", "iscoGroup", "'512'"),
        ("occupations_nl", f"Occupation,{E}occupation/4,9999,chef,,,released", "iscoGroup", "'9999'"),
        ("occupationSkillRelations_en", f"{E}occupation/1,needed,s,{E}skill/1", "relationType", "'needed'"),
        (
            "occupationSkillRelations_en",
            f"{E}occupation/7,optional,s,{E}skill/1",
            "occupationUri",
            "unknown concept",
        ),
        (
            "occupationSkillRelations_en",
            f"{E}occupation/1,optional,s,{E}skill/7",
            "skillUri",
            "unknown concept",
        ),
        (
            "broaderRelationsSkillPillar",
            f"KnowledgeSkillCompetence,{E}skill/1,KnowledgeSkillCompetence,{E}skill/7",
            "broaderUri",
            "unknown concept",
        ),
    ],
)
def test_a_bad_esco_row_is_refused_with_its_place(
    tmp_path: Path, table: str, row: str, column: str, found: str
) -> None:
    text = ESCO[f"{table}.csv"] + row + "\n"
    folder = esco_folder(tmp_path / "esco", **{table: text})
    with pytest.raises(FileError) as caught:
        read_esco(folder)
    line = text.count("\n")
    assert caught.value.subject == f"{folder / table}.csv, line {line}, column {column}"
    assert found in caught.value.found


@pytest.mark.parametrize("table", ["occupations_nl", "skills_en", "occupationSkillRelations_en"])
def test_an_esco_folder_without_a_needed_file_is_refused(tmp_path: Path, table: str) -> None:
    folder = esco_folder(tmp_path / "esco", **{table: None, "occupations_en": None})
    with pytest.raises(FileError, match=f"no {table.partition('_')[0]} file"):
        read_esco(folder)


def test_an_esco_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a folder"):
        read_esco(tmp_path / "nowhere")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        read_boc(tmp_path / "boc.csv")


def test_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes(COMPETENTNL.encode() + f"{C}3,prefLabel,Cafébaas\n".encode("latin-1"))
    with pytest.raises(FileError) as caught:
        read_competentnl([path])
    assert caught.value.subject == f"{path}, line 5"
    assert "0xe9" in caught.value.found


@pytest.mark.parametrize("keep", [10, 40, -4])
def test_a_truncated_gzip_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "o.csv.gz"
    path.write_bytes(gzip.compress(COMPETENTNL.encode())[:keep])
    with pytest.raises(FileError, match="ends too early"):
        read_competentnl([path])


def test_a_file_that_only_is_called_gz_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a gzip stream"):
        read_competentnl([write(tmp_path / "o.csv.gz", COMPETENTNL)])


@pytest.mark.parametrize(
    ("skills", "occupations", "subject", "found"),
    [
        (SKILLS + "s:3,,,\n", OCCUPATIONS, "skills.csv, line 4, column label", "empty"),
        (SKILLS + "s:1,Braden,,\n", OCCUPATIONS, "skills.csv, line 4, column code", "twice"),
        (SKILLS + "s:3,Braden,,s:9\n", OCCUPATIONS, "skills.csv, line 4, column broader", "'s:9'"),
        (SKILLS, OCCUPATIONS + "o:2,Bakker,75,,,\n", "occupations.csv, line 3, column isco", "'75'"),
        (
            SKILLS,
            OCCUPATIONS + "o:2,Bakker,7512,,s:1|s:9,\n",
            "occupations.csv, line 3, column essential",
            "'s:9'",
        ),
        (SKILLS, OCCUPATIONS + "o:1,Bakker,7512,,,\n", "occupations.csv, line 3, column code", "twice"),
    ],
)
def test_a_bad_row_of_our_own_files_is_refused_with_its_place(
    tmp_path: Path, skills: str, occupations: str, subject: str, found: str
) -> None:
    write(tmp_path / "skills.csv", skills)
    write(tmp_path / "occupations.csv", occupations)
    with pytest.raises(FileError) as caught:
        read_own(tmp_path)
    assert caught.value.subject == f"{tmp_path}/{subject}"
    assert found in caught.value.found


def test_a_reference_table_with_an_unknown_code_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "skills.csv", SKILLS)
    write(tmp_path / "occupations.csv", OCCUPATIONS)
    write(tmp_path / "frequencies.csv", "group,code,count,total\nskill,s:9,1,2\n")
    with pytest.raises(FileError, match="unknown skill 's:9'"):
        build(read_own(tmp_path))
