"""CNN1D: what it learns, how it stops, what it records, what it leaves behind."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.metrics import precision_score, recall_score

from sklearn_sfx.classifiers import CNN1D
from sklearn_sfx.classifiers._training import CosineSchedule, EvenBatches, find_device, hold_back
from sklearn_sfx.exceptions import FewLabelsWarning, InputError, NotLearnedWarning

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 12, "lr": 0.02, "random_state": 0}


def test_it_finds_hits_that_it_has_not_seen(vectors, other_vectors):
    model = CNN1D(channels=(8, 16), max_epochs=20, random_state=0).fit(*vectors)
    X, y = other_vectors
    assert recall_score(y, model.predict(X)) > 0.97
    assert precision_score(y, model.predict(X)) > 0.97


def test_rare_hits_are_not_given_up(vectors, other_vectors):
    """Twelve hits among a hundred: balanced weights keep the recall."""
    X, y = other_vectors
    rows = np.concatenate([np.flatnonzero(y == 0)[:88], np.flatnonzero(y == 1)[:12]])
    model = CNN1D(channels=(8, 16), max_epochs=20, random_state=0).fit(X[rows], y[rows])
    assert recall_score(vectors[1], model.predict(vectors[0])) > 0.9


def test_weights_of_classes_count_by_their_ratio(vectors):
    models = [
        CNN1D(**{**TINY, "class_weight": {0: one, 1: 3 * one}}).fit(*vectors) for one in (1, 100)
    ]
    small, great = (model.predict_proba(vectors[0]) for model in models)
    np.testing.assert_allclose(small, great, atol=1e-3)


@pytest.mark.parametrize("weights", [(0, 0), (-1, 1), (-1, 2), (np.nan, 1), (np.inf, 1)])
def test_weights_that_weigh_nothing_are_refused(vectors, weights):
    model = CNN1D(**{**TINY, "class_weight": dict(enumerate(weights))})
    with pytest.raises(InputError, match="a weight of 0 or more"):
        model.fit(*vectors)


def test_three_classes(vectors):
    X, y = vectors
    labels = np.where(y == 1, "HIT", "MISS").astype("<U5")
    third = np.flatnonzero(y == 0)[:20]
    X = X.copy()
    X[third, ::2] -= 4.0
    labels[third] = "MAYBE"
    model = CNN1D(**{**TINY, "max_epochs": 30}).fit(X, labels)
    assert model.classes_.tolist() == ["HIT", "MAYBE", "MISS"]
    assert model.predict_proba(X).shape == (len(X), 3)
    assert model.score(X, labels) > 0.9


@pytest.mark.parametrize("batch_size", [1, 3, 13, 39, 79, 80, 1000])
def test_no_batch_size_breaks_batch_norm(vectors, batch_size):
    model = CNN1D(**{**TINY, "max_epochs": 2, "batch_size": batch_size}).fit(*vectors)
    assert np.isfinite(model.predict_proba(vectors[0])).all()


@pytest.mark.parametrize("length", [1, 2, 3, 5, 10])
def test_short_vectors(vectors, length):
    X, y = vectors[0][:, :length], vectors[1]
    model = CNN1D(max_epochs=2, random_state=0).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert np.isfinite(model.features(X)).all()


def test_nan_reads_as_zero(vectors):
    X, y = vectors
    with_nan, with_zero = X.copy(), X.copy()
    with_nan[:, 5:9], with_zero[:, 5:9] = np.nan, 0.0
    model = CNN1D(**TINY).fit(with_nan, y)
    same = CNN1D(**TINY).fit(with_zero, y)
    np.testing.assert_array_equal(model.predict_proba(with_nan), same.predict_proba(with_zero))


def test_frames_are_refused_with_advice(vectors):
    with pytest.raises(InputError, match="RowWiseDecomposition"):
        CNN1D().fit(np.ones((4, 8, 8)), [0, 1, 0, 1])


def test_features_are_the_output_of_the_base(vectors):
    X, _ = vectors
    model = CNN1D(**TINY).fit(*vectors)
    features = model.features(X)
    assert features.shape == (len(X), 16)
    assert features.dtype == np.float32
    with torch.inference_mode():
        logits = model.net_.module_.head(torch.from_numpy(features)).double()
    np.testing.assert_allclose(logits.softmax(1).numpy(), model.predict_proba(X), atol=1e-6)


def test_a_row_does_not_depend_on_its_neighbours(vectors):
    X, _ = vectors
    model = CNN1D(**TINY).fit(*vectors)
    alone = np.concatenate([model.predict_proba(row[np.newaxis]) for row in X[:10]])
    np.testing.assert_allclose(alone, model.predict_proba(X)[:10], rtol=1e-4, atol=1e-6)


def test_tensors_are_read(vectors):
    X, y = vectors
    model = CNN1D(**TINY).fit(torch.from_numpy(X), y)
    np.testing.assert_array_equal(
        model.predict_proba(torch.from_numpy(X)), CNN1D(**TINY).fit(X, y).predict_proba(X)
    )


def test_history_has_a_row_per_epoch(vectors):
    model = CNN1D(**TINY).fit(*vectors)
    assert len(model.history_) == 12
    loss = np.array(model.history_[:, "train_loss"])
    assert loss[-3:].mean() < 0.5 * loss[0]
    rates = np.array(model.history_[:, "lr"])
    assert rates.max() <= 0.02
    assert rates[-1] < 0.1 * rates.max()
    assert all(0 <= recall <= 1 for recall in model.history_[:, "train_recall"])
    assert not {"batches", "valid_loss"} & set(model.history_[0])
    types = {type(value) for epoch in model.history_ for value in epoch.values()}
    assert types <= {int, float, bool}


def test_early_stopping_stops_and_keeps_the_best_epoch(other_vectors):
    X, y = other_vectors
    settings = {**TINY, "max_epochs": 60, "early_stopping": True, "patience": 3}
    model = CNN1D(**settings).fit(X, y)
    assert len(model.history_) < 60
    loss = np.array(model.history_[:, "valid_loss"])
    recall = np.array(model.history_[:, "valid_recall"])
    best = max(range(len(loss)), key=lambda epoch: (recall[epoch], -loss[epoch]))
    assert best == len(loss) - 1 - 3
    assert recall[best] > 0.9
    # The network in hand is that of the best epoch: it repeats its loss on what was held back.
    random_state = np.random.RandomState(0)
    random_state.randint(2**31 - 1)
    held = hold_back(y, 0.2, random_state)
    probability = model.predict_proba(X[held])[np.arange(len(held)), y[held]]
    train = np.setdiff1d(np.arange(len(y)), held)
    weight = (0.5 / np.bincount(y[train]))[y[held]]
    sizes = [len(part) for part in np.split(weight, range(32, len(held), 32))]
    losses = [
        np.average(-np.log(p), weights=w)
        for p, w in zip(
            np.split(probability, np.cumsum(sizes)[:-1]),
            np.split(weight, np.cumsum(sizes)[:-1]),
            strict=True,
        )
    ]
    assert np.average(losses, weights=sizes) == pytest.approx(loss[best], rel=1e-4)


def test_what_is_held_back_is_shuffled_and_stratified():
    targets = np.repeat([0, 1], [150, 50])
    held = hold_back(targets, 0.2, np.random.RandomState(0))
    assert np.bincount(targets[held]).tolist() == [30, 10]
    assert len(set(held)) == 40
    assert np.ptp(held[targets[held] == 0]) > 100  # not the first ones
    assert not np.array_equal(held, hold_back(targets, 0.2, np.random.RandomState(1)))


@pytest.mark.parametrize("n_hits", [1, 2, 3])
def test_a_class_is_never_held_back_as_a_whole(n_hits):
    targets = np.repeat([0, 1], [40, n_hits])
    held = hold_back(targets, 0.9, np.random.RandomState(0))
    left = np.setdiff1d(np.arange(len(targets)), held)
    assert (targets[left] == 1).any()


def test_early_stopping_with_one_label_of_a_class(vectors):
    X, y = vectors
    rows = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:1]])
    with pytest.warns(FewLabelsWarning):
        model = CNN1D(**TINY, early_stopping=True).fit(X[rows], y[rows])
    assert set(model.predict(X)) <= {0, 1}


def test_class_weight_moves_the_decision(other_vectors):
    X, y = other_vectors
    rng = np.random.default_rng(0)
    X = X + rng.gumbel(0, 12.0, X.shape)  # too noisy to tell for sure
    found = [
        CNN1D(**TINY, class_weight=weight).fit(X, y).predict(X).mean()
        for weight in ({0: 8.0, 1: 1.0}, {0: 1.0, 1: 8.0})
    ]
    assert found[0] + 0.2 < found[1]


def test_few_labels_are_warned_of_by_name(vectors):
    X, y = vectors
    rows = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:9]])
    labels = np.where(y == 1, "HIT", "MISS")
    with pytest.warns(FewLabelsWarning, match="CNN1D: class 'HIT' has 9 labels") as caught:
        CNN1D(**TINY).fit(X[rows], labels[rows])
    assert caught[0].filename == __file__  # it points at the call of fit


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_network_that_stays_at_chance_is_warned_of(vectors, early_stopping):
    X, _ = vectors
    y = np.random.default_rng(0).permutation(np.arange(len(X)) % 2)  # nothing in X says which
    model = CNN1D(**{**TINY, "lr": 0.001}, early_stopping=early_stopping)
    with pytest.warns(NotLearnedWarning, match="CNN1D: the network can hardly tell") as caught:
        model.fit(X, np.where(y == 1, "hit", "miss"))
    assert caught[0].filename == __file__


def test_a_network_that_learned_is_not_warned_of(vectors):
    model = CNN1D(**TINY).fit(*vectors)  # a warning would be an error
    assert model.history_[-1, "train_recall"] > 0.8
    # Recall while training is low by dropout, and of the last epoch, which is not the one kept.
    dropped = {**TINY, "max_epochs": 40, "dropout": 0.7}
    for early_stopping in (False, True):
        model = CNN1D(**dropped, early_stopping=early_stopping).fit(*vectors)
        assert model.score(*vectors) > 0.9


def test_whether_it_learned_is_no_matter_of_the_threshold(vectors):
    """All are called one class, and ranked all the same; of chance no weights make more."""
    X, y = vectors
    model = CNN1D(**TINY, class_weight={0: 1.0, 1: 1e4}).fit(X, y)
    assert model.predict(X).mean() == 1
    shuffled = np.random.default_rng(0).permutation(y)
    with pytest.warns(NotLearnedWarning):
        CNN1D(**{**TINY, "lr": 0.001}, class_weight=None).fit(X, shuffled)


def test_stopping_early_hides_nothing(vectors):
    X, _ = vectors
    y = np.random.default_rng(0).permutation(np.arange(len(X)) % 2)
    model = CNN1D(**{**TINY, "lr": 0.001, "max_epochs": 30}, early_stopping=True, patience=2)
    with pytest.warns(NotLearnedWarning):
        model.fit(X, y)
    assert len(model.history_) < 10


def test_wrong_labels_that_weigh_next_to_nothing_raise_no_alarm(vectors):
    X, y = vectors
    rng = np.random.default_rng(0)
    drawn = rng.random(len(y)) < 0.6
    labels = np.where(drawn, rng.integers(0, 2, len(y)), y)
    model = CNN1D(**TINY).fit(X, labels, sample_weight=np.where(drawn, 1e-4, 1))
    assert model.score(X, y) > 0.9


def test_a_network_that_a_warm_start_ruins_is_warned_of(vectors):
    model = CNN1D(**TINY).fit(*vectors).set_params(warm_start=True, max_epochs=1, lr=30.0)
    with pytest.warns(NotLearnedWarning):
        model.fit(*vectors)


def test_keyboard_interrupt_raises(vectors, monkeypatch):
    model = CNN1D(**TINY).fit(*vectors)

    def interrupt(self, net, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(CosineSchedule, "on_batch_begin", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*vectors)
    assert not hasattr(model, "net_")  # neither half-trained nor of the fit before


def test_divergence_is_reported(vectors):
    with pytest.raises(InputError, match="lower lr"):
        CNN1D(**{**TINY, "lr": 1e30}).fit(*vectors)


def test_pickle_is_small_and_plain(vectors):
    model = CNN1D(**TINY, early_stopping=True).fit(*vectors)
    state = model.__getstate__()
    assert "net_" not in state
    assert all(isinstance(w, np.ndarray) for w in state["_weights"].values())
    weights = sum(w.nbytes for w in state["_weights"].values())
    assert len(pickle.dumps(model)) < weights + 15_000
    assert b"torch" not in pickle.dumps(model)
    assert hasattr(model, "net_")  # asking for the state takes nothing away


def test_a_pickle_survives_parameters_changed_since_fit(vectors):
    X, _ = vectors
    model = CNN1D(**TINY).fit(*vectors)
    expected = model.predict_proba(X)
    model.set_params(channels=(2, 2, 2), kernel_size=3)
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict_proba(X), expected)
    assert restored.channels == (2, 2, 2)


def test_a_restored_model_keeps_its_history_and_trains_again(vectors):
    X, y = vectors
    model = CNN1D(**TINY).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert restored.history_[:, "train_loss"] == model.history_[:, "train_loss"]
    np.testing.assert_array_equal(restored.features(X), model.features(X))
    np.testing.assert_array_equal(restored.fit(X, y).predict_proba(X), model.predict_proba(X))


def test_a_model_trained_on_a_gpu_loads_where_there_is_none(vectors, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    X, _ = vectors
    model = CNN1D(**TINY).fit(*vectors)
    expected = model.predict_proba(X)
    model.set_params(device="cuda")
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict_proba(X), expected)
    with pytest.raises(InputError, match="no GPU"):
        restored.fit(*vectors)


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="no device of torch"):
        find_device("gpu 3")


def test_batches_hold_every_row_once_and_are_even():
    with torch.random.fork_rng(devices=[]):
        batches = list(EvenBatches(97, 32))
    assert sorted(row for batch in batches for row in batch) == list(range(97))
    assert sorted(len(batch) for batch in batches) == [24, 24, 24, 25]


def test_random_state_instances_move_on(vectors):
    X, y = vectors
    random_state = np.random.RandomState(0)
    one = CNN1D(**{**TINY, "random_state": random_state}).fit(X, y).predict_proba(X)
    two = CNN1D(**{**TINY, "random_state": random_state}).fit(X, y).predict_proba(X)
    assert not np.array_equal(one, two)


@pytest.mark.parametrize(("parameter", "value"), [("channels", ()), ("kernel_size", 4)])
def test_impossible_architectures_are_refused(vectors, parameter, value):
    with pytest.raises(InputError, match=parameter):
        CNN1D(**{parameter: value}).fit(*vectors)


def test_verbose_prints_a_line_per_epoch(vectors, capsys):
    CNN1D(**{**TINY, "max_epochs": 2}).fit(*vectors)
    assert capsys.readouterr().out == ""
    CNN1D(**{**TINY, "max_epochs": 2, "verbose": 1}).fit(*vectors)
    assert "train_loss" in capsys.readouterr().out
