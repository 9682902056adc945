"""Public sets of single particles, by files written in their layout."""

import h5py
import numpy as np
import pytest

from sklearn_sfx import open_frames
from sklearn_sfx.exceptions import InputError


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


def test_hits_of_cxidb_56_and_the_mask_of_the_detector_that_is_named(tmp_path):
    """Two CSPADs, assembled by Cheetah, with the fits of Owl beside those of the back."""
    path = tmp_path / "cxic9714-r0182.cxi"
    frames = np.random.default_rng(0).normal(0, 1, (6, 41, 42)).astype(np.float32)
    masks = np.zeros(frames.shape, np.uint16)
    masks[:, 2], masks[:, :, 5], masks[:, 7, 7] = 512, 128, 1 << 11  # missing, bad, corrected
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry_1")
        entry["image_1/data"], entry["image_1/mask"] = frames, masks
        entry["image_2/data"] = np.zeros((6, 174, 175), np.float32)
        entry["image_2/mask"] = np.zeros((6, 174, 175), np.uint16)
        entry["image_1/model/diameterNM"] = np.full(6, 40.0)
        entry["image_1/tags"] = np.zeros((2, 6), np.int8)
        entry["experiment_identifier"] = np.array([f"shot {i}" for i in range(6)], "S")
    with pytest.raises(InputError, match=r"entry_1/image_1/data.*entry_1/image_2/data.*dataset"):
        open_frames(path)
    back = open_frames(path, dataset="entry_1/image_1/data")
    usable = np.ones((41, 42), bool)
    usable[2], usable[:, 5] = False, False
    np.testing.assert_array_equal(back[3], np.where(usable, frames[3], np.nan))
    assert back.sources[3].identifier == "shot 3"
    assert open_frames(path, dataset="/entry_1/image_2/data").shape == (6, 174, 175)


def test_a_mask_is_asked_for_where_none_lies_beside_the_frames(tmp_path):
    path = tmp_path / "two.cxi"
    with h5py.File(path, "w") as file:
        file["entry_1/image_1/data"] = np.zeros((3, 20, 20))
        file["a/mask"], file["b/mask"] = np.zeros((20, 20), int), np.zeros((20, 20), int)
    with pytest.raises(InputError, match="several masks: /a/mask, /b/mask"):
        open_frames(path, dataset="entry_1/image_1/data")


def test_simulated_patterns_of_condor(tmp_path):
    path = tmp_path / "condor.cxi"
    patterns = np.random.default_rng(0).poisson(0.2, (4, 30, 31)).astype(float)
    masks = np.zeros(patterns.shape, np.uint16)
    masks[:, 10] = 512
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry_1/data_1")
        entry["data"], entry["mask"] = patterns, masks
        entry["data_fourier"] = np.zeros(patterns.shape, complex)
        file["source/pulse_energy"] = np.ones(4)
        file["particles/particle_00/extrinsic_quaternion"] = np.zeros((4, 4))
        file["detector/cx"] = np.full(4, 15.0)
    frames = open_frames(path)
    assert frames.facts.dataset == "/entry_1/data_1/data"
    assert np.isnan(frames[2][10]).all()
    np.testing.assert_array_equal(frames[2][11:], patterns[2][11:])
