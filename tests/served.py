"""A server of an ASGI application in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import uvicorn

from api.protocol import Protocol


@contextmanager
def served(
    app: Any, *, unix_socket: Path | None = None, lifespan: Literal["on", "off"] = "off"
) -> Iterator[str]:
    """Serve an application on the loopback interface or a Unix socket; gives its URL, "" for a socket."""
    config = uvicorn.Config(
        app,
        uds=None if unix_socket is None else str(unix_socket),
        http=Protocol,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        sockets = None if unix_socket else [listening]
        thread = threading.Thread(target=server.run, args=(sockets,))
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield "" if unix_socket else f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
