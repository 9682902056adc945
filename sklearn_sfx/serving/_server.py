"""A server of pages for one person: started, and stopped cleanly."""

from __future__ import annotations

import errno
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

from sklearn_sfx._extras import require
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.serving._guard import Guard, is_loopback, new_token

__all__ = ["PageServer"]

PORT = 8765  # tried first, so that a forwarded port stays the same
MOST = 65535
N_PORTS = 20  # tried in turn
MOST_CLIENTS = 256  # at once; each that hangs holds an answer
PATIENCE_S = 2.0  # for clients that are still being answered at the end
START_S = 30.0
TICK_S = 0.2  # how soon a signal is noticed


class PageServer:
    """Serve an application to a browser, on this machine unless another address is asked for.

    It runs in a thread of its own, so a client that hangs keeps nothing else from going on, and
    ends with the ``with`` block whatever clients do.

    Parameters
    ----------
    app : ASGI application
        What answers, behind a `Guard`.
    host : str, default="127.0.0.1"
        Address to listen on; "0.0.0.0" is every one that the machine has.
    port : int, optional
        By default 8765, or one that is free; 0 is any.
    token : str, optional
        What who asks has to have; by default a new one.

    Attributes
    ----------
    url : str
        The address to open, with the token.

    Raises
    ------
    InputError
        The address or the port cannot be had, or uvicorn is not installed.

    Examples
    --------
    >>> import httpx
    >>> from starlette.applications import Starlette
    >>> from starlette.responses import PlainTextResponse
    >>> from starlette.routing import Route
    >>> from sklearn_sfx.serving import PageServer
    >>> page = Route("/", lambda request: PlainTextResponse("a page"))
    >>> with PageServer(Starlette(routes=[page]), port=0) as server:
    ...     httpx.get(server.url, trust_env=False).text
    'a page'
    """

    def __init__(
        self,
        app: Any,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        token: str | None = None,
    ):
        uvicorn = require("uvicorn", extra="label", what="Served pages")
        self._ended = threading.Event()
        self._socket = _listening(host, port)
        token = new_token() if token is None else token
        self.port = self._socket.getsockname()[1]
        self.is_local = is_loopback(host)
        name = socket.getfqdn() if host in ("0.0.0.0", "::", "") else host
        name = f"[{name}]" if ":" in name else name
        self.url = f"http://{name}:{self.port}/?token={token}"
        config = uvicorn.Config(
            Guard(app, token, host),
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,  # it would hold the token
            server_header=False,
            limit_concurrency=MOST_CLIENTS,
            timeout_graceful_shutdown=int(PATIENCE_S),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True, name="pages")

    def __enter__(self) -> Self:
        self._thread.start()
        until = time.monotonic() + START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the server of pages did not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(2 * PATIENCE_S)
        self._socket.close()

    def wait(self) -> None:
        """Wait until `stop` is called, or a signal asks the process to end (Ctrl-C, ``kill``)."""
        with _noticing(self.stop):
            while not self._ended.wait(TICK_S):
                if not self._thread.is_alive():
                    return

    def stop(self) -> None:
        """Let `wait` return; what is being answered is answered still."""
        self._ended.set()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


@contextmanager
def _noticing(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at Ctrl-C and at SIGTERM, where signals can be noticed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def noticed(number: int, frame: FrameType | None) -> None:
        stop()

    before = {one: signal.signal(one, noticed) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _listening(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens there."""
    if port is not None and not 0 <= port <= MOST:
        raise InputError(f"A port is a number from 0 to {MOST}, got {port}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    *first, last = [*range(PORT, PORT + N_PORTS), 0] if port is None else [port]
    for one in first:
        with suppress(OSError):
            return socket.create_server((host, one), family=family)
    try:
        return socket.create_server((host, last), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"{host}: port {port} is in use; name another, or 0 for any."
            ) from error
        raise InputError(
            f"{host}: it is not possible to listen on port {last} there "
            f"({error.strerror or error}); name an address of this machine, or 127.0.0.1."
        ) from error
