"""How often the interval of a hit rate holds the rate, and how narrow it is: simulated decisions.

Runs of 5,000 frames, of which 200 at random are labelled; the decisions find a share of the hits,
and call a share of the misses hits too. Nothing but the decisions is simulated.

    python -m benchmarks.hit_rate
"""

from typing import NamedTuple

import numpy as np

from sklearn_sfx._intervals import wilson
from sklearn_sfx.screening import Expectation, Scores

N_FRAMES, N_LABELS, N_RUNS = 5000, 200, 400
RATE_OF_LABELS = 0.2  # hits among those that a model has learned from
RATES = (0.02, 0.05, 0.1, 0.2, 0.5)
DECISIONS = ((1.0, 0.0), (0.98, 0.01), (0.9, 0.05), (0.8, 0.05), (0.7, 0.02), (0.5, 0.3))


class Simulated(NamedTuple):
    """In how many runs the interval held the rate, and its mean width."""

    covered: int
    width: float
    width_of_labels: float = float("nan")


def drawn_run(
    rng: np.random.Generator, rate: float, recall: float, false_positives: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return which frames of a run are hits, and which are called so."""
    is_hit = rng.random(N_FRAMES) < rate
    return is_hit, rng.random(N_FRAMES) < np.where(is_hit, recall, false_positives)


def simulate(rate: float, recall: float, false_positives: float) -> Simulated:
    """Estimate the hit rate of many runs."""
    rng = np.random.default_rng(0)
    covered, widths, widths_of_labels = 0, [], []
    for _ in range(N_RUNS):
        is_hit, decision = drawn_run(rng, rate, recall, false_positives)
        rows = rng.choice(N_FRAMES, N_LABELS, replace=False)
        target = np.full(N_FRAMES, -1)
        target[rows] = is_hit[rows]
        found = Scores([], decision.astype(float), decision, None, 0.5).hit_rate(target)
        covered += found.low <= is_hit.mean() <= found.high
        widths.append(found.high - found.low)
        widths_of_labels.append(np.subtract(*wilson(int(is_hit[rows].sum()), N_LABELS)[::-1]))
    return Simulated(covered, float(np.mean(widths)), float(np.mean(widths_of_labels)))


def simulate_without_labels(rate: float, recall: float, false_positives: float) -> Simulated:
    """Estimate the hit rate of many runs by what is expected of a model with other labels."""
    rng = np.random.default_rng(0)
    covered, widths = 0, []
    for _ in range(N_RUNS):
        n_hits = int(rng.binomial(N_LABELS, RATE_OF_LABELS))
        found = int(rng.binomial(n_hits, recall))
        kept = int(rng.binomial(N_LABELS - n_hits, false_positives))
        expected = Expectation(found, n_hits - found, kept, N_LABELS - n_hits - kept)
        is_hit, decision = drawn_run(rng, rate, recall, false_positives)
        scores = Scores([], decision.astype(float), decision, None, 0.5, expected=expected)
        estimate = scores.hit_rate()
        covered += estimate.low <= is_hit.mean() <= estimate.high
        widths.append(estimate.high - estimate.low)
    return Simulated(covered, float(np.mean(widths)))


def main() -> None:
    """Print a table."""
    print("rate  recall  false pos.  covered   width  of labels alone")
    for rate in RATES:
        for recall, false_positives in DECISIONS:
            found = simulate(rate, recall, false_positives)
            print(
                f"{rate:4.0%}  {recall:6.2f}  {false_positives:10.2f}  "
                f"{found.covered / N_RUNS:7.1%}  {found.width:6.3f}  {found.width_of_labels:15.3f}"
            )
    print("\nwithout labels of the run, by 200 labels of the model")
    print("rate  recall  false pos.  covered   width")
    for rate in RATES:
        for recall, false_positives in DECISIONS:
            found = simulate_without_labels(rate, recall, false_positives)
            print(
                f"{rate:4.0%}  {recall:6.2f}  {false_positives:10.2f}  "
                f"{found.covered / N_RUNS:7.1%}  {found.width:6.3f}"
            )


if __name__ == "__main__":
    main()
