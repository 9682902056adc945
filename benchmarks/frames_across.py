"""Whether `DANN` finds on frames what the network of the source alone does not: SIMULATED runs.

For each ordered pair of some experiments a `CNN2D` learns from labelled frames of one, the
source; `DANN` from the same and from frames of the other without any label, with its hits as they
come and drawn to 5 %. Both decide on all frames of the other run. Each is trained three times
from other weights, since two trainings of one network differ by more than is looked for. Printed
are, means over trainings and seeds, the area under the ROC curve (AUC), which no share of hits
changes; its difference from the source alone, with the lowest and the highest of the seeds; and
recall at precision 0.9, at the share of hits that was learned with.

Frames are the central 724 x 724 pixels after GCN and LCN(5), quartered along each side, taking the
highest of 4 x 4 pixels: this is not the size of the paper. A batch holds as many frames of the
source for both.

LN84, LN83 and LO19 have one kind of detector, as those they are named after had; LG36 another.
With `--random` everything differs: detector, crystal, beam and background are drawn. `DANN` was
made with 0 to 3 in view.

    python -m benchmarks.frames_across --cache across --jobs 2 [--experiments LN84 LG36]
    python -m benchmarks.frames_across --cache across --jobs 2 --seeds 0 --random 4 5 6
"""

import argparse
import itertools
import json
from pathlib import Path

import joblib
import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from benchmarks.adaptation import TELLS, with_share
from benchmarks.choice.cells import Tested
from benchmarks.label_efficiency.runs import EXPERIMENTS
from benchmarks.weak_supervision import DOMAINS, RARE, prepared_run
from sklearn_sfx import CNN2D, DANN
from sklearn_sfx._files import replacing
from sklearn_sfx.datasets import random_domains
from sklearn_sfx.datasets.simulation import Domain

N_FRAMES, N_LEARNED = 1000, 600  # of a run, and of those that are learned from
RATES = (None, RARE)  # hits among the target's frames that are learned from; None as they come
EPOCHS, N_TRAININGS = 30, 3


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps what is done")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--experiments", nargs="+", default=DOMAINS, choices=EXPERIMENTS)
    parser.add_argument(
        "--random", nargs="+", type=int, metavar="K", help="numbers of experiments drawn instead"
    )
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    names = args.experiments if args.random is None else [f"random{k}" for k in args.random]
    pairs = list(itertools.permutations(names, 2))
    places = list(itertools.product(args.seeds, names))
    with joblib.Parallel(n_jobs=args.jobs) as parallel:
        parallel(joblib.delayed(quartered)(args.cache, name, seed) for seed, name in places)
        alone = parallel(
            joblib.delayed(by_source)(args.cache, name, names, seed) for seed, name in places
        )
        cells = list(itertools.product(args.seeds, RATES, pairs))
        found = parallel(
            joblib.delayed(by_dann)(args.cache, *pair, seed, rate) for seed, rate, pair in cells
        )
    of_source = dict(zip(places, alone, strict=True))
    print(
        "SIMULATED; AUC source alone, DANN, difference [lowest, highest]; recall at precision 0.9"
    )
    n_lower = 0
    for rate, pair in itertools.product(RATES, pairs):
        rows = [
            (of_source[seed, pair[0]][f"{pair[1]} {rate}"], row)
            for (seed, of_rate, of_pair), row in zip(cells, found, strict=True)
            if (of_rate, of_pair) == (rate, pair)
        ]
        before, after = (np.array([row[k] for row in rows]) for k in (0, 1))
        gain = (after - before)[:, 0]
        n_lower += bool(gain.mean() < -TELLS)
        print(
            f"{pair[0]} to {pair[1]}, {'as they come' if rate is None else f'{rate:.0%} hits'}: "
            f"{before[:, 0].mean():.3f} {after[:, 0].mean():.3f} {gain.mean():+.3f} "
            f"[{gain.min():+.3f}, {gain.max():+.3f}]; "
            f"{before[:, 1].mean():.3f} {after[:, 1].mean():.3f}"
        )
    print(f"lower by more than {TELLS}: {n_lower} of {len(RATES) * len(pairs)}")


def quartered(cache: Path, name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the prepared frames of a run, float32 (n, 180, 180), and the labels (n,)."""
    path = cache / f"{name}-{seed}.npz"
    if not path.exists():
        run = prepared_run(cache / "runs", domain_of(name), seed, N_FRAMES)
        frames = np.asarray(run["frames"])
        side = frames.shape[1] // 2
        halves = frames.reshape(len(frames), side, 2, side, 2).max(axis=(2, 4))
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, frames=halves, target=run["target"])
    with np.load(path) as file:
        return file["frames"].astype(np.float32), file["target"]


def domain_of(name: str) -> str | Domain:
    """Return what a run is simulated by: a name that is known, or what is drawn for random7."""
    number = name.removeprefix("random")
    return name if number == name else random_domains(int(number) + 1, random_state=0)[-1]


def by_source(cache: Path, name: str, names: list[str], seed: int) -> dict[str, list[float]]:
    """Return what a network of one run finds in the others, by their name and share of hits."""
    others = [other for other in names if other != name]
    path = cache / f"alone-{name}-{'-'.join(others)}-{seed}.json"
    if not path.exists():
        torch.set_num_threads(1)
        X, y = quartered(cache, name, seed)
        found: dict[str, list] = {}
        for start in starts(seed):
            model = CNN2D(max_epochs=EPOCHS, random_state=start).fit(X[:N_LEARNED], y[:N_LEARNED])
            for other in others:
                Z, z = quartered(cache, other, seed)
                p = model.predict_proba(Z)[:, 1]
                for rate in RATES:
                    found.setdefault(f"{other} {rate}", []).append(figures(z, p, rate))
        means = {place: np.mean(each, axis=0).tolist() for place, each in found.items()}
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(means))
    return json.loads(path.read_text())


def by_dann(cache: Path, source: str, target: str, seed: int, rate: float | None) -> list[float]:
    """Return what is found once the network has seen frames of the target."""
    path = cache / f"dann-{source}-{target}-{seed}-{rate}.json"
    if not path.exists():
        torch.set_num_threads(1)
        X, y = (part[:N_LEARNED] for part in quartered(cache, source, seed))
        Z, z = quartered(cache, target, seed)
        rows = np.arange(N_LEARNED) if rate is None else with_share(z[:N_LEARNED], rate, seed)
        both = np.concatenate([X, Z[rows]]), np.r_[y, np.full(len(rows), -1)]
        found = []
        for start in starts(seed):
            model = DANN(CNN2D(), batch_size=32, max_epochs=EPOCHS, random_state=start).fit(*both)
            found.append(figures(z, model.predict_proba(Z)[:, 1], rate))
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(np.mean(found, axis=0).tolist()))
    return json.loads(path.read_text())


def starts(seed: int) -> list[int]:
    """Return a random state for each training."""
    return [N_TRAININGS * seed + k for k in range(N_TRAININGS)]


def figures(target: np.ndarray, probability: np.ndarray, rate: float | None) -> list[float]:
    """Return AUC, and recall at precision 0.9 at this share of hits."""
    return [
        roc_auc_score(target, probability),
        Tested(target, rate).recall_at_precision(probability),
    ]


if __name__ == "__main__":
    main()
