"""Frames that cannot be read, and values that are none, whatever the format."""

import pickle

import numpy as np
import pytest

from sklearn_sfx import GCN, CentralCrop, Frames, InputError, PixelMask, open_frames
from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames import ArraySource, Unreadable
from sklearn_sfx.frames._filled_source import FilledSource, refuse_unreadable
from sklearn_sfx.frames._joined_source import JoinedSource


class Gappy(ArraySource):
    """Frames of which some are known to be gone, and one is damaged; half of it is there."""

    def __init__(self, array, gone=(), damaged=None):
        super().__init__(array)
        self.unreadable = tuple(gone)
        self._damaged = damaged

    def read(self, position, window, out):
        super().read(position, window, out)
        if any(gone.start <= position < gone.stop for gone in self.unreadable):
            raise UnreadableFrame("It is gone.")
        if position == self._damaged:
            error = UnreadableFrame("It is damaged.")
            error.usable = np.arange(out.size).reshape(out.shape) % 2 == 0
            raise error


@pytest.fixture
def values():
    return np.arange(5 * 6 * 6, dtype=np.int32).reshape(5, 6, 6)


def test_what_cannot_be_read_is_nan(values):
    source = Gappy(values, [Unreadable(1, 3, "it is gone")], damaged=4)
    frames = Frames(FilledSource(source))
    assert (frames.shape, frames.dtype) == (values.shape, np.float32)
    read = np.asarray(frames)
    np.testing.assert_array_equal(read[[0, 3]], values[[0, 3]])
    assert np.isnan(read[1:3]).all()
    assert np.isnan(read[4]).sum() == 18
    np.testing.assert_array_equal(read[4].ravel()[::2], values[4].ravel()[::2])
    known = [("it is gone", 1, 3), ("It is damaged", 4, 5)]
    assert [(gone.reason, gone.start, gone.stop) for gone in frames.unreadable] == known
    assert [gone.partly for gone in frames.unreadable] == [False, True]
    assert frames.filled
    assert not Frames(source).filled
    assert [(gone.start, gone.stop) for gone in frames[[4, 0, 2, 1]].unreadable] == [
        *((0, 1), (2, 4)),
    ]
    assert frames[[0, 3]].unreadable == ()


def test_it_goes_through_the_steps(values):
    frames = Frames(FilledSource(Gappy(values, [Unreadable(1, 2, "gone")])))
    prepared = GCN().fit_transform(CentralCrop(4).fit_transform(frames))
    rows = np.asarray(prepared)
    assert np.isnan(rows[1]).all()
    expected = GCN().fit_transform(CentralCrop(4).fit_transform(values.astype(np.float32)))
    np.testing.assert_allclose(rows[[0, 2]], expected[[0, 2]], rtol=1e-6)


def test_pickles_know_it_too(values):
    joined = JoinedSource([ArraySource(values), Gappy(values, [Unreadable(1, 2, "gone")])])
    frames = pickle.loads(pickle.dumps(Frames(FilledSource(joined))[4:8]))
    assert frames.unreadable == (Unreadable(2, 3, "gone"),)
    assert np.isnan(frames[2]).all()


def test_a_run_is_refused_in_one_sentence(values, sentence):
    gone = [Unreadable(1, 2, "the file a is not there"), Unreadable(3, 5, "it was never written")]
    with pytest.raises(InputError) as error:
        refuse_unreadable(Gappy(values, gone))
    sentence(error, "3 of 5 frames", "first frame [2]", "the file a", "1 other", 'missing="nan"')
    refuse_unreadable(Gappy(values))


@pytest.mark.parametrize("missing", ["drop", None, True])
def test_there_are_two_ways(values, missing):
    with pytest.raises(InputError, match="missing must be"):
        open_frames(values, missing=missing)
    assert open_frames(values, missing="nan").dtype == np.float32


# -- Infinity -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "value"),
    [*[("f8", value) for value in (np.inf, -np.inf, 1e39)], ("f4", np.inf), ("f2", -np.inf)],
)
@pytest.mark.parametrize("prepare", [CentralCrop(4), GCN()])
def test_infinity_is_refused_when_frames_are_prepared(values, dtype, value, prepare):
    X = values.astype(dtype)
    X[2, 3, 3] = value
    frames = open_frames(X)
    np.testing.assert_array_equal(frames[2], X[2])  # as they are, they may be looked at
    prepared = prepare.fit_transform(frames)
    prepared[1]
    with pytest.raises(UnreadableFrame, match=r"Frame \[3\] .* infinity .* 1 of its pixels"):
        prepared[2]
    with pytest.raises(UnreadableFrame, match="infinity"):
        np.asarray(prepared.as_stored())
    with pytest.raises(InputError, match="infinity"):  # the same for an array
        prepare.fit_transform(X)


def test_infinity_behind_a_mask_or_in_what_is_cut_away_is_no_matter(values):
    X = values.astype(np.float32)
    X[2, 3, 3] = X[1, 0, 0] = np.inf
    X[0, 2, 2] = np.nan
    mask = np.ones((6, 6), bool)
    mask[3, 3] = False
    crops = np.asarray(CentralCrop(4).fit_transform(open_frames(X, mask=mask)))
    assert np.isnan(crops[:, 2, 2]).all()
    assert np.isnan(crops[0, 1, 1])
    layers = np.broadcast_to(mask, X.shape)
    crops = CentralCrop(4).fit_transform(open_frames(X, mask=layers))
    assert np.isfinite(np.asarray(crops)[1:, 0]).all()
    masked = PixelMask(mask).fit(X[:1]).transform(X[:1])
    assert np.isnan(masked[0, 3, 3])


@pytest.mark.parametrize(("dtype", "least"), [("f8", -1e300), ("f4", -np.inf), ("f2", -np.inf)])
def test_infinity_is_nan_where_that_is_asked_for(values, dtype, least):
    X = values.astype(dtype)
    X[2, 3, 3], X[1, 3, 3] = np.inf, least
    frames = open_frames(X, missing="nan")
    crops = np.asarray(CentralCrop(4).fit_transform(frames))
    assert np.argwhere(np.isnan(crops)).tolist() == [[1, 2, 2], [2, 2, 2]]
    assert frames.unreadable == ()


def test_large_values_that_are_finite_pass(values):
    X = np.full((1, 6, 6), 3e38, np.float32)
    assert np.isfinite(np.asarray(CentralCrop(4).fit_transform(open_frames(X)))).all()
