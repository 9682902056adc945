"""Screen twelve real frames with models that have seen simulated frames only.

No real label is used. Random experiments are simulated (photon counters and integrating
detectors, low and high backgrounds), one network is trained on all of them, and it screens the
frames of a Rayonix, a Pilatus and a CSPAD, the central 724 x 724 pixels of each. Beside it stand
what the peak-count baseline, trained on the same simulated frames, says, and `PeakHeightClassifier`
as it comes. From each real hit two more frames are made: all its peaks painted over (a miss of the
same detector) and all but six (a MAYBE).

    python benchmarks/unseen_detectors.py --data ../shared/data/real [--models 0]

With ``--models 0`` nothing is simulated, and only `PeakHeightClassifier` is asked.
"""

import argparse
import sys
import time
from pathlib import Path

import h5py
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx.classifiers import CNN1D, PeakCountClassifier, PeakHeightClassifier
from sklearn_sfx.datasets import make_sfx_frames, random_domains
from sklearn_sfx.frames import open_frames, read_mask
from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    CentralCrop,
    RowWiseDecomposition,
    find_peaks,
)

CROP = 724
# What the contrast is normalized by differs. "paper": the spread of the whole frame, so that a few
# bright pixels, or another detector, change everything. "local": the noise within 21 x 21 pixels
# and nothing else, so that vectors hold heights in units of the local noise on every detector.
PREPROCESSING = {
    "local": lambda: (LCN(21, floor=0.5), RowWiseDecomposition()),
    "paper": lambda: (GCN(), LCN(5), RowWiseDecomposition()),
}


def read_real(folder: Path) -> list[tuple[str, str, np.ndarray]]:
    """Name, label and central pixels (NaN where masked) of each real frame."""
    grid = folder / "thaumatin_grid.cxi"
    grid_mask = read_mask(grid, dataset="/entry_1/data_1/mask", bad_bits="any")
    with h5py.File(grid) as file:
        grid_labels = file["labels"][()].astype(str)
    runs = {
        "Rayonix": (
            open_frames(folder / "rayonix_mfx.h5", mask=read_mask(folder / "rayonix_mfx_mask.h5")),
            ["HIT"],
        ),
        "Pilatus": (open_frames(grid, mask=grid_mask), grid_labels),
        "CSPAD": (open_frames(folder / "thermolysin_cspad.cxi"), ["HIT", "HIT"]),
    }
    return [
        (f"{name} {i}", str(label), frame)
        for name, (frames, labels) in runs.items()
        for i, (label, frame) in enumerate(
            # As an array, of which nobody knows that the CSPAD's modules are upon each other.
            zip(labels, CentralCrop(CROP).fit_transform(np.asarray(frames)), strict=True)
        )
    ]


def paint_over(frame: np.ndarray, n_left: int) -> np.ndarray:
    """Replace the surroundings of all peaks but the `n_left` highest by pixels from beside them."""
    painted = frame.copy()
    for min_snr in (5.0,) if n_left else (5.0, 4.0):
        peaks = find_peaks(painted, min_snr=min_snr)
        order = np.argsort(-np.asarray(peaks.snr))[n_left:]
        for row, column in zip(peaks.row[order], peaks.column[order], strict=True):
            top, left = max(round(float(row)) - 5, 0), max(round(float(column)) - 5, 0)
            rows, columns = slice(top, top + 11), slice(left, left + 11)
            for shift in (12, -12, 18, -18, 25, -25):
                beside = painted[rows, max(left + shift, 0) : max(left + shift + 11, 0)]
                if beside.shape == painted[rows, columns].shape and np.isfinite(beside).all():
                    painted[rows, columns] = beside
                    break
            else:
                painted[rows, columns] = np.nan
    return painted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data/real"), help="real frames"
    )
    parser.add_argument("--domains", type=int, default=64, help="random experiments")
    parser.add_argument("--frames", type=int, default=40, help="simulated frames of each")
    parser.add_argument("--preprocessing", choices=PREPROCESSING, default="local")
    parser.add_argument("--models", type=int, default=2, help="networks whose mean is the answer")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not (options.data / "rayonix_mfx.h5").exists():
        sys.exit(f"There are no real frames in {options.data}; say where they are with --data.")

    real = read_real(options.data)
    made = [
        (f"{n}, painted over", "MISS", paint_over(f, 0)) for n, label, f in real if label == "HIT"
    ]
    made += [
        (f"{n}, six left", "MAYBE", paint_over(f, 6)) for n, label, f in real if label == "HIT"
    ]
    names, labels, frames = zip(*real, *made, strict=True)
    frames = np.stack(frames)

    said = {}  # by each method: what it measures of each frame, and from where on it is a hit
    if options.models:
        said["network"], said["peak count"] = simulate_and_train(options, frames)
    heights = PeakHeightClassifier().fit(frames)
    said["peak heights"] = heights.predict_proba(frames)[:, 1], 0.5

    print(f"\n{'frame':24} {'label':6} " + " ".join(f"{name:>18}" for name in said))
    for i, (name, label) in enumerate(zip(names, labels, strict=True)):
        cells = [
            f"{value[i]:11.5g}{'   hit' if value[i] >= threshold else '  miss':>7}"
            for value, threshold in said.values()
        ]
        print(f"{name:24} {label:6} " + " ".join(cells))
    truth = np.array(labels) != "MISS"
    for title, part in (
        ("real", slice(0, len(real))),
        ("made of real ones", slice(len(real), None)),
    ):
        hits = truth[part]
        for name, (value, threshold) in said.items():
            right = (value[part] >= threshold) == hits
            print(
                f"{title}, {name}: {right[hits].sum()} of {hits.sum()} hits and "
                f"{right[~hits].sum()} of {(~hits).sum()} misses are right"
            )


def simulate_and_train(options, frames):
    """Return the network's probabilities and the peak counts of the frames, with thresholds."""
    began = time.perf_counter()
    run = make_sfx_frames(
        options.domains * options.frames,
        domain=random_domains(options.domains, random_state=options.seed),
        frame_shape=(CROP, CROP),
        random_state=options.seed,
    )
    decompose = make_pipeline(CentralCrop(CROP), *PREPROCESSING[options.preprocessing]())
    vectors = np.asarray(decompose.fit_transform(run.data))
    print(f"{len(run.data)} SIMULATED frames of {options.domains} experiments", flush=True)
    models = [
        CNN1D(max_epochs=20, batch_size=64, random_state=options.seed + i).fit(vectors, run.target)
        for i in range(options.models)
    ]
    some = np.arange(len(run.data))[:: max(1, len(run.data) // 400)]
    baseline = PeakCountClassifier().fit(
        CentralCrop(CROP).fit_transform(run.data[some]), run.target[some]
    )
    took = time.perf_counter() - began
    print(f"training took {took:.0f} s; baseline: a hit has {baseline.threshold_} peaks or more")
    seen = decompose.transform(frames)
    probability = np.mean([model.predict_proba(seen)[:, 1] for model in models], axis=0)
    return (probability, 0.5), (baseline.count_peaks(frames), baseline.threshold_)


if __name__ == "__main__":
    main()
