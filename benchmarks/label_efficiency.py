"""How few labels are enough, and what carries over to a detector that was never seen.

SIMULATED frames of five experiments on three kinds of detectors, defective pixels found by
``PixelMask(detect=True)``, central 724 x 724. Each method learns from the same labelled frames,
drawn at random (at least two of each class), and is tested on the rest of the run; or it learns
from 200 labelled frames of each of the other four experiments and is tested on a whole run of the
fifth.

    python benchmarks/label_efficiency.py --cache labels [--seeds 0 1 2 3 4] [--jobs 2]

Prints Markdown tables.
"""

import argparse
import json
import statistics
import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve, precision_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    PixelMask,
    RowWiseDecomposition,
    StrongestPeaks,
    make_sfx_frames,
)
from sklearn_sfx.classifiers import PeakCountClassifier
from sklearn_sfx.exceptions import FewLabelsWarning

DOMAINS = ["LN84", "LN83", "LO19", "L498", "LG36"]
LABELS = [10, 20, 50, 100, 200]
SIDE = 724
PERCENTILES = [5, 25, 50, 75, 85, 90, 95, 97, 99, 99.6, 100]


def run_of(domain, seed, n_frames, cache):
    """Return target and what each method reads of the frames of a run; kept on disk."""
    path = cache / f"{domain}-{seed}-{n_frames}.npz"
    if not path.exists():
        run = make_sfx_frames(n_frames, domain=domain, frame_shape=(SIDE, SIDE), random_state=seed)
        frames = PixelMask(detect=True).fit_transform(run.data)
        chain = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
        found = {
            "target": run.target,
            "rwd": np.asarray(chain.fit_transform(frames)),
            "peaks": np.asarray(StrongestPeaks().fit_transform(frames)),
            "count": PeakCountClassifier().fit(frames, run.target).count_peaks(frames),
        }
        np.savez(path, **found)
    with np.load(path) as file:
        return dict(file)


def percentiles(vectors):
    return np.arcsinh(np.percentile(vectors, PERCENTILES, axis=1).T)


def linear(*before):
    return make_pipeline(*before, StandardScaler(), LogisticRegression(class_weight="balanced"))


# What each method reads, and what it is; the count of peaks learns nothing but its threshold.
METHODS = {
    "peak count": ("count", lambda seed: linear(FunctionTransformer(np.log1p))),
    "RWD percentiles, linear": ("rwd", lambda seed: linear(FunctionTransformer(percentiles))),
    "RWD, CNN1D without augmentation": (
        "rwd",
        lambda seed: CNN1D(augment=False, random_state=seed),
    ),
    "RWD, CNN1D": ("rwd", lambda seed: CNN1D(random_state=seed)),
    "StrongestPeaks, linear": ("peaks", lambda seed: linear()),
}


def read(run, kind):
    return run[kind][:, np.newaxis] if kind == "count" else run[kind]


def scores(model, X, target):
    probability = model.predict_proba(X)[:, 1]
    precision, recall, _ = precision_recall_curve(target, probability)
    chosen = probability >= 0.5
    return {
        "recall at precision 0.9": float(recall[precision >= 0.9].max(initial=0)),
        "recall": float(recall_score(target, chosen)),
        "precision": float(precision_score(target, chosen, zero_division=0)),
    }


def draw(target, n_labels, seed):
    """Choose the frames to label: at random, until there are two of each class."""
    rng = np.random.default_rng(seed)
    while True:
        rows = rng.permutation(len(target))[:n_labels]
        if 2 <= target[rows].sum() <= n_labels - 2:
            return rows


def within(domain, seed, method, n_labels, n_frames, cache):
    run = run_of(domain, seed, n_frames, cache)
    kind, make = METHODS[method]
    rows = draw(run["target"], n_labels, seed)
    rest = np.setdiff1d(np.arange(n_frames), rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewLabelsWarning)
        model = make(seed).fit(read(run, kind)[rows], run["target"][rows])
    return scores(model, read(run, kind)[rest], run["target"][rest])


def across(domain, seed, method, n_labels, n_frames, cache):
    kind, make = METHODS[method]
    X, y = [], []
    for other in DOMAINS:
        if other != domain:
            run = run_of(other, seed, n_frames, cache)
            rows = draw(run["target"], n_labels, seed)
            X.append(read(run, kind)[rows])
            y.append(run["target"][rows])
    run = run_of(domain, seed, n_frames, cache)
    model = make(seed).fit(np.concatenate(X), np.concatenate(y))
    return scores(model, read(run, kind), run["target"])


def cell(function, *where, n_frames, cache):
    name = "-".join([function.__name__, *map(str, where)]).replace(", ", "_").replace(" ", "_")
    path = cache / "cells" / f"{name}-{n_frames}.json"
    if not path.exists():
        result = function(*where, n_frames, cache)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(result))
    return where, json.loads(path.read_text())


def spread(values):
    return f"{statistics.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"


def table(results, domains, metric):
    """Print one row per method and number of labels, one column per experiment."""
    print(f"\n| method | labels | {' | '.join(domains)} | mean |")
    print(f"|---|---|{'---|' * (len(domains) + 1)}")
    rows = sorted({(where[3], where[2]) for where, _ in results})
    for n_labels, method in sorted(rows, key=lambda row: (list(METHODS).index(row[1]), row[0])):
        columns = []
        for domain in domains:
            columns.append(
                [s[metric] for w, s in results if (w[0], w[2], w[3]) == (domain, method, n_labels)]
            )
        cells = " | ".join(spread(values) for values in columns)
        mean = statistics.mean(value for values in columns for value in values)
        print(f"| {method} | {n_labels} | {cells} | {mean:.3f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps what is done")
    parser.add_argument("--domains", nargs="+", default=DOMAINS, choices=DOMAINS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--labels", nargs="+", type=int, default=LABELS)
    parser.add_argument("--n-frames", type=int, default=800)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    args.cache.mkdir(exist_ok=True)
    common = {"n_frames": args.n_frames, "cache": args.cache}
    with Parallel(n_jobs=args.jobs, verbose=1) as parallel:
        parallel(
            delayed(run_of)(domain, seed, args.n_frames, args.cache)
            for seed in args.seeds
            for domain in DOMAINS
        )
        results = {
            function: parallel(
                delayed(cell)(function, domain, seed, method, n, **common)
                for n in labels
                for method in METHODS
                for seed in args.seeds
                for domain in args.domains
            )
            for function, labels in ((within, args.labels), (across, [max(args.labels)]))
        }
    titles = {within: "Labels of the same run", across: "Labels of the four other experiments"}
    for function, title in titles.items():
        for metric in ("recall at precision 0.9", "recall", "precision"):
            print(f"\n{title}, SIMULATED frames: {metric}, mean [lowest, highest] over the seeds")
            table(results[function], args.domains, metric)


if __name__ == "__main__":
    main()
