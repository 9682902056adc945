"""A few files of each format damaged at random; ``python -m benchmarks.damage`` tries many."""

import sys

import numpy as np
import pytest

from benchmarks.damage.cases import CASES
from benchmarks.damage.mutants import mutants
from benchmarks.damage.outcomes import ALLOWED, outcomes, same

for package in ("fabio", "extra_data"):
    pytest.importorskip(package, reason="needs the extras [images] and [euxfel]")


@pytest.mark.parametrize("case", list(CASES))
def test_damaged_files_are_refused_or_read_as_others_read_them(tmp_path, case):
    suffix, write, _ = CASES[case]
    np.save(tmp_path / "original.npy", write(tmp_path / f"original{suffix}"))
    data = (tmp_path / f"original{suffix}").read_bytes()
    done = {}
    for number, (what, changed) in enumerate(mutants(data, 20, seed=2)):
        done[f"{number}{suffix}"] = what
        (tmp_path / f"{number}{suffix}").write_bytes(changed)
    found = outcomes(tmp_path, case, list(done))
    assert set(found) == set(done)
    assert {done[name]: said for name, said in found.items() if said not in ALLOWED} == {}


def test_the_same_seed_damages_the_same():
    data = b"{\nHEADER_BYTES=  512;\n" * 100
    first, second = (list(mutants(data, 40, seed=1)) for _ in range(2))
    assert first == second
    assert len({changed for _, changed in first} - {data}) > 30


@pytest.mark.parametrize("value", ["wrong", "raises", "ends the process"])
def test_what_is_not_allowed_is_seen(tmp_path, monkeypatch, value):
    assert not any(said.startswith(value) for said in ALLOWED)


def test_frames_are_compared_by_value():
    image = np.arange(6).reshape(2, 3)
    assert same(image, image[np.newaxis].astype(float))
    assert not same(image, image + 1)
    assert not same(image, image.T)
    assert not same(image, None)
    assert same(np.array([[np.nan, 1.0]]), np.array([[np.nan, 1.0]]))


def test_a_process_that_ends_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.damage.outcomes.sys.executable", sys.executable)
    np.save(tmp_path / "original.npy", np.zeros((2, 3)))
    found = outcomes(tmp_path, "no such case", ["a", "b"])
    assert all(said.startswith("ends the process with 1") for said in found.values())
