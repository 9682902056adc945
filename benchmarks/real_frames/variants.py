"""Whether what `sfx screen` says of real frames holds when the same frames come otherwise.

Each frame is turned over, transposed, multiplied, given a constant, binned and cut down, and its
spots are counted again. A crop of a hit may hold no spots, and 2 x 2 pixels may hold two in one:
of these only frames without a crystal are judged. Printed are the frames of which the decision
changes, and how many spots were counted.

    python -m benchmarks.real_frames.variants [--data ../shared/data/real] [--frames 2]
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.real_frames.material import read_runs
from sklearn_sfx import PixelMask, SpotCountClassifier
from sklearn_sfx.preprocessing import count_spots

CROPS = (64, 256, 1024)


def central(image: np.ndarray, side: int) -> np.ndarray:
    """Return the middle of a frame, of this side at the most."""
    top, left = (max(0, (length - side) // 2) for length in image.shape)
    return image[top : top + side, left : left + side]


def binned(image: np.ndarray) -> np.ndarray:
    """Return the sums of 2 x 2 pixels; NaN where one of them is not used."""
    height, width = (length // 2 * 2 for length in image.shape)
    return image[:height, :width].reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3))


#: The same frame, in other words: the decision has to hold.
ALIKE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "upside down": lambda image: image[::-1],
    "in a mirror": lambda image: image[:, ::-1],
    "transposed": lambda image: image.T,
    "plus 100": lambda image: image + 100,
    "times 3": lambda image: 3 * image,
    "float64": lambda image: image.astype(np.float64),
}
#: What shows less of a frame: one without a crystal has to stay one.
LESS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "binned": binned,
    **{f"middle {side}": lambda image, side=side: central(image, side) for side in CROPS},
}


def counts_of(image: np.ndarray, is_miss: bool) -> dict[str, int]:
    """Return the spots of a frame as it is, and of each variant that is judged."""
    variants = {"as it is": np.asarray, **ALIKE, **(LESS if is_miss else {})}
    return {
        name: int(count_spots(np.ascontiguousarray(change(image))[None])[0])
        for name, change in variants.items()
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/real"))
    parser.add_argument("--frames", type=int, default=2, help="of each run and label")
    parser.add_argument("--runs", nargs="+", help="only those whose names begin so")
    options = parser.parse_args()
    n_frames = n_variants = n_changed = 0
    for run in read_runs(options.data, masked=True):
        if options.runs and not run.name.startswith(tuple(options.runs)):
            continue
        least = SpotCountClassifier().fit(run.frames[:1]).threshold_
        for label in ("HIT", "MISS"):
            for row in np.flatnonzero(run.truth == label)[: options.frames]:
                mask = PixelMask(invalid="auto")
                image = np.asarray(mask.fit_transform(run.frames[row : row + 1]))[0]
                counts = counts_of(image, label == "MISS")
                as_it_is = counts.pop("as it is")
                changed = {k: n for k, n in counts.items() if (n >= least) != (as_it_is >= least)}
                n_frames, n_variants = n_frames + 1, n_variants + len(counts)
                n_changed += len(changed)
                print(f"{run.name} [{row + 1}], {label}: {as_it_is} spots", flush=True)
                for name, n in changed.items():
                    print(f"    {name}: {n} spots", flush=True)
    print(f"{n_changed} decisions change, of {n_variants} variants of {n_frames} frames")


if __name__ == "__main__":
    main()
