"""Lazy `Frames` go where arrays go; what reads tables only refuses both."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import AdaBoostClassifier
from sklearn.metrics import precision_score, recall_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_sfx.frames import Frames
from sklearn_sfx.preprocessing import RowWiseDecomposition
from tests.classifiers.composition.cases import (
    ANY_INPUT,
    CASES,
    LENGTH,
    SHAPE,
    TABLES_ONLY,
    lazy,
    linear,
    make_cnn1d,
    make_whole,
    same,
    train_of,
)


def compositions():
    """Yield each composition with the cases that it reads."""
    for name in ("CNN1D", "CNN2D", "FineTuned-CNN2D"):
        case = CASES[name]
        reads = {**ANY_INPUT, **TABLES_ONLY} if case.frame_shape == LENGTH else ANY_INPUT
        yield from (pytest.param(case, make, id=f"{name}-{one}") for one, make in reads.items())


@pytest.mark.parametrize(("case", "compose"), list(compositions()))
def test_lazy_input_gives_what_arrays_give(case, compose):
    X, y = train_of(case)
    other = GaussianNB()
    if case.frame_shape == SHAPE:
        other = make_pipeline(RowWiseDecomposition(), other)
    model = compose(case.make(max_epochs=1), other)
    if isinstance(model, SelfTrainingClassifier):
        y = np.where(np.arange(len(y)) < 60, y, -1)
    from_array, from_frames = clone(model).fit(X, y), clone(model).fit(lazy(X), y)
    same(from_frames.predict_proba(lazy(X)), from_array.predict_proba(X))
    same(from_frames.predict(lazy(X)[::-1]), from_array.predict(X[::-1]))


@pytest.mark.parametrize("name", TABLES_ONLY)
@pytest.mark.parametrize("lazily", [False, True], ids=["array", "lazy"])
def test_frames_are_refused_by_what_reads_tables_only(name, lazily):
    """The limit is scikit-learn's: these check X as a table, or put it beside one."""
    case = CASES["CNN2D"]
    X, y = train_of(case)
    model = TABLES_ONLY[name](case.make(max_epochs=1), linear(case))
    message = "dim 3, while dim <= 2 is required|must have same number of dimensions"
    with pytest.raises(ValueError, match=message):
        model.fit(lazy(X) if lazily else X, y)


def test_boosting_weighs_samples():
    case = CASES["CNN1D"]
    X, y = train_of(case)
    boosted = AdaBoostClassifier(case.make(max_epochs=12), n_estimators=2, random_state=0)
    assert (boosted.fit(X, y).predict(X) == y).mean() > 0.9


@pytest.mark.parametrize("name", ["bagging", "self-training"])
def test_a_run_reaches_what_reads_tables_only_through_its_vectors(run, other_spotted, name):
    frames, y = run
    if name == "self-training":
        y = np.where(np.arange(len(y)) < 24, y, -1)
    last = TABLES_ONLY[name](make_cnn1d(batch_size=4), None)
    model = make_pipeline(*make_whole()[:-1], last).fit(frames, y)
    assert isinstance(model[:-1].transform(frames), Frames)
    assert recall_score(other_spotted[1], model.predict(other_spotted[0])) > 0.9
    assert precision_score(other_spotted[1], model.predict(other_spotted[0])) > 0.9
