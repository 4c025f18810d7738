"""Who gets lists of a night, and whose records may stand in them: by the rules at its cut-off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from api.exchange.decision import decide
from api.exchange.rules import Caller, caller_of, explain_caller, may_hold, verdict

if TYPE_CHECKING:
    from api.exchange.registry import Registry
    from data.standard import Side

__all__ = ["OTHER", "Recipient", "covered", "folder_of", "not_covered", "recipients"]

OTHER: Final[Mapping[Side, Side]] = {"vacature": "werkzoekende", "werkzoekende": "vacature"}
"""The side of the candidates of records that ask."""


@dataclass(frozen=True)
class Recipient:
    """A party that answers for sources, and what it may see.

    Attributes
    ----------
    caller : as whom it asks.
    own : side -> its sources that have records of it.
    permitted : side -> the sources whose records of it may stand in its lists.
    agreement : the version of the agreement that it accepted.
    told : side of the candidates -> what the log says of the decision.
    """

    caller: Caller
    own: Mapping[Side, tuple[str, ...]]
    permitted: Mapping[Side, tuple[str, ...]]
    agreement: str | None
    told: Mapping[Side, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its folder: the OIN of the controller, and that of the processor where it has one."""
        return folder_of(self.caller.controller, self.caller.processor)

    def as_json(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Recipient:
        """Read what `as_json` gives, after it was JSON."""
        sources = {name: {side: tuple(each) for side, each in told[name].items()} for name in _SOURCES}
        return cls(Caller(**told["caller"]), agreement=told["agreement"], told=told["told"], **sources)


_SOURCES: Final = ("own", "permitted")


def folder_of(controller: str, processor: str) -> str:
    """Give the name of the folder of a recipient, by its OINs."""
    return controller if processor == controller else f"{controller}-{processor}"


def covered(registry: Registry, holders: Iterable[str], supplied: Iterable[str], at: int) -> list[str]:
    """Give the sources that a night covers: they have records here or in files, and may hold them; sorted."""
    given = frozenset(supplied)
    return sorted(
        each
        for each in {*holders, *given}
        if each in registry.sources
        and (registry.sources[each].hosted or each in given)
        and may_hold(registry, each, at)
    )


def not_covered(registry: Registry, covers: Iterable[str], at: int) -> dict[str, str]:
    """Tell of each other source why a night doesn't cover it: "remote", "refused" by the rules, "empty"."""
    told = {}
    for each in sorted({*registry.sources} - {*covers}):
        if registry.sources[each].valid.holds(at):
            remote = not registry.sources[each].hosted
            told[each] = "remote" if remote else "empty" if may_hold(registry, each, at) else "refused"
    return told


def recipients(
    registry: Registry, holders: Mapping[Side, Iterable[str]], own_oin: str, at: int
) -> list[Recipient]:
    """Give the recipients of a night, by name.

    Parameters
    ----------
    holders : side -> the sources that the night covers and that have records of it.
    own_oin : of the exchange.
    at : the cut-off, microseconds since 1970 UTC.
    """
    owners: dict[tuple[str, str], dict[Side, list[str]]] = {}
    for side, sources in holders.items():
        for each in sorted(sources):
            source = registry.sources[each]
            owner = owners.setdefault((source.oin, source.processor_oin), {})
            owner.setdefault(side, []).append(each)
    found = []
    for (controller, processor), own in sorted(owners.items()):
        # Nobody calls at night: it is asked whether who would call may.
        if not verdict(explain_caller(registry, processor, controller, processor, own_oin, own_oin, at)):
            continue
        caller = caller_of(registry, controller, processor, "")
        permitted, told = {}, {}
        for asking in own:
            side = OTHER[asking]
            decision = decide(registry, caller, side, holders.get(side, ()), at)
            permitted[side] = tuple(each.id for each in (*decision.hosted, *decision.remote))
            told[side] = decision.asked("", {})
        own_sources = {side: tuple(each) for side, each in own.items()}
        agreement = registry.current_agreement(at)
        found.append(
            Recipient(
                caller,
                own_sources,
                {side: tuple(sorted(each)) for side, each in permitted.items()},
                agreement,
                told,
            )
        )
    return sorted(found, key=lambda each: each.name)
