"""``sfx label``: the page it writes, and labels from it that have weights."""

import json
import re

import numpy as np
import pytest

from sklearn_sfx.datasets import read_annotation
from sklearn_sfx.screening import load_screening_model


def test_the_command_writes_it_and_says_so(sfx, tmp_path, capsys):
    page = tmp_path / "label.html"
    assert sfx("label", "--crop", 120, "--page", page, "--n-frames", 12) == 0
    assert f"{page}: 12 of 90 frames" in capsys.readouterr().out
    assert "SIMULATED" in page.read_text()
    assert page.read_text().count('"codes"') == 12


def test_labels_with_weights_train_and_evaluate_and_it_is_said(sfx, run_folder, tmp_path, capsys):
    """From a model without labels to one that learned from frames it was in doubt about."""
    first, page, second = tmp_path / "first.skops", tmp_path / "l.html", tmp_path / "m.skops"
    assert sfx("train", "--method", "peaks", "--crop", 160, "--model", first) == 0
    options = ["--model", first, "--page", page, "--n-frames", 60, "--crop", 160]
    assert sfx("label", *options) == 0
    said = capsys.readouterr().out
    assert f"{page}: 60 of 90 frames, half at random and half where the model is in doubt" in said
    frames = json.loads(re.search(r'<script id="shown"[^>]*>(.*?)</script>', page.read_text())[1])[
        "frames"
    ]
    truth = read_annotation(run_folder / "run.labels.txt").labels
    labels = tmp_path / "labels.txt"
    labels.write_text(
        "".join(
            f"{f['file']} [{f['number']}] {truth[f['number'] - 1]}{f['weight']}\n" for f in frames
        )
    )
    weights = read_annotation(labels).weights
    assert 0 < weights.min() < 1 < weights.max() <= 2
    assert sfx("train", "--labels", labels, "--model", second) == 0
    said = capsys.readouterr().out
    assert "The labels have weights" in said
    expected = load_screening_model(second).expected
    is_hit = np.array([truth[frame["number"] - 1] != "MISS" for frame in frames])
    assert expected.hit_rate.value == pytest.approx(np.average(is_hit, weights=weights))
    assert f"hits {expected.hit_rate}" in said
    report = tmp_path / "e.html"
    assert sfx("evaluate", "--labels", labels, "--model", first, "--report", report) == 0
    said = capsys.readouterr().out
    assert "The labels have weights" in said
    assert f"hits among these frames: {100 * np.average(is_hit, weights=weights):.1f}%" in said
    recall = re.search(r"model +(\S+ \[.*?\])", said)[1]
    assert f"<tr><th>model</th><td>{recall}</td>" in report.read_text()
    assert "Choice of the threshold" not in report.read_text()  # its curves count frames
    labels.write_text(re.sub(r" weight=\S+", "", labels.read_text()))
    assert sfx("evaluate", "--labels", labels, "--model", first) == 0
    unweighted = capsys.readouterr().out
    assert "weights" not in unweighted
    assert f"{100 * is_hit.mean():.1f}%" in unweighted


def test_a_weight_that_is_none_is_one_sentence(sfx, tmp_path, capsys):
    (tmp_path / "labels.txt").write_text("run.h5 [1] HIT weight=-1\n")
    options = ["--labels", tmp_path / "labels.txt", "--model", tmp_path / "m.skops"]
    assert sfx("train", *options) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "a weight is a positive number" in err
