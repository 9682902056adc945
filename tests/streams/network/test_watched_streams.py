"""``sfx watch`` on streams, as it is installed: each frame a row, each hit kept and given away."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgpack
import numpy as np
import pytest

from sklearn_sfx import make_sfx_frames, open_frames
from sklearn_sfx.cli import main
from tests.streams.network import stream_v2

zmq = pytest.importorskip("zmq")
pytest.importorskip("cbor2")

SFX = Path(sys.executable).with_name("sfx")
PATIENCE_S = 120


@pytest.fixture
def watching(tmp_path):
    """Return what starts a watch in a folder of its own, and gives its process."""
    started = []

    def start(*arguments):
        folder = Path(__file__).resolve().parents[3]
        process = subprocess.Popen(
            [SFX, "watch", *map(str, arguments), "--scores", "s.csv", "--hits", "h.lst"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def rows_of(folder):
    if not (folder / "s.csv").exists():
        return []
    with open(folder / "s.csv", newline="") as file:
        return list(csv.DictReader(file))


def ended(process, folder, n_rows):
    """Wait for so many rows, end the watch as a shift does, and return what it said."""
    until = time.monotonic() + PATIENCE_S
    while len(rows_of(folder)) < n_rows and time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return said


def free_port():
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        return socket.bind_to_random_port("tcp://127.0.0.1")


def test_a_detector_is_watched_and_its_hits_are_kept_and_given(watching, bound, context, tmp_path):
    """Simulated frames, of which about half are hits."""
    run = make_sfx_frames(24, frame_shape=(160, 160), hit_rate=0.5, random_state=0)
    frames = np.clip(np.nan_to_num(run.data), 0, 60000).astype(np.uint16)
    push, port = bound(zmq.PUSH)
    address, other = f"dectris://127.0.0.1:{port}", f"tcp://127.0.0.1:{free_port()}"
    process = watching(address, "--save-hits", "hits.cxi", "--hits-per-file", 5, "--publish", other)
    push.setsockopt(zmq.SNDTIMEO, 1000 * PATIENCE_S)
    mask = np.isnan(run.data[0]).astype(np.uint32)
    mask[50] = 1
    push.send(stream_v2.start(frames[0], mask=mask, number_of_images=24))
    for number, frame in enumerate(frames):
        push.send(stream_v2.image(frame, number))
        push.send(stream_v2.image(frame, number))
        push.send(b"\xa3nonsense")
    push.send(stream_v2.end())
    got = []
    with context.socket(zmq.REQ) as client:
        client.setsockopt(zmq.RCVTIMEO, 1000 * PATIENCE_S)
        client.connect(other)
        for _ in range(3):
            client.send(b"next")
            got.append(msgpack.unpackb(client.recv()))
        said = ended(process, tmp_path, 24)

    rows = [row for row in rows_of(tmp_path) if row["status"] == "read"]
    assert [row["identifier"] for row in rows] == [f"7:{number}" for number in range(24)]
    hits = [row["identifier"] for row in rows if row["decision"] == "hit"]
    assert 4 < len(hits) < 20
    files = sorted(tmp_path.glob("hits-*.cxi"))
    assert len(files) == -(-len(hits) // 5)
    kept = open_frames(files)
    assert kept.metadata["identifier"].tolist() == hits
    positions = [int(name.partition(":")[2]) for name in hits]
    np.testing.assert_array_equal(np.asarray(kept.as_stored()), frames[positions])
    assert np.isnan(np.asarray(kept)[:, 50]).all()
    np.testing.assert_allclose(kept.metadata["wavelength"], 1.25)
    assert [hit["event_id"] for hit in got] == hits[:3]
    assert "series 7 starts: 24 images of 160 x 160 pixels" in said
    assert "24 of 24 images came here" in said
    assert f"{other}: 3 hits were asked for" in said


def test_hits_of_a_stream_outlive_a_kill(watching, bound, tmp_path):
    frame = np.random.default_rng(0).poisson(3, (64, 64)).astype(np.uint16)
    push, port = bound(zmq.PUSH)
    push.setsockopt(zmq.SNDTIMEO, 1000 * PATIENCE_S)
    saving = ["--save-hits", "hits.cxi", "--hits-per-file", 4, "--threshold", 0, "--no-peaks"]
    first, n_rows = 0, 10
    for is_killed in (True, False):
        process = watching(f"dectris://127.0.0.1:{port}", *saving)
        for number in range(first, first + 12):
            push.send(stream_v2.image(frame, number))
        if is_killed:
            until = time.monotonic() + PATIENCE_S
            while len(rows_of(tmp_path)) < n_rows and time.monotonic() < until:
                time.sleep(0.01)
            process.kill()
            process.wait()
            first, n_rows = 12, len(rows_of(tmp_path)) + 12
        else:
            ended(process, tmp_path, n_rows)
    hits = [row["identifier"] for row in rows_of(tmp_path) if row["decision"] == "hit"]
    files = sorted(tmp_path.glob("hits-*.cxi"))
    saved = open_frames(files).metadata["identifier"].tolist()
    assert len(hits) >= 22
    assert set(hits) <= set(saved)
    assert len(set(saved)) == len(saved)


def test_a_bridge_is_watched(watching, tmp_path, monkeypatch):
    pytest.importorskip("karabo_bridge")
    from karabo_bridge.server import SimServerInThread
    from karabo_bridge.simulation import AGIPDModule

    monkeypatch.setattr(AGIPDModule, "pulses", 2)
    port = free_port()
    with SimServerInThread(f"tcp://127.0.0.1:{port}", debug=False):
        process = watching(f"karabo://127.0.0.1:{port}", "--no-peaks")
        said = ended(process, tmp_path, 4)
    rows = rows_of(tmp_path)
    trains = [row["identifier"].partition(":")[0] for row in rows]
    assert trains == [str(int(trains[0]) + number // 2) for number in range(len(rows))]
    assert [row["identifier"].partition(":")[2] for row in rows[:4]] == ["0", "1", "0", "1"]
    assert "2 pulses of 16 modules of 512 x 128 pixels float32" in said


def test_mistakes_are_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["watch", "carabo://localhost:1"]) == 2
    assert "the known ones begin with dectris://, karabo://" in capsys.readouterr().err
    (tmp_path / "run").mkdir()
    assert main(["watch", "run", "--save-hits", "run/hits.cxi"]) == 2
    assert "it would be watched" in capsys.readouterr().err
    assert main(["watch", "dectris://localhost", "--publish", "here"]) == 2
    assert "hits cannot be given there" in capsys.readouterr().err
