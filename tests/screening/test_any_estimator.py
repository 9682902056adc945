"""Any fitted estimator screens: as it predicts, whatever its labels and what it answers with."""

import joblib
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.metrics import f1_score, make_scorer, recall_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from sklearn_sfx import (
    CentralCrop,
    InputError,
    PeakCountClassifier,
    PixelMask,
    make_sfx_frames,
    open_frames,
    save_model,
    screen,
)
from sklearn_sfx.cli import main
from sklearn_sfx.datasets import write_run
from sklearn_sfx.screening import Screening, read_hits
from tests.screening.own_estimators import GivesProbabilities, OnlyPredicts, highest, rows_summed
from tests.simulated import in_memory

N_TRAIN = 60


@pytest.fixture(scope="module")
def run():
    return in_memory(make_sfx_frames(90, frame_shape=(160, 160), hit_rate=0.5, random_state=0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, run):
    folder = tmp_path_factory.mktemp("any")
    write_run(folder / "run.h5", run)
    return folder


def labels_of(run, kind):
    is_hit = run.target == 1
    return {
        "0, 1": run.target,
        "-1, 1": np.where(is_hit, 1, -1),
        "strings": np.where(is_hit, "Hit", "miss"),
        "bools": is_hit,
        "HIT, MISS": np.where(is_hit, "HIT", "MISS"),
        "three": run.labels,
    }[kind]


def fitted(run, classifier, kind="0, 1"):
    model = make_pipeline(FunctionTransformer(highest), classifier)
    return model.fit(run.data[:N_TRAIN], labels_of(run, kind)[:N_TRAIN])


@pytest.mark.parametrize("kind", ["0, 1", "-1, 1", "strings", "bools"])
@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(max_iter=5000),
        RidgeClassifier(),
        KNeighborsClassifier(3),
        OnlyPredicts(),
        GridSearchCV(RidgeClassifier(), {"alpha": [1.0, 2.0]}, cv=2),
    ],
    ids=["predict_proba", "decision_function", "neighbours", "predict", "search"],
)
def test_it_decides_as_it_predicts(run, classifier, kind):
    model = fitted(run, classifier, kind)
    scores = screen(model, run.data[N_TRAIN:])
    hit = labels_of(run, kind)[run.target == 1][0]
    assert np.array_equal(scores.decision, model.predict(run.data[N_TRAIN:]) == hit)
    assert 0 < scores.decision.sum() < len(scores.decision)
    assert ((scores.probability >= 0) & (scores.probability <= 1)).all()
    assert scores.peak_count.max() > 5  # peaks are counted all the same


@pytest.mark.parametrize("threshold", [-0.4, 0.3])
@pytest.mark.parametrize("around", [lambda model: model, FrozenEstimator], ids=["bare", "frozen"])
def test_a_threshold_on_a_decision_function_is_kept(run, threshold, around):
    inner = FixedThresholdClassifier(
        LinearSVC(), threshold=threshold, response_method="decision_function"
    )
    model = around(fitted(run, inner))
    scores = screen(model, run.data, peaks=False)
    assert np.array_equal(scores.decision, model.predict(run.data) == 1)


def test_a_threshold_on_a_probability_is_kept(run):
    model = fitted(run, FixedThresholdClassifier(KNeighborsClassifier(5), threshold=0.7))
    scores = screen(model, run.data, peaks=False)
    assert scores.threshold == 0.7
    assert np.array_equal(scores.decision, model.predict(run.data) == 1)


def test_one_class_of_several_is_that_of_hits(run):
    model = fitted(run, KNeighborsClassifier(3), "three")
    by_name = screen(model, run.data, peaks=False)
    column = list(model.classes_).index("HIT")
    said = model.predict_proba(run.data)[:, column]
    moved = (said >= 0.5) != (model.predict(run.data) == "HIT")  # the most of three, or a tie
    assert np.allclose(by_name.probability[~moved], said[~moved])
    assert np.allclose(by_name.probability[moved], 0.5)
    other = screen(model, run.data, peaks=False, pos_label="MISS")
    assert np.array_equal(other.decision, model.predict(run.data) == "MISS")


CLASSIFIERS = {
    "logistic": LogisticRegression(max_iter=5000),
    "forest of two": RandomForestClassifier(2, random_state=0),
    "four neighbours": KNeighborsClassifier(4),
    "SVC": SVC(),
    "SVC of pairs": SVC(decision_function_shape="ovo"),
    "LinearSVC": LinearSVC(),
    "SGD": make_pipeline(StandardScaler(), SGDClassifier(random_state=0)),
    "centroid": NearestCentroid(),
    "naive Bayes": GaussianNB(),
    "search": GridSearchCV(KNeighborsClassifier(2), {"weights": ["uniform"]}, cv=2),
    "calibrated": CalibratedClassifierCV(LinearSVC(), cv=2),
}
THRESHOLDED = {
    f"{name}, {label}": classifier
    for label in ("HIT", "MISS")
    for name, classifier in {
        "fixed": FixedThresholdClassifier(GaussianNB(), threshold=0.2, pos_label=label),
        "fixed at 0": FixedThresholdClassifier(
            KNeighborsClassifier(4), threshold=0, pos_label=label
        ),
        "fixed at 1": FixedThresholdClassifier(
            KNeighborsClassifier(4), threshold=1, pos_label=label
        ),
        "fixed margin": FixedThresholdClassifier(LinearSVC(), threshold=-0.4, pos_label=label),
        "tuned": TunedThresholdClassifierCV(
            KNeighborsClassifier(4), scoring=make_scorer(recall_score, pos_label=label), cv=2
        ),
        "tuned margin": TunedThresholdClassifierCV(
            SVC(),
            scoring=make_scorer(f1_score, pos_label=label),
            response_method="decision_function",
            cv=2,
        ),
    }.items()
}


@pytest.mark.parametrize("kind", ["HIT, MISS", "three"])
@pytest.mark.parametrize("classifier", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_it_decides_as_predict_on_every_frame(run, classifier, kind):
    model = fitted(run, classifier, kind)
    scores = screen(model, run.data, peaks=False)
    assert np.array_equal(scores.decision, model.predict(run.data) == "HIT")
    assert 0 < scores.decision.sum() < len(run.data)


@pytest.mark.parametrize("classifier", THRESHOLDED.values(), ids=THRESHOLDED)
def test_a_threshold_for_either_class_is_that_of_predict(run, classifier):
    model = fitted(run, classifier, "HIT, MISS")
    scores = screen(model, run.data, peaks=False)
    assert np.array_equal(scores.decision, model.predict(run.data) == "HIT")
    misses = screen(model, run.data, peaks=False, pos_label="MISS")
    assert np.array_equal(misses.decision, ~scores.decision)


def test_far_from_its_threshold_a_decision_function_keeps_its_order(run):
    far = FixedThresholdClassifier(
        SGDClassifier(random_state=0), threshold=1e4, response_method="decision_function"
    )
    model = make_pipeline(FunctionTransformer(rows_summed), far).fit(run.data, run.target)
    scores = screen(model, run.data, peaks=False)
    assert np.array_equal(scores.decision, model.predict(run.data) == 1)
    margin = model.decision_function(run.data)
    assert np.abs(margin).max() > 1e5  # where a logistic function is 0 or 1
    assert np.array_equal(np.argsort(scores.probability), np.argsort(margin))


def test_masks_and_crops_at_the_start_are_what_peaks_are_counted_behind(run):
    model = make_pipeline(PixelMask(), CentralCrop(120), PeakCountClassifier())
    model.fit(run.data, run.target)
    scores = screen(model, run.data)
    assert np.array_equal(scores.peak_count, model[-1].count_peaks(model[:-1].transform(run.data)))
    assert np.array_equal(scores.decision, model.predict(run.data) == 1)


def test_arrays_are_screened_as_frames_are(run):
    model = fitted(run, KNeighborsClassifier(3))
    frames = screen(model, run.data, peaks=False)
    arrays = screen(model, np.asarray(run.data), peaks=False)
    assert np.array_equal(frames.probability, arrays.probability)


def test_from_python_to_a_list_in_one_line(run, folder, tmp_path):
    model = fitted(run, KNeighborsClassifier(3))
    frames = open_frames(folder / "run.h5")
    screen(model, frames).write_hits(tmp_path / "hits.lst")
    assert len(read_hits(tmp_path / "hits.lst")) == (model.predict(frames) == 1).sum()


def test_what_is_kept_on_disk_is_the_same(run, folder, tmp_path):
    model, frames = fitted(run, KNeighborsClassifier(3), "strings"), open_frames(folder / "run.h5")
    screening = Screening(model, frames, tmp_path, peaks=False, pos_label="miss")
    screening.run()
    expected = screen(model, frames, peaks=False, pos_label="miss")
    assert np.array_equal(screening.scores().probability, expected.probability)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (lambda run: LogisticRegression(), {}, "LogisticRegression is not fitted: fit it first"),
        (lambda run: "m.joblib", {}, "a fitted classifier or pipeline, got 'm.joblib'"),
        (lambda run: PixelMask().fit(run.data), {}, "a fitted classifier or pipeline, got Pix"),
        (
            lambda run: LogisticRegression().fit(np.eye(4), [0, 1, 0, 1]),
            {},
            r"cannot read frames of shape \(160, 160\) \(Found array with dim 3",
        ),
        (
            lambda run: make_pipeline(FunctionTransformer(highest), DummyClassifier()).fit(
                run.data, np.where(run.target, "a", "b")
            ),
            {},
            r"tells the classes \['a', 'b'\] apart: name the one of hits \(pos_label",
        ),
        (
            lambda run: make_pipeline(FunctionTransformer(highest), DummyClassifier()).fit(
                run.data, np.arange(90) % 3
            ),
            {"pos_label": 7},
            "apart, and 7 is none of them: name the one of hits",
        ),
        (
            lambda run: make_pipeline(CentralCrop(60), PeakCountClassifier()).fit(
                np.asarray(run.data)[:, :80, :80], run.target
            ),
            {},
            r"was fitted on frames of shape \(80, 80\), and this run has frames of shape \(160, 1",
        ),
    ],
)
def test_what_cannot_screen_is_refused_in_a_sentence(run, make, options, message):
    with pytest.raises(InputError, match=message):
        screen(make(run), run.data, **options)


@pytest.mark.parametrize(
    ("said", "shape"), [([0.7], ""), ([[5.0, -4.0]], ", 2"), ([[0.2, 0.3, 0.5]], ", 3")]
)
def test_what_gives_no_probability_of_each_class_is_refused(run, said, shape):
    model = fitted(run, GivesProbabilities(said))
    told = rf"Gives\w+\.predict_proba has .* of the 2 classes, .* of shape \(n_frames{shape}\)\."
    with pytest.raises(InputError, match=told):
        screen(model, run.data[:3], peaks=False)


@pytest.mark.parametrize("suffix", [".joblib", ".skops"])
def test_the_command_takes_any_saved_one(run, folder, tmp_path, capsys, suffix):
    model = make_pipeline(CentralCrop(150), PeakCountClassifier())
    model.fit(run.data, np.where(run.target, "good", "bad"))
    path = tmp_path / f"own{suffix}"
    (save_model if suffix == ".skops" else joblib.dump)(model, path)
    lists = ["--hits", str(tmp_path / "h.lst"), "--scores", str(tmp_path / "s.csv")]
    command = ["screen", str(folder / "run.h5"), "--model", str(path), *lists]
    assert main(command) == 2
    assert "--hit-label" in capsys.readouterr().err
    assert main([*command, "--hit-label", "good"]) == 0
    decided = model.predict(open_frames(folder / "run.h5"))
    assert len(read_hits(tmp_path / "h.lst")) == (decided == "good").sum()
    labels = ["--labels", str(folder / "run.labels.txt"), "--hit-label", "good"]
    assert main(["evaluate", str(folder / "run.h5"), "--model", str(path), *labels]) == 0
    said = capsys.readouterr().out
    assert "Which frames this model was trained on is not known" in said
    assert "90 labelled frames that " in said


def test_a_file_of_something_else_is_refused(folder, tmp_path, capsys):
    joblib.dump({"a": 1}, tmp_path / "own.joblib")
    command = ["screen", str(folder / "run.h5"), "--model", str(tmp_path / "own.joblib")]
    assert main(command) == 2
    assert "this holds a dict, not a model that 'sfx train' wrote, nor" in capsys.readouterr().err


def test_a_pickle_named_as_safe_is_not_unpickled(run, folder, tmp_path, capsys):
    joblib.dump(fitted(run, KNeighborsClassifier(3)), tmp_path / "own.skops")
    command = ["screen", str(folder / "run.h5"), "--model", str(tmp_path / "own.skops")]
    assert main(command) == 2
    assert "can run code, is not loaded here" in capsys.readouterr().err
