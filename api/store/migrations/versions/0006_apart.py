"""In SQLite what sources supplied stands in a file of its own, into which it has been copied."""

from __future__ import annotations

from alembic import op
from alembic.util import CommandError

from api.store.apart import drop_copied

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Go from the revision before to this one."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite" and not drop_copied(connection):
        raise CommandError("records have changed meanwhile: stop what works with the store, and do it again")
