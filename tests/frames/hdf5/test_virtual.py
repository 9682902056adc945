"""Virtual datasets and links: read as HDF5 reads them, but for what is not there."""

import os
import pickle

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx import CentralCrop, InputError, open_frames
from sklearn_sfx.exceptions import RepeatedFramesWarning, UnreadableFrame
from sklearn_sfx.frames import Window


def write_part(path, values, name="data", **options):
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=values, **options)


def write_virtual(path, layout, name="entry/data/data", **options):
    with h5py.File(path, "w", libver="latest") as file:
        file.create_virtual_dataset(name, layout, **options)


def ramp(n, height=6, width=5, start=0):
    return np.arange(n * height * width, dtype=np.uint16).reshape(n, height, width) + start


@pytest.fixture
def halves(tmp_path):
    """A run of eight frames, the second half of which is in part1.h5."""
    values = ramp(8)
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    for i in (0, 1):
        write_part(tmp_path / f"part{i}.h5", values[4 * i : 4 * i + 4], chunks=(1, 6, 5))
        layout[4 * i : 4 * i + 4] = h5py.VirtualSource(f"part{i}.h5", "data", (4, 6, 5))
    write_virtual(tmp_path / "run.h5", layout)
    return tmp_path / "run.h5", values


def gone(frames):
    return [(known.start, known.stop) for known in frames.unreadable]


# -- As HDF5 reads them ---------------------------------------------------------------------------


@st.composite
def mappings(draw):
    """Where pieces of a few datasets lie in a virtual one of shape (n, modules, height, width)."""
    n, modules, height, width = 6, draw(st.integers(1, 3)), 4, 5
    pieces = []
    for module in range(modules):
        stride = draw(st.integers(1, 3))
        for first in range(stride):
            frames = slice(first, n, stride)
            top = draw(st.integers(0, 2))
            bottom, left = draw(st.integers(top + 1, height)), draw(st.integers(0, 3))
            rectangle = (slice(top, bottom), slice(left, draw(st.integers(left + 1, width))))
            pieces.append((frames, module, rectangle, draw(st.booleans())))
    return (n, modules, height, width), pieces


@settings(deadline=None, max_examples=60)
@given(mappings(), st.sampled_from(["<i2", ">i4", "<u1"]), st.data())
def test_any_mapping_is_what_hdf5_reads(tmp_path_factory, mapping, dtype, data):
    shape, pieces = mapping
    folder = tmp_path_factory.mktemp("run")
    random = np.random.default_rng(0)
    layout = h5py.VirtualLayout(shape, "<i2")
    for i, (frames, module, rectangle, is_wider) in enumerate(pieces):
        n = len(range(*frames.indices(shape[0])))
        height, width = (part.stop - part.start for part in rectangle)
        values = random.integers(0, 99, (n, height + is_wider, width + is_wider)).astype(dtype)
        write_part(folder / f"{i}.h5", values)
        source = h5py.VirtualSource(folder / f"{i}.h5", "data", values.shape, dtype=dtype)
        layout[(frames, module, *rectangle)] = source[:, is_wider:, is_wider:]
    write_virtual(folder / "run.h5", layout, fillvalue=-7)
    with h5py.File(folder / "run.h5") as file:
        expected = file["entry/data/data"][()].reshape(6, -1, 5)
    frames = open_frames(folder / "run.h5", dataset="entry/data/data", missing="nan")
    values = np.asarray(frames)
    there = ~np.isnan(values)
    np.testing.assert_array_equal(values[there], expected[there])
    partly = {row for known in frames.unreadable for row in range(known.start, known.stop)}
    assert partly == set(np.flatnonzero((~there).any(axis=(1, 2))))
    assert all("a part of it only" in known.reason for known in frames.unreadable)
    for row in set(range(6)) - partly:
        top, left = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 4))
        window = Window(top, left, shape[1] * 4 - top, 5 - left)
        out = np.empty((window.height, window.width), np.int16)
        frames._source._source.read(row, window, out)
        np.testing.assert_array_equal(out, expected[(row, *window.slices)])


def test_whole_frames_with_modules(tmp_path):
    values = np.arange(4 * 2 * 6 * 5, dtype=np.int32).reshape(4, 2, 6, 5)
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    for i in (0, 1):
        write_part(tmp_path / f"{i}.h5", values[2 * i : 2 * i + 2], chunks=(1, 2, 6, 5))
        layout[2 * i : 2 * i + 2] = h5py.VirtualSource(f"{i}.h5", "data", (2, 2, 6, 5))
    write_virtual(tmp_path / "run.h5", layout)
    frames = open_frames(tmp_path / "run.h5")
    np.testing.assert_array_equal(frames, values.reshape(4, 12, 5))
    assert frames.facts.modules == (2, 6)
    assert len(frames._source._segment.content.tiles) == 2  # not one for each module


def test_selections_that_go_on_for_ever(tmp_path):
    values = ramp(8)
    write_part(tmp_path / "all.h5", values, maxshape=(None, 6, 5), chunks=(1, 6, 5))
    layout = h5py.VirtualLayout((8, 6, 5), "u2", maxshape=(None, 6, 5))
    source = h5py.VirtualSource("all.h5", "data", (8, 6, 5), maxshape=(None, 6, 5))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    write_virtual(tmp_path / "run.h5", layout)
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5"), values)
    (tmp_path / "all.h5").unlink()
    with pytest.raises(InputError, match=r"all\.h5, which holds it, is not there"):
        open_frames(tmp_path / "run.h5")


def test_files_by_their_numbers(tmp_path):
    """HDF5 ends at the first number that is missing; what the file promises is not forgotten."""
    values = ramp(8)
    for i in range(4):
        write_part(tmp_path / f"f-{i}.h5", values[2 * i : 2 * i + 2])
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    space = h5py.h5s.create_simple((8, 6, 5), (h5py.h5s.UNLIMITED, 6, 5))
    space.select_hyperslab((0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1), (2, 1, 1), (2, 6, 5))
    source = h5py.h5s.create_simple((2, 6, 5))
    created.set_virtual(space, b"f-%b.h5", b"data", source)
    with h5py.File(tmp_path / "run.h5", "w", libver="latest") as file:
        whole = h5py.h5s.create_simple((8, 6, 5), (h5py.h5s.UNLIMITED, 6, 5))
        h5py.h5d.create(file.id, b"data", h5py.h5t.STD_U16LE, whole, created)
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5"), values)
    (tmp_path / "f-1.h5").unlink()
    with pytest.raises(InputError, match=r"f-1\.h5"):
        open_frames(tmp_path / "run.h5")


def test_a_virtual_dataset_of_links_and_of_virtual_datasets(halves):
    path, values = halves
    with h5py.File(path.with_name("link.h5"), "w") as file:
        file["far"] = h5py.ExternalLink("run.h5", "/entry/data/data")
    layout = h5py.VirtualLayout((8, 6, 5), "u2")
    layout[:] = h5py.VirtualSource("link.h5", "far", (8, 6, 5))[::1]
    write_virtual(path.with_name("top.h5"), layout)
    for name, dataset in (("link.h5", "far"), ("top.h5", "entry/data/data")):
        np.testing.assert_array_equal(open_frames(path.with_name(name), dataset=dataset), values)


def test_integers_that_do_not_fit_are_cut_as_hdf5_does(tmp_path):
    write_part(tmp_path / "a.h5", np.full((2, 6, 5), 70_000, np.uint32))
    layout = h5py.VirtualLayout((2, 6, 5), "u2")
    layout[:] = h5py.VirtualSource("a.h5", "data", (2, 6, 5))
    write_virtual(tmp_path / "run.h5", layout)
    with h5py.File(tmp_path / "run.h5") as file:
        expected = file["entry/data/data"][0]
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5")[0], expected)
    assert expected.max() == 65535


def test_a_pickle_holds_neither_pixels_nor_handles(halves):
    frames = open_frames(halves[0])
    frames[0]
    assert len(pickle.dumps(frames)) < 3000
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frames[2:6])), halves[1][2:6])


def test_only_the_rows_of_a_crop_are_read(tmp_path, monkeypatch):
    """A master is read past HDF5 as its data files are."""
    values = ramp(4, 64, 64)
    write_part(tmp_path / "a.h5", values, chunks=(1, 64, 64), **hdf5plugin.Bitshuffle(nelems=64))
    layout = h5py.VirtualLayout(values.shape, "u2")
    layout[:] = h5py.VirtualSource("a.h5", "data", values.shape)
    write_virtual(tmp_path / "run.h5", layout)
    frames = open_frames(tmp_path / "run.h5")
    n_bytes, preadv = [], os.preadv

    def counted(file, buffers, offset):
        n_bytes.append(sum(len(buffer) for buffer in buffers))
        return preadv(file, buffers, offset)

    monkeypatch.setattr(os, "preadv", counted)
    np.asarray(frames)
    whole = sum(n_bytes)
    n_bytes.clear()
    crops = CentralCrop(8).fit_transform(frames)
    np.testing.assert_array_equal(crops, values[:, 28:36, 28:36])
    assert 0 < sum(n_bytes) < 0.7 * whole


# -- What is not there ----------------------------------------------------------------------------


def test_a_source_file_that_is_gone(halves, refused):
    path, values = halves
    path.with_name("part1.h5").unlink()
    refused(path, path, "4 of 8 frames", "first number 4", path.with_name("part1.h5"), "nan")
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


def test_a_folder_that_was_moved(tmp_path, refused):
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
def test_what_is_gone_two_links_away(halves, missing, refused):
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


def test_a_source_that_is_shorter_than_promised(halves, refused):
    path, values = halves
    write_part(path.with_name("part1.h5"), values[4:6])
    refused(path, "2 of 8 frames", "first number 6", "has 2 frames only")
    frames = open_frames(path, missing="nan")
    np.testing.assert_array_equal(np.asarray(frames)[:6], values[:6])
    write_part(path.with_name("part1.h5"), values[4:, :3])
    refused(path, "4 of 8 frames", "are 3 x 5 only")
    write_part(path.with_name("part1.h5"), values[4:], name="other")
    refused(path, "4 of 8 frames", "there is no /data in", "part1.h5")


def test_a_source_of_which_a_chunk_was_never_written(halves, refused):
    path, values = halves
    with h5py.File(path.with_name("part1.h5"), "w") as file:
        data = file.create_dataset("data", (4, 6, 5), "u2", chunks=(1, 6, 5))
        data[0], data[2] = values[4], values[6]
    refused(path, "2 of 8 frames", "first number 5", "never written", "part1.h5")
    frames = open_frames(path, missing="nan")
    assert gone(frames) == [(5, 6), (7, 8)]


def test_frames_that_the_virtual_dataset_does_not_name(tmp_path, refused):
    write_part(tmp_path / "a.h5", ramp(2))
    layout = h5py.VirtualLayout((4, 6, 5), "u2")
    layout[1:3] = h5py.VirtualSource("a.h5", "data", (2, 6, 5))
    write_virtual(tmp_path / "run.h5", layout)
    refused(tmp_path / "run.h5", "2 of 4 frames", "first number 0", "has nothing for it")


@pytest.mark.parametrize(("dtype", "fill"), [("u2", 0), ("f4", np.nan)])
def test_a_lost_module_is_no_data(tmp_path, dtype, fill, refused):
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


def test_frames_that_all_lack_a_module_are_read(tmp_path, refused):
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


def test_gaps_between_modules_are_the_fill_value(tmp_path):
    write_part(tmp_path / "a.h5", ramp(2, 6, 12))
    layout = h5py.VirtualLayout((2, 14, 12), "u2")
    source = h5py.VirtualSource("a.h5", "data", (2, 6, 12))
    layout[:, :6], layout[:, 8:] = source, source
    write_virtual(tmp_path / "run.h5", layout, fillvalue=65535)
    frames = np.asarray(open_frames(tmp_path / "run.h5"))
    np.testing.assert_array_equal(frames[:, 8:], ramp(2, 6, 12))
    assert (frames[:, 6:8] == 65535).all()


def test_circles_are_refused(tmp_path, refused):
    for one, other in (("a.h5", "b.h5"), ("b.h5", "a.h5")):
        layout = h5py.VirtualLayout((2, 6, 5), "u2")
        layout[:] = h5py.VirtualSource(other, "data", (2, 6, 5))
        write_virtual(tmp_path / one, layout, name="data")
    refused(tmp_path / "a.h5", "circle")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/data_1/data")
    refused(tmp_path / "c.h5", "circle")


# -- Links ----------------------------------------------------------------------------------------


def test_the_dataset_behind_a_link_is_read_from_its_own_file(tmp_path):
    """Not that of the same path in the file of another link, or in the master itself."""
    for i in (1, 2):
        write_part(tmp_path / f"{i}.h5", np.full((4, 6, 5), i, "u2"), "entry/data/data")
    with h5py.File(tmp_path / "master.h5", "w") as file:
        for i in (1, 2):
            file[f"entry/data/data_{i:06d}"] = h5py.ExternalLink(f"{i}.h5", "/entry/data/data")
        layout = h5py.VirtualLayout((8, 6, 5), "u2")
        for i in (1, 2):
            source = h5py.VirtualSource(f"{i}.h5", "entry/data/data", (4, 6, 5))
            layout[4 * i - 4 : 4 * i] = source
        file.create_virtual_dataset("entry/data/data", layout)
    second = open_frames(tmp_path / "master.h5", dataset="/entry/data/data_000002")
    assert np.unique(second).tolist() == [2]
    run = open_frames(tmp_path / "master.h5")
    assert np.asarray(run)[:, 0, 0].tolist() == [1] * 4 + [2] * 4


def test_links_are_followed_from_where_they_are(tmp_path):
    (tmp_path / "deep").mkdir()
    write_part(tmp_path / "deep" / "a.h5", ramp(3), "frames")
    with h5py.File(tmp_path / "deep" / "link.h5", "w") as file:
        file["group/far"] = h5py.ExternalLink("a.h5", "/frames")
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"] = h5py.ExternalLink("deep/link.h5", "/group/far")
        file["soft"] = h5py.SoftLink("/data")
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5"), ramp(3))


def test_a_change_of_the_file_behind_a_link_is_noticed(tmp_path, sentence):
    write_part(tmp_path / "a.h5", ramp(3), "frames")
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"] = h5py.ExternalLink("a.h5", "/frames")
    frames = open_frames(tmp_path / "run.h5")
    np.testing.assert_array_equal(frames[1], ramp(3)[1])
    write_part(tmp_path / "a.h5", ramp(3, start=500), "frames")
    np.testing.assert_array_equal(frames[1], ramp(3, start=500)[1])
    write_part(tmp_path / "a.h5", ramp(3)[:, :5], "frames")
    with pytest.raises(InputError, match=r"a\.h5 has changed"):
        frames[1]
    (tmp_path / "a.h5").unlink()
    with pytest.raises(UnreadableFrame) as error:
        frames[1]
    sentence(error, "Frame 1", tmp_path / "run.h5", "There is no file", tmp_path / "a.h5")


def test_a_dead_link_where_frames_belong_is_told_of(tmp_path, refused):
    path = tmp_path / "run.cxi"
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 150
        file["entry_1/data_1/data"] = h5py.ExternalLink("moved_away.h5", "/data")
        file["entry_1/result_1/powder_sums"] = np.ones((3, 16, 16), "f4")
        file["entry_1/result_1/others"] = np.ones((3, 16, 16), "f4")
    refused(path, "/entry_1/data_1/data", tmp_path / "moved_away.h5", "not there")
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        file["exp/data"] = h5py.ExternalLink("moved_away.h5", "/data")
        file["exp/others"] = np.ones((3, 16, 16), "f4")
    refused(path, "/exp/data", "moved_away.h5", "not there", "/exp/others", "as dataset")
    assert len(open_frames(path, dataset="exp/others")) == 3


@pytest.mark.parametrize("name", ["run.h5", "."])
def test_a_link_to_itself_is_told_of_once(tmp_path, name):
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        soft = h5py.SoftLink("/entry/data/data")
        file["entry/data/data"] = soft if name == "." else h5py.ExternalLink(name, soft.path)
    with pytest.raises(InputError, match="leads to itself") as error:
        open_frames(path)
    assert str(error.value).count("the link") == 1


def test_real_dead_links(shared_data, refused):
    native = shared_data / "real" / "native"
    refused(native / "dls_i16_image_link_dead.nxs", "538039.hdf, which is not there")
    refused(
        native / "dls_nxmx_master_without_data.h5",
        *("240 of 240 frames", "xrc_209_000001.h5, which is not there"),
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_data_file_of_a_master_that_is_gone(facility, number, refused, pixels):
    path = facility("nxmx-links")
    path.with_name(f"run_data_{number:06d}.h5").unlink()
    n_gone = (3, 3, 1)[number - 1]
    refused(path, f"{n_gone} of 7 frames", f"run_data_{number:06d}.h5", "--strict")
    frames = open_frames(path, missing="nan")
    assert gone(frames) == [((0, 3), (3, 6), (6, 7))[number - 1]]
    there = ~np.isnan(np.asarray(frames)).any(axis=(1, 2))
    np.testing.assert_array_equal(np.asarray(frames)[there], pixels[there])
    with h5py.File(path, "r+") as file:
        del file["entry/instrument/detector/detectorSpecific/nimages"]
    refused(path, "1 of 3 datasets", "not there", "as a list", missing="nan")


# -- Files that are given beside the one that leads to them ---------------------------------------


def test_files_behind_a_given_one_are_read_once(halves):
    path, values = halves
    with pytest.warns(RepeatedFramesWarning, match="each frame is read once, by run.h5"):
        run = open_frames(path.parent / "*.h5")
    np.testing.assert_array_equal(run, values)
    assert {source.path for source in run.sources} == {str(path)}


def test_linked_files_beside_their_master_are_read_once(tmp_path):
    for i in (1, 2):
        write_part(tmp_path / f"run_data_{i:06}.h5", ramp(3, start=i), "entry/data/data")
    with h5py.File(tmp_path / "run_master.h5", "w") as file:
        for i in (1, 2):
            target = h5py.ExternalLink(f"run_data_{i:06}.h5", "entry/data/data")
            file[f"entry/data/data_{i:06}"] = target
    with pytest.warns(RepeatedFramesWarning):
        assert len(open_frames(tmp_path / "run_*.h5")) == 6


def test_a_file_of_which_another_has_a_part_is_refused_beside_it(halves, refused):
    path, _ = halves
    refused([path, path.parent / "part1.h5"], "leads to", "only one of them")
