"""A vacancy (VUM 3.0.0), whole and as a match shows it."""
# ruff: noqa: N815  The properties are spelt as the standard spells them.

from typing import Annotated

from data.standard import values
from data.standard.disclosure import match_model
from data.standard.fields import (
    DETAIL_ONLY,
    CodeNiveauOpleiding,
    Date,
    Emailadres,
    Indicatie,
    IndicatieDiploma,
    Integer2,
    Integer5,
    Integer10AsString,
    Object,
    Omittable,
    Postcode,
    SafeIDString,
    String6,
    String11,
    String24,
    String35,
    String100,
    String120,
    String500,
    String2000,
    Telefoonnummer,
    VumID,
)
from data.standard.objects import (
    Beroep,
    Competentiebeheersing,
    Contractvorm,
    Rijbewijs,
    SectorBeroepsEnBedrijfsleven,
    Taalbeheersing,
    Vervoermiddel,
    Webadres,
    Werktijden,
)


class Adres(Object):
    """Where the work is."""

    postcode: Postcode
    straatnaam: Omittable[String24] = None
    huisnummer: Omittable[Integer5] = None
    huisnummertoevoeging: Omittable[String6] = None


class ArbeidsVoorwaarden(Object):
    """When the work starts and ends, and what it pays."""

    datumAanvangWerkzaamheden: Omittable[Date] = None
    datumEindeWerkzaamheden: Omittable[Date] = None
    omschrijvingArbeidsvoorwaarden: Omittable[String2000] = None
    salarisIndicatie: Omittable[String100] = None


class ContactpersoonAfdeling(Object):
    """Whom to contact at an employer."""

    naamContactpersoonAfdeling: Omittable[String35] = None
    emailadres: Omittable[list[Emailadres]] = None
    telefoonnummer: Omittable[list[Telefoonnummer]] = None


class Cursus(Object):
    """A course that is asked for."""

    indicatieCertificaat: Omittable[IndicatieDiploma] = None
    naamCursus: Omittable[String120] = None
    toelichtingCursus: Omittable[String2000] = None


class Flexibiliteit(Object):
    """When the work is done."""

    datumEindeBeschikbaarVoorWerk: Omittable[Date] = None
    indicatieOnregelmatigWerkOfPloegendienst: Omittable[Indicatie] = None


class Opleiding(Object):
    """An education that is asked for."""

    codeOpleidingsnaam: Omittable[Integer10AsString] = None
    codeNiveauOpleiding: Omittable[CodeNiveauOpleiding] = None
    indicatieDiploma: Omittable[IndicatieDiploma] = None
    toelichtingOpleiding: Omittable[String2000] = None


class Sollicitatiewijze(Object):
    """A way to apply."""

    codeSollicitatiewijze: Omittable[Annotated[str, values.SOLLICITATIEWIJZE]] = None
    webadres: Omittable[Webadres] = None


class Werkervaring(Object):
    """How many years of experience are asked for."""

    aantalJarenWerkzaamInBeroep: Omittable[Integer2] = None


class Werkgever(Object):
    """An employer."""

    contactpersoon: Annotated[Omittable[list[ContactpersoonAfdeling]], DETAIL_ONLY] = None
    handelsnaamOrganisatie: Omittable[String500] = None
    sector: Omittable[list[SectorBeroepsEnBedrijfsleven]] = None
    webadres: Omittable[list[Webadres]] = None


class Vacature(Object):
    """A vacancy, as the detail shows it."""

    adres: Omittable[Adres] = None
    arbeidsVoorwaarden: Omittable[ArbeidsVoorwaarden] = None
    beroep: Omittable[Beroep] = None
    codeWerkEnDenkniveauMinimaal: Omittable[Annotated[str, values.WERK_EN_DENKNIVEAU_MINIMAAL]] = None
    contractvorm: Omittable[list[Contractvorm]] = None
    cursus: Omittable[list[Cursus]] = None
    flexibiliteit: Omittable[Flexibiliteit] = None
    competentiebeheersing: Omittable[list[Competentiebeheersing]] = None
    idVacature: Annotated[SafeIDString, DETAIL_ONLY]
    naamVacature: Omittable[String120] = None
    nummerVacature: Annotated[Omittable[String11], DETAIL_ONLY] = None
    omschrijvingVacature: Omittable[String2000] = None
    opleiding: Omittable[list[Opleiding]] = None
    rijbewijs: Omittable[list[Rijbewijs]] = None
    sector: Omittable[SectorBeroepsEnBedrijfsleven] = None
    sluitingsdatumVacature: Omittable[Date] = None
    sollicitatiewijze: Omittable[list[Sollicitatiewijze]] = None
    taalbeheersing: Omittable[list[Taalbeheersing]] = None
    vervoermiddel: Omittable[list[Vervoermiddel]] = None
    werkervaring: Omittable[list[Werkervaring]] = None
    werkgever: Omittable[Werkgever] = None
    werktijden: Omittable[Werktijden] = None


MPVacatureMatch = match_model("MPVacatureMatch", Vacature, known_by=("vumID", VumID), required="adres")
"""What a match shows of a vacancy to a bemiddelaar, who knows it by its vumID."""

BronMPVacatureMatch = match_model(
    "BronMPVacatureMatch", Vacature, known_by=("idVacature", SafeIDString), required="adres"
)
"""What a source answers of a vacancy to the exchange, by the source's own id."""
