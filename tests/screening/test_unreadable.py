"""Frames that cannot be read: rows that say so, never hits, never misses."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_sfx import InputError, make_sfx_frames, open_frames, read_mask, screen, train
from sklearn_sfx.exceptions import UnreadableFrame, UnreadableFramesWarning
from sklearn_sfx.frames import ArraySource, Frames
from sklearn_sfx.screening import (
    Screening,
    _parts,
    load_screening_model,
    read_hits,
    write_label_page,
    write_report,
)
from tests.damaged_runs import SIDE

DAMAGED = [3, 33, 70]
N_FRAMES = 80


@pytest.fixture(scope="module")
def target():
    """Return the labels of the frames."""
    return make_sfx_frames(N_FRAMES, frame_shape=(SIDE, SIDE), random_state=0).target


@pytest.fixture
def model(damaged_folder):
    return load_screening_model(damaged_folder / "model.joblib")


@pytest.fixture
def run(damaged_folder):
    return open_frames(damaged_folder / "run.h5", missing="on_read")


@pytest.fixture
def whole(damaged_folder):
    return open_frames(damaged_folder / "whole.h5")


@pytest.mark.parametrize("missing", ["on_read", "nan"])
@pytest.mark.parametrize("part", [16, 256])
def test_all_others_are_scored_as_without_the_damage(
    damaged_folder, model, whole, monkeypatch, part, missing
):
    monkeypatch.setattr(_parts, "PART", part)
    run = open_frames(damaged_folder / "run.h5", missing=missing)
    with pytest.warns(UnreadableFramesWarning, match="3 of 80 frames cannot be read, and are nei"):
        found = screen(model, run)
    expected = screen(model, whole)
    kept = found.is_read
    assert np.flatnonzero(~kept).tolist() == DAMAGED
    np.testing.assert_array_equal(found.probability[kept], expected.probability[kept])
    np.testing.assert_array_equal(found.peak_count[kept], expected.peak_count[kept])
    np.testing.assert_array_equal(found.decision[kept], expected.decision[kept])
    assert not found.decision[~kept].any()
    assert (found.peak_count[~kept] == -1).all()
    reasons = found.reason[~kept]
    for reason, row, why in zip(reasons, DAMAGED, ["header", "end early", "never"], strict=True):
        assert why in reason
        assert f"Frame [{row + 1}] of" in reason or reason == "it was never written"
    assert (found.reason[kept] == "").all()


def test_a_network_too_scores_all_others_as_without_the_damage(run_folder, monkeypatch):
    """Also where some of a batch cannot be read, the others stay in their places."""

    class Gappy(ArraySource):
        def read(self, position, window, out):
            super().read(position, window, out)
            if position in (0, 5, 64, 65, 89):
                raise UnreadableFrame("It is gone.")

    model = load_screening_model(run_folder / "model.joblib")
    pixels = np.asarray(open_frames(run_folder / "run.h5"))
    mask = read_mask(run_folder / "run.mask.h5")
    expected = screen(model, open_frames(pixels, mask=mask))
    with pytest.warns(UnreadableFramesWarning, match=r"5 of 90 .* It is gone, and others"):
        found = screen(model, Frames(Gappy(pixels), mask=mask))
    kept = found.is_read
    assert np.flatnonzero(~kept).tolist() == [0, 5, 64, 65, 89]
    np.testing.assert_array_equal(found.probability[kept], expected.probability[kept])


def test_infinity_makes_a_frame_unreadable(model, whole):
    pixels = np.asarray(whole[:6]).astype(np.float64)
    pixels[2, 30, 30] = np.inf
    with pytest.warns(UnreadableFramesWarning, match="infinity"):
        scores = screen(model, open_frames(pixels))
    assert np.flatnonzero(~scores.is_read).tolist() == [2]


def lost(frames, rows):
    """Return the frames, the pixels of some replaced by what stands for no data."""
    counts = np.nan_to_num(frames).astype(np.uint32)
    return np.where(rows[:, None, None], np.uint32(2**32 - 1), counts), False


def blank(frames, rows):
    return np.where(rows[:, None, None], np.float32(np.nan), frames), False


def behind_a_mask(frames, rows):
    return frames, np.broadcast_to(~rows[:, None, None], frames.shape)


@pytest.mark.parametrize("how", [lost, blank, behind_a_mask])
def test_a_frame_of_which_no_pixel_is_left_is_no_miss(model, whole, target, how):
    rows = np.isin(np.arange(N_FRAMES), DAMAGED)
    frames, mask = how(np.asarray(whole), rows)
    run = open_frames(frames, mask=mask)
    model = replace(model, prepare=clone(model.prepare).fit(run[~rows]), masked=None)
    expected = screen(model, run[~rows])
    with pytest.warns(UnreadableFramesWarning, match="no pixel to look at"):
        found = screen(model, run)
    assert np.flatnonzero(~found.is_read).tolist() == DAMAGED
    np.testing.assert_array_equal(found.peak_count[~rows], expected.peak_count)
    np.testing.assert_array_equal(found.decision[~rows], expected.decision)
    with pytest.warns(UnreadableFramesWarning, match="left out of the training"):
        train(run, target, method="peaks", crop=SIDE)


def test_frames_that_are_read_in_part_are_scored_where_that_is_asked_for(model, whole):
    class Halved(ArraySource):
        def read(self, position, window, out):
            super().read(position, window, out)
            if position == 1:
                error = UnreadableFrame("A module is lost.")
                error.usable = np.ones(out.shape, bool)
                error.usable[:32] = False
                raise error

    from sklearn_sfx.frames._filled_source import FilledSource

    source = Halved(np.asarray(whole[:4]))
    scores = screen(model, Frames(FilledSource(source)))
    assert scores.is_read.all()
    assert scores.reason.tolist() == ["", "A module is lost", "", ""]
    with pytest.warns(UnreadableFramesWarning, match="A module is lost"):
        assert screen(model, Frames(source)).is_read.tolist() == [True, False, True, True]


def test_strict_stops(model, run, tmp_path):
    with pytest.raises(InputError, match=r"^Frame \[4\] of .* cannot be read.*\.$"):
        screen(model, run, strict=True)
    with pytest.raises(InputError, match=r"Frame \[4\] of"):
        Screening(model, run, tmp_path, strict=True).run()
    with pytest.raises(InputError, match=r"Frame \[4\] of"):  # and what is kept changes nothing
        Screening(model, run, tmp_path, strict=True).scores()
    with pytest.warns(UnreadableFramesWarning):
        Screening(model, run, tmp_path).scores()


def test_a_run_of_which_nothing_can_be_read_is_refused(model, run):
    with pytest.raises(InputError, match=r"Not one of the 2 frames can be read: Frame \[4\]"):
        screen(model, run[[3, 70]])


def test_tables_lists_and_reports_have_them(model, run, tmp_path):
    with pytest.warns(UnreadableFramesWarning):
        scores = screen(model, run, threshold=0.0)  # all others are hits
    scores.write_csv(tmp_path / "scores.csv")
    scores.write_hits(tmp_path / "hits.lst")
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for position, row in enumerate(rows):
        gone = position in DAMAGED
        assert row["status"] == ("unreadable" if gone else "read")
        assert row["decision"] == ("" if gone else "hit")
        assert (row["probability"] == "") == (row["peak_count"] == "") == gone
        assert ("cannot be read" in row["reason"]) == gone
    listed = {int(event.rpartition("//")[2]) for _, event in read_hits(tmp_path / "hits.lst")}
    assert listed == set(range(N_FRAMES)) - set(DAMAGED)

    target = np.arange(N_FRAMES) % 2
    for labels in (None, target):
        write_report(tmp_path / "report.html", model, run, scores, target=labels)
        page = (tmp_path / "report.html").read_text()
        for name, value in {"frames": "80", "not readable": "3", "called hits": "77"}.items():
            assert f"<dt>{name}</dt><dd>{value}</dd>" in page
        assert "<dt>share called hits</dt><dd>100.0%</dd>" in page
        for row in DAMAGED:
            assert re.search(
                rf"<td>\[{row + 1}\]</td><td>Frame \[{row + 1}\] of .* cannot be read", page
            )


def test_labels_of_frames_that_cannot_be_read_are_left_out_of_training(run, whole, target):
    with pytest.warns(UnreadableFramesWarning, match="3 of 80 frames .* left out of the training"):
        model = train(run, target, method="peaks", crop=SIDE)
    kept = np.setdiff1d(np.arange(N_FRAMES), DAMAGED)
    assert {seen.position for seen in model.trained_on} == set(kept.tolist())
    expected = train(whole[kept], target[kept], method="peaks", crop=SIDE)
    np.testing.assert_array_equal(
        screen(model, whole).probability, screen(expected, whole).probability
    )


def test_they_are_left_out_of_the_label_page(run, tmp_path):
    with pytest.warns(UnreadableFramesWarning, match="3 of 80 frames .* left out of the page"):
        write_label_page(tmp_path / "label.html", run, n_frames=80, crop=SIDE, random_state=0)
    page = (tmp_path / "label.html").read_text()
    shown = json.loads(re.search(r'<script id="shown"[^>]*>(.*?)</script>', page, re.S)[1])
    numbers = {frame["number"] for frame in shown["frames"]}
    assert numbers == set(range(1, 81)) - {row + 1 for row in DAMAGED}
