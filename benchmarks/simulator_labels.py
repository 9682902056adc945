"""Compare how many spots a spot finder counts in frames that the expert called HIT or MAYBE.

Real: what DIALS counted in the 2000 frames of each CXIDB-76 data set, less its median count in the
MISS frames. SIMULATED: what the peak finder of this package counts in simulated frames of the same
domain. Where the finder counts more spots than the four to nine of a MAYBE, the expert counts only
stronger ones: that is how `Domain.visible` was set.

    python benchmarks/simulator_labels.py --annotations ../shared/data/cxidb76
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from sklearn_sfx.datasets import make_sfx_frames, read_annotation, read_spot_counts
from sklearn_sfx.datasets.simulation import DOMAINS
from sklearn_sfx.preprocessing import count_peaks

PERCENTILES = (5, 25, 50, 75, 95)
CROP = (724, 724)


def real_counts(folder: Path) -> dict[str, np.ndarray]:
    labels = read_annotation(folder / "expert_annotation.txt").labels
    counts = read_spot_counts(folder / "dials_annotation.txt", len(labels))
    chance = np.median(counts[labels == "MISS"])
    return {kind: np.maximum(counts[labels == kind] - chance, 0) for kind in ("MAYBE", "HIT")}


def simulated_counts(name: str, kind: str, n_frames: int) -> np.ndarray:
    domain = replace(DOMAINS[name], hit=float(kind == "HIT"), maybe=float(kind == "MAYBE"))
    run = make_sfx_frames(n_frames, domain=domain, frame_shape=CROP, random_state=0)
    return count_peaks(run.data[run.labels == kind])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotations", type=Path, default=Path("../shared/data/cxidb76"))
    parser.add_argument("--n-frames", type=int, default=60, help="simulated, for each row")
    args = parser.parse_args()
    if not args.annotations.is_dir():
        sys.exit(
            f"{args.annotations}: the annotations of CXIDB-76 are not here; name their folder."
        )
    print(f"{'':26}percentiles {PERCENTILES} of the spots counted")
    for name in ("LN84", "LN83", "LO19", "LG36", "L498"):
        real = real_counts(args.annotations / name)
        for kind in ("MAYBE", "HIT"):
            simulated = simulated_counts(name, kind, args.n_frames)
            for source, counts in (("real, DIALS", real[kind]), ("SIMULATED", simulated)):
                row = " ".join(f"{value:6.0f}" for value in np.percentile(counts, PERCENTILES))
                print(f"{name:5} {kind:5} {source:14} {row}", flush=True)


if __name__ == "__main__":
    main()
