"""What several steps say of a frame's peaks is the same when they find them once."""

import numpy as np
import pytest

from sklearn_sfx import StrongestPeaks, open_frames
from sklearn_sfx.classifiers import (
    PeakCountClassifier,
    PeakHeightClassifier,
    SpotCountClassifier,
    find_together,
)
from sklearn_sfx.preprocessing import PixelMask, count_peaks, count_spots


@pytest.fixture(scope="module")
def run():
    """Poisson noise with spots; the first and last columns are a gap of -1 or of zeros."""
    rng = np.random.default_rng(0)
    frames = rng.poisson(3.0, (6, 120, 150)).astype(np.int32)
    frames[1::2, 10:110:10, 20:140:10] += 40
    frames[1::2, 10:110:10, 21:140:10] += 30
    frames[:, :, :8] = -1
    frames[:, :, -8:] = 0
    return frames


@pytest.fixture(scope="module")
def mask():
    usable = np.random.default_rng(1).random((120, 150)) > 0.02
    usable[50:60] = False
    return usable


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
def test_found_together_is_found_one_by_one(run, mask, dtype):
    frames = PixelMask(mask).fit_transform(open_frames(run.astype(dtype)))
    finders = [PeakHeightClassifier(), PeakCountClassifier(), SpotCountClassifier()]
    finders.append(PeakCountClassifier(background_radius=6, noise_floor=0.5, min_pixels=3))
    for finder in finders[:3]:
        finder.fit(frames)
    finders[3].fit(frames, [0, 1, 0, 1, 0, 1])
    heights, counts, spots, others = find_together(finders, frames)
    np.testing.assert_array_equal(heights, StrongestPeaks().fit_transform(frames))
    np.testing.assert_array_equal(counts, count_peaks(frames))
    np.testing.assert_array_equal(spots, count_spots(frames))
    np.testing.assert_array_equal(others, finders[3].count_peaks(frames))
    assert (counts[1::2] > 50).all()
    assert (spots[1::2] > 50).all()


def test_a_mask_is_as_good_as_nan(run, mask):
    """The peak finder gets the frames as they are and the mask, and takes them as one."""
    lazy = PixelMask(mask).fit_transform(open_frames(run))
    masked = np.where(mask, run, np.nan).astype(np.float32)
    for find in (count_peaks, count_spots, StrongestPeaks().fit_transform):
        np.testing.assert_array_equal(find(lazy), find(masked))
    assert [step.description for step in StrongestPeaks().fit_transform(lazy).steps] == [
        step.description for step in StrongestPeaks().fit_transform(open_frames(run)).steps
    ]
