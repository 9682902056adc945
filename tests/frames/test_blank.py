"""Frames in which mask and values leave no pixel, where a decision is wanted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_sfx import CentralCrop, PixelMask, open_frames
from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames import ArraySource, Frames, needing_some

SIDES = st.integers(1, 40)


def is_refused(frame):
    try:
        np.asarray(frame)
    except UnreadableFrame:
        return True
    return False


@settings(deadline=None)
@given(st.data())
def test_it_is_refused_just_where_nothing_is_left(data):
    shape = data.draw(st.tuples(SIDES, SIDES))
    usable = data.draw(hnp.arrays(bool, shape, elements=st.just(False), fill=st.just(False)))
    for row, column in data.draw(st.lists(st.tuples(SIDES, SIDES), max_size=2)):
        usable[row % shape[0], column % shape[1]] = True
    with_nan = np.where(usable, 1.0, np.nan).astype(np.float32)
    for frame, mask in ((np.ones(shape, np.uint16), usable), (with_nan, None)):
        frames = Frames(ArraySource(frame[np.newaxis]), mask=mask)
        prepared = PixelMask().fit_transform(frames)
        for view in (prepared, prepared.as_stored()):
            assert is_refused(needing_some(view)) == (not usable.any())
            assert not is_refused(view)


def test_values_that_mean_no_data_leave_nothing_either():
    frames = np.ones((3, 50, 60), np.uint32)
    frames[1] = 2**32 - 1
    prepared = PixelMask(invalid="auto").fit_transform(open_frames(frames))
    assert [is_refused(needing_some(prepared)[[row]]) for row in range(3)] == [False, True, False]


def test_what_is_cut_away_does_not_count():
    frames = np.full((1, 60, 60), np.nan, np.float32)
    frames[0, :5] = 1.0
    whole = PixelMask().fit_transform(open_frames(frames))
    assert not is_refused(needing_some(whole))
    assert is_refused(needing_some(CentralCrop(40).fit_transform(whole)))


def test_the_sentence_names_the_frame(tmp_path):
    np.save(tmp_path / "run.npy", np.full((2, 20, 20), np.nan))
    prepared = needing_some(PixelMask().fit_transform(open_frames(tmp_path / "run.npy")))
    with pytest.raises(UnreadableFrame, match=r"Frame \[2\] of .*run\.npy has no pixel to look at"):
        prepared[1]
