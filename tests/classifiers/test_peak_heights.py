"""What PeakHeightClassifier says, with labels and without."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CentralCrop,
    InputError,
    PeakHeightClassifier,
    PixelMask,
    StrongestPeaks,
    make_sfx_frames,
)
from sklearn_sfx.classifiers._simulated_peaks import simulated_peaks
from sklearn_sfx.preprocessing import count_peaks
from tests.simulated import in_memory


@pytest.fixture(scope="module")
def run():
    return in_memory(make_sfx_frames(60, domain="LO19", frame_shape=(724, 724), random_state=11))


@pytest.fixture(scope="module")
def without_labels(run):
    chain = make_pipeline(PixelMask(detect=True), CentralCrop(724), PeakHeightClassifier())
    return chain.fit(run.data)


def test_the_simulated_frames_are_whole():
    heights, is_hit, counts = simulated_peaks()
    assert heights.shape == (len(is_hit), len(StrongestPeaks().ranks))
    assert len(counts) == len(is_hit)
    assert heights.dtype == np.float32
    assert np.isfinite(heights).all()
    assert (np.diff(heights, axis=1) <= 0).all()  # by rank
    assert 0.3 < is_hit.mean() < 0.7
    # The finder of weaker peaks sees those of the other one too.
    assert ((heights > 0).sum(axis=1)[counts >= 100] == heights.shape[1]).all()


def test_no_label_is_needed(run, without_labels):
    decision = without_labels.predict(run.data)
    assert decision[run.target == 1].mean() >= 0.95
    assert decision[run.target == 0].mean() <= 0.18  # six of 34, some of which show three spots
    assert without_labels.classes_.tolist() == [0, 1]


def test_labels_move_the_decision(run, without_labels):
    """Who calls only frames full of strong spots hits gets fewer of them."""
    prepared = without_labels[:-1].transform(run.data)
    counts = count_peaks(prepared)
    strict = (counts > np.median(counts[run.target == 1])).astype(int)
    few = np.concatenate([np.flatnonzero(strict)[:6], np.flatnonzero(strict == 0)[:24]])
    moved = PeakHeightClassifier().fit(prepared[few], strict[few])
    kept = without_labels.predict(run.data).mean()
    assert moved.predict(prepared).mean() < kept
    ignored = PeakHeightClassifier(label_weight=0).fit(prepared[few], strict[few])
    np.testing.assert_allclose(ignored.coef_, without_labels[-1].coef_, rtol=1e-3, atol=1e-3)


def test_which_class_has_the_spots_is_seen_in_the_frames():
    frames = np.random.default_rng(0).poisson(3.0, (12, 96, 96))
    frames[6:, 10::20, 10::20] += 50
    frames[6:, 11::20, 10::20] += 50
    for miss, hit in (("miss", "hit"), ("MISS", "HIT"), (1, 0)):
        labels = np.repeat([miss, hit], 6)
        model = PeakHeightClassifier().fit(frames, labels)
        assert model.hit_class_ == hit
        assert (model.predict(frames) == labels).all()
        column = model.classes_.tolist().index(hit)
        np.testing.assert_array_equal(model.predict_proba(frames)[6:, column] > 0.5, True)


def test_one_class_is_refused():
    with pytest.raises(InputError, match="two classes"):
        PeakHeightClassifier().fit(np.ones((4, 32, 32)), [1, 1, 1, 1])


def test_more_peaks_never_make_a_hit_less_likely_by_much(without_labels):
    """Of frames that differ in the number of equal peaks, those with more are likelier hits."""
    frames = np.random.default_rng(1).poisson(5.0, (20, 200, 200)).astype(float)
    places = [(r, c) for r in range(15, 190, 30) for c in range(15, 190, 30)]
    for n, frame in enumerate(frames):
        for row, column in places[:n]:
            frame[row : row + 2, column : column + 2] += 40
    probability = PeakHeightClassifier().fit(frames).predict_proba(frames)[:, 1]
    assert probability[0] < 0.5 < probability[-1]
    assert (np.diff(probability) > -0.1).all()
