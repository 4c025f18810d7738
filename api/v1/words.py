"""The words of the standard and of the taxonomy: code lists, and the concepts that a free text may mean."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.v1.problems import ERRORS
from data.standard import ValueList, values
from data.taxonomy import Concepts, Linker, Taxonomy, normalise

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

__all__ = ["LISTS", "Titles", "words"]

LISTS: Final[dict[str, ValueList[int] | ValueList[str]]] = {
    "indicatie": values.INDICATIE,
    "niveau-opleiding": values.NIVEAU_OPLEIDING,
    "onderwerp": values.ONDERWERP,
    "sollicitatiewijze": values.SOLLICITATIEWIJZE,
    "soort": values.SOORT,
    "soort-afspraken": values.SOORT_AFSPRAKEN,
    "soort-rijbewijs": values.SOORT_RIJBEWIJS,
    "status-opleiding": values.STATUS_OPLEIDING,
    "taalbeheersing": values.TAALBEHEERSING,
    "type-arbeidscontract": values.TYPE_ARBEIDSCONTRACT,
    "type-overeenkomst": values.TYPE_OVEREENKOMST,
    "vervoermiddel": values.VERVOERMIDDEL,
    "webadres": values.WEBADRES,
    "werk-en-denkniveau": values.WERK_EN_DENKNIVEAU,
}
"""The value lists of the standard, by the names that the API gives them."""

Kind = Literal["occupation", "skill"]

LONGEST: Final = 200
"""Characters of a title that is linked."""

_Title = Annotated[str, Query(min_length=1, max_length=LONGEST, description="What it is called.")]
_Top = Annotated[int, Query(ge=1, le=50, description="At most this many.")]


class Code(BaseModel):
    """A code of a value list; `label` is empty where the standard publishes none."""

    code: int | str
    label: str


class CodeList(BaseModel):
    """A value list of the standard."""

    name: str
    codes: list[Code]


class Concept(BaseModel):
    """An occupation or a skill of the taxonomy that a title may mean."""

    code: str
    label: str
    score: float = Field(ge=0, le=1, description="1 where the title equals one of its labels.")


class Suggestion(BaseModel):
    """A label that goes on as what was typed, and the concept that it stands for."""

    code: str
    label: str


class Titles:
    """Finds occupations and skills by what people call them. May be used by any number of threads.

    taxonomy : gives what is searched, once somebody asks.
    """

    def __init__(self, taxonomy: Callable[[], Taxonomy]) -> None:
        self._load, self._linking = taxonomy, Lock()
        self._linkers: dict[Kind, Linker] = {}

    def link(self, title: str, kind: Kind, top: int) -> list[Concept]:
        """Give the concepts that a title may mean, the likeliest first."""
        with self._linking:
            if kind not in self._linkers:
                self._linkers[kind] = Linker(self._taxonomy, skills=kind == "skill")
        (found,) = self._linkers[kind].link([title], top)
        return [Concept(code=each.code, label=each.label, score=each.score) for each in found]

    def suggest(self, typed: str, kind: Kind, top: int) -> list[Suggestion]:
        """Give concepts of which a label begins with what is typed, by label; each once."""
        concepts, keys = self._labels[kind]
        start = normalise(typed)
        found: dict[str, Suggestion] = {}
        at = bisect_left(keys, (start, 0))
        while start and len(found) < top and at < len(keys) and keys[at][0].startswith(start):
            code = concepts.codes[keys[at][1]]
            found.setdefault(code, Suggestion(code=code, label=concepts.labels[keys[at][1]]))
            at += 1
        return list(found.values())

    @cached_property
    def _taxonomy(self) -> Taxonomy:
        return self._load()

    @cached_property
    def _labels(self) -> dict[Kind, tuple[Concepts, list[tuple[str, int]]]]:
        kinds: dict[Kind, Concepts] = {
            "occupation": self._taxonomy.occupations,
            "skill": self._taxonomy.skills,
        }
        return {
            kind: (
                concepts,
                sorted(
                    {
                        (normalise(text), concept)
                        for text, concept in zip(
                            concepts.label_texts, concepts.label_concepts.tolist(), strict=True
                        )
                    }
                ),
            )
            for kind, concepts in kinds.items()
        }


def words(titles: Titles, route_class: type[APIRoute]) -> APIRouter:
    """Make the routes, which anyone may ask: they tell of no person and no vacancy."""
    router = APIRouter(tags=["words"], responses=ERRORS, route_class=route_class)

    @router.get("/code-lists", operation_id="listCodeLists")
    def list_code_lists() -> list[str]:
        """The names of the value lists of the standard."""
        return list(LISTS)

    @router.get("/code-lists/{name}", operation_id="readCodeList")
    def read_code_list(name: Annotated[str, Path(max_length=50)]) -> CodeList:
        """A value list of the standard, with its Dutch labels."""
        if name not in LISTS:
            raise HTTPException(404)
        labels = LISTS[name].labels
        return CodeList(name=name, codes=[Code(code=code, label=label) for code, label in labels.items()])

    @router.get("/titles", operation_id="linkTitle")
    def link_title(title: _Title, kind: Kind = "occupation", top: _Top = 5) -> list[Concept]:
        """The occupations (or skills) that a free text may mean, the likeliest first."""
        return titles.link(title, kind, top)

    @router.get("/title-suggestions", operation_id="suggestTitles")
    def suggest_titles(typed: _Title, kind: Kind = "occupation", top: _Top = 10) -> list[Suggestion]:
        """Occupations (or skills) with a label that begins with what is typed, for a field that completes."""
        return titles.suggest(typed, kind, top)

    return router
