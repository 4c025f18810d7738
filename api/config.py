"""The configuration of the exchange: a TOML file, environment variables, or the defaults of a laptop.

    koppel serve --config koppel.toml
    KOPPEL_DEADLINE_SECONDS=5 koppel serve

A variable `KOPPEL_NAME` goes before the file. Nothing else of the application reads either.
"""

from __future__ import annotations

import os
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from data.errors import FileError
from data.files import decoded, read_pieces

Oin = Annotated[str, Field(pattern=r"^[0-9]{20}$")]

LAPTOP_OIN: Final = "00000001810207357000"
"""The exchange's own OIN until one is configured: the one that published clients are tried out with."""


_UNKNOWN: Final = "extra_forbidden"
_METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


class Settings(BaseSettings):
    """What one exchange is told.

    Attributes
    ----------
    oin : of the exchange itself.
    exchange : OIN of the exchange that may ask our sources (bronnen), by default `oin`.
    address : by which callers reach us, for the document of our own API.
    store : SQLAlchemy URL of the store, SQLite or PostgreSQL; by default a file in `state`.
    state : folder of the indexes, keys and checkpoints.
    identity : "proxy", where a TLS proxy passes the certificate of whoever asks; "laptop", where headers are
        believed, from this machine only.
    socket : Unix socket that only the proxy can reach; `host` and `port` where there is none.
    trusted : addresses of the proxy, where it comes over TCP. Certificates from elsewhere are not read.
    certificate, private_key, authorities : PEM files with which remote sources are asked and checked.
    private_networks : whether a remote source may be at an address of a private network or of this machine,
        which nobody outside can reach; the laptop may ask there anyway.
    checkpoints : file of the signed checkpoints of the log: keep it where the store's administrator can't
        write.
    deadline_seconds : how long one question waits for its sources, in all.
    matches, details, question_days : limits of one question.
    body_bytes, depth, width : limits of what is parsed: bytes, levels, elements and properties in all.
    batch_bytes : most bytes of a batch of records, whose width isn't limited but by that.
    source_bytes : most bytes of one answer of a source.
    busy : requests that a worker takes on at a time; beyond that it answers 503 at once.
    drain_seconds : how long a worker that is asked to stop finishes what it took on.
    log_level : the least that is logged.
    """

    model_config = SettingsConfigDict(env_prefix="KOPPEL_", extra="forbid", frozen=True)

    oin: Oin = LAPTOP_OIN
    exchange: Oin | None = None
    address: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")] = "https://koppel.example.nl"
    store: str = ""
    state: Path = Path("koppel-state")
    identity: Literal["proxy", "laptop"] = "proxy"
    socket: Path | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    trusted: tuple[str, ...] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    authorities: Path | None = None
    private_networks: bool = False
    checkpoints: Path | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    deadline_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    matches: Annotated[int, Field(ge=1, le=100)] = 100
    details: Annotated[int, Field(ge=1, le=100)] = 10
    question_days: Annotated[int, Field(ge=1, le=31)] = 7
    body_bytes: Annotated[int, Field(ge=1024)] = 256 * 1024
    depth: Annotated[int, Field(ge=8, le=64)] = 24
    width: Annotated[int, Field(ge=100)] = 5_000
    batch_bytes: Annotated[int, Field(ge=1024)] = 1024 * 1024
    source_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024 * 1024
    busy: Annotated[int, Field(ge=1)] = 256
    drain_seconds: Annotated[int, Field(ge=1, le=60)] = 8
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("trusted")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_address(each)) for each in addresses)
        except ValueError:
            raise ValueError("IP addresses") from None

    @model_validator(mode="after")
    def _laptop_stays_at_home(self) -> Settings:
        if self.identity == "laptop" and not (self.socket or _loopback(self.host)):
            raise ValueError("identity laptop believes headers, so it listens on this machine only")
        if self.identity == "proxy" and not (self.socket or self.trusted):
            raise ValueError("identity proxy needs a socket, or the trusted addresses of the proxy")
        return self

    @property
    def place(self) -> str:
        """Where it listens without a socket, as it stands in a URL: host:port, or [host]:port."""
        host = self.host.strip("[]")
        return f"{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def store_url(self) -> str:
        """The URL of the store."""
        return self.store or f"sqlite:///{self.state / 'koppel.db'}"

    @property
    def checkpoint_file(self) -> Path:
        """The file of the signed checkpoints."""
        return self.checkpoints or self.state / "checkpoints.jsonl"

    @property
    def keys_file(self) -> Path:
        """The file of the keys of vumIDs."""
        return self.state / "keys.json"

    @property
    def index_folder(self) -> Path:
        """The folder of the index of the hosted sources."""
        return self.state / "index"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment go before what the file says."""
        return env_settings, init_settings


def read_settings(path: Path | None = None, **defaults: Any) -> Settings:
    """Read the configuration.

    path : TOML file with the names of the attributes. defaults : stand where neither says anything.

    Raises FileError, which names the place, what is allowed and the remedy.
    """
    told: dict[str, Any] = dict(defaults)
    subject = "the environment" if path is None else str(path)
    if path is not None:
        text = decoded(b"".join(read_pieces(path)), path)
        try:
            told |= tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            raise FileError(str(path), f"not TOML: {problem}", remedy="Mend that line.") from problem
    try:
        return Settings(**told)
    except ValidationError as problem:
        # Never the value: it may be a password.
        faults = [
            f"{'.'.join(map(str, each['loc'])) or 'settings'}: {_said(each)}" for each in problem.errors()
        ]
        unknown = any(each["type"] == _UNKNOWN for each in problem.errors())
        raise FileError(
            subject,
            "; ".join(faults),
            ", ".join(Settings.model_fields) if unknown else "",
            "See `koppel serve --help` for the settings.",
        ) from problem


def _said(fault: ErrorDetails) -> str:
    return "no setting" if fault["type"] == _UNKNOWN else fault["msg"]


def share_processors(workers: int) -> None:
    """Have each of so many workers start its share of threads, before Polars is used: that reads it."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))


def use_metrics_folder(folder: Path) -> None:
    """Have workers keep their counts in an empty folder, before `api.metrics` is imported: that reads it."""
    os.environ[_METRICS_FOLDER] = str(folder)


def metrics_folder() -> Path | None:
    """Give the folder with the counts of all workers, None where this process counts for itself."""
    named = os.environ.get(_METRICS_FOLDER)
    return Path(named) if named else None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
