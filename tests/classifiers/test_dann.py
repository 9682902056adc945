"""DANN: it learns from the labels of one experiment what hits of both have in common."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter1d
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sfx.classifiers import CNN1D, CNN2D, DANN
from sklearn_sfx.classifiers._domains import DomainHeadAhead
from sklearn_sfx.exceptions import FewLabelsWarning, InputError, NoTargetWarning
from sklearn_sfx.frames import open_frames
from sklearn_sfx.model_selection import LabelledStratifiedKFold, SourceScorer
from sklearn_sfx.networks import (
    AdversarialModule,
    Base1D,
    Base2D,
    Head,
)
from sklearn_sfx.preprocessing import GCN, RowWiseDecomposition

BASE = {"channels": (4, 8), "n_hidden": 8}
QUICK = {"max_epochs": 12, "lr": 0.02, "batch_size": 32, "random_state": 0}
BRIEF = {**QUICK, "max_epochs": 2}
FEW = pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.FewLabelsWarning")


@pytest.fixture(scope="module")
def two_runs(vectors, other_vectors):
    """Return X and y of 80 source rows and 200 target rows on another noise, and the domains."""
    X = np.concatenate([vectors[0], 2 * other_vectors[0] + 5])
    y = np.concatenate([vectors[1], other_vectors[1]])
    return X, y, np.repeat([1, -1], [80, 200])


def known(y, domain, mark=-1):
    return np.where(domain < 0, mark, y)


# -- What is learnt, and from what -----------------------------------------------------------------


def test_it_finds_the_hits_of_a_run_without_labels(two_runs):
    X, y, domain = two_runs
    model = DANN(CNN1D(**BASE), **QUICK).fit(X, known(y, domain))
    assert model.classes_.tolist() == [0, 1]
    assert model.score(X[domain < 0], y[domain < 0]) > 0.95
    assert model.predict(X[::-7]).shape == (40,)


def test_labels_of_the_target_change_nothing(two_runs):
    X, y, domain = two_runs
    rng = np.random.default_rng(0)
    expected = DANN(CNN1D(**BASE), **BRIEF).fit(X, known(y, domain)).predict_proba(X)
    for wrong in (y, 1 - y, rng.integers(0, 9, len(y)), np.full(len(y), -1), np.nan):
        mixed = np.where(domain < 0, wrong, y)
        model = DANN(CNN1D(**BASE), **BRIEF).fit(X, mixed, sample_domain=domain)
        np.testing.assert_array_equal(model.predict_proba(X), expected)
        assert model.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("mark", [-1, "?"])
def test_strings_and_a_mark_of_any_kind(two_runs, mark):
    X, y, domain = two_runs
    labels = [mark if d < 0 else ["miss", "hit"][t] for t, d in zip(y, domain, strict=True)]
    model = DANN(CNN1D(**BASE), unlabelled=mark, **QUICK).fit(X, labels)
    assert model.classes_.tolist() == ["hit", "miss"]
    found = model.predict(X[domain < 0]) == "hit"
    assert np.mean(found == y[domain < 0]) > 0.95


def test_the_domain_reaches_the_base_and_only_through_the_reversal():
    torch.manual_seed(0)
    for base, x in (
        (Base1D(channels=(4,)), torch.rand(8, 40)),
        (Base2D((20, 20), channels=(4,), first_kernel_size=3), torch.rand(8, 20, 20)),
    ):
        heads = [Head(base.n_features, 8, n) for n in (2, 1)]
        module = AdversarialModule(base, *heads)
        gradients = {}
        for strength in (-1.0, 0.0, 0.5, 2.0):  # -1 undoes the reversal
            module.zero_grad()
            module.reversal.strength = strength
            domain = module.both(x)[1]
            targets = (torch.arange(8) < 4).float()
            torch.nn.functional.binary_cross_entropy_with_logits(domain, targets).backward()
            gradients[strength] = base.blocks[0].conv.weight.grad.clone()
            assert heads[1][-1].weight.grad.abs().max() > 0
        assert gradients[-1.0].abs().max() > 1e-6
        assert gradients[0.0].abs().max() == 0
        for strength in (0.5, 2.0):
            torch.testing.assert_close(gradients[strength], -strength * gradients[-1.0])


def test_max_lambda_moves_the_base(two_runs):
    X, y, domain = two_runs
    X = np.where(domain[:, None] < 0, uniform_filter1d(X, 5, axis=1), X)  # neighbours share noise
    base = CNN1D(**BASE, dropout=0.0)
    off, on = (
        DANN(base, max_lambda=strength, **QUICK).fit(X, known(y, domain)) for strength in (0.0, 1.0)
    )
    assert off.history_[-1, "lambda"] == 0
    assert not np.array_equal(off.features(X), on.features(X))
    # Without a reversal the head for the domain learns what tells the two apart.
    assert off.history_[-1, "domain_accuracy"] > on.history_[-1, "domain_accuracy"] + 0.1


def test_a_fresh_probe_tells_the_domains_worse(two_runs):
    X, y, domain = (part[:160] for part in two_runs)
    plain = CNN1D(**BASE, **QUICK).fit(X[domain > 0], y[domain > 0])
    model = DANN(CNN1D(**BASE), **{**QUICK, "max_epochs": 40}).fit(X, known(y, domain))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = [
        cross_val_score(probe, each.features(X), domain, cv=folds).mean() for each in (plain, model)
    ]
    assert found[1] < found[0] - 0.1


def frames_of_two_runs(seed, n=64):
    rng = np.random.default_rng(seed)
    X = rng.poisson(5.0, (n, 32, 32)).astype(np.float32)
    y = np.tile([0, 1], n // 2)
    X[y == 1, 8:24:4, 8:24:4] += 40
    return X, np.where(np.arange(n) < n // 2, y, -1)


def test_norms_of_frames_learn_from_the_source_alone():
    """Without the adversary, whatever the target looks like, the network is that of the source.

    It is told that of 31 frames of a run nothing is made like the target.
    """
    X, y = frames_of_two_runs(0, n=62)
    brighter = np.where((y < 0)[:, None, None], 10 * X + 50, X)
    base = CNN2D(channels=(2, 4), n_hidden=4)
    with pytest.warns(NoTargetWarning, match="31 of the source and 31 of the target") as caught:
        plain, other = (DANN(base, max_lambda=0, **BRIEF).fit(each, y) for each in (X, brighter))
    assert [warning.filename for warning in caught] == [__file__] * 2
    np.testing.assert_array_equal(plain.predict_proba(X), other.predict_proba(X))
    pulled = DANN(base, max_lambda=1, **BRIEF).fit(brighter, y)
    assert not np.array_equal(pulled.predict_proba(X), other.predict_proba(X))


def test_the_strength_suits_what_is_read(two_runs):
    X, y, domain = two_runs
    settings = {**BRIEF, "lambda_schedule": "constant"}
    of_vectors = DANN(CNN1D(**BASE), **settings).fit(X, known(y, domain))
    of_frames = DANN(CNN2D(**BASE), **settings).fit(*frames_of_two_runs(0))
    assert of_vectors.history_[-1, "lambda"] == 1
    assert of_frames.history_[-1, "lambda"] == 0
    assert "domain_accuracy" not in of_frames.history_[-1]  # the target is in no batch
    asked = DANN(CNN2D(**BASE), max_lambda=0.7, **settings).fit(*frames_of_two_runs(0))
    assert asked.history_[-1, "lambda"] == 0.7
    assert asked.history_[-1, "domain_accuracy"] > 0
    without = DANN(CNN1D(**BASE), max_lambda=0, **settings).fit(X, known(y, domain))
    assert without.history_[-1, "domain_accuracy"] > 0  # norms of vectors learn from both


def test_the_rate_suits_what_is_read(two_runs):
    X, y, domain = two_runs
    for base, data, rate in (
        (CNN1D(**BASE), (X, known(y, domain)), 0.003),
        (CNN2D(**BASE), frames_of_two_runs(0), 0.005),
    ):
        auto, said = DANN(base, **{**BRIEF, "lr": "auto"}), DANN(base, **{**BRIEF, "lr": rate})
        auto, said = auto.fit(*data), said.fit(*data)
        np.testing.assert_array_equal(auto.predict_proba(data[0]), said.predict_proba(data[0]))
        assert max(auto.history_[:, "lr"]) <= rate
        assert max(auto.history_[:, "lr"]) > 0.5 * rate
    with pytest.raises(InputError, match=r"diverged .*lower lr=1e\+30"):
        DANN(CNN1D(**BASE), **{**BRIEF, "lr": 1e30}).fit(X, known(y, domain))


def test_the_domain_head_goes_ahead_and_leaves_the_rest(two_runs):
    X, y, domain = two_runs
    net = DANN(CNN1D(**BASE), **{**QUICK, "max_epochs": 1}).fit(X, known(y, domain)).net_
    net.module_.eval()
    before = {name: value.clone() for name, value in net.module_.state_dict().items()}
    batch = torch.from_numpy(X[60:100]).float(), torch.from_numpy(known(y, domain)[60:100])
    ahead = DomainHeadAhead(lr=0.01, weight_decay=0.0)
    ahead.on_train_begin(net)
    with torch.no_grad():
        logits = net.infer(batch[0])
    ahead.on_batch_end(net, batch, True, logits)
    after = net.module_.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert moved
    assert all(name.startswith("domain_head.") for name in moved)
    ahead.on_train_end(net)
    assert not hasattr(ahead, "seen_")


# -- How it is trained -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("ganin", lambda p: 2 / (1 + math.exp(-10 * p)) - 1),
        ("linear", lambda p: p),
        ("constant", lambda p: 1),
    ],
)
def test_the_strength_follows_the_schedule(two_runs, schedule, expected):
    X, y, domain = two_runs
    model = DANN(
        CNN1D(**BASE), max_lambda=0.4, lambda_schedule=schedule, **{**QUICK, "max_epochs": 4}
    )
    strengths = model.fit(X, known(y, domain)).history_[:, "lambda"]
    n_batches = math.ceil(200 / 16)
    last_of_epoch = (np.arange(1, 5) * n_batches - 1) / (4 * n_batches)
    np.testing.assert_allclose(strengths, [0.4 * expected(p) for p in last_of_epoch], rtol=1e-6)


@FEW
@pytest.mark.parametrize("kind", ["1D", "2D"])
def test_history_tells_label_and_domain_of_source_and_target(two_runs, spotted, kind):
    X, y, domain = two_runs
    base = CNN1D(**BASE)
    if kind == "2D":
        X, y, domain = spotted[0], spotted[2], np.tile([0, -1], 20)
        base = CNN2D(**BASE)
    settings = {**QUICK, "max_epochs": 5, "max_lambda": 1.0}
    history = DANN(base, **settings).fit(X, known(y, domain)).history_
    assert len(history) == 5
    for name in ("label", "domain", "source_domain", "target_domain"):
        loss, accuracy = (np.array(history[:, f"{name}_{what}"]) for what in ("loss", "accuracy"))
        assert (loss > 0).all()
        assert ((accuracy >= 0) & (accuracy <= 1)).all()
    parts = np.array(history[:, ("source_domain_accuracy", "target_domain_accuracy")])
    np.testing.assert_allclose(parts.mean(axis=1), history[:, "domain_accuracy"], atol=1e-6)
    # As many rows of each in a batch: the loss is that of the labels and that of the domain.
    total = np.array(history[:, "domain_loss"]) + history[:, "label_loss"]
    np.testing.assert_allclose(total, history[:, "train_loss"], rtol=0.2)
    assert all(type(value) in (int, float, bool) for row in history for value in row.values())


def test_early_stopping_holds_back_labelled_rows_only(two_runs):
    X, y, domain = two_runs
    settings = {**QUICK, "max_epochs": 60, "early_stopping": True, "patience": 4}
    model = DANN(CNN1D(**BASE), **settings).fit(X, known(y, domain))
    assert 4 < len(model.history_) < 60
    assert max(model.history_[:, "valid_recall"]) > 0.9
    again = DANN(CNN1D(**BASE), **settings).fit(X, y, sample_domain=domain)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


# -- The base --------------------------------------------------------------------------------------


def test_the_base_is_read_and_never_changed(two_runs):
    X, y, domain = two_runs
    base = CNN1D(**BASE, max_epochs=2, random_state=0).fit(X[:80], y[:80])
    before = pickle.dumps(base)
    model = DANN(base, **BRIEF).fit(X, known(y, domain))
    assert pickle.dumps(base) == before
    fresh = DANN(CNN1D(**BASE), **BRIEF).fit(X, known(y, domain))
    np.testing.assert_array_equal(model.predict_proba(X), fresh.predict_proba(X))
    model.set_params(base__channels=(2,))
    assert model.fit(X, known(y, domain)).features(X).shape == (280, 4)
    assert base.channels == (2,)


def test_without_a_base_it_is_a_cnn1d(two_runs):
    X, y, domain = two_runs
    model = DANN(**{**QUICK, "max_epochs": 1}).fit(X, known(y, domain))
    of_source = CNN1D(max_epochs=1).fit(X[:80], y[:80]).design_
    assert model.design_ == replace(of_source, own_units=True)
    assert model.features(X).shape == (280, 16)
    with pytest.raises(ValueError, match="'base' parameter"):
        DANN(DANN()).fit(X, known(y, domain))
    with pytest.raises(ValueError, match="'dropout' parameter of CNN1D"):
        DANN(CNN1D(dropout=2.0)).fit(X, known(y, domain))


# -- What is refused -------------------------------------------------------------------------------


def test_input_that_cannot_be_meant_is_refused_in_a_sentence(two_runs):
    X, y, domain = two_runs
    model = DANN(CNN1D(**BASE), **BRIEF)
    with pytest.raises(InputError, match=r"one class only, 1, beside -1.*unlabelled=None"):
        model.fit(X, np.where(y == 1, 1, -1))
    with pytest.raises(InputError, match="3 frames of the source have no label"):
        model.fit(X, np.where(np.arange(280) < 3, -1, y), sample_domain=domain)
    with pytest.raises(InputError, match="no frame is of the source"):
        model.fit(X, np.full(280, -1))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y, sample_domain=domain[:-1])
    one = np.concatenate([np.flatnonzero(y[:80] == 0), np.flatnonzero(y[:80] == 1)[:1]])
    rows = np.concatenate([one, np.arange(80, 280)])
    with pytest.warns(FewLabelsWarning, match="class 1 has 1 labels"):
        model.fit(X[rows], known(y, domain)[rows])


def test_without_a_target_it_warns_and_is_a_plain_network(two_runs):
    X, y, _ = two_runs
    with pytest.warns(NoTargetWarning, match="no frame is of the target"):
        model = DANN(CNN1D(**BASE), **QUICK).fit(X, y)
    assert model.score(X, y) > 0.95
    assert "domain_loss" not in model.history_[-1]


# -- In searches and pipelines ---------------------------------------------------------------------


def test_sample_domain_is_routed_through_pipelines_searches_and_cross_validation(two_runs):
    X, y, domain = two_runs
    named = make_pipeline(GCN(), DANN(CNN1D(**BASE), **BRIEF))
    named.fit(X, y, dann__sample_domain=domain)
    with config_context(enable_metadata_routing=True):
        dann = DANN(CNN1D(**BASE), **QUICK).set_fit_request(sample_domain=True)
        brief = clone(dann).set_params(**BRIEF)
        routed = make_pipeline(GCN(), brief).fit(X, y, sample_domain=domain)
        np.testing.assert_array_equal(routed.predict_proba(X), named.predict_proba(X))
        scorer = SourceScorer("balanced_accuracy").set_score_request(sample_domain=True)
        search = GridSearchCV(
            make_pipeline("passthrough", dann),
            {"dann__base__channels": [(1,), (4, 8)], "dann__max_epochs": [1, 12]},
            scoring=scorer,
            cv=LabelledStratifiedKFold(2, shuffle=True, random_state=0),
            error_score="raise",
        ).fit(X, y, sample_domain=domain)
        assert search.best_score_ > 0.9
        assert search.best_params_["dann__max_epochs"] == 12
        best = clone(dann).set_params(base__channels=search.best_params_["dann__base__channels"])
        best.fit(X, y, sample_domain=domain)
        np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))
        folds = StratifiedKFold(2, shuffle=True, random_state=0)
        how = {"params": {"sample_domain": domain}, "cv": folds}
        scores = cross_validate(dann, X, y, scoring=scorer, **how)["test_score"]
        assert scores.min() > 0.85
        predicted = cross_val_predict(dann, X, y, **how)
    assert predicted.shape == y.shape
    assert np.mean(predicted[domain < 0] == y[domain < 0]) > 0.9


def test_recall_scores_a_search_where_y_marks_the_target(two_runs):
    X, y, domain = two_runs
    model = DANN(CNN1D(**BASE), **QUICK)
    folds = LabelledStratifiedKFold(2, shuffle=True, random_state=0)
    grid = {"base__channels": [(1,), (4, 8)]}
    search = GridSearchCV(model, grid, scoring="recall", cv=folds, n_jobs=2)
    search.fit(X, known(y, domain))
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.9
    assert search.score(X[domain < 0], y[domain < 0]) > 0.9


@FEW
def test_a_lazy_run_and_another_size_of_frame(spotted):
    frames, _, is_hit = spotted
    domain = np.tile([0, -1], 20)
    dann = DANN(CNN1D(**BASE), **{**QUICK, "max_epochs": 60})
    model = make_pipeline(RowWiseDecomposition(), dann)
    model.fit(open_frames(frames), known(is_hit, domain))
    assert model.score(frames[1::2], is_hit[1::2]) >= 0.9
    other = clone(model).fit(open_frames(frames[:, :80]), known(is_hit, domain))
    assert other[-1].frame_shape_in_ == (80,)
