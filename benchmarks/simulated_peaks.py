"""Write the simulated frames' peaks that the classifiers by peaks start from.

64 random experiments (photon counters and integrating detectors, low and high backgrounds) of 40
SIMULATED frames each, 724 x 724. Of each frame the file holds what `StrongestPeaks` makes of it,
whether it is a hit (MAYBE counts as one), and how many peaks `count_peaks` counts.

    python benchmarks/simulated_peaks.py
"""

import argparse
import time
from pathlib import Path

import numpy as np

from sklearn_sfx import StrongestPeaks, make_sfx_frames
from sklearn_sfx._files import replacing
from sklearn_sfx.datasets import random_domains
from sklearn_sfx.preprocessing import count_peaks

SIDE = 724  # pixels
HERE = Path(__file__).parents[1] / "sklearn_sfx" / "classifiers" / "data" / "simulated_peaks.npz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=64)
    parser.add_argument("--frames", type=int, default=40, help="of each experiment")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    began = time.perf_counter()
    run = make_sfx_frames(
        options.experiments * options.frames,
        domain=random_domains(options.experiments, random_state=options.seed),
        frame_shape=(SIDE, SIDE),
        random_state=options.seed,
    )
    heights = np.asarray(StrongestPeaks().fit_transform(run.data))
    counts = count_peaks(run.data)
    with replacing(options.output) as temporary:
        np.savez_compressed(
            temporary,
            heights=heights,
            is_hit=run.target.astype(bool),
            counts=counts.astype(np.int32),
        )
    took = time.perf_counter() - began
    print(f"{len(heights)} frames, {run.target.mean():.3f} of them hits, in {took:.0f} s; ", end="")
    print(f"{options.output.stat().st_size / 1024:.0f} KB: {options.output.name}")


if __name__ == "__main__":
    main()
