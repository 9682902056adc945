"""Peers of the streams, each ended after its test, and a reader that never waits for ever."""

import threading
import time

import pytest

from sklearn_sfx.streams import LiveFrames, Notice

zmq = pytest.importorskip("zmq")

PATIENCE_S = 20


@pytest.fixture
def context():
    with zmq.Context() as context:
        context.linger = 0
        yield context
        context.destroy(0)


@pytest.fixture
def bound(context):
    """Return what makes a socket of a kind, at a port of its own or a given one."""

    sockets = []

    def make(kind, port=None):
        socket = context.socket(kind)
        sockets.append(socket)
        socket.setsockopt(zmq.SNDTIMEO, 1000 * PATIENCE_S)
        socket.setsockopt(zmq.RCVTIMEO, 1000 * PATIENCE_S)
        if port is None:
            return socket, socket.bind_to_random_port("tcp://127.0.0.1")
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.bind(f"tcp://127.0.0.1:{port}")
                return socket, port
            except zmq.ZMQError:  # the one before is still being closed
                assert time.monotonic() < until
                time.sleep(0.02)

    yield make
    for socket in sockets:
        socket.close(0)


class Reader:
    """Reads a source in a thread, as the watch does."""

    def __init__(self, source):
        self.stop, self.items, self.error = threading.Event(), [], None
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(source,), daemon=True)
        self._thread.start()

    def _read(self, source):
        try:
            for item in source.arrivals(self.stop):
                with self._more:
                    self.items.append(item)
                    self._more.notify_all()
        except Exception as error:
            self.error = error

    @property
    def frames(self):
        return [item for item in self.items if isinstance(item, LiveFrames)]

    @property
    def notices(self):
        return [item for item in self.items if isinstance(item, Notice)]

    @property
    def identifiers(self):
        return [origin.identifier for live in self.frames for origin in live.frames.sources]

    def kinds(self, *left_out):
        return [notice.kind for notice in self.notices if notice.kind not in left_out]

    def wait_for(self, condition):
        """Wait until something holds of what came so far."""
        with self._more:
            came = self._more.wait_for(lambda: condition(self), PATIENCE_S)
        assert self.error is None, self.error
        assert came, self.items

    def end(self):
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@pytest.fixture
def reading():
    """Return what starts to read a source; all are stopped at the end."""
    readers = []

    def start(source):
        readers.append(Reader(source))
        return readers[-1]

    yield start
    for reader in readers:
        reader.end()
