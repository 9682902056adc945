"""Whether `DANN` finds the hits of another detector: made-up row vectors, shifted in one way each.

A vector has the noise of 128 rows; a hit has spots too, in rows at random and of heights that
spread over a decade. The target's vectors are others, changed as another detector would. Printed
is the balanced accuracy on 2000 more vectors of the target at a probability of 0.5, of `CNN1D`
that knows the source alone, and of `DANN`: with as many hits in the target as in the source, and
with 5 %.

    python -m benchmarks.shifted_vectors --seeds 3
"""

import argparse
from collections.abc import Callable

import numpy as np
from joblib import Parallel, delayed
from scipy.ndimage import uniform_filter1d
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score

from sklearn_sfx import CNN1D, DANN

N_SOURCE, N_TARGET, N_TEST, LENGTH = 200, 200, 2000, 128
WAYS = ("source alone", "DANN")
RATES = (0.4, 0.05)  # hits among the target; the source has the first
SHIFTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gain and level": lambda x: 2 * x + 5,
    "30 times larger": lambda x: 30 * x,
    "30 times smaller": lambda x: x / 30,
    "neighbours share noise": lambda x: uniform_filter1d(x, 3, axis=1),
    "bright ring": lambda x: x * (1 + 2 * np.exp(-(np.linspace(-3, 3, LENGTH) ** 2))),
}


def vectors(n: int, rate: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors (n, length), and which of them are hits."""
    rng = np.random.default_rng(seed)
    is_hit = rng.permutation(n) < round(rate * n)
    x = rng.gumbel(3, 1, (n, LENGTH)).clip(0)
    for row in np.flatnonzero(is_hit):
        places = rng.integers(0, LENGTH, 2 + rng.poisson(5))
        x[row, places] += 4 * rng.lognormal(0.3, 0.7, len(places))
    return x, is_hit.astype(int)


def measure(shift: str, rate: float, seed: int, max_epochs: int = 20) -> list[float]:
    """Return the balanced accuracy on the target of each of `WAYS`."""
    X, y = vectors(N_SOURCE, RATES[0], 3 * seed)
    target, _ = vectors(N_TARGET, rate, 3 * seed + 1)
    test, is_hit = vectors(N_TEST, rate, 3 * seed + 2)
    target, test = SHIFTS[shift](target), SHIFTS[shift](test)
    base = CNN1D(channels=(8, 16, 16), max_epochs=max_epochs, random_state=seed)
    alone = clone(base).fit(X, y)
    both, labels = np.r_[X, target], np.r_[y, np.full(N_TARGET, -1)]
    settings = {"max_epochs": max_epochs, "random_state": seed}
    adapted = DANN(base, **settings).fit(both, labels)
    return [balanced_accuracy_score(is_hit, model.predict(test)) for model in (alone, adapted)]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shifts", nargs="+", default=list(SHIFTS), choices=SHIFTS)
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    seeds = range(args.seeds)
    places = [(shift, rate, seed) for shift in args.shifts for rate in args.rates for seed in seeds]
    found = Parallel(n_jobs=args.jobs)(delayed(measure)(*place) for place in places)
    print("balanced accuracy on made-up vectors, mean [lowest, highest]")
    for shift in args.shifts:
        for rate in args.rates:
            of_this = [f for f, p in zip(found, places, strict=True) if p[:2] == (shift, rate)]
            figures = "".join(
                f"; {way} {np.mean(each):.3f} [{min(each):.2f}, {max(each):.2f}]"
                for way, each in zip(WAYS, zip(*of_this, strict=True), strict=True)
            )
            print(f"{shift}, {rate:.0%} hits{figures}")


if __name__ == "__main__":
    main()
