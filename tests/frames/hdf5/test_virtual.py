"""Virtual datasets are read as HDF5 reads them."""

import os
import pickle

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx import CentralCrop, InputError, open_frames
from sklearn_sfx.frames import Window


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
            more = draw(st.tuples(st.integers(0, 1), st.integers(0, 1)))  # rows around it
            pieces.append((frames, module, rectangle, more))
    return (n, modules, height, width), pieces


@settings(deadline=None, max_examples=60)
@given(mappings(), st.sampled_from(["<i2", ">i4", "<u1"]), st.data())
def test_any_mapping_is_what_hdf5_reads(
    tmp_path_factory, write_part, write_virtual, mapping, dtype, data
):
    shape, pieces = mapping
    folder = tmp_path_factory.mktemp("run")
    random = np.random.default_rng(0)
    layout = h5py.VirtualLayout(shape, "<i2")
    for i, (frames, module, rectangle, (before, behind)) in enumerate(pieces):
        n = len(range(*frames.indices(shape[0])))
        height, width = (part.stop - part.start for part in rectangle)
        extent = (n, before + height + behind, before + width + behind)
        values = random.integers(0, 99, extent).astype(dtype)
        write_part(folder / f"{i}.h5", values)
        source = h5py.VirtualSource(folder / f"{i}.h5", "data", values.shape, dtype=dtype)
        wanted = source[:, before : before + height, before : before + width]
        layout[(frames, module, *rectangle)] = wanted
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


def test_one_module_of_a_source_with_several(tmp_path, write_part, write_virtual):
    values = np.arange(4 * 3 * 6 * 5, dtype=np.int32).reshape(4, 3, 6, 5)
    write_part(tmp_path / "all.h5", values)
    layout = h5py.VirtualLayout((4, 6, 5), "i4")
    layout[:] = h5py.VirtualSource("all.h5", "data", values.shape)[:, 1]
    write_virtual(tmp_path / "run.h5", layout)
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5"), values[:, 1])


def test_of_what_overlaps_the_later_is_read(halves, write_virtual):
    path, values = halves
    first = [(slice(0, 4), "part0.h5", np.s_[:]), (slice(4, 8), "part1.h5", np.s_[:])]
    patches = [(np.s_[2:3], "part1.h5", np.s_[3:4]), (np.s_[1:5, :2], "part1.h5", np.s_[:, 2:4])]
    for mappings in (first + patches, patches + first):
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        for target, name, part in mappings:
            layout[target] = h5py.VirtualSource(name, "data", (4, 6, 5))[part]
        write_virtual(path, layout)
        with h5py.File(path) as file:
            expected = file["entry/data/data"][()]
        np.testing.assert_array_equal(open_frames(path), expected)
    np.testing.assert_array_equal(expected, values)


def test_a_module_that_is_lost_where_another_comes_twice(tmp_path, gone, write_part, write_virtual):
    write_part(tmp_path / "a.h5", np.ones((2, 6, 5), np.uint16))
    layout = h5py.VirtualLayout((2, 12, 5), "u2")
    for target in (np.s_[:, :6], np.s_[0, 6:], np.s_[1, :6]):
        n = 2 if isinstance(target[0], slice) else 1
        source = h5py.VirtualSource("a.h5", "data", (2, 6, 5))
        layout[target] = source if n == 2 else source[0]
    write_virtual(tmp_path / "run.h5", layout)
    assert gone(open_frames(tmp_path / "run.h5", missing="nan")) == [(1, 2)]


def test_whole_frames_with_modules(tmp_path, write_part, write_virtual):
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


def test_selections_that_go_on_for_ever(tmp_path, write_part, write_virtual, ramp):
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


def test_files_by_their_numbers(tmp_path, write_part, ramp):
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


def test_a_virtual_dataset_of_links_and_of_virtual_datasets(halves, write_virtual):
    path, values = halves
    with h5py.File(path.with_name("link.h5"), "w") as file:
        file["far"] = h5py.ExternalLink("run.h5", "/entry/data/data")
    layout = h5py.VirtualLayout((8, 6, 5), "u2")
    layout[:] = h5py.VirtualSource("link.h5", "far", (8, 6, 5))[::1]
    write_virtual(path.with_name("top.h5"), layout)
    for name, dataset in (("link.h5", "far"), ("top.h5", "entry/data/data")):
        np.testing.assert_array_equal(open_frames(path.with_name(name), dataset=dataset), values)


def test_integers_that_do_not_fit_are_cut_as_hdf5_does(tmp_path, write_part, write_virtual):
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


def test_only_the_rows_of_a_crop_are_read(tmp_path, monkeypatch, write_part, write_virtual, ramp):
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
