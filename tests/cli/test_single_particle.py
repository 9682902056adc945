"""The job on single particles: labels, training, screening, lists, report, evaluation."""

import csv
import json
import os
import re

import h5py
import numpy as np
import pytest

from sklearn_sfx.cli import main
from sklearn_sfx.screening import load_screening_model, read_hits

TASK = ("--task", "single-particle")


@pytest.fixture
def spi(particle_folder):
    """Return what calls a verb on the run of single particles, and gives the exit code."""

    def call(verb, *options):
        run = [str(particle_folder / "run.h5"), "--mask", str(particle_folder / "run.mask.h5")]
        return main([verb, *run, *map(str, options)])

    return call


@pytest.fixture
def model(particle_folder):
    return particle_folder / "model.joblib"


@pytest.fixture
def labels(particle_folder):
    return particle_folder / "run.labels.txt"


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_is_screened_by_a_model_that_knows_its_task(
    spi, model, particle_run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert spi("screen", "--model", model, "--report") == 0
    said = capsys.readouterr().out
    rows = rows_of(tmp_path / "run.scores.csv")
    called = np.array([row["decision"] for row in rows])
    assert set(called) == {"empty", "single", "multiple", "other"}
    assert (called == particle_run.labels).mean() > 0.8
    assert {float(row["lit_pixels"]) >= 0 for row in rows} == {True}
    classes = ["empty", "multiple", "other"]
    assert list(rows[0])[-3:] == [f"probability_of_{name}" for name in classes]
    of_others = np.array(
        [[float(row[f"probability_of_{name}"]) for name in classes] for row in rows]
    )
    np.testing.assert_allclose(
        of_others.sum(axis=1) + [float(row["probability"]) for row in rows], 1, atol=1e-5
    )
    other = called != "single"
    assert (called[other] == np.array(classes)[of_others.argmax(axis=1)][other]).all()
    singles = read_hits(tmp_path / "run.singles.lst")
    assert len(singles) == (called == "single").sum()
    assert f"{len(singles)} of 160 frames are singles at threshold" in said
    assert "run.singles.lst: the singles" in said
    assert "single rate: " in said
    page = (tmp_path / "run.report.html").read_text()
    assert "The single rate is the share of frames that the model calls singles" in page
    assert "on a logarithmic scale" in page
    assert "lit pixels, light, the sphere that fits and how round the frame is" in page
    assert "MAYBE" not in page
    assert "peak" not in page.partition("How it was made")[0].lower()
    threshold = load_screening_model(model).threshold
    above = [float(row["probability"]) >= threshold for row in rows]
    assert (called == "single").tolist() == above


def test_without_a_model_lit_pixels_tell_hits_and_no_singles(
    spi, particle_run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert spi("screen", *TASK) == 0
    said = capsys.readouterr().out
    assert "lit pixels or more" in said
    assert "not one particle from several or from a droplet: label some frames and train" in said
    assert not (tmp_path / "run.singles.lst").exists()
    rows = rows_of(tmp_path / "run.scores.csv")
    assert "probability_of_empty" not in rows[0]
    is_hit = np.array([row["decision"] == "hit" for row in rows])
    assert (is_hit == (particle_run.labels != "empty")).mean() > 0.9
    assert len(read_hits(tmp_path / "run.hits.lst")) == is_hit.sum()


def test_singles_are_evaluated_beside_lit_pixels_and_by_class(
    spi, model, labels, particle_run, tmp_path, capsys
):
    report = tmp_path / "e.html"
    assert spi("evaluate", "--model", model, "--labels", labels, "--report", report) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("60 labelled frames that the model was not trained on, of four")
    assert "singles found  lost  non-singles kept" in lines[1]
    assert [line.split("  ")[0] for line in lines[2:4]] == ["model", "lit pixels"]
    assert lines[4].split() == ["labelled", "called", "empty", "single", "multiple", "other"]
    assert "called multiple" in report.read_text()
    assert spi("evaluate", "--model", model, "--labels", labels, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    confusion = np.array(facts["confusion"])
    assert facts["classes"] == ["empty", "single", "multiple", "other"]
    assert confusion.sum() == 60
    of_model = facts["methods"]["model"]
    assert of_model["recall"] == pytest.approx(confusion[1, 1] / confusion[1].sum())
    assert of_model["precision"] == pytest.approx(confusion[1, 1] / confusion[:, 1].sum())
    assert of_model["recall"] > 0.7
    assert "maybe" not in facts


def test_a_recall_is_asked_for_and_a_safe_file_remembers_the_task(spi, labels, tmp_path, capsys):
    path = tmp_path / "m.skops"
    asked = ("--recall", 0.95, "--model", path)
    assert spi("train", *TASK, "--labels", labels, *asked) == 0
    said = capsys.readouterr().out
    assert "a single from probability" in said
    model = load_screening_model(path)
    assert model.task == "single-particle"
    assert model.compared == ("sphere",)  # no trees, which no safe file holds
    assert model.expected.recall.value > 0.85
    assert f", singles {model.expected.hit_rate}, 90 % intervals" in said
    assert spi("screen", "--model", path, "--hits", tmp_path / "h", "--scores", "-") == 0
    assert "lit_pixels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("screen", "--task", "crystallography"), "of the task single-particle, and crystal"),
        (("evaluate", "--task", "crystallography", "--labels"), "of the task single-particle"),
        (("label", "--task", "crystallography", "--page", "l.html"), "is asked for: leave"),
    ],
)
def test_a_model_of_another_task_is_refused(
    spi, model, labels, tmp_path, monkeypatch, capsys, options, said
):
    monkeypatch.chdir(tmp_path)
    options = [*options, labels] if options[-1] == "--labels" else options
    assert spi(*options, "--model", model) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--labels", "LABELS"), "labels of the task single-particle (empty, single, multiple or"),
        ((*TASK, "--labels", "LABELS", "--method", "rows"), "--method is for crystals"),
        ((*TASK, "--labels", "LABELS", "--from", "x"), "--from is for crystals"),
        ((*TASK, "--labels", "LABELS", "--maybe", "drop"), "--maybe is for crystals"),
        (TASK, "--labels is missing: the task single-particle is learned from labels"),
    ],
)
def test_training_refuses_what_goes_with_crystals(spi, labels, tmp_path, capsys, options, said):
    options = [labels if one == "LABELS" else one for one in options]
    assert spi("train", *options, "--model", tmp_path / "m.joblib") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "m.joblib").exists()


def test_a_page_to_label_on_has_the_keys_of_the_task(spi, model, tmp_path, capsys):
    page = tmp_path / "l.html"
    assert spi("label", *TASK, "--page", page, "--n-frames", 4) == 0
    assert "E, S, M and O label a frame" in capsys.readouterr().out
    text = page.read_text()
    assert '<button data-label="single"><kbd>S</kbd> single <small>exactly one</small>' in text
    assert 'data-label="HIT"><kbd>' not in text
    assert spi("label", "--model", model, "--page", tmp_path / "d.html", "--n-frames", 4) == 0
    assert 'data-label="multiple"' in (tmp_path / "d.html").read_text()


def test_a_watch_calls_counts_and_lists_as_its_model_does(
    spi, model, labels, particle_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert spi("screen", "--model", model) == 0
    screened = rows_of("run.scores.csv")
    os.remove("run.scores.csv")
    listed = sorted(read_hits("run.singles.lst"))
    os.remove("run.singles.lst")
    os.utime(particle_folder / "run.h5", (0, 0))  # nobody writes to it any more
    capsys.readouterr()
    until = ("--end-after", "1", "--save-hits", "kept.cxi")
    assert spi("watch", "--model", model, *until) == 0
    said = capsys.readouterr().out
    assert re.search(rf"{len(listed)} singles of 160 frames", said)
    assert "run.singles.lst: the singles" in said
    watched = rows_of("run.scores.csv")
    assert list(watched[0]) == list(screened[0])
    assert [row["decision"] for row in watched] == [row["decision"] for row in screened]
    assert [row["lit_pixels"] for row in watched] == [row["lit_pixels"] for row in screened]
    assert sorted(read_hits("run.singles.lst")) == listed
    with h5py.File("kept-00001.cxi") as file:
        assert not file["entry_1/result_1/nPeaks"][:].any()
    # And goes on where it was, with the same words.
    assert spi("watch", "--model", model, *until[:2]) == 0
    assert "160 frames already" in capsys.readouterr().err
    assert spi("watch", "--model", model, "--task", "crystallography", *until[:2]) != 0
    assert "The model is of the task single-particle" in capsys.readouterr().err
    assert spi("watch", *TASK, "--scores", "other.csv", *until[:2]) != 0
    assert "for the task single-particle give a model" in capsys.readouterr().err
    assert not (tmp_path / "other.csv").exists()
