"""What a model is made of, whatever is around it."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    CentralCrop,
    FineTuned,
    PeakCountClassifier,
    RowWiseDecomposition,
    ScreeningModel,
    TargetRecallClassifier,
)
from sklearn_sfx._models import decision, estimators, in_words, named_estimators

STEPS = ["centralcrop", "gcn", "rowwisedecomposition", "cnn1d"]


def names(model, **how):
    return [name for name, _ in named_estimators(model, **how)]


def pipeline():
    return make_pipeline(CentralCrop(36), GCN(), RowWiseDecomposition(), CNN1D())


@pytest.mark.parametrize(
    "around",
    [
        lambda model: model,
        FrozenEstimator,
        lambda model: GridSearchCV(model, {}),
        lambda model: RandomizedSearchCV(model, {}),
        FixedThresholdClassifier,
        TunedThresholdClassifierCV,
        TargetRecallClassifier,
        lambda model: TargetRecallClassifier(GridSearchCV(FrozenEstimator(model), {})),
        lambda model: make_pipeline("passthrough", model),
        lambda model: make_pipeline(model[:2], model[2:]),
        lambda model: make_pipeline(model[:-1], TargetRecallClassifier(model[-1:])),
        lambda model: ScreeningModel(model[:2], model[2:], PeakCountClassifier(), 0.5, (), (40,)),
    ],
)
def test_the_steps_are_found_in_whatever_is_around_them(around):
    assert names(around(pipeline())) == STEPS


def test_what_is_around_a_step_leaves_it_its_name():
    model = Pipeline([("crop", CentralCrop(36)), ("hit", TargetRecallClassifier(CNN1D()))])
    found = named_estimators(model)
    assert [name for name, _ in found] == ["crop", "hit"]
    assert isinstance(found[1][1], CNN1D)
    assert names(FrozenEstimator(CNN1D())) == ["cnn1d"]


def test_two_of_a_name_are_numbered():
    model = make_pipeline(make_pipeline(GCN(), LCN(3)), make_pipeline(GCN(), CNN1D()))
    assert names(model) == ["gcn-1", "lcn", "gcn-2", "cnn1d"]


@pytest.mark.parametrize("model", [None, CNN1D(), make_pipeline("passthrough"), 3])
def test_there_is_one_at_least(model):
    assert estimators(model) == [model]


def test_what_combines_several_is_one():
    model = CalibratedClassifierCV(pipeline())
    assert estimators(model) == [model]


def test_what_was_fitted_goes_before_what_was_given():
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.tile([0, 1], 10)
    inside = make_pipeline(StandardScaler(), LogisticRegression())
    for model in (
        GridSearchCV(inside, {"logisticregression__C": [3.0]}, cv=2),
        FixedThresholdClassifier(inside),
        TunedThresholdClassifierCV(inside, cv=2),
        TargetRecallClassifier(inside, confidence=None, cv=2),
    ):
        assert not hasattr(estimators(model)[-1], "coef_")
        assert hasattr(estimators(model.fit(X, y))[-1], "coef_")


class PreparedOne(FineTuned):
    """Fitted in no time."""

    def __init__(self, base):
        super().__init__(base)
        self.prepare_ = make_pipeline(CentralCrop(36), GCN())


def test_what_prepares_its_frames_itself_is_opened_or_left_whole():
    model = make_pipeline(FunctionTransformer(), PreparedOne(CNN1D()))
    inside = ["functiontransformer", "centralcrop", "gcn", "preparedone"]
    assert names(model) == inside
    assert names(model, unfold=False) == ["functiontransformer", "preparedone"]
    assert estimators(model)[-1] is estimators(model, unfold=False)[-1] is model[-1]
    assert names(FineTuned("base.skops")) == ["finetuned"]


class Decided(TargetRecallClassifier):
    """Fitted in no time."""

    def __init__(self):
        super().__init__(CNN1D())
        self.threshold_, self.pos_label_ = 0.2, "hit"


TUNED = TunedThresholdClassifierCV(CNN1D())
TUNED.best_threshold_ = 0.3


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (CNN1D(), (0.5, None)),
        (Decided(), (0.2, "hit")),
        (FrozenEstimator(Decided()), (0.2, "hit")),
        (make_pipeline(GCN(), Decided()), (0.2, "hit")),
        (TUNED, (0.3, None)),
        (ScreeningModel(make_pipeline(GCN()), make_pipeline(TUNED), None, 1, (), ()), (0.3, None)),
        (FixedThresholdClassifier(CNN1D()), (0.5, None)),
        (FixedThresholdClassifier(CNN1D(), threshold=0.7, pos_label="hit"), (0.7, "hit")),
        (
            FixedThresholdClassifier(CNN1D(), threshold=-2.0, response_method="decision_function"),
            (0.5, None),
        ),
        (PreparedOne(CNN1D()), (0.5, None)),
    ],
)
def test_the_threshold_and_the_hits_that_a_model_decides_by(model, found):
    assert decision(model) == found


def test_words_hold_every_parameter():
    assert in_words([CentralCrop(), LCN(5)]) == [
        "CentralCrop(center='frame', size=724)",
        "LCN(floor=1.0, kernel_size=5)",
    ]
