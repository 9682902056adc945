"""FineTuned: the base of another network, which stays as it is, and a fresh head."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_sfx import open_frames, save_model
from sklearn_sfx.classifiers import CNN1D, CNN2D, DANN, FineTuned
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection import TargetRecallClassifier
from sklearn_sfx.preprocessing import GCN, CentralCrop, RowWiseDecomposition

SMALL = {"channels": (4, 8, 8), "n_hidden": 8, "max_epochs": 8, "lr": 0.02, "random_state": 0}
QUICK = {"head_max_epochs": 4, "max_epochs": 4, "head_lr": 0.02, "lr": 0.01, "random_state": 0}


@pytest.fixture(scope="module")
def base(other_vectors):
    """Return a network of another experiment, with the same spots on another noise."""
    X, y = other_vectors
    return CNN1D(**SMALL).fit(2 * X + 5, y)


def weights(model):
    state = model.net_.module_.base.state_dict()
    return {name: value.clone() for name, value in state.items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


# -- What is frozen ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_unfrozen", [0, 1, 2, 3])
def test_frozen_blocks_keep_weights_and_batch_norms_and_the_others_learn(base, vectors, n_unfrozen):
    model = FineTuned(base, n_unfrozen_blocks=n_unfrozen, **QUICK).fit(*vectors)
    before, after = weights(base), weights(model)
    frozen = [f"blocks.{i}." for i in range(3 - n_unfrozen)] + ["scale."]
    changed = set()
    for name in before:
        if name.startswith(tuple(frozen)):
            np.testing.assert_array_equal(after[name], before[name], err_msg=name)
        elif not np.array_equal(after[name], before[name]):
            changed.add(name.split(".")[1] + "." + name.split(".")[-1])
    learnt = {f"{i}.{what}" for i in range(3 - n_unfrozen, 3) for what in ("weight", "running_var")}
    assert learnt <= changed


def test_the_two_steps_have_their_own_epochs_and_rates(base, vectors):
    settings = {**QUICK, "head_max_epochs": 12, "max_epochs": 15}
    model = FineTuned(base, **settings).fit(*vectors)
    assert model.history_[:, "n_unfrozen"] == [0] * 12 + [1] * 15
    assert model.history_[:, "epoch"] == list(range(1, 28))
    rates = np.array(model.history_[:, "lr"])
    assert 0.9 * 0.02 < rates[:12].max() <= 0.02
    assert 0.9 * 0.01 < rates[12:].max() <= 0.01
    assert rates[11] < 0.1 * 0.02  # each step ends low
    assert len(FineTuned(base, n_unfrozen_blocks=0, **settings).fit(*vectors).history_) == 12


def test_early_stopping_ends_each_step_by_itself(base, vectors):
    settings = {**QUICK, "head_max_epochs": 50, "max_epochs": 50}
    model = FineTuned(base, early_stopping=True, patience=3, **settings).fit(*vectors)
    steps = np.array(model.history_[:, "n_unfrozen"])
    assert 3 < np.sum(steps == 0) < 50
    assert 3 < np.sum(steps == 1) < 50


# -- The base of the caller ----------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda base: base, FrozenEstimator], ids=["bare", "frozen"])
def test_the_base_is_the_same_bit_by_bit_after_fits_and_searches(base, vectors, wrap):
    before = pickle.dumps(base)
    flags = [(w.requires_grad, w.data.clone()) for w in base.net_.module_.parameters()]
    modes = [module.training for module in base.net_.module_.modules()]
    model = FineTuned(wrap(base), n_unfrozen_blocks=3, **QUICK)
    model.fit(*vectors)
    search = GridSearchCV(model, {"n_unfrozen_blocks": [0, 3], "lr": [0.01]}, cv=2).fit(*vectors)
    assert search.best_score_ > 0.8
    assert pickle.dumps(base) == before
    for parameter, (grad, value) in zip(base.net_.module_.parameters(), flags, strict=True):
        assert parameter.requires_grad == grad
        np.testing.assert_array_equal(parameter.data, value)
    assert [module.training for module in base.net_.module_.modules()] == modes


def test_a_clone_keeps_the_base_fitted_and_forgets_the_rest(base, vectors):
    model = FineTuned(base, **QUICK).fit(*vectors)
    copy = clone(model)
    assert copy.base is base
    assert not hasattr(copy, "net_")
    piped = clone(make_pipeline(model))[-1]
    assert piped.base is base
    np.testing.assert_array_equal(
        copy.fit(*vectors).predict_proba(vectors[0]), model.predict_proba(vectors[0])
    )


def test_parameters_of_the_base_are_out_of_reach(base, vectors):
    model = FineTuned(base)
    assert "base__lr" not in model.get_params()
    with pytest.raises(InputError, match="base__lr cannot be set"):
        model.set_params(base__lr=1.0)
    with pytest.raises(InputError, match="base__lr cannot be set"):
        make_pipeline(model).set_params(finetuned__base__lr=1.0)
    assert base.lr == 0.02


def test_it_may_learn_other_labels_than_the_base(base, vectors):
    X, y = vectors
    labels = np.array(["HIT", "MAYBE", "MISS"])[np.where(y == 1, np.arange(len(y)) % 2, 2)]
    model = FineTuned(base, **QUICK).fit(X, labels)
    assert model.classes_.tolist() == ["HIT", "MAYBE", "MISS"]
    assert model.predict_proba(X).shape == (80, 3)


# -- What may be a base --------------------------------------------------------------------------


def test_every_form_of_one_base_gives_the_same(base, vectors, tmp_path):
    save_model(base, tmp_path / "base.skops")
    save_model(make_pipeline(GCN(), base), tmp_path / "piped.skops")
    forms = [
        FrozenEstimator(base),
        make_pipeline(base),
        make_pipeline("passthrough", FrozenEstimator(base)),
        make_pipeline(make_pipeline(base)),
        FrozenEstimator(make_pipeline(base)),
        tmp_path / "base.skops",
        str(tmp_path / "base.skops"),
    ]
    expected = FineTuned(base, **QUICK).fit(*vectors).predict_proba(vectors[0])
    for form in forms:
        got = FineTuned(form, **QUICK).fit(*vectors).predict_proba(vectors[0])
        np.testing.assert_array_equal(got, expected)
    # A model that was tuned from a file predicts without the file.
    model = FineTuned(tmp_path / "base.skops", **QUICK).fit(*vectors)
    joblib.dump(model, tmp_path / "tuned.joblib")
    (tmp_path / "base.skops").unlink()
    again = joblib.load(tmp_path / "tuned.joblib")
    np.testing.assert_array_equal(again.predict_proba(vectors[0]), expected)


def test_a_dann_and_a_tuned_net_are_bases_too(base, vectors):
    X, y = vectors
    adapted = DANN(CNN1D(**SMALL), max_epochs=4, random_state=0)
    adapted.fit(np.concatenate([X, 2 * X]), np.concatenate([y, np.full(len(y), -1)]))
    tuned = FineTuned(base, **QUICK).fit(X, y)
    for source in (adapted, tuned):
        before = pickle.dumps(source)
        model = FineTuned(source, n_unfrozen_blocks=0, **QUICK).fit(X, y)
        assert_same(weights(model), weights(source))
        assert model.score(X, y) > 0.9
        assert pickle.dumps(source) == before


def test_a_pipeline_prepares_raw_frames_of_another_size(spotted):
    frames, _, is_hit = spotted
    prepare = make_pipeline(CentralCrop(60), GCN(), RowWiseDecomposition())
    whole = make_pipeline(*prepare, CNN1D(**SMALL)).fit(frames, is_hit)
    mine = open_frames(frames[:, 4:90, 10:])  # another detector: 86 x 86
    model = FineTuned(whole, **QUICK).fit(mine, is_hit)
    assert model.frame_shape_in_ == (86, 86)
    by_hand = clone(prepare).fit_transform(mine)
    tuned = FineTuned(whole[-1], **QUICK).fit(by_hand, is_hit)
    expected = tuned.predict_proba(by_hand)
    np.testing.assert_array_equal(model.predict_proba(mine), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(mine), expected)
    # In a pipeline with the same steps, the frames come prepared.
    piped = make_pipeline(*clone(prepare), FineTuned(whole, **QUICK)).fit(mine, is_hit)
    np.testing.assert_array_equal(piped.predict_proba(mine), expected)
    assert piped[-1].prepare_ is None
    assert whole[0].frame_shape_in_ == (96, 96)  # the caller's steps stay fitted as they were
    with pytest.raises(ValueError, match=r"fitted on frames of shape \(86, 86\)"):
        model.predict(frames)


def test_frames_too_small_for_the_preprocessing_are_refused(spotted):
    frames, _, is_hit = spotted
    whole = make_pipeline(CentralCrop(60), RowWiseDecomposition(), CNN1D(**SMALL))
    whole.fit(frames, is_hit)
    with pytest.raises(InputError, match="CentralCrop"):
        FineTuned(whole, **QUICK).fit(frames[:, :50], is_hit)


def test_what_is_around_a_network_is_looked_through(base, vectors):
    X, y = vectors
    expected = FineTuned(base, **QUICK).fit(X, y).predict_proba(X)
    frozen = FrozenEstimator(base)
    search = GridSearchCV(make_pipeline(frozen), {}, cv=2).fit(X, y)
    threshold = TargetRecallClassifier(frozen, confidence=None, cv=2).fit(X, y)
    for around in (search, threshold, make_pipeline("passthrough", base)):
        model = FineTuned(around, **QUICK).fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_whatever_is_no_fitted_network_is_refused(base, vectors, tmp_path):
    X, y = vectors
    with pytest.raises(InputError, match=r"this CNN1D is not fitted.*FrozenEstimator"):
        FineTuned(CNN1D()).fit(X, y)
    with pytest.raises(InputError, match=r"CNN1D, CNN2D or DANN.* not DummyClassifier"):
        FineTuned(make_pipeline(DummyClassifier().fit(X, y))).fit(X, y)
    with pytest.raises(InputError, match="there is no such model file"):
        FineTuned(tmp_path / "none.skops").fit(X, y)
    with pytest.raises(InputError, match="has 3 blocks"):
        FineTuned(base, n_unfrozen_blocks=4).fit(X, y)
    with pytest.raises(ValueError, match="The 'base' parameter"):
        FineTuned(7).fit(X, y)


def test_in_a_grid_a_bare_base_is_refused_and_a_frozen_one_searched(base, vectors):
    X, y = vectors
    other = CNN1D(**{**SMALL, "max_epochs": 1, "lr": 1e-6}).fit(X, y)
    model = FineTuned(base, n_unfrozen_blocks=0, **QUICK)
    with pytest.raises(InputError, match="FrozenEstimator"):
        GridSearchCV(model, {"base": [base, other]}, cv=2, error_score="raise").fit(X, y)
    grid = {"base": [FrozenEstimator(other), FrozenEstimator(base)]}
    search = GridSearchCV(model, grid, cv=2, scoring="balanced_accuracy").fit(X, y)
    assert search.best_params_["base"].estimator is base  # it has learnt what a spot is


def test_frames_for_a_two_dimensional_base(spotted):
    frames, _, is_hit = spotted
    settings = {**SMALL, "channels": (4, 8), "batch_size": 8, "lr": 0.01}
    base = CNN2D(**settings).fit(frames, is_hit)
    model = FineTuned(base, batch_size=8, **QUICK).fit(frames, is_hit)
    assert_frozen = {k: v for k, v in weights(base).items() if k.startswith("blocks.0.")}
    assert_same(assert_frozen, {k: weights(model)[k] for k in assert_frozen})
    assert model.__sklearn_tags__().input_tags.three_d_array
    with pytest.raises(InputError, match="base was fitted on frames of shape"):
        FineTuned(base, **QUICK).fit(frames[:, 1:], is_hit)
