"""scikit-learn takes Frames as X, in splitters and in searches."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_sfx import Frames, open_frames


@pytest.fixture
def labelled(tmp_path, write):
    """A file of 30 frames, of which those of class 1 are brighter on the left."""
    random = np.random.default_rng(0)
    target = np.arange(30) % 3 == 0
    frames = random.poisson(20, (30, 8, 6)).astype(np.int16)
    frames[target, :, :3] += 20
    return open_frames(write("cxidb76-bitshuffle", frames)), target.astype(int), frames


def test_splitters_take_it(labelled):
    frames, target, values = labelled
    for splitter in (KFold(3), StratifiedKFold(3, shuffle=True, random_state=0)):
        for train, test in splitter.split(frames, target):
            np.testing.assert_array_equal(frames[train], values[train])
            np.testing.assert_array_equal(frames[test], values[test])
    train, test, y_train, _ = train_test_split(frames, target, random_state=0, stratify=target)
    assert isinstance(train, Frames)
    assert len(train) + len(test) == 30
    wanted, _ = train_test_split(values, random_state=0, stratify=target)
    np.testing.assert_array_equal(train, wanted)
    assert len(y_train) == len(train)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_searches_take_it(labelled, n_jobs):
    frames, target, values = labelled
    model = make_pipeline(
        FunctionTransformer(np.mean, kw_args={"axis": 1}), LogisticRegression(max_iter=500)
    )
    scores = cross_val_score(model, frames, target, scoring="recall", cv=3, n_jobs=n_jobs)
    np.testing.assert_array_equal(
        scores, cross_val_score(model, values, target, scoring="recall", cv=3)
    )
    grid = {"logisticregression__C": [0.1, 1.0]}
    search = GridSearchCV(model, grid, scoring="recall", cv=3, n_jobs=n_jobs).fit(frames, target)
    assert search.best_score_ > 0.9
    np.testing.assert_array_equal(search.predict(frames), search.predict(values))
