"""Public sets of single particles, by files written in their layout."""

import h5py
import numpy as np

from sklearn_sfx import open_frames


def test_hits_of_cxidb_58(tmp_path):
    """Photons of the back pnCCD, 4 x 4 pixels as one, and the events that they come from."""
    path = tmp_path / "amo86615_186_PR772_single.h5"
    photons = np.random.default_rng(0).poisson(0.2, (6, 260, 257)).astype(np.int32)
    with h5py.File(path, "w") as file:
        file["photonConverter/pnccdBack/photonCount"] = photons
        file["photonConverter/eventTime"] = np.arange(6, dtype=np.uint64)
        file["photonConverter/fiducials"] = np.arange(6, dtype=np.int64)
    frames = open_frames(path)
    assert frames.facts.dataset == "/photonConverter/pnccdBack/photonCount"
    assert frames.shape == photons.shape
    np.testing.assert_array_equal(frames[[1, 4]], photons[[1, 4]])
