"""``sfx train``: the models it writes, and what they have learned."""

import re
import sys
import zipfile

import joblib
import numpy as np
import pytest

from sklearn_sfx import load_cxidb76, screen
from sklearn_sfx._methods import METHODS
from sklearn_sfx.cli import build_parser, main
from sklearn_sfx.screening import load_screening_model, read_hits


def test_model_learned_something_and_counts_agree_with_labels(run_folder):
    run = load_cxidb76(run_folder / "run.h5", "LN84", mask=run_folder / "run.mask.h5")
    model = load_screening_model(run_folder / "model.joblib")
    seen = [frame.position for frame in model.trained_on]
    rest = np.setdiff1d(np.arange(90), seen)
    assert len(seen) == len(set(seen)) == 60
    scores = screen(model, run.data[rest])
    hit, miss = run.target[rest] == 1, run.target[rest] == 0
    assert scores.probability[hit].mean() > scores.probability[miss].mean() + 0.3
    assert scores.peak_count[hit].min() > scores.peak_count[miss].mean()


@pytest.mark.parametrize(
    ("options", "said", "n_trained_on"),
    [
        ([], "simulated frames that come with the package, with no label; a hit from", 0),
        (["--labels", "L", "--n-labels", "12"], "package and 12 labelled frames, ", 12),
    ],
)
def test_peaks_train_with_few_labels_or_none(
    run_folder, tmp_path, capsys, options, said, n_trained_on
):
    options = [str(run_folder / "run.labels.txt") if o == "L" else o for o in options]
    model = tmp_path / "peaks.joblib"
    options += ["--method", "peaks", "--crop", "160", "--model", str(model)]
    assert main(["train", str(run_folder / "run.h5"), *options]) == 0
    assert said in capsys.readouterr().out
    assert len(joblib.load(model).trained_on) == n_trained_on
    hits, scores = str(tmp_path / "h.lst"), str(tmp_path / "s.csv")
    screening = ["screen", str(run_folder / "run.h5"), "--model", str(model)]
    assert main([*screening, "--hits", hits, "--scores", scores]) == 0
    said = capsys.readouterr().out
    assert "of 90 frames are hits at threshold" in said
    assert ("threshold 0.500" in said) == (n_trained_on == 0)  # or the labels set it


def test_methods_are_compared_and_what_to_expect_is_said(run_folder, tmp_path, capsys):
    run, labels = str(run_folder / "run.h5"), str(run_folder / "run.labels.txt")
    model = tmp_path / "m.skops"
    options = ["--n-labels", "60", "--recall", "0.9", "--seed", "0", "--model", str(model)]
    assert main(["train", run, "--labels", labels, *options]) == 0
    said = capsys.readouterr().out
    trained = load_screening_model(model)
    assert trained.compared == ("peaks", "spots", "count")
    assert f"goes by {trained.method}, chosen among peaks, spots, count: " in said
    expected = trained.expected
    assert f"expected: {expected}, 90 % intervals, on frames like the labelled ones" in said
    assert re.search(r"^\d+ frames in \d+\.\d s, \d+\.\d a second$", said, re.MULTILINE)
    assert expected.recall.of + expected.kept + expected.left == 60
    assert "twice as many labels would tell the recall to within" in said
    options = ["--n-labels", "6", "--force", "--model", str(model)]
    assert main(["train", run, "--labels", labels, *options]) == 0
    said = capsys.readouterr().out
    assert "goes by peaks: the heights" in said
    assert "too few labels to say what to expect" in said


@pytest.mark.parametrize(
    ("method", "by_labels", "by_none"),
    [
        ("peaks", "the simulated frames that come with the package and 12 l", "the simulated fra"),
        ("count", "12 l", "the simulated frames that come with the package, with no label"),
        ("spots", "12 l", "the rule that six spots make a hit, with no label"),
    ],
)
def test_what_it_was_trained_on_is_what_it_learned_from(
    run_folder, tmp_path, capsys, method, by_labels, by_none
):
    """A count goes by simulated frames, or by a rule, where there is no label, and only there."""
    run, labels = str(run_folder / "run.h5"), str(run_folder / "run.labels.txt")
    model = str(tmp_path / "m.joblib")
    train = ["train", run, "--method", method, "--model", model]
    assert main(train) == 0
    assert f"{model}: trained on {by_none}" in capsys.readouterr().out
    assert main([*train, "--force", "--labels", labels, "--n-labels", "12"]) == 0
    assert f"{model}: trained on {by_labels}abelled frames" in capsys.readouterr().out


def test_help_names_every_method(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for method in METHODS.values():
        assert f"{method.name}: {method.summary}" in said


# -- In files that cannot run code


def test_a_safe_model_is_trained_screens_and_is_evaluated(run_folder, tmp_path, capsys):
    run, labels = str(run_folder / "run.h5"), str(run_folder / "run.labels.txt")
    model, hits = str(tmp_path / "m.skops"), str(tmp_path / "hits.lst")
    options = ["--n-labels", "40", "--crop", "160", "--model", model, "--method", "rows"]
    options += ["--epochs", "20"]
    assert main(["train", run, "--labels", labels, *options]) == 0
    assert zipfile.is_zipfile(model)
    scores = ["--hits", hits, "--scores", str(tmp_path / "scores.csv")]
    assert main(["screen", run, "--model", model, *scores]) == 0
    assert f"{len(read_hits(hits))} of 90 frames are hits" in capsys.readouterr().out
    assert main(["evaluate", run, "--model", model, "--labels", labels]) == 0
    assert capsys.readouterr().out.startswith("50 labelled frames")


def test_a_missing_skops_is_said_before_the_training(run_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    monkeypatch.setattr("sklearn_sfx.screening.train", lambda *args, **options: pytest.fail("late"))
    arguments = ["--labels", str(run_folder / "run.labels.txt"), "--crop", "160"]
    model = ["--model", str(tmp_path / "m.skops")]
    assert main(["train", str(run_folder / "run.h5"), *arguments, *model]) == 2
    assert "pip install 'sklearn_sfx[safe]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
