"""Compare simulated frames with real ones, detector by detector.

Prints, for each of three real detectors, what is measured on its real frames beside what is
measured, by the same code, on frames of the simulated domain that stands for it: the level of the
background and how it falls off, its noise, the spots (how many, how high above the noise, how
wide), and what RowWiseDecomposition makes of the central 724 x 724 pixels.

    python benchmarks/simulator_realism.py --data ../shared/data/real
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (registers the filters that the files need)
import numpy as np
from scipy import ndimage

from sklearn_sfx.datasets import make_sfx_frames

RADII = (100, 300, 600, 900)  # pixels from the middle of the frame
CROP = 724


def read_real(folder: Path) -> list[tuple[str, str, list, np.ndarray]]:
    """(name, domain that stands for it, [(what, frame)], mask) for each real detector."""
    with h5py.File(folder / "rayonix_mfx.h5") as file:
        rayonix = file["data/chunk_0000000/images"][0]
    with h5py.File(folder / "rayonix_mfx_mask.h5") as file:
        rayonix_mask = file["mask"][()]
    with h5py.File(folder / "thaumatin_grid.cxi") as file:
        pilatus = file["entry_1/data_1/data"][()]
        pilatus_mask = file["entry_1/data_1/mask"][()] == 0
        labels = [label.decode() for label in file["labels"][()]]
    with h5py.File(folder / "thermolysin_cspad.cxi") as file:
        cspad = file["entry_1/data_1/data"][()]
    frames = list(zip(labels, pilatus, strict=True))
    return [
        ("Rayonix MX340", "MFX", [("HIT", rayonix)], rayonix_mask),
        ("Pilatus3 6M", "grid scan", frames, pilatus_mask),
        (
            "CSPAD slab",
            "CSPAD slab",
            [("HIT", frame) for frame in cspad],
            np.ones(cspad.shape[1:], bool),
        ),
    ]


def simulate(domain: str, n_frames: int, seed: int) -> tuple[list, np.ndarray]:
    """Hits and misses of a domain, half and half, with its mask."""
    run = make_sfx_frames(12 * n_frames, domain=domain, hit_rate=0.5, random_state=seed)
    frames = []
    for label in ("HIT", "MISS"):
        for position in np.flatnonzero(run.labels == label)[:n_frames]:
            frames.append((label, run.data[int(position)]))
    return frames, run.mask


def local(
    image: np.ndarray, usable: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and standard deviation over the usable pixels of a square, and how many there are."""
    filled = np.where(usable, image, 0.0)
    count = ndimage.uniform_filter(usable.astype(float), size) * size**2
    total = ndimage.uniform_filter(filled, size) * size**2
    square = ndimage.uniform_filter(filled**2, size) * size**2
    count = np.maximum(np.rint(count), 1)
    return total / count, np.sqrt(np.maximum(square / count - (total / count) ** 2, 0)), count


def measure_background(image: np.ndarray, usable: np.ndarray) -> dict[str, float]:
    """Level at some radii, and the noise between pixels four apart and one apart."""
    rows, columns = image.shape
    radius = np.hypot(*np.ogrid[-rows / 2 : rows / 2, -columns / 2 : columns / 2])[:rows, :columns]
    row = {}
    for middle in RADII:
        ring = usable & (np.abs(radius - middle) < 5)
        row[f"level at {middle} px"] = image[ring].mean() if ring.any() else np.nan
    level, far, near = [], [], []
    for top in range(0, rows - 40, 40):
        for left in range(0, columns - 44, 40):
            box = image[top : top + 40, left : left + 44]
            if usable[top : top + 40, left : left + 44].mean() < 0.95:
                continue
            level.append(np.median(box))
            far.append(_trimmed_variance(box[:, 4:] - box[:, :-4]))
            near.append(_trimmed_variance(box[:, 1:] - box[:, :-1]))
    level, far, near = np.array(level), np.array(far), np.array(near)
    row["variance / level"] = np.median(far / np.maximum(level, 0.2))
    row["neighbour correlation"] = np.median(1 - near / np.maximum(far, 1e-6))
    return row


def _trimmed_variance(difference: np.ndarray) -> float:
    low, high = np.percentile(difference, [0.5, 99.5])
    kept = difference[(difference >= low) & (difference <= high)]
    return kept.var() / 2


def measure_spots(image: np.ndarray, usable: np.ndarray) -> dict[str, float]:
    """Local maxima that stand out from the ring around them by more than 8 times its spread."""
    outer_mean, outer_sd, outer_n = local(image, usable, 13)
    inner_mean, inner_sd, inner_n = local(image, usable, 7)
    n = np.maximum(outer_n - inner_n, 1)
    mean = (outer_mean * outer_n - inner_mean * inner_n) / n
    square = outer_n * (outer_sd**2 + outer_mean**2) - inner_n * (inner_sd**2 + inner_mean**2)
    sd = np.sqrt(np.maximum(square / n - mean**2, 0.05))
    height = np.where(usable, image - mean, 0)
    top = ndimage.maximum_filter(np.where(usable, image, -np.inf), 5)
    peaks = (height > 8 * sd) & (image == top) & (outer_n > 120)
    peaks[:4], peaks[-4:], peaks[:, :4], peaks[:, -4:] = False, False, False, False
    found, width, single = [], [], 0
    for r, c in zip(*np.nonzero(peaks), strict=True):
        patch = image[r - 3 : r + 4, c - 3 : c + 4] - mean[r, c]
        area = np.count_nonzero(patch > patch[3, 3] / 2)
        if area == 1 and np.sort(patch[2:5, 2:5].ravel())[-2] < 0.2 * patch[3, 3]:
            single += 1  # nothing beside it: a bad pixel or a stray photon
            continue
        found.append(height[r, c] / sd[r, c])
        width.append(np.sqrt(4 / np.pi * area))
    found = np.array(found) if found else np.array([np.nan])
    return {
        "spots": len(width),
        "spot height / noise, median": np.median(found),
        "spot height / noise, 95th percentile": np.percentile(found, 95),
        "spot FWHM in pixels": np.median(width) if width else np.nan,
        "lone bright pixels": single,
    }


def measure_rwd(image: np.ndarray, usable: np.ndarray) -> dict[str, float]:
    """GCN, LCN(5, floor=1) and RWD of the crop."""
    top, left = ((length - CROP) // 2 for length in image.shape)
    image, usable = (part[top : top + CROP, left : left + CROP] for part in (image, usable))
    spread = image[usable].std()
    mean, sd, _ = local(image, usable, 5)
    out = np.where(usable, (image - mean) / np.maximum(sd, spread), np.nan)[2:-2, 2:-2]
    out = out[np.isfinite(out).any(axis=1)]
    rows = np.nanmax(out, axis=1) - np.nanmin(out, axis=1)
    return {
        "RWD, 5th percentile": np.percentile(rows, 5),
        "RWD, median": np.median(rows),
        "RWD, 95th percentile": np.percentile(rows, 95),
        "RWD, standard deviation": rows.std(),
    }


def measure(frames: list, usable: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Every measurement of every frame, by label."""
    result: dict[str, dict[str, list]] = {}
    for label, frame in frames:
        image = frame.astype(np.float64)
        row = {
            **measure_background(image, usable),
            **measure_spots(image, usable),
            **measure_rwd(image, usable),
        }
        for name, value in row.items():
            result.setdefault(label, {}).setdefault(name, []).append(value)
    return {
        label: {name: np.array(values) for name, values in rows.items()}
        for label, rows in result.items()
    }


def _range(values: np.ndarray | None) -> str:
    if values is None or not np.isfinite(values).any():
        return "-"
    values = values[np.isfinite(values)]
    if len(values) == 1 or np.ptp(values) < 1e-9:
        return f"{values[0]:.3g}"
    return f"{np.median(values):.3g} ({values.min():.3g} to {values.max():.3g})"


def print_table(name: str, domain: str, real: dict, simulated: dict) -> None:
    for label in real:
        print(f"\n{name}, {label}: real frames beside the domain {domain!r}")
        print(f"{'':38} {'real':>26} {'simulated':>28}")
        for row in real[label]:
            print(
                f"{row:38} {_range(real[label][row]):>26} {_range(simulated[label].get(row)):>28}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data/real"), help="real frames"
    )
    parser.add_argument("--frames", type=int, default=5, help="simulated frames of each label")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not (options.data / "rayonix_mfx.h5").exists():
        sys.exit(f"There are no real frames in {options.data}; say where they are with --data.")
    for name, domain, frames, usable in read_real(options.data):
        simulated, mask = simulate(domain, options.frames, options.seed)
        print_table(name, domain, measure(frames, usable), measure(simulated, mask))


if __name__ == "__main__":
    main()
