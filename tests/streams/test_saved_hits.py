"""Hits of a run on disk, saved as those of a watch are, with all that is known of each."""

import os

import h5py
import numpy as np
import pytest

from sklearn_sfx import open_frames
from sklearn_sfx.cli import main
from sklearn_sfx.exceptions import InputError, UnreadableFrame, UnreadableFramesWarning
from sklearn_sfx.screening import Scores
from sklearn_sfx.streams import HitFiles, save_hits
from tests.streams.scored import scored


@pytest.fixture
def run(tmp_path):
    """A run with mask and metadata: frames as a watch has saved them."""
    files = HitFiles(tmp_path / "run.cxi", n_frames=20)
    files.add(scored(range(12)))
    files.close()
    return files.written[0]


def scores_of(frames, rows):
    decision = np.isin(np.arange(len(frames)), rows)
    return Scores(frames.sources, decision * 0.9, decision, None, 0.5)


def test_all_that_is_known_is_kept(run, tmp_path):
    frames, rows = open_frames(run), [1, 4, 11]
    assert save_hits(tmp_path / "hits.cxi", frames, scores_of(frames, rows)) == 3
    saved = open_frames(tmp_path / "hits.cxi")
    np.testing.assert_array_equal(
        np.asarray(saved.as_stored()), np.asarray(frames.as_stored())[rows]
    )
    np.testing.assert_array_equal(np.isnan(np.asarray(saved)), np.isnan(np.asarray(frames[rows])))
    for name in ("wavelength", "distance"):
        np.testing.assert_allclose(saved.metadata[name], frames.metadata[name][rows], rtol=1e-12)
    assert saved.metadata["identifier"].tolist() == ["7:1", "7:4", "7:11"]
    assert saved.beam_center == pytest.approx(frames.beam_center)
    with h5py.File(tmp_path / "hits.cxi") as file:
        result = file["entry_1/result_1"]
        assert result["nPeaks"][()].tolist() == [1, 1, 1]
        assert result["sourceFile"].asstr()[()].tolist() == [str(run)] * 3
        np.testing.assert_allclose(result["peakXPosRaw"][:, 0], np.array(rows) + 11, atol=0.3)


def test_no_hits_are_an_empty_file_and_other_scores_are_refused(run, tmp_path):
    frames = open_frames(run)
    assert save_hits(tmp_path / "none.cxi", frames, scores_of(frames, [])) == 0
    with h5py.File(tmp_path / "none.cxi") as file:
        assert file["entry_1/data_1/data"].shape == (0, 60, 80)
    with pytest.raises(InputError, match="scores of 3 frames"):
        save_hits(tmp_path / "hits.cxi", frames, scores_of(frames[:3], [0]))
    assert not (tmp_path / "hits.cxi").exists()


def test_a_hit_that_cannot_be_read_is_left_out(run, tmp_path, monkeypatch):
    frames = open_frames(run)
    whole = type(frames).__getitem__

    def damaged(one, rows):
        if isinstance(rows, int) and rows == 1:
            raise UnreadableFrame("Frame 1 is gone.")
        return whole(one, rows)

    monkeypatch.setattr(type(frames), "__getitem__", damaged)
    with pytest.warns(UnreadableFramesWarning, match="1 hit cannot be read"):
        assert save_hits(tmp_path / "hits.cxi", frames, scores_of(frames, [0, 4, 5])) == 2


def test_the_command_saves_them_and_replaces_no_file_of_others(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    screen = ["screen", str(run), "--threshold", "0", "--no-peaks", "--scores", "s.csv"]
    screen += ["--hits", "h.lst", "--save-hits"]
    (tmp_path / "mine.cxi").write_text("precious")
    assert main([*screen, "mine.cxi"]) == 2
    assert "already" in capsys.readouterr().err
    assert (tmp_path / "mine.cxi").read_text() == "precious"
    assert main([*screen, str(run)]) == 2
    assert "is an input" in capsys.readouterr().err
    for _ in range(2):  # it may write again what it has written
        assert main([*screen, "hits.cxi"]) == 0
        assert "hits.cxi: the hits with masks and peaks" in capsys.readouterr().out
    n_hits = len((tmp_path / "h.lst").read_text().splitlines())
    assert len(open_frames("hits.cxi")) == n_hits == 12
    assert sorted(set(os.listdir()) - {run.name}) == [
        ".sfx",
        "h.lst",
        "hits.cxi",
        "mine.cxi",
        "s.csv",
    ]
