"""All tables of the store.

Times (`*_at`, `*_from`, `*_until`) are whole microseconds since 1970, UTC. A period is half-open: it begins
at its first moment and ends just before its last; without a last moment it is open-ended.

A change to a table here needs a migration in `api/store/migrations/versions`, or the tests fail.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from api.store.compressed import Compressed

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
"""The schema of the store."""

# SQLite compares text by its bytes, PostgreSQL by the language of its server unless it is told otherwise.
_Text: Final = Text().with_variant(Text(collation="C"), "postgresql")

# SQLite counts up by itself in a column of this very type only.
_Counted: Final = BigInteger().with_variant(Integer, "sqlite")


def _moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable)


def _oin(name: str, *more: Any, **options: Any) -> Column[Any]:
    return Column(name, _Text, *more, nullable=False, **options)


def _one_of(column: str, *values: str) -> CheckConstraint:
    allowed = ", ".join(f"'{each}'" for each in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def _period(first: str, last: str) -> CheckConstraint:
    # The same moment twice: it was withdrawn before it began.
    return CheckConstraint(f"{last} IS NULL OR {last} >= {first}", name="period")


SIDES: Final = ("werkzoekende", "vacature")

# Who takes part


party = Table(
    "party",
    METADATA,
    _oin("oin", primary_key=True),
    Column("name", _Text, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("suwi", Boolean, nullable=False),
    Column("pilot", Boolean, nullable=False),
    _moment("admitted_from"),
    _moment("admitted_until", nullable=True),
    CheckConstraint("length(oin) = 20", name="oin"),
    _one_of("kind", "uwv", "gemeente", "openbaar", "privaat"),
    _period("admitted_from", "admitted_until"),
)
"""The participants that SZW admitted."""

mandate = Table(
    "mandate",
    METADATA,
    Column("id", _Counted, primary_key=True, autoincrement=True),
    _oin("processor_oin"),
    _oin("controller_oin", ForeignKey("party.oin")),
    _moment("valid_from"),
    _moment("valid_until", nullable=True),
    CheckConstraint("length(processor_oin) = 20", name="oin"),
    _period("valid_from", "valid_until"),
    Index(None, "controller_oin", "processor_oin"),
)
"""Which processor (verwerker) may act for which controller (verwerkingsverantwoordelijke)."""

phase = Table(
    "phase",
    METADATA,
    Column("name", _Text, primary_key=True),
    _moment("opens_at", nullable=True),
    _one_of("name", "pilot", "gemeenten_uwv", "openbaar", "privaat"),
)
"""When each phase of admission opens; without a moment: not yet."""

agreement = Table(
    "agreement",
    METADATA,
    Column("version", _Text, primary_key=True),
    Column("in_force_from", BigInteger, nullable=False, unique=True),
)
"""The versions of the afsprakenstelsel; the latest one in force is the current one."""

acceptance = Table(
    "acceptance",
    METADATA,
    _oin("oin", ForeignKey("party.oin"), primary_key=True),
    Column("version", _Text, ForeignKey("agreement.version"), primary_key=True),
    _moment("accepted_at"),
)
"""Which participant accepted which version."""

source = Table(
    "source",
    METADATA,
    Column("id", _Text, primary_key=True),
    _oin("oin", ForeignKey("party.oin")),
    _oin("processor_oin"),
    Column("name", _Text, nullable=False),
    Column("hosted", Boolean, nullable=False),
    Column("url", _Text),
    Column("bsn_declaration", _Text),
    _moment("bsn_declared_at", nullable=True),
    _moment("valid_from"),
    _moment("valid_until", nullable=True),
    CheckConstraint("length(processor_oin) = 20", name="oin"),
    CheckConstraint("hosted = (url IS NULL)", name="url"),
    _period("valid_from", "valid_until"),
)
"""The sources (bronnen): whose, answered by whom, and where: hosted in this store, or at a URL.

`bsn_declaration` is the source's written word that ids of nine digits are no BSN."""

source_scope = Table(
    "source_scope",
    METADATA,
    Column("id", _Counted, primary_key=True, autoincrement=True),
    Column("source_id", _Text, ForeignKey("source.id"), nullable=False),
    Column("side", _Text),
    Column("scope", _Text, nullable=False),
    _moment("valid_from"),
    _moment("valid_until", nullable=True),
    _one_of("side", *SIDES, "werkgeverscontactmoment"),
    _one_of("scope", "suwi", "openbaar", "alle"),
    _period("valid_from", "valid_until"),
    Index(None, "source_id"),
)
"""With whom a source shares its records of a side, or its contacts with employers; without a side, the
records of both sides, and not the contacts."""

registry_version = Table(
    "registry_version", METADATA, Column("n", BigInteger, primary_key=True, autoincrement=False)
)
"""One row, raised by every change of the tables above, in the same transaction."""

# What is asked

question = Table(
    "question",
    METADATA,
    Column("id", _Text, primary_key=True),
    Column("kind", _Text, nullable=False),
    Column("side", _Text, nullable=False),
    _oin("controller_oin"),
    _oin("processor_oin"),
    _moment("asked_at"),
    _moment("expires_at"),
    Column("criteria", JSON, nullable=False),
    Column("completeness", JSON(none_as_null=True)),
    _one_of("kind", "vraag", "rangorde", "nacht"),
    _one_of("side", *SIDES),
    Index(None, "controller_oin", "processor_oin", "asked_at"),
    Index(None, "expires_at"),
)
"""Questions that were answered; `id` is the vraagID. `criteria` holds no more of a postcode than its PC4."""

detail_claim = Table(
    "detail_claim",
    METADATA,
    Column("question_id", _Text, ForeignKey("question.id", ondelete="CASCADE"), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("source_id", _Text, nullable=False),
    Column("record_ref", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    _moment("claimed_at"),
    _one_of("state", "claimed", "delivered"),
    UniqueConstraint("question_id", "source_id", "record_ref"),
)
"""The details that a question has taken, one a slot; `record_ref` is a keyed hash of the record's id."""

# What hosted sources hold

record = Table(
    "record",
    METADATA,
    Column("source_id", _Text, primary_key=True),
    Column("side", _Text, primary_key=True),
    Column("id", _Text, primary_key=True),
    Column("body", Compressed, nullable=False),
    Column("shown", Compressed, nullable=False),
    _moment("stored_at"),
    _moment("expires_at", nullable=True),
    Column("restricted", Boolean, nullable=False),
    _one_of("side", *SIDES),
    Index(None, "expires_at"),
)
"""Records: `body` is the JSON exactly as supplied, `shown` its match level as compact JSON without any id."""

record_change = Table(
    "record_change",
    METADATA,
    Column("n", _Counted, primary_key=True, autoincrement=True),
    Column("source_id", _Text, nullable=False),
    Column("side", _Text, nullable=False),
    Column("id", _Text, nullable=False),
    Column("put", Boolean, nullable=False),
    _one_of("side", *SIDES),
    sqlite_autoincrement=True,
)
"""Records put (or deleted) that the index has yet to take in, in order; no number is ever used twice."""

contact_moment = Table(
    "contact_moment",
    METADATA,
    Column("id", _Counted, primary_key=True, autoincrement=True),
    Column("source_id", _Text, nullable=False),
    Column("kvk", _Text, nullable=False),
    Column("datum", _Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _moment("stored_at"),
    _moment("expires_at", nullable=True),
    Index(None, "kvk", "datum"),
    Index(None, "expires_at"),
)
"""Werkgeverscontactmomenten: `body` is the JSON as supplied, out of which `kvk` and `datum` are taken."""

# What is accounted for

subject = Table(
    "subject",
    METADATA,
    Column("source_id", _Text, primary_key=True),
    Column("side", _Text, primary_key=True),
    Column("record_id", _Text, primary_key=True),
    Column("pseudonym", _Text, nullable=False, unique=True),
    _moment("seen_at"),
    _one_of("side", *SIDES),
    Index(None, "seen_at"),
)
"""Which record a pseudonym of the log stands for. Deleting the row makes the log's lines nameless.

The log names it for the last time within a month after `seen_at`."""

audit_entry = Table(
    "audit_entry",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _moment("at"),
    Column("kind", _Text, nullable=False),
    Column("body", _Text, nullable=False),
    Column("previous", _Text, nullable=False),
    Column("hash", _Text, nullable=False),
    Index(None, "at"),
)
"""The log: each entry carries the hash of the one before it."""

audit_segment = Table(
    "audit_segment",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("first_previous", _Text, nullable=False),
    Column("last_hash", _Text, nullable=False),
    _moment("sealed_at"),
    _moment("removed_at", nullable=True),
)
"""Sealed stretches of the log, which are kept or removed as a whole."""

# The nightly run

night = Table(
    "night",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("name", _Text, nullable=False, unique=True),
    Column("run", _Text, nullable=False, unique=True),
    Column("key_id", _Text, nullable=False),
    Column("settings", JSON, nullable=False),
    _moment("cut_off"),
    Column("before", BigInteger),
    Column("state", _Text, nullable=False),
    _moment("published_at", nullable=True),
    _one_of("state", "running", "published", "abandoned"),
)
"""The nights. `run` names its vumIDs, sealed under the key `key_id`; `before` is the night that its changes
are told against."""

nightly_lease = Table(
    "nightly_lease",
    METADATA,
    Column("name", _Text, primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("holder", _Text, nullable=False),
    _moment("held_until"),
)
"""Who may run the night: whoever got the highest token, until that moment."""

nightly_part = Table(
    "nightly_part",
    METADATA,
    Column("night", BigInteger, ForeignKey("night.number", ondelete="CASCADE"), primary_key=True),
    Column("path", _Text, primary_key=True),
    Column("sha256", _Text, nullable=False),
    _moment("logged_at"),
)
"""The files of a night that the log tells of, by their path in its folder."""

nightly_fetch = Table(
    "nightly_fetch",
    METADATA,
    Column("n", _Counted, primary_key=True, autoincrement=True),
    Column("night", BigInteger, ForeignKey("night.number", ondelete="CASCADE"), nullable=False),
    _oin("controller_oin"),
    _oin("processor_oin"),
    _moment("fetched_at"),
    Index(None, "night", "controller_oin", "processor_oin"),
)
"""Which recipient fetched its lists of a night, and when."""

nightly_withdrawal = Table(
    "nightly_withdrawal",
    METADATA,
    Column("n", _Counted, primary_key=True, autoincrement=True),
    _moment("withdrawn_at"),
    Column("oin", _Text),
    Column("source_id", _Text),
    Column("record_id", _Text),
    _moment("finished_at", nullable=True),
    CheckConstraint("(oin IS NULL) = (source_id IS NOT NULL)", name="what"),
    CheckConstraint("(source_id IS NULL) = (record_id IS NULL)", name="record"),
    Index(None, "withdrawn_at"),
)
"""Parties and records that were taken out of the nights: also out of one that was running at that moment.

Until it is finished, the folders of a night may still hold it."""
