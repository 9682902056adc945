"""Screenings that are kept on disk: killed, shared, damaged, and always the same result."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx import InputError, open_frames, read_mask, screen, train
from sklearn_sfx.exceptions import UnfinishedScreening
from sklearn_sfx.screening import Screening, _journal, _parts, load_screening_model

pytestmark = pytest.mark.filterwarnings("ignore:The model was trained behind a mask")

N_FRAMES = 90  # of run_folder
PART = 16  # so that it has some parts


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(_parts, "PART", PART)


@pytest.fixture(scope="module")
def run(run_folder):
    return open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))


@pytest.fixture(scope="module")
def model(run_folder):
    return load_screening_model(run_folder / "model.joblib")


@pytest.fixture(scope="module")
def expected(model, run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_parts, "PART", PART)
        return screen(model, run)


def assert_same(scores, expected):
    np.testing.assert_array_equal(scores.probability, expected.probability)
    np.testing.assert_array_equal(scores.peak_count, expected.peak_count)
    np.testing.assert_array_equal(scores.decision, expected.decision)
    assert scores.sources == expected.sources


def parts_in(folder):
    return sorted(folder.rglob("*.npz"))


def test_an_interrupted_screening_goes_on_where_it_was(model, run, expected, tmp_path, monkeypatch):
    """At whatever moment of whatever part it is broken off."""
    score, write, done = _parts.score_part, _journal.Journal.write, []

    def broken_off(moment):
        def call(*args, **kwargs):
            if len(done) == moment:
                raise KeyboardInterrupt
            done.append(1)
            return score(*args, **kwargs)

        return call

    for moment in range(7):
        done.clear()
        monkeypatch.setattr("sklearn_sfx.screening._screen.score_part", broken_off(moment % 2))
        screening = Screening(model, run, tmp_path)
        with pytest.raises(UnfinishedScreening, match="of 90 frames are still to be screened"):
            screening.scores()
        before = screening.n_done
        try:
            screening.run()
        except KeyboardInterrupt:
            assert screening.n_done == before + moment % 2
    monkeypatch.setattr("sklearn_sfx.screening._screen.score_part", score)
    monkeypatch.setattr(_journal.Journal, "write", write)
    screening = Screening(model, run, tmp_path)
    screening.run()
    assert (screening.n_done, screening.n_parts) == (6, 6)
    assert_same(screening.scores(), expected)
    screening.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_done_is_not_done_again(model, run, expected, tmp_path, monkeypatch):
    Screening(model, run, tmp_path).run()
    monkeypatch.setattr("sklearn_sfx.screening._screen.score_part", None)
    again = Screening(pickle.loads(pickle.dumps(model)), run[:], tmp_path)
    again.run()
    assert_same(again.scores(), expected)
    assert again.scores(threshold=0.0).decision.all()


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(1, 4)), data=st.data())
def test_shares_in_any_order_make_the_same(model, run, expected, tmp_path_factory, order, data):
    folder = tmp_path_factory.mktemp("shares")
    for number in order:
        Screening(model, run, folder).run(shard=(number, 3))
    screening = Screening(model, run, folder)
    lost = data.draw(st.sets(st.integers(0, 5)))  # parts that a machine went down with
    for number, path in enumerate(parts_in(folder)):
        if number in lost:
            content = path.read_bytes()
            path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert screening.n_done == 6 - len(lost)
    screening.run()
    assert_same(screening.scores(), expected)


@pytest.mark.parametrize("shard", [(0, 3), (4, 3), (1, 0), (-1, 2)])
def test_shares_that_are_none(model, run, tmp_path, shard):
    with pytest.raises(InputError, match="shard has to be one of"):
        Screening(model, run, tmp_path).run(shard=shard)


def test_another_screening_is_told_apart(model, run, run_folder, tmp_path):
    """Another model, other frames, another mask, a file that has changed."""
    Screening(model, run, tmp_path).run(shard=(1, 6))
    other = train(run[:40], method="peaks", crop=160)
    copy = tmp_path / "run.h5"
    copy.write_bytes((run_folder / "run.h5").read_bytes())
    copied = open_frames(copy, mask=run.mask)
    Screening(model, copied, tmp_path).run(shard=(1, 6))
    assert Screening(model, copied, tmp_path).n_done == 1
    os.utime(copy, ns=(1, 1))
    mask = run.mask.copy()
    mask[:8] = False
    for screening in (
        Screening(model, run, tmp_path, peaks=False),
        Screening(other, run, tmp_path),
        Screening(model, run[::-1], tmp_path),
        Screening(model, run[:-1], tmp_path),
        Screening(model, open_frames(run_folder / "run.h5", mask=mask), tmp_path),
        Screening(model, open_frames(run_folder / "run.h5"), tmp_path),
        Screening(model, copied, tmp_path),
    ):
        assert screening.n_done == 0
    assert Screening(model, run, tmp_path).n_done == 1


def test_a_mask_for_each_frame_is_known(model, run, tmp_path):
    masks = np.repeat(run.mask[np.newaxis], N_FRAMES, axis=0)
    path = run.sources[0].path
    Screening(model, open_frames(path, mask=masks), tmp_path).run(shard=(1, 6))
    assert Screening(model, open_frames(path, mask=masks), tmp_path).n_done == 1
    masks[0, 0, 0] ^= True
    assert Screening(model, open_frames(path, mask=masks), tmp_path).n_done == 0


def test_frames_of_no_file_have_no_journal(model, run, tmp_path):
    with pytest.raises(InputError, match="come from no file"):
        Screening(model, open_frames(np.asarray(run[:4])), tmp_path)


def test_a_journal_forgotten_long_ago_is_removed(model, run, tmp_path):
    Screening(model, run, tmp_path).run(shard=(1, 6))
    (old,) = (tmp_path / ".sfx" / "parts").iterdir()
    other = Screening(model, run[::-1], tmp_path)
    other.run(shard=(1, 6))
    other.remove()
    assert parts_in(tmp_path) != []
    os.utime(old, (1, 1))
    other.run(shard=(1, 6))
    other.remove()
    assert parts_in(tmp_path) == []


SCRIPT = """
    import os, signal, sys
    import numpy as np
    from sklearn_sfx import open_frames
    from sklearn_sfx.screening import Screening, _parts, load_screening_model

    _parts.PART = 16
    folder, kept, after = sys.argv[1:]
    savez, written = np.savez, []

    def killed(file, **columns):
        if len(written) == int(after):
            file.write(b"half of a part")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        written.append(file)
        savez(file, **columns)

    np.savez = killed
    model = load_screening_model(folder + "/model.joblib")
    Screening(model, open_frames(folder + "/run.h5", missing="on_read"), kept).run()
"""


def test_a_killed_process_leaves_nothing_but_its_parts(damaged_folder, tmp_path):
    """Killed while a part is half written."""
    call = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(damaged_folder), str(tmp_path), "2"]
    done = subprocess.run(call, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    model = load_screening_model(damaged_folder / "model.joblib")
    run = open_frames(damaged_folder / "run.h5", missing="on_read")
    screening = Screening(model, run, tmp_path)
    assert screening.n_done == 2  # another process finds them under the same key
    screening.run()
    with pytest.warns(match="3 of 80 frames cannot be read"):
        found, expected = screening.scores(), screen(model, run)
    assert_same(found, expected)
    screening.remove()
    assert list(tmp_path.iterdir()) == []
