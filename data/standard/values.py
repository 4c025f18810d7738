"""The value lists of the VUM standard: each code with its Dutch label, from the standard's attribute lists.

The enumerations of the models are made from these lists (`Annotated[int, INDICATIE]`), so that no code is
written twice. Long lists that others keep (CompetentNL, ISO 639-3, SBI, opleidingsnamen) are not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Code = TypeVar("Code", int, str)


@dataclass(frozen=True, eq=False)
class ValueList(Generic[Code]):
    """A closed list of codes with their labels; as metadata of a type it admits these codes only.

    Attributes
    ----------
    labels : code -> Dutch label, in the order of the standard; "" where the standard publishes no label. The
        codes are all int or all str.
    """

    labels: Mapping[Code, str]

    @property
    def codes(self) -> tuple[Code, ...]:
        """The codes, in the order of the standard."""
        return tuple(self.labels)

    def only(self, *codes: Code) -> "ValueList[Code]":
        """Give the list of some of the codes, in the order given. Raises KeyError on another code."""
        return ValueList({code: self.labels[code] for code in codes})

    def as_text(self) -> "ValueList[str]":
        """Give the list with its codes as text, which is how vacancies write some of them."""
        return ValueList({str(code): label for code, label in self.labels.items()})

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        codes = core_schema.literal_schema(list(self.labels))
        if source is str:
            return codes
        # A literal alone takes true and 1.0 for 1.
        strict = core_schema.chain_schema([core_schema.int_schema(strict=True), codes])
        *others, last = map(str, self.labels)
        expected = f"{', '.join(others)} or {last}"
        return core_schema.custom_error_schema(
            strict, "literal_error", custom_error_context={"expected": expected}
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(core_schema.literal_schema(list(self.labels)))


INDICATIE: Final = ValueList({0: "Onbekend", 1: "Ja", 2: "Nee"})
"""Whether something is so. A question asks for 1 or 2 only."""

JA_NEE: Final = INDICATIE.only(1, 2)
"""Whether something is so, where it is always known, or where a question asks for it."""

INDICATIE_DIPLOMA: Final = ValueList({**INDICATIE.labels, 8: "Niet van toepassing"})
"""Whether there is a diploma or certificate."""

NIVEAU_OPLEIDING: Final = ValueList(
    {
        1: "Basisonderwijs",
        2: "VMBO",
        3: "HAVO/VWO",
        4: "MBO",
        5: "HBO/Bachelor",
        6: "WO/Master",
        9: "Anders",
    }
)
"""Level of an education; 9 is no level."""

STATUS_OPLEIDING: Final = ValueList({0: "Onbekend", 1: "Succesvol afgerond", 2: "Afgebroken", 3: "Lopend"})
"""How far an education has come."""

TAALBEHEERSING: Final = ValueList(
    {
        0: "Onbekend",
        1: "Geen beheersing",
        2: "Redelijk",
        3: "Goed",
        4: "Uitstekend",
        8: "Niet van toepassing",
    }
)
"""How well a language is spoken, written, read or understood."""

TAALBEHEERSING_GEVRAAGD: Final = TAALBEHEERSING.only(2, 3, 4)
"""The levels that a question can ask for."""

WERK_EN_DENKNIVEAU: Final = ValueList(
    {
        0: "niet van toepassing",
        1: "geen basisopleiding",
        2: "basisniveau",
        3: "vmbo-niveau",
        4: "mbo/havo/vwo-niveau",
        5: "hbo-niveau",
        6: "wetenschappelijk onderwijs",
        7: "(nog) niet bekend",
    }
)
"""Level of working and thinking of a jobseeker."""

WERK_EN_DENKNIVEAU_MINIMAAL: Final = WERK_EN_DENKNIVEAU.as_text()
"""The same levels for a vacancy, which writes them as text."""

SOORT_RIJBEWIJS: Final = ValueList(
    {
        "A": "Zware motor met onbeperkt vermogen",
        "A1": "Lichte motor, 125 cc en maximaal vermogen van 11 kilowatt (kW)",
        "A2": "Middelzware motor, Maximaal vermogen van 35 kilowatt (kW)",
        "AM": "Bromfiets en snorfiets",
        "B": "Auto",
        "B+": "Auto, eventueel met aanhangwagen van meer dan 750kg met een maximum van 4250 kilo "
        "(auto + aanhanger)",
        "C1": "Lichte vrachtwagen met een maximaal gewicht van 7500kg, eventueel met aanhangwagen tot 750kg",
        "C": "Vrachtwagen met een gewicht van meer dan 3500kg, eventueel met aanhangwagen tot 750kg",
        "D1": "Bus voor meer dan 8 en maximaal 16 zitplaatsen, exclusief de bestuurder). "
        "Maximale lengte bus 8 meter.",
        "D": "Bus voor meer dan 8 personen, eventueel met aanhangwagen tot 750kg",
        "BE": "Auto, eventueel met aanhangwagen van meer dan 750kg met een maximum van 3500 kilo "
        "(auto + aanhanger)",
        "C1E": "Lichte vrachtwagen met een maximaal gewicht van 7500kg, eventueel met aanhangwagen van meer "
        "dan 750kg",
        "CE": "Vrachtwagen met een gewicht van meer dan 3500kg, eventueel met aanhangwagen van meer dan "
        "750kg",
        "D1E": "Bus voor maximaal 16 personen excl. bestuurder, eventueel met aanhangwagen van meer dan "
        "750kg",
        "DE": "Bus voor meer dan 8 personen, eventueel met aanhangwagen van meer dan 750kg",
        "T": "Trekker",
    }
)
"""Categories of driving licence."""

TYPE_ARBEIDSCONTRACT: Final = ValueList({"B": "Bepaalde tijd", "O": "Onbepaalde tijd"})
"""Whether a contract has an end."""

TYPE_OVEREENKOMST: Final = ValueList(
    {"01": "Reguliere vacature", "02": "Leerbaan", "03": "Vrijwilligerswerk", "04": "Werkervaringsplaats"}
)
"""What kind of agreement work is done under."""

VERVOERMIDDEL: Final = ValueList(
    {1: "Auto", 2: "Bromfiets", 3: "Fiets", 4: "Motor", 5: "Openbaar vervoer", 9: "Anders"}
)
"""Means of transport."""

WEBADRES: Final = ValueList(
    {
        1: "Webadres werkzoekende profiel (webadres waarop een profielbeschrijving van de werkzoekende is te "
        "vinden)",
        2: "Webadres CV (webadres waarop het CV van een werkzoekende te vinden is)",
        3: "Webadres werkgever",
        4: "Webadres online sollicitatieformulier",
    }
)
"""What is found at a web address."""

SOLLICITATIEWIJZE: Final = ValueList(
    {"1": "Per post", "2": "Per telefoon", "3": "Per e-mail", "4": "Per online sollicitatieformulier"}
)
"""How to apply for a vacancy."""

ONDERWERP: Final = ValueList(dict.fromkeys(range(1, 7), ""))
"""What a contact with an employer was about (3.1.0)."""

SOORT: Final = ValueList(dict.fromkeys(range(1, 7), ""))
"""What kind of contact it was (3.1.0)."""

SOORT_AFSPRAKEN: Final = ValueList(dict.fromkeys(range(1, 4), ""))
"""What kind of arrangements there are with the employer (3.1.0)."""
