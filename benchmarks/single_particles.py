"""How many of the frames with exactly one particle are found, on SIMULATED single-particle runs.

For each domain and seed a run is simulated with the domain's own shares, or those that are given,
on a camera of 128 x 128 pixels that are twice as wide and as high as the domain's. Its first frames
are labelled. 600 frames of another run test, of which more show a particle; they are weighted to
the shares of the first. The score of a frame is the probability of "single" among empty, single,
multiple and other; what is shown is the recall of "single" at the best threshold whose precision is
0.9, the mean over the seeds, its standard error, and how many seeds. "Across" learns from so many
labels of the other domain, and from none of this; "fine-tuned" from all labels of the other and so
many of this; "adapted" from so many of the other, and from this without its labels.

    python benchmarks/single_particles.py --seeds 0 1 2 3 4 --found found.jsonl

Lit pixels and photons, each alone, are what hit finders of the field count; here a quadratic
logistic regression finds the band of counts that holds one particle. Where labels have no "single",
nothing is found. Average precision, which no threshold makes jump, is shown too. CNN1D reads the
mean and the variance of the rings, and is not augmented: a profile upside down or rolled is of
another particle.

What is measured is added to the file at once, so that a run can be cut off, and go on: what is in
the file is not measured again, and what is not stays blank in the tables. Files of several runs are
joined by `cat`, and shown with no seed after ``--seeds``. Where labels come in the order
``--labels 1200 200 20``, so are they measured.
"""

import argparse
import json
import warnings
from collections import defaultdict
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from sklearn_sfx import CNN1D, CNN2D, DANN, FineTuned, make_spi_frames
from sklearn_sfx.datasets.single_particles import PARTICLE_DOMAINS
from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    AngularVariance,
    LitPixels,
    PixelMask,
    RadialProfile,
    RadialSpectrum,
    RowWiseDecomposition,
    SphereFit,
)

PRECISION = 0.9
RUN = 1200  # frames
N_TEST = 600  # frames
TEST_SHARES = 0.25, 0.15, 0.15  # of single, multiple and other
N_RINGS = 64
DIM = 0.01  # photons in a pixel, of the rings whose logarithm is taken
BINNED = 2  # pixels, for a network on frames
DOMAINS = ("virus", "organelle")
HOWS = INSIDE, ACROSS, TUNED, ADAPTED = "in-domain", "across", "fine-tuned", "adapted"
KEYS = "seed", "domain", "how", "method", "labels", "shares"
MEASURES = "recall", "average precision"


def coarse(name):
    """Return a domain whose pixels are twice as wide and high, and so get four times the light."""
    domain = PARTICLE_DOMAINS[name]
    camera, stray = domain.camera, domain.stray
    height, width = camera.shape
    camera = replace(
        camera,
        shape=(height // 2, width // 2),
        pixel_size=2 * camera.pixel_size,
        gap=camera.gap // 2,
    )
    stray = replace(stray, halo=4 * stray.halo, gas=4 * stray.gas)
    return replace(domain, name=f"{name}, coarse", camera=camera, stray=stray)


def log_positive(X, unit=1.0):
    """Return log(1 + x / unit) of what is above zero."""
    return np.log1p(np.maximum(np.nan_to_num(np.asarray(X)), 0) / unit)


def inner_rings(X):
    """Return the rings that every domain has, wherever its beam is."""
    return np.asarray(X)[:, :N_RINGS]


def binned(X):
    """Return the means of blocks of pixels, of which bad ones count as 0."""
    X = np.nan_to_num(np.asarray(X, dtype=np.float32))
    n, height, width = X.shape
    blocks = X.reshape(n, height // BINNED, BINNED, width // BINNED, BINNED)
    return blocks.mean(axis=(2, 4))


def features(domain):
    """Return by name what makes a table of frames in photons; each is made once."""
    camera, focus = domain.camera, domain.focus
    middle = [
        (length - 1) / 2 + away / camera.pixel_size
        for length, away in zip(camera.shape, domain.beam_center, strict=True)
    ]
    fringes = focus.wavelength * domain.distance / camera.pixel_size  # nm, one pixel apart
    around = {"center": middle}
    logs = FunctionTransformer(log_positive)
    dim_logs = FunctionTransformer(log_positive, kw_args={"unit": DIM})
    inner = FunctionTransformer(inner_rings)
    rings = make_pipeline(RadialProfile(**around), inner)
    uneven = make_pipeline(RadialProfile(**around, statistic="variance"), inner)
    sphere = SphereFit(**around, scale=fringes / domain.particle.diameter)
    return {
        "counts": make_pipeline(LitPixels(), logs),
        "sphere": make_union(LitPixels(), sphere, AngularVariance(**around)),
        "rings": make_pipeline(make_union(rings, uneven), dim_logs),
        "radial": make_union(
            make_pipeline(LitPixels(), logs),
            make_pipeline(rings, logs),
            make_pipeline(uneven, logs),
            make_pipeline(rings, RadialSpectrum()),
        ),
        "rows": make_pipeline(GCN(), LCN(5), RowWiseDecomposition()),
        "frames": make_pipeline(FunctionTransformer(binned), logs),
    }


def tables(name, n_frames, shares, seed, keys):
    """Return the labels of a run and the features of its frames that are asked for."""
    domain, made = coarse(name), defaultdict(list)
    run = make_spi_frames(n_frames, domain=domain, shares=shares, random_state=seed)
    frames = np.asarray(run.data)  # simulated here, once
    mask = PixelMask(detect=True).fit(frames[:200])
    makers = features(domain)
    for first in range(0, n_frames, 100):
        block = np.asarray(mask.transform(frames[first : first + 100])) / domain.camera.gain
        for key in keys:
            made[key].append(np.asarray(makers[key].fit_transform(block), np.float32))
    return {key: np.concatenate(parts) for key, parts in made.items()} | {"labels": run.labels}


def linear(degree=1):
    return make_pipeline(
        PolynomialFeatures(degree, include_bias=False),
        StandardScaler(),
        LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000),
    )


def one_column(number):
    return make_pipeline(FunctionTransformer(column, kw_args={"number": number}), linear(2))


def column(X, number):
    return X[:, [number]]


def methods(seed):
    """Return by name the features and the classifier of each method."""
    trees = ExtraTreesClassifier(200, class_weight="balanced", random_state=seed)
    of_rings = CNN1D(augment=False, random_state=seed)
    return {
        "lit pixels": ("counts", one_column(0)),
        "photons": ("counts", one_column(1)),
        "sphere fit, trees": ("sphere", trees),
        "radial features, linear": ("radial", linear()),
        "radial profile, CNN1D": ("rings", of_rings),
        "RWD, CNN1D": ("rows", CNN1D(random_state=seed)),
        "log frames, CNN2D": ("frames", CNN2D(max_epochs=40, random_state=seed)),
    }


def recall_at(precision, is_single, score, weight):
    """Return the best recall at which the precision is at least this; 0 where it never is."""
    reached, recall, _ = precision_recall_curve(is_single, score, sample_weight=weight)
    return float(recall[reached >= precision].max(initial=0.0))


def fitted(classifier, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few labels, and of few iterations
        return classifier.fit(X, y)


def weights(labels, shares):
    """Return what each frame of a test weighs, so that its classes have the shares of a run."""
    names = "single", "multiple", "other", "empty"
    given = dict(zip(names, (*shares, 1 - sum(shares)), strict=True))
    return np.array([given[label] / np.mean(labels == label) for label in labels])


class Learned:
    """The classifiers of one seed, each fitted once: what one domain tests, two ways share."""

    def __init__(self, seed, runs):
        self.seed, self.runs, self.kept = seed, runs, {}

    def by(self, how, method, n_labels, domain):
        """Return what learned in one way to know a domain; None of labels without "single"."""
        other = DOMAINS[domain == DOMAINS[0]]
        of = other if how in (ACROSS, ADAPTED) else domain
        if "single" not in self.runs[of]["labels"][:n_labels]:
            return None
        if how == TUNED:
            base = self.plain(method, len(self.runs[other]["labels"]), other)
            return self.tuned(base, method, n_labels, domain)
        return (
            self.adapted(method, n_labels, of)
            if how == ADAPTED
            else self.plain(method, n_labels, of)
        )

    def plain(self, method, n_labels, domain):
        """Return the method, fitted on so many labels of a domain."""
        if (method, n_labels, domain) not in self.kept:
            key, classifier = methods(self.seed)[method]
            run = self.runs[domain]
            fitted(classifier, run[key][:n_labels], run["labels"][:n_labels])
            self.kept[method, n_labels, domain] = classifier
        return self.kept[method, n_labels, domain]

    def tuned(self, base, method, n_labels, domain):
        """Return a network of the other domain, tuned with so many labels of this one."""
        key, run = methods(self.seed)[method][0], self.runs[domain]
        tuned = FineTuned(FrozenEstimator(base), augment=base.augment, random_state=self.seed)
        return fitted(tuned, run[key][:n_labels], run["labels"][:n_labels])

    def adapted(self, method, n_labels, source):
        """Return the network of so many labels of the source, adapted to the other domain."""
        key, base = methods(self.seed)[method]
        target = self.runs[DOMAINS[source == DOMAINS[0]]]
        X = np.concatenate([self.runs[source][key][:n_labels], target[key]])
        unknown = np.full(len(target[key]), "unlabelled")
        adapted = DANN(
            base,
            unlabelled="unlabelled",
            max_epochs=30,
            augment=base.augment,
            random_state=self.seed,
        )
        return fitted(adapted, X, np.concatenate([self.runs[source]["labels"][:n_labels], unknown]))


def measured(classifier, X, labels, shares):
    """Return how well "single" is found: recall at precision 0.9, and average precision."""
    if classifier is None:
        return {"recall": 0.0, "average precision": 0.0}
    scores = classifier.predict_proba(X)[:, list(classifier.classes_).index("single")]
    is_single, weight = labels == "single", weights(labels, shares)
    return {
        "recall": recall_at(PRECISION, is_single, scores, weight),
        "average precision": average_precision_score(is_single, scores, sample_weight=weight),
    }


def show(found, labels):
    """Print tables for each domain and way to learn, of what was measured with any seeds."""
    cells = defaultdict(list)
    for row in found:
        table = row["domain"], row["how"], tuple(row["shares"] or ())
        for measure in MEASURES:
            cells[(*table, measure), row["method"], row["labels"]].append(row[measure])
    for table in dict.fromkeys(table for table, *_ in cells):
        domain, how, shares, measure = table
        of = f"shares {shares}, " if shares else ""
        print(f"\n{domain}, {how}, {of}{measure}, simulated")
        print("| method | " + " | ".join(map(str, labels)) + " |\n|---|" + "---|" * len(labels))
        for method in methods(0):
            row = [np.array(cells.get((table, method, number), [])) for number in labels]
            if any(len(values) for values in row):
                print(f"| {method} | " + " | ".join(map(mean_and_error, row)) + " |")


def mean_and_error(values):
    if not len(values):
        return ""
    error = values.std() / max(len(values) - 1, 1) ** 0.5
    return f"{values.mean():.3f} ± {error:.3f} ({len(values)})"


def parsed():
    names = list(methods(0))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 200, 1200])
    parser.add_argument(
        "--shares",
        nargs=3,
        type=float,
        metavar=("SINGLE", "MULTIPLE", "OTHER"),
        help="shares of the frames (default: the domain's own, of which 4 to 6 %% are single)",
    )
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    parser.add_argument("--how", nargs="+", choices=HOWS, default=HOWS)
    parser.add_argument("--found", type=Path, required=True, help="a file, one result a line")
    args = parser.parse_args()
    if max(args.labels) > RUN:
        parser.error(f"--labels: a run has {RUN} frames, so that there are no more labels")
    return args


def main():
    args, found = parsed(), []
    if args.found.exists():
        found = [json.loads(line) for line in args.found.read_text().splitlines()]
    known = {tuple(str(row[key]) for key in KEYS) for row in found}
    for seed in args.seeds:
        used = {methods(seed)[method][0] for method in args.methods}
        runs, tests = {}, {}
        for name in DOMAINS:
            runs[name] = tables(name, RUN, args.shares, seed, used)
            tests[name] = tables(name, N_TEST, TEST_SHARES, 1000 + seed, used)
        learned = Learned(seed, runs)
        for number, how, method, domain in product(args.labels, args.how, args.methods, DOMAINS):
            cell = seed, domain, how, method, number, args.shares
            is_network = "CNN1D" in method or how in (INSIDE, ACROSS)
            if tuple(map(str, cell)) in known or not is_network:
                continue
            one, test = PARTICLE_DOMAINS[domain], tests[domain]
            shares = args.shares or (one.single, one.multiple, one.other)
            classifier, key = learned.by(how, method, number, domain), methods(seed)[method][0]
            values = measured(classifier, test[key], test["labels"], shares)
            found.append(dict(zip(KEYS, cell, strict=True)) | values)
            with args.found.open("a") as file:
                file.write(json.dumps(found[-1]) + "\n")
    show(found, sorted(args.labels))


if __name__ == "__main__":
    main()
