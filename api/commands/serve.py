"""`koppel serve`: the exchange, as a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands.console import note
from api.commands.opened import Config

if TYPE_CHECKING:
    from api.config import Settings

SETTINGS: Final = {
    "oin": "OIN of this exchange.",
    "exchange": "OIN of the exchange that may ask our sources, if another.",
    "address": "By which callers reach us: https://host.",
    "store": "sqlite:/// or postgresql:// URL; by default a file in state.",
    "state": "Folder of indexes, keys and checkpoints; by default koppel-state.",
    "identity": "proxy (certificates, by default) or laptop (headers are believed).",
    "socket": "Unix socket that only the proxy can reach.",
    "host": "Where to listen without a socket; by default 127.0.0.1.",
    "port": "Port, without a socket; by default 8000.",
    "trusted": "Addresses of the proxy, where it comes over TCP.",
    "certificate": "PEM file with which remote sources are asked.",
    "private_key": "PEM file of its key.",
    "authorities": "PEM file by which remote sources are checked.",
    "private_networks": "true: sources may be at private addresses.",
    "checkpoints": "File of signed checkpoints; by default in state.",
    "workers": "Worker processes, 1 to 64; by default 1.",
    "deadline_seconds": "How long a question waits, at most 60; by default 10.",
    "matches": "Most matches of a source, 1 to 100; by default 100.",
    "details": "Most details of a question, 1 to 100; by default 10.",
    "question_days": "How long a question lives, 1 to 31; by default 7.",
    "body_bytes": "Most bytes of a request.",
    "depth": "Most levels in a request, 8 to 64.",
    "width": "Most elements and properties in a request.",
    "batch_bytes": "Most bytes of a batch of records.",
    "source_bytes": "Most bytes of one answer of a source.",
    "busy": "Requests that a worker takes on at a time.",
    "drain_seconds": "How long a worker that stops goes on, 1 to 60; by default 8.",
    "log_level": "The least that is logged: DEBUG, INFO, WARNING or ERROR.",
}
"""The settings, each in one line. Here, since reading them from the configuration would import all of it."""

EXAMPLE: Final = """Example: koppel serve --laptop

In production a TLS proxy stands in front (api/deploy/nginx.conf), which passes the certificate of whoever
asks, and a file says how:

    oin = "00000001234567890000"            # of this exchange

    socket = "/run/koppel/koppel.sock"      # only the proxy can reach it

    state = "/var/lib/koppel"               # indexes, keys

    store = "postgresql://koppel@db/koppel" # else SQLite, in state

    checkpoints = "/mnt/witness/koppel.jsonl"   # where the store's administrator can't write

    workers = 4

Then once: koppel store migrate, koppel keys create, koppel audit keys create, all with --config FILE; and
koppel serve --config FILE. SIGTERM stops, SIGHUP restarts the workers without a failed request.

All settings; each may also be a variable, as KOPPEL_WORKERS=4:

""" + "\n".join(f"  {name}: {says}" for name, says in SETTINGS.items())


def serve(
    config: Config = None,
    laptop: Annotated[
        bool,
        typer.Option(
            "--laptop",
            help="Try it out: callers of this machine, no certificates, made-up parties and records.",
        ),
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Worker processes.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, where no socket is set.")] = None,
) -> None:
    """Serve the exchange: the VUM contracts, Koppel's own API and, for the operator, health and metrics."""
    from api.config import read_settings
    from api.server import apart, check_port
    from api.server import serve as run
    from data.errors import FileError

    settings = read_settings(config, **({"identity": "laptop"} if laptop else {}))
    if laptop != (settings.identity == "laptop"):
        raise FileError(
            str(config or "the environment"),
            f"identity {settings.identity}",
            'identity = "laptop" with --laptop, and no other without',
        )
    told = {name: value for name, value in (("workers", workers), ("port", port)) if value is not None}
    settings = settings.model_copy(update=told)
    check_port(settings)
    if laptop:
        apart(_set_up, settings)
        _warn(settings)
    run(settings)


def _set_up(settings: Settings) -> None:
    from api.laptop import set_up

    note(f"Setting up {settings.state}: store, keys, an example registry, made-up records ...")
    set_up(settings)


def _warn(settings: Settings) -> None:
    from api.laptop import DORP, PROCESSOR

    url = f"http://{settings.place}"
    headers = " \\\n    ".join(
        f"-H '{name}: {value}'"
        for name, value in (
            ("Content-Type", "application/json"),
            ("X-VUM-berichtVersie", "3.0.0"),
            ("API-Version", "3.0.0"),
            ("X-VUM-fromParty", DORP),
            ("X-VUM-toParty", settings.oin),
            ("X-VUM-viaParty", PROCESSOR),
        )
    )
    vacancy = '{"adres": {"postcode": "6511AB"}, "beroep": {"codeBeroepsnaam": "urn:koppel:beroep:kok"}}'
    question = '{"vraagObject": {"selectiegebied": {"postcode": "6511AB", "afstand": 15}}}'
    told = f"""
  ****************************************************************************
  *  LAPTOP MODE: there are no certificates, whoever calls from this machine *
  *  is believed to be who it says. Never put data of real people in here.   *
  ****************************************************************************

Ask, for instance:

  curl {url}/vum/v3/werkzoekendeProfielen/matches \\
    {headers} \\
    -d '{question}'

  curl {url}/v1/rankings -H 'Content-Type: application/json' -H 'X-VUM-viaParty: {settings.oin}' \\
    -d '{{"vacature": {vacancy}, "top": 3}}'

  curl '{url}/v1/titles?title=heftruckchauffeur'
"""
    for line in told.splitlines():
        note(line)
