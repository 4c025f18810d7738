"""The selection questions (vraagObject): for profiles and vacancies of VUM 3.0.0, for contacts of VUM 3.1.0.

A question is a conjunction of criteria, spelt as in MongoDB: property path -> operator -> operand. An operand
is checked as strictly as a property of a record. A path or operator that the contract lacks is allowed and
kept in `model_extra`: it has no effect, and who answers the question should say so.
"""
# ruff: noqa: N815  The properties are spelt as the standard spells them.

from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from data.standard import values
from data.standard.fields import (
    FORM,
    URI,
    AantalWerkuren,
    CodeSoortRijbewijs,
    CodeTypeArbeidscontract,
    Date,
    Integer1000,
    JaNee,
    NummerKvk,
    Object,
    Omittable,
    Postcode,
    TaalCode3,
)

T = TypeVar("T")


class Criteria(BaseModel):
    """An object of a question: properties beside those of the contract are allowed."""

    model_config = ConfigDict(strict=True, extra="allow")


class Eq(Criteria, Generic[T]):
    """The property equals this."""

    eq: Omittable[T] = Field(default=None, alias="$eq")


class Gte(Criteria, Generic[T]):
    """The property is this or more."""

    gte: Omittable[T] = Field(default=None, alias="$gte")


class Lte(Criteria, Generic[T]):
    """The property is this or less."""

    lte: Omittable[T] = Field(default=None, alias="$lte")


class ElemMatch(Criteria, Generic[T]):
    """One element of the list meets all of this."""

    elem_match: Omittable[T] = Field(default=None, alias="$elemMatch")


class All(Criteria, Generic[T]):
    """The list meets each of these, at least one."""

    all_of: Omittable[Annotated[list[T], Field(min_length=1)]] = Field(default=None, alias="$all")


class Or(Criteria, Generic[T]):
    """One or more of these are met."""

    any_of: Omittable[T] = Field(default=None, alias="$or")


class BeroepCriterium(Criteria):
    """An occupation that is looked for."""

    codeBeroepsnaam: Omittable[Eq[URI]] = Field(default=None, alias="beroep.codeBeroepsnaam")


class ContractCriterium(Criteria):
    """A contract that is looked for."""

    codeTypeArbeidscontract: Omittable[Eq[CodeTypeArbeidscontract]] = None


class RijbewijsCriterium(Criteria):
    """A driving licence that is asked for."""

    codeSoortRijbewijs: Omittable[Eq[CodeSoortRijbewijs]] = None


NiveauGevraagd = Gte[Annotated[int, values.TAALBEHEERSING_GEVRAAGD]]
"""The least level of a language that is asked for."""


class TaalCriterium(Criteria):
    """A language that is asked for, and its least levels."""

    codeNiveauTaalbeheersingMondeling: Omittable[NiveauGevraagd] = None
    codeNiveauTaalbeheersingSchriftelijk: Omittable[NiveauGevraagd] = None
    codeTaal: Eq[TaalCode3]


Rijbewijzen = All[ElemMatch[RijbewijsCriterium]]
"""The driving licences that are asked for, each of them."""

Talen = All[ElemMatch[TaalCriterium]]
"""The languages that are asked for, each of them."""


class Selectiegebied(Criteria):
    """The area around a postcode, `afstand` in kilometres."""

    afstand: Integer1000
    postcode: Postcode


VANAF: Final = f"{FORM}vanaf"
ONBEKEND: Final = f"{FORM}onbekend"


class NiveauVanaf(Object):
    """From a level of working and thinking up to and including 6."""

    gte: Omittable[Annotated[str, values.WERK_EN_DENKNIVEAU_MINIMAAL.only(*"123456")]] = Field(
        default=None, alias="$gte"
    )
    lt: Annotated[str, values.WERK_EN_DENKNIVEAU_MINIMAAL.only("7")] = Field(alias="$lt")


class NiveauOnbekend(Eq[Annotated[str, values.WERK_EN_DENKNIVEAU_MINIMAAL.only("7")]]):
    """The level of working and thinking is not known (yet)."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["$lt"]}})


def _niveau(criterium: Any) -> str:
    """Tell which of the two forms a criterion on the level has: the contract sets them apart by `$lt`."""
    return VANAF if isinstance(criterium, dict) and "$lt" in criterium else ONBEKEND


Niveau = Annotated[
    Annotated[NiveauVanaf, Tag(VANAF)] | Annotated[NiveauOnbekend, Tag(ONBEKEND)], Discriminator(_niveau)
]


class MPWerkzoekende(Criteria):
    """What profiles are looked for (vraagObject of werkzoekendeProfielen)."""

    bemiddelingsberoep: Omittable[ElemMatch[Or[list[BeroepCriterium]]]] = None
    contractvorm: Omittable[ElemMatch[Or[Annotated[list[ContractCriterium], Field(min_length=1)]]]] = None
    indicatieOnregelmatigWerkOfPloegendienst: Omittable[Eq[JaNee]] = Field(
        default=None, alias="flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst"
    )
    rijbewijs: Omittable[Rijbewijzen] = Field(default=None, alias="arbeidsmarktkwalificatie.rijbewijs")
    selectiegebied: Selectiegebied
    taalbeheersing: Omittable[Talen] = Field(default=None, alias="arbeidsmarktkwalificatie.taalbeheersing")
    datumAanvangBeschikbaarVoorWerk: Omittable[Lte[Date]] = None
    indicatieKantoortijden: Omittable[Eq[JaNee]] = Field(
        default=None, alias="werktijden.indicatieKantoortijden"
    )
    aantalWerkurenPerWeekMaximaal: Omittable[Gte[AantalWerkuren]] = Field(
        default=None, alias="werktijden.aantalWerkurenPerWeekMaximaal"
    )
    aantalWerkurenPerWeekMinimaal: Omittable[Lte[AantalWerkuren]] = Field(
        default=None, alias="werktijden.aantalWerkurenPerWeekMinimaal"
    )


class MPVacature(Criteria):
    """What vacancies are looked for (vraagObject of vacatures)."""

    codeBeroepsnaam: Omittable[Eq[URI]] = Field(default=None, alias="beroep.codeBeroepsnaam")
    codeWerkEnDenkniveauMinimaal: Omittable[Niveau] = None
    datumAanvangWerkzaamheden: Omittable[Gte[Date]] = None
    indicatieOnregelmatigWerkOfPloegendienst: Omittable[Eq[JaNee]] = Field(
        default=None, alias="flexibiliteit.indicatieOnregelmatigWerkOfPloegendienst"
    )
    rijbewijs: Omittable[Rijbewijzen] = None
    selectiegebied: Selectiegebied
    taalbeheersing: Omittable[Talen] = None
    aantalWerkurenPerWeekMaximaal: Omittable[Gte[AantalWerkuren]] = Field(
        default=None, alias="werktijden.aantalWerkurenPerWeekMaximaal"
    )
    aantalWerkurenPerWeekMinimaal: Omittable[Lte[AantalWerkuren]] = Field(
        default=None, alias="werktijden.aantalWerkurenPerWeekMinimaal"
    )


class MPWerkgeverscontactmoment(Criteria):
    """Whose contacts are looked for, and from when (vraagObject of werkgeverscontactmomenten)."""

    datum: Omittable[Gte[Date]] = None
    nummerKvk: Eq[NummerKvk] = Field(alias="werkgever.nummerKvk")
