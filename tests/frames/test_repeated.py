"""Files that are given beside another file that leads to them are read once, or refused."""

import h5py
import numpy as np
import pytest

from sklearn_sfx import open_frames
from sklearn_sfx.exceptions import RepeatedFramesWarning


def test_files_behind_a_given_one_are_read_once(halves):
    path, values = halves
    with pytest.warns(RepeatedFramesWarning, match="each frame is read once, by run.h5"):
        run = open_frames(path.parent / "*.h5")
    np.testing.assert_array_equal(run, values)
    assert {source.path for source in run.sources} == {str(path)}


def test_linked_files_beside_their_master_are_read_once(tmp_path, write_part, ramp):
    for i in (1, 2):
        write_part(tmp_path / f"run_data_{i:06}.h5", ramp(3, start=i), "entry/data/data")
    with h5py.File(tmp_path / "run_master.h5", "w") as file:
        for i in (1, 2):
            target = h5py.ExternalLink(f"run_data_{i:06}.h5", "entry/data/data")
            file[f"entry/data/data_{i:06}"] = target
    with pytest.warns(RepeatedFramesWarning):
        assert len(open_frames(tmp_path / "run_*.h5")) == 6


def test_a_file_of_which_another_has_a_part_is_refused_beside_it(halves, refused):
    path, _ = halves
    refused([path, path.parent / "part1.h5"], "leads to", "only one of them")
