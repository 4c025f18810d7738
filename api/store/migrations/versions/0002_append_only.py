"""The log can only grow, and lose whole segments that are marked as removed."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_KEPT = """NOT EXISTS (
    SELECT 1 FROM audit_segment
    WHERE removed_at IS NOT NULL AND OLD.seq BETWEEN first_seq AND last_seq
)"""

_MOVED = """OLD.removed_at IS NOT NULL OR NEW.number <> OLD.number OR NEW.sealed_at <> OLD.sealed_at
    OR NEW.first_seq <> OLD.first_seq OR NEW.first_previous <> OLD.first_previous
    OR NEW.last_seq <> OLD.last_seq OR NEW.last_hash <> OLD.last_hash"""

# REPLACE INTO deletes in SQLite without a trigger for that: what is inserted must come after all there is.
_FORBIDDEN = (
    ("audit_entry", "UPDATE", ""),
    ("audit_entry", "DELETE", _KEPT),
    ("audit_entry", "INSERT", "EXISTS (SELECT 1 FROM audit_entry WHERE seq >= NEW.seq)"),
    ("audit_segment", "UPDATE", _MOVED),
    ("audit_segment", "DELETE", ""),
    ("audit_segment", "INSERT", "EXISTS (SELECT 1 FROM audit_segment WHERE number >= NEW.number)"),
)


def upgrade() -> None:
    """Go from the revision before to this one."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, action, condition in _FORBIDDEN:
        name = f"{table}_{action.lower()}"
        if is_sqlite:
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {action} ON {table} {'WHEN ' * bool(condition)}{condition} "
                f"BEGIN SELECT RAISE(ABORT, '{table} can only grow'); END"
            )
            continue
        kept = "OLD" if action == "DELETE" else "NEW"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition or 'true'} THEN RAISE EXCEPTION '{table} can only grow'; END IF; "
            f"RETURN {kept}; END $$"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {action} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    if not is_sqlite:
        for table in ("audit_entry", "audit_segment"):
            op.execute(
                f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION audit_segment_delete()"
            )
