"""What the groups of occupations are called: ISCO-08 (ILO, 2012), the sub-major groups, in short Dutch."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SUB_MAJOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "01": "Officieren",
        "02": "Onderofficieren",
        "03": "Overige militairen",
        "11": "Directie en bestuur",
        "12": "Managers administratie en verkoop",
        "13": "Managers productie en diensten",
        "14": "Managers horeca en winkels",
        "21": "Ingenieurs en exacte wetenschappen",
        "22": "Artsen en verpleegkundigen",
        "23": "Leraren en docenten",
        "24": "Specialisten financiën en beleid",
        "25": "ICT-specialisten",
        "26": "Juristen, sociaal werk en cultuur",
        "31": "Technici",
        "32": "Assistenten in de zorg",
        "33": "Vakkrachten financiën en verkoop",
        "34": "Vakkrachten welzijn, sport en cultuur",
        "35": "ICT-technici",
        "41": "Secretariaat en administratie",
        "42": "Balie en klantcontact",
        "43": "Boekhouding en voorraad",
        "44": "Overige administratie",
        "51": "Horeca en persoonlijke diensten",
        "52": "Verkoop",
        "53": "Verzorging en kinderopvang",
        "54": "Beveiliging en hulpdiensten",
        "61": "Land- en tuinbouw",
        "62": "Bosbouw en visserij",
        "63": "Kleinschalige landbouw en visserij",
        "71": "Bouw",
        "72": "Metaal en monteurs",
        "73": "Fijn handwerk en drukwerk",
        "74": "Elektriciens en elektronica",
        "75": "Voeding, hout en kleding",
        "81": "Machinebediening",
        "82": "Assemblage",
        "83": "Chauffeurs en machinisten",
        "91": "Schoonmaak",
        "92": "Hulp in land- en tuinbouw",
        "93": "Hulp in bouw, industrie en logistiek",
        "94": "Keukenhulp",
        "95": "Straatverkoop",
        "96": "Reiniging en overig eenvoudig werk",
    }
)
"""Two digits -> name."""
