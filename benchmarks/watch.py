"""How fast a watch can be fed, what it does when it is behind, and how soon a row is there.

Frames are simulated; who scores is the finder that needs no training, and peaks are not counted
beside it.

- ``load``: the highest rate that is held, by frames that come as fast as they are taken; then
  frames at nine tenths of that rate, and at twice that rate with each policy;
- ``many``: a day's worth of small frames: memory and open files on the way;
- ``delay``: from the last byte of a frame on disk to its row in the table, for a file that is
  written for readers to follow (SWMR), and for images that fall into a folder; and from when a
  sender has handed a frame to its socket, for a DECTRIS stream (bitshuffle-LZ4) and for trains of
  one pulse that a Karabo bridge publishes, over this machine's own network.

    python -m benchmarks.watch load --seconds 60
    python -m benchmarks.watch many --frames 1000000
    python -m benchmarks.watch delay --frames 300
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from sklearn_sfx import make_sfx_frames
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import untrained_model
from sklearn_sfx.streams import Record, Tally, watch

N_DIFFERENT = 32
N_PARTS = 6

WRITER = """if True:
    import sys, time, os, h5py, numpy as np
    kind, folder, n, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    frames = np.load(os.path.join(folder, "frames.npy"))
    shape, port = frames.shape[1:], 0
    if kind == "swmr":
        file = h5py.File(os.path.join(folder, "run.h5"), "w", libver="latest")
        data = file.create_dataset(
            "data", (0, *shape), frames.dtype, maxshape=(None, *shape), chunks=(1, *shape)
        )
        file.swmr_mode = True
    elif kind in ("dectris", "karabo"):
        import zmq
        socket = zmq.Context().socket(zmq.PUSH if kind == "dectris" else zmq.PUB)
        port = socket.bind_to_random_port("tcp://127.0.0.1")
    if kind == "dectris":
        import cbor2, hdf5plugin
        tag = {"uint8": 64, "uint16": 69, "uint32": 70}[frames.dtype.name]
        packed = []
        for frame in frames:
            with h5py.File("memory", "w", driver="core", backing_store=False) as memory:
                chunk = memory.create_dataset(
                    "x", data=frame, chunks=shape, **hdf5plugin.Bitshuffle(cname="lz4")
                )
                memory.flush()
                held = chunk.id.read_direct_chunk((0, 0))[1]
            held = cbor2.CBORTag(56500, ["bslz4", frame.itemsize, held])
            packed.append(cbor2.CBORTag(40, [list(shape), cbor2.CBORTag(tag, held)]))
    elif kind == "karabo":
        import karabo_bridge
    print("ready", port, flush=True)
    sys.stdin.readline()
    time.sleep(2.0)  # until who subscribes is there
    for i in range(n):
        frame = frames[i % len(frames)]
        if kind == "swmr":
            data.resize(i + 1, axis=0)
            data[i] = frame
            file.flush()
        elif kind == "folder":
            np.save(os.path.join(folder, "in", f"{i:06d}.npy"), frame[None])
        elif kind == "dectris":
            said = {"type": "image", "series_id": 1, "series_unique_id": "one", "image_id": i}
            said["data"] = {"threshold_1": packed[i % len(packed)]}
            socket.send(cbor2.dumps(said))
        else:
            sent = {"image.data": frame[None, None], "image.pulseId": np.zeros(1, np.uint64)}
            about = {"DET": {"source": "DET", "timestamp.tid": i}}
            socket.send_multipart(karabo_bridge.serialize({"DET": sent}, about))
        print(time.monotonic(), flush=True)
        time.sleep(pause)
    if port:
        time.sleep(2.0)
"""


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("load", "many", "delay"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rate", type=float, default=5.0, help="frames a second, for delay")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    side = 64 if args.what == "many" else args.side
    run = make_sfx_frames(N_DIFFERENT, frame_shape=(side, side), random_state=0).data
    frames = np.asarray(run.as_stored())
    model = untrained_model(frames)
    with joblib.parallel_config("threading", n_jobs=args.jobs):
        for _ in watch(iter(frames), model, peaks=False):
            pass  # compiled once
        {"load": load, "many": many, "delay": delay}[args.what](args, frames, model)
    return 0


def load(args: argparse.Namespace, frames: np.ndarray, model: Any) -> None:
    """Find the rate that is held, and go beyond it."""
    tally, begin = Tally(), time.monotonic()
    endless = itertools.cycle(frames)
    until = begin + args.seconds / 2
    full = itertools.takewhile(lambda _: time.monotonic() < until, endless)
    for _ in watch(full, model, peaks=False, tally=tally):
        pass
    highest = tally.scored / (time.monotonic() - begin)
    print(f"as fast as they are taken: {highest:.1f} frames/s of {args.side} x {args.side}")
    for rate, policy in [
        (0.9, "wait"),
        *((2.0, policy) for policy in ("wait", "newest", "spread")),
    ]:
        tally, begin = Tally(), time.monotonic()
        most = [0.0] * N_PARTS
        came = paced(frames, rate * highest, args.seconds)
        for _ in watch(came, model, peaks=False, tally=tally, when_behind=policy):
            part = int((time.monotonic() - begin) / args.seconds * N_PARTS)
            most[min(part, N_PARTS - 1)] = max(most[min(part, N_PARTS - 1)], memory_mb())
            assert tally.received == (
                tally.scored + tally.skipped + tally.unreadable + tally.waiting
            )
        print(f"{rate * highest:.1f}/s, {policy}: {tally}")
        parts = ", ".join(f"{each:.0f}" for each in most)
        print(f"    memory at the most, MB, in each sixth of the time: {parts}", flush=True)


def paced(frames: np.ndarray, rate: float, seconds: float) -> Iterator[np.ndarray]:
    """Yield frames at a rate, or as soon as they are taken where that is later."""
    begin = time.monotonic()
    for number in itertools.count():
        due = begin + number / rate
        now = time.monotonic()
        if now > begin + seconds:
            return
        if due > now:
            time.sleep(due - now)
        yield frames[number % len(frames)].copy()  # as one that was received


def many(args: argparse.Namespace, frames: np.ndarray, model: Any) -> None:
    """Score many small frames, and look at memory and open files on the way."""
    tally, begin = Tally(), time.monotonic()
    marks = [args.frames * part // 10 for part in range(1, 11)]
    blocks = (frames for _ in range(-(-args.frames // len(frames))))
    with tempfile.TemporaryDirectory() as folder:
        record = Record(Path(folder) / "scores.csv")
        for block in watch(blocks, model, peaks=False, tally=tally):
            record.add(block)
            if marks and tally.scored >= marks[0]:
                marks.pop(0)
                rate = tally.scored / (time.monotonic() - begin)
                files = len(os.listdir("/proc/self/fd"))
                print(
                    f"{tally.scored} frames: {memory_mb():.0f} MB, {files} open files, "
                    f"{rate:.0f} frames/s",
                    flush=True,
                )
        record.close()
    print(tally)


def delay(args: argparse.Namespace, frames: np.ndarray, model: Any) -> None:
    """Measure from the last byte of a frame on disk, or on the wire, to its row in the table."""
    for kind in ("swmr", "folder", "dectris", "karabo"):
        with tempfile.TemporaryDirectory() as top:
            folder = Path(top)
            (folder / "in").mkdir()
            np.save(folder / "frames.npy", frames)
            command = [sys.executable, "-c", WRITER, kind, top, str(args.frames)]
            writer = subprocess.Popen(
                [*command, str(1 / args.rate)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert writer.stdout
            assert writer.stdin
            port = writer.stdout.readline().split()[1]
            source: Any = {
                "swmr": folder / "run.h5",
                "folder": folder / "in",
                "dectris": f"dectris://127.0.0.1:{port}",
                "karabo": f"karabo://127.0.0.1:{port}?socket=SUB",
            }[kind]
            record, written, stop = Record(folder / "scores.csv"), {}, threading.Event()
            writer.stdin.write("go\n")
            writer.stdin.flush()
            for block in watch(source, model, peaks=False, stop=stop, end_after=5.0):
                record.add(block)
                now = time.monotonic()
                written |= {_number(kind, origin): now for origin in block.scores.sources}
            record.close()
            ended = [float(line) for line in writer.communicate()[0].split()]
            delays = [1000 * (written[i] - end) for i, end in enumerate(ended) if i in written]
            middle, most = np.percentile(delays, [50, 99])
            print(
                f"{kind}: {len(delays)} of {len(ended)} frames at {args.rate:g}/s, from the last "
                f"byte to the row {middle:.0f} ms, 99 % within {most:.0f} ms",
                flush=True,
            )


def _number(kind: str, origin: FrameOrigin) -> int:
    if kind == "folder":
        return int(Path(origin.path or "").stem)
    return int(origin.identifier.split(":")[0]) if kind == "karabo" else origin.position


def memory_mb() -> float:
    """Return the memory that this process holds now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
