"""Hits for whoever asks for them: CrystFEL, or a program of one's own."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
from collections import deque
from typing import Any

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import HC_EV_ANGSTROM
from sklearn_sfx.streams._hits import Hit, hits_of
from sklearn_sfx.streams._protocols import ScoredFrames
from sklearn_sfx.streams.network._connection import zmq

__all__ = ["HitPublisher"]

MOST_BYTES = 256 * 2**20  # of hits that wait to be asked for
MOST_WAITING = 1000  # clients that wait for a hit
LARGEST_REQUEST = 1024  # bytes
HEARTBEAT_MS = 5000  # after which a client that is gone is looked for
LINGER_MS = 1000  # for what was given and is not sent yet


class HitPublisher:
    """Answers each request ``next`` with one hit that nobody else gets.

    Hits are given in the order in which they were found. Those that nobody has asked for wait, up
    to `most_bytes`; then the oldest are dropped, and counted. A client that asks when there is none
    waits for the next. To a client that has gone nothing is given.

    Parameters
    ----------
    address : str
        ``tcp://127.0.0.1:12322``, or ``tcp://*:12322`` for clients on other machines.
    most_bytes : int
        What waits, in bytes; one hit at the least.

    Attributes
    ----------
    address : str
        Where it answers.
    n_given, n_dropped : int
        Hits that were given to a client, and that nobody asked for in time.

    Raises
    ------
    InputError
        The address is none, or is taken.

    Notes
    -----
    A hit is a MessagePack map, as ``indexamajig --zmq-input=... --zmq-request=next
    --data-format=msgpack`` reads it: ``detector_data`` is a map of ``type`` ("<f4"), ``shape``
    (slow and fast scan) and ``data`` (bytes), in which a pixel that is not to be used is NaN;
    ``peak_list`` has ``num_peaks``, ``fs``, ``ss``, ``intensity``, ``snr`` and ``num_pixels``;
    ``event_id`` and ``hit_probability`` are there always, ``beam_energy`` (eV),
    ``detector_distance`` (mm) and ``timestamp`` (s) where they are known. Any other request is
    answered with a map that has an ``error``.

    Examples
    --------
    >>> import msgpack, zmq
    >>> import numpy as np
    >>> from sklearn_sfx.screening import Scores
    >>> from sklearn_sfx.streams import HitPublisher, ScoredFrames, arrived_frames
    >>> frames = arrived_frames(np.ones((1, 8, 9), np.uint16))
    >>> scores = Scores(frames.sources, np.array([0.9]), np.array([True]), None, 0.5)
    >>> publisher = HitPublisher("tcp://127.0.0.1:*")
    >>> publisher.add(ScoredFrames(frames, scores, np.zeros(1)))
    >>> with zmq.Context() as context, context.socket(zmq.REQ) as client:
    ...     with client.connect(publisher.address):
    ...         client.send(b"next")
    ...         hit = msgpack.unpackb(client.recv())
    >>> hit["detector_data"]["shape"], hit["peak_list"]["num_peaks"]
    ([8, 9], 0)
    >>> publisher.close()
    """

    def __init__(self, address: str, *, most_bytes: int = MOST_BYTES):
        self._zmq, self._pack = zmq(), _packer()
        self._most_bytes = most_bytes
        self._hits: deque[bytes] = deque()
        self._n_bytes = 0
        self._lock = threading.Lock()
        self._is_over = False
        self.n_given = self.n_dropped = 0
        self._context = self._zmq.Context()
        self._router = self._context.socket(self._zmq.ROUTER)
        self._router.setsockopt(self._zmq.LINGER, LINGER_MS)
        self._router.setsockopt(self._zmq.ROUTER_MANDATORY, 1)
        self._router.setsockopt(self._zmq.MAXMSGSIZE, LARGEST_REQUEST)
        self._router.setsockopt(self._zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        try:
            self._router.bind(address)
        except self._zmq.ZMQError as error:
            self._router.close(0)
            self._context.term()
            why = self._zmq.strerror(error.errno)
            how = "" if error.errno == self._zmq.EADDRINUSE else "; write it as tcp://HOST:PORT"
            raise InputError(f"{address}: hits cannot be given there ({why}){how}.") from error
        self.address = self._router.getsockopt_string(self._zmq.LAST_ENDPOINT)
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def add(self, block: ScoredFrames) -> None:
        """Let the hits of a block be asked for.

        Parameters
        ----------
        block : ScoredFrames, of frames of shape (n_frames, height, width)
            What was scored.

        Raises
        ------
        InputError
            A frame cannot be read any more.
        """
        for hit in hits_of(block):
            message = self._pack(_map_of(hit))
            with self._lock:
                self._hits.append(message)
                self._n_bytes += len(message)
                while self._n_bytes > self._most_bytes and len(self._hits) > 1:
                    self._n_bytes -= len(self._hits.popleft())
                    self.n_dropped += 1
            self._wake_up()

    def close(self) -> None:
        """End; hits that nobody has asked for are dropped."""
        if self._is_over:
            return
        self._is_over = True
        self._wake_up()
        self._thread.join()
        self.n_dropped += len(self._hits)
        self._hits.clear()
        self._wake.close()
        self._woken.close()
        self._context.term()

    def _wake_up(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is awake already
            self._wake.send(b"\0")

    def _serve(self) -> None:
        waiting: dict[bytes, list[bytes]] = {}
        poller = self._zmq.Poller()
        poller.register(self._router, self._zmq.POLLIN)
        poller.register(self._woken, self._zmq.POLLIN)
        try:
            while not self._is_over:
                poller.poll()
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
                self._take_requests(waiting)
                while waiting and self._give(waiting):
                    pass
        finally:
            self._router.close()

    def _take_requests(self, waiting: dict[bytes, list[bytes]]) -> None:
        """Note who waits, by who it is: one that asks again has given up its first request."""
        while True:
            try:
                *envelope, request = self._router.recv_multipart(self._zmq.NOBLOCK)
            except self._zmq.Again:
                return
            if not envelope:
                continue
            if request == b"next" and (len(waiting) < MOST_WAITING or envelope[0] in waiting):
                waiting[envelope[0]] = envelope
            else:
                why = "too many clients wait" if request == b"next" else "ask for: next"
                self._send(envelope, self._pack({"error": why}))

    def _give(self, waiting: dict[bytes, list[bytes]]) -> bool:
        """Give the oldest hit to who has waited longest; False when there is none."""
        with self._lock:
            if not self._hits:
                return False
            message = self._hits.popleft()
            self._n_bytes -= len(message)
        while waiting:
            envelope = waiting.pop(next(iter(waiting)))
            self.n_given += 1  # before a client can have it
            if self._send(envelope, message):
                return True
            self.n_given -= 1
        with self._lock:  # all have gone
            self._hits.appendleft(message)
            self._n_bytes += len(message)
        return False

    def _send(self, envelope: list[bytes], message: bytes) -> bool:
        """Whether the client is still there."""
        try:
            self._router.send_multipart([*envelope, message], self._zmq.NOBLOCK)
        except self._zmq.ZMQError:
            return False
        return True


def _packer() -> Any:
    msgpack = require("msgpack", extra="stream", what="Hits for other programs")
    return msgpack.Packer(use_bin_type=True, autoreset=True).pack


def _map_of(hit: Hit) -> dict[str, Any]:
    """Return a hit as CrystFEL wants it."""
    pixels = np.where(hit.usable, hit.pixels, np.float32(np.nan)).astype("<f4")
    peaks = hit.peaks
    said: dict[str, Any] = {
        "detector_data": {
            "type": "<f4",
            "shape": list(pixels.shape),
            "data": pixels.tobytes(),
        },
        "event_id": hit.name.encode("utf-8", "backslashreplace").decode(),
        "hit_probability": hit.probability,
        "peak_list": {
            "num_peaks": len(peaks.row),
            "fs": peaks.column.tolist(),
            "ss": peaks.row.tolist(),
            "intensity": peaks.intensity.tolist(),
            "snr": peaks.snr.tolist(),
            "num_pixels": peaks.n_pixels.tolist(),
        },
    }
    known = {
        "beam_energy": HC_EV_ANGSTROM / hit.wavelength,
        "detector_distance": hit.distance,
        "timestamp": hit.timestamp,
    }
    return said | {name: value for name, value in known.items() if math.isfinite(value)}
