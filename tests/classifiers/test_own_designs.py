"""A base of one's own: one class, and all that is done with a network can be done with it."""

import contextlib
import pickle
from dataclasses import FrozenInstanceError

import joblib
import numpy as np
import onnxruntime
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from sklearn_sfx import CNN1D, CNN2D, DANN, FineTuned, InputError, open_frames, save_model, to_onnx
from sklearn_sfx.classifiers import NetworkClassifier, VectorDesign
from sklearn_sfx.classifiers._count import CountClassifier
from sklearn_sfx.classifiers._design import NetworkDesign
from sklearn_sfx.classifiers._designed import DesignedClassifier
from sklearn_sfx.exceptions import NotLearnedWarning
from sklearn_sfx.model_selection import LabelledStratifiedKFold
from tests.classifiers.own_designs import GridDesign, WideDesign

QUICK = {"max_epochs": 12, "lr": 0.02, "random_state": 0}
# Searches try networks that are too narrow, too.
CHANCE = pytest.mark.filterwarnings("ignore::sklearn_sfx.exceptions.NotLearnedWarning")
TUNED = {"head_max_epochs": 6, "max_epochs": 6, "head_lr": 0.02, "lr": 0.01, "random_state": 0}


@pytest.fixture
def wide(vectors):
    return NetworkClassifier(WideDesign(), **QUICK).fit(*vectors)


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


def weights(model):
    return {name: w.numpy().copy() for name, w in model.net_.module_.base.state_dict().items()}


# -- What can be done with it ----------------------------------------------------------------------


@CHANCE
def test_its_parameters_are_searched(vectors):
    X, y = vectors
    model = NetworkClassifier(WideDesign(), **QUICK)
    search = GridSearchCV(model, {"design__width": [1, 8]}, cv=2, scoring="balanced_accuracy")
    best = search.fit(X, y).best_estimator_
    assert search.best_params_ == {"design__width": 8}
    assert best.features(X).shape == (len(X), 8)
    assert best.design_.get_params() == {"width": 8}
    named = GridSearchCV(model, {"design": [WideDesign(3), WideDesign(5)]}, cv=2).fit(X, y)
    assert named.best_estimator_.features(X).shape[1] in (3, 5)


@CHANCE
def test_it_is_another_base_of_a_dann(vectors):
    X, y = vectors
    X, known = np.concatenate([X, 2 * X + 5]), np.concatenate([y, np.full(len(y), -1)])
    model = DANN(WideDesign(), **QUICK).fit(X, known)
    assert model.score(X[len(y) :], y) > 0.9
    assert model.features(X).shape == (len(X), 8)
    by_classifier = DANN(NetworkClassifier(WideDesign()), **QUICK).fit(X, known)
    same(by_classifier.predict_proba(X), model.predict_proba(X))
    same(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    folds = LabelledStratifiedKFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(model, {"base__width": [4]}, cv=folds, scoring="balanced_accuracy")
    assert search.fit(X, known).best_estimator_.design_.width == 4


class DeadAtFirst(GridDesign):
    """Its bases say nothing, but for one."""

    def __init__(self, n_filters=8, alive=2):
        super().__init__(n_filters)
        self.alive = alive

    def build_base(self, frame_shape):
        base = super().build_base(frame_shape)
        built.append(base)
        if len(built) != self.alive:
            base[1] = nn.Conv2d(1, self.n_filters, 5, stride=3).requires_grad_(False)
            nn.init.zeros_(base[1].weight)
        return base


built = []


@pytest.mark.parametrize("dann", [False, True])
def test_a_training_of_frames_that_ends_at_chance_begins_anew_once(spotted, dann):
    frames, _, is_hit = spotted
    y, X = is_hit, frames
    if dann:
        X, y = np.concatenate([frames, frames]), np.r_[is_hit, np.full(len(is_hit), -1)]

    def fitted(alive, **settings):
        built.clear()
        design = DeadAtFirst(alive=alive)
        made = DANN(design, **settings) if dann else NetworkClassifier(design, **settings)
        return made.fit(X, y)

    n = 1 + dann  # networks of one start: DANN makes one of frames as they come, and one alike
    settings = {**QUICK, "batch_size": 8, "max_epochs": 14}
    model = fitted(n + 1, **settings)
    assert (len(built), len(model.history_)) == (2 * n, 14)
    assert model.score(frames, is_hit) > 0.7
    same(model.predict_proba(frames), fitted(n + 1, **settings).predict_proba(frames))
    fitted(1, **settings)  # where it learns at once nothing begins anew
    assert len(built) == n
    fitted(n + 1, **{**settings, "max_epochs": 9})  # too short to tell
    assert len(built) == n
    with pytest.warns(NotLearnedWarning, match="can hardly tell the classes") as caught:
        fitted(2 * n + 1, **settings)
    assert (len(built), len(caught)) == (2 * n, 1)


@pytest.mark.parametrize(
    ("margins", "kept"), [((-0.1, -0.3), 0), ((-0.3, -0.1), 1), ((-0.3, 0.2), 1)]
)
def test_of_two_starts_the_better_one_is_kept(spotted, monkeypatch, margins, kept):
    frames, _, is_hit = spotted
    model = NetworkClassifier(DeadAtFirst(alive=0), **{**QUICK, "max_epochs": 2})
    found, nets = iter(margins), []

    def margin_of(self, net, *args):
        nets.append(net)
        return next(found)

    monkeypatch.setattr(NetworkClassifier, "_margin_of", margin_of)
    with pytest.warns(NotLearnedWarning) if margins[kept] < 0 else contextlib.nullcontext():
        model.fit(frames, is_hit)
    assert len(nets) == 2
    assert model.net_ is nets[kept]


def test_it_is_tuned_and_its_blocks_unfrozen(wide, vectors):
    X, y = vectors
    mine = 2 * X + 5
    model = FineTuned(make_pipeline("passthrough", wide), **TUNED).fit(mine, y)
    assert model.score(mine, y) > 0.9
    before, after = weights(wide), weights(model)
    for name in before:
        assert np.array_equal(before[name], after[name]) == name.startswith("blocks.0.")
    same(pickle.loads(pickle.dumps(model)).predict_proba(mine), model.predict_proba(mine))
    with pytest.raises(InputError, match="has 2 blocks"):
        FineTuned(wide, n_unfrozen_blocks=3).fit(mine, y)


def test_whole_frames_are_read_lazily_and_as_arrays(spotted):
    frames, _, is_hit = spotted
    mask = np.ones(frames.shape[1:], bool)
    mask[:20] = False
    run, masked = open_frames(frames, mask=mask), np.where(mask, frames, np.nan)
    model = NetworkClassifier(GridDesign(), batch_size=8, **QUICK)
    lazy, in_memory = clone(model).fit(run, is_hit), model.fit(masked, is_hit)
    same(lazy.predict_proba(run), in_memory.predict_proba(masked))
    assert lazy.score(run, is_hit) > 0.7  # of an older torch 0.75
    tuned = FineTuned(lazy, n_unfrozen_blocks=0, batch_size=8, **TUNED).fit(run, is_hit)
    same(weights(tuned)["1.weight"], weights(lazy)["1.weight"])
    adapted = DANN(GridDesign(), batch_size=16, **QUICK)
    twice = np.repeat(np.arange(40), 2)
    adapted.fit(run[twice], np.where(np.arange(80) % 2, is_hit[twice], -1))
    for fitted in (lazy, tuned, adapted):
        tags = fitted.__sklearn_tags__().input_tags
        assert (tags.three_d_array, tags.two_d_array, tags.allow_nan) == (True, False, True)
        same(pickle.loads(pickle.dumps(fitted)).predict_proba(run), fitted.predict_proba(run))
        with pytest.raises(InputError, match="was fitted on"):
            fitted.predict(frames[:, 1:])
    with pytest.raises(InputError, match="base has 0 blocks"):
        FineTuned(lazy).fit(run, is_hit)


def test_a_head_of_its_own_is_taken_too(vectors):
    class Linear(WideDesign):
        def build_head(self, n_features, n_outputs):
            return nn.Linear(n_features, n_outputs)

        def build_augmentation(self):
            return nn.Dropout1d(0.1)

    model = NetworkClassifier(Linear(), **QUICK).fit(*vectors)
    assert isinstance(model.net_.module_.head, nn.Linear)
    assert isinstance(model.net_.module_.augmentation, nn.Dropout1d)
    assert model.score(*vectors) > 0.9


# -- What is kept of it ----------------------------------------------------------------------------


def test_what_becomes_of_the_design_afterwards_changes_nothing(vectors, tmp_path):
    X, y = vectors
    design = WideDesign(width=8)
    model = NetworkClassifier(design, **QUICK).fit(X, y)
    expected = model.predict_proba(X)
    design.width = 3
    joblib.dump(model, tmp_path / "model.joblib")
    same(joblib.load(tmp_path / "model.joblib").predict_proba(X), expected)
    assert model.fit(X, y).features(X).shape == (len(X), 3)


@pytest.mark.parametrize("kind", [CNN1D, CNN2D])
def test_the_design_of_a_classifier_of_this_package_is_fixed(kind, vectors, spotted):
    channels = [2, 3]
    X, y = vectors if kind is CNN1D else (spotted[0], spotted[2])
    model = kind(channels=channels, max_epochs=1, random_state=0).fit(X, y)
    channels.append(4)
    model.set_params(kernel_size=9, dropout=0.9)
    same(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    assert (model.design_.channels, model.design_.dropout) == ((2, 3), 0.2)
    assert model.design_ == kind(channels=(2, 3), max_epochs=1).fit(X, y).design_
    with pytest.raises(FrozenInstanceError):
        model.design_.channels = (8,)


def first_hundred(X):
    return X[:, :100]


def test_a_file_of_before_there_were_designs_is_read(vectors):
    """It has the parameters of fit, or a classifier without weights, in place of the design."""
    X, y = vectors
    net = CNN1D(channels=(4, 8), **QUICK).fit(X, y)
    short = CNN1D(channels=(4, 8), **QUICK)
    crop = make_pipeline(FunctionTransformer(first_hundred), short).fit(X, y)
    known = np.where(np.arange(len(y)) < 40, y, -1)
    dann = DANN(CNN1D(channels=(4, 8)), **QUICK).fit(X, known)
    dann.design_ = net.design_  # as it was: not in units of each vector
    dann.net_.module_.base.own_units = False
    models = [
        (net, {"_fit_params": net.get_params()}, {}),
        (dann, {"_fit_params": {}}, {}),
        (FineTuned(net, **TUNED).fit(X, y), {"_fit_params": {}}, {"frame_shape_in_": (120,)}),
        (FineTuned(crop, **TUNED).fit(X, y), {"_fit_params": {}}, {"frame_shape_in_": (100,)}),
    ]
    for model, more, of_builder in models:
        state = {**model.__getstate__(), **more}
        del state["design_"], state["network_shape_"]
        if not isinstance(model, CNN1D):
            state["base_"] = CNN1D(channels=(4, 8))
            vars(state["base_"]).update(of_builder)
        again = type(model).__new__(type(model))
        again.__setstate__(state)
        same(again.predict_proba(X), model.predict_proba(X))
        assert again.design_ == model.design_
        assert again.network_shape_ == model.network_shape_


# -- What is said ----------------------------------------------------------------------------------


def test_what_is_no_design_is_refused_in_a_sentence(vectors):
    class NoFeatures(VectorDesign):
        def build_base(self, frame_shape):
            return nn.Linear(*frame_shape, 4)

    class NoBase(VectorDesign):
        pass

    with pytest.raises(InputError, match=r"NoFeatures.build_base .* with n_features.*this Linear"):
        NetworkClassifier(NoFeatures()).fit(*vectors)
    with pytest.raises(InputError, match="NoBase has no method build_base"):
        NetworkClassifier(NoBase()).fit(*vectors)
    with pytest.raises(ValueError, match="The 'design' parameter of NetworkClassifier"):
        NetworkClassifier(nn.Linear(2, 2)).fit(*vectors)
    for wrong in (DANN(), FineTuned("base.skops"), nn.Linear(2, 2)):
        with pytest.raises(InputError, match="The 'base' parameter of DANN must be a CNN1D"):
            DANN(wrong).fit(*vectors)
    with pytest.raises(ValueError, match="The 'dropout' parameter of CNN2D"):
        DANN(CNN2D(dropout=2.0)).fit(*vectors)


@pytest.mark.parametrize(
    ("base", "missing"),
    [(CountClassifier, "_find"), (NetworkDesign, "_check"), (DesignedClassifier, "_make_design")],
)
def test_what_lacks_a_method_is_refused_when_it_is_made(base, missing):
    class Unfinished(base):
        pass

    with pytest.raises(TypeError, match=f"Unfinished.*{missing}"):
        Unfinished()


def test_a_safe_file_names_the_class_that_it_cannot_hold(wide, tmp_path):
    with pytest.raises(InputError, match=r"own_designs\.WideDesign.*joblib\.dump"):
        save_model(wide, tmp_path / "wide.skops")
    assert list(tmp_path.iterdir()) == []


def test_its_graph_is_written_where_it_has_one(wide, vectors, spotted, tmp_path):
    X, y = vectors
    adapted = DANN(WideDesign(), **QUICK).fit(X, np.where(np.arange(len(y)) < 40, y, -1))
    for model in (wide, FineTuned(wide, **TUNED).fit(X, y), adapted):
        to_onnx(model, tmp_path / "model.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        found = session.run(["probability"], {"X": X.astype(np.float32)})[0]
        np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=1e-5)
    frames, _, is_hit = spotted
    with_none = NetworkClassifier(GridDesign(), max_epochs=1, random_state=0).fit(frames, is_hit)
    with pytest.raises(InputError, match=r"on GridBase cannot be written.*method write_graph"):
        to_onnx(with_none, tmp_path / "none.onnx")

    class Tanh(WideDesign):
        def build_head(self, n_features, n_outputs):
            return nn.Sequential(nn.Sequential(nn.Tanh()), nn.Linear(n_features, n_outputs))

    model = NetworkClassifier(Tanh(), max_epochs=1, random_state=0).fit(X, y)
    with pytest.raises(InputError, match="A head with a layer Tanh cannot be written"):
        to_onnx(model, tmp_path / "none.onnx")
