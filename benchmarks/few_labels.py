"""Recall and precision of RWD + CNN1D trained on 200 labels, on SIMULATED runs.

For each domain and seed a run is simulated, 200 frames train, 200 choose the threshold, and the
others test, as in the paper. MAYBE counts as a hit. The peak-count baseline learns from the same
200 labels.

    python benchmarks/few_labels.py --domains LN84 LN83 LO19 --seeds 0 1 2
"""

import argparse
import time
from pathlib import Path

import numpy as np
from joblib import parallel_config
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    RowWiseDecomposition,
    evaluate,
    make_sfx_frames,
)
from sklearn_sfx.classifiers import find_peaks

CROP = 724
N_LABELS = 200
WANTED_RECALL = 0.97  # on the validation part, which leaves room for chance on the test part


def simulated_profiles(domain: str, n_frames: int, seed: int, cache: Path | None) -> dict:
    """Return profiles, peak counts and labels of a simulated run, from the cache if there."""
    path = cache / f"{domain}-{n_frames}-{seed}.npz" if cache else None
    if path and path.exists():
        return dict(np.load(path))
    run = make_sfx_frames(n_frames, domain=domain, frame_shape=(CROP, CROP), random_state=seed)
    chosen = np.random.default_rng(seed).choice(n_frames, min(N_LABELS, n_frames), replace=False)
    prepare = make_pipeline(PixelMask(detect=True), CentralCrop(CROP)).fit(run.data[chosen])
    decompose = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
    profiles, counts = [], []
    for block in prepare.transform(run.data).blocks():
        profiles.append(decompose.fit_transform(block))
        counts.append([len(find_peaks(frame).snr) for frame in block])
    result = {
        "profiles": np.concatenate(profiles),
        "counts": np.concatenate(counts),
        "spots": run.spot_count,
        "target": run.target,
        "labels": run.labels,
    }
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **result)
    return result


def threshold_for(target: np.ndarray, score: np.ndarray, recall: float) -> float:
    """Return the highest threshold that keeps this share of the hits."""
    return float(np.quantile(score[target == 1], 1 - recall, method="lower"))


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
    print("domain seed  method                        recall  precision")
    with parallel_config("threading", n_jobs=args.jobs):
        for domain in args.domains:
            for seed in args.seeds:
                one_run(domain, seed, simulated_profiles(domain, args.n_frames, seed, args.cache))


def one_run(domain: str, seed: int, run: dict) -> None:
    target = run["target"]
    train, rest = train_test_split(
        np.arange(len(target)), train_size=N_LABELS, stratify=target, random_state=seed
    )
    validate, test = train_test_split(
        rest, train_size=N_LABELS, stratify=target[rest], random_state=seed
    )
    began = time.perf_counter()
    model = CNN1D(random_state=seed).fit(run["profiles"][train], target[train])
    took = time.perf_counter() - began
    score = model.predict_proba(run["profiles"])[:, 1]
    threshold = threshold_for(target[validate], score[validate], WANTED_RECALL)
    by_count = balanced_threshold(target[train], run["counts"][train])
    for name, decision in (
        ("CNN1D, threshold 0.5", score[test] >= 0.5),
        (f"CNN1D, threshold {threshold:.3f}", score[test] >= threshold),
        (f"{by_count} peaks or more", run["counts"][test] >= by_count),
    ):
        result = evaluate(target[test], decision)
        print(f"{domain:6} {seed:4}  {name:28}  {result.recall:6.3f}     {result.precision:6.3f}")
    print(f"            (training {took:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
