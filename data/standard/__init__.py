"""The VUM standard 3.0.0 (profiles, vacancies, questions) and 3.1.0 (contacts with employers), as models.

Everything is named and spelt as the published contracts have it. A model checks a record
(`model_validate_json`), `faults` tells what is wrong with it, `values` holds the value lists with their
Dutch labels.
"""

from data.standard import values
from data.standard.disclosure import match_model
from data.standard.faults import Fault, faults
from data.standard.fields import DETAIL_ONLY
from data.standard.questions import MPVacature, MPWerkgeverscontactmoment, MPWerkzoekende
from data.standard.sides import Side, at_match_level, model_of
from data.standard.vacature import BronMPVacatureMatch, MPVacatureMatch, Vacature
from data.standard.values import ValueList
from data.standard.werkgeverscontactmoment import Werkgeverscontactmoment
from data.standard.werkzoekende import BronMPWerkzoekendeMatch, MPWerkzoekendeMatch, Werkzoekende

__all__ = [
    "DETAIL_ONLY",
    "BronMPVacatureMatch",
    "BronMPWerkzoekendeMatch",
    "Fault",
    "MPVacature",
    "MPVacatureMatch",
    "MPWerkgeverscontactmoment",
    "MPWerkzoekende",
    "MPWerkzoekendeMatch",
    "Side",
    "Vacature",
    "ValueList",
    "Werkgeverscontactmoment",
    "Werkzoekende",
    "at_match_level",
    "faults",
    "match_model",
    "model_of",
    "values",
]
