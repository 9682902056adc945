"""What a user of skorch relies on: its net, its callbacks, its optimizers, its losses."""

import functools
import json
import signal
import threading

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
    TensorBoard,
)
from torch.optim.lr_scheduler import StepLR

from sklearn_sfx.classifiers import CNN1D, CNN2D, DANN, FineTuned
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.persistence import load_model, save_model

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 6, "lr": 0.02, "random_state": 0}
TUNED = {"head_max_epochs": 3, "max_epochs": 3, "random_state": 0}
NAMES = ["CNN1D", "CNN2D", "FineTuned", "DANN"]


def make(name, vectors, spotted, **changes):
    """Return a classifier with the X and y that suit it."""
    X, y = vectors
    if name == "CNN2D":
        return CNN2D(**{**TINY, "batch_size": 8, **changes}), spotted[0], spotted[2]
    if name == "FineTuned":
        base = CNN1D(**TINY).fit(X, y)
        return FineTuned(base, **{**TUNED, **changes}), X, y
    if name == "DANN":
        known = np.where(np.arange(len(y)) < 60, y, -1)
        return DANN(CNN1D(**TINY), **{"max_epochs": 3, "random_state": 0, **changes}), X, known
    return CNN1D(**{**TINY, **changes}), X, y


# -- The net -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_net_predicts_as_its_classifier_does(name, vectors, spotted):
    model, X, y = make(name, vectors, spotted)
    probability = model.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(model.net_.predict_proba(X), probability, atol=1e-5)
    found = model.net_.predict(X)  # class numbers, as in skorch
    np.testing.assert_array_equal(model.classes_[found], model.predict(X))
    assert model.net_.score(X, found) == 1.0
    assert model.net_.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(model.net_.predict(X.astype(np.float64)), found)
    np.testing.assert_array_equal(model.net_.predict(torch.from_numpy(X.astype(np.float32))), found)


@pytest.mark.parametrize("name", NAMES)
def test_the_net_trains_on(name, vectors, spotted):
    model, X, y = make(name, vectors, spotted)
    model.fit(X, y)
    before, epochs = model.predict_proba(X), len(model.net_.history)
    rows = np.arange(len(X)) % 3 > 0  # so many more or fewer
    model.net_.partial_fit(X[rows], y[rows])
    assert len(model.net_.history) == epochs + model.max_epochs
    assert not np.array_equal(model.predict_proba(X), before)
    rates = model.net_.history[-model.max_epochs :, "lr"]  # the schedule begins anew
    assert max(rates) > 2 * rates[-1]


def test_a_loaded_net_trains_on(vectors, tmp_path):
    X, y = vectors
    model = CNN1D(**TINY).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    loss = loaded.net_.partial_fit(X, y).history[-1, "train_loss"]
    assert loss < model.history_[0, "train_loss"]
    assert loaded.net_.score(X, y) > 0.9


def test_history_is_whole_in_the_net_and_short_in_the_classifier(vectors):
    X, y = vectors
    model = CNN1D(**TINY).fit(X, y)
    n_batches = int(np.ceil(len(X) / model.batch_size))
    losses = model.net_.history[:, "batches", :, "train_loss"]
    assert [len(epoch) for epoch in losses] == [n_batches] * model.max_epochs
    assert model.net_.history[:, "train_loss"] == model.history_[:, "train_loss"]
    assert all("batches" not in epoch for epoch in model.history_)


def test_a_warm_start_keeps_the_history_whole(vectors):
    X, y = vectors
    model = CNN1D(**TINY, warm_start=True).fit(X, y).fit(X, y)
    assert len(model.net_.history[:, "batches"]) == len(model.history_) == 2 * TINY["max_epochs"]


# -- Callbacks ---------------------------------------------------------------------------------


class Recorded(Callback):
    """Keeps what it sees on itself, as callbacks do."""

    def on_train_begin(self, net, **kwargs):
        self.losses_ = []

    def on_epoch_end(self, net, **kwargs):
        self.losses_.append(net.history[-1, "train_loss"])


@pytest.mark.parametrize("name", NAMES)
def test_callbacks_are_called_and_stay_as_they_were(name, vectors, spotted):
    mine = Recorded()
    model, X, y = make(name, vectors, spotted, callbacks=[mine])
    model.fit(X, y)
    (ran,) = [each for _, each in model.net_.callbacks_ if isinstance(each, Recorded)]
    assert ran.losses_ == model.history_[-model.max_epochs :, "train_loss"]
    assert not hasattr(mine, "losses_")
    assert not hasattr(clone(model).callbacks[0], "losses_")
    assert model.callbacks == [mine]


def test_a_callback_that_only_looks_changes_nothing(vectors):
    X, y = vectors
    seen = CNN1D(**TINY, callbacks=[Recorded(), ("other", Recorded)]).fit(X, y)
    expected = CNN1D(**TINY).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(seen.predict_proba(X), expected)
    assert [name for name, _ in seen.net_.callbacks_][-3:-1] == ["Recorded", "other"]


def test_a_log_that_was_not_asked_for_can_be_later(vectors, capsys):
    X, y = vectors
    net = CNN1D(**TINY).fit(X, y).net_
    assert capsys.readouterr().out == ""
    lines = []
    net.set_params(verbose=1, callbacks__print_log__sink=lines.append)
    net.partial_fit(torch.from_numpy(np.float32(X)), torch.from_numpy(y))
    assert any("train_loss" in line for line in lines)


def test_early_stopping_ends_the_training_and_not_the_fit(vectors):
    X, y = vectors
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=10, threshold_mode="abs")
    model = CNN1D(**TINY, callbacks=[stop]).fit(X, y)
    assert len(model.history_) == 3  # none is better by 10 than the first
    assert model.predict(X).shape == y.shape


def test_early_stopping_sees_the_part_that_is_held_back(vectors):
    X, y = vectors
    stop = EarlyStopping(patience=1, threshold=10, threshold_mode="abs", load_best=True)
    model = CNN1D(**TINY, early_stopping=True, callbacks=[stop]).fit(X, y)
    assert len(model.history_) == 2
    assert np.isfinite(model.history_[:, "valid_loss"]).all()


class Interrupted(Callback):
    def on_epoch_end(self, net, **kwargs):
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_while_a_callback_runs_is_none_that_ends_the_training_early(vectors):
    X, y = vectors
    assert threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it is ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            CNN1D(**TINY, callbacks=[Interrupted()]).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)


def test_checkpoint_writes_the_best_and_loads_it(vectors, tmp_path):
    X, y = vectors
    keep = Checkpoint(monitor="train_loss_best", dirname=tmp_path, load_best=True)
    model = CNN1D(**TINY, callbacks=[keep]).fit(X, y)
    assert (tmp_path / "params.pt").exists()
    best = int(np.argmin(model.history_[:, "train_loss"]))
    assert [e["event_cp"] for e in model.history_][best]
    stored = torch.load(tmp_path / "params.pt", weights_only=True)
    for name, value in model.net_.module_.state_dict().items():
        torch.testing.assert_close(stored[name], value, rtol=0, atol=0)


def test_a_checkpoint_has_the_history_of_an_early_stopping_too(vectors, tmp_path):
    keep = Checkpoint(monitor="valid_loss_best", dirname=tmp_path, load_best=True)
    model = CNN1D(**TINY, early_stopping=True, callbacks=[keep]).fit(*vectors)
    stored = json.loads((tmp_path / "history.json").read_text())
    assert [epoch["valid_loss"] for epoch in stored] == model.history_[: len(stored), "valid_loss"]


def test_what_is_not_held_back_cannot_be_looked_at(vectors):
    told = "EarlyStopping looks at valid_loss, and nothing is held back .* early_stopping=True"
    for stop in (EarlyStopping(), EarlyStopping):
        with pytest.raises(InputError, match=told):
            CNN1D(**TINY, callbacks=[stop]).fit(*vectors)
    with pytest.raises(KeyError, match="train_los"):
        CNN1D(**TINY, callbacks=[EarlyStopping("train_los")]).fit(*vectors)


def test_a_scheduler_takes_the_place_of_ours(vectors):
    X, y = vectors
    step = LRScheduler(policy=StepLR, step_size=2, gamma=0.5, event_name="rate")
    model = CNN1D(**TINY, callbacks=[step]).fit(X, y)
    np.testing.assert_allclose(model.history_[:, "rate"], 0.02 * 0.5 ** (np.arange(6) // 2))
    assert "lr" not in model.history_[0]
    named = CNN1D(**TINY, callbacks=[("schedule", None)]).fit(X, y)
    assert named.net_.optimizer_.param_groups[0]["lr"] == TINY["lr"]


class LRFinder(Callback):
    """Raises the rate from batch to batch and keeps the losses, as one looks for a good one."""

    def __init__(self, lowest=1e-4, factor=1.3):
        self.lowest = lowest
        self.factor = factor

    def on_train_begin(self, net, **kwargs):
        self.rates_, self.losses_ = [], []

    def on_batch_begin(self, net, training, **kwargs):
        rate = self.lowest * self.factor ** len(self.rates_)
        for group in net.optimizer_.param_groups:
            group["lr"] = rate

    def on_batch_end(self, net, training, loss, **kwargs):
        self.rates_.append(net.optimizer_.param_groups[0]["lr"])
        self.losses_.append(loss.item())
        if self.rates_[-1] > 1:
            raise KeyboardInterrupt  # skorch's way to end


@pytest.mark.parametrize("name", [None, "schedule"])
def test_a_finder_of_the_rate_sweeps_it(name, vectors):
    X, y = vectors
    finder = LRFinder() if name is None else (name, LRFinder())
    model = CNN1D(**{**TINY, "max_epochs": 40}, callbacks=[finder]).fit(X, y)
    (ran,) = [each for _, each in model.net_.callbacks_ if isinstance(each, LRFinder)]
    np.testing.assert_allclose(ran.rates_, 1e-4 * 1.3 ** np.arange(len(ran.rates_)))
    assert ran.rates_[-2] < 1 < ran.rates_[-1]
    assert len(ran.losses_) == len(ran.rates_)


@pytest.mark.parametrize("name", ["CNN1D", "CNN2D"])
def test_epoch_scoring_scores_what_is_held_back(name, vectors, spotted):
    auc = EpochScoring("roc_auc", lower_is_better=False, name="auc")
    on_train = EpochScoring("accuracy", on_train=True, lower_is_better=False, name="right")
    changes = {"early_stopping": True, "callbacks": [auc, on_train], "patience": 50}
    model, X, y = make(name, vectors, spotted, **changes)
    model.fit(X, y)
    assert 0.5 < max(model.history_[:, "auc"]) <= 1
    assert all(0 <= value <= 1 for value in model.history_[:, "right"])
    assert model.history_[:, "auc_best"][0] is True
    held_back = model.net_.train_split(None)[1]
    last = model.net_.history[-1, "auc"]
    if model.history_[-1, "valid_recall_best"]:  # then the last epoch is the one that was kept
        probability = model.net_.predict_proba(held_back)[:, 1]
        assert roc_auc_score(held_back.targets, probability) == pytest.approx(last)


class Writer:
    """Stands for tensorboard's, which is not installed: it holds a lock, so it has no copy."""

    def __init__(self):
        self.lock = threading.Lock()
        self.scalars = []

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars.append((tag, scalar_value, global_step))


def test_tensorboard_is_told_every_epoch(vectors):
    X, y = vectors
    writer = Writer()
    model = CNN1D(**TINY, callbacks=[TensorBoard(writer, close_after_train=False)]).fit(X, y)
    losses = [value for tag, value, _ in writer.scalars if tag == "Loss/train_loss"]
    assert losses == model.history_[:, "train_loss"]


def test_callbacks_work_in_a_search(vectors):
    X, y = vectors
    net = CNN1D(**TINY, callbacks=[Recorded(), GradientNormClipping(1.0)])
    search = GridSearchCV(net, {"callbacks": [None, [Recorded()]]}, cv=2, n_jobs=1).fit(X, y)
    assert search.best_score_ > 0.5


def test_only_two_of_our_callbacks_give_way_to_those_named_alike(vectors, spotted):
    named = ("recall", EpochScoring("accuracy", on_train=True, name="mine"))
    model = CNN1D(**{**TINY, "max_epochs": 12}, callbacks=[named]).fit(*vectors)
    assert {"mine", "train_recall"} <= set(model.history_[-1])
    frames, _, is_hit = spotted
    names = dict(CNN2D(**TINY).fit(frames, is_hit).net_.callbacks_)
    without = CNN2D(**TINY, callbacks=[("gradients", None)]).fit(frames, is_hit)
    assert set(names) - set(dict(without.net_.callbacks_)) == {"sfx_gradients"}
    # Steps of another optimizer would be shorter for it.
    by_descent = CNN2D(**TINY, optimizer=torch.optim.SGD).fit(frames, is_hit)
    assert "sfx_gradients" not in dict(by_descent.net_.callbacks_)


def test_what_is_no_callback_is_refused(vectors):
    for wrong in ("EarlyStopping", lambda net: None, ("a", "b", "c")):
        with pytest.raises(InputError, match="callbacks of skorch"):
            CNN1D(**TINY, callbacks=[wrong]).fit(*vectors)


# -- Optimizer, loss and precision -------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_optimizer_of_ones_own(name, vectors, spotted):
    momentum = functools.partial(torch.optim.SGD, momentum=0.9, nesterov=True)
    model, X, y = make(name, vectors, spotted, optimizer=momentum)
    model.fit(X, y)
    assert isinstance(model.net_.optimizer_, torch.optim.SGD)
    group = model.net_.optimizer_.param_groups[0]
    assert (group["momentum"], group["weight_decay"]) == (0.9, model.weight_decay)
    assert isinstance(clone(model).optimizer, functools.partial)


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_of_ones_own(name, vectors, spotted):
    smooth = functools.partial(torch.nn.CrossEntropyLoss, label_smoothing=0.3)
    model, X, y = make(name, vectors, spotted, criterion=smooth)
    sure = make(name, vectors, spotted)[0].fit(X, y).predict_proba(X).max(axis=1)
    assert model.fit(X, y).predict_proba(X).max(axis=1).mean() < sure.mean()


def test_weights_go_with_any_loss(vectors):
    X, y = vectors
    plain = CNN1D(**TINY, criterion=torch.nn.MultiMarginLoss)
    keen = clone(plain).set_params(class_weight={0: 1, 1: 20})
    assert keen.fit(X, y).predict(X).sum() >= plain.fit(X, y).predict(X).sum()
    assert keen.history_[0, "train_loss"] != plain.history_[0, "train_loss"]


def reduced(reduction):
    return torch.nn.CrossEntropyLoss()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (torch.nn.NLLLoss, "NLLLoss is one of logarithms of probabilities: give CrossEntropyLoss"),
        (torch.nn.CrossEntropyLoss(), "this is a CrossEntropyLoss that is made already: give the"),
        (reduced, r"gives a loss of shape \(\) for .* rows, .*: take reduction='none'"),
    ],
)
def test_a_loss_of_another_kind_is_refused(vectors, wrong, told):
    with pytest.raises(InputError, match=told):
        CNN1D(**TINY, criterion=wrong).fit(*vectors)


def test_a_search_over_optimizers(vectors):
    X, y = vectors
    choices = [None, torch.optim.SGD, torch.optim.NAdam]
    search = GridSearchCV(CNN1D(**TINY), {"optimizer": choices}, cv=2).fit(X, y)
    assert search.best_params_["optimizer"] in choices


@pytest.mark.parametrize("name", NAMES)
def test_mixed_precision_learns_the_same(name, vectors, spotted):
    rough, X, y = make(name, vectors, spotted, mixed_precision=True)
    exact = make(name, vectors, spotted)[0].fit(X, y).predict_proba(X)
    found = rough.fit(X, y).predict_proba(X)
    assert not np.array_equal(found, exact)
    assert np.corrcoef(found[:, 1], exact[:, 1])[0, 1] > 0.9
    assert {w.dtype for w in rough.net_.module_.parameters()} == {torch.float32}


def test_a_device_of_torch(vectors, tmp_path):
    X, y = vectors
    model = CNN1D(**TINY, device=torch.device("cpu")).fit(X, y)
    named = CNN1D(**TINY, device="cpu").fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), named.predict_proba(X))
    joblib.dump(model, tmp_path / "model.joblib")
    assert joblib.load(tmp_path / "model.joblib").device == "cpu"  # a file holds no device
    assert clone(model).device == torch.device("cpu")


def test_a_safe_file_takes_the_network_without_what_trained_it(vectors, tmp_path):
    pytest.importorskip("skops")
    X, y = vectors
    used = {"optimizer": torch.optim.NAdam, "callbacks": [Recorded()]}
    used["criterion"] = functools.partial(torch.nn.CrossEntropyLoss, label_smoothing=0.1)
    model = CNN1D(**TINY, **used).fit(X, y)
    with pytest.raises(InputError, match="load_model would refuse"):
        save_model(model, tmp_path / "model.skops")
    save_model(model.set_params(**dict.fromkeys(used)), tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
