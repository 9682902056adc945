"""Labels of four classes, of which one is wanted: what is refused, and what is done instead."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.model_selection import TargetRecallClassifier
from sklearn_sfx.preprocessing import LitPixels
from sklearn_sfx.screening import HitFinderCV, select_hit_finder

LABELS = np.array(["empty", "single", "multiple", "other"])
SAY = r"\['empty', 'multiple', 'other', 'single'\]: say which one is a hit, as y == 'single' does"


@pytest.fixture
def lit():
    """Return frames whose number of lit pixels says their class, and the classes."""
    kind = np.arange(60) % 4
    frames = np.zeros((60, 16, 16))
    for frame, k in zip(frames, kind, strict=True):
        frame.flat[: 20 * k] = 5
    return frames, LABELS[kind]


@pytest.mark.parametrize("finder", [HitFinderCV(), HitFinderCV(pos_label="single")], ids=str)
def test_who_tells_hits_from_misses_asks_for_one_class(finder, lit):
    with pytest.raises(InputError, match=rf"HitFinderCV tells hits from misses.*{SAY}"):
        finder.fit(*lit)
    with pytest.raises(InputError, match=SAY):
        select_hit_finder().fit(*lit)
    with pytest.raises(InputError, match=SAY):
        TargetRecallClassifier(ExtraTreesClassifier(), pos_label="single").fit(
            lit[0].reshape(60, -1), lit[1]
        )


def test_a_threshold_for_one_class_of_several(lit):
    frames, y = lit
    model = make_pipeline(LitPixels(), ExtraTreesClassifier(20, random_state=0))
    finder = TargetRecallClassifier(model, recall=0.9, confidence=None, random_state=0)
    finder.fit(frames, y == "single")
    np.testing.assert_array_equal(finder.predict(frames), y == "single")
