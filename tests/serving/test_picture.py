"""The pictures of frames: what a browser draws of them, at every zoom."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_sfx.serving import TILE, FramePicture, view_facts
from sklearn_sfx.serving._contrast import local_contrast

RNG_SHAPE = (700, 1100)


def values(codes, shape):
    facts = view_facts(shape)
    out = np.sinh((codes.astype(float) - facts["zero"]) * facts["step"])
    return np.where(codes == 0, np.nan, out)


@pytest.fixture
def frame():
    frame = np.random.default_rng(0).poisson(20.0, RNG_SHAPE).astype(np.float32)
    frame[300:340] = np.nan
    return frame


def test_tiles_put_together_are_the_frame_at_every_level(frame):
    picture = FramePicture(frame)
    assert picture.n_levels == view_facts(frame.shape)["levels"] == 3
    for level in range(3):
        whole = picture.codes("counts", level)
        assert whole.shape == tuple(-(-n // 2**level) for n in frame.shape)
        rows = []
        for row in range(-(-whole.shape[0] // TILE)):
            parts = []
            for column in range(-(-whole.shape[1] // TILE)):
                data = zlib.decompress(picture.tile("counts", level, row, column), 31)
                height = min(TILE, whole.shape[0] - row * TILE)
                parts.append(np.frombuffer(data, np.uint8).reshape(height, -1))
            rows.append(np.hstack(parts))
        np.testing.assert_array_equal(np.vstack(rows), whole)


def test_a_pixel_that_stands_out_is_seen_at_every_level(frame):
    frame[123, 456] = 400
    picture = FramePicture(frame)
    for layer in ("local", "counts"):
        for level in range(picture.n_levels):
            codes = picture.codes(layer, level)
            assert np.unravel_index(codes.argmax(), codes.shape) == (123 >> level, 456 >> level)


def test_masked_pixels_are_none_and_shown_when_asked_for(frame):
    stored = frame.copy()
    stored[300:340] = 77
    picture = FramePicture(frame, lambda: stored)
    for layer in ("local", "counts"):
        codes = picture.codes(layer, 0)
        np.testing.assert_array_equal(codes == 0, np.isnan(frame))
        shown = picture.codes(layer, 0, masked=False)
        assert (shown > 0).all()
        np.testing.assert_array_equal(shown[codes > 0], codes[codes > 0])


def test_counts_are_what_the_detector_says_up_to_a_scale(frame):
    picture = FramePicture(frame)
    drawn = values(picture.codes("counts", 0), frame.shape)
    usable = np.isfinite(frame)
    assert np.corrcoef(drawn[usable], frame[usable])[0, 1] > 0.999
    low, high = picture.counts_range
    assert np.nanpercentile(drawn, 1) == pytest.approx(low, abs=0.2)
    assert np.nanpercentile(drawn, 99.9) == pytest.approx(high, abs=0.3)


@pytest.mark.parametrize("level", [0.05, 3.0, 1000.0])
def test_the_noise_of_local_contrast_is_one_wherever_there_are_photons(level):
    ramp = level * np.linspace(1, 3, 400)[:, None] * np.ones(400)
    frame = np.random.default_rng(1).poisson(ramp).astype(np.float32)
    out = local_contrast(frame)
    assert abs(out.mean()) < 0.2
    assert out.std() < 1.3
    if level >= 3:
        assert out.std() > 0.8


def test_spots_stand_out_alike_on_background_and_beside_a_strong_one():
    frame = np.random.default_rng(2).poisson(10.0, (200, 200)).astype(np.float32)
    frame[:, 100:] += np.random.default_rng(3).poisson(400.0, (200, 100))
    spots = [(50, 40), (60, 46), (150, 160)]
    for row, column in spots:
        frame[row, column] += 10 * np.sqrt(frame[row, column])
    frame[50, 40] = 60_000
    out = local_contrast(frame)
    assert min(out[spot] for spot in spots) > 6
    edges = np.abs(np.arange(200) - 100) < 20  # a step is no spot, and stands out too
    elsewhere = out[:, ~edges].ravel()
    assert np.sort(elsewhere)[-10] < 6.5


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.integers(1, 40)),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
def test_any_frame_has_a_picture(frame):
    with np.errstate(all="ignore"):
        picture = FramePicture(frame)
        for layer in ("local", "counts"):
            codes = picture.codes(layer, 0)
            assert codes.shape == frame.shape
            assert (codes[np.isnan(frame)] == 0).all()
        assert np.isfinite([*picture.counts_range, *np.ravel(picture.scales("local"))]).all()


def test_frames_on_a_given_scale_can_be_compared():
    """One with a thousand times the light is not drawn like the other."""
    faint = np.random.default_rng(0).poisson(1.0, (64, 64)).astype(np.float32)
    scale = (0.0, 2.0, 500.0)
    one, other = (FramePicture(frame, scale=scale) for frame in (faint, 1000 * faint))
    assert one.counts_range == other.counts_range == (0.0, 500.0)
    assert other.codes("counts", 0).max() > one.codes("counts", 0).max() + 50
    same = FramePicture(np.pad(1000 * faint, 1), scale=scale).codes("counts", 0)[1:-1, 1:-1]
    np.testing.assert_array_equal(same, other.codes("counts", 0))
