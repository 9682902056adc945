"""Whether a network finds more on another experiment once its batch norm knows the new frames.

A `CNN1D` learns from all row vectors of one SIMULATED run and decides on those of another, with
hits drawn to a share of 5, 20 and 45 %: as it is, and with the means and variances of its batch
norms taken anew from the other run, of whose labels nothing is known,

- "all frames": from all of them, as AdaBN does (Li et al., arXiv:1603.04779);
- "resampled": from all, weighted so that the hits, by the network's own decisions and three times
  in turn, have the share that they had in the run that it has learned from;
- "misses": from those that it takes for misses, three times in turn, so that these look to each
  layer as the misses did that it has learned from.

Printed are ranking (AUC), recall and the share of misses kept at a probability of 0.5, means over
pairs and seeds, in how many of them AUC is higher and lower by .005 than as it is, and the worst.
Runs are those of `benchmarks.choice`, in the same cache.

    python -m benchmarks.adaptation --cache choice --n-frames 500 --seeds 3
"""

import argparse
import copy
import itertools
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks.choice.runs import EXPERIMENTS, run_of
from sklearn_sfx import CNN1D

RATES = (0.05, 0.2, 0.45)
ROUNDS = 3
AS_IT_IS = "as it is"
WAYS = (AS_IT_IS, "all frames", "resampled", "misses")
TELLS = 0.005  # of AUC
RAYONIX = {"LN84", "LN83", "LO19"}  # the others are CSPADs

Statistics = list[tuple[torch.Tensor, torch.Tensor]]  # mean and variance that each norm is given


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps what is done")
    parser.add_argument("--n-frames", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    places = itertools.product(EXPERIMENTS, range(args.seeds))
    with joblib.Parallel(n_jobs=args.jobs) as parallel:
        found = parallel(
            joblib.delayed(across)(source, seed, args.n_frames, args.cache)
            for source, seed in places
        )
    rows = [row for rows in found for row in rows]
    for is_like in (True, False):
        print(f"\n{'The same detector' if is_like else 'Another detector'}, SIMULATED")
        for rate, way in itertools.product(RATES, WAYS):
            print(line([row for row in rows if row["like"] == is_like], rate, way))


def across(source: str, seed: int, n_frames: int, cache: Path) -> list[dict]:
    """Return what a network of one run finds in the four others."""
    X, y = vectors(source, seed, n_frames, cache)
    model = CNN1D(random_state=seed).fit(X, y)
    rows = []
    for target in EXPERIMENTS:
        if target == source:
            continue
        others, labels = vectors(target, seed, n_frames, cache)
        for rate in RATES:
            drawn = with_share(labels, rate, seed)
            for way in WAYS:
                p = probability(model, X, y, others[drawn], way)
                is_hit = labels[drawn] == 1
                rows.append(
                    {
                        "like": (source in RAYONIX) == (target in RAYONIX),
                        "place": (source, target, seed),
                        "rate": rate,
                        "way": way,
                        "auc": roc_auc_score(is_hit, p),
                        "recall": float((p[is_hit] >= 0.5).mean()),
                        "kept": float((p[~is_hit] >= 0.5).mean()),
                    }
                )
    return rows


def vectors(name: str, seed: int, n_frames: int, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the row vectors and the labels of a run."""
    run = run_of(name, seed, n_frames, cache)
    return run["rows"].astype(np.float32), run["target"]


def with_share(target: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """Return rows of which this share are hits: as many as there are, three hits at least."""
    rng = np.random.default_rng(seed)
    hits, misses = (rng.permutation(np.flatnonzero(target == kind)) for kind in (1, 0))
    n_hits = min(len(hits), max(3, int(len(misses) * rate / (1 - rate))))
    return np.sort(np.r_[hits[:n_hits], misses[: int(n_hits * (1 - rate) / rate)]])


# -- Batch norm taken anew -----------------------------------------------------------------------


def probability(
    model: CNN1D, X: np.ndarray, y: np.ndarray, others: np.ndarray, way: str
) -> np.ndarray:
    """Return the probability of a hit of other vectors; X and y are what the model learned from."""
    module = copy.deepcopy(model.net_.module_).eval()
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm)]
    known = [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]
    p = run(module, others)
    if way == AS_IT_IS:
        return p
    of_learned = np.ones(len(y)) if way != "misses" else y == 0
    learned = statistics(module, norms, X, of_learned)
    for _ in range(1 if way == "all frames" else ROUNDS):
        weight = np.ones(len(p))
        if way == "misses":
            weight = 1 - p + 1e-6
        elif way == "resampled":
            share = p.mean().clip(0.005, 0.995)
            weight = p * y.mean() / share + (1 - p) * (1 - y.mean()) / (1 - share)
        statistics(module, norms, others, weight, likened(norms, known, learned))
        p = run(module, others)
    return p


def run(module: nn.Module, X: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(X)).softmax(dim=1)[:, 1].numpy()


def statistics(
    module: nn.Module,
    norms: list,
    X: np.ndarray,
    weight: np.ndarray,
    change: Callable[[int, torch.Tensor, torch.Tensor], None] | None = None,
) -> Statistics:
    """Return weighted mean and variance of what each norm is given; `change` may use them first."""
    weights = torch.from_numpy((weight / weight.sum()).astype(np.float32))[:, None]
    found: Statistics = []

    def look(norm: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        x = inputs[0].flatten(2)
        mean = (x.mean(dim=2) * weights).sum(dim=0)
        square = (x - mean[:, None]).square_().mean(dim=2)
        found.append((mean, (square * weights).sum(dim=0)))
        if change:
            change(len(found) - 1, *found[-1])

    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    run(module, X)
    for hook in hooks:
        hook.remove()
    return found


def likened(
    norms: list, known: Statistics, learned: Statistics
) -> Callable[[int, torch.Tensor, torch.Tensor], None]:
    """Return what sets a norm so that these frames come out of it as those learned from did."""

    def change(place: int, mean: torch.Tensor, variance: torch.Tensor) -> None:
        (known_mean, known_variance), (old_mean, old_variance) = known[place], learned[place]
        wider = (variance / old_variance.clamp(min=1e-12)).sqrt().clamp(1e-3, 1e3)
        norms[place].running_mean.copy_(mean - wider * (old_mean - known_mean))
        norms[place].running_var.copy_(known_variance * wider.square())

    return change


def line(rows: list[dict], rate: float, way: str) -> str:
    """Return what one way does at one share of hits."""
    before = {row["place"]: row["auc"] for row in rows if is_of(row, rate, AS_IT_IS)}
    mine = [row for row in rows if is_of(row, rate, way)]
    gain = np.array([row["auc"] - before[row["place"]] for row in mine])
    auc, recall, kept = (
        np.array([row[name] for row in mine]) for name in ("auc", "recall", "kept")
    )
    return (
        f"{rate:4.0%} hits, {way:10}: AUC {auc.mean():.3f} [{auc.min():.3f}, {auc.max():.3f}], "
        f"higher in {(gain > TELLS).sum():2} and lower in {(gain < -TELLS).sum():2} of {len(mine)}"
        f"; recall {recall.mean():.3f} (least {recall.min():.2f}); "
        f"misses kept {kept.mean():.3f} (most {kept.max():.2f})"
    )


def is_of(row: dict, rate: float, way: str) -> bool:
    return row["rate"] == rate and row["way"] == way


if __name__ == "__main__":
    main()
