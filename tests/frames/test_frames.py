"""A Frames is one array: to index, to search over, to pickle, and to run steps on."""

import pickle
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pytest
from joblib import parallel_config

from sklearn_sfx import Frames, InputError, open_frames
from sklearn_sfx.frames import FrameOrigin, FrameSource, Window


class CountingSource:
    """Frames whose every pixel is their position; remembers what was read."""

    def __init__(self, n_frames=100_000, height=3, width=4):
        self.shape = (n_frames, height, width)
        self.dtype = np.dtype(np.int32)
        self.reads = []

    def read(self, position, window, out):
        self.reads.append((position, window))
        out[...] = position

    def origin(self, position):
        return FrameOrigin(None, position, f"//{position}")

    def metadata(self, positions):
        return {"timestamp": positions / 2}


@dataclass(frozen=True)
class Crop:
    """Moves into the reading where it is the first step."""

    size: int

    def output_shape(self, frame_shape):
        return (self.size, self.size)

    def append_to(self, window, steps):
        if steps:
            return window, (*steps, self)
        top, left = (window.height - self.size) // 2, (window.width - self.size) // 2
        return Window(window.top + top, window.left + left, self.size, self.size), ()

    def __call__(self, frame, usable):
        top, left = ((side - self.size) // 2 for side in frame.shape)
        return frame[top : top + self.size, left : left + self.size].astype(np.float32)


@dataclass(frozen=True)
class Scale:
    """Multiplies; two of them are fused into one."""

    factor: float

    def output_shape(self, frame_shape):
        return frame_shape

    def append_to(self, window, steps):
        if steps and isinstance(steps[-1], Scale):
            return window, (*steps[:-1], Scale(steps[-1].factor * self.factor))
        return window, (*steps, self)

    def __call__(self, frame, usable):
        out = frame.astype(np.float32) * np.float32(self.factor)
        if usable is not None:
            out[~usable] = np.nan
        return out


@dataclass(frozen=True)
class RowSums:
    """Makes vectors of frames."""

    def output_shape(self, frame_shape):
        return frame_shape[:1]

    def append_to(self, window, steps):
        return window, (*steps, self)

    def __call__(self, frame, usable):
        assert usable is None or not usable.size, "only the first step is given the mask"
        return np.nansum(frame, axis=1, dtype=np.float32)


@pytest.fixture
def values():
    return np.random.default_rng(0).integers(0, 1000, (9, 6, 8)).astype(np.uint16)


@pytest.fixture
def mask():
    usable = np.ones((6, 8), bool)
    usable[2, 3] = usable[0, 0] = False
    return usable


# -- An array --------------------------------------------------------------------------------------


def test_looks_like_an_array(values):
    frames = open_frames(values)
    assert (frames.shape, frames.ndim, frames.dtype, len(frames)) == ((9, 6, 8), 3, np.uint16, 9)
    np.testing.assert_array_equal(np.asarray(frames), values, strict=True)
    assert np.asarray(frames, dtype=np.float64).dtype == np.float64
    assert np.array(frames, copy=True) is not values
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # older ones do not say it
        with pytest.raises(ValueError, match="without a copy"):
            np.array(frames, copy=False)
    assert repr(frames).startswith("<Frames: 9 x 6 x 8 uint16")


def test_the_callers_array_is_never_changed(values):
    frames = open_frames(values)
    out = frames[3]
    out[...] = 0
    np.asarray(frames)[...] = 0
    assert values[3].any()


@pytest.mark.parametrize(
    "key",
    [2, -1, np.int64(3), np.uint8(8), slice(None), slice(7, 1, -2), slice(3, 3), [4, 4, -9], [],
     np.array([], int), [True, False] * 4 + [True], np.arange(9) > 4, (slice(2, 5), ...),
     (np.array([1, 0]), ...), ..., range(3), (4, slice(None))],
    ids=str,
)  # fmt: skip
def test_indexes_as_numpy_does(values, key):
    frames = open_frames(values)
    rows = key[0] if isinstance(key, tuple) else key
    rows = (
        np.array(rows, dtype=int)
        if isinstance(rows, list | range) and not any(isinstance(row, bool) for row in rows)
        else rows
    )
    expected = values[rows]
    found = frames[key]
    assert isinstance(found, np.ndarray if expected.ndim == 2 else Frames)
    np.testing.assert_array_equal(np.asarray(found), expected, strict=True)


def test_indexes_of_indexes(values):
    frames = open_frames(values)
    np.testing.assert_array_equal(frames[::2][[3, 1]][1:], values[::2][[3, 1]][1:])
    np.testing.assert_array_equal(frames[[5, 2, 7]][::-1][[True, False, True]], values[[7, 5]])
    np.testing.assert_array_equal(frames[8:2:-3][-1], values[8:2:-3][-1])


@pytest.mark.parametrize(
    "key", [9, -10, [0, 9], [-10], [True], 1.0, "a", None, [[0]], (0, 1), True]
)
def test_refuses_other_indexes(values, key):
    with pytest.raises(IndexError):
        open_frames(values)[key]


def test_a_view_reads_nothing():
    source = CountingSource()
    assert isinstance(source, FrameSource)
    frames = Frames(source)
    view = frames[::7][np.arange(14_286) % 3 == 0][[5, 5, 2]].append(Crop(2)).append(Scale(2.0))
    assert source.reads == []
    np.testing.assert_array_equal(np.asarray(view)[:, 0, 0], np.array([105, 105, 42]) * 2.0)
    assert [position for position, _ in source.reads] == [105, 105, 42]
    assert {window for _, window in source.reads} == {Window(0, 1, 2, 2)}


def test_a_view_of_a_long_run_pickles_small():
    frames = Frames(CountingSource())
    assert len(pickle.dumps(frames)) < 1000
    assert len(pickle.dumps(frames[5:90_000:2])) < 1000
    assert len(pickle.dumps(frames[[3, 99_999, 7]])) < 1000


def test_a_slice_of_an_array_pickles_its_own_frames(values):
    long = open_frames(np.zeros((1000, 30, 40), np.uint16))
    assert len(pickle.dumps(long[10:12])) < 3 * 2400
    assert len(pickle.dumps(long[[900, 3, 900]])) < 3 * 2400
    view = open_frames(values)[[8, 3, 8]]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(view)), values[[8, 3, 8]])


def test_a_slice_of_many_files_pickles_its_own_files(write, pixels):
    path = write("cxidb76-bitshuffle")
    run = open_frames([path] * 500)
    one = pickle.dumps(open_frames(path)[1:3])
    assert len(pickle.dumps(run[1000:1020])) < 4 * len(one) < 10_000
    for view in (run[1000:1020], run[1020:1000:-3], run[[1500, 1400]], run[:0], run):
        again = pickle.loads(pickle.dumps(view))
        assert again.sources == view.sources
        assert again.shape == view.shape
        np.testing.assert_array_equal(np.asarray(again[:3]), np.asarray(view[:3]))


def test_blocks_are_bounded_and_in_order(values):
    frames = open_frames(values)
    blocks = list(frames.blocks(max_frames=4))
    assert [len(block) for block in blocks] == [4, 4, 1]
    np.testing.assert_array_equal(np.concatenate(blocks), values)
    assert [len(block) for block in frames.blocks(max_bytes=2 * 6 * 8 * 2)] == [2, 2, 2, 2, 1]
    assert [len(block) for block in frames.blocks(max_bytes=1)] == [1] * 9
    with parallel_config("threading", n_jobs=2):
        assert [len(block) for block in frames.blocks(max_bytes=8 * 96)] == [2, 2, 2, 2, 1]


def test_blocks_are_read_ahead_and_no_further():
    source = CountingSource(n_frames=1000)
    with parallel_config("threading", n_jobs=2):
        blocks = Frames(source).blocks(max_frames=5)
        next(blocks)
        end = time.monotonic() + 60
        while len(source.reads) < 20 and time.monotonic() < end:
            time.sleep(0.01)
        blocks.close()  # waits for what has begun
    assert len(source.reads) == 20  # two blocks for each of the two workers


@pytest.mark.parametrize("backend", ["threading", "loky", "sequential"])
def test_workers_change_nothing(write, pixels, backend):
    frames = open_frames(write("cxidb76-bitshuffle"))[[6, 2, 3, 3]]
    with parallel_config(backend, n_jobs=1 if backend == "sequential" else 2):
        np.testing.assert_array_equal(np.asarray(frames), pixels[[6, 2, 3, 3]], strict=True)
        parts = list(frames.blocks(max_frames=1))
    np.testing.assert_array_equal(np.concatenate(parts), pixels[[6, 2, 3, 3]], strict=True)


def test_threads_may_share_a_file(write, pixels):
    frames = open_frames([write("zstd")] * 50)
    with parallel_config("threading", n_jobs=4):
        found = np.concatenate(list(frames.blocks(max_frames=3)))
    np.testing.assert_array_equal(found, np.tile(pixels, (50, 1, 1)))


def test_more_files_than_are_kept_open(write, pixels):
    paths = [write("big-endian", pixels + i, name=f"{i:02}.h5") for i in range(40)]
    run = open_frames(paths)
    for position in (0, 7 * 39, 3, 7 * 20 + 1, 7 * 39 + 6):
        np.testing.assert_array_equal(run[position], pixels[position % 7] + position // 7)


def test_a_file_may_be_written_again_meanwhile(write, pixels):
    path = write("zstd")
    frames = open_frames(path)
    frames[0]
    write("zstd", np.concatenate([pixels + 100, pixels]))
    np.testing.assert_array_equal(np.asarray(frames), pixels + 100)


def test_a_forked_child_reads(write):
    code = f"""if True:
        import os
        import numpy as np
        from sklearn_sfx import open_frames
        frames = open_frames({str(write("zstd"))!r})
        before = frames[3]
        child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(frames[3], before) else 1)
        assert np.array_equal(frames[3], before)
        raise SystemExit(os.waitpid(child, 0)[1])
    """
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- Steps and masks -------------------------------------------------------------------------------


def test_steps_run_in_order(values):
    frames = open_frames(values).append(Crop(4)).append(Scale(2.0)).append(Scale(0.5))
    assert frames.shape == (9, 4, 4)
    assert frames.dtype == np.float32
    assert frames._steps == (Scale(1.0),)
    np.testing.assert_array_equal(frames, values[:, 1:5, 2:6].astype(np.float32), strict=True)
    vectors = frames.append(Crop(2)).append(RowSums())
    assert (vectors.shape, vectors.ndim) == ((9, 2), 2)
    expected = values[:, 2:4, 3:5].sum(axis=2, dtype=np.float32)
    np.testing.assert_array_equal(np.asarray(vectors[[4, 1]]), expected[[4, 1]])
    np.testing.assert_array_equal(vectors[4], expected[4], strict=True)
    assert "steps Scale, Crop, RowSums" in repr(vectors)


def test_appending_leaves_the_original_alone(values):
    frames = open_frames(values)
    frames.append(Scale(2.0))
    np.testing.assert_array_equal(np.asarray(frames), values, strict=True)


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_steps_on_workers(write, pixels, mask, backend):
    usable = np.ones((6, 5), bool)
    usable[2, 2] = False
    frames = (
        open_frames(write("extra-data-modules"), mask=usable).append(Crop(4)).append(Scale(1.0))
    )
    with parallel_config(backend, n_jobs=1 if backend == "sequential" else 2):
        found = np.concatenate(list(frames.blocks(max_frames=2)))
    expected = np.where(usable, pixels, np.nan)[:, 1:5, 0:4].astype(np.float32)
    np.testing.assert_array_equal(found, expected, strict=True)
    np.testing.assert_array_equal(np.asarray(frames), expected, strict=True)


def test_the_mask_is_carried_and_then_used(values, mask):
    frames = open_frames(values, mask=mask)
    np.testing.assert_array_equal(frames.mask, mask)
    masked = np.where(mask, values, np.nan).astype(np.float32)
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(frames), masked, strict=True)
    np.testing.assert_array_equal(frames[2], masked[2], strict=True)
    np.testing.assert_array_equal(np.concatenate(list(frames.blocks())), masked, strict=True)
    np.testing.assert_array_equal(np.asarray(frames.as_stored()), values, strict=True)
    cropped = frames[[2, 1]].append(Crop(4))
    np.testing.assert_array_equal(cropped.mask, mask[1:5, 2:6])
    expected = np.where(mask, values, np.nan).astype(np.float32)[:, 1:5, 2:6]
    np.testing.assert_array_equal(np.asarray(cropped), expected[[2, 1]], strict=True)
    assert np.isnan(cropped[0][1, 1])
    np.testing.assert_array_equal(cropped.append(Scale(1.0)), expected[[2, 1]])
    again = pickle.loads(pickle.dumps(cropped))
    np.testing.assert_array_equal(again, expected[[2, 1]])
    np.testing.assert_array_equal(again.mask, mask[1:5, 2:6])
    assert (
        len(pickle.dumps(Frames(CountingSource(5, 500, 500), mask=np.ones((500, 500), bool))))
        < 2000
    )


@pytest.mark.parametrize("by", ["mask", "values"])
def test_a_step_on_frames_as_stored_is_run(by):
    counts = np.random.default_rng(0).integers(0, 9, (4, 6, 8)).astype(np.int32)
    counts[:, 3, 4] = 2**31 - 1  # no count
    frames = open_frames(counts, mask=counts[0] < 9)
    if by == "values":
        frames = open_frames(counts).mask_no_data()
    stored = frames.as_stored()
    for step in (Scale(2.0), Crop(4)):
        expected = np.asarray(frames.append(step).append(Scale(3.0)))
        assert np.isnan(expected).any()
        np.testing.assert_array_equal(stored.append(step).append(Scale(3.0)), expected)
    np.testing.assert_array_equal(stored.append(Crop(4)), counts[:, 1:5, 2:6], strict=True)


@pytest.mark.parametrize("lazily", [False, True])
def test_masks_per_frame_follow_the_frames(values, lazily):
    masks = np.random.default_rng(1).random(values.shape) > 0.3
    frames = open_frames(values, mask=open_frames(masks) if lazily else masks)[[7, 0, 7, 2]][1:]
    np.testing.assert_array_equal(frames.mask, masks[[0, 7, 2]])
    expected = np.where(masks, values, np.nan).astype(np.float32)[[0, 7, 2], 1:5, 2:6]
    for view in (frames.append(Crop(4)), frames.append(Crop(4)).append(Scale(1.0))):
        np.testing.assert_array_equal(np.asarray(view), expected)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(view)), expected)
        np.testing.assert_array_equal(
            np.asarray(view.mask), masks[[0, 7, 2], 1:5, 2:6], strict=True
        )


def test_the_mask_is_a_copy(values, mask):
    frames = open_frames(values, mask=mask)
    mask[...] = False
    assert frames.mask.any()
    with pytest.raises(ValueError, match="read-only"):
        frames.mask[0, 0] = True


def test_a_mask_of_modules_is_stacked(values):
    modules = np.ones((2, 3, 8), bool)
    modules[1, 0, 5] = False
    np.testing.assert_array_equal(open_frames(values, mask=modules).mask, modules.reshape(6, 8))


@pytest.mark.parametrize(
    ("bad", "part"),
    [
        (np.ones((6, 8), np.uint16), "read_mask"),
        ("mask.h5", "no file"),
        (np.ones((8, 6), bool), r"\(8, 6\)"),
        (np.ones((8, 6, 8), bool), r"\(8, 6, 8\)"),
        (np.ones((2, 2, 2, 2), bool), r"\(2, 2, 2, 2\)"),
    ],
)
def test_refuses_other_masks(values, bad, part):
    with pytest.raises(InputError, match=part):
        open_frames(values, mask=bad)


def test_metadata_and_sources_follow_the_index():
    frames = Frames(CountingSource())[[9, 4]]
    np.testing.assert_array_equal(frames.metadata["timestamp"], [4.5, 2.0])
    assert frames.sources == [FrameOrigin(None, 9, "//9", ""), FrameOrigin(None, 4, "//4", "")]
