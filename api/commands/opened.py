"""What commands of the exchange work on: its configuration, its store, its log, its administration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from api.config import Settings
    from api.exchange.administration import Administration
    from api.exchange.audit import Audit
    from api.exchange.nightly.nights import Nights
    from api.exchange.registry import Registry
    from api.store import Store

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The configuration, a TOML file: see `koppel serve --help`."
    ),
]

SIGNING_KEY: Final = "audit-key.pem"
"""The file in the state folder with the key that signs checkpoints of the log."""

VERIFYING_KEY: Final = "audit-key.pub.pem"
"""The file in the state folder with the key that verifies them."""


def settings_of(config: Path | None) -> Settings:
    """Read the configuration: what the environment says, then the file, then the defaults of a laptop."""
    from api.config import read_settings

    return read_settings(config) if config else read_settings(identity="laptop")


def store_of(settings: Settings) -> Store:
    """Open the store. Raises StoreError where its schema isn't that of this version."""
    from api.store import Store

    store = Store(settings.store_url)
    store.check()
    return store


def audit_of(settings: Settings, store: Store) -> Audit:
    """Open the log, to write. Raises FileError where its key can't be read."""
    from api.clock import now
    from api.exchange.audit import Audit
    from api.exchange.checkpoints import Checkpoints, read_signing_key

    key = read_signing_key(settings.state / SIGNING_KEY)
    return Audit(store, now, Checkpoints(settings.checkpoint_file, key))


def nights_of(settings: Settings) -> Nights:
    """Give the nights of a configuration."""
    from api.exchange.nightly.nights import Nights

    return Nights(settings.state / "nights")


def administration_of(config: Path | None) -> Administration:
    """Open the administration; the log names the account that this process runs as."""
    import os
    import pwd

    from api.clock import now
    from api.exchange.administration import Administration

    settings = settings_of(config)
    account = pwd.getpwuid(os.getuid()).pw_name
    return Administration(audit_of(settings, store_of(settings)), now, account)


def registry_of(config: Path | None) -> Registry:
    """Read the registry as it stands."""
    from api.exchange.registry import RegistryReader

    return RegistryReader(store_of(settings_of(config))).current()
