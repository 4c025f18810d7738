"""Linking free text to the concepts of a taxonomy."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.taxonomy import Linker, Source, SourceConcept, Taxonomy, build, read_boc, read_competentnl
from data.taxonomy.words import fold_label, fold_title

SHARED = Path(__file__).parents[1].parent / "shared" / "reference"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="../shared/reference is absent")

OCCUPATIONS = {
    "Heftruckchauffeur": ("Reachtruckchauffeur",),
    "Vrachtwagenchauffeur": ("Chauffeur CE",),
    "Monteur heftrucks": (),
    "Wijkverpleegkundige": (),
    "Verpleegkundige": ("Ziekenhuisverpleegkundige",),
    "Verzorgende IG": ("Verzorgende individuele gezondheidszorg",),
    "Administratief medewerker": ("Medewerker administratie",),
    "Logistiek medewerker": ("Magazijnmedewerker",),
    "Docent wiskunde (1e graads)": (),
    "Docent wiskunde (2e graads)": (),
    "Databasebeheerder (mbo)": (),
    "Databasebeheerder (hbo/wo)": (),
    "Onderwijsassistent": (),
    "Cafémedewerker": (),
    "Developer C#": (),
    "Developer C++": (),
    "Schoonmaker": ("Interieurverzorger",),
    "Kok": ("Zelfstandig werkend kok",),
}


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    concepts = tuple(SourceConcept(f"o:{label}", label, others) for label, others in OCCUPATIONS.items())
    return build(Source(name="test", occupations=concepts, skills=(SourceConcept("s:1", "Heftruck rijden"),)))


@pytest.fixture(scope="module")
def linker(taxonomy: Taxonomy) -> Linker:
    return Linker(taxonomy)


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("heftruckchauffeur", "Heftruckchauffeur"),
        ("Chauffeur heftruck", "Heftruckchauffeur"),
        ("heftruck-bestuurder", "Heftruckchauffeur"),
        ("HEFTRUCKCHAUFFEUR gezocht (m/v) 32 uur", "Heftruckchauffeur"),
        ("heftrukchaufeur", "Heftruckchauffeur"),
        ("verpleegkundige wijkverpleging", "Wijkverpleegkundige"),
        ("verpl. in de wijk", "Wijkverpleegkundige"),
        ("verzorgende niveau 3", "Verzorgende IG"),
        ("mdw. adm.", "Administratief medewerker"),
        ("adm. medew. fulltime", "Administratief medewerker"),
        ("junior log. medewerkster", "Logistiek medewerker"),
        ("lerares wiskunde eerstegraads", "Docent wiskunde (1e graads)"),
        ("leraar wiskunde tweedegraads", "Docent wiskunde (2e graads)"),
        ("databankbeheerder hbo", "Databasebeheerder (hbo/wo)"),
        ("databasebeheerder (middelbaar)", "Databasebeheerder (mbo)"),
        ("asst. onderwijs", "Onderwijsassistent"),
        ("cafe medewerker", "Cafémedewerker"),
        ("C# programmeur", "Developer C#"),
        ("programmeur c++", "Developer C++"),
        ("schoonmaakster", "Schoonmaker"),
        ("truck chauffeur", "Vrachtwagenchauffeur"),
    ],
)
def test_a_title_finds_its_occupation_first(linker: Linker, title: str, label: str) -> None:
    assert linker.link([title])[0][0].label == label


def test_an_equal_label_scores_one_and_nothing_else_does(linker: Linker) -> None:
    found = linker.link(["Kok (m/v)", "chauffeur heftruck"], 5)
    assert [(found[0][0].label, found[0][0].score)] == [("Kok", 1.0)]
    assert all(candidate.score < 1.0 for candidate in found[0][1:] + found[1])


def test_scores_descend_lie_in_0_1_and_name_each_concept_once(linker: Linker) -> None:
    for candidates in linker.link([*OCCUPATIONS, "heftruck", "iets heel anders"], 10):
        scores = [candidate.score for candidate in candidates]
        assert scores == sorted(scores, reverse=True)
        assert all(0.0 < score <= 1.0 for score in scores)
        assert len({candidate.code for candidate in candidates}) == len(candidates) <= 10


@pytest.mark.parametrize("title", ["", "   ", "???", "(m/v)", "日本"])
def test_a_title_without_known_letters_has_no_candidates(linker: Linker, title: str) -> None:
    assert linker.link([title]) == [[]]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_can_be_asked(linker: Linker, titles: list[str]) -> None:
    assert len(linker.link(titles, 3)) == len(titles)


def test_the_answer_does_not_depend_on_the_other_titles_or_their_number(linker: Linker) -> None:
    titles = [f"{first} {second}" for first in OCCUPATIONS for second in ("", "junior", "mbo", "heftruck")]
    together = linker.link(titles, 5)
    assert together == [linker.link([title], 5)[0] for title in titles]


def test_the_order_of_the_concepts_does_not_matter(linker: Linker) -> None:
    concepts = [SourceConcept(f"o:{label}", label, others[::-1]) for label, others in OCCUPATIONS.items()]
    random.Random(3).shuffle(concepts)
    other = Linker(build(Source(name="other", occupations=tuple(concepts))))
    titles = [*OCCUPATIONS, "chauffeur", "medewerker", "docent"]
    assert other.link(titles, 8) == linker.link(titles, 8)


def test_of_equal_labels_the_preferred_one_comes_first_then_the_lower_code() -> None:
    concepts = (
        SourceConcept("a", "Chef-kok", ("Chef",)),
        SourceConcept("b", "Bedrijfsleider", ("Chef",)),
        SourceConcept("c", "Chef"),
    )
    found = Linker(build(Source(name="x", occupations=concepts))).link(["chef"])[0]
    assert [(candidate.code, candidate.score) for candidate in found] == [("c", 1.0), ("a", 1.0), ("b", 1.0)]


def test_a_label_that_is_left_out_is_not_matched_but_its_twin_elsewhere_is() -> None:
    concepts = (
        SourceConcept("a", "Cargadoor", ("Scheepsagent", "Agent rederij")),
        SourceConcept("b", "Politiemedewerker", ("Scheepsagent",)),
        SourceConcept("c", "Scheepskok"),
    )
    linker = Linker(build(Source(name="x", occupations=concepts)))
    assert [c.score for c in linker.link(["Scheepsagent"])[0][:2]] == [1.0, 1.0]
    found = {c.code: c.score for c in linker.link(["scheepsagent (m/v)"], left_out=["a"])[0]}
    assert found["b"] == 1.0
    assert found["a"] < 0.9


def test_leaving_a_label_out_ranks_as_if_the_concept_never_had_it() -> None:
    def concepts(with_label: bool) -> Taxonomy:
        return build(
            Source(
                name="x",
                occupations=tuple(
                    SourceConcept(
                        label,
                        label,
                        tuple(other for other in others if with_label or other != "Reachtruckchauffeur"),
                    )
                    for label, others in OCCUPATIONS.items()
                ),
            )
        )

    left_out = Linker(concepts(True)).link(["Reachtruckchauffeur"], 5, left_out=["Heftruckchauffeur"])[0]
    without = Linker(concepts(False)).link(["Reachtruckchauffeur"], 5)[0]
    assert [c.code for c in left_out[:3]] == [c.code for c in without[:3]]
    for one, other in zip(left_out[:3], without[:3], strict=True):
        assert one.score == pytest.approx(other.score, abs=0.05)


def test_a_concept_that_several_sources_know_comes_first_among_equals() -> None:
    competentnl = Source(
        name="competentnl", occupations=(SourceConcept("z", "Verkeersvlieger", ("piloot",)),)
    )
    esco = Source(
        name="esco", occupations=(SourceConcept("e1", "piloot"), SourceConcept("e2", "verkeersvlieger"))
    )
    assert [c.code for c in Linker(build(competentnl, esco)).link(["piloot"])[0]][:2] == ["z", "e1"]


def test_skills_are_linked_on_request(taxonomy: Taxonomy) -> None:
    assert Linker(taxonomy, skills=True).link(["rijden met heftruck"])[0][0].code == "s:1"


def test_an_empty_taxonomy_links_to_nothing() -> None:
    assert Linker(build(Source(name="empty"))).link(["kok"]) == [[]]


def test_questions_that_make_no_sense_are_refused(linker: Linker) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        linker.link(["kok"], 0)
    with pytest.raises(ValueError, match="each title"):
        linker.link(["kok"], left_out=[])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lerares", "docent"),
        ("bezorgster", "bezorger"),
        ("brandweervrouw", "brandweerman"),
        ("programmeur", "ontwikkelaar"),
        ("medewerkster", "mdw"),
    ],
)
def test_words_that_mean_the_same_fold_to_one(one: str, other: str) -> None:
    assert fold_label(one) == fold_label(other)


@pytest.mark.parametrize("word", ["meester", "register", "medewerker"])
def test_words_that_only_look_feminine_stay(word: str) -> None:
    assert fold_label(f"x{word}") == (f"x{word}",)


def test_a_title_of_nothing_but_noise_keeps_its_words() -> None:
    assert fold_title("vacature fulltime") == fold_label("vacature fulltime")
    assert fold_title("kok 32 uur per week") == ("kok",)


@needs_shared
def test_titles_of_competentnl_are_found_with_themselves_left_out() -> None:
    source = read_competentnl([SHARED / "competentnl_occupations.csv"])
    titles = [(text, concept.code) for concept in source.occupations for text in concept.alternatives]
    asked = random.Random(11).sample(titles, 500)
    linker = Linker(build(source))
    found = linker.link([text for text, _ in asked], 5, left_out=[code for _, code in asked])
    top1 = sum(few[0].code == code for (_, code), few in zip(asked, found, strict=True)) / len(asked)
    top5 = sum(
        any(candidate.code == code for candidate in few) for (_, code), few in zip(asked, found, strict=True)
    ) / len(asked)
    assert top1 >= 0.65
    assert top5 >= 0.85


@needs_shared
def test_a_boc_title_links_to_the_competentnl_occupation() -> None:
    taxonomy = build(
        read_competentnl([SHARED / "competentnl_occupations.csv"]), read_boc(SHARED / "boc_24.1.csv")
    )
    found = Linker(taxonomy).link(["reachtruckchauffeur", "bedradingsmonteur"], 1)
    assert all(candidates[0].code.startswith("https://linkeddata.competentnl.nl/") for candidates in found)
