"""A run of which some frames are damaged, each in one of three ways."""

import h5py
import hdf5plugin
import numpy as np

from sklearn_sfx import make_sfx_frames

SIDE = 160  # less is behind the beam stop


def write_runs(folder, n_frames, gone):
    """Write ``whole.h5``, and ``run.h5`` without some frames: overwritten, cut, no chunk."""
    frames = make_sfx_frames(n_frames, frame_shape=(SIDE, SIDE), random_state=0)
    pixels = np.asarray(frames.data)
    for name, lost in (("whole.h5", []), ("run.h5", gone)):
        with h5py.File(folder / name, "w") as file:
            data = file.create_dataset(
                "entry/data/data",
                pixels.shape,
                pixels.dtype,
                chunks=(1, SIDE, SIDE),
                **hdf5plugin.Bitshuffle(),
            )
            for row, frame in enumerate(pixels):
                if row not in lost:
                    data[row] = frame
            for kind, row in enumerate(lost):
                chunk = data.id.read_direct_chunk((0, 0, 0))[1]
                if kind % 3 == 0:
                    data.id.write_direct_chunk((row, 0, 0), b"\xff" * len(chunk))
                elif kind % 3 == 1:
                    data.id.write_direct_chunk((row, 0, 0), chunk[: len(chunk) // 2])
