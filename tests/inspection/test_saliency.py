"""What made a frame a hit: the one row, or pixel, in which hits differ from misses."""

import sys

import numpy as np
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    CNN2D,
    GCN,
    FeatureEmbeddingDisplay,
    FineTuned,
    FrameDisplay,
    RowWiseDecomposition,
    SaliencyDisplay,
    TargetRecallClassifier,
)
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.inspection._attribution import attributed
from sklearn_sfx.inspection._feature_embedding import embedded

SPOT = (30, 7)


def weights_and_gradients(network):
    module = network.net_.module_
    gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
    return [*module.state_dict().values(), *gradients]


def test_the_row_of_the_spot_made_it_a_hit(frames, by_rows):
    X, _ = frames
    before = [value.clone() for value in weights_and_gradients(by_rows[-1])]
    display = SaliencyDisplay.from_estimator(by_rows, X, index=1)
    assert display.axis == "row"
    assert display.saliency.argmax() == SPOT[0]
    assert display.saliency[SPOT[0]] > 0.8 * np.abs(display.saliency).sum()
    assert display.probability == pytest.approx(by_rows.predict_proba(X[[1]])[0, 1], abs=1e-6)
    np.testing.assert_array_equal(display.frame, X[1])
    # The loudest row is marked at its highest pixel, and the curve shares the frame's rows.
    column, row = display.ax_.collections[0].get_offsets()[0]
    assert (row, column) == SPOT
    assert display.profile_ax_.get_ylim() == display.ax_.get_ylim()
    after = weights_and_gradients(by_rows[-1])
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_columns_are_shown_below_the_frame(frames):
    X, y = frames
    network = CNN1D(channels=(4, 8), max_epochs=20, random_state=0)
    model = make_pipeline(RowWiseDecomposition(axis="column"), network).fit(X, y)
    display = SaliencyDisplay.from_estimator(model, X, index=1)
    assert display.axis == "column"
    assert display.saliency.shape == (40,)
    assert display.saliency.argmax() == SPOT[1]
    assert display.profile_ax_.get_xlim() == display.ax_.get_xlim()


def test_values_sum_to_the_log_odds_and_nan_has_none(frames, by_rows):
    X, _ = frames
    vector = np.asarray(by_rows[0].transform(X))[1]
    vector[3] = np.nan
    module = by_rows[-1].net_.module_.eval()
    saliency, without, along = attributed(module, vector, 1)
    assert saliency[3] == 0
    assert not saliency[vector <= np.nanmedian(vector)].any()
    assert saliency.sum() == pytest.approx(along - without, rel=0.05)
    opposite, _, _ = attributed(module, vector, 0)
    np.testing.assert_allclose(opposite, -saliency, atol=1e-5)
    nothing, _, _ = attributed(module, np.full_like(vector, np.nan), 1)
    assert not nothing.any()


class Weighted(torch.nn.Module):
    """A network whose log-odds are a weighted sum of the pixels."""

    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.as_tensor(weight))

    def forward(self, x):
        hit = (x * self.weight).sum(dim=(1, 2))
        return torch.stack([torch.zeros_like(hit), hit], dim=1)


def test_of_a_linear_network_the_answer_is_known():
    rng = np.random.default_rng(0)
    weight, x = rng.normal(size=(2, 6, 5)).astype(np.float32)
    saliency, _, along = attributed(Weighted(weight).eval(), x, 1)
    above = np.maximum(x - torch.tensor(x).median().item(), 0)
    np.testing.assert_allclose(saliency, weight * above, atol=1e-5)
    assert along == pytest.approx((weight * x).sum(), abs=1e-5)


def test_a_network_on_frames_shows_pixels(frames):
    X, y = frames
    network = CNN2D(
        channels=(4, 4),
        first_kernel_size=3,
        n_hidden=8,
        max_epochs=3,
        augment=False,
        random_state=0,
    ).fit(X, y)
    display = SaliencyDisplay.from_estimator(network, X, index=1)
    assert display.axis == "pixel"
    assert display.profile_ax_ is None
    assert np.unravel_index(np.abs(display.saliency).argmax(), X.shape[1:]) == SPOT
    over_for = display.ax_.images[1].get_array()[..., 3]
    np.testing.assert_array_equal(over_for > 0, display.saliency > 0)


def test_wrapped_and_fine_tuned_networks_are_found(frames, by_rows):
    X, y = frames
    tuned = TargetRecallClassifier(FrozenEstimator(by_rows), confidence=None).fit(X, y)
    display = SaliencyDisplay.from_estimator(tuned, X, index=1)
    assert display.saliency.argmax() == SPOT[0]
    model = FineTuned(by_rows, head_max_epochs=2, max_epochs=2, random_state=0).fit(X, y)
    display = SaliencyDisplay.from_estimator(model, X, index=1)
    assert display.saliency.shape == (48,)
    assert display.probability == pytest.approx(model.predict_proba(X[[1]])[0, 1], abs=1e-6)

    # The frames are not prepared twice where the network prepares them itself.
    inside, whole = (
        FeatureEmbeddingDisplay.from_estimator(each, X, random_state=0).embedding
        for each in (model, make_pipeline("passthrough", model))
    )
    np.testing.assert_array_equal(inside, embedded(model.features(X), 0))
    np.testing.assert_array_equal(inside, whole)
    after = FrameDisplay.from_estimator(
        FineTuned(make_pipeline(GCN(), by_rows), max_epochs=1).fit(X, y), X, step="gcn"
    )
    np.testing.assert_array_equal(after.frame, GCN().fit_transform(X)[0])


def test_what_cannot_be_mapped_back_is_refused(frames, by_rows, monkeypatch):
    X, y = frames
    words = np.array(["miss", "hit"])[y]
    network = CNN1D(channels=(4,), max_epochs=1, random_state=0)
    named = make_pipeline(RowWiseDecomposition(), network).fit(X, words)
    with pytest.raises(InputError, match="Name the class that counts as a hit"):
        SaliencyDisplay.from_estimator(named, X)
    assert SaliencyDisplay.from_estimator(named, X, pos_label="hit").saliency.shape == (48,)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(InputError, match=r"pip install 'sklearn_sfx\[explain\]'"):
        SaliencyDisplay.from_estimator(by_rows, X)
