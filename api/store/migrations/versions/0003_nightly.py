"""The nightly run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go from the revision before to this one."""
    op.create_table(
        "night",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("run", _TEXT, nullable=False),
        sa.Column("key_id", _TEXT, nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("cut_off", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=True),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('running', 'published', 'abandoned')", name=op.f("ck_night_state")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_night")),
        sa.UniqueConstraint("name", name=op.f("uq_night_name")),
        sa.UniqueConstraint("run", name=op.f("uq_night_run")),
    )
    op.create_table(
        "nightly_lease",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("holder", _TEXT, nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_nightly_lease")),
    )
    op.create_table(
        "nightly_part",
        sa.Column("night", sa.BigInteger(), nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.Column("sha256", _TEXT, nullable=False),
        sa.Column("logged_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["night"], ["night.number"], name=op.f("fk_nightly_part_night"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("night", "path", name=op.f("pk_nightly_part")),
    )
    op.create_table(
        "nightly_fetch",
        sa.Column("n", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("night", sa.BigInteger(), nullable=False),
        sa.Column("controller_oin", _TEXT, nullable=False),
        sa.Column("processor_oin", _TEXT, nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["night"], ["night.number"], name=op.f("fk_nightly_fetch_night"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_nightly_fetch")),
    )
    op.create_index(
        op.f("ix_nightly_fetch_night_controller_oin_processor_oin"),
        "nightly_fetch",
        ["night", "controller_oin", "processor_oin"],
    )
    op.create_table(
        "nightly_withdrawal",
        sa.Column("n", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.Column("oin", _TEXT, nullable=True),
        sa.Column("source_id", _TEXT, nullable=True),
        sa.Column("record_id", _TEXT, nullable=True),
        sa.CheckConstraint(
            "(oin IS NULL) = (source_id IS NOT NULL)", name=op.f("ck_nightly_withdrawal_what")
        ),
        sa.CheckConstraint(
            "(source_id IS NULL) = (record_id IS NULL)", name=op.f("ck_nightly_withdrawal_record")
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_nightly_withdrawal")),
    )
    op.create_index(op.f("ix_nightly_withdrawal_withdrawn_at"), "nightly_withdrawal", ["withdrawn_at"])
