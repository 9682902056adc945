"""The classifier that counts spots: six make a hit, unless labels say otherwise."""

import numpy as np
import pytest

from sklearn_sfx import InputError, SpotCountClassifier


@pytest.fixture(scope="module")
def frames():
    """Return frames with 0, 3, 5, 6, 7 and 20 spots."""
    frames = np.random.default_rng(0).poisson(5.0, (6, 120, 120))
    places = [(row, column) for row in range(12, 110, 20) for column in range(14, 110, 25)]
    for frame, n in zip(frames, (0, 3, 5, 6, 7, 20), strict=True):
        for row, column in places[:n]:
            frame[row : row + 2, column : column + 2] += 60
    return frames


def test_six_spots_make_a_hit_without_labels(frames):
    model = SpotCountClassifier().fit(frames)
    np.testing.assert_array_equal(model.count_spots(frames), [0, 3, 5, 6, 7, 20])
    np.testing.assert_array_equal(model.predict(frames), [0, 0, 0, 1, 1, 1])
    probability = model.predict_proba(frames)[:, 1]
    assert (np.diff(probability) > 0).all()
    np.testing.assert_array_equal(probability >= 0.5, model.predict(frames))


def test_one_frame_is_enough(frames):
    assert SpotCountClassifier().fit(frames[:1]).predict(frames[5:]) == [1]


def test_labels_say_how_many_make_a_hit(frames):
    model = SpotCountClassifier().fit(frames, ["miss"] * 4 + ["hit"] * 2)
    assert (model.threshold_, model.hit_class_) == (7, "hit")
    assert model.predict(frames).tolist() == ["miss"] * 4 + ["hit"] * 2


def test_frames_of_another_shape_are_refused(frames):
    with pytest.raises(InputError, match="shape"):
        SpotCountClassifier().fit(frames).predict(frames[:, :100])
