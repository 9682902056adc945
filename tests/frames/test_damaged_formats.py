"""A few files of each format damaged at random; ``python -m benchmarks.damage`` tries many."""

import subprocess

import numpy as np
import pytest

from benchmarks.damage.cases import CASES
from benchmarks.damage.judgement import ALLOWED, judge, same
from benchmarks.damage.layouts import layouts, read_datasets
from benchmarks.damage.mutants import damage, damage_folder
from benchmarks.damage.outcomes import every_case, outcomes_of, summary, try_cases
from sklearn_sfx import InputError

LAYOUTS = layouts()
TRIED = [*CASES, "nxmx-virtual-and-links", "odin"]  # the others are tried by the benchmark


@pytest.fixture(scope="module")
def outcomes():
    """Return what was done to runs of each format and what came of it, in a process for all."""
    for package in ("fabio", "extra_data"):
        pytest.importorskip(package, reason="needs the extras [images] and [euxfel]")
    every = every_case()
    return try_cases({name: every[name] for name in TRIED}, 20, seed=2)


@pytest.mark.parametrize("name", TRIED)
def test_damaged_files_are_refused_or_read_as_others_read_them(outcomes, name):
    assert len(outcomes[name]) == 20
    assert [pair for pair in outcomes[name] if pair[1] not in ALLOWED] == []


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_what_is_not_damaged_is_right(tmp_path, name):
    case = LAYOUTS[name]
    written = case.write(tmp_path / "run.h5")
    assert judge(tmp_path / "run.h5", written, case.read) == "right"


def test_the_same_seed_damages_the_same(tmp_path):
    data = b"{\nHEADER_BYTES=  512;\n" * 100
    damaged = [[bytearray(data) for _ in range(40)] for _ in range(2)]
    done = [[damage(d, np.random.default_rng(i)) for i, d in enumerate(part)] for part in damaged]
    assert damaged[0] == damaged[1]
    assert done[0] == done[1]
    assert len({bytes(changed) for changed in damaged[0]} - {data}) > 30


def test_one_file_of_several_is_damaged(tmp_path):
    for name in "abc":
        (tmp_path / name).write_bytes(bytes(1000))
    done = damage_folder(tmp_path, np.random.default_rng(0))
    changed = [file.name for file in tmp_path.iterdir() if file.read_bytes() != bytes(1000)]
    assert len(changed) <= 1
    assert done[0] in "abc"


@pytest.fixture
def npy(tmp_path):
    """Return what a .npy file is judged as, given frames in it, written ones, and a reference."""

    def judged(frames, written, reference=None):
        np.save(tmp_path / "run.npy", frames)
        return judge(tmp_path / "run.npy", written, lambda _: reference)

    return judged


def test_wrong_numbers_are_seen(npy):
    written = np.arange(2 * 9 * 9).reshape(2, 9, 9)
    assert npy(written, written) == "right"
    changed = written.copy()
    changed[1, 4, 4] += 1
    assert npy(changed, written).startswith("wrong: frame 1")
    assert npy(changed, written, changed) == "as the reference"
    assert npy(changed, written, [np.zeros((3, 9, 9)), changed[:, :3]]).startswith("wrong")
    assert npy(changed, written, [changed.reshape(6, 3, 9)]) == "as the reference"  # modules
    assert npy(changed[::-1], written, written).startswith("wrong: frame 0")
    assert npy(written[:, :, ::-1], written).startswith("wrong")
    assert npy(np.concatenate([written, written]), written).startswith("wrong: frame 2")
    assert npy(written[:1], written).startswith("wrong: 1 frames of 2")
    assert npy(written[:1], written, written[:1]) == "right"


def test_what_is_no_sentence_is_a_fault(tmp_path, monkeypatch):
    written = np.ones((1, 9, 9))
    np.save(tmp_path / "run.npy", written)
    for fault, outcome in ((KeyError("a"), "raises: KeyError"), (MemoryError(), "raises: Mem")):

        def broken(*_, fault=fault, **__):
            raise fault

        monkeypatch.setattr("sklearn_sfx.open_frames", broken)
        assert judge(tmp_path / "run.npy", written, np.load).startswith(outcome)


def test_frames_are_compared_by_value():
    image = np.arange(6.0).reshape(2, 3)
    assert same(image, image.astype(int))
    assert not same(image, image + 1)
    assert not same(image, image.T)
    assert not same(image, None)
    gap = np.array([[np.nan, 1.0]])
    assert same(gap, gap)
    assert not same(gap, np.array([[2.0, 1.0]]))
    assert same(gap, np.array([[2.0, 1.0]]), "nan")


def test_a_process_that_ends_is_reported(tmp_path):
    for number, frames in {"whole": np.ones((2, 9, 9)), "0": np.ones((2, 9, 9)), "1": [1]}.items():
        (tmp_path / "npy" / number).mkdir(parents=True)
        np.save(tmp_path / "npy" / number / "run.npy", frames)
    np.save(tmp_path / "npy" / "written.npy", np.ones((2, 9, 9)))
    found = outcomes_of([("npy", 0), ("no such case", 0), ("npy", 1)], tmp_path)
    assert [found[0], found[2]] == ["right", "refused"]
    assert found[1].startswith("crash: 1")
    assert summary(found) == {"right": 1, "crash": 1, "refused": 1}
    assert "crash" not in ALLOWED


@pytest.mark.parametrize(("others", "outcome"), [(-14, "ends as others do"), (0, "slow: more")])
def test_what_takes_too_long_is_a_fault_unless_others_hang_too(
    monkeypatch, tmp_path, others, outcome
):
    def ended(command, **_):
        code = others if command[-1] == "others" else -14  # by the alarm
        stdout = '"right"\n' if code and command[-3] == "0" else ""
        return subprocess.CompletedProcess(command, code, stdout, "")

    monkeypatch.setattr("benchmarks.damage.outcomes.subprocess.run", ended)
    found = outcomes_of([("npy", 0), ("npy", 1)], tmp_path)
    assert found[0] == "right"
    assert found[1].startswith(outcome)


def test_h5py_is_asked_for_every_dataset(tmp_path):
    written = LAYOUTS["nxmx-links"].write(tmp_path / "run.h5")
    read = np.concatenate([part for part in read_datasets(tmp_path / "run.h5") if part.ndim == 3])
    for frame in written:
        assert any(same(frame, other) for other in read if other.shape == frame.shape)


def test_a_wrong_crop_is_a_fault_unless_the_whole_is_refused(tmp_path, monkeypatch):
    written = np.arange(2 * 16 * 16.0).reshape(2, 16, 16)
    crops = written[:, 4:12, 4:12].copy()
    crops[1, 0, 0] = -1
    gone = written.copy()
    gone[1] = np.nan
    for whole, outcome in ((written, "wrong: a crop"), (gone, "unseen in a crop")):

        def read(path, missing, whole=whole):
            if missing == "raise":
                raise InputError("Frame 1 is damaged.")
            return whole, crops

        monkeypatch.setattr("benchmarks.damage.judgement._read", read)
        assert judge(tmp_path, written, np.load) == outcome
