"""Whether a withdrawal from the nights was finished; those that there are already were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Go from the revision before to this one."""
    op.add_column("nightly_withdrawal", sa.Column("finished_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE nightly_withdrawal SET finished_at = withdrawn_at")
