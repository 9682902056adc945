"""Assembling the modules of a detector, beside reading them.

Frames of 16 modules in a plain file, bitshuffle-LZ4 or not compressed, and a geometry that puts
the modules into four quadrants, all turned by 90 degrees and a little. Whole frames and central
crops are read as they are stacked, and assembled, by one thread. The passes take turns, each with
the opening of the run; what is compared is the least processor time of each.

    python -m benchmarks.assembly --frames 200 --repeats 5
"""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from benchmarks.speed.timing import interleave, timed
from sklearn_sfx import CentralCrop, open_frames

N_MODULES, HEIGHT, WIDTH = 16, 512, 128
TILT = 0.002
CROP = 724


def write_frames(path: Path, n_frames: int, packed: bool) -> None:
    """Write counts of a smooth background."""
    few = np.random.default_rng(0).poisson(30, (8, N_MODULES, HEIGHT, WIDTH)).astype("u2")
    frames = np.resize(few, (n_frames, *few.shape[1:]))
    filters = hdf5plugin.Bitshuffle() if packed else {}
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=frames, chunks=(1, N_MODULES, HEIGHT, WIDTH), **filters)


def write_geometry(path: Path) -> None:
    """Write four quadrants of four modules each, about a hole for the beam."""
    lines = ["clen = 0.2", "res = 5000", "adu_per_photon = 1", "data = /data"]
    lines += ["dim0 = %", "dim2 = ss", "dim3 = fs"]
    for number in range(N_MODULES):
        quadrant, place = divmod(number, 4)
        left = -540 if quadrant in (0, 1) else 20
        top = -600 + place * 145 if quadrant in (0, 2) else 30 + place * 145
        lines += [
            f"p{number}/dim1 = {number}",
            *(f"p{number}/min_{axis} = 0" for axis in ("fs", "ss")),
            f"p{number}/max_fs = {WIDTH - 1}",
            f"p{number}/max_ss = {HEIGHT - 1}",
            f"p{number}/corner_x = {left}",
            f"p{number}/corner_y = {top}",
            f"p{number}/ss = +1.0x +{TILT}y",
            f"p{number}/fs = -{TILT}x +1.0y",
        ]
    path.write_text("\n".join(lines) + "\n")


def read_stacked(path: Path) -> None:
    """Read every frame as its modules are stacked."""
    for _ in open_frames(path).blocks():
        pass


def read_assembled(path: Path, geometry: Path) -> None:
    """Read every frame assembled, as the file's numbers."""
    for _ in open_frames(path, geometry=geometry).as_stored().blocks():
        pass


def read_crop(path: Path, geometry: Path) -> None:
    """Read the part about the beam, assembled and masked."""
    frames = open_frames(path, geometry=geometry)
    for _ in CentralCrop(CROP, center="beam").fit_transform(frames).blocks():
        pass


def main() -> None:
    """Write the frames, read them, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        geometry = Path(name) / "det.geom"
        write_geometry(geometry)
        for packed in (True, False):
            path = Path(name) / f"packed_{packed}.h5"
            write_frames(path, args.frames, packed)
            passes = {
                "stacked": partial(read_stacked, path),
                "assembled": partial(read_assembled, path, geometry),
                "crop": partial(read_crop, path, geometry),
            }
            passes = {kind: timed(work, time.process_time) for kind, work in passes.items()}
            least = {k: min(times) for k, times in interleave(passes, args.repeats).items()}
            print("bitshuffle-LZ4" if packed else "not compressed")
            for kind, seconds in least.items():
                per_frame, ratio = seconds / args.frames * 1e3, seconds / least["stacked"]
                print(f"  {kind:10} {per_frame:6.2f} ms a frame, {ratio:.2f} times the reading")


if __name__ == "__main__":
    main()
