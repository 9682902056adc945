"""Planted defects are found; what only looks like one is spared."""

import numpy as np
import pytest
import torch

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import PixelMask

SHAPE = (120, 130)
GAP = slice(60, 66)  # between two modules, along the columns


def make_run(rng, n_frames, level):
    """Clean frames of a detector that counts ``level`` photons a pixel on its solvent ring.

    Two modules of different gain, a beam stop, a sharp ring, and in every frame another pulse
    energy, another jet streak and other Bragg spots.
    """
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    radius = np.hypot(y - 55, x - 40)
    expected = level * (0.3 + np.exp(-(((radius - 35) / 12) ** 2)))
    expected += 0.7 * level * np.exp(-(((radius - 70) / 1.2) ** 2))
    expected *= np.where(x < GAP.start, 1.0, 1.3)
    expected *= rng.normal(1, 0.02, SHAPE)  # gain
    expected[radius < 6] *= 0.02
    frames = np.empty((n_frames, *SHAPE))
    for i in range(n_frames):
        pattern = expected * rng.gamma(10, 0.1)
        tilt = rng.normal(0.5, 0.1)
        across = (y - 55) * np.cos(tilt) - (x - 40) * np.sin(tilt)
        pattern = pattern + level * rng.gamma(1, 0.7) * np.exp(-((across / 1.5) ** 2))
        for cy, cx in rng.uniform(0, SHAPE, (30, 2)):
            pattern += (20 + 10 * level) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 2)
        frames[i] = rng.poisson(np.maximum(pattern, 0))
    return frames


def plant(rng, frames):
    """Plant defects away from edges and each other; return where, by kind."""
    rows, columns = np.meshgrid(np.arange(5, 118, 8), np.arange(5, 128, 8), indexing="ij")
    places = np.stack([rows.ravel(), columns.ravel()], axis=1)
    apart = (places[:, 1] < GAP.start - 3) | (places[:, 1] > GAP.stop + 3)
    off_stop = np.hypot(places[:, 0] - 55, places[:, 1] - 40) > 12
    places = rng.permutation(places[apart & off_stop])[:40]
    kinds = {
        name: tuple(places[i::4].T) for i, name in enumerate(["hot", "dead", "stuck", "noisy"])
    }
    around = np.median(frames, axis=0)
    n = len(frames)
    y, x = kinds["hot"]
    frames[:, y, x] += 10 + 3 * around[y, x] + rng.poisson(5, (n, len(y)))
    frames[:, *kinds["dead"]] = 0
    frames[:, *kinds["stuck"]] = 65535
    y, x = kinds["noisy"]
    frames[:, y, x] += rng.random((n, len(y))) * (50 + 30 * around[y, x])
    return kinds


def scored(fitted, kinds, names):
    truth = np.zeros(SHAPE, dtype=bool)
    for where in kinds.values():
        truth[where] = True
    defects = ~fitted.mask_
    found = {name: defects[kinds[name]].mean() for name in names}
    return found, int(np.count_nonzero(defects & ~truth))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_frames", [20, 100])
@pytest.mark.parametrize("level", [30, 1000])
def test_finds_planted_defects_and_nothing_else(n_frames, level, seed):
    rng = np.random.default_rng([seed, n_frames, level])
    frames = make_run(rng, n_frames, level)
    kinds = plant(rng, frames)
    fitted = PixelMask(detect=True).fit(frames.round().clip(0, 65535).astype(np.uint16))
    found, false = scored(fitted, kinds, kinds)
    assert found == {"hot": 1, "dead": 1, "stuck": 1, "noisy": 1}
    assert false <= 2
    assert fitted.n_defects_ == np.count_nonzero(~fitted.mask_)


def test_photon_counts_too_low_to_judge_a_dead_pixel_are_left_alone():
    rng = np.random.default_rng(3)
    frames = rng.poisson(0.05, (40, *SHAPE))
    frames[:, :, 100:] = 0  # where no photon arrives at all
    frames[:, 20, 30] = 0
    frames[:, 50, 60] += 9
    fitted = PixelMask(detect=True).fit(frames.astype(np.uint16))
    np.testing.assert_array_equal(np.argwhere(~fitted.mask_), [[50, 60]])


def test_module_gaps_are_found_whole_and_their_edges_spared():
    rng = np.random.default_rng(4)
    frames = make_run(rng, 30, 200)
    frames[:, :, GAP] = 0
    frames[:, 90:100, 90:99] = -1
    defects = ~PixelMask(detect=True).fit(frames.astype(np.int32)).mask_
    assert defects[:, GAP].all()
    assert defects[90:100, 90:99].all()
    defects[:, GAP] = defects[90:100, 90:99] = False
    assert defects.sum() <= 2


def test_lazy_frames_tensors_and_arrays_agree():
    rng = np.random.default_rng(5)
    frames = make_run(rng, 12, 100)
    plant(rng, frames)
    frames = frames.round().clip(0, 65535).astype(np.int32)
    expected = PixelMask(detect=True, saturation=60000).fit(frames)
    assert expected.n_defects_ > 0
    for X in (open_frames(frames), torch.from_numpy(frames), frames.astype(np.float32)):
        fitted = PixelMask(detect=True, saturation=60000).fit(X)
        np.testing.assert_array_equal(fitted.mask_, expected.mask_)


def test_pixels_masked_before_are_no_defects_and_tell_nothing():
    rng = np.random.default_rng(6)
    frames = make_run(rng, 20, 100).astype(np.uint16)
    frames[:, 30:40, 100:120] = rng.integers(0, 60000, (20, 10, 20))
    mask = np.ones(SHAPE, dtype=bool)
    mask[30:40, 100:120] = False
    named = PixelMask(mask, detect=True).fit(frames)
    assert named.n_defects_ <= 2
    assert not named.mask_[30:40, 100:120].any()
    own = PixelMask(detect=True).fit(open_frames(frames, mask=mask))
    np.testing.assert_array_equal(own.mask_ & mask, named.mask_)


def test_scale_of_the_values_does_not_matter():
    rng = np.random.default_rng(7)
    frames = make_run(rng, 25, 300)
    kinds = plant(rng, frames)
    found, false = scored(PixelMask(detect=True).fit(frames * 1e-4), kinds, kinds)
    assert found == {"hot": 1, "dead": 1, "stuck": 1, "noisy": 1}
    assert false <= 2


def test_too_few_frames_are_refused():
    frames = np.ones((9, 8, 8), dtype=np.uint16)
    with pytest.raises(InputError, match="at least 10 frames"):
        PixelMask(detect=True).fit(frames)


def test_unchanging_frames_have_no_defects():
    frames = np.broadcast_to(np.arange(64.0).reshape(8, 8), (12, 8, 8))
    assert PixelMask(detect=True).fit(frames).n_defects_ == 0


def test_a_long_run_is_sampled_evenly(monkeypatch):
    from sklearn_sfx.preprocessing import _mask

    monkeypatch.setattr(_mask, "MAX_FRAMES", 20)
    frames = np.random.default_rng(8).poisson(100, (58, 32, 32)).astype(np.uint16)
    frames[1::3, 4, 4] = 50000  # never in the sample, which takes frames 0, 3, 6 and so on
    frames[::3, 20, 20] = 50000
    fitted = PixelMask(detect=True).fit(frames)
    np.testing.assert_array_equal(np.argwhere(~fitted.mask_), [[20, 20]])
