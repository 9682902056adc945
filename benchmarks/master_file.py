"""Reading a run through a master file, beside the same frames in one plain file.

A run as a DECTRIS detector leaves it: a master with links and a virtual dataset over 20 files of
100 frames each, bitshuffle-LZ4. Whole frames, central crops, and single frames in any order are
read through the master, by its virtual dataset or by its links, and from a file that holds them
all; the passes take turns, each with the opening of the run. Memory is the peak of a process of
its own for each, above what it takes to open the run; a master of links takes some MiB more there,
since HDF5 has all files open for a moment.

    python -m benchmarks.master_file --frames 2000 --files 20 --side 1024 --repeats 5
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from benchmarks.speed.timing import interleave, paired_ratios, timed
from sklearn_sfx import CentralCrop, Frames, open_frames

KINDS = ("plain", "virtual", "links")


def write_chunks(path: Path, name: str, n_frames: int, frames: np.ndarray) -> None:
    """Write as many frames as wanted, over and over the same, without compressing them anew."""
    shape = (n_frames, *frames.shape[1:])
    with h5py.File(path, "w") as file:
        few = file.create_dataset(
            "few", data=frames, chunks=(1, *shape[1:]), **hdf5plugin.Bitshuffle()
        )
        chunks = [few.id.read_direct_chunk((i, 0, 0))[1] for i in range(len(frames))]
        many = file.create_dataset(
            name, shape, frames.dtype, chunks=(1, *shape[1:]), **hdf5plugin.Bitshuffle()
        )
        for number in range(n_frames):
            many.id.write_direct_chunk((number, 0, 0), chunks[number % len(chunks)])
        del file["few"]


def write_run(folder: Path, n_frames: int, n_files: int, side: int) -> None:
    """Write the plain file, the data files, and two masters."""
    frames = np.random.default_rng(0).poisson(2.0, (8, side, side)).astype(np.uint16)
    write_chunks(folder / "plain.h5", "entry/data/data", n_frames, frames)
    each = n_frames // n_files
    layout = h5py.VirtualLayout((n_frames, side, side), frames.dtype)
    names = [f"run_data_{number:06d}.h5" for number in range(1, n_files + 1)]
    for number, name in enumerate(names):
        shifted = np.roll(frames, -(number * each) % len(frames), axis=0)
        write_chunks(folder / name, "entry/data/data", each, shifted)
        source = h5py.VirtualSource(name, "entry/data/data", (each, side, side))
        layout[number * each : (number + 1) * each] = source
    for kind in ("virtual", "links"):
        with h5py.File(folder / f"{kind}.h5", "w", libver="latest") as file:
            file["entry/definition"] = "NXmx"
            file["entry"].attrs["NX_class"] = "NXentry"
            for number, name in enumerate(names, start=1):
                link = h5py.ExternalLink(name, "/entry/data/data")
                file[f"entry/data/data_{number:06d}"] = link
            if kind == "virtual":
                file.create_virtual_dataset("entry/data/data", layout)


def read_whole(frames: Frames) -> int:
    """Read every frame, block by block."""
    return sum(int(block[:, 0, 0].sum()) for block in frames.blocks())


def read_crops(frames: Frames) -> int:
    """Read the middle of every frame."""
    crops = CentralCrop(frames.shape[1] // 3).fit_transform(frames)
    return sum(int(block[:, 0, 0].sum()) for block in crops.blocks())


def read_shuffled(frames: Frames) -> int:
    """Read the middle of single frames in any order."""
    crops = CentralCrop(frames.shape[1] // 3).fit_transform(frames)
    order = np.random.default_rng(1).permutation(len(frames))
    return sum(int(crops[row][0, 0]) for row in order)


def open_and_read(read: Callable[[Frames], int], path: Path) -> None:
    """Do all that a user waits for."""
    read(open_frames(path))


READINGS = {"whole": read_whole, "crops": read_crops, "shuffled": read_shuffled}


def peak_memory(path: Path, reading: str) -> tuple[float, float]:
    """Return the peak of a process that opens and reads a run, in MiB, and what was put on top."""
    command = [sys.executable, "-m", "benchmarks.master_file", "--peak", str(path), reading]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak, on_top = map(float, done.stdout.split())
    return peak, on_top


def print_peak(path: Path, reading: str) -> None:
    """Print the peak of this process, and its growth by opening and reading a run."""
    CentralCrop(64).fit_transform(np.ones((2, 70, 70), np.uint16))
    with h5py.File(path) as file:  # what HDF5 takes once
        list(file)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew, as far as Linux has it
    before = peak_of_process()
    READINGS[reading](open_frames(path))
    print(peak_of_process(), peak_of_process() - before)


def peak_of_process() -> float:
    """Return the most memory that this process has held, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Write the run, read it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak:
        print_peak(Path(args.peak[0]), args.peak[1])
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_run(folder, args.frames, args.files, args.side)
        print(f"{args.frames} frames of {args.side} x {args.side}, {args.files} files")
        for reading, read in READINGS.items():
            paths = {kind: folder / f"{kind}.h5" for kind in KINDS}
            sums = {kind: read(open_frames(path)) for kind, path in paths.items()}
            assert len(set(sums.values())) == 1, sums
            passes = {
                kind: timed(partial(open_and_read, read, path)) for kind, path in paths.items()
            }
            seconds = interleave(passes, args.repeats)
            peaks = {kind: peak_memory(path, reading) for kind, path in paths.items()}
            for kind, (peak, on_top) in peaks.items():
                ratios = paired_ratios(seconds[kind], seconds["plain"])
                per_frame = statistics.median(seconds[kind]) / args.frames * 1e3
                print(
                    f"{reading:9} {kind:8} {per_frame:7.3f} ms a frame, "
                    f"{statistics.median(ratios):.3f} times the plain file, "
                    f"peak {peak:.1f} MiB, {peak / peaks['plain'][0]:.3f} times, "
                    f"{on_top:.1f} MiB on top"
                )


if __name__ == "__main__":
    main()
