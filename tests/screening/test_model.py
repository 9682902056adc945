"""A model knows the frames that it was trained on, and what the peak count says beside it."""

import shutil

import numpy as np
import pytest

from sklearn_sfx import open_frames, screen
from sklearn_sfx.screening import decisions, load_screening_model


@pytest.fixture(scope="module")
def model(run_folder):
    return load_screening_model(run_folder / "model.joblib")


def test_frames_of_the_training_are_known_in_any_order_and_folder(model, run_folder, tmp_path):
    run = open_frames(run_folder / "run.h5")
    seen = model.has_seen(run)
    np.testing.assert_array_equal(np.flatnonzero(seen), sorted(p for _, p in model.trained_on))
    rows = np.random.default_rng(0).permutation(90)[:40]
    np.testing.assert_array_equal(model.has_seen(run[rows]), seen[rows])
    shutil.copy(run_folder / "run.h5", tmp_path / "run.h5")
    np.testing.assert_array_equal(model.has_seen(open_frames(tmp_path / "run.h5")), seen)
    shutil.copy(run_folder / "run.h5", tmp_path / "other.h5")
    assert not model.has_seen(open_frames(tmp_path / "other.h5")).any()
    in_memory = open_frames(np.zeros((90, 160, 160), np.uint16))
    np.testing.assert_array_equal(model.has_seen(in_memory), np.zeros(90, bool), strict=True)


def test_the_peak_count_decides_beside_the_model_where_peaks_were_counted(model, run_folder):
    frames = open_frames(run_folder / "run.h5")[:12]
    scores = screen(model, frames)
    found = decisions(model, scores)
    assert list(found) == ["model", "peak count"]
    np.testing.assert_array_equal(found["model"], scores.decision)
    counted = model.baseline.predict(model.prepare.transform(frames))
    np.testing.assert_array_equal(found["peak count"], counted == 1)
    assert list(decisions(model, screen(model, frames, peaks=False))) == ["model"]
