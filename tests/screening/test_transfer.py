"""Training that starts from another experiment: from its model, or from its labelled frames."""

import joblib
import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    CNN2D,
    GCN,
    LCN,
    CentralCrop,
    FineTuned,
    HitFinderCV,
    InputError,
    PeakCountClassifier,
    PixelMask,
    RowWiseDecomposition,
    TargetRecallClassifier,
    make_sfx_frames,
    open_frames,
    save_model,
    screen,
    train,
)
from sklearn_sfx.classifiers import open_base
from sklearn_sfx.cli import main
from sklearn_sfx.datasets import write_run
from sklearn_sfx.screening import load_screening_model
from tests.simulated import in_memory

SIDE, N = 160, 60
QUICK = {"max_epochs": 2, "random_state": 0}
FEW = {"head_max_epochs": 2, "max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def other():
    return in_memory(
        make_sfx_frames(N, domain="LO19", frame_shape=(SIDE, SIDE), hit_rate=0.5, random_state=0)
    )


@pytest.fixture(scope="module")
def mine():
    return in_memory(
        make_sfx_frames(N, frame_shape=(SIDE + 20, SIDE + 30), hit_rate=0.5, random_state=1)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, other, mine):
    folder = tmp_path_factory.mktemp("transfer")
    write_run(folder / "other.h5", other)
    write_run(folder / "mine.h5", mine)
    return folder


@pytest.fixture(scope="module")
def model(folder, other):
    return train(open_frames(folder / "other.h5"), other.target, method="rows", **QUICK)


def network_of(model):
    return model.classifier[-1].net_.module_


# -- From a model -------------------------------------------------------------------------------


def test_a_model_is_tuned_behind_its_own_crop(model, mine):
    tuned = train(mine.data, mine.target, base=model, **QUICK)
    assert tuned.method == "tuned"
    assert tuned.prepare[-1].size == SIDE  # it looked at whole frames of that side
    assert tuned.expected.n_labels == N
    assert tuned.trained_on == model.trained_on  # frames in memory have no names of their own
    frozen = network_of(tuned).base.blocks[0].state_dict()
    for name, value in network_of(model).base.blocks[0].state_dict().items():
        np.testing.assert_array_equal(frozen[name], value, err_msg=name)
    assert screen(tuned, mine.data, peaks=False).is_read.all()


def test_frames_of_both_experiments_count_as_seen(folder, model, mine):
    frames = open_frames(folder / "mine.h5")
    tuned = train(frames[:40], mine.target[:40], base=model, **QUICK)
    assert tuned.has_seen(frames).tolist() == [True] * 40 + [False] * (N - 40)
    assert tuned.has_seen(open_frames(folder / "other.h5")).all()


def wrapped(other):
    """Return one fitted network in all that may stand around it."""
    steps = [CentralCrop(80), GCN(), LCN(5), RowWiseDecomposition()]
    plain = make_pipeline(*steps, CNN1D(**QUICK)).fit(other.data, other.target)
    peaks = make_pipeline(CentralCrop(80), PeakCountClassifier()).fit(other.data, other.target)
    recall = TargetRecallClassifier(
        make_pipeline(*steps, CNN1D(**QUICK)), recall=0.7, confidence=None, cv=2
    )
    parts = [("rows", FrozenEstimator(plain)), ("peaks", FrozenEstimator(peaks))]
    return {
        "pipeline": plain,
        "frozen": FrozenEstimator(plain),
        "threshold": FixedThresholdClassifier(FrozenEstimator(plain), threshold=0.3).fit(
            other.data, other.target
        ),
        "vote": VotingClassifier(parts, voting="soft").fit(other.data, other.target),
        "recall": recall.fit(other.data, other.target),
        "choice": HitFinderCV(method="rows", crop=80, **QUICK).fit(other.data, other.target),
        "masked": make_pipeline(PixelMask(), *plain).fit(other.data, other.target),
    }


@pytest.mark.filterwarnings("ignore:Nothing was learned")  # in so few epochs
def test_whatever_stands_around_the_network(other, mine, tmp_path):
    for name, base in wrapped(other).items():
        prepare, network = open_base(base)
        assert isinstance(network, CNN1D), name
        (crop,) = [step for _, step in prepare.steps if isinstance(step, CentralCrop) and step.size]
        assert crop.size == 80, name
        joblib.dump(base, tmp_path / "base.joblib")
        FineTuned(tmp_path / "base.joblib", **FEW).fit(mine.data[:40], mine.target[:40])


@pytest.mark.parametrize("suffix", [".joblib", ".skops"])
def test_what_train_writes_is_a_base_by_path_and_in_memory(model, other, tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    model.save(path)
    by_path = FineTuned(path, **FEW).fit(other.data, other.target)
    in_memory = FineTuned(model, **FEW).fit(other.data, other.target)
    expected = in_memory.predict_proba(other.data)
    np.testing.assert_array_equal(by_path.predict_proba(other.data), expected)
    save_model(in_memory, tmp_path / "tuned.skops")
    again = train(other.data, other.target, base=tmp_path / "tuned.skops", **QUICK)
    assert again.method == "tuned"  # a tuned one is a base like any other


def test_a_network_on_frames_is_trained_tuned_and_saved(other, mine, tmp_path):
    longer = {"method": "frames", "max_epochs": 4, "recall": 0.5, "random_state": 0}
    theirs = train(other.data, other.target, crop=SIDE, **longer)
    assert isinstance(theirs.classifier[-1], CNN2D)
    tuned = train(mine.data, mine.target, base=theirs, **longer)
    assert tuned.expected.n_labels == N
    for one in (theirs, tuned):
        one.save(tmp_path / "m.skops")
        again = load_screening_model(tmp_path / "m.skops")
        frames = other.data if one is theirs else mine.data
        expected = screen(one, frames, peaks=False).probability
        np.testing.assert_array_equal(screen(again, frames, peaks=False).probability, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "peaks"}, "is of the method 'rows', and 'peaks' is asked for"),
        ({"method": "frames"}, "is of the method 'rows', and 'frames' is asked for"),
        ({"source": (np.zeros((2, 9, 9)), [0, 1])}, "give one of base and source"),
    ],
)
def test_a_base_that_is_not_what_is_asked_for(model, mine, options, message):
    with pytest.raises(InputError, match=message):
        train(mine.data, mine.target, base=model, **options)


def test_what_has_no_network_or_looks_at_more_is_refused(model, other):
    peaks = train(other.data, other.target, method="peaks")
    with pytest.raises(InputError, match="PeakHeightClassifier, which has no network: use that"):
        train(other.data, other.target, base=peaks)
    with pytest.raises(InputError, match="looks at 160 x 160 pixels, and these frames have"):
        train(np.asarray(other.data)[:, :60, :70], other.target, base=model)


# -- From labelled frames -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "frames"])
def test_labels_of_another_experiment_teach_a_network(other, mine, method):
    source = other.data, other.target
    model = train(mine.data, method=method, source=source, **QUICK)
    assert (model.method, model.expected, model.threshold) == ("adapted", None, 0.5)
    assert model.prepare[-1].size == SIDE  # what fits both
    labelled = train(mine.data, mine.target, method=method, source=source, **QUICK)
    assert labelled.expected.n_labels == N
    probability = screen(labelled, mine.data, peaks=False).probability
    np.testing.assert_array_equal(screen(model, mine.data, peaks=False).probability, probability)


def test_own_labels_set_the_threshold_and_nothing_else(other, mine):
    source = other.data, np.where(np.arange(N) < 50, other.target, -1)
    one = train(mine.data, mine.target, source=source, **QUICK)
    some_wrong = np.where(np.arange(N) < 3, 1 - mine.target, mine.target)
    wrong = train(mine.data, some_wrong, source=source, **QUICK)
    for model in (one, wrong):
        assert model.expected is not None
    probability = screen(one, mine.data, peaks=False).probability
    np.testing.assert_array_equal(screen(wrong, mine.data, peaks=False).probability, probability)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (lambda run: (run.data, run.target), {"method": "count"}, "'count' learns nothing from"),
        (lambda run: (run.data, run.target[:3]), {}, "60 frames, 3 labels"),
        (lambda run: (run.data, run.target + 1), {}, "1 for a hit, 0 for a miss and -1"),
        (lambda run: (run.data, np.zeros(N, int)), {}, "0 hits and 60 misses"),
    ],
)
def test_a_source_that_teaches_nothing_is_refused(other, mine, source, options, message):
    with pytest.raises(InputError, match=message):
        train(mine.data, source=source(other), **options)


# -- The command --------------------------------------------------------------------------------


def test_the_command_starts_from_another_experiment(folder, model, tmp_path, capsys):
    theirs, run = str(tmp_path / "theirs.skops"), str(folder / "mine.h5")
    labels = ["--labels", str(folder / "mine.labels.txt"), "--n-labels", "40"]
    model.save(theirs)
    quick = ["--epochs", "2"]
    tuned, adapted = str(tmp_path / "tuned.skops"), str(tmp_path / "adapted.joblib")
    assert main(["train", run, *labels, "--from", theirs, "--model", tuned, *quick]) == 0
    said = capsys.readouterr().out
    assert "trained on a model of another experiment and 40 labelled frames" in said
    assert "goes by tuned: a network of another experiment, tuned with these labels" in said
    assert "expected: recall" in said
    source = ["--source", str(folder / "other.h5"), "--source-labels"]
    source += [str(folder / "other.labels.txt"), "--source-mask", str(folder / "other.mask.h5")]
    assert main(["train", run, *source, "--model", adapted, *quick]) == 0
    said = capsys.readouterr().out
    assert "trained on labelled frames of another experiment, with no label" in said
    for path, n_new in ((tuned, 20), (adapted, 60)):
        evaluation = ["evaluate", run, "--model", path, "--labels", labels[1]]
        assert main(evaluation) == 0
        assert capsys.readouterr().out.startswith(f"{n_new} labelled frames")
    of_other = ["evaluate", str(folder / "other.h5"), "--labels", source[3], "--model", adapted]
    assert main(of_other) == 2  # of another shape, and all of them seen
    assert "trained on every frame that is labelled here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "m.skops"], "--labels is missing: --from tunes a model with labels of this"),
        (["--from", "m.skops", "--source", "o.h5"], "--from and --source are two ways to start"),
        (["--source", "o.h5"], "--source-labels is missing"),
        (["--source-labels", "l.txt"], "--source-labels belongs to a run, and there is no --sour"),
        (["--labels", "l.txt", "--from", "m.skops"], "m.skops: there is no such model file"),
    ],
)
def test_options_that_do_not_go_together(folder, tmp_path, capsys, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "l.txt").write_text("mine.h5 [1] HIT\n")
    command = ["train", str(folder / "mine.h5"), "--model", "new.joblib", *options]
    assert main(command) == 2
    assert said in capsys.readouterr().err
