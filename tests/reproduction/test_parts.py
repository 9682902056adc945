"""Splits, thresholds and keys: known answers."""

import numpy as np
import pytest

from sklearn_sfx import InputError
from sklearn_sfx.datasets import read_annotation, read_spot_counts
from sklearn_sfx.reproduction import _runs, _scale, split, wilson
from sklearn_sfx.reproduction._cells import PARTS, cells_of
from sklearn_sfx.reproduction._metrics import FEW_HITS, METRICS, counted, summarized
from sklearn_sfx.reproduction._study import Study


def test_one_seed_has_its_own_counts():
    counts = counted([1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0])
    assert counts == {"found": 2, "lost": 1, "kept": 1, "left": 3}
    found = summarized([counts])
    assert found["recall"] == pytest.approx((2 / 3, *wilson(2, 3)))
    assert found["precision"] == pytest.approx((2 / 3, *wilson(2, 3)))
    assert found["accuracy"] == pytest.approx((5 / 7, *wilson(5, 7)))


def test_seeds_are_averaged_and_their_counts_pooled():
    one = {"found": 9, "lost": 1, "kept": 0, "left": 10}
    two = {"found": 0, "lost": 10, "kept": 0, "left": 10}
    found = summarized([one, two])
    assert found["recall"] == pytest.approx((0.45, *wilson(9, 20)))
    # The second seed keeps nothing, so it has no precision.
    assert found["precision"] == pytest.approx((1.0, *wilson(9, 9)))
    assert str(summarized([two])["precision"]) == "-"


def test_precision_where_hits_are_few():
    found = summarized([{"found": 90, "lost": 10, "kept": 5, "left": 95}])[FEW_HITS]
    assert found.value == pytest.approx(5 * 0.9 / (5 * 0.9 + 95 * 0.05))  # of a hundred frames
    assert 0.2 < found.low < found.value < found.high < 0.8
    nothing = summarized([{"found": 0, "lost": 9, "kept": 0, "left": 9}])[FEW_HITS]
    no_misses = summarized([{"found": 9, "lost": 1, "kept": 0, "left": 0}])[FEW_HITS]
    assert np.isnan([nothing.value, *no_misses]).all()


@pytest.mark.parametrize(
    ("few", "sequential", "sizes"),
    [
        (False, False, [1200, 400, 400]),
        (True, False, [200, 200, 1600]),
        (False, True, [1000, 400, 600]),
        (True, True, [200, 200, 1600]),
    ],
)
def test_splits_of_2000_frames(few, sequential, sizes):
    target = (np.arange(2000) % 5 == 0).astype(int)
    parts = split(target, few=few, sequential=sequential, seed=3)
    assert [len(rows) for rows in parts] == sizes
    every = np.concatenate(parts)
    assert np.array_equal(np.sort(every), np.arange(2000))
    if sequential:
        assert np.array_equal(every, np.arange(2000))
    else:
        assert [target[rows].mean() for rows in parts] == pytest.approx([0.2, 0.2, 0.2])
        assert np.array_equal(parts.test, split(target, few=few, seed=3).test)
        assert not np.array_equal(parts.test, split(target, few=few, seed=4).test)


def test_shorter_runs_are_split_in_proportion():
    target = np.tile([0, 1], 150)
    assert [len(rows) for rows in split(target, few=False)] == [180, 60, 60]
    assert [len(rows) for rows in split(target, few=True)] == [30, 30, 240]


def test_split_refuses_what_cannot_be_learned_from():
    with pytest.raises(InputError, match="all of one class"):
        split(np.arange(100) > 90, few=True, sequential=True)
    with pytest.raises(InputError, match="cannot be split"):
        split([0] * 20 + [1], few=True)


def test_cells_are_those_that_a_table_needs():
    assert {cell.experiment for cell in cells_of(["4"], 1)} == {"vectors"}
    assert len(cells_of(["4"], 3)) == 9
    # The bases of FineTuned are cells of their own, and come first.
    names = [cell.experiment for cell in cells_of(["3"], 1)]
    assert names == ["enough"] * 3 + ["fine_tuned"] * 6
    for_figures = {(cell.experiment, cell.where) for cell in cells_of(["figures"], 3)}
    pair = ("LN83", "LO19")
    assert for_figures == {("reversal", pair), ("enough", pair[:1]), ("embedding", pair)} | {
        ("examples", ())
    }
    assert len(cells_of(PARTS, 1)) == 3 * 3 + 3 * 6 + 3


def test_a_cell_is_kept_for_its_inputs_alone(tmp_path, monkeypatch):
    cell = ("few", ("LN84",), 0)
    quick = Study(tmp_path, _scale.QUICK)
    others = [
        Study(tmp_path, _scale.FULL),
        Study(tmp_path, _scale.QUICK, maybe="miss"),
        Study(tmp_path, _scale.QUICK, sequential=True),
    ]
    paths = {study.cell_path(*cell) for study in (quick, *others)}
    assert len(paths) == 4
    assert Study(tmp_path, _scale.QUICK).cell_path(*cell) == quick.cell_path(*cell)
    # The policy for MAYBE and the split change no frame.
    assert others[1].run_folder("LN84", 0) == quick.run_folder("LN84", 0)
    assert quick.run_folder("LN84", 1) != quick.run_folder("LN84", 0)
    monkeypatch.setattr("sklearn_sfx.reproduction._study.__version__", "99")
    assert quick.cell_path(*cell) not in paths


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("LN84", (0.699, 0.994, 0.857)),
        ("LN83", (0.858, 0.994, 0.970)),
        ("LO19", (0.806, 1.000, 0.915)),
    ],
)
def test_dials_is_as_published(shared_data, name, published):
    folder, least = shared_data / "cxidb76" / name, _runs.DIALS_SPOTS[name]
    for line in (folder / "dials_annotation.txt").read_text().splitlines():
        _, spots, verdict = line.split()
        assert (int(spots) >= least) == (verdict == "Hit")
    target = read_annotation(folder / "expert_annotation.txt").labels != "MISS"
    kept = read_spot_counts(folder / "dials_annotation.txt", 2000) >= least
    found = summarized([counted(target.astype(int), kept.astype(int))])
    assert [found[metric].value for metric in METRICS] == pytest.approx(published, abs=6e-4)
