"""Ranked and explained answers: which profiles suit a vacancy best, or which vacancies a profile, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.alias_generators import to_camel

from api.contracts.answers import said_of
from api.exchange.wanted import OwnRecord, Wanted
from api.v1.callers import SECURED, Asking
from api.v1.problems import ERRORS
from data.standard.fields import FORM

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

    from api.services import Services

__all__ = ["rankings"]

Condition = Literal[
    "area",
    "hours",
    "contract",
    "irregular",
    "office_hours",
    "dates",
    "open",
    "licence",
    "language",
    "education_level",
]
Group = Literal["occupation", "skill", "education", "sector", Condition]
_Share = Annotated[float, Field(ge=0, le=1)]
_Question = Annotated[
    dict[str, Any],
    Field(description="The vraagObject of the VUM contract for what is looked for: only what satisfies it."),
]


class _Request(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class Held(_Request):
    """A record that the caller holds in a hosted source of its own."""

    source_id: str = Field(max_length=50)
    record_id: str = Field(max_length=200)


_Record = Annotated[
    Held | dict[str, Any],
    Field(description="A record of the VUM standard, whole or as a match shows it; or where it is held."),
]


class _Ranking(_Request):
    vraag_object: _Question | None = None
    top: int = Field(25, ge=1, le=100, description="At most this many.")
    preferred: dict[Group, Annotated[float, Field(ge=0, le=1000)]] = Field(
        {}, description="Weights of groups and of wished conditions, in the place of those suggested."
    )
    required: list[Condition] | None = Field(
        None,
        description="Conditions that exclude; by default all but education_level and those wished.",
    )
    wished: list[Condition] = Field([], description="Conditions that weigh instead of excluding.")
    strict: bool = Field(False, description="Whether a condition that can't be checked excludes too.")
    radius_km: int | None = Field(None, ge=0, le=999, description="Largest distance that the asker allows.")


class VacancyRanking(_Ranking):
    """Profiles for a vacancy."""

    vacature: _Record
    direction: Literal["vacancy", "mutual"] = Field(
        "vacancy", description="By what the vacancy asks, or by what suits both."
    )


class ProfileRanking(_Ranking):
    """Vacancies for a profile."""

    werkzoekende: _Record
    direction: Literal["profile"] = Field("profile", description="By what the profile wants.")


_Candidate = Annotated[
    str | dict[str, Any],
    Field(
        description="Of whom: a record as a match shows it, or the vumID of a hosted one. A vumID of another "
        "source is refused, as one that isn't known: its match tells all that counts."
    ),
]


class VacancyExplanation(VacancyRanking):
    """Why a profile stands where it stands for a vacancy."""

    candidate: _Candidate


class ProfileExplanation(ProfileRanking):
    """Why a vacancy stands where it stands for a profile."""

    candidate: _Candidate


def _shape(asked: Any) -> str | None:
    """Tell of which shape a request is, so that it isn't held against the other, too."""
    named = asked if isinstance(asked, dict) else ()
    return next((FORM + side for side in ("vacature", "werkzoekende") if side in named), None)


_SHAPE: Final = Discriminator(
    _shape, custom_error_type="vacature_or_werkzoekende", custom_error_message="vacature or werkzoekende"
)
_AnyRanking = Annotated[
    Annotated[VacancyRanking, Tag(f"{FORM}vacature")] | Annotated[ProfileRanking, Tag(f"{FORM}werkzoekende")],
    _SHAPE,
]
_AnyExplanation = Annotated[
    Annotated[VacancyExplanation, Tag(f"{FORM}vacature")]
    | Annotated[ProfileExplanation, Tag(f"{FORM}werkzoekende")],
    _SHAPE,
]


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Scores(_Answer):
    """How far each side covers what the other asks, and the harmonic mean of both."""

    vacancy: _Share
    profile: _Share
    mutual: _Share


class Gap(_Answer):
    """What is asked and lacking, and what of the score that costs."""

    group: str
    code: str
    label: str
    costs: _Share


class Ranked(_Answer):
    """A candidate."""

    rank: int = Field(ge=1)
    score: _Share = Field(description="The sum of the parts.")
    scores: Scores
    parts: dict[str, _Share]
    gaps: list[Gap]
    unknown: list[str] = Field(description="Conditions that can't be checked.")
    distance_km: int | None
    match: dict[str, Any] = Field(description="What a match of VUM shows, with its vumID.")


class RankingCompleteness(_Answer):
    """Of how many sources all records were ranked, of how many their matches, and which are missing."""

    ranked_whole: int
    ranked_among_matches: int
    failed: int
    not_asked: int


class Ranking(_Answer):
    """Candidates, the best first."""

    vraag_id: str = Field(alias="vraagID")
    maximum_aantal_resultaten_bereikt: bool
    as_of: str = Field(json_schema_extra={"format": "date"})
    direction: str
    taxonomy: str
    completeness: RankingCompleteness
    matches: list[Ranked]


class Nearest(_Answer):
    """What there is that comes nearest."""

    code: str
    label: str


class Part(_Answer):
    """What one thing that is asked adds to a score: its weight times the degree to which it is there."""

    group: str
    code: str
    label: str
    weight: _Share
    degree: _Share
    adds: _Share
    nearest: Nearest | None


class Coverage(_Answer):
    """How far one side covers what the other asks."""

    score: _Share
    groups: dict[str, _Share]
    parts: list[Part]
    gaps: list[Part]


class Conditions(_Answer):
    """What became of the conditions."""

    met: list[str]
    broken: list[str]
    unknown: list[str]


class Weights(_Answer):
    """Weights of groups: those suggested, those that the caller prefers, those that count."""

    suggested: dict[str, float]
    preferred: dict[str, float]
    applied: dict[str, float]


class Explanation(_Answer):
    """Why a candidate has its score, exactly."""

    as_of: str = Field(json_schema_extra={"format": "date"})
    direction: str
    taxonomy: str
    score: _Share
    scores: Scores
    vacancy: Coverage
    profile: Coverage
    conditions: Conditions
    excluded_by: list[str]
    weights: Weights
    distance_km: int | None


def rankings(services: Services, route_class: type[APIRoute]) -> APIRouter:
    """Make the routes. What is in the answer is the exchange's: here it is only described."""
    router = APIRouter(tags=["rankings"], responses=ERRORS, route_class=route_class)

    @router.post("/rankings", operation_id="rank", openapi_extra=SECURED, responses={200: {"model": Ranking}})
    async def rank(caller: Asking, asked: Annotated[_AnyRanking, Body()]) -> Response:
        """Rank profiles for a vacancy, or vacancies for a profile, with what makes up each score.

        A ranking is a question: the same sources, limits and vumIDs.
        """
        answer = await services.exchange.rank(caller, _wanted(asked))
        return Response(answer.body, media_type="application/json", headers=said_of(answer))

    @router.post(
        "/explanations",
        operation_id="explain",
        openapi_extra=SECURED,
        responses={200: {"model": Explanation}},
    )
    async def explain(caller: Asking, asked: Annotated[_AnyExplanation, Body()]) -> Response:
        """Explain the place of one candidate: parts that add up to its score, gaps, conditions."""
        body = await services.exchange.explain(caller, _wanted(asked), asked.candidate)
        return Response(body, media_type="application/json")

    return router


def _wanted(asked: VacancyRanking | ProfileRanking) -> Wanted:
    record = asked.vacature if isinstance(asked, VacancyRanking) else asked.werkzoekende
    return Wanted(
        side="vacature" if isinstance(asked, VacancyRanking) else "werkzoekende",
        record=OwnRecord(record.source_id, record.record_id) if isinstance(record, Held) else record,
        question=None if asked.vraag_object is None else {"vraagObject": asked.vraag_object},
        direction=asked.direction,
        top=asked.top,
        preferred=dict(asked.preferred.items()),
        required=None if asked.required is None else frozenset(asked.required),
        wished=frozenset(asked.wished),
        strict=asked.strict,
        radius_km=asked.radius_km,
    )
