"""The spot finder of DIALS, on frames written as images that it reads.

Its settings are the defaults for pixel detectors: a spot has three pixels or more. (Of a CCD, which
the format says these are, it would ask for six.)
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from sklearn_sfx.frames import Frames

__all__ = ["dials_says_hit", "has_dials"]

SPOTS_OF_A_HIT = 10
PART = 50  # frames that one call is given
# The oldest of the formats that DIALS reads is the one that asks least of the frames.
HEADER = """{{
HEADER_BYTES=  512;
DIM=2;
BYTE_ORDER=little_endian;
TYPE=unsigned_short;
SIZE1={width};
SIZE2={height};
PIXEL_SIZE=0.1;
DISTANCE=200.0;
WAVELENGTH=1.0;
BEAM_CENTER_X={x:.1f};
BEAM_CENTER_Y={y:.1f};
OSC_START=0.0;
OSC_RANGE=0.1;
PHI=0.0;
TIME=0.1;
GAIN=1.0;
DETECTOR_SN=900;
DATE=Wed Jan 1 00:00:00 2020;
IMAGE_PEDESTAL={pedestal};
}}"""
LEVEL = 100  # what no light is written as, so that noise can be negative; masked pixels are 0


def has_dials() -> bool:
    """Say whether DIALS is installed."""
    return shutil.which("dials.find_spots") is not None


def dials_says_hit(frames: Frames) -> np.ndarray:
    """Return whether DIALS finds ten spots or more, of each frame imported as a still."""
    counts = []
    for start in range(0, len(frames), PART):
        with tempfile.TemporaryDirectory() as folder:
            part = np.asarray(frames[start : start + PART])
            for i, frame in enumerate(part):
                _write(frame, Path(folder, f"frame_{i + 1:05}.img"))
            counts += _count(Path(folder), len(part))
    return np.array(counts) >= SPOTS_OF_A_HIT


def _write(frame: np.ndarray, path: Path) -> None:
    height, width = frame.shape
    usable = np.isfinite(frame)
    counts = np.where(usable, frame + LEVEL, 0).clip(0, 65535).astype("<u2")
    header = HEADER.format(
        width=width, height=height, x=0.05 * width, y=0.05 * height, pedestal=LEVEL
    )
    path.write_bytes(header.ljust(512).encode() + counts.tobytes())


def _count(folder: Path, n_frames: int) -> list[int]:
    def call(*command: str) -> str:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr[-500:]}")
        return done.stdout

    images = sorted(path.name for path in folder.glob("*.img"))
    trusted = f"geometry.detector.panel.trusted_range={1 - LEVEL},{65535 - LEVEL}"
    call("dials.import", *images, "convert_sequences_to_stills=true", trusted)
    told = call(
        "dials.find_spots",
        "imported.expt",
        "nproc=1",
        "min_spot_size=3",
        "max_strong_pixel_fraction=1",
    )
    counts = [0] * n_frames
    for number, count in re.findall(r"for imageset (\d+):\n(\d+) spots found on 1 image", told):
        counts[int(number)] = int(count)
    return counts
