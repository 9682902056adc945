"""What a virtual dataset leads to and is not there is told of, and never read as its fill value."""

import os

import h5py
import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames


def test_a_source_file_that_is_gone(halves, refused, gone):
    path, values = halves
    path.with_name("part1.h5").unlink()
    refused(path, path, "4 of 8 frames", "first frame [5]", path.with_name("part1.h5"), "nan")
    frames = open_frames(path, missing="nan")
    assert (frames.dtype, gone(frames)) == (np.float32, [(4, 8)])
    assert "part1.h5" in frames.unreadable[0].reason
    np.testing.assert_array_equal(np.asarray(frames)[:4], values[:4])
    assert np.isnan(np.asarray(frames)[4:]).all()
    assert gone(frames[[5, 0, 6, 7]]) == [(0, 1), (2, 4)]


def test_all_source_files_gone(halves, refused):
    path, _ = halves
    for i in (0, 1):
        path.with_name(f"part{i}.h5").unlink()
    refused(path, "8 of 8 frames", "part0.h5", "1 other")
    refused(path, "8 of 8 frames", missing="nan")


def test_a_folder_that_was_moved(tmp_path, refused, write_part, write_virtual, ramp):
    """HDF5 looks beside the file that names it, whatever the folder was called."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    values = ramp(4)
    write_part(old / "part.h5", values)
    layout = h5py.VirtualLayout((4, 6, 5), "u2")
    layout[:] = h5py.VirtualSource(old / "part.h5", "data", (4, 6, 5))
    write_virtual(old / "run.h5", layout)
    os.rename(old, new)
    np.testing.assert_array_equal(open_frames(new / "run.h5"), values)
    (new / "part.h5").unlink()
    refused(new / "run.h5", "part.h5")


@pytest.mark.parametrize("missing", ["part1.h5", "run.h5", "link.h5"])
def test_what_is_gone_two_links_away(halves, missing, refused, write_virtual):
    path, _ = halves
    top = path.with_name("top.h5")
    with h5py.File(path.with_name("link.h5"), "w") as file:
        file["far"] = h5py.ExternalLink("run.h5", "/entry/data/data")
    layout = h5py.VirtualLayout((8, 6, 5), "u2")
    layout[:] = h5py.VirtualSource("link.h5", "far", (8, 6, 5))
    write_virtual(top, layout)
    path.with_name(missing).unlink()
    n = 4 if missing == "part1.h5" else 8
    refused(top, f"{n} of 8 frames", missing, "is not there")


def test_a_source_that_is_shorter_than_promised(halves, refused, write_part):
    path, values = halves
    write_part(path.with_name("part1.h5"), values[4:6])
    refused(path, "2 of 8 frames", "first frame [7]", "has 2 frames only")
    frames = open_frames(path, missing="nan")
    np.testing.assert_array_equal(np.asarray(frames)[:6], values[:6])
    write_part(path.with_name("part1.h5"), values[4:, :3])
    refused(path, "4 of 8 frames", "are 3 x 5 only")
    write_part(path.with_name("part1.h5"), values[4:], name="other")
    refused(path, "4 of 8 frames", "there is no /data in", "part1.h5")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"no frames", "is no HDF5 file"), (None, "truncated")]
)
def test_a_source_file_that_is_damaged(halves, refused, gone, content, said):
    path, values = halves
    part = path.with_name("part1.h5")
    part.write_bytes(part.read_bytes()[:-100] if content is None else content)
    refused(path, "4 of 8 frames", "first frame [5]", part, said)
    frames = open_frames(path, missing="nan")
    assert gone(frames) == [(4, 8)]
    np.testing.assert_array_equal(np.asarray(frames)[:4], values[:4])


def test_a_source_of_which_a_chunk_was_never_written(halves, refused, gone):
    path, values = halves
    with h5py.File(path.with_name("part1.h5"), "w") as file:
        data = file.create_dataset("data", (4, 6, 5), "u2", chunks=(1, 6, 5))
        data[0], data[2] = values[4], values[6]
    refused(path, "2 of 8 frames", "first frame [6]", "never written", "part1.h5")
    frames = open_frames(path, missing="nan")
    assert gone(frames) == [(5, 6), (7, 8)]


def test_frames_that_the_virtual_dataset_does_not_name(
    tmp_path, refused, write_part, write_virtual, ramp
):
    write_part(tmp_path / "a.h5", ramp(2))
    layout = h5py.VirtualLayout((4, 6, 5), "u2")
    layout[1:3] = h5py.VirtualSource("a.h5", "data", (2, 6, 5))
    write_virtual(tmp_path / "run.h5", layout)
    refused(tmp_path / "run.h5", "2 of 4 frames", "first frame [1]", "has nothing for it")


@pytest.mark.parametrize(("dtype", "fill"), [("u2", 0), ("f4", np.nan)])
def test_a_lost_module_is_no_data(tmp_path, dtype, fill, refused, write_part, write_virtual):
    """EXtra-data maps what there is: the module's pixels are NaN, and the others are read."""
    layout = h5py.VirtualLayout((4, 2, 6, 5), dtype)
    for module, frames in ((0, slice(0, 4)), (1, slice(1, 3))):
        values = np.full((4, 6, 5), module + 1, dtype)[frames]
        write_part(tmp_path / f"{module}.h5", values)
        layout[frames, module] = h5py.VirtualSource(f"{module}.h5", "data", values.shape)
    write_virtual(tmp_path / "run.h5", layout, fillvalue=fill)
    if dtype == "u2":
        refused(tmp_path / "run.h5", "2 of 4 frames", "a part of it only")
    frames = open_frames(tmp_path / "run.h5", missing="nan")
    values = np.asarray(frames).reshape(4, 2, 30)
    assert (values[:, 0] == 1).all()
    assert (values[1:3, 1] == 2).all()
    assert np.isnan(values[[0, 3], 1]).all()


def test_frames_that_all_lack_a_module_are_read(tmp_path, refused, write_part, write_virtual):
    layout = h5py.VirtualLayout((4, 3, 6, 5), "u2")
    for module in range(3):
        write_part(tmp_path / f"{module}.h5", np.full((4, 6, 5), module + 1, "u2"))
        layout[:, module] = h5py.VirtualSource(f"{module}.h5", "data", (4, 6, 5))
    write_virtual(tmp_path / "run.h5", layout)
    (tmp_path / "1.h5").unlink()
    refused(tmp_path / "run.h5", "4 of 4 frames", "1.h5", 'missing="nan"')
    frames = open_frames(tmp_path / "run.h5", missing="nan")
    assert [(known.start, known.stop, known.partly) for known in frames.unreadable] == [(0, 4, 1)]
    values = np.asarray(frames).reshape(4, 3, 30)
    assert (values[:, 0] == 1).all()
    assert np.isnan(values[:, 1]).all()
    assert (values[:, 2] == 3).all()
    for module in (0, 2):
        (tmp_path / f"{module}.h5").unlink()
    refused(tmp_path / "run.h5", "4 of 4 frames", "Put the files back", missing="nan")


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_what_a_virtual_dataset_behind_another_has_is_read(
    tmp_path, write_part, write_virtual, dtype
):
    """Of a frame that lacks a module the others are read, however many datasets lead there."""
    inner, outer = (h5py.VirtualLayout((4, 3, 6, 5), kind) for kind in ("u2", dtype))
    for module in range(3):
        write_part(tmp_path / f"{module}.h5", np.full((4, 6, 5), module + 1, "u2"))
        inner[:, module] = h5py.VirtualSource(f"{module}.h5", "data", (4, 6, 5))
    outer[:] = h5py.VirtualSource("inner.h5", "data", (4, 3, 6, 5))
    write_virtual(tmp_path / "inner.h5", inner, "data")
    write_virtual(tmp_path / "run.h5", outer)
    (tmp_path / "1.h5").unlink()
    frames = open_frames(tmp_path / "run.h5", missing="nan")
    values = np.asarray(frames).reshape(4, 3, 30)
    assert (values[:, [0, 2]] == [[[1], [3]]]).all()
    assert np.isnan(values[:, 1]).all()
    assert all(known.partly for known in frames.unreadable)


def test_a_frame_of_which_only_the_gaps_are_left_is_gone(tmp_path, write_part, write_virtual, gone):
    layout = h5py.VirtualLayout((4, 14, 5), "u2")
    for i in (0, 1):
        write_part(tmp_path / f"{i}.h5", np.full((2, 6, 5), i + 1, "u2"))
        source = h5py.VirtualSource(f"{i}.h5", "data", (2, 6, 5))
        layout[2 * i : 2 * i + 2, :6], layout[2 * i : 2 * i + 2, 8:] = source, source
    write_virtual(tmp_path / "run.h5", layout, fillvalue=65535)
    (tmp_path / "1.h5").unlink()
    frames = open_frames(tmp_path / "run.h5", missing="nan")
    assert np.isnan(np.asarray(frames)[2:]).all()
    assert gone(frames) == [(2, 4)]
    assert not frames.unreadable[0].partly


def test_gaps_between_modules_are_the_fill_value(tmp_path, write_part, write_virtual, ramp):
    write_part(tmp_path / "a.h5", ramp(2, 6, 12))
    layout = h5py.VirtualLayout((2, 14, 12), "u2")
    source = h5py.VirtualSource("a.h5", "data", (2, 6, 12))
    layout[:, :6], layout[:, 8:] = source, source
    write_virtual(tmp_path / "run.h5", layout, fillvalue=65535)
    frames = np.asarray(open_frames(tmp_path / "run.h5"))
    np.testing.assert_array_equal(frames[:, 8:], ramp(2, 6, 12))
    assert (frames[:, 6:8] == 65535).all()


def test_circles_are_refused(tmp_path, refused, write_virtual):
    for one, other in (("a.h5", "b.h5"), ("b.h5", "a.h5")):
        layout = h5py.VirtualLayout((2, 6, 5), "u2")
        layout[:] = h5py.VirtualSource(other, "data", (2, 6, 5))
        write_virtual(tmp_path / one, layout, name="data")
    refused(tmp_path / "a.h5", "circle")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/data_1/data")
    refused(tmp_path / "c.h5", "circle")
    for one, other in (("d.h5", "e.h5"), ("e.h5", "d.h5")):
        with h5py.File(tmp_path / one, "w") as file:
            file["entry_1/data_1/data"] = h5py.ExternalLink(other, "/entry_1/data_1/data")
    with pytest.raises(InputError, match="circle") as error:
        open_frames(tmp_path / "d.h5")
    assert str(error.value).count("the link ") == 2
