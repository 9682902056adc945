"""A folder into which runs and single images fall, whole or not."""

import os
import threading

import h5py
import numpy as np
import pytest
from fabio.tifimage import TifImage

from tests.frames.hdf5.conftest import write_master
from tests.streams.conftest import SIDE, rows


def tiff(path, frame):
    TifImage(data=frame).write(str(path))
    return path.read_bytes()


def test_images_are_taken_when_they_are_whole(tmp_path, frames, follow):
    folder, made = tmp_path / "in", tmp_path / "made.tif"
    folder.mkdir()
    whole = [tiff(made, frame) for frame in frames[:3]]
    (folder / "image_1.tif").write_bytes(whole[0])
    (folder / "image_2.tif").write_bytes(whole[1][: len(whole[1]) // 2])  # still being copied
    (folder / ".image_3.tif.x7").write_bytes(whole[2])  # will be renamed
    (folder / "notes.txt").write_text("crystals were small")

    def finish():
        with open(folder / "image_2.tif", "ab") as file:
            file.write(whole[1][len(whole[1]) // 2 :])
        (folder / ".image_3.tif.x7").rename(folder / "image_3.tif")

    later = threading.Timer(1.0, finish)
    later.start()
    tally, _, given = follow(folder, until=3, end_after=30.0)
    assert {os.path.basename(source.path) for source in given} == {
        f"image_{i}.tif" for i in (1, 2, 3)
    }
    assert os.path.basename(given[0].path) == "image_1.tif"
    assert (tally.received, tally.scored, tally.unreadable) == (3, 3, 0)


def test_a_truncated_image_is_a_row_that_says_so(tmp_path, frames, follow, monkeypatch):
    monkeypatch.setattr("sklearn_sfx.streams._growing.SETTLED_S", 0.5)
    folder = tmp_path / "in"
    folder.mkdir()
    whole = tiff(folder / "a.tif", frames[0])
    (folder / "b.tif").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.tif").touch()
    tally, *_ = follow(folder)
    assert (tally.received, tally.scored, tally.unreadable) == (3, 1, 2)
    assert sorted(row[7] for row in rows(tmp_path / "out.csv")) == ["read"] + 2 * ["unreadable"]
    assert all(row[8] for row in rows(tmp_path / "out.csv") if row[7] == "unreadable")
    follow(folder)  # nor a second time
    assert len(rows(tmp_path / "out.csv")) == 3


def test_files_that_are_replaced_once_they_are_over_are_scored_anew(
    tmp_path, frames, follow, monkeypatch
):
    """By others of the same size, in place or renamed; and one that a slow copy has finished."""
    for module in ("_growing", "_folder"):
        monkeypatch.setattr(f"sklearn_sfx.streams.{module}.SETTLED_S", 0.3)
    folder = tmp_path / "in"
    folder.mkdir()
    names = [folder / name for name in ("renamed.tif", "in_place.tif", "slow.tif", "same.tif")]
    for name, frame in zip(names, frames, strict=False):
        whole = tiff(name, frame)
    slow = names[2].read_bytes()
    names[2].write_bytes(slow[: len(slow) // 2])
    run = folder / "run.h5"
    with h5py.File(run, "w") as file:
        file["data"] = frames[4:6]

    def replace():
        tiff(folder / ".next", frames[6])
        (folder / ".next").rename(names[0])
        tiff(names[1], frames[7])
        names[2].write_bytes(slow)
        names[3].write_bytes(whole)
        run.unlink()
        with h5py.File(run, "w") as file:
            file["data"] = frames[8:11]

    later = threading.Timer(2.5, replace)
    later.start()
    tally, notices, _ = follow(folder, end_after=3.5)
    later.join()
    said = sorted(notice.text.removeprefix(str(folder)) for notice in notices[1:])
    changed = "it is another file now"
    assert [text for text in said if "truncated" not in text] == [
        f"/in_place.tif: {changed}",
        f"/renamed.tif: {changed}",
        f"/run.h5: {changed}",
        "/slow.tif: it can be read now",
    ]
    assert (tally.scored, tally.unreadable, tally.repeated) == (5 + 6, 1, 1)


# A master brings a mask, and the model knows none.
@pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.OtherMaskWarning")
def test_runs_and_series_among_other_files(tmp_path, frames, follow, monkeypatch):
    monkeypatch.setattr("sklearn_sfx.streams._growing.SETTLED_S", 0.5)
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    write_master(folder / "x_master.h5", frames[:9])
    with h5py.File(folder / "deeper" / "run.h5", "w") as file:
        file.create_dataset("data", data=frames[9:13], chunks=(1, SIDE, SIDE))
    (folder / "unknown.bin").write_bytes(bytes(range(1, 256)))
    with h5py.File(folder / "both.h5", "w") as file:
        layout = h5py.VirtualLayout((4, SIDE, SIDE), frames.dtype)
        layout[:] = h5py.VirtualSource("deeper/run.h5", "data", (4, SIDE, SIDE))
        file.create_virtual_dataset("data", layout)
    os.utime(folder / "unknown.bin", (0, 0))
    tally, notices, given = follow(folder)
    assert (
        sorted(os.path.basename(source.path) for source in given)
        == ["run.h5"] * 4 + ["x_master.h5"] * 9
    )
    assert {notice.kind for notice in notices} == {"start", "ignored", "repeated"}
    assert tally.received == 13


def test_what_the_watch_writes_is_none_of_the_frames(tmp_path, frames, follow):
    np.save(tmp_path / "a.npy", frames[:2])
    tally, *_ = follow(tmp_path, until=2)
    assert tally.notices["ignored"] == 0
    assert tally.scored == 2
