"""The fields of the publication standard 1.0 of the Dutch Algoritmeregister, in its order.

https://regels.overheid.nl/standaarden/algoritmeregister-publicatiestandaard
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["CATEGORIES", "FIELDS", "STATUSES", "THEMES", "VERSION", "Field"]

VERSION: Final = "1.0"

STATUSES: Final = ("In ontwikkeling", "In gebruik", "Buiten gebruik")

CATEGORIES: Final = ("Hoog-risico AI-systeem", "Impactvolle algoritmes", "Overige algoritmes")

THEMES: Final = (
    "Organisatie en bedrijfsvoering",
    "Cultuur en recreatie",
    "Economie",
    "Overheidsfinanciën",
    "Wonen",
    "Internationaal",
    "Migratie en integratie",
    "Natuur en milieu",
    "Onderwijs en wetenschap",
    "Openbare orde en veiligheid",
    "Recht",
    "Ruimte en infrastructuur",
    "Sociale zekerheid",
    "Verkeer",
    "Werk",
    "Zorg en gezondheid",
)


@dataclass(frozen=True)
class Field:
    """A field of an entry.

    Attributes
    ----------
    name : what it is called in JSON.
    title : what people see.
    required : an entry without it isn't published.
    longest : most characters of its text, or of the link of each of its references.
    choices : the values it may have, where the standard lists them.
    many : holds several of the choices.
    references : holds objects with a title and a link.
    longest_title : most characters of the title of a reference.
    html : its text may hold paragraphs of HTML.
    """

    name: str
    title: str
    required: bool = False
    longest: int = 0
    choices: tuple[str, ...] = ()
    many: bool = False
    references: bool = False
    longest_title: int = 0
    html: bool = False


FIELDS: Final = (
    Field("name", "Naam", required=True, longest=100),
    Field("description_short", "Korte omschrijving", required=True, longest=350),
    Field("organization", "Organisatie", required=True, longest=100),
    Field("category", "Thema", choices=THEMES, many=True),
    Field("status", "Status", required=True, choices=STATUSES),
    Field("begin_date", "Begindatum", longest=7),
    Field("end_date", "Einddatum", longest=7),
    Field("contact_email", "Contactgegevens", required=True, longest=500),
    Field("website", "Link naar publiekspagina", longest=500),
    Field("publication_category", "Publicatiecategorie", required=True, choices=CATEGORIES),
    Field("url", "Link naar bronregistratie", longest=500),
    Field("goal", "Doel en impact", longest=2500, html=True),
    Field("proportionality", "Afwegingen", longest=2500, html=True),
    Field("human_intervention", "Menselijke tussenkomst", longest=2500, html=True),
    Field("risks", "Risicobeheer", longest=2500, html=True),
    Field("lawful_basis", "Wettelijke basis", longest=2500, html=True),
    Field(
        "lawful_basis_grouping",
        "Verwijzingen wettelijke basis",
        longest=500,
        references=True,
        longest_title=100,
    ),
    Field("process_index_url", "Link naar verwerkingsregister", longest=500),
    Field("impacttoetsen_grouping", "Impacttoetsen", longest=500, references=True, longest_title=500),
    Field("impacttoetsen", "Toelichting op impacttoetsen", longest=2500, html=True),
    Field("source_data", "Gegevens", longest=2500, html=True),
    Field(
        "source_data_grouping",
        "Verwijzingen gegevensbronnen",
        longest=500,
        references=True,
        longest_title=500,
    ),
    Field("methods_and_models", "Technische werking", longest=5000, html=True),
    Field("provider", "Leverancier", longest=200),
    Field("publiccode", "Link naar broncode", longest=500),
    Field("lang", "Taal", required=True, choices=("nld",)),
    Field("standard_version", "Versie publicatiestandaard", choices=(VERSION,)),
    Field("source_id", "Bron-ID", longest=100),
    Field("tags", "Zoektermen", longest=2500, html=True),
    Field("lars", "Algoritme-ID"),
)
