"""The simple types that the contracts build their objects from: lengths, bounds, patterns, enumerations.

Names are those of the contracts. Every type is strict: no number as text, no text as number, no boolean as
number. All checks are made by pydantic's core, none in Python.
"""

from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

from data.standard import values


class Object(BaseModel):
    """A JSON object of the standard that has the properties of the contract and no others."""

    model_config = ConfigDict(strict=True, extra="forbid")


class _NotNull:
    """Takes null out of what a type admits, so that a property may be absent, but not null."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        return schema["schema"] if schema["type"] == "nullable" else schema


T = TypeVar("T")

Omittable = Annotated[T | None, _NotNull()]
"""A property that may be absent (None in Python); null in its place is refused, as the contracts do."""


class DetailOnly:
    """Marks a property that the detail of a record shows and a match doesn't, as metadata of its type."""


DETAIL_ONLY: Final = DetailOnly()
"""Marks a property that the detail of a record shows and a match doesn't, as metadata of its type."""

DATE_PATTERN: Final = (
    "^(?:(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-"
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)$"
)
"""What a day of the Gregorian calendar looks like (years 0001..9999), leap years included: far quicker than
parsing each date, and the text stays as it was spelt."""

POSTCODE_PATTERN: Final = "^[0-9]{4}[a-zA-Z]{2}$"
KVK_PATTERN: Final = "^[0-9]{8}$"
ID_PATTERN: Final = "^[a-zA-Z0-9_.-]{0,200}$"
VUM_ID_PATTERN: Final = "^[a-zA-Z0-9_.-]{0,500}$"
TAAL_PATTERN: Final = "^[a-z]{3}$"
DIGITS_PATTERN: Final = "^[0-9]+$"

FORM: Final = "form:"
"""Begins the name of a form that a property may have (oneOf). For pydantic the form is a step on the way to a
fault; the JSON path leaves it out."""

Date = Annotated[StrictStr, Field(pattern=DATE_PATTERN), WithJsonSchema({"type": "string", "format": "date"})]
"""A day that exists, YYYY-MM-DD, kept as text."""

String6 = Annotated[StrictStr, Field(max_length=6)]
String11 = Annotated[StrictStr, Field(max_length=11)]
String24 = Annotated[StrictStr, Field(max_length=24)]
String35 = Annotated[StrictStr, Field(max_length=35)]
String70 = Annotated[StrictStr, Field(max_length=70)]
String100 = Annotated[StrictStr, Field(max_length=100)]
String120 = Annotated[StrictStr, Field(max_length=120)]
String500 = Annotated[StrictStr, Field(max_length=500)]
String2000 = Annotated[StrictStr, Field(max_length=2000)]
URI = Annotated[StrictStr, Field(max_length=200)]
URL = Annotated[StrictStr, Field(max_length=1000)]
Emailadres = Annotated[StrictStr, Field(max_length=320)]
Telefoonnummer = Annotated[StrictStr, Field(max_length=14)]
Postcode = Annotated[StrictStr, Field(pattern=POSTCODE_PATTERN)]
NummerKvk = Annotated[StrictStr, Field(pattern=KVK_PATTERN)]
SafeIDString = Annotated[StrictStr, Field(pattern=ID_PATTERN)]
VumID = Annotated[StrictStr, Field(pattern=VUM_ID_PATTERN)]
TaalCode3 = Annotated[StrictStr, Field(pattern=TAAL_PATTERN)]
Integer10AsString = Annotated[StrictStr, Field(max_length=10, pattern=DIGITS_PATTERN)]

Integer2 = Annotated[StrictInt, Field(ge=0, le=99)]
Integer5 = Annotated[StrictInt, Field(ge=0, le=99_999)]
Integer1000 = Annotated[StrictInt, Field(ge=0, le=999)]
AantalWerkuren = Annotated[StrictInt, Field(ge=1, le=99)]

Indicatie = Annotated[int, values.INDICATIE]
JaNee = Annotated[int, values.JA_NEE]
IndicatieDiploma = Annotated[int, values.INDICATIE_DIPLOMA]
CodeNiveauOpleiding = Annotated[int, values.NIVEAU_OPLEIDING]
CodeSoortRijbewijs = Annotated[str, values.SOORT_RIJBEWIJS]
CodeTypeArbeidscontract = Annotated[str, values.TYPE_ARBEIDSCONTRACT]
IntegerTaal = Annotated[int, values.TAALBEHEERSING]
