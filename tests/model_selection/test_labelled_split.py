"""Folds that test labelled rows only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_sfx import open_frames
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection import LabelledStratifiedKFold


def partly_labelled(rng, n_per_label=20, n_unlabelled=30):
    y = np.repeat([0, 1, -1], [n_per_label, n_per_label, n_unlabelled])
    rng.shuffle(y)
    return y


@settings(deadline=None, max_examples=50)
@given(
    y=st.lists(st.sampled_from([0, 0, 1, 2, -1, -1]), min_size=30, max_size=80).map(np.array),
    n_splits=st.integers(2, 4),
    shuffle=st.booleans(),
)
def test_each_labelled_row_is_tested_once_and_no_other_ever(y, n_splits, shuffle):
    y = np.concatenate([y, np.repeat([0, 1, 2], n_splits)])
    folds = LabelledStratifiedKFold(
        n_splits, shuffle=shuffle, random_state=0 if shuffle else None
    ).split(np.zeros(len(y)), y)
    tested = []
    for train, test in folds:
        assert set(np.flatnonzero(y == -1)) <= set(train)
        np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))
        for label in (0, 1, 2):  # stratified: each fold has its share, up to one row
            share = np.count_nonzero(y == label) / n_splits
            assert abs(np.count_nonzero(y[test] == label) - share) <= 1
        tested.extend(test)
    np.testing.assert_array_equal(np.sort(tested), np.flatnonzero(y != -1))


@pytest.mark.parametrize("arguments", [{}, {"shuffle": True, "random_state": 3}])
def test_where_all_rows_have_labels_it_is_stratified_k_fold(arguments):
    y = np.random.default_rng(0).choice(["hit", "miss"], 40)
    ours = LabelledStratifiedKFold(4, **arguments).split(y, y)
    theirs = StratifiedKFold(4, **arguments).split(y, y)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_the_mark_may_be_a_string_and_minus_one_a_label():
    named = np.array(["hit", "?", "miss", "hit", "miss", "?"])
    for train, test in LabelledStratifiedKFold(2, unlabelled="?").split(named, named):
        assert {1, 5} <= set(train)
        assert set(named[test]) == {"hit", "miss"}
    signs = np.array([-1, 1, -1, 1])
    folds = LabelledStratifiedKFold(2, unlabelled=None).split(signs, signs)
    assert sorted(row for _, test in folds for row in test) == [0, 1, 2, 3]


def test_recall_can_be_scored():
    rng = np.random.default_rng(0)
    y = partly_labelled(rng)
    truth = np.where(y == -1, rng.integers(0, 2, len(y)), y)
    X = rng.normal(size=(len(y), 2)) + 3 * truth[:, None]
    model = SelfTrainingClassifier(LogisticRegression())
    cv = LabelledStratifiedKFold(4, shuffle=True, random_state=0)
    scores = cross_val_score(model, X, y, scoring="recall", cv=cv)
    assert scores.shape == (4,)
    assert scores.min() >= 0.8
    by_hand = []
    for train, test in cv.split(X, y):
        fitted = clone(model).fit(X[train], y[train])
        by_hand.append(fitted.predict(X[test])[y[test] == 1].mean())
    np.testing.assert_allclose(scores, by_hand)


def test_a_search_over_frames_reads_none_to_split_them():
    rng = np.random.default_rng(0)
    y = partly_labelled(rng)
    values = rng.poisson(20, (len(y), 4, 3)).astype(np.int16)
    values[y == 1] += 15
    frames = open_frames(values)
    model = make_pipeline(
        FunctionTransformer(np.mean, kw_args={"axis": 1}),
        SelfTrainingClassifier(LogisticRegression(max_iter=500)),
    )
    grid = {"selftrainingclassifier__threshold": [0.75, 0.9]}
    search = GridSearchCV(model, grid, scoring="recall", cv=LabelledStratifiedKFold(3))
    assert search.fit(frames, y).best_score_ > 0.9

    class OnlyALength:
        def __len__(self):
            return len(y)

    assert len(list(LabelledStratifiedKFold(3).split(OnlyALength(), y))) == 3


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 0, 0, 0, 0, 1, 1, 1, -1], "Class 1 has 3 labels, fewer than the 5 .* make 3 folds"),
        (["a"] * 6 + ["b"], "Class 'b' has 1 label, fewer than the 5 folds: label more rows of it"),
        ([1, 1, -1, -1], r"labels of one class only: 1\..* unless -1 is a label"),
        ([-1, -1], "y holds none"),
    ],
)
def test_labels_that_cannot_be_folded_are_refused(y, message):
    with pytest.raises(InputError, match=message):
        next(LabelledStratifiedKFold(5).split(np.zeros(len(y)), y))


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(LabelledStratifiedKFold(2).split(np.zeros(3), [0, 0, 1, 1]))


def test_it_says_what_it_is():
    cv = LabelledStratifiedKFold(3, unlabelled="?")
    assert cv.get_n_splits() == 3
    assert " ".join(repr(cv).split()) == (
        "LabelledStratifiedKFold(n_splits=3, random_state=None, shuffle=False, unlabelled='?')"
    )
