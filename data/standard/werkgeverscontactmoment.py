"""A contact with an employer (VUM 3.1.0), which a match shows whole: there is no detail and no vumID."""
# ruff: noqa: N815  The properties are spelt as the standard spells them.

from typing import Annotated

from data.standard import values
from data.standard.fields import (
    Date,
    Emailadres,
    Integer5,
    NummerKvk,
    Object,
    Omittable,
    Postcode,
    String6,
    String70,
    String500,
    Telefoonnummer,
)


class Accountmanager(Object):
    """Who had the contact, and for which organisation."""

    naam: Omittable[String70] = None
    naamOrganisatie: Omittable[String70] = None
    emailadres: Omittable[Emailadres] = None
    telefoonnummer: Omittable[Telefoonnummer] = None


class ContactpersoonAfdeling(Object):
    """Who was spoken to at the employer."""

    naam: Omittable[String70] = None
    functie: Omittable[String70] = None
    emailadres: Omittable[Emailadres] = None
    telefoonnummer: Omittable[Telefoonnummer] = None


class Vestigingsadres(Object):
    """Where the employer is."""

    straatnaam: Omittable[String70] = None
    huisnummer: Omittable[Integer5] = None
    huisnummertoevoeging: Omittable[String6] = None
    woonplaatsnaam: Omittable[String70] = None
    postcode: Omittable[Postcode] = None
    contactpersoonAfdeling: Omittable[ContactpersoonAfdeling] = None


class Werkgever(Object):
    """The employer, by its number at the Kamer van Koophandel."""

    handelsnaamOrganisatie: Omittable[String500] = None
    nummerKvk: NummerKvk
    codeSbi: Omittable[Integer5] = None
    codeSoortAfspraken: Omittable[Annotated[int, values.SOORT_AFSPRAKEN]] = None
    erkendSbbLeerbedrijf: Omittable[bool] = None
    vestigingsadres: Omittable[Vestigingsadres] = None


class Werkgeverscontactmoment(Object):
    """A contact with an employer."""

    datum: Date
    codeOnderwerp: Omittable[Annotated[int, values.ONDERWERP]] = None
    codeSoort: Omittable[Annotated[int, values.SOORT]] = None
    accountmanager: Omittable[Accountmanager] = None
    werkgever: Omittable[Werkgever] = None
