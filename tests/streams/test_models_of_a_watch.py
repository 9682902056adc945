"""Which models a watch takes, what it says of frames they are not for, and how one is replaced."""

import os
import shutil
import threading
import time
from dataclasses import replace

import h5py
import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from sklearn_sfx import (
    CentralCrop,
    PeakCountClassifier,
    PixelMask,
    open_frames,
    save_model,
    screen,
    train,
)
from sklearn_sfx.exceptions import InputError, OtherMaskWarning
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import load_screening_model
from sklearn_sfx.streams import (
    LiveFrames,
    ModelFile,
    Notice,
    Record,
    Tally,
    arrived_frames,
    open_source,
    watch,
)
from tests.screening.own_estimators import OnlyPredicts, highest
from tests.streams.conftest import SIDE

N = 30


TARGET = np.arange(N) % 2


@pytest.fixture(scope="module")
def stored():
    """Noise, and on every second frame eight spots, shape (30, 96, 96)."""
    rng = np.random.default_rng(0)
    frames = rng.poisson(3, (N, SIDE, SIDE)).astype(np.uint16)
    for frame in frames[1::2]:
        for row, column in rng.integers(10, SIDE - 10, (8, 2)):
            frame[row : row + 2, column : column + 2] += 90
    return frames


def fitted(stored, classifier, labels=("miss", "hit")):
    model = make_pipeline(FunctionTransformer(highest), classifier)
    return model.fit(stored, np.array(labels)[TARGET])


def watched(source, model, **options):
    blocks = list(watch(source, model, peaks=False, **options))
    return np.concatenate([block.scores.decision for block in blocks])


@pytest.mark.parametrize(
    ("classifier", "labels", "pos_label"),
    [
        (LogisticRegression(max_iter=5000), ("miss", "hit"), None),
        (LinearSVC(), (0, 1), None),
        (OnlyPredicts(), ("blank", "diffraction"), "diffraction"),
    ],
    ids=["probability", "decision function", "prediction"],
)
@pytest.mark.parametrize("as_file", [False, True], ids=["in memory", "in a file"])
def test_whatever_screens_watches(stored, tmp_path, classifier, labels, pos_label, as_file):
    model = fitted(stored, classifier, labels)
    expected = screen(model, open_frames(stored), pos_label=pos_label, peaks=False).decision
    assert expected.sum() == N / 2
    if as_file:
        joblib.dump(model, tmp_path / "model.joblib")
        model = tmp_path / "model.joblib"
    np.testing.assert_array_equal(watched([stored], model, pos_label=pos_label), expected)


def test_a_safe_file_watches(stored, tmp_path):
    frames = open_frames(stored)
    pipeline = make_pipeline(PixelMask(), CentralCrop(80), PeakCountClassifier())
    pipeline.fit(frames, TARGET)
    save_model(pipeline, tmp_path / "model.skops")
    expected = screen(pipeline, frames, peaks=False).decision
    np.testing.assert_array_equal(watched([stored], tmp_path / "model.skops"), expected)


def test_what_finds_no_hits_is_refused_before_the_first_frame(stored, tmp_path):
    path = tmp_path / "model.joblib"
    joblib.dump(LogisticRegression(), path)
    with pytest.raises(InputError, match="is not fitted"):
        watch(open_source(tmp_path / "not_yet.h5"), path)
    joblib.dump(fitted(stored, LinearSVC(), ("a", "b")), path)
    with pytest.raises(InputError, match="name the one of hits"):
        ModelFile(path)
    with pytest.raises(InputError, match="name the one of hits"):
        list(watch([stored], joblib.load(path)))
    with pytest.raises(InputError, match="no such model file"):
        watch([stored], tmp_path / "none.joblib")


# -- Frames for which the model, the mask or the geometry is not ---------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda model, stored: model,
        lambda model, stored: make_pipeline(CentralCrop(80), PeakCountClassifier()).fit(
            stored, TARGET
        ),
        lambda model, stored: LogisticRegression().fit(
            np.zeros((4, SIDE * SIDE)) + np.arange(4)[:, None], [0, 1, 0, 1]
        ),
    ],
    ids=["of train", "pipeline", "of rows"],
)
def test_frames_of_another_shape_end_it_at_the_first(model, stored, change):
    other = np.random.default_rng(0).poisson(3, (5, SIDE + 8, SIDE)).astype(np.uint16)
    tally = Tally()
    with pytest.raises(InputError, match=rf"^//0: .*\({SIDE + 8}, {SIDE}\)") as caught:
        list(watch([other], change(model, stored), peaks=False, tally=tally))
    assert "\n" not in str(caught.value)
    assert tally.scored == tally.unreadable == 0


def test_later_frames_of_another_shape_are_counted_and_said_once(model, stored):
    tally, notices = Tally(), []
    other = np.zeros((1, SIDE + 8, SIDE), np.uint16)
    source = [stored[:3], *[other] * 5, stored[3:6], *[other] * 2]
    list(watch(source, model, peaks=False, tally=tally, tell=notices.append))
    assert (tally.scored, tally.unreadable) == (6, 7)
    assert [notice.kind for notice in notices] == ["misfit"]


def test_without_a_model_frames_of_another_shape_are_scored(stored):
    tally = Tally()
    list(watch([stored[:12], stored[:12, :90]], peaks=False, tally=tally))
    assert (tally.scored, tally.unreadable) == (24, 0)


def test_one_frame_that_a_model_cannot_decide_on_is_counted(stored):
    """Its pixels are NaN where it is saturated, and the classifier takes none."""
    flat = FunctionTransformer(lambda X: np.asarray(X).reshape(len(X), -1))
    model = make_pipeline(flat, LogisticRegression(max_iter=50)).fit(stored, TARGET)
    frames = stored.astype(np.float32)
    for first in (0, 4):
        tally, damaged = Tally(), frames[:12].copy()
        damaged[[first, 7], 3, 3] = np.nan
        decided = watched([damaged], model, tally=tally)
        assert (tally.scored, tally.unreadable) == (10, 2)
        assert not decided[[first, 7]].any()


def test_a_mask_or_geometry_of_another_shape_ends_it(model, stored, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_sfx.streams._growing.SETTLED_S", 0.2)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"] = stored
    for path in (tmp_path / "run.h5", tmp_path):
        source = open_source(path, mask=np.ones((SIDE, SIDE + 1), bool))
        with pytest.raises(InputError, match=r"run\.h5 //: The mask has"):
            list(watch(source, model, peaks=False, end_after=20))


def test_a_source_says_what_does_not_fit(model, stored):
    origin = FrameOrigin(None, 7, "//7", "a:7")
    said = Notice("misfit", "it has no channel two", 1, (origin,))
    with pytest.raises(InputError, match=r"^a:7: it has no channel two\.$"):
        list(watch(iter([said, stored[0]]), model, peaks=False))
    tally, notices = Tally(), []
    nameless = Notice("misfit", "it has several detectors", 1)
    source = iter([stored[0], said, said, nameless, nameless])
    rows = [
        row
        for block in watch(source, model, peaks=False, tally=tally, tell=notices.append)
        for row in block.scores.sources
    ]
    assert len(rows) == 3
    assert (tally.received, tally.scored, tally.unreadable) == (5, 1, 4)
    assert len(notices) == 2  # each once


# -- Another model while it runs ---------------------------------------------------------------


class Sent:
    """Frames that are sent one by one, each when the one before is scored and `before` was done."""

    name = "sent"

    def __init__(self, frames, tally, before):
        self._frames, self._tally, self._before = frames, tally, before

    def arrivals(self, stop):
        for number, frame in enumerate(self._frames):
            while self._tally.scored < number and not stop.is_set():
                time.sleep(0.002)
            self._before.get(number, lambda: None)()
            frames = arrived_frames(frame[None], first=number)
            yield LiveFrames(frames, np.array([time.monotonic()]))


def all_hits(model, path):
    replace(model, threshold=0.0).save(path)


def test_it_is_said_and_noted_from_which_frame_on_another_decides(model, stored, tmp_path):
    path, tally, notices = tmp_path / "model.joblib", Tally(), []
    model.save(path)
    file = ModelFile(path)
    places = tmp_path / "scores.csv", tmp_path / "hits.lst"
    before = file.digest
    record = Record(*places, about={"model": file.digest})

    def tell(notice):
        notices.append(notice)
        if notice.kind == "model":
            record.note({"model": file.digest})

    source = Sent(stored[:12], tally, {7: lambda: all_hits(model, path)})
    for block in watch(source, file, peaks=False, tally=tally, tell=tell):
        record.add(block)
    record.close()
    assert tally.received == tally.scored == 12
    (notice,) = notices
    assert notice.text.endswith("decides from //7 on")
    assert notice.sources[0].position == 7
    assert record.changes == [(7, {"model": file.digest})]
    assert file.digest != before
    again = Record(*places, about={"model": file.digest})
    assert again.changes == record.changes
    again.close()
    with pytest.raises(InputError, match="another model"):
        Record(*places, about={"model": before})


def test_a_model_that_cannot_be_used_is_refused_and_the_old_one_stays(model, stored, tmp_path):
    path, tally, notices = tmp_path / "model.joblib", Tally(), []
    model.save(path)
    whole = path.read_bytes()
    small = open_frames(stored[:, :80, :80].copy())

    def put(data):
        (tmp_path / "new").write_bytes(data)
        os.replace(tmp_path / "new", path)

    def dump(other):
        joblib.dump(other, tmp_path / "new")
        os.replace(tmp_path / "new", path)

    before = {
        2: lambda: put(whole[: len(whole) // 2]),
        4: lambda: put(b""),
        6: lambda: path.unlink(),
        8: lambda: train(small, method="peaks", crop=80).save(path),  # of other frames
        10: lambda: dump(LogisticRegression()),
        12: lambda: dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1])),
        14: lambda: put(whole),  # the same again
        16: lambda: all_hits(model, path),
    }
    source = Sent(stored[:20], tally, before)
    decided = watched(source, path, tally=tally, tell=notices.append)
    assert tally.scored == 20
    assert [notice.kind for notice in notices] == [*["refused"] * (len(notices) - 1), "model"]
    assert len(notices) in (5, 6)  # the first two are said alike, so perhaps once
    assert all(notice.text.endswith("stays") for notice in notices[:-1])
    expected = screen(model, open_frames(stored[:16]), peaks=False).decision
    np.testing.assert_array_equal(decided[:16], expected)
    assert decided[16:].all()


def test_models_replaced_all_the_time_lose_no_frame(model, stored, tmp_path):
    path, tally, over = tmp_path / "model.joblib", Tally(), threading.Event()
    model.save(path)

    def replacing():
        number = 0
        while not over.is_set():
            replace(model, threshold=number % 2 / 2).save(path)
            number += 1

    thread = threading.Thread(target=replacing)
    thread.start()
    notices, rounds = [], []

    def frames():
        # As long as it takes for a file to be replaced and seen, on a busy machine too.
        while len(rounds) < 4 or (not notices and len(rounds) < 1000):
            rounds.append(stored)
            yield from stored

    try:
        decided = watched(frames(), path, tally=tally, tell=notices.append)
    finally:
        over.set()
        thread.join()
    assert len(decided) == tally.scored == len(rounds) * N
    assert {notice.kind for notice in notices} == {"model"}


def test_a_model_of_another_task_is_refused_while_it_runs(particle_folder, stored, tmp_path):
    path, told = tmp_path / "model.joblib", []
    train(stored, TARGET, method="peaks", crop=90).save(path)
    file = ModelFile(path)

    def frames():
        yield stored[:5]
        shutil.copy(particle_folder / "model.joblib", tmp_path / "new")
        os.replace(tmp_path / "new", path)
        yield stored[5:10]

    blocks = list(watch(frames(), file, peaks=False, tell=told.append))
    assert sum(map(len, blocks)) == 10
    assert {block.scores.task for block in blocks} == {"crystallography"}
    refused = next(notice.text for notice in told if notice.kind == "refused")
    assert "of the task single-particle, and crystallography is asked for" in refused
    assert refused.endswith("the model from before stays")


def test_frames_that_cannot_be_used_are_of_the_task_too(particle_folder):
    run, tally = open_frames(particle_folder / "run.h5", mask=False), Tally()
    arrays = iter([np.asarray(run[:3]), np.zeros((2, 50, 60), np.int32)])
    model = load_screening_model(particle_folder / "model.joblib")
    with pytest.warns(OtherMaskWarning):
        blocks = list(watch(arrays, model, tally=tally))
    assert (tally.scored, tally.unreadable) == (3, 2)
    assert {block.scores.task for block in blocks} == {"single-particle"}
    assert " singles of 3 frames" in str(tally) or "1 single of 3 frames" in str(tally)
