"""What an exchange works with, opened once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.clock import Clock
    from api.exchange.answering import Hosted
    from api.exchange.audit import Audit
    from api.exchange.handles import Handles
    from api.exchange.keys import Keys
    from api.exchange.questions import Questions
    from api.exchange.registry import RegistryReader
    from api.exchange.remote import RemoteSources
    from api.store import Store

__all__ = ["Resources"]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the use cases share.

    Attributes
    ----------
    store, audit : where questions and the log are kept: the audit writes to the same store.
    reader : gives the registry.
    questions, handles : what was asked, and what stands for a record.
    keys : seal what stands for a record, and break ties between candidates: nobody without them can work out
        an id, or the order.
    hosted, remotes : the sources.
    clock : microseconds since 1970 UTC.
    seconds : how long remote sources may take to answer, in all.
    """

    store: Store
    audit: Audit
    reader: RegistryReader
    questions: Questions
    handles: Handles
    keys: Keys
    hosted: Hosted
    remotes: RemoteSources
    clock: Clock
    seconds: float

    @property
    def limit(self) -> int:
        """Records in one answer."""
        return self.questions.limits.matches
