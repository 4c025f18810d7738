"""The words that invented records are made of. Nobody is called so, and nothing here leads to anybody."""

from typing import Final

import polars as pl

from data.pilot.draws import Draws

LANGUAGES: Final = pl.Series(
    [
        *("nld", "eng", "deu", "fra"),
        *("ara", "tir", "pol", "ukr", "tur", "fas", "som", "ron", "bul", "spa", "por", "rus"),
    ]
)
"""ISO 639-3: what is learnt at school, then the mother tongues of people who came from elsewhere."""

LANGUAGE_WEIGHTS: Final = (24, 12, 14, 11, 14, 7, 4, 4, 3, 3, 2, 2)
"""Of those mother tongues."""

STREETS: Final = pl.Series(
    [
        *("Voorbeeldstraat", "Voorbeeldlaan", "Voorbeeldweg", "Voorbeeldplein", "Proefstraat", "Proeflaan"),
        *("Modelweg", "Modelpark", "Testkade", "Testhof", "Fictieplein", "Fictielaan"),
    ]
)
"""At most 24 characters each."""

ADDITIONS: Final = pl.Series(["A", "B", "C", "1", "bis"])

EMPLOYERS: Final = {
    **dict.fromkeys(("01", "02", "03", "81"), "Groenbedrijf"),
    **dict.fromkeys(("10", "56"), "Smaakmakers"),
    **dict.fromkeys(("14", "17", "18", "20", "22", "23", "31", "32"), "Fabriek"),
    **dict.fromkeys(("25", "26", "27", "28", "33"), "Techniek"),
    **dict.fromkeys(("35", "36", "37", "38"), "Nutsbedrijf"),
    **dict.fromkeys(("41", "42"), "Bouwbedrijf"),
    "43": "Installatiebedrijf",
    "45": "Garage",
    "46": "Groothandel",
    "47": "Winkel",
    **dict.fromkeys(("49", "52", "53"), "Transport"),
    "55": "Hotel",
    **dict.fromkeys(("58", "73", "74", "90", "91"), "Studio"),
    **dict.fromkeys(("61", "62"), "Software"),
    **dict.fromkeys(("64", "65", "68", "69", "70", "71", "72"), "Adviesbureau"),
    "78": "Uitzendbureau",
    "80": "Beveiliging",
    "82": "Kantoorservice",
    "84": "Overheidsdienst",
    "85": "Onderwijsgroep",
    "86": "Zorggroep",
    "87": "Woonzorg",
    "88": "Welzijn",
    "93": "Sportcentrum",
}
"""What an employer is called, by the first two digits of its SBI code."""

OTHER_EMPLOYER: Final = "Bedrijf"

SCHOOLS: Final = pl.Series(
    [
        *("", "Basisschool Voorbeeld", "Voorbeeldcollege", "Lyceum Voorbeeld", "ROC Voorbeeld"),
        *("Hogeschool Voorbeeld", "Universiteit Voorbeeld"),
    ]
)
"""By codeNiveauOpleiding."""

SCHOOLINGS: Final = pl.Series(["", "basisonderwijs", "vmbo", "havo/vwo", "mbo", "hbo", "wo"])
"""By codeNiveauOpleiding."""

TRAINERS: Final = pl.Series(["Opleidingscentrum Voorbeeld", "Vakschool Voorbeeld", "Voorbeeld Academie"])

INTERESTS: Final = pl.Series(
    [
        *(
            "Techniek",
            "Werken met mensen",
            "Buitenwerk",
            "Werken met kinderen",
            "Creatief werk",
            "Administratie",
        ),
        *(
            "Sport en bewegen",
            "Dieren",
            "Koken",
            "Computers",
            "Tuinieren",
            "Muziek",
            "Duurzaamheid",
            "Logistiek",
        ),
    ]
)

EXPERIENCES: Final = pl.Series(
    [
        *("Zelfstandig en in een team.", "Ook verantwoordelijk voor de planning.", "Begon als leerling."),
        *("Veel contact met klanten.", "In wisselende diensten.", "Werkte ook nieuwe collega's in."),
        *("Tijdelijk project.", "Tot het bedrijf verhuisde."),
    ]
)

PRESENTATIONS: Final = pl.Series(
    [
        *(
            "Ik pak graag aan.",
            "Ik werk netjes en op tijd.",
            "Ik leer graag bij.",
            "Ik ben graag onder de mensen.",
        ),
        *("Ik houd van afwisseling.", "Ik werk het liefst in een vast team.", "Ik los graag problemen op."),
        *("Ik blijf rustig als het druk is.", "Ik denk graag mee.", "Ik zoek werk waarin ik kan groeien."),
        *("Ik wil na een pauze weer aan de slag.", "Ik zoek werk dicht bij huis."),
    ]
)

OFFERS: Final = pl.Series(
    [
        *("Je komt in een hecht team.", "Er is ruimte om te leren.", "Je krijgt een vaste begeleider."),
        *(
            "Je werktijden bepaal je mee.",
            "Zij-instromers zijn welkom.",
            "Ervaring is fijn, motivatie telt meer.",
        ),
        *("Je werkt op verschillende plekken in de regio.", "Je start met een inwerkprogramma."),
        *("Je krijgt veel eigen verantwoordelijkheid.", "Reiskosten worden vergoed."),
    ]
)

CONDITIONS: Final = pl.Series(
    [
        *(
            "Salaris volgens de cao.",
            "Reiskostenvergoeding en pensioenopbouw.",
            "25 vakantiedagen en een opleiding.",
        ),
        *("Dertiende maand.", "Toeslag voor onregelmatige uren.", "Fiets van de zaak en een kerstpakket."),
    ]
)


def telephones(draws: Draws, n: int) -> pl.Series:
    """Draw telephone numbers 0600000000 to 0600009999, which nobody has."""
    return "060000" + pl.Series(draws.below(10_000, n)).cast(pl.String).str.zfill(4)
