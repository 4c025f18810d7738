"""What the software and its configuration are, as the texts for the register name it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from html import escape
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from api.exchange.retention import Periods
from api.exchange.ruleset import (
    CALLER_RULES,
    EXCHANGE_RULES,
    HELD_RULES,
    REMOVALS,
    SHARING_RULES,
    Removal,
    Rule,
)
from engine.conditions import CONDITIONS, REQUIRED, SUGGESTED
from engine.features import GROUPS

if TYPE_CHECKING:
    from api.config import Settings

__all__ = ["CONDITION_WORDS", "GROUP_WORDS", "NEVER", "facts_of", "filled", "paragraphs", "texts"]

GROUP_WORDS: Final = {
    "occupation": "beroep",
    "skill": "vaardigheden",
    "education": "opleiding",
    "sector": "sector",
}
"""The groups of features, as the register calls them."""

CONDITION_WORDS: Final = {
    "area": "reisafstand",
    "hours": "uren per week",
    "contract": "soort contract",
    "irregular": "onregelmatig werk of ploegendienst",
    "office_hours": "kantoortijden",
    "dates": "begin- en einddatum",
    "open": "sluitingsdatum van de vacature",
    "licence": "rijbewijs",
    "language": "taal en taalniveau",
    "education_level": "werk- en denkniveau",
}
"""The conditions, as the register calls them."""

NEVER: Final = (
    "naam",
    "contactgegevens",
    "vrije tekst (persoonlijke presentatie)",
    "indicatieLdrRegistratie",
    "eisAanWerk",
    "adres (behalve voor de afstand)",
)
"""What never counts in a score."""


def facts_of(settings: Settings) -> dict[str, str]:
    """Give the facts of an exchange by the names that stand between braces in the texts.

    Raises FileError where its index can't be read.
    """
    rules: tuple[Rule[Any] | Removal, ...] = (
        *CALLER_RULES,
        *EXCHANGE_RULES,
        *HELD_RULES,
        *SHARING_RULES,
        *REMOVALS,
    )
    periods = Periods()
    return {
        "matches": f"{settings.matches}",
        "details": f"{settings.details}",
        "question_days": f"{settings.question_days}",
        "deadline": _number(settings.deadline_seconds),
        "audit_days": f"{periods.audit_days}",
        "kept_question_days": f"{periods.question_days}",
        "koppel": version("koppel"),
        "taxonomy": _taxonomy(settings),
        "weights": _listed(f"{GROUP_WORDS[group]} {_number(SUGGESTED[group])}" for group in GROUPS),
        "required": _listed(CONDITION_WORDS[name] for name in CONDITIONS if name in REQUIRED),
        "optional": _listed(CONDITION_WORDS[name] for name in CONDITIONS if name not in REQUIRED),
        "conditions": _listed(CONDITION_WORDS[name] for name in CONDITIONS),
        "never": _listed(NEVER),
        "rules": f"{len(rules)}",
        "grounds": "; ".join(dict.fromkeys(rule.legal_basis for rule in rules)),
    }


def texts(name: str) -> dict[str, Any]:
    """Read the texts of a file of this package."""
    return tomllib.loads(files("api.register").joinpath(name).read_text("utf-8"))


def filled(text: str, facts: Mapping[str, str]) -> str:
    """Fill the facts in, and fold the lines into one."""
    return " ".join(text.format_map(facts).split())


def paragraphs(text: str, facts: Mapping[str, str]) -> str:
    """Do so paragraph by paragraph, as HTML, which the register shows."""
    return "".join(f"<p>{escape(filled(each, facts), quote=False)}</p>" for each in text.split("\n\n"))


def _number(value: float) -> str:
    """Spell a number as Dutch does."""
    return f"{value:g}".replace(".", ",")


def _listed(words: Iterable[str]) -> str:
    """Join words as a sentence does."""
    *first, last = words
    return f"{', '.join(first)} en {last}" if first else last


def _taxonomy(settings: Settings) -> str:
    """The taxonomy of the index that answers; before there is one, the bundled, which it will have."""
    from engine.publish import publications

    if publications(settings.index_folder):
        from engine.index import open_index

        return str(open_index(settings.index_folder).manifest["taxonomy"])
    from data.taxonomy import bundled_taxonomy

    return bundled_taxonomy().version
