"""Recall and precision of RWD + CNN1D trained on 200 labels, on SIMULATED runs.

For each domain and seed a run is simulated, 200 frames train, 200 choose the threshold, and the
others test, as in the paper. MAYBE counts as a hit. The peak-count baseline learns from the same
200 labels. Two ways to normalize the local contrast are compared: "paper", GCN and LCN(5), and
"local", LCN(21, floor=0.5) alone, which measures each pixel against the noise around it. Beside the
threshold that the validation frames choose (the lowest with that precision) stands "tuned": what
`sfx train` does with the 200 training labels alone. The last two columns are of the test frames
weighted as if 5 % of them were hits, which is the rate of many a run.

    python -m benchmarks.few_labels --domains LN84 LN83 LO19 --seeds 0 1 2
"""

import argparse
import time
from pathlib import Path

import numpy as np
from joblib import parallel_config
from sklearn.base import clone
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline

from benchmarks.choice.cells import Tested
from sklearn_sfx import (
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    RowWiseDecomposition,
    evaluate,
    make_sfx_frames,
)
from sklearn_sfx.classifiers import held_out_probability
from sklearn_sfx.preprocessing import count_peaks
from sklearn_sfx.screening import hit_finder
from sklearn_sfx.screening._choice import best_threshold
from sklearn_sfx.screening._select import N_FOLDS

CROP = 724
N_LABELS = 200
WANTED_PRECISION = 0.9
RARE = 0.05  # the hit rate of many a run
CONTRAST = {
    "paper": make_pipeline(GCN(), LCN(5), RowWiseDecomposition()),
    "local": make_pipeline(LCN(21, floor=0.5), RowWiseDecomposition()),
}


def simulated_profiles(domain: str, n_frames: int, seed: int, cache: Path | None) -> dict:
    """Return profiles, peak counts and labels of a simulated run, from the cache if there."""
    path = cache / f"{domain}-{n_frames}-{seed}.npz" if cache else None
    if path and path.exists():
        return dict(np.load(path))
    run = make_sfx_frames(n_frames, domain=domain, frame_shape=(CROP, CROP), random_state=seed)
    chosen = np.random.default_rng(seed).choice(n_frames, min(N_LABELS, n_frames), replace=False)
    prepare = make_pipeline(PixelMask(detect=True), CentralCrop(CROP)).fit(run.data[chosen])
    profiles = {name: [] for name in CONTRAST}
    counts = []
    for block in prepare.transform(run.data).blocks():
        for name, contrast in CONTRAST.items():
            profiles[name].append(contrast.fit_transform(block))
        counts.append(count_peaks(block))
    result = {
        **{name: np.concatenate(parts) for name, parts in profiles.items()},
        "counts": np.concatenate(counts),
        "spots": run.spot_count,
        "target": run.target,
        "labels": run.labels,
    }
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **result)
    return result


def threshold_for(target: np.ndarray, score: np.ndarray, precision: float) -> float:
    """Return the lowest threshold from which on at least this share of what is kept are hits."""
    reached, _, thresholds = precision_recall_curve(target, score)
    return float(thresholds[np.argmax(reached[:-1] >= precision)])


def balanced_threshold(target: np.ndarray, counts: np.ndarray) -> int:
    """Return the count that separates the labels with the best balanced accuracy."""
    candidates = np.unique(counts)
    hits, misses = counts[target == 1], counts[target == 0]
    balance = [(hits >= count).mean() + (misses < count).mean() for count in candidates]
    return int(candidates[np.argmax(balance)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", nargs="+", default=["LN84", "LN83", "LO19"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--n-frames", type=int, default=2000)
    parser.add_argument("--cache", type=Path, help="folder that keeps the profiles of each run")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    print("SIMULATED frames; MAYBE counted as hit; 200 train / 200 validation / the rest test")
    print("recall (r) at precision 0.9 is read off the curve of the test frames")
    print("domain seed  method                       recall precision  r at 0.9  5 %: precision  r")
    with parallel_config("threading", n_jobs=args.jobs):
        for domain in args.domains:
            for seed in args.seeds:
                one_run(domain, seed, simulated_profiles(domain, args.n_frames, seed, args.cache))


def tuned_threshold(pipeline: Pipeline, found: np.ndarray, target: np.ndarray, seed: int) -> float:
    """Return the threshold that `train` sets: the best F2 score of frames held out by folds."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(found, target)
    return best_threshold(held_out_probability(pipeline, found, target, folds), target == 1)


def one_run(domain: str, seed: int, run: dict) -> None:
    target = run["target"]
    train, rest = train_test_split(
        np.arange(len(target)), train_size=N_LABELS, stratify=target, random_state=seed
    )
    validate, test = train_test_split(
        rest, train_size=N_LABELS, stratify=target[rest], random_state=seed
    )
    for contrast in CONTRAST:
        began = time.perf_counter()
        pipeline = hit_finder(random_state=seed)
        model = clone(pipeline[-1]).fit(run[contrast][train], target[train])
        took = time.perf_counter() - began
        score = model.predict_proba(run[contrast])[:, 1]
        threshold = threshold_for(target[validate], score[validate], WANTED_PRECISION)
        names = {f"{contrast}: CNN1D at {least:.3g}": least for least in (0.5, threshold)}
        if contrast == "paper":
            tuned = tuned_threshold(pipeline, run[contrast][train], target[train], seed)
            names[f"paper: tuned, {tuned:.3f}"] = tuned
        for name, least in names.items():
            print(line(domain, seed, name, target[test], score[test], least))
        print(f"{'':12} (training {took:.0f} s)")
    counts = run["counts"]
    least = balanced_threshold(target[train], counts[train])
    print(line(domain, seed, f"{least} peaks or more", target[test], counts[test], least))


def line(
    domain: str, seed: int, name: str, target: np.ndarray, score: np.ndarray, threshold: float
) -> str:
    """Return a row: of the frames as they are, and weighted as if 5 % of them were hits."""
    decision = score >= threshold
    result, as_is, rare = evaluate(target, decision), Tested(target, None), Tested(target, RARE)
    return (
        f"{domain:6} {seed:4}  {name:26} {result.recall:8.3f} {result.precision:9.3f} "
        f"{as_is.recall_at_precision(score):9.3f} {rare.precision(decision):15.3f} "
        f"{rare.recall_at_precision(score):6.3f}"
    )


if __name__ == "__main__":
    main()
