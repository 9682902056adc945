"""CNN2D, FineTuned and DANN, each beside its control, on SIMULATED runs.

    python -m benchmarks.weak_supervision --cache weak --jobs 2

labels      CNN2D with 1200 labels against 200, on its own run
fine_tuned  FineTuned with 200 labels, from the 1200 of another run, against CNN2D with these 200
dann        DANN with all labels of a source run and none of the target, against CNN2D of the
            source, on the whole target; and how well a linear probe tells them by their features
dann_1d     the same with RWD vectors and CNN1D

MAYBE counts as a hit, the threshold is 0.5, and nothing is chosen with labels that are tested.
Frames are the central 724 x 724 pixels after GCN and LCN(5). To fit the time of two cores they are
halved along each side, taking the highest of each 2 x 2 pixels: this is not the size of the paper.
What is done is kept in the folder of `--cache`, and not done again.
"""

import argparse
import itertools
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.choice.cells import Tested
from sklearn_sfx import (
    CNN1D,
    CNN2D,
    DANN,
    GCN,
    LCN,
    CentralCrop,
    FineTuned,
    PixelMask,
    RowWiseDecomposition,
    evaluate,
    make_sfx_frames,
)
from sklearn_sfx.datasets.simulation import Domain

CROP, HALF = 724, 360
DOMAINS = ("LN84", "LN83", "LO19")
FEW, MANY, HELD = 200, 1200, 400
RARE = 0.05  # the hit rate of many a run
EPOCHS = {FEW: 50, MANY: 25}  # passes over 200 and over 1200 labels
TOLD = "label_accuracy", "domain_accuracy"  # of the last epoch; frames have only the first
EPOCHS_DANN = 10  # over source and target, and of the control over the source


# -- The runs ----------------------------------------------------------------------------------


def prepared_run(cache: Path, domain: str | Domain, seed: int, n_frames: int) -> dict:
    """Return halved frames (float16, memory-mapped), RWD vectors and labels of a simulated run."""
    folder = cache / f"{getattr(domain, 'name', domain)}-{n_frames}-{seed}"
    if not (folder / "frames.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make_run(folder, domain, seed, n_frames)
    names = ("frames", "vectors", "target")
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}


def make_run(folder: Path, domain: str | Domain, seed: int, n_frames: int) -> None:
    run = make_sfx_frames(n_frames, domain=domain, frame_shape=(CROP, CROP), random_state=seed)
    # Defective pixels are found on so many frames as a user would have labelled.
    chosen = np.random.default_rng(seed).choice(n_frames, min(FEW, n_frames), replace=False)
    prepare = make_pipeline(PixelMask(detect=True), CentralCrop(CROP), GCN(), LCN(5))
    prepare.fit(run.data[chosen])
    frames = np.empty((n_frames, HALF, HALF), np.float16)
    vectors, start = [], 0
    for block in prepare.transform(run.data).blocks():
        vectors.append(RowWiseDecomposition().fit_transform(block))
        quarters = np.nan_to_num(block).reshape(len(block), HALF, 2, HALF, 2)
        frames[start : start + len(block)] = quarters.max(axis=(2, 4))
        start += len(block)
    np.save(folder / "vectors.npy", np.concatenate(vectors))
    np.save(folder / "target.npy", run.target)
    np.save(folder / "frames.npy", frames)


def split(seed: int, n_frames: int) -> np.ndarray:
    """Return the rows of a run in an order: its first 200 or 1200 are labelled."""
    return np.random.default_rng(seed).permutation(n_frames)


# -- What is measured --------------------------------------------------------------------------


def measured(target: np.ndarray, probability: np.ndarray) -> dict:
    result = evaluate(target, probability >= 0.5)
    return {
        "auc": roc_auc_score(target, probability),
        "recall": result.recall,
        "precision": result.precision,
        "recall_at_90": Tested(target, None).recall_at_precision(probability),
        "recall_at_90_of_5%": Tested(target, RARE).recall_at_precision(probability),
    }


def separability(source: np.ndarray, target: np.ndarray) -> float:
    """Return how well a fresh linear probe tells two domains by their features: 0.5 is chance."""
    X = np.concatenate([source, target])
    y = np.repeat([0, 1], [len(source), len(target)])
    order = np.random.default_rng(0).permutation(len(y))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(cross_val_score(probe, X[order], y[order], cv=5).mean())


# -- The experiments: each cell returns rows of {method: figures} --------------------------------


def trained_cnn2d(args, domain: str, seed: int, n_labels: int) -> CNN2D:
    path = args.cache / f"cnn2d-{domain}-{seed}-{n_labels}.joblib"
    if not path.exists():
        run = prepared_run(args.cache, domain, seed, args.n_frames)
        rows = np.sort(split(seed, args.n_frames)[:n_labels])
        model = CNN2D(max_epochs=EPOCHS[n_labels], random_state=seed)
        joblib.dump(model.fit(run["frames"][rows], run["target"][rows]), path)
    return joblib.load(path)


def labels(args, domain: str, seed: int) -> dict:
    run = prepared_run(args.cache, domain, seed, args.n_frames)
    test = np.sort(split(seed, args.n_frames)[MANY:])
    rows = {}
    for n_labels in (FEW, MANY):
        model = trained_cnn2d(args, domain, seed, n_labels)
        probability = model.predict_proba(run["frames"][test])[:, 1]
        rows[f"CNN2D, {n_labels} labels"] = measured(run["target"][test], probability)
    return rows


def fine_tuned(args, source: str, domain: str, seed: int) -> dict:
    run = prepared_run(args.cache, domain, seed, args.n_frames)
    order = split(seed, args.n_frames)
    train, test = np.sort(order[:FEW]), np.sort(order[HELD:])
    base = trained_cnn2d(args, source, seed, MANY)
    models = {
        f"CNN2D of {source}, as it is": base,
        f"CNN2D, {FEW} labels": trained_cnn2d(args, domain, seed, FEW),
        f"FineTuned, {FEW} labels": FineTuned(base, batch_size=16, random_state=seed).fit(
            run["frames"][train], run["target"][train]
        ),
    }
    return {
        name: measured(run["target"][test], model.predict_proba(run["frames"][test])[:, 1])
        for name, model in models.items()
    }


def dann(args, source: str, target: str, seed: int, kind: str = "frames") -> dict:
    runs = [prepared_run(args.cache, name, seed, args.n_frames) for name in (source, target)]
    Xs, Xt = (np.asarray(run[kind]) for run in runs)
    ys, yt = (np.asarray(run["target"]) for run in runs)
    settings = {"max_epochs": EPOCHS_DANN, "random_state": seed}
    # The same network, the same passes over the source, and as many of its frames in a batch.
    if kind == "frames":
        control, model = CNN2D(**settings), DANN(CNN2D(), batch_size=32, **settings)
    else:
        control, model = CNN1D(**settings), DANN(CNN1D(), **settings)
    models = {
        "source only": control.fit(Xs, ys),
        "DANN": model.fit(np.concatenate([Xs, Xt]), np.concatenate([ys, np.full(len(yt), -1)])),
    }
    rows = {}
    for name, fitted in models.items():
        rows[name] = measured(yt, fitted.predict_proba(Xt)[:, 1])
        rows[name]["probe"] = separability(fitted.features(Xs), fitted.features(Xt))
    last = model.history_[-1]
    rows["DANN"] |= {name: last[name] for name in TOLD if name in last}
    return rows


def dann_1d(args, source: str, target: str, seed: int) -> dict:
    return dann(args, source, target, seed, kind="vectors")


EXPERIMENTS = {each.__name__: each for each in (labels, fine_tuned, dann, dann_1d)}

# -- Running and telling -------------------------------------------------------------------------


def run_cell(args, experiment: Callable, *where) -> dict:
    name = experiment.__name__
    path = args.cache / "results" / ("-".join(map(str, (name, *where))) + ".json")
    if path.exists():
        return json.loads(path.read_text())
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = experiment(args, *where)
    result = {"experiment": name, "where": list(where), "rows": rows}
    result["seconds"] = time.perf_counter() - began
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result))
    return result


def report(results: list[dict]) -> None:
    """Print recall and precision: the mean over the seeds, and lowest to highest."""
    order = list(EXPERIMENTS)
    for (experiment, *where), cells in itertools.groupby(
        sorted(results, key=lambda cell: (order.index(cell["experiment"]), cell["where"])),
        key=lambda cell: (cell["experiment"], *cell["where"][:-1]),
    ):
        cells = list(cells)
        print(f"\n{experiment} {' to '.join(where)}: SIMULATED, {len(cells)} seeds")
        for method in cells[0]["rows"]:
            figures = {
                name: [cell["rows"][method][name] for cell in cells]
                for name in cells[0]["rows"][method]
            }
            text = "  ".join(
                f"{name} {np.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"
                for name, values in figures.items()
            )
            print(f"  {method:28} {text}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", nargs="+", default=EXPERIMENTS, choices=EXPERIMENTS)
    parser.add_argument("--domains", nargs="+", default=DOMAINS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--n-frames", type=int, default=2000)
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps what is done")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    pairs = list(itertools.permutations(args.domains, 2))
    runs = [(domain,) for domain in args.domains]
    with joblib.Parallel(n_jobs=args.jobs, verbose=10) as parallel:
        parallel(
            joblib.delayed(prepared_run)(args.cache, domain, seed, args.n_frames)
            for seed in args.seeds
            for (domain,) in runs
        )
        results = []
        for experiment in args.experiments:  # the networks of one are the bases of the next
            results += parallel(
                joblib.delayed(run_cell)(args, EXPERIMENTS[experiment], *where, seed)
                for seed in args.seeds
                for where in (runs if experiment == "labels" else pairs)
            )
    report(results)


if __name__ == "__main__":
    main()
