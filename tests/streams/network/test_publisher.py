"""Hits are given to who asks as CrystFEL does, each to one client, and never a wrong answer."""

import shutil
import struct
import subprocess
import threading

import msgpack
import numpy as np
import pytest

zmq = pytest.importorskip("zmq")

from sklearn_sfx.exceptions import InputError  # noqa: E402
from sklearn_sfx.streams import HitPublisher  # noqa: E402
from tests.streams.scored import scored  # noqa: E402


@pytest.fixture
def publisher():
    publisher = HitPublisher("tcp://127.0.0.1:*")
    yield publisher
    publisher.close()


@pytest.fixture
def client(context, publisher):
    """Return what makes clients that ask."""
    made = []

    def make():
        socket = context.socket(zmq.REQ)
        socket.setsockopt(zmq.RCVTIMEO, 20000)
        socket.connect(publisher.address)
        made.append(socket)
        return socket

    yield make
    for socket in made:
        socket.close(0)


def read_as_crystfel(message):
    """Return pixels, and the rest, by the rules of CrystFEL's image-msgpack.c."""
    hit = msgpack.unpackb(message, raw=False, strict_map_key=True)
    image = hit.pop("detector_data")
    assert isinstance(image["data"], bytes)
    assert image["type"] in ("<f4", "<i4")
    ss, fs = image["shape"]
    assert len(image["data"]) == 4 * ss * fs
    values = struct.unpack(f"<{ss * fs}{'f' if image['type'] == '<f4' else 'i'}", image["data"])
    return np.array(values).reshape(ss, fs), hit


def test_a_hit_says_all_that_crystfel_reads(publisher, client):
    block = scored([3, 5], hits=[False, True])
    publisher.add(block)
    socket = client()
    socket.send(b"next")
    pixels, said = read_as_crystfel(socket.recv())
    np.testing.assert_array_equal(pixels, np.asarray(block.frames)[1])
    assert np.isnan(pixels).sum() == 10 * 60 + 4
    assert said["event_id"] == "7:5"
    assert said["beam_energy"] == pytest.approx(12398.42 / 1.30, rel=1e-6)
    assert said["detector_distance"] == 125.0
    assert said["hit_probability"] == 0.9
    peaks = said["peak_list"]
    assert (
        peaks["num_peaks"] == len(peaks["fs"]) == len(peaks["ss"]) == len(peaks["intensity"]) == 1
    )
    assert peaks["fs"][0] == pytest.approx(16, abs=0.3)
    assert peaks["ss"][0] == pytest.approx(21, abs=0.3)


def test_what_is_not_known_is_left_out(publisher, client):
    publisher.add(scored([1], known=False))
    socket = client()
    socket.send(b"next")
    _, said = read_as_crystfel(socket.recv())
    assert set(said) == {"event_id", "hit_probability", "peak_list"}


def test_who_asks_first_waits_for_the_next_hit(publisher, client):
    sockets = [client() for _ in range(3)]
    for socket in sockets:
        socket.send(b"next")
    publisher.add(scored(range(3)))
    names = [read_as_crystfel(socket.recv())[1]["event_id"] for socket in sockets]
    assert sorted(names) == ["7:0", "7:1", "7:2"]


def test_each_hit_goes_to_one_of_many_clients(publisher, client):
    got, sockets = [], [client() for _ in range(4)]

    def work(socket):
        for _ in range(15):
            socket.send(b"next")
            got.append(read_as_crystfel(socket.recv())[1]["event_id"])

    threads = [threading.Thread(target=work, args=(socket,)) for socket in sockets]
    for thread in threads:
        thread.start()
    for first in range(0, 60, 6):
        publisher.add(scored(range(first % 54, first % 54 + 6)))
    for thread in threads:
        thread.join(20)
    assert len(got) == 60
    assert (publisher.n_given, publisher.n_dropped) == (60, 0)


def test_the_oldest_are_dropped_and_the_rest_come_in_order(context):
    publisher = HitPublisher("tcp://127.0.0.1:*", most_bytes=3 * 60 * 80 * 4 + 3000)
    publisher.add(scored(range(10)))
    with context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.RCVTIMEO, 20000)
        socket.connect(publisher.address)
        names = []
        for _ in range(3):
            socket.send(b"next")
            names.append(read_as_crystfel(socket.recv())[1]["event_id"])
    publisher.close()
    assert names == ["7:7", "7:8", "7:9"]
    assert (publisher.n_given, publisher.n_dropped) == (3, 7)


def test_a_client_that_dies_takes_no_hit_with_it(publisher, client):
    dying, living = client(), client()
    dying.send(b"next")
    living.send(b"other")  # answered, so both requests were seen
    assert "error" in msgpack.unpackb(living.recv())
    dying.close(0)
    living.send(b"again")
    assert "error" in msgpack.unpackb(living.recv())
    living.send(b"next")
    publisher.add(scored([1]))
    # What is on its way to one that dies just now is lost; to one that has died it is not given.
    assert living.poll(500) or publisher.n_given == 1
    publisher.add(scored([2]))
    assert read_as_crystfel(living.recv())[1]["event_id"] in ("7:1", "7:2")


@pytest.mark.parametrize("request_of", [b"", b"NEXT", b"next\0", b"x" * 1000])
def test_other_requests_are_told_what_to_ask(publisher, client, request_of):
    publisher.add(scored([1]))
    socket = client()
    socket.send(request_of)
    assert msgpack.unpackb(socket.recv()) == {"error": "ask for: next"}
    socket.send(b"next")
    assert read_as_crystfel(socket.recv())[1]["event_id"] == "7:1"


def test_who_asks_again_gets_one_answer(publisher, context):
    with context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.RCVTIMEO, 20000)
        socket.setsockopt(zmq.REQ_RELAXED, 1)
        socket.setsockopt(zmq.REQ_CORRELATE, 1)
        socket.connect(publisher.address)
        socket.send(b"next")
        socket.send(b"next")
        socket.poll(200)
        publisher.add(scored([1, 2]))
        assert read_as_crystfel(socket.recv())[1]["event_id"] == "7:1"
        socket.send(b"next")
        assert read_as_crystfel(socket.recv())[1]["event_id"] == "7:2"


def test_an_address_that_is_taken_is_refused(publisher):
    with pytest.raises(InputError, match="in use"):
        HitPublisher(publisher.address)
    with pytest.raises(
        InputError, match=r"hits cannot be given there.*; write it as tcp://HOST:PORT"
    ):
        HitPublisher("nowhere")


def test_indexamajig_takes_hits(publisher, tmp_path):
    if shutil.which("indexamajig") is None:
        pytest.skip("CrystFEL's indexamajig is not installed")
    geometry = "photon_energy = beam_energy eV\nclen = detector_distance mm\nres = 13333\n"
    geometry += "adu_per_photon = 1\ndata = detector_data\np0/min_fs = 0\np0/max_fs = 79\n"
    geometry += "p0/min_ss = 0\np0/max_ss = 59\np0/corner_x = -40\np0/corner_y = -30\n"
    geometry += "p0/fs = x\np0/ss = y\npeak_list = peak_list\n"
    (tmp_path / "d.geom").write_text(geometry)
    command = ["indexamajig", f"--zmq-input={publisher.address}", "--zmq-request=next"]
    command += ["--data-format=msgpack", "--peaks=msgpack", "--indexing=none", "-j", "1"]
    command += ["-g", tmp_path / "d.geom", "-o", tmp_path / "out.stream"]
    publisher.add(scored(range(5)))
    with subprocess.Popen(command) as process:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.terminate()
    text = (tmp_path / "out.stream").read_text()
    assert text.count("Begin chunk") >= 1
    assert "num_peaks = 1" in text
