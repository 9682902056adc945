"""``sfx screen`` that is interrupted or shared out, ``sfx merge``, and frames that are damaged."""

import re

import pytest

from sklearn_sfx import make_sfx_frames
from sklearn_sfx.cli import main
from sklearn_sfx.screening import _parts
from tests.damaged_runs import SIDE

pytestmark = pytest.mark.filterwarnings("default::sklearn_sfx.exceptions.UnreadableFramesWarning")

OUTPUTS = ("run.hits.lst", "run.scores.csv")


@pytest.fixture(autouse=True)
def in_small_parts(monkeypatch, tmp_path):
    monkeypatch.setattr(_parts, "PART", 16)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(sfx, run_folder):
    """Return what calls a verb with the model of the run."""
    return lambda verb, *options: sfx(verb, "--model", run_folder / "model.joblib", *options)


@pytest.fixture
def expected(call, tmp_path):
    """Return what a screening in one go writes, removed again."""
    assert call("screen") == 0
    contents = [(tmp_path / name).read_bytes() for name in OUTPUTS]
    for path in tmp_path.iterdir():
        if path.name in OUTPUTS:
            path.unlink()
    return contents


def written(folder):
    return [(folder / name).read_bytes() for name in OUTPUTS]


def parts_in(folder):
    return list(folder.rglob("*.npz"))


def test_the_last_share_writes_the_lists(call, expected, tmp_path, capsys):
    for share in ("2/3", "1/3", "3/3"):
        assert not (tmp_path / OUTPUTS[0]).exists()
        capsys.readouterr()
        assert call("screen", "--shard", share) == 0
        printed = capsys.readouterr().out
        assert ("are done; the last one writes the lists" in printed) == (share != "3/3")
    assert written(tmp_path) == expected
    assert parts_in(tmp_path) == []


def test_a_share_that_ends_after_the_lists_are_written_says_so(call, expected, tmp_path, capsys):
    for share in ("1/2", "2/2"):
        assert call("screen", "--shard", share) == 0
    for late in (["screen", "--shard", "1/2"], ["merge"]):
        capsys.readouterr()
        assert call(*late) == 0
        assert capsys.readouterr().out == "run.hits.lst and run.scores.csv are written\n"
    (tmp_path / "run.hits.lst").unlink()
    assert call("merge") == 2
    assert call("screen") == 0
    assert written(tmp_path) == expected


def test_what_is_missing_is_named_and_so_are_shares_with_other_options(call, tmp_path, capsys):
    assert call("screen", "--shard", "1/3") == 0
    assert call("screen", "--shard", "2/3", "--no-peaks") == 0
    assert "2 parts of screenings with another run, model, mask or option" in (
        capsys.readouterr().out
    )
    assert call("screen", "--status") == 0
    assert "2 parts of screenings with another" in capsys.readouterr().out
    assert call("merge") == 2
    said = capsys.readouterr().err
    assert "58 of 90 frames are still to be screened, parts 2, 3, 5, 6 of 6" in said
    assert "2 parts of screenings with another run, model, mask or option are kept there" in said


def test_lists_at_another_threshold_are_not_the_ones(call, tmp_path, capsys):
    assert call("screen", "--threshold", "0") == 0
    lenient = written(tmp_path)
    assert call("screen") == 0
    assert written(tmp_path) != lenient
    assert call("merge", "--threshold", "0") == 2
    assert "90 of 90 frames are still to be screened" in capsys.readouterr().err
    for share in ("1/2", "2/2"):
        assert call("screen", "--threshold", "0", "--shard", share) == 0
    assert written(tmp_path) == lenient


def test_lists_of_another_model_are_not_the_ones(call, sfx, expected, tmp_path):
    assert call("screen") == 0
    assert sfx("screen") == 0  # without a model, to the same names
    assert written(tmp_path) != expected
    for share in ("1/2", "2/2"):
        assert call("screen", "--shard", share) == 0
    assert written(tmp_path) == expected


def test_lists_without_the_report_are_not_all_that_is_asked_for(call, tmp_path, capsys):
    assert call("screen") == 0
    assert call("merge", "--report") == 2
    for share in ("1/2", "2/2"):
        assert call("screen", "--report", "--shard", share) == 0
    assert (tmp_path / "run.report.html").exists()
    assert call("merge") == 0
    capsys.readouterr()
    assert call("merge", "--report") == 0
    expected = "run.report.html, run.hits.lst and run.scores.csv are written\n"
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("threshold", [[], ["--threshold", "0"]])
def test_two_screenings_at_once(call, expected, threshold, tmp_path, monkeypatch, capsys):
    """The other one ends while this one does its third part."""
    from sklearn_sfx.screening import _journal

    write, seen = _journal.Journal.write, []

    def overtaken(journal, number, found):
        seen.append(number)
        if len(seen) == 3:
            with monkeypatch.context() as patch:
                patch.setattr(_journal.Journal, "write", write)
                assert call("screen") == 0
            capsys.readouterr()
        write(journal, number, found)

    monkeypatch.setattr(_journal.Journal, "write", overtaken)
    assert call("screen", *threshold) == 0
    said = capsys.readouterr().out
    assert (said == "run.hits.lst and run.scores.csv are written\n") == (not threshold)
    assert parts_in(tmp_path) == []
    assert (written(tmp_path) == expected) == (not threshold)
    assert not threshold or "at threshold 0.000" in said


def test_merge_needs_all_parts(call, expected, tmp_path, capsys):
    assert call("screen", "--shard", "1/2") == 0
    assert call("merge") == 2
    error = capsys.readouterr().err
    assert "42 of 90 frames are still to be screened, parts 2, 4, 6 of 6: screen the run" in error
    assert call("screen", "--shard", "2/2", "--status") == 0
    out = capsys.readouterr().out
    assert "48 of 90 frames are done\n" in out
    assert re.search(r"\d+ of 48 are hits at threshold 0\.\d+, 0 unreadable\n", out)
    assert not (tmp_path / OUTPUTS[0]).exists()


def test_merge_writes_what_shares_found(call, expected, tmp_path, monkeypatch):
    from sklearn_sfx.cli.verbs import screen

    with monkeypatch.context() as patch:
        patch.setattr(screen, "write_lists", lambda *_: None)  # killed before
        for share in ("1/2", "2/2"):
            assert call("screen", "--shard", share) == 0
    assert len(parts_in(tmp_path)) == 6
    assert call("merge") == 0
    assert written(tmp_path) == expected
    assert parts_in(tmp_path) == []
    assert call("screen") == 0  # may replace what merge wrote
    assert written(tmp_path) == expected


@pytest.mark.parametrize("share", ["0/3", "4/3", "3", "a/b", "1/0", "-1/2", "1/2/3"])
def test_shares_that_are_none(call, capsys, share):
    with pytest.raises(SystemExit, match="2"):
        call("screen", f"--shard={share}")
    assert "--shard" in capsys.readouterr().err


def test_no_scheduler_is_a_sentence(call, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra [dask]")
    monkeypatch.setattr("sklearn_sfx.screening._cluster.PATIENCE_S", 0.2)
    assert call("screen", "--dask", "tcp://127.0.0.1:9") == 2
    assert "127.0.0.1:9: no dask scheduler answers there" in capsys.readouterr().err


def test_damaged_frames_are_rows_and_said_at_the_end(damaged_folder, tmp_path, capsys):
    run = [str(damaged_folder / "run.h5"), "--model", str(damaged_folder / "model.joblib")]
    assert main(["screen", *run, "--report"]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^\d+ of 77 frames are hits", out, re.MULTILINE)
    assert out.splitlines()[-1].startswith("3 more frames cannot be read, neither hits nor misses")
    assert "3 of 80 frames cannot be read, and are neither hits nor misses: Frame [4] of" in err
    assert (tmp_path / "run.scores.csv").read_text().count(",unreadable,") == 3
    assert "<dt>not readable</dt><dd>3</dd>" in (tmp_path / "run.report.html").read_text()


@pytest.mark.parametrize("verb", ["screen", "train", "label", "evaluate"])
def test_strict_stops_with_a_sentence(damaged_folder, tmp_path, capsys, verb):
    target = make_sfx_frames(80, frame_shape=(SIDE, SIDE), random_state=0).target  # of that run
    lines = [f"run.h5 [{i}] {'HIT' if hit else 'MISS'}" for i, hit in enumerate(target, start=1)]
    labels, model = tmp_path / "labels.txt", damaged_folder / "model.joblib"
    labels.write_text("\n".join(lines))
    options = {
        "screen": ["--model", model],
        "train": ["--model", tmp_path / "new.joblib", "--labels", labels, "--method", "peaks"],
        "label": ["--crop", "64", "--page", tmp_path / "label.html"],
        "evaluate": ["--model", model, "--labels", labels],
    }[verb]
    if verb == "train":
        options += ["--crop", str(SIDE)]
    call = [verb, str(damaged_folder / "run.h5"), *map(str, options)]
    before = set(tmp_path.iterdir())
    assert main([*call, "--strict"]) == 2
    error = capsys.readouterr().err
    assert "cannot be read" in error
    assert error.count("\n") == 1
    assert {path for path in tmp_path.iterdir() if path.name != ".sfx"} == before
    assert main(call) == 0
    out, err = capsys.readouterr()
    assert "cannot be read" in err
    said = {"train": "77 labelled frames", "label": "77 of 80", "evaluate": "77 labelled frames"}
    assert said.get(verb, "of 77 frames are hits") in out
