"""How fast is preprocessing, beside what one would write with scipy.

Work per frame: the central 724 x 724 of 1920 x 1920 uint16, GCN, LCN 5 x 5, row-wise decomposition.
Only the ratios, taken in one run, mean something; milliseconds depend on the machine.

    python benchmarks/preprocessing.py [--repeats 30] [--json results.json]
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter
from sklearn.pipeline import make_pipeline

from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop, PixelMask, RowWiseDecomposition

N_FRAMES = 4


def scipy_vectors(frames):
    """Compute what one would write: float64, no masks."""
    vectors = []
    for frame in frames:
        crop = frame[598:1322, 598:1322].astype(np.float64)
        crop = (crop - crop.mean()) / crop.std()
        mean = uniform_filter(crop, 5)
        variance = uniform_filter(crop * crop, 5) - mean * mean
        contrast = (crop - mean) / np.maximum(np.sqrt(np.maximum(variance, 0)), 1)
        inner = contrast[2:-2, 2:-2]
        vectors.append(inner.max(axis=1) - inner.min(axis=1))
    return np.array(vectors)


def scipy_masked_vectors(frames, usable):
    """Compute the same with masked pixels: sums over the usable ones, and their number."""
    good = usable[598:1322, 598:1322]
    vectors = []
    for frame in frames:
        crop = frame[598:1322, 598:1322].astype(np.float64)
        crop = np.where(good, (crop - crop[good].mean()) / crop[good].std(), 0)
        part = np.maximum(uniform_filter(good.astype(np.float64), 5), 1e-9)
        mean = uniform_filter(crop, 5) / part
        variance = uniform_filter(crop * crop, 5) / part - mean * mean
        contrast = (crop - mean) / np.maximum(np.sqrt(np.maximum(variance, 0)), 1)
        inner, seen = contrast[2:-2, 2:-2], good[2:-2, 2:-2]
        highest = np.where(seen, inner, -np.inf).max(axis=1)
        lowest = np.where(seen, inner, np.inf).min(axis=1)
        vectors.append(np.where(seen.any(axis=1), highest - lowest, 0))
    return np.array(vectors)


def median_ms(function, repeats):
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - start) / N_FRAMES)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    frames = rng.poisson(200, (N_FRAMES, 1920, 1920)).astype(np.uint16)
    usable = rng.random(frames.shape[1:]) > 0.001
    usable[:, 950:960] = False
    chain = [CentralCrop(724), GCN(), LCN(5), RowWiseDecomposition()]
    fused = make_pipeline(*chain).fit_transform(open_frames(frames))
    masked = make_pipeline(*chain).fit_transform(open_frames(frames, mask=usable))
    named = make_pipeline(PixelMask(usable, saturation=60000), *chain)
    named = named.fit_transform(open_frames(frames))
    separate = make_pipeline(*chain).fit(frames)

    methods = {
        "scipy, float64": (lambda: scipy_vectors(frames), "scipy, float64"),
        "fused, lazy frames": (lambda: np.asarray(fused), "scipy, float64"),
        "one by one, array": (lambda: separate.transform(frames), "scipy, float64"),
        "scipy, float64, masked": (
            lambda: scipy_masked_vectors(frames, usable),
            "scipy, float64, masked",
        ),
        "fused, masked frames": (lambda: np.asarray(masked), "scipy, float64, masked"),
        "fused, mask and saturation": (lambda: np.asarray(named), "scipy, float64, masked"),
    }
    results = {}
    print(f"{'method':30} {'ms/frame':>9} {'times scipy':>12} {'error':>9}")
    for name, (function, baseline) in methods.items():
        milliseconds = median_ms(function, options.repeats)
        reference = methods[baseline][0]()
        error = float(np.abs(function() - reference).max() / np.ptp(reference))
        results[name] = {"ms_per_frame": milliseconds, "error": error}
        ratio = results[baseline]["ms_per_frame"] / milliseconds
        results[name]["times_scipy"] = ratio
        print(f"{name:30} {milliseconds:9.2f} {ratio:12.1f} {error:9.1e}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
