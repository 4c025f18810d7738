"""The server: gunicorn, whose workers are forked from one process that has imported everything.

What is imported and opened, and the kernels, are then in memory once. The index is opened by each worker,
since Polars starts threads when it is used, and no thread lives on in a process that is forked off; its files
are mapped, so they too are in memory once.

    SIGTERM   stop: finish what was taken on, within `drain_seconds`
    SIGHUP    new workers, then the old ones stop: keys and certificates are read anew, no request fails
    SIGUSR2   a new server beside this one, of the version that is installed now; then SIGTERM to the old one
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from uvicorn import Config, Server
from uvicorn_worker import UvicornWorker

from api.commands.console import note
from api.config import share_processors, use_metrics_folder
from api.logs import ForeignHandler, configure
from data.errors import KoppelError, QuestionError
from engine.loading import Signatures, load_kernels, loaded_kernels

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.config import Settings

__all__ = ["apart", "check_port", "prepare", "serve"]

T = TypeVar("T")

_HUNG_SECONDS: Final = 30
_NOTIFY_SECONDS: Final = 2
_OBJECTS: Final = 50_000
"""How many more objects there are before the collector looks for cycles among them."""

_IDLE_SECONDS: Final = 15
_LEAVE_SECONDS: Final = 0.5
_ONLY_OWNER_AND_GROUP: Final = 0o117


def serve(settings: Settings) -> None:
    """Serve until a signal says stop.

    Raises KoppelError where the store, keys or index can't be opened: before any worker starts.
    """
    share_processors(settings.workers)
    load_kernels(apart(prepare, settings))
    configure(settings.log_level)
    with TemporaryDirectory(prefix="koppel-metrics-") as folder:
        use_metrics_folder(Path(folder))
        _Server(settings).run()


def check_port(settings: Settings) -> None:
    """Raise QuestionError where the port can't be listened on; later the server only fails after a while."""
    # A server that is started beside another, or by systemd, listens already: it is handed the socket.
    if settings.socket or "GUNICORN_FD" in os.environ or "LISTEN_FDS" in os.environ:
        return
    try:
        with socket(AF_INET6 if ":" in settings.host else AF_INET) as tried:
            tried.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            tried.bind((settings.host.strip("[]"), settings.port))
    except OSError as problem:
        taken = problem.errno == errno.EADDRINUSE
        raise QuestionError(
            settings.place,
            "in use by another program" if taken else f"can't be listened on: {problem.strerror}",
            remedy="Stop it, or give another --port." if taken else "Give another host or --port.",
        ) from problem


def prepare(settings: Settings) -> Signatures:
    """Open everything once, and build the index where there is none, so that workers only open it.

    Gives how the kernels are called.
    """
    from api.services import open_services
    from api.v1.records import drop_left_batches

    drop_left_batches(settings.state)
    services = open_services(settings)
    services.prepare()
    services.store.close()
    return loaded_kernels()


def apart(work: Callable[[Settings], T], settings: Settings) -> T:
    """Do something in a process of its own, so that the threads it starts aren't there when workers fork.

    Ends this process with the same exit code where it fails.
    """
    context = get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_told, args=(work, settings, sending))
    process.start()
    sending.close()
    try:
        answer: T = receiving.recv()
    except EOFError:
        process.join()
        code = process.exitcode or 1
        raise SystemExit(code if code > 0 else 128 - code) from None
    process.join()
    return answer


def _told(work: Callable[[Settings], object], settings: Settings, sending: Connection) -> None:
    try:
        sending.send(work(settings))
    except KoppelError as problem:
        note(f"Error: {problem}")
        raise SystemExit(problem.exit_code) from None


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, configured."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        told: dict[str, Any] = {
            "bind": f"unix:{settings.socket}" if settings.socket else settings.place,
            "umask": _ONLY_OWNER_AND_GROUP,
            "workers": settings.workers,
            "worker_class": _worker(settings),
            "logger_class": _Logger,
            "loglevel": settings.log_level.lower(),
            "preload_app": True,
            "timeout": _HUNG_SECONDS,
            "graceful_timeout": settings.drain_seconds + 2,
            "keepalive": _IDLE_SECONDS,
            "control_socket_disable": True,
            "child_exit": _worker_ended,
        }
        for name, value in told.items():
            self.cfg.set(name, value)

    def reload(self) -> None:
        """Open everything anew; where that fails, go on with what there is."""
        super().reload()
        try:
            self.callable = self.load()
        except KoppelError as problem:
            note(f"Error: {problem}")

    def load(self) -> ASGIApp:
        app = load(self._settings)
        # What is there now is never looked at by the collector again: its pages stay shared. An answer makes
        # thousands of objects that go with it, and hardly a cycle: to look for cycles seldom is enough.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
        return app


def load(settings: Settings) -> ASGIApp:
    """Import everything and open the application, without starting a thread that has work to do."""
    import data.taxonomy.linking  # noqa: F401
    import engine.nearest
    import engine.placement  # noqa: F401
    from api.app import create_app

    return create_app(settings)


class _Draining(Server):
    """A server that is left before it closes: who has just connected, or is about to ask again, is answered.

    It accepts nobody new, and closes a connection with the answer that it gives on it; after `_LEAVE_SECONDS`
    the connections on which nothing was asked.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._draining = False

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stop (uvicorn)."""
        self._draining = True
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        await asyncio.sleep(_LEAVE_SECONDS)
        await super().shutdown(sockets)

    def closing(self, app: ASGIApp) -> ASGIApp:
        """Give an application whose answers say that the connection closes, where it does."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                if self._draining and message["type"] == "http.response.start":
                    message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
                await send(message)

            await app(scope, receive, sending)

        return answer


def _worker(settings: Settings) -> type[UvicornWorker]:
    from api.protocol import Protocol

    class Worker(UvicornWorker):  # type: ignore[misc]
        # Who is on the other end is told by the socket and the certificate, and by no header of a proxy.
        CONFIG_KWARGS = {  # noqa: RUF012
            "loop": "uvloop",
            "http": Protocol,
            "ws": "none",
            "lifespan": "on",
            "proxy_headers": False,
            "server_header": False,
            "access_log": False,
            "timeout_graceful_shutdown": settings.drain_seconds,
            "timeout_notify": _NOTIFY_SECONDS,
        }

        async def _serve(self) -> None:
            self._server = server = _Draining(self.config)
            self.config.app = server.closing(self.wsgi)
            self._install_sigquit_handler()
            await server.serve(sockets=self.sockets)
            if not server.started:
                raise SystemExit(Arbiter.WORKER_BOOT_ERROR)

        async def callback_notify(self) -> None:
            await super().callback_notify()
            # Whoever forked it was killed: nobody would ever stop it, and it would keep the address.
            if os.getppid() != self.ppid:
                self._server.should_exit = True

    return Worker


def _worker_ended(_: Any, worker: Any) -> None:
    from api.metrics import forget_worker

    forget_worker(worker.pid)


class _Logger(Logger):  # type: ignore[misc]
    """Gunicorn's log, in the form and with the reserve of ours."""

    def setup(self, cfg: Any) -> None:
        self.cfg, self.loglevel, self._access_log_enabled = (
            cfg,
            logging.getLevelName(cfg.loglevel.upper()),
            False,
        )
        self.error_log.handlers = [ForeignHandler()]
        self.error_log.setLevel(self.loglevel)
        self.access_log.handlers = [logging.NullHandler()]
