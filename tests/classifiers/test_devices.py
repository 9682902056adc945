"""Steps of preprocessing that run where the network is. Here that is the same processor."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    CNN2D,
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    RowWiseDecomposition,
    make_sfx_frames,
    open_frames,
)
from sklearn_sfx.classifiers import _prediction
from sklearn_sfx.frames import _on_device
from tests.conftest import DEVICES


@pytest.fixture(scope="module")
def run():
    run = make_sfx_frames(70, frame_shape=(140, 150), random_state=0)
    usable = np.random.default_rng(0).random((140, 150)) > 0.02
    return open_frames(np.asarray(run.data), mask=usable), run.target


NETWORKS = {
    "CNN1D": [GCN(), LCN(5), RowWiseDecomposition(), CNN1D(max_epochs=3, random_state=0)],
    "CNN2D": [GCN(), LCN(5), CNN2D(channels=(4, 8), max_epochs=1, random_state=0)],
    "CNN1D, defects": [
        PixelMask(detect=True),
        GCN(),
        LCN(3),
        RowWiseDecomposition(),
        CNN1D(max_epochs=2),
    ],
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("network", NETWORKS)
def test_probabilities_are_those_of_the_compiled_steps(run, monkeypatch, network, device):
    frames, target = run
    model = make_pipeline(CentralCrop(128), *NETWORKS[network]).fit(frames, target)
    expected = model.predict_proba(frames)
    stored = []
    read = _on_device._read

    def recorded(part, **kwargs):
        stored.append(part.dtype)
        return read(part, **kwargs)

    monkeypatch.setattr(_on_device, "_read", recorded)
    monkeypatch.setattr(_prediction, "_runs_steps", lambda device: True)
    if device == "cuda":
        model[-1].net_.module_.to(device)
    found = model.predict_proba(frames)
    np.testing.assert_allclose(found, expected, atol=2e-4)
    assert set(stored) == {frames.as_stored().dtype}  # sent as the file has them


def test_a_mask_for_each_frame_goes_along(run, monkeypatch):
    frames, target = run
    values, rng = np.asarray(frames), np.random.default_rng(1)
    masked = open_frames(values, mask=rng.random(values.shape) > 0.1)
    model = make_pipeline(CentralCrop(128), GCN(), RowWiseDecomposition(), CNN1D(max_epochs=1))
    expected = model.fit(masked, target).predict_proba(masked)
    monkeypatch.setattr(_prediction, "_runs_steps", lambda device: True)
    np.testing.assert_allclose(model.predict_proba(masked), expected, atol=2e-4)


def test_as_stored_keeps_the_window_and_nothing_else(run):
    frames, _ = run
    prepared = LCN(5).fit_transform(GCN().fit_transform(CentralCrop(100).fit_transform(frames)))
    stored = prepared.as_stored()
    whole = frames.as_stored()
    assert (stored.shape, stored.dtype) == ((70, 100, 100), whole.dtype)
    np.testing.assert_array_equal(stored[3], whole[3][20:120, 25:125])
    np.testing.assert_array_equal(stored.mask, frames.mask[20:120, 25:125])
    np.testing.assert_array_equal(whole.mask, frames.mask)  # still to be applied
    assert prepared.shape == (70, 96, 96)


class Doubled:
    """A step of somebody else, who has not heard of tensors."""

    def output_shape(self, frame_shape):
        return frame_shape

    def append_to(self, window, steps):
        return window, (*steps, self)

    def __call__(self, frame, usable):
        return 2 * frame.astype(np.float32)


def test_steps_that_know_no_tensors_stay_on_this_machine(run, monkeypatch):
    frames, target = run
    prepared = RowWiseDecomposition().fit_transform(frames.append(Doubled()))
    model = CNN1D(max_epochs=1, random_state=0).fit(prepared, target)
    expected = model.predict_proba(prepared)
    monkeypatch.setattr(_prediction, "_runs_steps", lambda device: True)
    np.testing.assert_array_equal(model.predict_proba(prepared), expected)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("network", ["CNN1D", "CNN2D"])
def test_training_again_with_one_seed_gives_the_same_bits(run, network, device):
    frames, target = run
    *steps, classifier = NETWORKS[network]
    X = np.asarray(make_pipeline(CentralCrop(128), *steps).fit_transform(frames))
    one, other = (
        clone(classifier).set_params(device=device).fit(X, target).predict_proba(X)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)
    assert not torch.backends.cudnn.deterministic  # outside of a training all is as it was
