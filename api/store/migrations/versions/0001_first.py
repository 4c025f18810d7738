"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go from the revision before to this one."""
    op.create_table(
        "agreement",
        sa.Column("version", _TEXT, nullable=False),
        sa.Column("in_force_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_agreement")),
        sa.UniqueConstraint("in_force_from", name=op.f("uq_agreement_in_force_from")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.Column("previous", _TEXT, nullable=False),
        sa.Column("hash", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_at"), "audit_entry", ["at"])
    op.create_table(
        "audit_segment",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("first_previous", _TEXT, nullable=False),
        sa.Column("last_hash", _TEXT, nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_segment")),
    )
    op.create_table(
        "contact_moment",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("source_id", _TEXT, nullable=False),
        sa.Column("kvk", _TEXT, nullable=False),
        sa.Column("datum", _TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_moment")),
    )
    op.create_index(op.f("ix_contact_moment_expires_at"), "contact_moment", ["expires_at"])
    op.create_index(op.f("ix_contact_moment_kvk_datum"), "contact_moment", ["kvk", "datum"])
    op.create_table(
        "party",
        sa.Column("oin", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("suwi", sa.Boolean(), nullable=False),
        sa.Column("pilot", sa.Boolean(), nullable=False),
        sa.Column("admitted_from", sa.BigInteger(), nullable=False),
        sa.Column("admitted_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('uwv', 'gemeente', 'openbaar', 'privaat')", name=op.f("ck_party_kind")),
        sa.CheckConstraint(
            "admitted_until IS NULL OR admitted_until >= admitted_from", name=op.f("ck_party_period")
        ),
        sa.CheckConstraint("length(oin) = 20", name=op.f("ck_party_oin")),
        sa.PrimaryKeyConstraint("oin", name=op.f("pk_party")),
    )
    op.create_table(
        "phase",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("opens_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "name IN ('pilot', 'gemeenten_uwv', 'openbaar', 'privaat')", name=op.f("ck_phase_name")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_phase")),
    )
    op.create_table(
        "question",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("side", _TEXT, nullable=False),
        sa.Column("controller_oin", _TEXT, nullable=False),
        sa.Column("processor_oin", _TEXT, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("completeness", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint("kind IN ('vraag', 'rangorde', 'nacht')", name=op.f("ck_question_kind")),
        sa.CheckConstraint("side IN ('werkzoekende', 'vacature')", name=op.f("ck_question_side")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    op.create_index(
        op.f("ix_question_controller_oin_processor_oin_asked_at"),
        "question",
        ["controller_oin", "processor_oin", "asked_at"],
    )
    op.create_index(op.f("ix_question_expires_at"), "question", ["expires_at"])
    op.create_table(
        "record",
        sa.Column("source_id", _TEXT, nullable=False),
        sa.Column("side", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.CheckConstraint("side IN ('werkzoekende', 'vacature')", name=op.f("ck_record_side")),
        sa.PrimaryKeyConstraint("source_id", "side", "id", name=op.f("pk_record")),
    )
    op.create_index(op.f("ix_record_expires_at"), "record", ["expires_at"])
    op.create_table(
        "record_change",
        sa.Column("n", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("source_id", _TEXT, nullable=False),
        sa.Column("side", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("put", sa.Boolean(), nullable=False),
        sa.CheckConstraint("side IN ('werkzoekende', 'vacature')", name=op.f("ck_record_change_side")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_record_change")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "registry_version",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_registry_version")),
    )
    op.create_table(
        "subject",
        sa.Column("source_id", _TEXT, nullable=False),
        sa.Column("side", _TEXT, nullable=False),
        sa.Column("record_id", _TEXT, nullable=False),
        sa.Column("pseudonym", _TEXT, nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("side IN ('werkzoekende', 'vacature')", name=op.f("ck_subject_side")),
        sa.PrimaryKeyConstraint("source_id", "side", "record_id", name=op.f("pk_subject")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_subject_pseudonym")),
    )
    op.create_index(op.f("ix_subject_seen_at"), "subject", ["seen_at"])
    op.create_table(
        "acceptance",
        sa.Column("oin", _TEXT, nullable=False),
        sa.Column("version", _TEXT, nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["oin"], ["party.oin"], name=op.f("fk_acceptance_oin")),
        sa.ForeignKeyConstraint(["version"], ["agreement.version"], name=op.f("fk_acceptance_version")),
        sa.PrimaryKeyConstraint("oin", "version", name=op.f("pk_acceptance")),
    )
    op.create_table(
        "detail_claim",
        sa.Column("question_id", _TEXT, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source_id", _TEXT, nullable=False),
        sa.Column("record_ref", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('claimed', 'delivered')", name=op.f("ck_detail_claim_state")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["question.id"], name=op.f("fk_detail_claim_question_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("question_id", "slot", name=op.f("pk_detail_claim")),
        sa.UniqueConstraint(
            "question_id",
            "source_id",
            "record_ref",
            name=op.f("uq_detail_claim_question_id_source_id_record_ref"),
        ),
    )
    op.create_table(
        "mandate",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("processor_oin", _TEXT, nullable=False),
        sa.Column("controller_oin", _TEXT, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("length(processor_oin) = 20", name=op.f("ck_mandate_oin")),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_mandate_period")
        ),
        sa.ForeignKeyConstraint(["controller_oin"], ["party.oin"], name=op.f("fk_mandate_controller_oin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate")),
    )
    op.create_index(
        op.f("ix_mandate_controller_oin_processor_oin"), "mandate", ["controller_oin", "processor_oin"]
    )
    op.create_table(
        "source",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("oin", _TEXT, nullable=False),
        sa.Column("processor_oin", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("hosted", sa.Boolean(), nullable=False),
        sa.Column("url", _TEXT, nullable=True),
        sa.Column("bsn_declaration", _TEXT, nullable=True),
        sa.Column("bsn_declared_at", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("hosted = (url IS NULL)", name=op.f("ck_source_url")),
        sa.CheckConstraint("length(processor_oin) = 20", name=op.f("ck_source_oin")),
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_source_period")),
        sa.ForeignKeyConstraint(["oin"], ["party.oin"], name=op.f("fk_source_oin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
    )
    op.create_table(
        "source_scope",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("source_id", _TEXT, nullable=False),
        sa.Column("side", _TEXT, nullable=True),
        sa.Column("scope", _TEXT, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("scope IN ('suwi', 'openbaar', 'alle')", name=op.f("ck_source_scope_scope")),
        sa.CheckConstraint(
            "side IN ('werkzoekende', 'vacature', 'werkgeverscontactmoment')",
            name=op.f("ck_source_scope_side"),
        ),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_source_scope_period")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_source_scope_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_scope")),
    )
    op.create_index(op.f("ix_source_scope_source_id"), "source_scope", ["source_id"])
    op.bulk_insert(sa.table("registry_version", sa.column("n")), [{"n": 0}])
