"""``sfx evaluate``: on labels that the model was not trained on."""

import re

import pytest

from sklearn_sfx.screening import load_screening_model


@pytest.fixture
def evaluate(sfx, run_folder):
    """Return what evaluates the model on some labels, those of the run by default."""

    def call(*options, labels=run_folder / "run.labels.txt"):
        files = ["--model", run_folder / "model.joblib", "--labels", labels]
        return sfx("evaluate", *files, *options)

    return call


def test_evaluate_leaves_the_training_frames_out(evaluate, capsys):
    assert evaluate() == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "30 labelled frames that the model was not trained on, MAYBE counted as hit"
    )
    for line in out.splitlines()[2:4]:  # the model, and the peak count
        assert sum(int(number) for number in line.split()[-4:]) == 30


def test_evaluate_on_training_frames_alone_is_refused(evaluate, run_folder, tmp_path, capsys):
    model = load_screening_model(run_folder / "model.joblib")
    seen = {frame.position + 1 for frame in model.trained_on}
    lines = (run_folder / "run.labels.txt").read_text().splitlines()
    kept = [line for line in lines if int(line.split("[")[1].split("]")[0]) in seen]
    (tmp_path / "labels.txt").write_text("\n".join(kept))
    assert evaluate(labels=tmp_path / "labels.txt") == 2
    assert "trained on every frame that is labelled here" in capsys.readouterr().err


@pytest.mark.parametrize(("maybe", "said"), [("miss", "as miss"), ("drop", "left out")])
def test_maybe_policy_is_said(evaluate, capsys, maybe, said):
    assert evaluate("--maybe", maybe) == 0
    assert said in capsys.readouterr().out


def test_evaluate_reports_the_frames_that_it_used(evaluate, run_folder, tmp_path, capsys):
    assert evaluate("--maybe", "miss", "--report", tmp_path / "out.html") == 0
    page, out = (tmp_path / "out.html").read_text(), capsys.readouterr().out
    recall = re.search(r"model +(\S+ \[.*?\])", out)[1]
    assert f"<tr><th>model</th><td>{recall}</td>" in page
    assert "MAYBE counted as miss" in page
    drawn = {int(number) - 1 for number in re.findall(r"run.h5 \[(\d+)\]<br>", page)}
    assert drawn
    model = load_screening_model(run_folder / "model.joblib")
    assert not drawn & {frame.position for frame in model.trained_on}
