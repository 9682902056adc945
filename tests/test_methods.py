"""The table of methods: each says what it needs, and keeps to it."""

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_sfx import InputError, make_sfx_frames, screen, train
from sklearn_sfx._methods import (
    AUTO,
    METHODS,
    Method,
    find_methods,
    methods_without_labels,
    worth_comparing,
)
from sklearn_sfx._text import counted
from sklearn_sfx.screening import hit_finder, training_frames

of_each = pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))


@of_each
def test_a_method_says_what_it_is(method):
    assert find_methods(method.name) == (method,)
    assert method in find_methods(AUTO)
    assert method.summary
    assert method.least_labels >= 1
    assert bool(method.without_labels) or method.needs_labels  # what does it go by otherwise
    for function in (train, hit_finder, training_frames):
        assert f'"{method.name}"' in function.__doc__


@of_each
def test_its_steps_follow_mask_and_crop_and_can_be_cloned(method):
    finder = hit_finder(method=method.name, crop=64, max_epochs=1, random_state=0)
    steps = method.steps(max_epochs=1, random_state=0)
    assert list(finder.named_steps)[:2] == ["pixelmask", "centralcrop"]
    assert [type(step) for step in finder[2:]] == [type(step) for step in steps]
    assert repr(clone(finder)) == repr(finder)


@of_each
def test_labels_below_the_least_are_refused_and_the_way_out_is_said(method):
    least = method.least_labels
    method.check_labels(least, least)
    with pytest.raises(
        InputError, match=f"needs {counted(least, 'label')} of each kind .* {method.name!r}"
    ) as said:
        method.check_labels(least, least - 1)
    way_out = methods_without_labels() if method.needs_labels else ["leave the labels out"]
    assert all(words in str(said.value) for words in way_out)
    if method.needs_labels:
        with pytest.raises(InputError, match="0 hits and 0 misses"):
            method.check_labels(0, 0)
    else:
        method.check_labels(0, 0)


def test_a_new_method_is_one_entry(monkeypatch):
    class Brightest(Method):
        name = "brightest"
        summary = "the highest pixel"
        least_labels = 2

        def steps(self, *, max_epochs, random_state):
            from sklearn.linear_model import LogisticRegression
            from sklearn.preprocessing import FunctionTransformer

            return [FunctionTransformer(highest), LogisticRegression()]

    def highest(X):
        return np.nanmax(np.asarray(X), axis=(1, 2))[:, None]

    monkeypatch.setitem(METHODS, "brightest", Brightest())
    frames = make_sfx_frames(30, frame_shape=(96, 96), random_state=0).data
    with pytest.raises(InputError, match=r"2 labels of each kind .* method 'peaks'"):
        train(frames, np.r_[np.ones(29), 0], method="brightest", crop=90)
    target = highest(frames)[:, 0] > np.median(highest(frames))
    model = train(frames, target.astype(int), method="brightest", crop=90, random_state=0)
    assert model.method == "brightest"
    scores = screen(model, frames)
    probability = model.classifier[-1].predict_proba(highest(model.prepare.transform(frames)))
    np.testing.assert_allclose(scores.probability, probability[:, 1])


def test_a_method_without_steps_fails_when_it_is_made():
    with pytest.raises(TypeError, match="steps"):
        type("Incomplete", (Method,), {})()


def test_what_takes_long_is_compared_from_100_labels_on():
    every = find_methods(AUTO)
    names = [method.name for method in worth_comparing(every, 100)]
    assert names == [method.name for method in every if method.name != "frames"]  # minutes each
    assert [method.name for method in worth_comparing(every, 99)] == ["peaks", "spots", "count"]
    rows = find_methods("rows")
    assert worth_comparing(rows, 20) == rows  # it is asked for


def test_a_method_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="peaks, spots, count, rows, both, frames, got 'row'"):
        find_methods("row")
    with pytest.raises(InputError, match="HitFinderCV chooses one"):
        hit_finder(method="auto")
