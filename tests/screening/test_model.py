"""A model knows the frames that it was trained on, and what the peak count says beside it."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest

from sklearn_sfx import make_sfx_frames, open_frames, read_mask, screen
from sklearn_sfx.datasets import write_run
from sklearn_sfx.exceptions import OtherMaskWarning
from sklearn_sfx.frames import Frames
from sklearn_sfx.frames._filled_source import FilledSource
from sklearn_sfx.screening import decisions, load_screening_model


@pytest.fixture(scope="module")
def model(run_folder):
    return load_screening_model(run_folder / "model.joblib")


def test_frames_of_the_training_are_known_in_any_order_file_and_folder(model, run_folder, tmp_path):
    run = open_frames(run_folder / "run.h5")
    seen = model.has_seen(run)
    positions = sorted(frame.position for frame in model.trained_on)
    np.testing.assert_array_equal(np.flatnonzero(seen), positions)
    rows = np.random.default_rng(0).permutation(90)[:40]
    np.testing.assert_array_equal(model.has_seen(run[rows]), seen[rows])
    for name in ("run.h5", "renamed.h5"):
        shutil.copy(run_folder / "run.h5", tmp_path / name)
        np.testing.assert_array_equal(model.has_seen(open_frames(tmp_path / name)), seen)
    both = [tmp_path / "renamed.h5", run_folder / "run.h5"]
    np.testing.assert_array_equal(model.has_seen(open_frames(both)), np.r_[seen, seen])
    in_memory = open_frames(np.zeros((90, 160, 160), np.uint16))
    np.testing.assert_array_equal(model.has_seen(in_memory), np.zeros(90, bool), strict=True)


def test_frames_are_known_in_another_dataset_and_at_another_place(model, run_folder, tmp_path):
    """As where hits are written anew to a file of their own."""
    run = open_frames(run_folder / "run.h5")
    seen = model.has_seen(run)
    backwards = np.asarray(run)[::-1]
    with h5py.File(tmp_path / "repacked.h5", "w") as file:
        file["entry/data/data"] = backwards
    repacked = open_frames(tmp_path / "repacked.h5")
    assert 0 < seen.sum() < len(seen)
    np.testing.assert_array_equal(model.has_seen(repacked), seen[::-1])
    np.testing.assert_array_equal(model.has_seen(open_frames(backwards)), seen[::-1])


def test_another_run_of_the_same_name_is_new(model, tmp_path):
    write_run(tmp_path / "run.h5", make_sfx_frames(90, frame_shape=(160, 160), random_state=9))
    assert not model.has_seen(open_frames(tmp_path / "run.h5")).any()


def test_frames_are_known_among_others_of_a_larger_type(model, run_folder, tmp_path):
    run = open_frames(run_folder / "run.h5")
    np.save(tmp_path / "more.npy", np.full((1, 160, 160), 10**6, np.int32))
    joined = open_frames([run_folder / "run.h5", tmp_path / "more.npy"])
    assert joined.dtype != run.dtype
    np.testing.assert_array_equal(model.has_seen(joined), np.r_[model.has_seen(run), False])


def test_frames_are_known_among_unreadable_ones(model, run_folder):
    """Which are opened as floats, where there are some."""
    run = open_frames(run_folder / "run.h5")
    as_floats = Frames(FilledSource(run._source))
    assert as_floats.dtype == np.float32
    np.testing.assert_array_equal(model.has_seen(as_floats), model.has_seen(run))


def test_of_old_models_the_name_of_the_file_decides(model, run_folder):
    names = tuple(("run.h5", frame.position) for frame in model.trained_on)
    old = replace(model, trained_on=names, masked=None)
    run = open_frames(run_folder / "run.h5")
    np.testing.assert_array_equal(old.has_seen(run), model.has_seen(run))
    screen(old, run[:3])  # and nothing is known of a mask


def test_a_mask_that_comes_or_goes_is_said(model, run_folder):
    bare = open_frames(run_folder / "run.h5")[:12]
    with pytest.warns(OtherMaskWarning, match="trained behind a mask and is used without one"):
        screen(model, bare)
    behind = open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))[:12]
    screen(model, behind)
    without = replace(model, masked=False)
    screen(without, bare)
    with pytest.warns(OtherMaskWarning, match="trained without a mask and is used behind one"):
        screen(without, behind)


def test_the_peak_count_decides_beside_the_model_where_peaks_were_counted(model, run_folder):
    mask = read_mask(run_folder / "run.mask.h5")
    frames = open_frames(run_folder / "run.h5", mask=mask)[:12]
    scores = screen(model, frames)
    found = decisions(model, scores)
    assert list(found) == ["model", "peak count"]
    np.testing.assert_array_equal(found["model"], scores.decision)
    counted = model.baseline.predict(model.prepare.transform(frames))
    np.testing.assert_array_equal(found["peak count"], counted == 1)
    assert list(decisions(model, screen(model, frames, peaks=False))) == ["model"]
