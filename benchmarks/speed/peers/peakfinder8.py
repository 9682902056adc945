"""Times OM's peakfinder8, in an environment of its own: see requirements.txt.

    python peakfinder8.py FRAMES.npy MASK.npy CENTRE_Y CENTRE_X

A line of JSON on standard input asks for one pass over all frames, such as
``{"part": "crop", "masked": false, "fast": false}``; the answer is a line with its seconds. One
such as ``{"file": "run.h5", "dataset": "frames", "table": "run.csv"}`` asks for a table of the
peaks of each frame of an HDF5 file.
"""

import csv
import json
import sys
import time
from importlib.metadata import version

import h5py
import hdf5plugin  # noqa: F401  (files are compressed with its filters)
import numpy as np
from om.algorithms._crystallography import peakfinder_8

CROP = slice(598, 1322)
MAX_PEAKS = 2048
PARAMETERS = {
    "adc_threshold": 100.0,
    "minimum_snr": 5.0,
    "min_pixel_count": 2,
    "max_pixel_count": 20,
    "local_bg_radius": 3,
}
PIXELS_PER_RADIUS = 100  # OM's default for its fast mode


def sample_radii(radius):
    """Choose the pixels from which the fast mode takes its statistics, as OM does."""
    rounded = np.rint(radius).astype(int).ravel()
    rng = np.random.default_rng(0)
    rings = np.split(np.argsort(rounded, kind="stable"), np.cumsum(np.bincount(rounded))[:-1])
    chosen = np.concatenate(
        [rng.permutation(ring)[:PIXELS_PER_RADIUS] for ring in rings], dtype=np.int32
    )
    return len(chosen), chosen, rounded[chosen].astype(np.int32)


class Part:
    """The frames, or their centre, with all that OM prepares once for a run."""

    def __init__(self, frames, mask, centre):
        rows, columns = np.indices(mask.shape)
        self.frames = np.ascontiguousarray(frames)
        self.masks = {False: np.ones(mask.shape, np.int8), True: mask.astype(np.int8)}
        self.radius = np.hypot(rows - centre[0], columns - centre[1]).astype(np.float32)
        self.samples = {False: (0, None, None), True: sample_radii(self.radius)}

    def count_peaks(self, masked, fast):
        """Return how many peaks each frame has."""
        return [self.count_in(frame, masked, fast) for frame in self.frames]

    def count_in(self, frame, masked=False, fast=False):
        """Return how many peaks one frame has."""
        height, width = self.radius.shape
        found = peakfinder_8(
            MAX_PEAKS,
            frame.astype(np.float32),
            self.masks[masked],
            self.radius,
            *self.samples[fast],
            int(fast),
            width,
            height,
            1,
            1,
            *PARAMETERS.values(),
        )
        return len(found[0])


def write_table(part, file, dataset, table):
    """Write how many peaks each frame of a file has; return the counts."""
    with h5py.File(file) as source:
        counts = [part.count_in(frame) for frame in source[dataset]]
    with open(table, "w", newline="") as rows:
        csv.writer(rows).writerows(enumerate(counts))
    return counts


def main():
    frames, mask = np.load(sys.argv[1]), np.load(sys.argv[2])
    centre = np.array(sys.argv[3:5], dtype=float)
    parts = {
        "full": Part(frames, mask, centre),
        "crop": Part(frames[:, CROP, CROP], mask[CROP, CROP], centre - CROP.start),
    }
    versions = {name: version(name) for name in ("ondamonitor", "numpy")}
    print(json.dumps({"parameters": PARAMETERS, "versions": versions}), flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        start = time.perf_counter()
        if "file" in wanted:
            counts = write_table(parts["full"], **wanted)
        else:
            counts = parts[wanted.pop("part")].count_peaks(**wanted)
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "n_peaks": counts}), flush=True)


if __name__ == "__main__":
    main()
