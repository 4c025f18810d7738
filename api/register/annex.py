"""Facts for the AI-verordening (EU) 2024/1689 about a high-risk system of Annex III, point 4: log, oversight.

They tell what the software does, not that an organisation meets the articles: that is for the organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.register.facts import filled, texts

__all__ = ["Fact", "annex_of"]


@dataclass(frozen=True)
class Fact:
    """One thing that an article asks, and how it stands: a fact, or a gap for the organisation.

    artikel : of the AI-verordening. onderwerp : what it asks, in a few words. feit : how it stands.
    """

    artikel: str
    onderwerp: str
    feit: str


def annex_of(facts: Mapping[str, str]) -> list[Fact]:
    """Tell what holds for articles 6, 12, 13, 14, 19, 26 and 27, in their order."""
    told = texts("annex.toml")["fact"]
    return [Fact(each["article"], each["subject"], filled(each["says"], facts)) for each in told]
