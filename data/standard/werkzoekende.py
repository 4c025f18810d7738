"""The profile of a jobseeker (VUM 3.0.0), whole and as a match shows it."""
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
    Integer10AsString,
    Integer1000,
    JaNee,
    Object,
    Omittable,
    Postcode,
    SafeIDString,
    String35,
    String70,
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


class Cursus(Object):
    """A course that was followed."""

    indicatieCertificaat: Omittable[IndicatieDiploma] = None
    naamCursus: Omittable[String120] = None
    toelichtingCursus: Omittable[String2000] = None
    datumAanvangVolgenCursus: Omittable[Date] = None
    datumCertificaat: Omittable[Date] = None
    datumEindeVolgenCursus: Omittable[Date] = None
    naamOpleidingsinstituut: Omittable[String500] = None


class Interesse(Object):
    """An occupation or field that the jobseeker takes an interest in, in free text."""

    naamInteresse: Omittable[String120] = None


class Opleiding(Object):
    """An education that was followed."""

    codeOpleidingsnaam: Omittable[Integer10AsString] = None
    codeNiveauOpleiding: Omittable[CodeNiveauOpleiding] = None
    indicatieDiploma: Omittable[IndicatieDiploma] = None
    toelichtingOpleiding: Omittable[String2000] = None
    codeStatusOpleiding: Omittable[Annotated[int, values.STATUS_OPLEIDING]] = None
    datumAanvangVolgenOpleiding: Omittable[Date] = None
    datumDiploma: Omittable[Date] = None
    datumEindeVolgenOpleiding: Omittable[Date] = None
    naamOpleidingsinstituut: Omittable[String500] = None


class Werkervaring(Object):
    """A job that was held."""

    beroep: Omittable[Beroep] = None
    datumAanvangWerkzaamheden: Omittable[Date] = None
    datumEindeWerkzaamheden: Omittable[Date] = None
    naamOrganisatie: Omittable[String70] = None
    toelichtingWerkervaring: Omittable[String2000] = None


class Arbeidsmarktkwalificatie(Object):
    """What the jobseeker brings to the labour market."""

    codeWerkEnDenkniveauWerkzoekende: Omittable[Annotated[int, values.WERK_EN_DENKNIVEAU]] = None
    cursus: Omittable[list[Cursus]] = None
    competentiebeheersing: Omittable[list[Competentiebeheersing]] = None
    interesse: Omittable[list[Interesse]] = None
    opleiding: Omittable[list[Opleiding]] = None
    rijbewijs: Omittable[list[Rijbewijs]] = None
    taalbeheersing: Omittable[list[Taalbeheersing]] = None
    werkervaring: Omittable[list[Werkervaring]] = None


class ContactpersoonAfdeling(Object):
    """Whom to contact about a jobseeker."""

    naamContactpersoonAfdeling: Omittable[String35] = None
    emailadres: Omittable[Emailadres] = None
    telefoonnummer: Omittable[Telefoonnummer] = None


class EisAanWerk(Object):
    """What the jobseeker needs in order to work."""

    indicatieAanpassingWerkomgeving: Omittable[Indicatie] = None
    indicatieBegeleiding: Omittable[Indicatie] = None
    indicatieWerkvariatie: Omittable[Indicatie] = None


class Flexibiliteit(Object):
    """When the jobseeker is available."""

    datumEindeBeschikbaarVoorWerk: Omittable[Date] = None
    indicatieOnregelmatigWerkOfPloegendienst: Omittable[Indicatie] = None
    datumAanvangBeschikbaarVoorWerk: Omittable[Date] = None


class Mobiliteit(Object):
    """From where and how far (km, minutes) the jobseeker will travel."""

    bemiddelingspostcode: Postcode
    maximaleReisafstand: Omittable[Integer1000] = None
    maximaleReistijd: Omittable[Integer1000] = None


class Werkzoekende(Object):
    """The profile of a jobseeker, as the detail shows it."""

    arbeidsmarktkwalificatie: Omittable[Arbeidsmarktkwalificatie] = None
    bemiddelingsberoep: Omittable[list[Beroep]] = None
    contactpersoon: Annotated[Omittable[list[ContactpersoonAfdeling]], DETAIL_ONLY] = None
    contractvorm: Omittable[list[Contractvorm]] = None
    eisAanWerk: Annotated[Omittable[EisAanWerk], DETAIL_ONLY] = None
    emailadres: Annotated[Omittable[list[Emailadres]], DETAIL_ONLY] = None
    flexibiliteit: Omittable[Flexibiliteit] = None
    idWerkzoekende: Annotated[Omittable[SafeIDString], DETAIL_ONLY] = None
    indicatieBeschikbaarheidContactgegevens: Omittable[JaNee] = None
    indicatieLdrRegistratie: Annotated[Omittable[JaNee], DETAIL_ONLY] = None
    mobiliteit: Omittable[Mobiliteit] = None
    persoonlijkePresentatie: Annotated[Omittable[String2000], DETAIL_ONLY] = None
    sector: Omittable[list[SectorBeroepsEnBedrijfsleven]] = None
    telefoonnummer: Annotated[Omittable[list[Telefoonnummer]], DETAIL_ONLY] = None
    vervoermiddel: Omittable[list[Vervoermiddel]] = None
    webadres: Annotated[Omittable[list[Webadres]], DETAIL_ONLY] = None
    werktijden: Omittable[Werktijden] = None


MPWerkzoekendeMatch = match_model(
    "MPWerkzoekendeMatch", Werkzoekende, known_by=("vumID", VumID), required="mobiliteit"
)
"""What a match shows of a profile to a bemiddelaar, who knows it by its vumID."""

BronMPWerkzoekendeMatch = match_model(
    "BronMPWerkzoekendeMatch", Werkzoekende, known_by=("idWerkzoekende", SafeIDString), required="mobiliteit"
)
"""What a source answers of a profile to the exchange, by the source's own id."""
