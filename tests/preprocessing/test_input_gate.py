"""The one gate for input: what it lets through, in which dtype, and what it remembers."""

import re

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator

from sklearn_sfx._validation import check_frames
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import ArraySource, Frames
from sklearn_sfx.preprocessing import count_peaks, find_peaks


class Reader(BaseEstimator):
    """An estimator that does nothing but take input."""


class UnreadableSource(ArraySource):
    def read(self, position, window, out):
        raise AssertionError("validation must not read frames")


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "float32"])
def test_counts_and_float32_pass_without_a_copy(dtype):
    X = np.ones((2, 3, 4), dtype=dtype)
    out = check_frames(Reader(), X, reset=True)
    assert out.dtype == dtype
    assert np.shares_memory(out, X)
    assert check_frames(Reader(), X, reset=True, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "bool", "int64", "uint32"])
def test_other_numbers_become_float32(dtype):
    X = np.ones((2, 3, 4), dtype=dtype)
    out = check_frames(Reader(), X, reset=True)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, X)


def test_order_and_bytes_become_native():
    X = np.arange(24, dtype=">i4").reshape(2, 3, 4).transpose(0, 2, 1)
    out = check_frames(Reader(), X, reset=True)
    assert out.dtype == np.int32
    assert out.dtype.isnative
    assert out.flags.c_contiguous
    np.testing.assert_array_equal(out, X)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32", "bool"])
def test_what_a_masked_array_masks_is_nan(dtype):
    X = np.ma.array(np.ones((2, 3, 4)), dtype=dtype, mask=np.zeros((2, 3, 4), bool))
    assert check_frames(Reader(), X, reset=True).dtype == (dtype if dtype != "bool" else np.float32)
    X[1, 2] = np.ma.masked
    out = check_frames(Reader(), X, reset=True)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(out), np.ma.getmaskarray(X))


def test_peaks_are_not_found_where_a_masked_array_is_masked():
    frame = np.random.default_rng(0).poisson(5, (60, 60))
    for row, column in ((10, 10), (40, 40)):
        frame[row : row + 2, column : column + 2] = 900
    masked = np.ma.masked_where(np.arange(60)[:, np.newaxis] + np.zeros(60) < 30, frame)
    assert (len(find_peaks(frame)[0]), len(find_peaks(masked)[0])) == (2, 1)
    assert count_peaks(masked[np.newaxis]).tolist() == [1]


def test_lists_are_read():
    assert check_frames(Reader(), [[[1, 2], [3, 4]]], reset=True).shape == (1, 2, 2)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 8)])
def test_remembers_the_shape(shape):
    for X in (np.ones(shape), torch.ones(shape)):
        reader = Reader()
        check_frames(reader, X, reset=True)
        assert reader.frame_shape_in_ == shape[1:]
        assert reader.n_features_in_ == 7
        check_frames(reader, X[:2], reset=False)


def test_lazy_frames_are_not_read():
    lazy = Frames(UnreadableSource(np.ones((5, 7, 8))))
    reader = Reader()
    assert check_frames(reader, lazy, reset=True) is lazy
    assert reader.frame_shape_in_ == (7, 8)
    with pytest.raises(InputError, match=re.escape("of shape (7, 9)")):
        check_frames(reader, Frames(UnreadableSource(np.ones((5, 7, 9)))), reset=False)
    with pytest.raises(InputError, match="at least one frame"):
        check_frames(reader, lazy[:0], reset=False)


def test_nan_passes_and_infinity_does_not():
    X = np.ones((2, 3, 4))
    X[0, 0, 0] = np.nan
    assert np.isnan(check_frames(Reader(), X, reset=True)[0, 0, 0])
    for value in (np.inf, -np.inf, 1e39):
        X[1, 1, 1] = value
        with pytest.raises(InputError, match="contains infinity"):
            check_frames(Reader(), X, reset=True)
    X[0, 0, 1], X[1, 1, 1] = np.inf, -np.inf  # whose sum hides them
    with pytest.raises(InputError, match="contains infinity"):
        check_frames(Reader(), X, reset=True)


def test_large_finite_values_pass():
    X = np.full((2, 300, 300), 3e38, dtype=np.float32)
    assert check_frames(Reader(), X, reset=True) is X


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3, 4)])
def test_other_dimensions_are_refused(shape):
    for X in (np.ones(shape), torch.ones(shape)):
        with pytest.raises(ValueError, match=r"Reshape your data|n_frames, height, width"):
            check_frames(Reader(), X, reset=True)


def test_says_what_to_do_with_frames_where_signals_are_wanted():
    for X in (np.ones((2, 3, 4)), torch.ones(2, 3, 4)):
        with pytest.raises(InputError, match="put RowWiseDecomposition"):
            check_frames(Reader(), X, reset=True, allow_3d=False)


def test_complex_and_text_are_refused():
    with pytest.raises(InputError, match="complex"):
        check_frames(Reader(), torch.ones(2, 3, 4, dtype=torch.complex64), reset=True)
    with pytest.raises(ValueError, match="Complex data not supported"):
        check_frames(Reader(), np.ones((2, 3, 4), dtype=complex), reset=True)
    with pytest.raises(ValueError, match="could not convert"):
        check_frames(Reader(), np.array([["a", "b"]], dtype=object), reset=True)
