"""The pulses of the Karabo bridge's own simulated server are frames, each where it belongs."""

import random
import struct

import msgpack
import numpy as np
import pytest

zmq = pytest.importorskip("zmq")
bridge = pytest.importorskip("karabo_bridge")

from karabo_bridge.server import SimServerInThread  # noqa: E402
from karabo_bridge.simulation import AGIPD, LPD, AGIPDModule  # noqa: E402

from sklearn_sfx.exceptions import InputError  # noqa: E402
from sklearn_sfx.frames import read_geometry  # noqa: E402
from sklearn_sfx.streams import KaraboSource  # noqa: E402
from sklearn_sfx.streams.network._karabo_train import decode_train, find_detector  # noqa: E402
from sklearn_sfx.streams.network._malformed import Malformed  # noqa: E402

NAME = "SPB_DET_AGIPD1M-1/CAL/APPEND_CORRECTED"


def small(monkeypatch, pulses=3):
    """Let the simulated detectors have few pulses; the sizes of modules are their own."""
    monkeypatch.setattr(AGIPDModule, "pulses", pulses)
    monkeypatch.setattr(LPD, "pulses", pulses)


@pytest.mark.parametrize("sockets", [("REP", "REQ"), ("PUB", "SUB")], ids=["REQ", "SUB"])
@pytest.mark.parametrize("data_like", ["online", "file"])
def test_trains_of_the_simulated_server(monkeypatch, reading, sockets, data_like):
    small(monkeypatch)
    theirs, ours = sockets
    port = free_port()
    with SimServerInThread(
        f"tcp://127.0.0.1:{port}", sock=theirs, data_like=data_like, debug=False
    ):
        reader = reading(KaraboSource(f"tcp://127.0.0.1:{port}", socket=ours))
        reader.wait_for(lambda r: len(r.frames) >= 3)
        reader.end()
    first = reader.frames[0].frames
    assert first.shape == (3, 16 * 512, 128)
    assert first.facts.modules == (16, 512)
    train = first.metadata["trainId"][0]
    assert [origin.identifier for origin in first.sources] == [f"{train}:{p}" for p in range(3)]
    assert first.sources[1].event == f"{train}/1//"
    np.testing.assert_array_equal(first.metadata["cellId"], [0, 1, 2])
    assert reader.kinds("connected") == ["start"]
    pixels = np.asarray(first)
    assert pixels.min() >= 1500
    assert pixels.max() <= 1600


def free_port():
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        return socket.bind_to_random_port("tcp://127.0.0.1")


def train_of(number, shape=(3, 4, 512, 128), dtype=np.uint16, order="file", **more):
    """Return a train whose pixels say where they are."""
    values = np.arange(np.prod(shape)).reshape(shape) % 60000 + number
    data = values.astype(dtype)
    sent = {
        "image.data": data if order == "file" else data.transpose(1, 3, 2, 0),
        "image.pulseId": np.arange(shape[0]) * 4,
        "image.cellId": np.arange(shape[0]) + 100,
        **more,
    }
    about = {"timestamp.tid": number, "source": NAME}
    return data, {NAME: sent}, {NAME: about}


@pytest.fixture
def server(bound):
    """Return what answers requests with trains, and the address."""
    socket, port = bound(zmq.REP)

    def answer(data, about):
        assert socket.recv() == b"next"
        socket.send_multipart(bridge.serializer.serialize(data, about))

    return answer, f"tcp://127.0.0.1:{port}"


@pytest.mark.parametrize("order", ["online", "file"])
def test_pixels_lie_where_they_belong(server, reading, order):
    answer, address = server
    mask = np.zeros((3, 4, 512, 128), np.uint32)
    mask[1, 2, 3, 4] = 8
    sent_mask = mask if order == "file" else mask.transpose(1, 3, 2, 0)
    data, sent, about = train_of(7, order=order, **{"image.mask": sent_mask})
    sent[NAME]["modulesPresent"] = [True, True, True, False]
    reader = reading(KaraboSource(address))
    answer(sent, about)
    reader.wait_for(lambda r: r.frames)
    frames = reader.frames[0].frames
    np.testing.assert_array_equal(np.asarray(frames.as_stored()), data.reshape(3, -1, 128))
    bad = mask.reshape(3, -1, 128) != 0
    bad[:, 3 * 512 :] = True
    np.testing.assert_array_equal(np.isnan(np.asarray(frames)), bad)
    assert reader.identifiers == ["7:0", "7:4", "7:8"]
    np.testing.assert_array_equal(frames.metadata["cellId"], [100, 101, 102])
    assert any("of which 1 sent nothing" in notice.text for notice in reader.notices)


def test_large_trains_come_in_blocks(server, reading, monkeypatch):
    monkeypatch.setattr("sklearn_sfx.streams.network._karabo.BLOCK_BYTES", 4 * 512 * 128 * 2 * 2)
    answer, address = server
    data, sent, about = train_of(7, (5, 4, 512, 128), order="online")
    reader = reading(KaraboSource(address))
    answer(sent, about)
    reader.wait_for(lambda r: len(r.frames) == 3)
    assert [len(live) for live in reader.frames] == [2, 2, 1]
    together = np.concatenate([np.asarray(live.frames) for live in reader.frames])
    np.testing.assert_array_equal(together, data.reshape(5, -1, 128))
    assert reader.identifiers == [f"7:{4 * number}" for number in range(5)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask": np.ones((512, 64), bool)}, "512 x 128 pixels, stacked, and the mask 512 x 64"),
        ({"source": "OTHER"}, f"no images of OTHER: name what it has, {NAME}"),
    ],
    ids=["mask", "source"],
)
def test_what_fits_no_train_is_said_so(server, reading, options, said):
    answer, address = server
    reader = reading(KaraboSource(address, **options))
    answer(*train_of(5, (1, 1, 512, 128))[1:])
    reader.wait_for(lambda r: "misfit" in r.kinds())
    assert any(notice.kind == "misfit" and said in notice.text for notice in reader.notices)


def test_repeated_late_and_foreign_trains_are_lines(server, reading):
    answer, address = server
    reader = reading(KaraboSource(address))
    for number in (5, 7, 5, 6):
        answer(*train_of(number, (1, 1, 512, 128))[1:])
    answer({"MOTOR": {"position": 3}}, {"MOTOR": {"timestamp.tid": 8}})
    answer(*train_of(9, (2, 1, 512, 128))[1:])
    reader.wait_for(lambda r: "restart" in r.kinds() and len(r.frames) == 4)
    assert reader.identifiers == ["5:0", "7:0", "6:0", "9:0", "9:4"]
    said = reader.kinds("connected")
    assert said == ["start", "repeated", "disordered", "unreadable", "restart"]
    assert "no images of a detector, only MOTOR" in str(reader.notices)


def test_the_detector_is_chosen(server, reading):
    answer, address = server
    _, sent, about = train_of(7, (1, 1, 512, 128))
    sent["OTHER"], about["OTHER"] = sent[NAME], about[NAME]
    reader = reading(KaraboSource(address, source=NAME))
    answer(sent, about)
    reader.wait_for(lambda r: r.frames)
    with pytest.raises(Malformed, match=r"several detectors.*add \?source=NAME"):
        find_detector(sent, about, None, None)


def test_a_server_that_is_killed_and_comes_back_is_asked_again(bound, reading):
    socket, port = bound(zmq.REP)
    reader = reading(KaraboSource(f"tcp://127.0.0.1:{port}"))
    assert socket.recv() == b"next"  # and dies with it
    socket.close(0)
    reader.wait_for(lambda r: "connection" in r.kinds())
    again, _ = bound(zmq.REP, port)
    assert again.recv() == b"next"
    again.send_multipart(bridge.serializer.serialize(*train_of(7, (1, 1, 512, 128))[1:]))
    reader.wait_for(lambda r: r.frames)


@pytest.fixture
def two_modules(tmp_path):
    """Return the path of a geometry of two modules."""
    pytest.importorskip("cfelpyutils")
    lines = ["photon_energy = 9000 eV", "clen = 0.1", "res = 5000", "adu_per_photon = 1"]
    lines += ["data = /d", "dim0 = %", "dim2 = ss", "dim3 = fs"]
    for number in range(2):
        of_panel = [f"dim1 = {number}", "min_fs = 0", "max_fs = 127", "min_ss = 0", "max_ss = 511"]
        of_panel += [f"corner_x = {200 * number - 150}", "corner_y = -256", "fs = x", "ss = y"]
        lines += [f"p{number}/{line}" for line in of_panel]
    (tmp_path / "two.geom").write_text("\n".join(lines) + "\n")
    return tmp_path / "two.geom"


def test_modules_are_put_together_by_a_geometry(server, reading, two_modules):
    answer, address = server
    data, sent, about = train_of(7, (2, 2, 512, 128))
    geometry = read_geometry(str(two_modules))
    reader = reading(KaraboSource(address, geometry=geometry))
    answer(sent, about)
    reader.wait_for(lambda r: r.frames)
    frames = reader.frames[0].frames
    image = np.asarray(frames)[1]
    usable = ~np.isnan(image)
    assert usable.sum() == 2 * 512 * 128
    assert sorted(image[usable]) == sorted(data[1].ravel())
    left = np.flatnonzero(usable.any(axis=0))[0]
    np.testing.assert_array_equal(image[usable.any(axis=1)][:, left : left + 128], data[1, 0])
    assert frames.sources[1].identifier == "7:4"
    assert frames.facts.modules is None


@pytest.mark.parametrize("mask", [True, False, np.ones((1024, 128), bool)], ids=type)
def test_a_mask_of_the_geometry_that_no_stream_has_is_said(server, reading, two_modules, mask):
    text = two_modules.read_text()
    two_modules.write_text(f"mask0_data = /bad\nmask0_badbits = 0x4\n{text}")
    answer, address = server
    _, sent, about = train_of(7, (2, 2, 512, 128))
    geometry = read_geometry(str(two_modules))
    reader = reading(KaraboSource(address, geometry=geometry, mask=mask))
    answer(sent, about)
    reader.wait_for(lambda r: r.frames)
    start = next(notice for notice in reader.notices if notice.kind == "start")
    assert ("names the mask /bad, which no stream has" in start.text) == (mask is True)


REFUSED = {
    "an old protocol": lambda parts: parts[:1],
    "an odd part": lambda parts: parts[:3],
    "no msgpack": lambda parts: [b"\xc1", *parts[1:]],
    "an object": lambda parts: [part.replace(b"uint16", b"object") for part in parts],
    "pieces": lambda parts: [*parts[:-1], parts[-1][:-1]],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_train_is_refused(name):
    parts = [
        bytes(part) for part in bridge.serializer.serialize(*train_of(7, (1, 1, 512, 128))[1:])
    ]
    find_detector(*decode_train(parts), None, None)
    with pytest.raises(Malformed):
        find_detector(*decode_train(REFUSED[name](parts)), None, None)


@pytest.mark.parametrize("option", [{"socket": "PULL"}, {"order": "other"}])
def test_options_that_are_none_are_refused(option):
    with pytest.raises(InputError, match="has to be"):
        KaraboSource("tcp://127.0.0.1:1", **option)


def independent(parts):
    """Return train, pulses and images of a message, read in another way."""
    arrays, about = {}, {}
    for header, payload in zip(parts[::2], parts[1::2], strict=True):
        head = msgpack.Unpacker(raw=False)
        head.feed(header)
        said = head.unpack()
        if said["content"] == "msgpack":
            body = msgpack.Unpacker(raw=False)
            body.feed(payload)
            arrays[said["source"]] = {}
            for key, value in body.unpack().items():
                arrays[said["source"]][key] = value
            about[said["source"]] = said.get("metadata", {})
        else:
            kind, size = np.dtype(said["dtype"]).str[1:2], np.dtype(said["dtype"]).itemsize
            code = {("u", 1): "B", ("u", 2): "H", ("u", 4): "I", ("u", 8): "Q"}
            code |= {("i", 1): "b", ("i", 2): "h", ("i", 4): "i", ("i", 8): "q"}
            code |= {("f", 2): "e", ("f", 4): "f", ("f", 8): "d"}
            little = ">" if np.dtype(said["dtype"]).str[0] == ">" else "<"
            n = len(payload) // size
            values = struct.unpack(f"{little}{n}{code[kind, size]}", payload)
            arrays[said["source"]][said["path"]] = np.array(values).reshape(said["shape"])
    return arrays, about


def test_mutants_are_refused_or_read_as_in_another_way():
    """500 of a message of one small module."""
    sent = train_of(7, (2, 1, 6, 5))[1:]
    sent[0]["DETECTOR"], sent[1]["DETECTOR"] = sent[0].pop(NAME), sent[1].pop(NAME)
    whole = [bytes(part) for part in bridge.serializer.serialize(*sent)]
    rng, n_read = random.Random(0), 0
    for _ in range(500):
        parts = list(whole)
        which = rng.randrange(len(parts))
        data = bytearray(parts[which])
        kind, where = rng.randrange(4), rng.randrange(len(data))
        if kind == 0:
            data[where] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[where] = rng.choice((0x00, 0xC1, 0xC6, 0xDB, 0xDD, 0xDF, 0xFF))
        elif kind == 2:
            del data[where:]
        else:
            del parts[rng.randrange(len(parts))]
            which = 0
            data = bytearray(parts[0])
        parts[which] = bytes(data)
        try:
            train = find_detector(*decode_train(parts), None, "file")
        except Malformed:
            continue
        n_read += 1
        arrays, about = independent(parts)
        images = arrays[train.source]["image.data"]
        np.testing.assert_array_equal(train.data.ravel(), images.ravel())
        assert train.train == about[train.source]["timestamp.tid"]
    assert 50 < n_read < 450


def test_sizes_of_the_simulated_detectors_are_known():
    for detector in (AGIPD(NAME), LPD("FXE_DET_LPD1M-1/CAL/APPEND_CORRECTED")):
        detector.pulses = 16  # as many as modules
        sent, about = detector.gen_data(3)
        rows = {"AGIPD": 512, "LPD": 256}[type(detector).__name__]
        train = find_detector(sent, about, None, None)
        assert train.data.shape == (16, 16, rows, 65536 // rows)
        online = sent[detector.source]["image.data"]
        assert train.data[3, 5, 7, 9] == online[5, 9, 7, 3]
