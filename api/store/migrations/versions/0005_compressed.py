"""Records may be stored compressed: an earlier version would hand them out as they are, so it is kept out."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go from the revision before to this one: nothing changes but what may be stored from now on."""
