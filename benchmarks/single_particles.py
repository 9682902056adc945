"""How many of the frames with exactly one particle are found, on SIMULATED single-particle runs.

For each domain and seed a run is simulated with the domain's own shares, or those that are given.
Labels are drawn at random for training, and all other frames test. The score of a frame is the
probability of "single" among empty, single, multiple and other; what is shown is the recall of
"single" at the best threshold whose precision is 0.9, the mean over the seeds and its standard
error.

    python -m benchmarks.single_particles --domains virus organelle --labels 20 200 --seeds 0 1 2

Lit pixels and photons, each alone, are what hit finders of the field count; here a quadratic
logistic regression finds the band of counts that holds one particle.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from sklearn_sfx import CNN1D, CNN2D, make_spi_frames
from sklearn_sfx.datasets.single_particles import PARTICLE_DOMAINS
from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    LitPixels,
    RadialProfile,
    RadialSpectrum,
    RowWiseDecomposition,
)

PRECISION = 0.9
RING = 2.0  # pixels


def log_positive(X):
    """Return log(1 + x) of what is above zero."""
    return np.log1p(np.maximum(np.nan_to_num(np.asarray(X)), 0))


def halved(X):
    """Return the means of 2 x 2 pixels, of which bad ones count as 0."""
    X = np.nan_to_num(np.asarray(X, dtype=np.float32))
    n, height, width = X.shape
    return X.reshape(n, height // 2, 2, width // 2, 2).mean(axis=(2, 4))


def logs():
    return FunctionTransformer(log_positive)


def linear(degree=1):
    return make_pipeline(
        PolynomialFeatures(degree, include_bias=False),
        StandardScaler(),
        LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000),
    )


def features(photon):
    """Return by method what makes a table of the frames; done once for all labels."""
    counts = make_pipeline(LitPixels(photon=photon), logs())
    rings = make_pipeline(RadialProfile(width=RING), logs())
    uneven = make_pipeline(RadialProfile(width=RING, statistic="variance"), logs())
    sizes = make_pipeline(RadialProfile(width=RING), RadialSpectrum())
    return {
        "counts": counts,
        "radial": make_union(counts, rings, uneven, sizes),
        "rings": rings,
        "rows": make_pipeline(
            GCN(), LCN(5), RowWiseDecomposition(), FunctionTransformer(np.asarray)
        ),
        "frames": make_pipeline(FunctionTransformer(halved), logs()),
    }


def methods(seed):
    """Return by name the features and the classifier of each method."""
    return {
        "lit pixels": ("counts", make_pipeline(FunctionTransformer(first_column), linear(2))),
        "photons": ("counts", make_pipeline(FunctionTransformer(last_column), linear(2))),
        "radial features, linear": ("radial", linear()),
        "radial profile, CNN1D": ("rings", CNN1D(max_epochs=60, random_state=seed)),
        "RWD, CNN1D": ("rows", CNN1D(max_epochs=60, random_state=seed)),
        "log frames, CNN2D": ("frames", CNN2D(max_epochs=40, random_state=seed)),
    }


def first_column(X):
    return X[:, :1]


def last_column(X):
    return X[:, -1:]


def recall_at(precision, is_single, score):
    """Return the best recall at which the precision is at least this; 0 where it never is."""
    reached, recall, _ = precision_recall_curve(is_single, score)
    return float(recall[reached >= precision].max(initial=0.0))


def one_run(name, n_frames, n_labels, shares, seed, wanted):
    """Yield method, number of labels and recall at precision 0.9."""
    domain = PARTICLE_DOMAINS[name]
    run = make_spi_frames(n_frames, domain=domain, shares=shares, random_state=seed)
    tables = features(domain.camera.gain)
    used = {key for method, (key, _) in methods(seed).items() if method in wanted}
    made = {key: np.asarray(tables[key].fit_transform(run.data)) for key in used}
    order = np.random.default_rng(seed).permutation(n_frames)
    test = order[max(n_labels) :]
    for number in n_labels:
        train = order[:number]
        for method, (key, classifier) in methods(seed).items():
            if method not in wanted:
                continue
            if "single" not in run.labels[train]:
                yield method, number, 0.0
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                classifier.fit(made[key][train], run.labels[train])
            column = list(classifier.classes_).index("single")
            score = classifier.predict_proba(made[key][test])[:, column]
            yield method, number, recall_at(PRECISION, run.labels[test] == "single", score)


def main():
    names = list(methods(0))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--domains", nargs="+", default=["virus", "organelle"])
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 200, 1200])
    parser.add_argument(
        "--shares",
        nargs=3,
        type=float,
        metavar=("SINGLE", "MULTIPLE", "OTHER"),
        help="shares of the frames (default: the domain's own, of which 4 to 6 %% are single)",
    )
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    args = parser.parse_args()
    for domain in args.domains:
        started, found = time.perf_counter(), {}
        for seed in args.seeds:
            for method, number, recall in one_run(
                domain, args.frames, args.labels, args.shares, seed, args.methods
            ):
                found.setdefault((method, number), []).append(recall)
        took = time.perf_counter() - started
        print(f"{domain}, simulated, {args.frames} frames, seeds {args.seeds}, {took:.0f} s")
        print("| method | " + " | ".join(f"{n} labels" for n in args.labels) + " |")
        print("|---|" + "---|" * len(args.labels))
        for method in args.methods:
            cells = [np.array(found[method, n]) for n in args.labels]
            said = [f"{c.mean():.3f} ± {c.std() / max(len(c) - 1, 1) ** 0.5:.3f}" for c in cells]
            print(f"| {method} | " + " | ".join(said) + " |", flush=True)


if __name__ == "__main__":
    main()
