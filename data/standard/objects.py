"""The objects that profiles and vacancies have in common."""
# ruff: noqa: N815  The properties are spelt as the standard spells them.

from typing import Annotated

from data.standard import values
from data.standard.fields import (
    URI,
    URL,
    CodeSoortRijbewijs,
    CodeTypeArbeidscontract,
    Indicatie,
    Integer2,
    Integer5,
    IntegerTaal,
    Object,
    Omittable,
    TaalCode3,
)


class Beroep(Object):
    """An occupation, by its code in CompetentNL."""

    codeBeroepsnaam: Omittable[URI] = None


class Competentiebeheersing(Object):
    """A skill, by its code in CompetentNL."""

    codeCompetentie: Omittable[URI] = None


class Contractvorm(Object):
    """A form of contract."""

    codeTypeArbeidscontract: Omittable[CodeTypeArbeidscontract] = None
    codeTypeOvereenkomst: Omittable[Annotated[str, values.TYPE_OVEREENKOMST]] = None


class Rijbewijs(Object):
    """A driving licence."""

    codeSoortRijbewijs: Omittable[CodeSoortRijbewijs] = None


class SectorBeroepsEnBedrijfsleven(Object):
    """A branch of business, by its code in the Standaard Bedrijfsindeling (SBI)."""

    codeSbi: Omittable[Integer5] = None


class Taalbeheersing(Object):
    """A language (ISO 639-3) and how well it is mastered."""

    codeNiveauTaalbeheersingLezen: Omittable[IntegerTaal] = None
    codeNiveauTaalbeheersingLuisteren: Omittable[IntegerTaal] = None
    codeNiveauTaalbeheersingMondeling: Omittable[IntegerTaal] = None
    codeNiveauTaalbeheersingSchriftelijk: Omittable[IntegerTaal] = None
    codeTaal: Omittable[TaalCode3] = None


class Vervoermiddel(Object):
    """A means of transport and what it is available for."""

    codeVervoermiddel: Omittable[Annotated[int, values.VERVOERMIDDEL]] = None
    indicatieBeschikbaarVoorUitvoeringWerk: Omittable[Indicatie] = None
    indicatieBeschikbaarVoorWoonWerkverkeer: Omittable[Indicatie] = None


class Webadres(Object):
    """A web address and what is found there."""

    codeWebadres: Omittable[Annotated[int, values.WEBADRES]] = None
    url: Omittable[URL] = None


class Werktijden(Object):
    """Hours a week, and whether they are office hours."""

    aantalWerkurenPerWeekMaximaal: Omittable[Integer2] = None
    aantalWerkurenPerWeekMinimaal: Omittable[Integer2] = None
    indicatieKantoortijden: Omittable[Indicatie] = None
