"""What each method finds in the frames of simulated runs; kept on disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sklearn_sfx import PixelMask, make_sfx_frames
from sklearn_sfx._files import replacing
from sklearn_sfx._methods import METHODS, worth_comparing
from sklearn_sfx.classifiers import find_in
from sklearn_sfx.screening import hit_finder

EXPERIMENTS = ["LN84", "LN83", "LO19", "L498", "LG36"]
SIDE = 724  # pixels; the frames are no larger than the crop
MANY = 1000  # labels; the methods that are not even then worth comparing are left out
COMPARED = worth_comparing(tuple(METHODS.values()), MANY)
ALONE = [method.name for method in COMPARED if not method.averaged]


def run_of(
    experiment: str,
    seed: int,
    n_frames: int,
    cache: Path,
    *,
    hit_rate: float | None = None,
    names: Sequence[str] = ALONE,
    side: int = SIDE,
) -> dict[str, np.ndarray]:
    """Return "target" of a run, and what each method learns from, by its name.

    A hit rate other than that of the experiment, and a side other than that of the crop, have a
    file of their own in the cache.
    """
    rate = "" if hit_rate is None else f"-{hit_rate}"
    size = "" if side == SIDE else f"-{side}px"
    path = cache / f"{experiment}-{seed}-{n_frames}{rate}{size}.npz"
    if not path.exists():
        run = make_sfx_frames(
            n_frames,
            domain=experiment,
            frame_shape=(side, side),
            hit_rate=hit_rate,
            random_state=seed,
        )
        masked = PixelMask(detect=True, invalid="auto").fit_transform(run.data)
        found = {"target": run.target}
        for name in names:
            found[name] = find_in(hit_finder(method=name, crop=side)[1:], masked)
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **found)
    with np.load(path) as file:
        return dict(file)


def draw(target: np.ndarray, n_labels: int, rate: float | None, seed: int) -> np.ndarray:
    """Choose the frames to label at random, as from a run of this hit rate; two hits at least."""
    rng = np.random.default_rng(seed)
    hits, misses = (rng.permutation(np.flatnonzero(target == kind)) for kind in (1, 0))
    share = target.mean() if rate is None else rate
    n_hits = int(np.clip(rng.binomial(n_labels, share), 2, n_labels - 2))
    return np.concatenate([hits[:n_hits], misses[: n_labels - n_hits]])
