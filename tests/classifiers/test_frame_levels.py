"""DANN on frames: what a pixel shows in every frame of a run is no hit."""

import numpy as np
import pytest
import torch

from sklearn_sfx import CNN2D, DANN
from sklearn_sfx.classifiers._base import Material
from sklearn_sfx.classifiers._cache import CachedFrames
from sklearn_sfx.classifiers._frame_levels import bring_frames_to_target
from sklearn_sfx.frames import open_frames

BASE = CNN2D(channels=(4, 8), first_kernel_size=3, n_hidden=8)
QUICK = {"max_epochs": 12, "batch_size": 16, "lr": 0.01, "random_state": 0}


def noise(n, seed):
    return np.random.default_rng(seed).normal(0, 1, (n, 20, 24)).astype(np.float32)


def samples(n_source, n_target, change=None):
    """Return samples of two runs, shuffled: the target has a pattern, and half of the noise."""
    frames = noise(n_source + n_target, 0)
    targets = np.r_[np.arange(n_source) % 2, np.full(n_target, -1)]
    frames[n_source:] *= 0.5
    frames[n_source:, 3] += 40
    if change is not None:
        change(frames[:n_source], frames[n_source:])
    order = np.random.default_rng(1).permutation(len(targets))
    return CachedFrames(frames[order], targets[order], 1e9)


def brought(held, held_back=None):
    bring_frames_to_target(Material(held, held_back, torch.device("cpu")))
    return held


def all_of(held):
    return held._fetch(list(range(len(held))))


# -- What is done to frames -----------------------------------------------------------------------


def test_each_pixel_of_the_source_gets_level_and_spread_of_the_target():
    held = samples(190, 160)
    X, before = held.X.copy(), all_of(held)
    after, source = all_of(brought(held)), held.targets >= 0
    np.testing.assert_array_equal(after[~source], before[~source])
    for statistic in (torch.mean, torch.std):
        found, wanted = (statistic(after[of], dim=0) for of in (source, ~source))
        np.testing.assert_allclose(found, wanted, atol=0.25)
    # Each pixel by itself is multiplied and shifted, so a spot stays as far above the noise.
    pixel = before[source][:, 7, 7].numpy(), after[source][:, 7, 7].numpy()
    np.testing.assert_allclose(np.corrcoef(*pixel)[0, 1], 1, rtol=1e-5)
    np.testing.assert_array_equal(all_of(held), after)  # fetched again it is not changed again
    np.testing.assert_array_equal(held.X, X)


@pytest.mark.parametrize("mean", [0.03, 0.3, 0.72, 1.4, 5])
def test_runs_that_are_alike_stay_nearly_as_they_are(mean):
    """Counts jump from one whole number to the next, and so would their quantiles."""

    def photons(*runs):
        for seed, run in enumerate(runs):
            run[:] = np.random.default_rng(seed).poisson(mean, run.shape)

    held = samples(200, 200, photons)
    before, after = all_of(held), all_of(brought(held))
    assert (after - before).abs().mean() < 0.2 * np.sqrt(mean)
    assert ((held.change.factor > 0.6) & (held.change.factor < 1.6)).all()


@pytest.mark.parametrize("dead", [(0, 0), (13, 11), (11, 13), (13, 13), (24, 24)])
@pytest.mark.parametrize("value", [np.nan, 0])
def test_pixels_that_are_dead_say_nothing_of_the_noise(dead, value):
    def kill(*runs):
        for run, n in zip(runs, dead, strict=True):
            run *= 10
            run[:, :, :n] = value

    held = brought(samples(160, 160, kill))
    alive = held.change.factor[:, max(dead) :]
    assert ((alive > 0.35) & (alive < 0.7)).all()  # the target has half the noise
    assert all_of(held).isfinite().all()


@pytest.mark.parametrize("run", [0, 1])
def test_a_pixel_without_a_value_in_some_frames_keeps_its_level(run):
    def lose(*runs):
        runs[run][::3, 3] = np.nan

    held = samples(160, 160, lose)
    before, source = all_of(held), held.targets >= 0
    after = all_of(brought(held))
    np.testing.assert_allclose(after[source][:, 3], before[source][:, 3] / 2, rtol=0.2)
    assert (held.change.added[3] == 0).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_where_the_classes_differ_the_target_says_which_it_has(share):
    """Light at one place of all hits is no matter of the detector, whatever the shares of hits."""
    n = 160
    frames = noise(2 * n, 0)
    targets = np.r_[(np.arange(n) < share * n).astype(int), np.full(n, -1)]
    frames[:n, 8:12, 8:12] += 5 * (targets[:n] == 1)[:, None, None]
    frames[n:, 8:12, 8:12] += 5 * (np.arange(n) < n - share * n)[:, None, None]
    frames[n:, 3] += 40
    held = brought(CachedFrames(frames, targets, 1e9))
    assert (held.change.added[8:12, 8:12] == 0).all()
    assert (held.change.added[3] > 30).all()
    assert (held.change.added != 0).float().mean() > 0.85


@pytest.mark.parametrize("value", [65535, 1e9, 2**32 - 1])
def test_a_pixel_that_is_always_full_gets_the_level_of_the_target(value):
    def fill(source, target):
        source[:, 5, 5] = value

    held = brought(samples(60, 60, fill))
    after, source = all_of(held), held.targets >= 0
    np.testing.assert_allclose(after[source][:, 5, 5], held.change.added[5, 5], atol=1e-3)
    assert held.change.added[5, 5].abs() < 1


def test_frames_held_back_are_changed_like_the_others():
    held, back = samples(90, 60), samples(40, 0)
    before = all_of(back)
    brought(held, back)
    change = held.change
    wanted = (before - change.subtracted) * change.factor + change.added
    np.testing.assert_allclose(all_of(back), wanted, rtol=1e-5)


@pytest.mark.parametrize(("n_source", "n_target"), [(31, 60), (60, 31), (60, 0), (0, 60)])
def test_too_few_frames_say_nothing_of_a_pixel(n_source, n_target):
    held = samples(n_source, n_target)
    before = all_of(held)
    np.testing.assert_array_equal(all_of(brought(held)), before)


def test_frames_held_back_say_what_is_usual_too():
    """So 32 frames are enough, whatever part of them is held back."""
    held, back = samples(28, 60), samples(8, 0)
    brought(held, back)
    for each in (held, back):  # among so few some differ between the classes by chance
        assert (each.change.added[3] > 30).float().mean() > 0.6


@pytest.mark.parametrize("n", [398, 399, 400])
def test_classes_in_turn_are_both_looked_at(n):
    """Every second frame is a hit, as where every second one is pumped."""
    frames = noise(n + 200, 0)
    targets = np.r_[np.arange(n) % 2, np.full(200, -1)]
    frames[:n, 8:12, 8:12] += 5 * (targets[:n] == 1)[:, None, None]
    frames[n:, 8:12, 8:12] += 5 * (np.arange(200) > 10)[:, None, None]
    held = brought(CachedFrames(frames, targets, 1e9))
    assert (held.change.added[8:12, 8:12] == 0).all()


def test_large_frames_are_judged_by_fewer(monkeypatch):
    held = samples(90, 60)
    monkeypatch.setattr("sklearn_sfx.classifiers._frame_levels.MOST_VALUES", 40 * 20 * 24)
    asked = []

    class Noting(np.ndarray):
        def __getitem__(self, rows):
            asked.append(len(rows))
            return np.asarray(self)[rows]

    held.X = held.X.view(Noting)
    brought(held)
    assert sum(asked) == 80


@pytest.mark.parametrize("pixels", [1, 7, 480])
def test_pixels_are_judged_each_by_itself(monkeypatch, pixels):
    whole = brought(samples(60, 60)).change
    monkeypatch.setattr("sklearn_sfx.classifiers._frame_levels.PIXELS", pixels)
    banded = brought(samples(60, 60)).change
    for one, other in zip(vars(whole).values(), vars(banded).values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


# -- What comes of it ------------------------------------------------------------------------------


def spotted(n, seed):
    """Return frames with five spots at random where there is a hit, and the labels."""
    rng = np.random.default_rng(seed)
    frames, y = noise(n, seed), np.arange(n) % 2
    for row in np.flatnonzero(y):
        frames[row, rng.integers(2, 18, 5), rng.integers(2, 22, 5)] += 12
    return frames, y


def with_rim(frames):
    frames[:, :, :2] += 12
    return frames


def with_hot_pixels(frames):
    frames[:, [8, 15, 4], [9, 3, 20]] += 12
    return frames


@pytest.fixture(scope="module")
def source():
    return spotted(160, 0)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("pattern", [with_rim, with_hot_pixels])
def test_what_all_frames_of_a_detector_have_is_no_hit(source, pattern, early_stopping):
    X, y = source
    Z, z = spotted(160, 1)
    pattern(Z)
    alone = CNN2D(**BASE.get_params() | QUICK).fit(X, y)
    assert alone.score(X, y) > 0.95
    assert alone.score(Z, z) < 0.6
    both, known = np.concatenate([X, Z]), np.r_[y, np.full(len(Z), -1)]
    model = DANN(BASE, early_stopping=early_stopping, **QUICK).fit(both, known)
    assert model.score(Z, z) > 0.85
    if early_stopping:  # what is held back looks like the target too
        assert max(model.history_[:, "valid_recall"]) > 0.85


def test_frames_in_a_file_are_made_alike_too(source, tmp_path):
    X, y = source
    Z = with_rim(spotted(80, 1)[0])
    both, known = np.concatenate([X, Z]), np.r_[y, np.full(len(Z), -1)]
    np.save(tmp_path / "both.npy", both)
    frames = open_frames(tmp_path / "both.npy")
    settings = QUICK | {"max_epochs": 2}
    models = [DANN(BASE, **settings).fit(each, known) for each in (both, frames)]
    np.testing.assert_array_equal(*(model.predict_proba(Z) for model in models))


def test_pixels_without_values_do_no_harm(source):
    X, y = source
    X, (Z, z) = X.copy(), spotted(160, 1)
    X[:, :3], Z[:, -3:], Z[0, 10, 10] = np.nan, np.nan, np.nan
    both, known = np.concatenate([X, Z]), np.r_[y, np.full(len(Z), -1)]
    model = DANN(BASE, **QUICK).fit(both, known)
    assert model.score(Z, z) > 0.85
