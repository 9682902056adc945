"""The picture of `plot_overview`, which `sfx demo` makes and the README shows."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.ndimage import gaussian_filter

from sklearn_sfx.inspection import plot_overview
from sklearn_sfx.inspection._spot_contrast import CONTRAST, above_background

SIDE = 120


def frame_with_spots():
    """Return a frame with a bright ring of water and five spots off it, and where both are."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    ring = 400 * np.exp(-(((np.hypot(y, x) - 35) / 6) ** 2))
    frame = rng.poisson(50 + ring).astype(float)
    spots = [(10, 10), (10, 110), (110, 10), (110, 110), (60, 60)]
    peaks = np.zeros_like(frame)
    for row, column in spots:
        peaks[row, column] = 1000
    return frame + gaussian_filter(peaks, 0.8), spots, ring > 100


def test_spots_stand_out_of_a_ring_that_is_brighter():
    frame, spots, ring = frame_with_spots()
    above = above_background(frame, SIDE)
    at_spots = np.array([above[spot] for spot in spots])
    assert frame[ring].mean() > max(frame[spot] for spot in spots)
    assert at_spots.min() > 0.6 * CONTRAST[1]
    assert np.percentile(above[ring], 95) < 0.7 * at_spots.min()


def test_a_mask_stays_a_mask_and_its_rim_is_no_signal():
    frame, *_ = frame_with_spots()
    frame[:, 70:80] = np.nan
    above = above_background(frame, SIDE)
    assert np.isnan(above[:, 70:80]).all()
    assert np.nanmax(above[20:100, 66:84]) < CONTRAST[1]


def test_legends_cover_nothing():
    frame, *_ = frame_with_spots()
    frame[0, 0] = np.nan
    profile, scores = np.ones(SIDE), np.linspace(0, 1, 40)
    figure = plot_overview(frame, frame, profile, profile, scores, scores > 0.5, title="SIMULATED")
    FigureCanvasAgg(figure).draw()
    for ax in figure.axes:
        legend = ax.get_legend().get_window_extent()
        assert not any(legend.overlaps(other.get_window_extent()) for other in figure.axes)
        assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
