"""Which sources a caller may ask at a moment, why, and how the log tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from api.exchange.rules import explain_source, mandate_of, verdict

if TYPE_CHECKING:
    from api.clock import Clock
    from api.exchange.audit import Level
    from api.exchange.registry import Registry, RegistryReader, Shared, Source
    from api.exchange.remote import SourceAnswer
    from api.exchange.rules import Caller, Reason

__all__ = ["Decision", "decide"]


@dataclass(frozen=True)
class Decision:
    """What was decided about a call.

    Attributes
    ----------
    caller, side, at : who asks for what, when (microseconds since 1970 UTC).
    registry : by which it was decided.
    reasons : what each rule says of each source.
    hosted, remote : the sources that may be asked, by id. Of the others nothing is searched, counted or told.
    """

    caller: Caller
    side: Shared
    at: int
    registry: Registry
    reasons: Mapping[str, tuple[Reason, ...]]
    hosted: tuple[Source, ...]
    remote: tuple[Source, ...]

    @property
    def hosted_ids(self) -> tuple[str, ...]:
        """The ids of the hosted sources that may be searched, sorted."""
        return tuple(source.id for source in self.hosted)

    def only(self, source_id: str) -> Decision | None:
        """Give the decision about one source, None where that may not be asked."""
        hosted, remote = (
            tuple(each for each in sources if each.id == source_id) for sources in (self.hosted, self.remote)
        )
        if not hosted and not remote:
            return None
        return replace(self, reasons={source_id: self.reasons[source_id]}, hosted=hosted, remote=remote)

    def still(self, reader: RegistryReader, clock: Clock) -> Decision:
        """Decide about the same sources again, once remote ones have taken their time to answer."""
        if not self.remote:
            return self
        return decide(reader.current(), self.caller, self.side, self.reasons, clock())

    def of_permitted(self, answers: Iterable[SourceAnswer]) -> list[SourceAnswer]:
        """Give those of some answers whose sources may be asked."""
        permitted = {source.id for source in self.remote}
        return [answer for answer in answers if answer.source_id in permitted]

    def asked(self, question_id: str, criteria: Mapping[str, Any]) -> dict[str, Any]:
        """Give the entry of the log before remote sources are asked.

        It says who asks, under which mandate, for what, by which rules it was decided, and of each source
        whether all of them allow that it is asked; else which of them refuse.
        """
        caller = self.caller
        mandate = mandate_of(self.registry, caller.processor, caller.controller, self.at)
        return {
            "controller": caller.controller,
            "processor": caller.processor,
            "certificate": caller.certificate,
            "suwi": caller.suwi,
            "mandate": None if mandate is None else mandate.id,
            "registry": self.registry.version,
            "question": question_id,
            "side": self.side,
            "criteria": dict(criteria),
            "rules": list(dict.fromkeys(each.rule for said in self.reasons.values() for each in said)),
            "sources": {source_id: _told(reasons) for source_id, reasons in self.reasons.items()},
        }

    def shown(
        self,
        question_id: str,
        criteria: Mapping[str, Any],
        level: Level,
        statuses: Mapping[str, str],
        counts: Mapping[str, int],
        subjects: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Give the entry of the log before records are shown: `asked`, and what each source contributes.

        Parameters
        ----------
        statuses : how asking each source ended.
        counts : how many records of each are shown.
        subjects : whose they are, by pseudonym, source by source in the order of `counts`.
        """
        told = self.asked(question_id, criteria)
        for source_id, status in statuses.items():
            told["sources"][source_id] |= {"status": status, "count": counts.get(source_id, 0)}
        return told | {"level": level, "subjects": list(subjects)}


def decide(registry: Registry, caller: Caller, side: Shared, among: Iterable[str], at: int) -> Decision:
    """Decide which of some sources a caller may ask."""
    reasons = {each: explain_source(registry, caller, each, side, at) for each in sorted(among)}
    permitted = [registry.sources[each] for each, said in reasons.items() if verdict(said)]
    return Decision(
        caller,
        side,
        at,
        registry,
        reasons,
        tuple(source for source in permitted if source.hosted),
        tuple(source for source in permitted if not source.hosted),
    )


def _told(reasons: tuple[Reason, ...]) -> dict[str, Any]:
    if verdict(reasons):
        return {"permitted": True}
    return {"permitted": False, "rules": [each.rule for each in reasons if each.effect == "refuse"]}
