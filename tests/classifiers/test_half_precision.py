"""Half precision, which GPUs take for frames; here the same is done by this processor."""

import numpy as np
import pytest
import torch

from sklearn_sfx import CNN1D, CNN2D
from sklearn_sfx.classifiers import _prediction
from sklearn_sfx.networks import for_inference, in_half_precision
from sklearn_sfx.preprocessing import GCN, LCN


@pytest.fixture(scope="module")
def model():
    frames, labels = np.random.default_rng(0).poisson(9, (40, 96, 96)), np.tile([0, 1], 20)
    frames[labels == 1, 10:90:20, 10:90:20] += 200
    frames = LCN(5).fit_transform(GCN().fit_transform(frames))
    return CNN2D(channels=(4, 8), max_epochs=3, random_state=0).fit(frames, labels), frames


def rounded(model, X, batch_size=8):
    module = for_inference(model.net_.module_.eval())
    batches = _prediction._batches([X], batch_size)
    return _prediction._run(
        lambda module, x: module(x).double().softmax(dim=1),
        module,
        batches,
        len(X),
        1,
        rounded=True,
    )


def test_probabilities_agree(model):
    model, frames = model
    expected, found = model.predict_proba(frames), rounded(model, frames)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert not np.array_equal(found[8:], expected[8:])  # it was rounded


def test_values_out_of_range_are_told(model):
    model, frames = model
    frames = frames.copy()
    frames[-1] *= 1e6
    with pytest.raises(_prediction._OutOfRange):
        rounded(model, frames)


def test_where_it_would_change_the_first_batch_it_is_not_used(model, monkeypatch):
    model, frames = model
    monkeypatch.setattr(_prediction, "ROUNDED", 0.0)
    np.testing.assert_allclose(rounded(model, frames), model.predict_proba(frames), atol=1e-6)


def test_no_number_within_the_limit_leaves_the_range(model):
    model, _ = model
    half = in_half_precision(for_inference(model.net_.module_.eval()))
    x = torch.full((1, 96, 96), 0.99 * half.limit)
    sizes = []
    x = x.unsqueeze(1)
    for convolution in for_inference(model.net_.module_).base.convolutions:
        x = torch.nn.functional.conv2d(
            x, convolution.weight.abs(), convolution.bias.abs(), padding=convolution.padding
        )
        sizes.append(float(x.detach().amax()))
    assert max(sizes) <= 65504


def test_networks_for_vectors_are_left_alone():
    vectors = np.random.default_rng(0).random((30, 60))
    model = CNN1D(max_epochs=1, random_state=0).fit(vectors, np.tile([0, 1], 15))
    assert in_half_precision(for_inference(model.net_.module_)) is None
