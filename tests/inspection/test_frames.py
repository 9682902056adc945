"""Pictures of frames and of what row-wise decomposition makes of them."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    GCN,
    LCN,
    CentralCrop,
    FrameDisplay,
    PeakCountClassifier,
    PixelMask,
    RowProfileDisplay,
    RowWiseDecomposition,
    open_frames,
)
from sklearn_sfx.frames import MASKED_COLOUR, highest_of_blocks
from sklearn_sfx.inspection._drawing import class_colours
from sklearn_sfx.preprocessing import find_peaks

SIDE = 60
SPOTS = ((20, 31), (41, 12))


@pytest.fixture
def spotted():
    """Return two frames; the second has two spots."""
    X = np.random.default_rng(0).poisson(10.0, (2, SIDE, SIDE)).astype(np.uint16)
    for row, column in SPOTS:
        X[1, row - 1 : row + 2, column - 1 : column + 2] += 90
    return X


def drawn_colours(display):
    """Return the colour of each pixel as it is drawn, (height, width, 4)."""
    return display.image_.to_rgba(display.image_.get_array())


def found(display):
    return sorted(zip(display.peaks.row.round(), display.peaks.column.round(), strict=True))


def test_masked_pixels_have_a_colour_of_their_own(spotted):
    mask = np.random.default_rng(1).random((SIDE, SIDE)) > 0.1
    display = FrameDisplay.from_frames(open_frames(spotted, mask=mask), index=1)
    np.testing.assert_array_equal(np.isnan(display.frame), ~mask)
    np.testing.assert_array_equal(display.frame[mask], spotted[1][mask])
    is_masked = (drawn_colours(display) == to_rgba(MASKED_COLOUR)).all(axis=-1)
    np.testing.assert_array_equal(is_masked, ~mask)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [f"peaks ({len(display.peaks.row)})", "masked"]


def test_contrast_is_by_percentile_of_what_is_usable(spotted):
    display = FrameDisplay.from_frames(spotted, index=1, percentiles=(10, 90))
    assert display.image_.get_clim() == tuple(np.percentile(spotted[1], [10, 90]))
    assert display.plot(vmin=0, vmax=5).image_.get_clim() == (0, 5)


def test_a_spot_of_one_pixel_stays_in_a_large_frame():
    frame = np.zeros((900, 1001), np.float32)
    frame[899, 1000] = 7
    frame[:4, :7] = np.nan
    highest, side = highest_of_blocks(frame, n_blocks=300)
    assert side == 3
    assert highest.shape == (300, 334)
    assert highest[-1, -1] == 7
    # A block is masked only where all of it is.
    np.testing.assert_array_equal(np.argwhere(np.isnan(highest)), [[0, 0], [0, 1]])
    display = FrameDisplay(frame=frame).plot()
    assert display.ax_.get_xlim() == (-0.5, 1000.5)
    assert display.ax_.get_ylim() == (899.5, -0.5)


@pytest.mark.parametrize("lazy", [False, True])
def test_the_frame_after_a_step_is_what_the_pipeline_makes(spotted, lazy):
    X = open_frames(spotted) if lazy else spotted
    steps = make_pipeline(CentralCrop(50), GCN(), LCN(5), RowWiseDecomposition())
    display = FrameDisplay.from_estimator(steps, X, index=1, step="lcn")
    assert not hasattr(steps[0], "frame_shape_in_")  # the caller's pipeline is left unfitted
    np.testing.assert_allclose(display.frame, steps[:3].fit_transform(spotted)[1], atol=1e-6)
    # 5 pixels of the crop and 2 of the window are gone at each side.
    assert found(display) == [(row - 7, column - 7) for row, column in SPOTS]
    assert found(FrameDisplay.from_frames(X, index=-1)) == list(SPOTS)
    assert FrameDisplay.from_frames(X, peaks=False).peaks is None


def test_peaks_are_those_that_the_pipeline_counts(spotted):
    spotted[1, 20:23, 50:53] += 40
    masking = PixelMask(np.arange(SIDE) < np.full((SIDE, 1), 40))  # without the weak spot
    steps = make_pipeline(masking, PeakCountClassifier(min_pixels=4)).fit(spotted, [0, 1])
    display = FrameDisplay.from_estimator(steps, spotted, index=1, step="pixelmask")
    assert len(display.peaks.row) == steps[-1].count_peaks(masking.transform(spotted))[1] == 2
    assert len(find_peaks(spotted[1]).row) == 3


def test_a_fitted_mask_and_a_search_are_shown_as_they_are(spotted):
    X = np.random.default_rng(0).poisson(100, (20, SIDE, SIDE)).astype(np.uint16)
    X[:, 3, 4] = 40000
    search = GridSearchCV(
        make_pipeline(PixelMask(detect=True), PeakCountClassifier()),
        {"peakcountclassifier__min_snr": [5.0]},
        cv=2,
    )
    display = FrameDisplay.from_estimator(search.fit(X, [0, 1] * 10), X, step="pixelmask")
    np.testing.assert_array_equal(np.argwhere(np.isnan(display.frame)), [[3, 4]])


def test_profiles_are_of_the_first_frames_of_each_class(frames):
    X, _ = frames
    y = np.array(["MISS", "HIT"] * 20)
    steps = make_pipeline(GCN(), RowWiseDecomposition(axis="column"))
    display = RowProfileDisplay.from_estimator(steps, X, y, n_curves=2)
    assert display.y.tolist() == ["HIT", "HIT", "MISS", "MISS"]
    np.testing.assert_array_equal(display.profiles, steps.fit_transform(X)[[1, 3, 0, 2]])
    assert display.ax_.get_xlabel() == "column / pixel"
    assert len(display.lines_) == 4
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), display.profiles[0])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["HIT", "MISS"]


def test_hits_and_misses_have_one_colour_in_all_pictures():
    numbers, words = class_colours([0, 1]), class_colours(["HIT", "MAYBE", "MISS"])
    assert (numbers[0], numbers[1]) == (words["MISS"], words["HIT"])
    assert len(set(words.values())) == 3
