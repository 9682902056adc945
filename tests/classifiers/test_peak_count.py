"""The classifier that counts: how many peaks make a hit, and what follows from it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx.classifiers import PeakCountClassifier, best_count
from sklearn_sfx.classifiers._simulated_peaks import simulated_peaks
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import count_peaks


def test_counts_are_the_spots_that_are_there(spotted):
    frames, counts, is_hit = spotted
    model = PeakCountClassifier().fit(frames, is_hit)
    assert np.abs(model.count_peaks(frames) - counts).max() <= 1
    np.testing.assert_array_equal(model.count_peaks(frames), count_peaks(frames), strict=True)
    assert model.threshold_ == best_count(count_peaks(frames), is_hit) in (3, 4)
    assert model.score(frames, is_hit) == 1.0


@pytest.mark.parametrize(
    ("misses", "hits", "threshold"),
    [
        ([0, 1, 3], [20, 30], 4),  # the lowest count that no miss reaches
        ([0, 0, 5], [3, 4, 6], 1),  # as good as 6, and loses no hit
        ([0, 0, 0, 9], [0, 8, 9, 10], 1),
        ([4, 4], [4, 4], 4),
    ],
)
def test_the_threshold_is_the_best_and_ties_go_to_recall(misses, hits, threshold):
    counts = np.array(misses + hits)
    is_hit = np.arange(len(counts)) >= len(misses)
    assert best_count(counts, is_hit) == threshold


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=15),
    st.lists(st.integers(0, 20), min_size=1, max_size=15),
)
def test_no_threshold_is_better(misses, hits):
    counts = np.array(misses + hits)
    is_hit = np.arange(len(counts)) >= len(misses)

    def balanced(threshold):
        found = counts >= threshold
        return found[is_hit].mean() - found[~is_hit].mean()

    scores = [balanced(threshold) for threshold in range(23)]
    assert balanced(best_count(counts, is_hit)) == pytest.approx(max(scores))


def test_the_probability_rises_with_the_count_and_only_with_it(spotted):
    frames, _, is_hit = spotted
    labels = np.where(is_hit == 1, "HIT", "MISS")  # the hit comes first in classes_
    model = PeakCountClassifier().fit(frames, labels)
    assert model.hit_class_ == "HIT"
    counts = model.count_peaks(frames)
    probability = model.predict_proba(frames)[:, 0]
    order = np.argsort(counts, kind="stable")
    steps = np.diff(probability[order])
    assert (steps[np.diff(counts[order]) > 0] > 0).all()
    assert (steps[np.diff(counts[order]) == 0] == 0).all()
    np.testing.assert_array_equal(probability > 0.5, counts >= model.threshold_)
    np.testing.assert_array_equal(model.predict(frames), labels)


def test_three_classes_are_refused(spotted):
    frames, counts, _ = spotted
    with pytest.raises(InputError, match="Only binary classification is supported"):
        PeakCountClassifier().fit(frames, np.minimum(counts, 12))


def test_vectors_are_refused():
    with pytest.raises(InputError, match="frames"):
        PeakCountClassifier().fit(np.ones((4, 720)), [0, 1, 0, 1])


def test_the_mask_of_a_lazy_run_is_used(spotted):
    frames, _, is_hit = spotted
    mask = np.ones(frames.shape[1:], bool)
    mask[:48] = False
    model = PeakCountClassifier().fit(frames, is_hit)
    masked = np.where(mask, frames, np.nan)
    expected = model.count_peaks(masked)
    assert expected.sum() < 0.7 * model.count_peaks(frames).sum()
    np.testing.assert_array_equal(model.count_peaks(open_frames(frames, mask=mask)), expected)


def test_a_crop_of_a_lazy_run_is_counted(spotted):
    from sklearn_sfx.preprocessing import CentralCrop

    frames, _, is_hit = spotted
    crop = CentralCrop(60)
    model = PeakCountClassifier().fit(crop.fit_transform(open_frames(frames)), is_hit)
    np.testing.assert_array_equal(
        model.count_peaks(crop.transform(open_frames(frames))),
        model.count_peaks(frames[:, 18:78, 18:78]),
    )


def test_without_labels_the_simulated_frames_say_how_many_make_a_hit(spotted):
    frames, _, is_hit = spotted
    model = PeakCountClassifier().fit(frames)
    _, simulated_hits, counts = simulated_peaks()
    assert model.threshold_ == best_count(counts, simulated_hits)
    assert model.classes_.tolist() == [0, 1]
    assert model.hit_class_ == 1
    np.testing.assert_array_equal(model.predict(frames), count_peaks(frames) >= model.threshold_)
    assert model.predict_proba(frames)[is_hit == 1, 1].min() > 0.5
    with pytest.raises(InputError, match=r"\(min_snr=7\.0\): without labels it learns from sim"):
        PeakCountClassifier(min_snr=7.0).fit(frames)
