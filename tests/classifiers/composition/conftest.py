"""A run in a file."""

import h5py
import pytest

from sklearn_sfx.frames import open_frames


@pytest.fixture(scope="module")
def run(spotted, tmp_path_factory):
    """Return the frames with spots as a lazy run in a file, and labels."""
    path = tmp_path_factory.mktemp("run") / "run.h5"
    with h5py.File(path, "w") as file:
        file["entry/data"] = spotted[0]
    return open_frames(path), spotted[2]
