"""A ZeroMQ socket that loses its peer and finds it again, and says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from sklearn_sfx._extras import require
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.streams._protocols import Notice

__all__ = ["Connection", "zmq"]

LARGEST = 2**32  # bytes of one part of a message, beyond which it is refused
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0  # between two tries to connect
SILENT_S = 10.0
GONE = "has gone"
TICK_S = 0.1  # in which a stop is seen
LAST_S = 0.5  # for what has come when it stops


def zmq() -> Any:
    """Return pyzmq, or say how to get it."""
    return require("zmq", extra="stream", what="Streams over the network")


class Connection:
    """Messages of one peer, and notices of how it comes and goes.

    Parameters
    ----------
    address : str
        As ZeroMQ has it: ``tcp://host:port``.
    kind : {"PULL", "SUB", "REQ"}
        Of the socket. REQ asks for each message with ``next``.
    held : int
        Messages that wait in the socket, at the most, so that memory is bounded.
    silent_s : float
        After so many seconds without a message one is told.
    """

    def __init__(self, address: str, kind: str, held: int = 1, silent_s: float = SILENT_S):
        self.address, self._kind, self._held, self._silent_s = address, kind, held, silent_s
        self._tries, self._is_told = 0, False

    def messages(self, stop: threading.Event) -> Iterator[list[bytes] | Notice]:
        """Yield the parts of each message, as bytes, until `stop` is set.

        What waits in the socket then is still given. The context is closed at the end.

        Raises
        ------
        InputError
            The address is none.
        """
        context = zmq().Context()
        context.linger = 0
        try:
            while not stop.is_set():
                with closing(_Link(context, self.address, self._kind, self._held)) as link:
                    yield from self._receive(link, stop)
                stop.wait(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._tries))
                self._tries = min(self._tries + 1, 10)
        finally:
            context.term()

    def _receive(self, link: _Link, stop: threading.Event) -> Iterator[list[bytes] | Notice]:
        """Yield messages until the peer has gone, or it stops."""
        heard, is_silent, until = time.monotonic(), False, None
        while until is None or time.monotonic() < until:
            if stop.is_set() and until is None:
                until = time.monotonic() + LAST_S
            if not stop.is_set():
                link.ask()
            parts = link.receive(0.0 if until else TICK_S)
            if parts is not None:
                heard, is_silent, self._tries, self._is_told = time.monotonic(), False, 0, False
                yield parts
                continue
            if until is not None:
                return
            state = link.state()
            if state == "connected":
                self._is_told = False
                yield Notice("connected", f"connected to {self.address}")
            elif state and not self._is_told:
                self._is_told = True
                yield Notice("connection", f"{self.address} {state}; trying again")
            if state == GONE:
                while (parts := link.receive(0.0)) is not None:
                    yield parts
                return
            if not is_silent and time.monotonic() - heard > self._silent_s:
                is_silent = True
                yield Notice(
                    "silent", f"nothing has come from {self.address} for {self._silent_s:g} s"
                )


class _Link:
    """One socket and its monitor."""

    def __init__(self, context: Any, address: str, kind: str, held: int):
        self._zmq = zmq()
        self._is_request = kind == "REQ"
        self._asked = False
        self._socket = context.socket(getattr(self._zmq, kind))
        self._socket.setsockopt(self._zmq.MAXMSGSIZE, LARGEST)
        self._socket.setsockopt(self._zmq.RCVHWM, held)
        self._socket.setsockopt(self._zmq.RECONNECT_IVL, int(1000 * FIRST_PAUSE_S))
        self._socket.setsockopt(self._zmq.RECONNECT_IVL_MAX, int(1000 * LONGEST_PAUSE_S))
        if kind == "SUB":
            self._socket.setsockopt(self._zmq.SUBSCRIBE, b"")
        self._monitor = self._socket.get_monitor_socket()
        try:
            self._socket.connect(address)
        except self._zmq.ZMQError as error:
            self.close()
            why = self._zmq.strerror(error.errno)
            raise InputError(f"{address} is no address to connect to: {why}.") from error

    def ask(self) -> None:
        """Send the request that REQ has to send before each message."""
        if self._is_request and not self._asked:
            self._socket.send(b"next", self._zmq.NOBLOCK)
            self._asked = True

    def receive(self, wait_s: float) -> list[bytes] | None:
        """Return the next message; None if none comes, or if something else happens first."""
        poller = self._zmq.Poller()
        poller.register(self._socket, self._zmq.POLLIN)
        poller.register(self._monitor, self._zmq.POLLIN)
        if self._socket not in dict(poller.poll(int(1000 * wait_s))):
            return None
        parts: list[bytes] = self._socket.recv_multipart()
        self._asked = False
        return parts

    def state(self) -> str:
        """Return what has happened to the connection since, in words; "" for nothing."""
        from zmq.utils.monitor import recv_monitor_message

        event = self._zmq.Event
        said = ""
        while self._monitor.poll(0):
            happened = recv_monitor_message(self._monitor)["event"]
            if happened == event.HANDSHAKE_SUCCEEDED:
                said = "connected"
            elif happened == event.DISCONNECTED:
                return GONE
            elif happened == event.CONNECT_RETRIED:
                said = "does not answer"
        return said

    def close(self) -> None:
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)
