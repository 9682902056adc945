"""The method that labels choose, as an estimator, and as `train` has it."""

import io
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sklearn_sfx import FewLabelsWarning, HitFinderCV, InputError, make_sfx_frames, screen, train
from sklearn_sfx.classifiers import find_in, fit_found, held_out_probability
from sklearn_sfx.screening import _candidates, _select, hit_finder, select_hit_finder
from tests.simulated import in_memory

SIDE = 160


@pytest.fixture(scope="module")
def run():
    return in_memory(make_sfx_frames(120, frame_shape=(SIDE, SIDE), hit_rate=0.5, random_state=5))


@pytest.fixture(scope="module")
def compared(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewLabelsWarning)
        return HitFinderCV(max_epochs=3, random_state=0).fit(run.data[:100], run.target[:100])


def test_all_methods_are_compared_from_100_labels_on(run, compared):
    assert compared.compared_ == ("peaks", "spots", "count", "rows", "both")
    assert compared.method_ in compared.compared_
    expected = compared.expected_
    assert expected.found + expected.lost == run.target[:100].sum()
    decided = compared.predict_proba(run.data[100:])[:, 1] >= compared.threshold_
    np.testing.assert_array_equal(compared.predict(run.data[100:]), decided.astype(int))


@pytest.mark.parametrize("method", ["peaks", "spots", "count", "rows", "both"])
def test_each_method_is_what_its_pipeline_is(run, method):
    frames, target = run.data[:60], run.target[:60]
    settings = {"max_epochs": 3, "random_state": 0}
    chosen = HitFinderCV(method=method, crop=SIDE, **settings).fit(frames, target)
    assert chosen.method_ == method
    plain = hit_finder(method=method, crop=SIDE, **settings)[1:].fit(frames, target)
    np.testing.assert_allclose(
        chosen.predict_proba(run.data[60:]), plain.predict_proba(run.data[60:]), rtol=1e-6
    )


def test_what_is_found_once_gives_the_same_as_fitting_each_fold(run):
    frames, target = run.data[:40], run.target[:40]
    train_rows, test_rows = np.arange(30), np.arange(30, 40)
    for method in ("peaks", "count"):
        whole = hit_finder(method=method, crop=SIDE)[1:]
        found = find_in(clone(whole), frames)
        held_out = held_out_probability(whole, found, target, [(train_rows, test_rows)])
        anew = clone(whole).fit(frames[train_rows], target[train_rows])
        expected = anew.predict_proba(frames[test_rows])[:, 1]
        np.testing.assert_allclose(held_out[test_rows], expected)
        assert np.isnan(held_out[train_rows]).all()
        by_found = fit_found(clone(whole), frames, found, target).predict_proba(frames)
        np.testing.assert_allclose(by_found, clone(whole).fit(frames, target).predict_proba(frames))


@pytest.mark.parametrize("as_given", [lambda frames: frames, np.asarray])
def test_methods_that_go_by_peaks_find_them_together(run, monkeypatch, as_given):
    frames, target = as_given(run.data[:40]), run.target[:40]
    methods = ("peaks", "spots", "count")
    alone = [find_in(hit_finder(method=method, crop=SIDE)[1:], frames) for method in methods]
    calls = []

    def find_together(deciders, X):
        calls.append(_find_together(deciders, X))
        return calls[-1]

    _find_together = _candidates.find_together
    monkeypatch.setattr(_candidates, "find_together", find_together)
    monkeypatch.setattr(_candidates, "find_in", None)  # nobody is to look alone
    chosen = HitFinderCV(crop=SIDE, random_state=0).fit(frames, target)
    assert chosen.compared_ == methods
    (together,) = calls
    for found, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_train_and_the_estimator_agree(run):
    frames, target = run.data[:80], run.target[:80]
    model = train(frames, target, recall=0.9, random_state=3)
    pipeline = select_hit_finder(recall=0.9, random_state=3).fit(frames, target)
    finder = pipeline[-1]
    assert (model.method, model.threshold) == (finder.method_, finder.threshold_)
    assert model.expected == finder.expected_
    scores = screen(model, run.data[80:])
    np.testing.assert_allclose(
        scores.probability, pipeline.predict_proba(run.data[80:])[:, 1], rtol=1e-6
    )


def test_a_higher_recall_takes_a_lower_threshold(run):
    thresholds = [
        HitFinderCV(method="count", recall=recall, random_state=0)
        .fit(run.data[:80], run.target[:80])
        .threshold_
        for recall in (0.5, 0.8, 1.0)
    ]
    assert thresholds == sorted(thresholds, reverse=True)


def test_strings_as_labels_and_a_pickle(run):
    labels = np.where(run.target[:60] == 1, "hit", "no")
    finder = HitFinderCV(pos_label="hit", random_state=0).fit(run.data[:60], labels)
    numbers = HitFinderCV(random_state=0).fit(run.data[:60], run.target[:60])
    said = finder.predict(run.data[60:])
    np.testing.assert_array_equal(said == "hit", numbers.predict(run.data[60:]) == 1)
    np.testing.assert_allclose(
        finder.predict_proba(run.data[60:])[:, 0], numbers.predict_proba(run.data[60:])[:, 1]
    )
    file = io.BytesIO()
    joblib.dump(finder, file)
    file.seek(0)
    np.testing.assert_array_equal(joblib.load(file).predict(run.data[60:]), said)
    with pytest.raises(InputError, match="Name the class that counts as a hit"):
        HitFinderCV().fit(run.data[:60], labels)


def test_it_is_cross_validated_in_a_pipeline(run):
    scores = cross_val_score(
        select_hit_finder(method="peaks", random_state=0),
        run.data[:60],
        run.target[:60],
        scoring="recall",
        cv=2,
    )
    assert (scores > 0.5).all()


def test_with_few_labels_the_peaks_decide(run):
    rows = np.r_[np.flatnonzero(run.target)[:4], np.flatnonzero(run.target == 0)[:20]]
    finder = HitFinderCV().fit(run.data[rows], run.target[rows])
    assert (finder.method_, finder.threshold_, finder.expected_) == ("peaks", 0.5, None)


def test_a_model_that_keeps_everything_is_refused(run):
    """By `train`; an estimator warns, as others that learn from labels that say nothing."""
    target = np.arange(40) % 2
    with pytest.raises(InputError, match=r"would call every frame a hit: .* more than 40 frames"):
        train(run.data[:40], target, method="count", random_state=0)
    finder = HitFinderCV(method="count", random_state=0)
    with pytest.warns(FewLabelsWarning, match="would call every frame a hit"):
        finder.fit(run.data[:40], target)
    assert finder.predict(run.data[:40]).all()


def test_the_threshold_is_kept_where_the_fitted_model_reaches_it(run, monkeypatch):
    """The folds' models were surer than the last one."""
    monkeypatch.setattr(_select, "best_threshold", lambda *args: 1.0)
    finder = HitFinderCV(method="count", random_state=0).fit(run.data[:60], run.target[:60])
    found = finder.predict(run.data[:60])[run.target[:60] == 1]
    assert 0.5 <= found.mean() < 1
