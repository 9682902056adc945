"""Per frame: the central 724 x 724 of 1920 x 1920 uint16, GCN, LCN 5 x 5, row-wise decomposition.

Frames lie in memory (`open_frames(array)`) and go through the public pipeline. Times are taken on
Poisson noise. The error is the largest difference from float64 (scipy), as a share of the vectors'
range; it is also taken on simulated frames, and on noise with saturated pixels. The masked rows
leave out 0.1 % of the pixels and a gap between modules.
"""

from collections.abc import Callable

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx import PixelMask, open_frames

from .material import Material, preprocessing
from .peers import vectors
from .rows import Row, faster
from .timing import interleave, timed

N_FRAMES = 8
FUSED = "crop + GCN + LCN + RWD"
ERROR = f"error of {FUSED} (lower is better)"
BOUNDS = {"least": 2e-4, "aim": 5e-5, "lower_is_better": True}


def measure(material: Material) -> list[Row]:
    rng = np.random.default_rng(0)
    noise = rng.poisson(200, (N_FRAMES, 1920, 1920)).astype(np.uint16)
    usable = rng.random(noise.shape[1:]) > 0.001
    usable[:, 950:960] = False
    saturated = noise.copy()
    saturated[rng.random(noise.shape) < 1e-4] = 65535
    return [
        *_rows_of_times(noise, usable, material.repeats(30)),
        *_rows_of_errors(noise, material.frames[:N_FRAMES], saturated, usable),
    ]


def _rows_of_times(noise: np.ndarray, usable: np.ndarray, repeats: int) -> list[Row]:
    run, masked_run = open_frames(noise), open_frames(noise, mask=usable)
    fused = _function(run)
    masked = _function(masked_run)
    named = _function(masked_run, PixelMask(usable, saturation=60000))
    one_by_one = make_pipeline(*preprocessing()).fit(noise)
    functions = {
        "ours": fused,
        "scipy": lambda: vectors.with_scipy(noise),
        "opencv": lambda: vectors.with_opencv(noise),
        "torch": lambda: vectors.with_torch(noise),
        "one by one": lambda: one_by_one.transform(noise),
        "masked": masked,
        "mask and saturation": named,
        "scipy masked": lambda: vectors.with_scipy_masked(noise, usable),
    }
    seconds = interleave({name: timed(run) for name, run in functions.items()}, repeats)

    def row(what: str, against: str, ours: str, peer: str, **demanded: float) -> Row:
        return faster(what, against, seconds, ours, peer, N_FRAMES, **demanded)

    return [
        row(FUSED, "scipy, float64", "ours", "scipy", least=16, aim=20),
        row(FUSED, "OpenCV, float32", "ours", "opencv", least=5, aim=6),
        row(FUSED, "torch avg_pool2d, float32, batch 8", "ours", "torch"),
        row("the same steps on an array, unfused", "scipy, float64", "one by one", "scipy"),
        row(f"{FUSED}, masked", "scipy, float64, masked", "masked", "scipy masked"),
        row(
            f"{FUSED}, mask and saturation",
            "scipy, float64, masked",
            "mask and saturation",
            "scipy masked",
        ),
    ]


def _rows_of_errors(
    noise: np.ndarray, simulated: np.ndarray, saturated: np.ndarray, usable: np.ndarray
) -> list[Row]:
    plain = {"Poisson noise": noise, "simulated": simulated, "saturated pixels": saturated}
    rows = [
        _row_of_error(name, _function(open_frames(frames))(), vectors.with_scipy(frames), **BOUNDS)
        for name, frames in plain.items()
    ]
    ours = _function(open_frames(noise, mask=usable))()
    expected = vectors.with_scipy_masked(noise, usable)
    rows.append(_row_of_error("Poisson noise, masked", ours, expected, **BOUNDS))
    for name, function in (("OpenCV", vectors.with_opencv), ("torch", vectors.with_torch)):
        found, expected = function(saturated), vectors.with_scipy(saturated)
        rows.append(_row_of_error(f"saturated pixels, {name} in float32", found, expected))
    return rows


def _row_of_error(name: str, found: np.ndarray, expected: np.ndarray, **bounds: float) -> Row:
    error = np.abs(found - expected).max() / np.ptp(expected)
    return Row(ERROR, f"float64: {name}", (float(error),), **bounds)


def _function(run, *before) -> Callable[[], np.ndarray]:
    """Return what computes the vectors of a run through the public pipeline."""
    pipeline = make_pipeline(*before, *preprocessing()).fit(run)
    return lambda: np.asarray(pipeline.transform(run))
