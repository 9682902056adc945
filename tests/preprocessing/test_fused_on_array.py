"""Frames of an array, many in one call, against the same frames one by one."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline

from sklearn_sfx import GCN, LCN, CentralCrop, PixelMask, RowWiseDecomposition, open_frames
from sklearn_sfx.frames import ArraySource, Frames, Window
from sklearn_sfx.preprocessing import BaseStep
from sklearn_sfx.preprocessing._fused_step import FusedStep

SHAPE = (70, 23, 41)  # more frames than go into one call
STEP = FusedStep(normalize=True, kernel_size=5, axis="row")
ORDER = [3, 69, 3, 0, 41]


@pytest.fixture(scope="module")
def counts():
    frames = np.random.default_rng(0).poisson(30, SHAPE).astype(np.uint16)
    frames[41] = 7  # flat
    frames[3, 11, 20] = 60_000  # far from the mean of the rows that are looked at first
    frames[69] = 50_000
    frames[69, 2] = 0
    return frames


def prepared(frames, *steps):
    return make_pipeline(*steps, GCN(), LCN(), RowWiseDecomposition()).fit_transform(frames)


@pytest.mark.parametrize("dtype", ["u2", "i2", "i4", "u4", ">u2", "f4", "f8", "u1"])
@pytest.mark.parametrize("steps", [(), (CentralCrop(17),)], ids=["whole", "part"])
@pytest.mark.parametrize("masked", [False, True])
def test_many_at_once_are_the_same_bit_by_bit(counts, dtype, steps, masked):
    frames = np.minimum(counts, 127 if dtype == "u1" else 32_000).astype(dtype)
    mask = np.random.default_rng(1).random(SHAPE[1:]) > 0.1 if masked else None
    run = prepared(open_frames(frames, mask=mask), *steps)
    one_by_one = np.stack([run[k] for k in ORDER])
    for some in (run[ORDER], run[::-1], run):
        np.testing.assert_array_equal(np.asarray(some), np.stack(list(some)))
    np.testing.assert_array_equal(np.asarray(run[ORDER]), one_by_one)
    (step,), window = run.steps, run.window.slices
    usable = None if mask is None else mask[window]
    native = frames.astype(frames.dtype.newbyteorder("="))
    found = [step(np.ascontiguousarray(native[k][window]), usable) for k in ORDER]
    np.testing.assert_array_equal(one_by_one, found)


def test_they_are_done_at_once_but_for_those_that_cannot_be(counts):
    out = np.zeros((SHAPE[0], 15), np.float32)
    window, positions = Window(2, 5, 19, 30), np.arange(SHAPE[0])
    done = STEP.on_array(counts, positions, window, None, out)
    assert done.sum() > 60
    assert not done[69]
    expected = np.stack([STEP(np.ascontiguousarray(frame[window.slices])) for frame in counts])
    np.testing.assert_array_equal(out[done], expected[done])


@pytest.mark.parametrize(
    "array",
    [
        lambda counts: counts.astype(np.int32),
        lambda counts: counts[:, ::2],
        lambda counts: counts.byteswap().view(">u2"),
        lambda counts: counts.astype(np.float32),
    ],
    ids=["wide", "strided", "another byte order", "float"],
)
def test_arrays_of_another_kind_are_left(counts, array):
    out = np.full((3, 8), 5, np.float32)
    done = STEP.on_array(array(counts), np.arange(3), Window(0, 0, 12, 40), None, out)
    assert not done.any()
    assert (out == 5).all()


def test_read_only_and_turned_frames_give_the_same(counts, tmp_path):
    np.save(tmp_path / "frames.npy", counts)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    expected = np.asarray(prepared(open_frames(counts)))
    np.testing.assert_array_equal(np.asarray(prepared(open_frames(mapped))), expected)
    turned = np.ascontiguousarray(counts.transpose(0, 2, 1)).transpose(0, 2, 1)
    np.testing.assert_array_equal(np.asarray(prepared(open_frames(turned))), expected)


def test_a_mask_of_each_frame_and_values_are_heeded(counts):
    masks = np.random.default_rng(2).random(SHAPE) > 0.2
    run = prepared(open_frames(counts, mask=masks))
    found = [STEP(frame, mask) for frame, mask in zip(counts, masks, strict=True)]
    np.testing.assert_array_equal(np.asarray(run), found)
    saturated = prepared(open_frames(counts), PixelMask(saturation=50_000))
    np.testing.assert_array_equal(np.asarray(saturated), np.stack(list(saturated)))
    assert not np.array_equal(np.asarray(saturated), np.asarray(prepared(open_frames(counts))))


@pytest.mark.parametrize(
    "window",
    [(0, 0, 24, 41), (0, 0, 23, 42), (-1, 0, 10, 10), (0, -1, 10, 10), (20, 0, 10, 10), (900,) * 4],
)
def test_what_goes_beyond_the_frame_is_left(counts, window):
    out = np.full((2, window[2] - 4), 5, np.float32)
    done = STEP.on_array(counts, np.arange(2), Window(*window), None, out)
    assert not done.any()
    assert (out == 5).all()


class Beyond(BaseStep):
    """Asks for what is not there."""

    def output_shape(self, frame_shape):
        return frame_shape

    def append_to(self, window, steps):
        return Window(10**6, 0, 20, 20), steps

    def __call__(self, frame, usable=None):
        return frame.astype(np.float32)


def test_a_window_of_a_users_step_reads_no_other_memory(counts):
    with pytest.raises(ValueError, match="could not broadcast"):
        np.asarray(prepared(open_frames(counts).append(Beyond())))


class Twice(FusedStep):
    """Does more than the step that it is."""

    def __call__(self, frame, usable=None):
        return 2 * super().__call__(frame, usable)


class Watched:
    """Hands on what it has not itself."""

    def __init__(self, step):
        self.step = step

    def __getattr__(self, name):
        return getattr(object.__getattribute__(self, "step"), name)

    def append_to(self, window, steps):
        return window, (*steps, self)

    def __call__(self, frame, usable=None):
        return 2 * self.step(frame, usable)


HOW = {"normalize": True, "kernel_size": 5, "axis": "row"}


@pytest.mark.parametrize("step", [Twice(**HOW), Watched(STEP)], ids=["subclass", "proxy"])
@pytest.mark.parametrize("as_tensors", [False, True])
def test_a_step_that_does_more_is_called(counts, step, as_tensors):
    frames = open_frames(torch.from_numpy(counts) if as_tensors else counts)
    found = np.asarray(frames.append(step))
    np.testing.assert_allclose(found, 2 * np.asarray(open_frames(counts).append(STEP)), rtol=1e-5)


class Untold(BaseStep):
    def output_shape(self, frame_shape):
        return (1,)

    def __call__(self, frame, usable=None):
        return np.ones(1, np.float32)

    def on_array(self, frames, positions, window, usable, out):
        return positions


def test_a_step_that_does_not_say_what_it_has_done_is_refused(counts):
    with pytest.raises(TypeError, match=r"Untold.on_array has to say .* by 64 bools"):
        np.asarray(open_frames(counts).append(Untold()))


def test_a_source_that_reads_in_its_own_way_is_asked(counts):
    class Doubled(ArraySource):
        def read(self, position, window, out):
            out[...] = 2 * self.array[position][window.slices]

    run = prepared(Frames(Doubled(counts)), CentralCrop(12))
    doubled = prepared(open_frames(2 * counts), CentralCrop(12))
    np.testing.assert_array_equal(np.asarray(run), np.asarray(doubled))
