"""What the command says of itself: defaults, examples, and what a shell may complete."""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sklearn_sfx.cli import build_parser, main
from sklearn_sfx.cli._parser import find_verbs

VERBS = find_verbs()
SFX = Path(sys.executable).with_name("sfx")


def options_of(name):
    subparsers = build_parser()._subparsers._group_actions[0]
    return subparsers.choices[name]


@pytest.mark.parametrize("name", VERBS)
def test_every_option_says_what_it_is_by_default(name):
    parser = options_of(name)
    formatter = parser._get_formatter()
    for action in parser._actions:
        takes_value = action.option_strings and action.nargs != 0 and not action.required
        if takes_value:
            said = formatter._expand_help(action)
            assert "(default" in said, action.option_strings
            if action.default not in (None, argparse.SUPPRESS) and "%(default)" not in action.help:
                assert "None" not in said


def test_the_value_of_a_default_is_shown(capsys):
    with pytest.raises(SystemExit):
        main(["label", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "(default: 200)" in said
    assert "seed of all that is random (default: 0)" in said


@pytest.mark.parametrize("name", VERBS)
def test_help_ends_with_examples_that_can_be_typed(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    _, _, shown = capsys.readouterr().out.partition("\nexamples:\n")
    lines = [line.strip() for line in shown.splitlines()]
    assert lines == list(VERBS[name].EXAMPLES)
    used = []
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "sfx"
        used.append(build_parser().parse_args(words).verb)
    assert name in used


def test_the_first_examples_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    """From nothing to a hit list, a report and a page to label on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["sfx"])
    smaller = ["--n-frames", "6", "--frame-shape", "160", "160"]
    assert main(shlex.split(VERBS["simulate"].EXAMPLES[0])[1:] + smaller) == 0
    for verb in ("info", "screen"):
        assert main(shlex.split(VERBS[verb].EXAMPLES[0])[1:]) == 0
    assert "6 frames are hits" in capsys.readouterr().out
    assert {"run.hits.lst", "run.scores.csv", "run.report.html"} <= set(os.listdir())


def test_nothing_given_shows_the_help_and_is_a_mistake(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: sfx")
    assert "sfx screen run.h5 --report" in captured.err


def completed(line, tmp_path):
    pytest.importorskip("argcomplete")
    answer = tmp_path / "answer"
    environment = os.environ | {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    done = subprocess.run([SFX], env=environment, capture_output=True, check=False)
    assert done.stdout == b""
    return answer.read_text().split("\x0b")


def test_a_shell_completes_verbs_options_and_choices(tmp_path):
    assert [word.strip() for word in completed("sfx sc", tmp_path)] == ["screen"]
    assert "--no-peaks" in [word.strip() for word in completed("sfx screen --no", tmp_path)]
    assert "rows" in [word.strip() for word in completed("sfx train --method ", tmp_path)]


# -- For programs, and in silence


def test_json_is_one_value_and_nothing_else(sfx, run_folder, tmp_path, monkeypatch, capsys):
    import json

    monkeypatch.chdir(tmp_path)
    model, labels = run_folder / "model.joblib", run_folder / "run.labels.txt"
    some = ["--labels", labels, "--n-labels", 40, "--method", "peaks", "--crop", 160]
    assert sfx("train", *some, "--model", "m.joblib", "--json") == 0
    trained = json.loads(capsys.readouterr().out)
    assert (trained["model"], trained["method"], trained["n_labels"]) == ("m.joblib", "peaks", 40)
    low, high = trained["expected"]["recall"]["interval"]
    assert low <= trained["expected"]["recall"]["value"] <= high
    assert sfx("screen", "--model", model, "--json") == 0
    screened = json.loads(capsys.readouterr().out)
    assert screened["written"] == {"table": "run.scores.csv", "hits": "run.hits.lst"}
    assert screened["n_hits"] == len(Path("run.hits.lst").read_text().splitlines())
    assert screened["n_frames"] == 90
    assert sfx("evaluate", "--model", model, "--labels", labels, "--json") == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert sum(map(sum, evaluated["methods"]["model"]["confusion"])) == evaluated["n_frames"] == 30
    assert sfx("screen", "--model", model, "--json", "--hits", "-", "--force") == 0
    captured = capsys.readouterr()  # the list has standard output
    assert len(captured.out.splitlines()) == json.loads(captured.err)["n_hits"]


def test_quiet_says_only_what_is_wrong(sfx, run_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert sfx("info", "--crop", 120, "--quiet") == 0
    assert sfx("screen", "--model", run_folder / "model.joblib", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert sfx("screen", "--model", "none.joblib", "--quiet") == 2
    assert "none.joblib" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_refused(sfx, run_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model, labels = run_folder / "model.joblib", run_folder / "run.labels.txt"
    for device in ("abacus", "cuda:99"):
        for options in (["screen"], ["evaluate", "--labels", labels]):
            assert sfx(*options, "--model", model, "--device", device) == 2
            assert f"--device {device}" in capsys.readouterr().err
    assert sfx("evaluate", "--labels", labels, "--model", model, "--device", "cpu") == 0
