"""The models of the standard: equal to the published contracts, strict, and telling faults without names."""

import copy
import csv
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from data.standard import (
    DETAIL_ONLY,
    BronMPVacatureMatch,
    BronMPWerkzoekendeMatch,
    Fault,
    MPVacature,
    MPVacatureMatch,
    MPWerkgeverscontactmoment,
    MPWerkzoekende,
    MPWerkzoekendeMatch,
    Side,
    Vacature,
    ValueList,
    Werkgeverscontactmoment,
    Werkzoekende,
    at_match_level,
    faults,
    fields,
    match_model,
    model_of,
)
from data.standard.disclosure import marked, without_detail
from data.standard.fields import Object, Omittable, String6

Schema = dict[str, Any]

SIDES: tuple[Side, ...] = ("werkzoekende", "vacature")
MATCHES: dict[Side, type[BaseModel]] = {"werkzoekende": MPWerkzoekendeMatch, "vacature": MPVacatureMatch}
REQUIRED: dict[Side, str] = {"werkzoekende": "mobiliteit", "vacature": "adres"}

CONTRACTS: dict[str, dict[str, type[BaseModel]]] = {
    "VUM-Bemiddelaar-WerkzoekendeProfielen": {
        "Werkzoekende": Werkzoekende,
        "MPWerkzoekendeMatch": MPWerkzoekendeMatch,
        "MPWerkzoekende": MPWerkzoekende,
    },
    "VUM-Bron-WerkzoekendeProfielen": {
        "Werkzoekende": Werkzoekende,
        "MPWerkzoekendeMatch": BronMPWerkzoekendeMatch,
        "MPWerkzoekende": MPWerkzoekende,
    },
    "VUM-Bemiddelaar-Vacatures": {
        "Vacature": Vacature,
        "MPVacatureMatch": MPVacatureMatch,
        "MPVacature": MPVacature,
    },
    "VUM-Bron-Vacatures": {
        "Vacature": Vacature,
        "MPVacatureMatch": BronMPVacatureMatch,
        "MPVacature": MPVacature,
    },
    "VUM-Bemiddelaar-Werkgeverscontactmomenten": {
        "MPWerkgeverscontactmomentMatch": Werkgeverscontactmoment,
        "MPWerkgeverscontactmoment": MPWerkgeverscontactmoment,
    },
    "VUM-Bron-Werkgeverscontactmomenten": {
        "MPWerkgeverscontactmomentMatch": Werkgeverscontactmoment,
        "MPWerkgeverscontactmoment": MPWerkgeverscontactmoment,
    },
}
PAIRS = [(contract, name) for contract, models in CONTRACTS.items() for name in models]


def contract_schemas(shared: Path, contract: str) -> Schema:
    text = (shared / "standard" / "contracts" / f"{contract}.yaml").read_text(encoding="utf-8")
    schemas: Schema = yaml.safe_load(text)["components"]["schemas"]
    return schemas


def plain(schema: Any, definitions: Schema) -> Any:
    """Give a schema without references, in one spelling of what can be spelt in several ways."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return plain(definitions[schema["$ref"].split("/")[-1]], definitions)
    kept: Schema = {key: value for key, value in schema.items() if key not in EXPLAINING}
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    if "enum" in kept:
        kept["enum"] = sorted(kept["enum"])
    if "required" in kept:
        kept["required"] = sorted(kept["required"])
    if "items" in kept:
        kept["items"] = plain(kept["items"], definitions)
    if "oneOf" in kept:
        kept["oneOf"] = [plain(form, definitions) for form in kept["oneOf"]]
    if "properties" in kept:
        kept["properties"] = {name: plain(each, definitions) for name, each in kept["properties"].items()}
        kept.setdefault("additionalProperties", True)
    return kept


EXPLAINING = {"title", "description", "default", "example"}
"""What a schema says without restricting anything."""


def model_schema(model: type[BaseModel]) -> Schema:
    schema = model.model_json_schema()
    resolved: Schema = plain(schema, schema.pop("$defs", {}))
    return resolved


def differences(model: Schema, contract: Schema, path: str) -> Iterator[str]:
    """Name all that two plain schemas differ in, as path and difference."""
    for keyword in sorted(model.keys() | contract.keys()):
        ours, theirs = model.get(keyword), contract.get(keyword)
        if keyword == "properties" and isinstance(ours, dict) and isinstance(theirs, dict):
            for name in sorted(ours.keys() | theirs.keys()):
                if name not in ours:
                    yield f"{path}.{name}: only in the contract"
                elif name not in theirs:
                    yield f"{path}.{name}: only in the model"
                else:
                    yield from differences(ours[name], theirs[name], f"{path}.{name}")
        elif keyword == "items" and isinstance(ours, dict) and isinstance(theirs, dict):
            yield from differences(ours, theirs, f"{path}[]")
        elif keyword == "oneOf" and ours and theirs and len(ours) == len(theirs):
            for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
                yield from differences(our, their, f"{path}<{number}>")
        # In JSON an integer is no boolean, in Python True == 1.
        elif json.dumps(ours) != json.dumps(theirs):
            yield f"{path}: {keyword} is {ours} in the model, {theirs} in the contract"


# -- the contracts


@pytest.mark.parametrize(("contract", "name"), PAIRS)
def test_a_model_equals_the_schema_of_the_contract(contract: str, name: str, shared: Path) -> None:
    schemas = contract_schemas(shared, contract)
    published = plain(schemas[name], schemas)
    assert list(differences(model_schema(CONTRACTS[contract][name]), published, name)) == []


@pytest.mark.parametrize("contract", CONTRACTS)
def test_no_object_of_a_contract_is_left_uncompared(contract: str, shared: Path) -> None:
    schemas = contract_schemas(shared, contract)
    compared: set[str] = set()
    new = set(CONTRACTS[contract])
    while new:
        compared |= new
        new = {ref for name in new for ref in references(schemas[name])} - compared
    objects = {name for name, schema in schemas.items() if schema.get("type") == "object"}
    envelopes = {name for name in objects if name == "Error" or name.endswith("MatchesResponse")}
    assert objects - compared == envelopes


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].split("/")[-1]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


@pytest.mark.parametrize(
    ("where", "change", "difference"),
    [
        ([], {"properties": {"nieuw": {"type": "string"}}}, "V.nieuw: only in the contract"),
        (["adres"], {"properties": {"land": {"type": "string"}}}, "V.adres.land: only in the contract"),
        (
            ["werkgever", "webadres", "[]", "url"],
            {"maxLength": 512},
            "V.werkgever.webadres[].url: maxLength is 1000 in the model, 512 in the contract",
        ),
        (
            ["adres", "postcode"],
            {"pattern": "^[0-9]{4}$"},
            "V.adres.postcode: pattern is ^[0-9]{4}[a-zA-Z]{2}$ in the model, ^[0-9]{4}$ in the contract",
        ),
        (
            ["contractvorm", "[]", "codeTypeArbeidscontract"],
            {"enum": ["B", "O", "X"]},
            "V.contractvorm[].codeTypeArbeidscontract: enum is ['B', 'O'] in the model, "
            "['B', 'O', 'X'] in the contract",
        ),
        (
            ["adres", "huisnummer"],
            {"minimum": 1},
            "V.adres.huisnummer: minimum is 0 in the model, 1 in the contract",
        ),
        (
            ["adres", "huisnummer"],
            {"type": "string"},
            "V.adres.huisnummer: type is integer in the model, string in the contract",
        ),
        (
            ["adres"],
            {"required": None},
            "V.adres: required is ['postcode'] in the model, None in the contract",
        ),
        (
            ["adres"],
            {"additionalProperties": True},
            "V.adres: additionalProperties is False in the model, True in the contract",
        ),
    ],
)
def test_the_comparison_names_what_is_changed(where: list[str], change: Schema, difference: str) -> None:
    model = model_schema(Vacature)
    contract = copy.deepcopy(model)
    changed = contract
    for step in where:
        changed = changed["items"] if step == "[]" else changed["properties"][step]
    for keyword, value in change.items():
        changed[keyword] = changed["properties"] | value if keyword == "properties" else value
    assert list(differences(model, contract, "V")) == [difference]


def test_the_comparison_names_what_only_the_model_has() -> None:
    model = model_schema(MPVacature)
    contract = copy.deepcopy(model)
    del contract["properties"]["rijbewijs"]
    del contract["properties"]["codeWerkEnDenkniveauMinimaal"]["oneOf"][0]["properties"]["$lt"]
    assert list(differences(model, contract, "Q")) == [
        "Q.codeWerkEnDenkniveauMinimaal<0>.$lt: only in the model",
        "Q.rijbewijs: only in the model",
    ]


# -- records


def records(schema: Schema) -> st.SearchStrategy[Any]:
    """Give JSON values that a plain schema admits."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            properties = {name: records(each) for name, each in schema["properties"].items()}
            required = {name: properties.pop(name) for name in schema.get("required", [])}
            return st.fixed_dictionaries(required, optional=properties)
        case "array":
            return st.lists(records(schema["items"]), max_size=2)
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "boolean":
            return st.booleans()
    if schema.get("format") == "date":
        return st.dates().map(date.isoformat)
    if "pattern" in schema:
        return st.from_regex(
            schema["pattern"].replace("$", r"\Z"), alphabet=st.characters(codec="ascii")
        ).filter(lambda text: len(text) <= schema.get("maxLength", len(text)))
    return st.text(st.characters(codec="utf-8"), max_size=min(schema["maxLength"], 20))


RECORDS: dict[Side, st.SearchStrategy[Any]] = {side: records(model_schema(model_of(side))) for side in SIDES}


@pytest.mark.parametrize("model", [Werkzoekende, Vacature, Werkgeverscontactmoment])
@given(data=st.data())
def test_a_record_that_the_schema_admits_is_accepted_and_given_back_as_it_was(
    model: type[BaseModel], data: st.DataObject
) -> None:
    record = data.draw(records(model_schema(model)))
    read = model.model_validate_json(json.dumps(record))
    assert read.model_dump(exclude_unset=True) == record


@pytest.mark.parametrize("side", SIDES)
def test_every_accreditation_record_is_accepted_at_both_levels(side: Side, shared: Path) -> None:
    plural = {"werkzoekende": "werkzoekenden", "vacature": "vacatures"}[side]
    stored = json.loads((shared / "accreditation" / f"{plural}.json").read_text(encoding="utf-8"))
    assert stored
    for record in stored:
        model_of(side).model_validate_json(json.dumps(record))
        MATCHES[side].model_validate_json(json.dumps({**at_match_level(record, side), "vumID": "vum-1"}))


@pytest.mark.parametrize(
    ("plural", "question", "match"),
    [
        ("werkzoekenden", MPWerkzoekende, BronMPWerkzoekendeMatch),
        ("vacatures", MPVacature, BronMPVacatureMatch),
    ],
)
def test_every_accreditation_question_and_expected_match_is_accepted(
    plural: str, question: type[BaseModel], match: type[BaseModel], shared: Path
) -> None:
    cases = json.loads((shared / "accreditation" / f"{plural}_cases.json").read_text(encoding="utf-8"))
    assert cases
    for case in cases:
        question.model_validate_json(json.dumps(case["vraagObject"]))
        for expected in case["expectedMatches"]:
            match.model_validate_json(json.dumps(expected))


# -- strictness


@pytest.mark.parametrize("text", ["true", "1.0", '"1"', "null", "NaN", "Infinity", "[1]", "9", "10000000000"])
def test_a_code_in_numbers_takes_nothing_but_its_numbers(text: str) -> None:
    assert told(Werkzoekende, f'{{"flexibiliteit": {{"indicatieOnregelmatigWerkOfPloegendienst": {text}}}}}')


@pytest.mark.parametrize("text", ["true", "1.0", '"1"', "null", "NaN", "-1", "100", "1e1"])
def test_a_bounded_number_takes_nothing_but_whole_numbers_within_bounds(text: str) -> None:
    assert told(Werkzoekende, f'{{"werktijden": {{"aantalWerkurenPerWeekMaximaal": {text}}}}}')


@pytest.mark.parametrize("text", ["1", "true", "null", "NaN", "{}", '["x"]'])
def test_text_takes_nothing_but_text(text: str) -> None:
    assert told(Werkzoekende, f'{{"persoonlijkePresentatie": {text}}}')


@pytest.mark.parametrize("text", ["4", "4.0", '"04"', '"8"', "null"])
def test_a_code_in_text_takes_nothing_but_its_texts(text: str) -> None:
    assert told(Vacature, f'{{"idVacature": "v", "codeWerkEnDenkniveauMinimaal": {text}}}')


@pytest.mark.parametrize("text", ["1", "0", '"true"', "null"])
def test_a_boolean_takes_nothing_but_booleans(text: str) -> None:
    record = (
        f'{{"datum": "2026-01-01", "werkgever": {{"nummerKvk": "01234567", "erkendSbbLeerbedrijf": {text}}}}}'
    )
    assert told(Werkgeverscontactmoment, record)


@pytest.mark.parametrize("name", ["mobiliteit", "sector", "eisAanWerk", "idWerkzoekende", "webadres"])
def test_an_absent_property_is_left_out_and_never_null(name: str) -> None:
    assert told(Werkzoekende, json.dumps({name: None}))
    assert Werkzoekende.model_validate_json("{}").model_dump(exclude_unset=True) == {}


@pytest.mark.parametrize("postcode", ["6511AB", "6511ab", "0000zZ"])
def test_a_postcode_is_four_digits_and_two_letters_of_either_case(postcode: str) -> None:
    Vacature.model_validate_json(json.dumps({"idVacature": "v", "adres": {"postcode": postcode}}))


@pytest.mark.parametrize(
    "postcode", ["6511 AB", "6511A", "6511AB\n", " 6511AB", "٦٥١١AB", "6511ÀB", "AB6511"]
)
def test_another_spelling_of_a_postcode_is_refused(postcode: str) -> None:
    assert told(Vacature, json.dumps({"idVacature": "v", "adres": {"postcode": postcode}}))


DATES = TypeAdapter[str](fields.Date)


def is_date(text: str) -> bool:
    try:
        return DATES.validate_python(text) == text
    except ValidationError:
        return False


@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
def test_a_date_is_a_day_of_the_calendar(year: int, month: int, day: int) -> None:
    try:
        exists = bool(date(year, month, day))
    except ValueError:
        exists = False
    assert is_date(f"{year:04}-{month:02}-{day:02}") is exists


def test_every_year_has_the_leap_day_that_the_calendar_gives_it() -> None:
    leap = [year for year in range(1, 10_000) if is_date(f"{year:04}-02-29")]
    assert leap == [y for y in range(1, 10_000) if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)]
    assert all(is_date(f"{year:04}-02-28") for year in range(1, 10_000))


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "0000-01-01",
        "0000-02-29",
        "2026-2-3",
        "20260203",
        "2026-02-03T00:00:00",
        "2026-02-03\n",
        " 2026-02-03",
        "٢٠٢٦-02-03",
    ],
)
def test_another_spelling_of_a_date_is_refused(text: str) -> None:
    assert not is_date(text)


@pytest.mark.parametrize(
    "criterium",
    [{"$eq": "7"}, {"$gte": "3", "$lt": "7"}, {"$lt": "7"}, {"$gte": "3"}, {}, {"$ne": "4"}],
)
def test_the_level_of_a_question_has_the_forms_of_the_contract(criterium: Schema) -> None:
    MPVacature.model_validate_json(json.dumps(question(criterium)))


@pytest.mark.parametrize(
    "criterium",
    [
        *({"$eq": "6"}, {"$eq": 7}, {"$gte": "7", "$lt": "7"}, {"$gte": "3", "$lt": "6"}),
        *({"$eq": "7", "$lt": "7"}, {"$lt": None}, None, "7"),
    ],
)
def test_the_level_of_a_question_has_no_other_form(criterium: Any) -> None:
    (fault,) = told(MPVacature, json.dumps(question(criterium)))
    assert re.fullmatch(r"\$\.codeWerkEnDenkniveauMinimaal(\['\$\w+'\])?", fault.path)


def question(level: Any) -> Schema:
    return {
        "selectiegebied": {"postcode": "6511AB", "afstand": 10},
        "codeWerkEnDenkniveauMinimaal": level,
    }


def test_a_question_keeps_what_the_contract_lacks() -> None:
    asked = {
        "selectiegebied": {"postcode": "6511AB", "afstand": 10},
        "werktijden.aantalWerkurenPerWeekMaximaal": {"$gte": 8, "$ne": 9},
        "werktijden.nieuw": {"$eq": 1},
    }
    read = MPWerkzoekende.model_validate_json(json.dumps(asked))
    assert read.model_extra == {"werktijden.nieuw": {"$eq": 1}}
    assert read.model_dump(by_alias=True, exclude_unset=True) == asked


# -- disclosure


def in_detail_only(record: Schema, side: Side) -> Schema:
    """Take out, one by one, what the agreement says that a match does not show."""
    left = copy.deepcopy(record)
    if side == "vacature":
        for name in ("idVacature", "nummerVacature"):
            left.pop(name, None)
        left.get("werkgever", {}).pop("contactpersoon", None)
        return left
    for name in (
        *("idWerkzoekende", "contactpersoon", "eisAanWerk", "emailadres", "telefoonnummer", "webadres"),
        *("persoonlijkePresentatie", "indicatieLdrRegistratie"),
    ):
        left.pop(name, None)
    return left


@pytest.mark.parametrize("side", SIDES)
@given(data=st.data())
def test_a_match_shows_all_but_what_the_agreement_keeps_for_the_detail(
    side: Side, data: st.DataObject
) -> None:
    record = data.draw(RECORDS[side])
    before = copy.deepcopy(record)
    assert at_match_level(record, side) == in_detail_only(record, side)
    assert record == before


@pytest.mark.parametrize("side", SIDES)
@given(data=st.data())
def test_what_is_left_of_a_record_is_a_match_and_the_match_model_refuses_the_rest(
    side: Side, data: st.DataObject
) -> None:
    required = model_schema(MATCHES[side])["properties"][REQUIRED[side]]
    record = data.draw(RECORDS[side]) | {REQUIRED[side]: data.draw(records(required))}
    shown = {**at_match_level(record, side), "vumID": "vum-1"}
    MATCHES[side].model_validate_json(json.dumps(shown))
    whole = {**record, "vumID": "vum-1"}
    if whole != shown:
        with pytest.raises(ValidationError):
            MATCHES[side].model_validate_json(json.dumps(whole))


class Binnen(Object):
    geheim: Annotated[Omittable[String6], DETAIL_ONLY] = None
    open: Omittable[String6] = None


class Midden(Object):
    binnen: list[Binnen]
    open: Omittable[Binnen] = None


class Buiten(Object):
    id: Annotated[Omittable[String6], DETAIL_ONLY] = None
    midden: Omittable[Midden] = None
    lijst: Omittable[list[list[Midden]]] = None


DEEP = match_model("Deep", Buiten, known_by=("vumID", String6), required="midden")


@given(records(model_schema(Buiten)))
def test_what_is_marked_is_taken_out_at_any_depth(record: Schema) -> None:
    left = without_detail(record, marked(Buiten))
    assert left == pruned(record, {"id", "geheim"})
    if "midden" in left:
        DEEP.model_validate_json(json.dumps({**left, "vumID": "1"}))


def pruned(value: Any, names: set[str]) -> Any:
    if isinstance(value, list):
        return [pruned(each, names) for each in value]
    if isinstance(value, dict):
        return {name: pruned(each, names) for name, each in value.items() if name not in names}
    return value


def test_the_model_of_a_match_has_what_is_marked_at_no_depth() -> None:
    names = set(re.findall(r"'(\w+)'", str(model_schema(DEEP))))
    assert {"vumID", "midden", "lijst", "binnen", "open"} <= names
    assert not names & {"id", "geheim"}
    assert model_schema(DEEP)["required"] == ["midden", "vumID"]


# -- value lists


def published_lists(shared: Path, side: Side) -> dict[str, dict[str, str]]:
    """Give property -> code -> label, of each closed list among the attributes of a side."""
    lists: dict[str, dict[str, str]] = {}
    with (shared / "standard" / f"{side}_attributes.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            pairs = [
                re.fullmatch(r"([A-Z0-9+]{1,3})(?: =)? (.+)", part)
                for part in " ".join(row["List of Values"].split()).split(" ; ")
            ]
            if all(pairs):
                name = spelt_as_property(row["Attribuut"])
                labels = {pair[1]: pair[2] for pair in pairs if pair}
                assert lists.setdefault(name, labels) == labels
    return lists


def spelt_as_property(attribute: str) -> str:
    words: list[str] = re.findall(r"\w+", attribute)
    return words[0].lower() + "".join(word.capitalize() for word in words[1:])


def lists_of(model: type[BaseModel]) -> dict[str, dict[str, str]]:
    """Give property -> code -> label, of each value list in a model at any depth."""
    lists: dict[str, dict[str, str]] = {}
    for name, field in model.model_fields.items():
        for part in parts_of(field.annotation):
            if isinstance(part, ValueList):
                lists[name] = {str(code): label for code, label in part.labels.items()}
            elif isinstance(part, type) and issubclass(part, BaseModel):
                lists |= lists_of(part)
    return lists


def parts_of(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from parts_of(part)


@pytest.mark.parametrize("side", SIDES)
def test_the_value_lists_are_those_of_the_attribute_lists(side: Side, shared: Path) -> None:
    published = published_lists(shared, side)
    assert len(published) >= 15
    assert lists_of(model_of(side)) == published


def test_a_value_list_gives_its_codes_some_of_them_and_their_text() -> None:
    colours = ValueList({1: "Rood", 2: "Groen", 9: "Anders"})
    assert colours.codes == (1, 2, 9)
    assert colours.only(9, 1).labels == {9: "Anders", 1: "Rood"}
    assert colours.as_text().labels == {"1": "Rood", "2": "Groen", "9": "Anders"}
    with pytest.raises(KeyError):
        colours.only(3)


# -- faults


def told(model: type[BaseModel], text: str | bytes) -> list[Fault]:
    try:
        model.model_validate_json(text)
    except ValidationError as error:
        return faults(error)
    return []


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (
            {"arbeidsmarktkwalificatie": {"rijbewijs": [{}, {}, {"codeSoortRijbewijs": "b"}]}},
            "$.arbeidsmarktkwalificatie.rijbewijs[2].codeSoortRijbewijs: \"b\"; allowed: 'A', 'A1', 'A2', "
            "'AM', 'B', 'B+', 'C1', 'C', 'D1', 'D', 'BE', 'C1E', 'CE', 'D1E', 'DE' or 'T'",
        ),
        (
            {"eisAanWerk": {"indicatieBegeleiding": "1"}},
            '$.eisAanWerk.indicatieBegeleiding: "1"; allowed: 0, 1 or 2',
        ),
        (
            {"flexibiliteit": {"datumEindeBeschikbaarVoorWerk": "2026-02-30"}},
            '$.flexibiliteit.datumEindeBeschikbaarVoorWerk: "2026-02-30"; '
            "allowed: a day that exists, as YYYY-MM-DD",
        ),
        (
            {"mobiliteit": {"bemiddelingspostcode": "6511 AB"}},
            "$.mobiliteit.bemiddelingspostcode: text of 7 characters; "
            "allowed: four digits and two letters, as 9999AA",
        ),
        ({"sector": [{"codeSbi": "47"}]}, '$.sector[0].codeSbi: "47"; allowed: a whole number'),
        ({"sector": [{"codeSbi": 100_000}]}, "$.sector[0].codeSbi: 100000; allowed: at most 99999"),
        ({"sector": [{"codeSbi": float("nan")}]}, "$.sector[0].codeSbi: NaN; allowed: a whole number"),
        ({"sector": {}}, "$.sector: an object; allowed: a list"),
        ({"eisAanWerk": []}, "$.eisAanWerk: a list of length 0; allowed: an object"),
        ({"persoonlijkePresentatie": None}, "$.persoonlijkePresentatie: null; allowed: text"),
        (
            {"persoonlijkePresentatie": "x" * 2001},
            "$.persoonlijkePresentatie: text of 2001 characters; allowed: at most 2000 characters",
        ),
        (
            {"mobiliteit": {}},
            "$.mobiliteit.bemiddelingspostcode: absent; allowed: a value, which is required",
        ),
        (
            {"idVacature": "v"},
            "$.idVacature: a property that the standard does not have; "
            "allowed: only the properties of the standard",
        ),
    ],
)
def test_a_fault_tells_where_it_is_what_was_found_and_what_is_allowed(record: Schema, fault: str) -> None:
    found = told(Werkzoekende, json.dumps(record))
    assert [str(each) for each in found] == [fault]
    assert found[0].missing is ("absent" in fault)


def test_faults_of_a_question_have_a_path_that_quotes_dots_and_operators() -> None:
    asked: Schema = {"arbeidsmarktkwalificatie.rijbewijs": {"$all": []}}
    assert [(fault.path, fault.missing) for fault in told(MPWerkzoekende, json.dumps(asked))] == [
        ("$['arbeidsmarktkwalificatie.rijbewijs']['$all']", False),
        ("$.selectiegebied", True),
    ]


@pytest.mark.parametrize(
    "text", [b"", b"[", b'{"a": }', b"\xff\xfe", b'{"idWerkzoekende": "\xff"}', b"[" * 300]
)
def test_text_that_is_no_json_is_one_fault(text: bytes) -> None:
    (fault,) = told(Werkzoekende, text)
    assert fault.path == "$"
    assert fault.found.startswith("no JSON (")
    assert fault.allowed == "JSON"


def places(schema: Schema) -> Iterator[tuple[Schema, list[str | int]]]:
    """Give each place in a plain schema: what it admits, and the way to it."""
    yield schema, []
    if schema.get("type") == "array":
        yield from ((inner, [0, *way]) for inner, way in places(schema["items"]))
    for name, each in schema.get("properties", {}).items():
        yield from ((inner, [name, *way]) for inner, way in places(each))


def at(way: list[str | int], value: Any) -> Any:
    """Give a JSON document that holds a value at the end of a way."""
    for step in reversed(way):
        value = [value] if step == 0 else {step: value}
    return value


SECRETS = ("Jansen", "Geheime Naam", "geheim@voorbeeld.nl", "0612345678", "+31 6 123", "123456782")
PLACES = [
    (model, way, schema)
    for model in (Werkzoekende, Vacature, Werkgeverscontactmoment, MPWerkzoekende, MPVacature)
    for schema, way in places(model_schema(model))
]


def test_no_fault_tells_a_name_address_or_number_wherever_it_was_put() -> None:
    for model, way, _ in PLACES:
        for secret in SECRETS:
            for value in (secret, secret * 200, [secret], {"naam": secret}):
                for fault in told(model, json.dumps(at(way, value))):
                    assert secret not in str(fault), way
        assert "612345678" not in str(told(model, json.dumps(at(way, 612345678))))


@pytest.mark.parametrize("name", ["Geheime Naam", "geheim@voorbeeld.nl", "0612345678", "x" * 61, ""])
def test_the_name_of_an_unknown_property_is_told_only_if_it_is_spelt_like_one(name: str) -> None:
    assert [fault.path for fault in told(Werkzoekende, json.dumps({name: 1}))] == ["$['?']"]


def is_text(schema: Schema) -> bool:
    """Tell whether a place is for a name, contact, free text, identifier or address."""
    codes = (fields.TAAL_PATTERN, fields.DIGITS_PATTERN)
    shown = "enum" in schema or "format" in schema or schema.get("pattern") in codes
    return schema.get("type") == "string" and not shown


TEXTS = [(model, way, schema) for model, way, schema in PLACES if is_text(schema)]


@given(st.data())
def test_no_fault_tells_what_a_text_says(data: st.DataObject) -> None:
    model, way, schema = data.draw(st.sampled_from(TEXTS))
    word = data.draw(st.from_regex("[a-z]{4}x[0-9]{2}", fullmatch=True))
    spoilt = word + " " * 2000 if "maxLength" in schema else word + "!"
    found = told(model, json.dumps(at(way, spoilt)))
    assert any(fault.found == f"text of {len(spoilt)} characters" for fault in found)
    assert not any(word in str(fault) for fault in found)


def test_a_house_number_is_part_of_an_address() -> None:
    (fault,) = told(Vacature, '{"idVacature": "v", "adres": {"postcode": "6511AB", "huisnummer": 123456}}')
    assert str(fault) == "$.adres.huisnummer: a number; allowed: at most 99999"
