"""Files that grow while they are watched: each frame comes once, and is what was written."""

import os
import signal
import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest

from sklearn_sfx import open_frames, screen
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.streams import Record, Tally, open_source, watch
from tests.frames.hdf5.conftest import write_master
from tests.streams.conftest import SIDE, rows

# Writes the frames of a .npy file one by one, as they are asked for: SWMR, or flushed.
WRITER = """if True:
    import sys, time, h5py, numpy as np
    path, frames, kind, pause = sys.argv[1], np.load(sys.argv[2]), sys.argv[3], float(sys.argv[4])
    file = h5py.File(path, "w", libver="latest" if kind == "swmr" else None)
    shape = frames.shape[1:]
    data = file.create_dataset(
        "entry/data/data", (0, *shape), frames.dtype, maxshape=(None, *shape), chunks=(1, *shape)
    )
    if kind == "swmr":
        file.swmr_mode = True
    else:
        file.flush()
    print("ready", flush=True)
    for i, frame in enumerate(frames):
        data.resize(i + 1, axis=0)
        data[i] = frame
        file.flush()
        time.sleep(pause)
    print("done", flush=True)
    if len(sys.argv) > 5:
        time.sleep(600)
    file.close()
"""


@pytest.fixture
def write(tmp_path, frames):
    """Return what starts a writer of the frames, and gives its process."""
    np.save(tmp_path / "frames.npy", frames)
    started = []

    def start(path, kind="swmr", pause=0.02, *more):
        command = [sys.executable, "-c", WRITER, str(path), str(tmp_path / "frames.npy")]
        process = subprocess.Popen([*command, kind, str(pause), *more], stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_table_of_a_run_that_was_followed_is_that_of_the_run(tmp_path, write, follow, model):
    write(tmp_path / "run.h5")
    tally, notices, _ = follow(tmp_path / "run.h5", end_after=30.0)
    assert (tally.received, tally.scored) == (30, 30)
    assert [notice.kind for notice in notices] == ["start", "end"]  # by itself, at the close
    scores = screen(model, open_frames(tmp_path / "run.h5"), peaks=False)
    scores.write_csv(tmp_path / "whole.csv")
    scores.write_hits(tmp_path / "whole.lst")
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert (tmp_path / "out.lst").read_text() == (tmp_path / "whole.lst").read_text() != ""


def test_a_file_that_is_not_there_yet_and_no_swmr(tmp_path, write, follow):
    later = threading.Timer(0.5, lambda: write(tmp_path / "run.h5", "flushed"))
    later.start()
    tally, notices, given = follow(tmp_path / "run.h5", until=30, end_after=30.0)
    later.join()
    assert "not there yet" in notices[0].text
    assert [source.position for source in given] == list(range(30))
    assert tally.unreadable == 0


def test_a_writer_that_is_killed(tmp_path, write, follow):
    process = write(tmp_path / "run.h5", "swmr", 0.02, "stays")
    assert process.stdout.readline() == b"done\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    tally, notices, _ = follow(tmp_path / "run.h5", silent_after=0.5)
    assert (tally.scored, tally.unreadable) == (30, 0)
    assert [notice.kind for notice in notices] == ["start", "silent"]


def test_a_cxi_file_whose_last_frame_is_known_at_the_close(tmp_path, frames, follow):
    path = tmp_path / "run.cxi"

    def write(n, *, closed):
        with h5py.File(path, "a") as file:
            data = file.require_dataset(
                "entry_1/data_1/data", (8, SIDE, SIDE), frames.dtype, maxshape=(None, SIDE, SIDE)
            )
            data[:n] = frames[:n]
            data.attrs["numEvents"] = np.int32(n if closed else n - 1)
            if closed:
                data.resize(n, axis=0)

    write(4, closed=False)
    closing = threading.Timer(1.0, lambda: write(6, closed=True))
    closing.start()
    _, _, given = follow(path, until=6, end_after=30.0)
    assert [source.event for source in given] == [f"//{i}" for i in range(6)]


def test_a_series_whose_files_come_in_another_order(tmp_path, frames, follow):
    path = tmp_path / "x_master.h5"
    write_master(path, frames, virtual=False)
    parts = sorted(tmp_path.glob("x_master_data_*.h5"))
    for part in parts:
        part.rename(part.with_suffix(".later"))

    def bring(*numbers):
        for number in numbers:
            parts[number].with_suffix(".later").rename(parts[number])

    bring(1)
    others = [threading.Timer(1.0, lambda: bring(2)), threading.Timer(2.0, lambda: bring(0))]
    for timer in others:
        timer.start()
    tally, _, given = follow(open_source(path, mask=False), until=30, end_after=30.0)
    events = {f"data_{part:06d}//{row}" for part in (1, 2, 3) for row in range(10)}
    assert {source.event for source in given} == events
    assert (len(given), tally.received, tally.unreadable) == (30, 30, 0)
    assert given[0].event == "data_000002//0"


def test_frames_that_have_their_room_before_they_are_written(tmp_path, frames, follow):
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=np.zeros_like(frames[:4]))  # without chunks

    def finish():
        with h5py.File(path, "a") as file:
            file["data"][:] = frames[:4]

    later = threading.Timer(1.0, finish)
    later.start()
    _, _, given = follow(path, until=4, end_after=30.0)
    later.join()
    assert len(given) == 4
    n_read = [row[4] for row in rows(tmp_path / "out.csv")]
    _, _, again = follow(iter(frames[:4]), name="as_arrays")
    assert n_read == [row[4] for row in rows(tmp_path / "as_arrays.csv")]
    assert len(again) == 4


def renamed(path, part):
    with h5py.File(path.with_name("next"), "w") as file:
        file.create_dataset("data", data=part, chunks=(1, SIDE, SIDE))
    os.replace(path.with_name("next"), path)


def in_place(path, part):
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=part, chunks=(1, SIDE, SIDE))


@pytest.mark.parametrize(("write", "n_new"), [(renamed, 5), (in_place, 3), (in_place, 2)])
def test_a_file_that_is_replaced_is_said_and_scored_anew(tmp_path, frames, follow, write, n_new):
    path = tmp_path / "run.h5"
    write(path, frames[:3])
    swap = threading.Timer(0.5, lambda: write(path, frames[3 : 3 + n_new]))
    swap.start()
    tally, notices, given = follow(path, until=3 + n_new, end_after=30.0)
    assert [notice.kind for notice in notices] == ["start", "restart"]
    assert tally.scored == 3 + n_new
    assert [source.position for source in given] == [0, 1, 2, *range(n_new)]


def test_two_watches_follow_one_file(tmp_path, write, model):
    write(tmp_path / "run.h5")
    tallies = [Tally(), Tally()]

    def run(tally):
        for _ in watch(tmp_path / "run.h5", model, peaks=False, end_after=30.0, tally=tally):
            pass

    threads = [threading.Thread(target=run, args=(tally,)) for tally in tallies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [tally.scored for tally in tallies] == [30, 30]


def test_what_was_done_is_not_done_again(tmp_path, frames, follow):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset("data", data=frames, chunks=(1, SIDE, SIDE))
    follow(tmp_path / "run.h5", until=1)
    n_done = len(rows(tmp_path / "out.csv"))
    whole = (tmp_path / "out.csv").read_bytes()
    (tmp_path / "out.csv").write_bytes(whole[:-3])  # as a kill may leave it
    tally, *_ = follow(tmp_path / "run.h5")
    assert tally.repeated == n_done - 1
    assert tally.scored == 30 - tally.repeated
    positions = [int(row[1]) for row in rows(tmp_path / "out.csv")]
    assert positions == list(range(30))
    n_hits = sum(row[5] == "hit" for row in rows(tmp_path / "out.csv"))
    assert len((tmp_path / "out.lst").read_text().splitlines()) == n_hits


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/run.h5", "There is no folder"),
        ("*.h5", "one folder"),
        ("tcp://here:1", "no stream begins so"),
    ],
)
def test_what_cannot_be_watched(tmp_path, model, name, message):
    for present in ("a.h5", "b.h5"):
        (tmp_path / present).touch()
    source = name if "//" in name else tmp_path / name
    with pytest.raises(InputError, match=message):
        list(watch(source, model))


def test_a_source_that_is_none():
    with pytest.raises(InputError, match="not int"):
        open_source(3)


def test_a_record_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        Record(tmp_path / "none" / "scores.csv")
