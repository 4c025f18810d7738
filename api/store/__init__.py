"""The store: SQLAlchemy Core over SQLite (by default) or PostgreSQL."""

from api.store.store import Store, StoreError

__all__ = ["Store", "StoreError"]
