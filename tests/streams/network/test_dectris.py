"""Frames of a DECTRIS detector come whole, each once, whatever else is sent."""

import socket
import struct
import time

import numpy as np
import pytest

from tests.streams.network import stream_v2
from tests.streams.network.test_stream_v2_messages import mutants

zmq = pytest.importorskip("zmq")
pytest.importorskip("cbor2")

from sklearn_sfx.streams import DectrisSource  # noqa: E402

SHAPE = (40, 60)


def pixels_of(number):
    pixels = np.random.default_rng(number).poisson(3, SHAPE).astype(np.uint16)
    pixels[0, :3] = 65535
    return pixels


@pytest.fixture
def detector(bound, reading):
    """Return what sends messages, once the source reads, and the reader of the source."""
    push, port = bound(zmq.PUSH)

    def begin(**options):
        reader = reading(DectrisSource(f"tcp://127.0.0.1:{port}", **options))
        reader.wait_for(lambda r: "connected" in r.kinds())
        return push.send, reader

    return begin


def frame_of(live):
    (frame,) = np.asarray(live.frames)
    return frame


def test_a_series_comes_whole(detector):
    send, reader = detector()
    mask = np.zeros(SHAPE, np.uint32)
    mask[7, 9], mask[8, 8] = 1, 2**30
    send(stream_v2.start(pixels_of(0), mask=mask))
    for number in range(10):
        send(
            stream_v2.image(pixels_of(number), number, algorithm=(None, "lz4", "bslz4")[number % 3])
        )
    send(stream_v2.end())
    reader.wait_for(lambda r: "end" in r.kinds())
    assert reader.identifiers == [f"7:{number}" for number in range(10)]
    assert reader.kinds("connected") == ["start", "end"]
    assert reader.notices[-1].text.endswith("10 of 10 images came here")
    for number, live in enumerate(reader.frames):
        frames, frame = live.frames, frame_of(live)
        usable = (mask == 0) & (pixels_of(number) != 65535)
        np.testing.assert_array_equal(np.isnan(frame), ~usable)
        np.testing.assert_array_equal(frame[usable], pixels_of(number)[usable])
        assert frames.metadata["wavelength"] == [1.25]
        assert frames.metadata["distance"] == [125.0]
        assert frames.beam_center == (20.0, 30.0)
        assert (frames.facts.saturation, frames.facts.no_data) == (50001, (65535.0,))
        assert frames.facts.pixel_size == 0.075
        assert live.nbytes == frame.size * 2
        assert live.arrived.shape == (1,)


@pytest.mark.parametrize(("channel", "number"), [(None, 1), ("threshold_2", 2)])
def test_the_channel_is_chosen_and_the_others_are_named(detector, channel, number):
    send, reader = detector(channel=channel)
    two = {"threshold_1": pixels_of(1), "threshold_2": pixels_of(2)}
    send(stream_v2.start(pixels_of(0), channels=two))
    send(stream_v2.image(two, 0))
    reader.wait_for(lambda r: r.frames)
    (live,) = reader.frames
    np.testing.assert_array_equal(np.asarray(live.frames.as_stored())[0], pixels_of(number))
    assert f"channel threshold_{number} and not threshold_{3 - number}" in reader.notices[-1].text


def test_a_channel_that_is_not_there_is_said(detector):
    send, reader = detector(channel="high")
    send(stream_v2.image(pixels_of(0), 0))
    reader.wait_for(lambda r: "misfit" in r.kinds())
    assert "no channel high, only threshold_1" in reader.notices[-1].text
    assert reader.notices[-1].n_frames == 1
    assert reader.notices[-1].sources[0].identifier == "7:0"


def test_a_mask_of_another_shape_fits_no_image(detector):
    send, reader = detector(mask=np.ones((SHAPE[0], 8), bool))
    send(stream_v2.start(pixels_of(0)))
    send(stream_v2.image(pixels_of(3), 3))
    reader.wait_for(lambda r: "misfit" in r.kinds())
    notice = reader.notices[-1]
    assert "40 x 60 pixels, and the mask 40 x 8: give a mask of the same shape" in notice.text
    assert [origin.identifier for origin in notice.sources] == ["7:3"]


def test_who_joins_late_is_told_and_goes_on(detector):
    send, reader = detector()
    send(stream_v2.image(pixels_of(3), 3))
    send(stream_v2.start(pixels_of(0)))
    send(stream_v2.image(pixels_of(4), 4))
    send(stream_v2.end())
    reader.wait_for(lambda r: "end" in r.kinds())
    assert reader.kinds("connected") == ["late", "start", "end"]
    first, second = reader.frames
    assert "wavelength" not in first.frames.metadata
    assert first.frames.values.no_data == (65535.0,)
    np.testing.assert_array_equal(frame_of(first), pixels_of(3))
    assert second.frames.metadata["wavelength"] == [1.25]
    assert "2 of 10 images" in reader.notices[-1].text


def test_series_may_restart_and_the_same_may_come_twice(detector):
    send, reader = detector()
    sent = [
        stream_v2.start(pixels_of(0), series=1),
        stream_v2.image(pixels_of(0), 0, series=1),
        stream_v2.image(pixels_of(2), 2, series=1),
        stream_v2.image(pixels_of(1), 1, series=1),
        stream_v2.image(pixels_of(2), 2, series=1),
        stream_v2.start(pixels_of(0), series=1),
        stream_v2.start(pixels_of(0), series=2),
        stream_v2.image(pixels_of(0), 0, series=2),
        stream_v2.image(pixels_of(5), 5, series=1),  # late, of the series before
        stream_v2.end(2),
        stream_v2.end(2),
        stream_v2.start(pixels_of(0)[:20], series=3),
        stream_v2.image(pixels_of(0)[:20], 0, series=3),
        stream_v2.image(pixels_of(0), 1, series=3),
        stream_v2.end(3),
    ]
    for message in sent:
        send(message)
    reader.wait_for(lambda r: "series 3 ends" in r.notices[-1].text if r.notices else False)
    assert reader.identifiers == ["1:0", "1:2", "1:1", "2:0", "1:5", "3:0"]
    assert reader.kinds("connected") == [
        *("start", "disordered", "repeated", "repeated", "restart", "end", "repeated"),
        *("start", "unreadable", "end"),
    ]
    assert "series 1 did not end" in next(n.text for n in reader.notices if n.kind == "restart")


def test_without_unique_names_a_start_begins_another_series(detector):
    send, reader = detector()
    nameless = {"series": 1, "series_unique_id": ""}
    for numbers in ((0, 1), (0, 1, 2)):
        send(stream_v2.start(pixels_of(0), **nameless))
        for number in numbers:
            send(stream_v2.image(pixels_of(number), number, **nameless))
    send(stream_v2.start(pixels_of(0), series=2))
    reader.wait_for(lambda r: r.kinds().count("restart") == 2)
    assert reader.identifiers == ["1:0", "1:1", "1:0", "1:1", "1:2"]
    assert reader.kinds("connected") == ["start", "restart", "restart"]


def test_clients_share_a_stream(bound, reading):
    push, port = bound(zmq.PUSH)
    address = f"tcp://127.0.0.1:{port}"
    readers = [reading(DectrisSource(address)) for _ in range(2)]
    for reader in readers:
        reader.wait_for(lambda r: "connected" in r.kinds())
    push.send(stream_v2.start(pixels_of(0)))
    for number in range(20):
        push.send(stream_v2.image(pixels_of(number), number))
    patience = time.monotonic() + 60
    while sum(len(reader.frames) for reader in readers) < 20 and time.monotonic() < patience:
        time.sleep(0.02)
    both = readers[0].identifiers + readers[1].identifiers
    assert sorted(both) == sorted(f"7:{number}" for number in range(20))
    assert "start" in readers[0].kinds() + readers[1].kinds()


def test_a_sender_that_is_killed_and_comes_back_is_found_again(bound, reading):
    push, port = bound(zmq.PUSH)
    reader = reading(DectrisSource(f"tcp://127.0.0.1:{port}", silent_s=0.2))
    push.send(stream_v2.start(pixels_of(0), series=1))
    push.send(stream_v2.image(pixels_of(0), 0, series=1))
    reader.wait_for(lambda r: r.frames)
    reader.wait_for(lambda r: "silent" in r.kinds())
    push.close(0)
    reader.wait_for(lambda r: "connection" in r.kinds())
    again, _ = bound(zmq.PUSH, port)
    again.send(stream_v2.start(pixels_of(0), series=2))
    again.send(stream_v2.image(pixels_of(1), 1, series=2))
    reader.wait_for(lambda r: len(r.frames) == 2)
    assert reader.identifiers == ["1:0", "2:1"]


def test_what_waits_when_it_stops_is_still_given(detector):
    send, reader = detector()
    for number in range(3):
        send(stream_v2.image(pixels_of(number), number))
    reader.wait_for(lambda r: len(r.frames) == 3)
    reader.end()
    assert reader.error is None


def test_mutants_are_told_and_never_a_stop(detector):
    """500 of them among good images, which all come, unchanged."""
    send, reader = detector()
    good = stream_v2.image(pixels_of(0), 0, series=9)
    for number, mutant in enumerate(mutants(good, 500, seed=4)):
        send(mutant)
        if number % 10 == 0:
            send(stream_v2.image(pixels_of(number), number, series=1))
    send(stream_v2.end(1))
    reader.wait_for(lambda r: any("series 1 ends" in n.text for n in r.notices))
    mine = [live for live in reader.frames if live.frames.sources[0].identifier.startswith("1:")]
    assert len(mine) == 50
    for live in mine:
        number = live.frames.sources[0].position
        np.testing.assert_array_equal(np.asarray(live.frames.as_stored())[0], pixels_of(number))
    assert reader.kinds().count("unreadable") > 250


def test_a_peer_that_claims_a_terabyte_is_left_and_tried_again(reading, bound):
    """The length of a message stands before it, and is refused before there is memory for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        port = server.getsockname()[1]
        reader = reading(DectrisSource(f"tcp://127.0.0.1:{port}"))
        peer, _ = server.accept()
        with peer:
            peer.settimeout(20)
            peer.sendall(
                b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
            )
            received = b""
            while b"READY" not in received:
                received += peer.recv(1000)
            ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 4) + b"PUSH"
            peer.sendall(b"\x04" + bytes([len(ready)]) + ready)
            peer.sendall(b"\x02" + struct.pack(">Q", 2**40) + b"abc")
            assert peer.recv(1000) == b""  # hung up
    reader.wait_for(lambda r: "connection" in r.kinds())
    push, _ = bound(zmq.PUSH, port)
    push.send(stream_v2.image(pixels_of(0), 0))
    reader.wait_for(lambda r: r.frames)
