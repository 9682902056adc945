"""Screen twelve real frames with a model that has seen simulated frames only.

No real label is used. Random experiments are simulated (photon counters and integrating
detectors, low and high backgrounds), one model is trained on all of them, and it screens the frames
of a Rayonix, a Pilatus and a CSPAD, the central 724 x 724 pixels of each. Beside each probability
stands what the peak-count baseline, trained on the same simulated frames, says. From each real hit
two more frames are made: all its peaks painted over (a miss of the same detector) and all but six
(a MAYBE).

    python benchmarks/real_frames.py --data ../shared/data/real
"""

import argparse
import sys
import time
from pathlib import Path

import h5py
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx.classifiers import CNN1D, PeakCountClassifier, find_peaks
from sklearn_sfx.datasets import make_sfx_frames, random_domains
from sklearn_sfx.frames import open_frames, read_mask
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop, RowWiseDecomposition

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
            zip(labels, CentralCrop(CROP).fit_transform(frames), strict=True)
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

    real = read_real(options.data)
    made = [
        (f"{n}, painted over", "MISS", paint_over(f, 0)) for n, label, f in real if label == "HIT"
    ]
    made += [
        (f"{n}, six left", "MAYBE", paint_over(f, 6)) for n, label, f in real if label == "HIT"
    ]
    names, labels, frames = zip(*real, *made, strict=True)
    frames = np.stack(frames)
    seen = decompose.transform(frames)
    probability = np.mean([model.predict_proba(seen)[:, 1] for model in models], axis=0)
    counts = baseline.count_peaks(frames)
    columns = ("probability", "decision", "peaks", "baseline")
    print(f"\n{'frame':24} {'label':6} " + " ".join(f"{column:>11}" for column in columns))
    for name, label, p, count in zip(names, labels, probability, counts, strict=True):
        decision = "hit" if p >= 0.5 else "miss"
        by_count = "hit" if count >= baseline.threshold_ else "miss"
        print(f"{name:24} {label:6} {p:11.3f} {decision:>11} {count:11d} {by_count:>11}")
    truth = np.array(labels) != "MISS"
    for title, part in (
        ("real", slice(0, len(real))),
        ("made of real ones", slice(len(real), None)),
    ):
        right = (probability[part] >= 0.5) == truth[part]
        by_count = (counts[part] >= baseline.threshold_) == truth[part]
        hits = truth[part]
        print(
            f"{title}: {right[hits].sum()} of {hits.sum()} hits and {right[~hits].sum()} of "
            f"{(~hits).sum()} misses are right; by the baseline {by_count[hits].sum()} and "
            f"{by_count[~hits].sum()}"
        )


if __name__ == "__main__":
    main()
