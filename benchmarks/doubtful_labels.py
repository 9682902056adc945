"""Labels drawn at random beside labels that half go where a first model is in doubt, at 5 % hits.

Runs of SIMULATED frames with one hit in twenty. Half of a run is there to be labelled, half to
test. A first model learns from 50 labels drawn at random, one of them a hit at the least. More
labels, up to 100, 200 and 400, are drawn at random too, or as ``sfx label --model`` draws them, and
then their weights are used, or left out to see what they do. Each set of labels chooses among the
peaks, the spots and the peak count and sets the threshold, as `train` does; the network takes no
part. Beside that the labels that came after the first 50 say the recall and hit rate of the first
model.

    python -m benchmarks.doubtful_labels --cache FOLDER
"""

import argparse
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import fbeta_score, precision_recall_curve
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from tqdm import tqdm

from benchmarks.choice.runs import run_of
from sklearn_sfx import evaluate
from sklearn_sfx._methods import METHODS
from sklearn_sfx.classifiers import held_out_probability
from sklearn_sfx.screening import Expectation
from sklearn_sfx.screening._choice import best_method, best_threshold, expected_of_choice
from sklearn_sfx.screening._hit_rate import estimate_hit_rate
from sklearn_sfx.screening._select import N_FOLDS
from sklearn_sfx.screening.labelling._doubt import chances, draw

EXPERIMENTS = ("LN84", "L498", "LG36")
NAMES = ("peaks", "spots", "count")
RATE, N_FIRST, N_LABELS = 0.05, 50, (100, 200, 400)
WANTED_PRECISION = 0.9


class Learned(NamedTuple):
    """What labels taught: the probability of every frame, the threshold, and what to expect."""

    probability: np.ndarray
    threshold: float
    expected: Expectation | None


def learn(run: dict, rows: np.ndarray, weight: np.ndarray, seed: int) -> Learned:
    """Do what `train` does with labels of these rows."""
    y, everything = run["target"][rows], np.arange(len(run["target"]))
    is_hit = y == 1
    chosen, threshold, expected = "peaks", 0.5, None
    if min(is_hit.sum(), (~is_hit).sum()) >= N_FOLDS:
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
        folds = list(folds.split(np.zeros(len(y)), y))
        held_out = {
            name: held_out_probability(_decider(name, seed), run[name][rows], y, folds)
            for name in NAMES
        }
        chosen = best_method(held_out, is_hit, weight)
        threshold = best_threshold(held_out[chosen], is_hit, sample_weight=weight)
        expected = expected_of_choice(held_out, is_hit, folds, sample_weight=weight)
    fold = [(np.arange(len(rows)), len(rows) + everything)]
    found = np.concatenate([run[chosen][rows], run[chosen]])
    labels = np.concatenate([y, np.zeros(len(everything), int)])  # these are not looked at
    probability = held_out_probability(_decider(chosen, seed), found, labels, fold)
    return Learned(probability[len(rows) :], threshold, expected)


def _decider(name: str, seed: int):
    return make_pipeline(METHODS[name].steps(max_epochs=None, random_state=seed)[-1])


def one_draw(run: dict, seed: int) -> list[dict]:
    """Return a row for each number and kind of labels."""
    rng = np.random.RandomState(seed)
    order = rng.permutation(len(run["target"]))
    while not run["target"][order[:N_FIRST]].any():  # nothing can be learned from misses alone
        order = rng.permutation(len(order))
    pool, test = np.array_split(order, 2)
    first, rest = pool[:N_FIRST], pool[N_FIRST:]
    model = learn(run, first, np.ones(N_FIRST), seed)
    found = []
    for n_labels in N_LABELS:
        n_more = n_labels - N_FIRST
        chance = chances(model.probability[rest], model.threshold, n_more)
        drawn = draw(chance, rng)
        alike, weights = np.ones(n_more), n_more / len(rest) / chance[drawn]
        at_random = rng.permutation(len(rest))[:n_more]
        for kind, some, weight in (
            ("random", at_random, alike),
            ("doubtful", drawn, weights),
            ("doubtful, no weights", drawn, alike),
        ):
            rows = np.concatenate([first, rest[some]])
            learned = learn(run, rows, np.concatenate([np.ones(N_FIRST), weight]), seed)
            said = tested(run, test, learned) | of_first(run, rest, some, weight, model)
            hits = int(run["target"][rows].sum())
            found.append({"n_labels": n_labels, "kind": kind, "hits": hits} | said)
    return found


def tested(run: dict, test: np.ndarray, learned: Learned) -> dict:
    """Return how good it is on the frames to test on."""
    target, probability = run["target"][test], learned.probability[test]
    decision = probability >= learned.threshold
    reached, recall, _ = precision_recall_curve(target, probability)
    result = evaluate(target, decision)
    said = {
        "recall": result.recall,
        "precision": result.precision,
        "F2": fbeta_score(target, decision, beta=2),
        "ranked": float(recall[reached >= WANTED_PRECISION].max(initial=0)),
    }
    if learned.expected is not None:
        share = learned.expected.recall
        low, high = share.interval
        said |= {
            "expected too high": share.value - result.recall,
            "inside": low <= result.recall <= high,
            "width": high - low,
        }
    return said


def of_first(
    run: dict, rest: np.ndarray, some: np.ndarray, weight: np.ndarray, model: Learned
) -> dict:
    """Return how wrong labels are about the recall and the hit rate of the first model."""
    target, decision = run["target"][rest], model.probability[rest] >= model.threshold
    truth, said = evaluate(target, decision), evaluate(target[some], decision[some], weight)
    labels, weights = np.full(len(rest), -1), np.ones(len(rest))
    labels[some], weights[some] = target[some], weight
    rate = estimate_hit_rate(decision, labels, weights)
    return {
        "error of recall": said.recall - truth.recall,
        "error of hit rate": rate.rate - target.mean(),
        "recall held": said.recall_interval[0] <= truth.recall <= said.recall_interval[1],
        "hit rate held": rate.low <= target.mean() <= rate.high,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps what is found")
    parser.add_argument("--experiments", nargs="+", default=EXPERIMENTS)
    parser.add_argument("--n-frames", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    options.cache.mkdir(exist_ok=True)
    print("SIMULATED frames with 5 % hits; means over the draws, r.m.s. for errors")
    for experiment in options.experiments:
        run = run_of(experiment, 0, options.n_frames, options.cache, hit_rate=RATE, names=NAMES)
        rows = [row for seed in tqdm(range(options.draws)) for row in one_draw(run, seed)]
        by_place = defaultdict(list)
        for row in rows:
            by_place[row.pop("n_labels"), row.pop("kind")].append(row)
        for (n_labels, kind), some in by_place.items():
            names = dict.fromkeys(name for row in some for name in row)
            said = [f"{name} {_summary(name, some)}" for name in names]
            print(f"{experiment} {n_labels} {kind}: {', '.join(said)}", flush=True)


def _summary(name: str, rows: list[dict]) -> str:
    values = np.array([row[name] for row in rows if name in row], float)
    values = values[~np.isnan(values)]
    if name.startswith("error"):
        return f"{np.mean(values**2) ** 0.5:.3f} (mean {values.mean():+.3f})"
    return f"{values.mean():.3f}"


if __name__ == "__main__":
    main()
