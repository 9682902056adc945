"""CNN2D: what it learns from frames, and how it trains on frames that do not fit in memory."""

import pickle
import tracemalloc

import joblib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import precision_score, recall_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_sfx.classifiers import CNN1D, CNN2D, DANN, FineTuned
from sklearn_sfx.classifiers._cache import CachedFrames, pack, unpack
from sklearn_sfx.exceptions import InputError, NotLearnedWarning
from sklearn_sfx.frames import ArraySource, Frames, open_frames
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop

TINY = {
    "channels": (4, 8),
    "n_hidden": 8,
    "max_epochs": 3,
    "batch_size": 8,
    "lr": 0.01,
    "random_state": 0,
}


class CountingSource(ArraySource):
    """Counts how often each frame is read."""

    def __init__(self, frames):
        super().__init__(frames)
        self.n_read = np.zeros(len(frames), int)

    def read(self, position, window, out):
        self.n_read[position] += 1
        super().read(position, window, out)


@pytest.fixture(scope="module")
def small(spotted):
    """Return frames (40, 36, 32) cut from those with spots, and labels."""
    frames, _, is_hit = spotted
    return np.ascontiguousarray(frames[:, :36, :32]), is_hit


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


class Norms(Callback):
    """Keeps how large the gradient of base and head together was in each step."""

    def on_train_begin(self, net, **kwargs):
        self.norms_ = []

    def on_batch_end(self, net, training, **kwargs):
        parts = net.module_.base, net.module_.head
        grads = [p.grad for part in parts for p in part.parameters() if p.grad is not None]
        self.norms_.append(float(torch.stack([grad.norm() for grad in grads]).norm()))


# -- What it learns ------------------------------------------------------------------------------


def test_it_finds_hits_that_it_has_not_seen(spotted, other_spotted):
    frames, _, is_hit = spotted
    model = make_pipeline(GCN(), LCN(5), CNN2D(**{**TINY, "max_epochs": 25}, dropout=0.1))
    predicted = model.fit(frames, is_hit).predict(other_spotted[0])
    assert recall_score(other_spotted[1], predicted) > 0.95
    assert precision_score(other_spotted[1], predicted) > 0.95


def test_three_classes(spotted):
    frames, counts, _ = spotted
    labels = np.select([counts >= 20, counts >= 10], ["HIT", "MAYBE"], "MISS")
    model = CNN2D(**{**TINY, "max_epochs": 40}, dropout=0.0).fit(frames, labels)
    assert model.classes_.tolist() == ["HIT", "MAYBE", "MISS"]
    assert model.predict_proba(frames).shape == (len(frames), 3)
    assert model.score(frames, labels) > 0.9


@pytest.mark.parametrize("batch_size", [1, 3, 13, 39, 40, 1000])
def test_no_batch_size_breaks_batch_norm(small, batch_size):
    model = CNN2D(**{**TINY, "batch_size": batch_size}).fit(*small)
    assert np.isfinite(model.predict_proba(small[0])).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 1), (2, 3), (36, 7)])
def test_frames_of_any_size(small, shape):
    X, y = small[0][:, : shape[0], : shape[1]], small[1]
    model = CNN2D(max_epochs=2, random_state=0).fit(X, y)
    assert model.frame_shape_in_ == shape
    assert model.predict(X).shape == y.shape
    assert np.isfinite(model.features(X)).all()


def test_vectors_are_refused_with_advice(small):
    with pytest.raises(InputError, match=r"CNN2D needs frames, X of shape \(n_frames, height"):
        CNN2D().fit(small[0].reshape(len(small[0]), -1), small[1])


def test_features_are_the_output_of_the_base(small):
    X, _ = small
    model = CNN2D(**TINY).fit(*small)
    features = model.features(X)
    assert features.shape == (len(X), model.net_.module_.base.n_features)
    assert features.dtype == np.float32
    with torch.inference_mode():
        logits = model.net_.module_.head(torch.from_numpy(features)).double()
    np.testing.assert_allclose(logits.softmax(1).numpy(), model.predict_proba(X), atol=1e-6)


def test_tensors_are_read(small):
    X, y = small
    tensor = torch.from_numpy(X.astype(np.float32))
    model = CNN2D(**TINY).fit(tensor, y)
    same(model.predict_proba(tensor), CNN2D(**TINY).fit(X, y).predict_proba(X))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("channels", ()),
        ("channels", (4, 0)),
        ("kernel_size", 4),
        ("first_kernel_size", 2),
        ("n_hidden", (8, 0)),
    ],
)
def test_impossible_architectures_are_refused(small, parameter, value):
    with pytest.raises(InputError, match=f"^{parameter}="):
        CNN2D(**{parameter: value}).fit(*small)


def test_the_head_may_have_two_hidden_layers(small):
    X, _ = small
    model = CNN2D(**{**TINY, "n_hidden": (6, 5)}).fit(*small)
    widths = [layer.out_features for layer in model.net_.module_.head if hasattr(layer, "bias")]
    assert widths == [6, 5, 2]
    same(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_pickle_is_small_and_plain(small):
    model = CNN2D(**TINY, early_stopping=True).fit(open_frames(small[0]), small[1])
    weights = sum(w.nbytes for w in model.__getstate__()["_weights"].values())
    assert len(pickle.dumps(model)) < weights + 15_000
    assert b"torch" not in pickle.dumps(model)


def test_it_says_that_it_reads_frames():
    tags = CNN2D().__sklearn_tags__().input_tags
    assert tags.three_d_array
    assert tags.allow_nan
    assert not tags.two_d_array


# -- Frames that stay where they are ---------------------------------------------------------------


@pytest.mark.parametrize("steps", [(), (CentralCrop(24),), (GCN(), LCN(3))], ids=len)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_lazy_frames_give_what_arrays_give(small, steps, early_stopping):
    X, y = small
    run = open_frames(X)
    if steps:
        run = make_pipeline(*steps).fit_transform(run)
        X = np.asarray(run)
    settings = {**TINY, "early_stopping": early_stopping}
    from_array, lazy = CNN2D(**settings).fit(X, y), CNN2D(**settings).fit(run, y)
    same(lazy.predict_proba(run), from_array.predict_proba(X))
    same(lazy.features(run[::-1]), from_array.features(X[::-1]))


def test_two_jobs_give_what_one_gives_on_lazy_frames(small):
    X, y = small
    run, model = open_frames(X), make_pipeline(GCN(), CNN2D(**TINY))
    results = [
        cross_val_predict(model, run, y, cv=2, method="predict_proba", n_jobs=n_jobs)
        for n_jobs in (1, 2)
    ]
    same(results[0], results[1])


def test_workers_that_read_do_not_change_what_is_predicted(small, monkeypatch):
    X, y = small
    run, model = open_frames(X), CNN2D(**TINY)
    expected = model.fit(run, y).predict_proba(run)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        same(model.fit(run, y).predict_proba(run), expected)
    whole = Frames.blocks
    for max_frames in (1, 3, 11, 40):  # as fewer or more workers would have it
        monkeypatch.setattr(Frames, "blocks", lambda self, n=max_frames: whole(self, max_frames=n))
        same(model.predict_proba(run), expected)


@pytest.mark.parametrize("per_frame", [False, True])
def test_the_mask_of_raw_frames_is_honoured(small, per_frame):
    X, y = small
    mask = np.random.default_rng(0).random(X.shape if per_frame else X.shape[1:]) > 0.2
    spoiled = np.where(mask, X, 60_000).astype(np.uint16)
    run = open_frames(spoiled, mask=mask)
    zeroed = np.where(mask, X, 0)
    model, expected = CNN2D(**TINY).fit(run, y), CNN2D(**TINY).fit(zeroed, y)
    same(model.predict_proba(run), expected.predict_proba(zeroed))


@pytest.mark.parametrize(
    ("cached", "n_read"),
    [(40, 40), (1000, 40), (30, 40 + 2 * 10), (0, 3 * 40)],
    ids=["all", "more", "some", "none"],
)
def test_what_fits_is_read_once_and_the_result_is_the_same(small, cached, n_read):
    X, y = small
    source = CountingSource(X)
    frame_bytes = 2 * X[0].size
    model = CNN2D(**TINY, cache_bytes=cached * frame_bytes).fit(Frames(source), y)
    assert source.n_read.sum() == n_read
    assert source.n_read.min() == (1 if cached else 3)
    same(model.predict_proba(X), CNN2D(**TINY).fit(X, y).predict_proba(X))


def test_what_is_held_back_shares_the_room(small):
    X, y = small
    settings = {**TINY, "early_stopping": True, "validation_fraction": 0.25}
    for n_cached, n_read in ((40, 40), (20, 40 + 2 * 20)):
        source = CountingSource(X)
        model = CNN2D(**settings, cache_bytes=n_cached * 2 * X[0].size)
        assert len(model.fit(Frames(source), y).history_) == 3
        assert source.n_read.sum() == n_read


def test_the_cache_holds_no_more_than_it_may(small):
    X, y = small
    limit = 2 * X[0].nbytes + 17
    samples = CachedFrames(open_frames(X.astype(np.float32)), y, limit)
    expected = CachedFrames(X, y, 0)
    for rows in ([3, 1, 7], [1, 30, 39], list(range(40))):
        frames, targets = samples.__getitems__(rows)
        same(frames.numpy(), expected.__getitems__(rows)[0].numpy())
        same(targets.numpy(), y[rows])
        held = sum(one.half.untyped_storage().nbytes() for one in samples.kept.values())
        assert 0 < held <= limit
    same(samples[5][0].numpy(), frames[5].numpy())


def test_more_frames_need_no_more_memory(spotted):
    X, _, y = spotted
    model, peaks = CNN2D(**{**TINY, "max_epochs": 1}, cache_bytes=0), []
    for repeats in (4, 12):
        run = open_frames(X)[np.tile(np.arange(len(X)), repeats)]
        tracemalloc.start()
        model.fit(run, np.tile(y, repeats)).predict(run)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + X.nbytes  # in float32, 320 frames more would take 16 times that


def test_infinity_in_lazy_frames_is_refused(small):
    X = small[0].astype(np.float32)
    X[7, 3, 3] = np.inf
    with pytest.raises(InputError, match="infinity"):
        CNN2D(**TINY).fit(open_frames(X), small[1])


# -- Half precision --------------------------------------------------------------------------------

FINITE = st.floats(-(2.0**126), 2.0**126, width=32)


@given(arrays(np.float32, (2, 3, 3), elements=FINITE))
def test_rounding_keeps_eleven_bits(values):
    frames = torch.from_numpy(values)
    rounded = unpack(pack(frames)).numpy()
    values = values.astype(float)
    peak = np.abs(values).max(axis=(1, 2), keepdims=True)
    # Below a part in 2 ** 28 of the largest value, steps stay as wide as they are there.
    tolerance = np.maximum(np.abs(values) * 2.0**-11, peak * 2.0**-38) + 1e-44
    assert (np.abs(rounded - values) <= tolerance).all()
    same(unpack(pack(torch.from_numpy(rounded))).numpy(), rounded)


@pytest.mark.parametrize("value", [0.0, 1e-45, 1e-30, 1.0, 65535.0, 1e30])
def test_rounding_knows_no_units(value):
    frame = torch.full((1, 2, 2), value)
    frame[0, 0, 0] = torch.nan
    rounded = unpack(pack(frame))
    assert rounded[0, 0, 0] == 0
    torch.testing.assert_close(rounded[0, 1], frame[0, 1], rtol=5e-4, atol=1e-36)
    assert frame[0, 0, 0].isnan()


# -- What it does not learn ------------------------------------------------------------------------


def test_no_step_of_frames_is_thrown_by_a_rare_hit(small, vectors):
    """Without it a training of few hits could end at chance, most of its head's units dead."""
    frames, is_hit = small
    both = np.concatenate([frames, frames]), np.r_[is_hit, np.full(len(is_hit), -1)]
    said = {"class_weight": {0: 1.0, 1: 50.0}, "callbacks": [("norms", Norms())]}
    brief = {"max_epochs": 2, "random_state": 0}
    network = CNN2D(**{**TINY, **said}).fit(frames, is_hit)
    others = [
        DANN(CNN2D(**TINY), max_lambda=0, **brief, **said).fit(*both),
        FineTuned(network, n_unfrozen_blocks=2, **brief, **said).fit(frames, is_hit),
    ]
    for model in (network, *others):
        assert max(norms_of(model)) < 1 + 1e-5
    assert max(norms_of(network)) > 1 - 1e-3  # there was something to scale down
    assert max(norms_of(CNN1D(**brief, **said).fit(*vectors))) > 1


def norms_of(model):
    return dict(model.net_.callbacks_)["norms"].norms_


@pytest.mark.parametrize("name", ["CNN2D", "DANN"])
def test_a_network_of_frames_that_stays_at_chance_is_warned_of(small, name):
    frames, is_hit = small
    y = np.random.default_rng(0).permutation(is_hit)
    settings = {"max_epochs": 10, "random_state": 0, "lr": 1e-4}
    base = CNN2D(channels=(2,), n_hidden=2, **settings)
    model = base if name == "CNN2D" else DANN(base, **settings)
    if name == "DANN":
        frames, y = np.concatenate([frames, frames]), np.r_[y, np.full(len(y), -1)]
    with pytest.warns(NotLearnedWarning, match=f"{name}: the network can hardly tell the classes"):
        model.fit(frames, y)
