"""The peak finders against OM's peakfinder8, and a run against a table by it.

Both see the same 32 frames in memory, one after the other in one thread; *crop* is their central
724 x 724 pixels. `StrongestPeaks` and `count_peaks` are as a user calls them, with their default
settings; both together find the peaks once, as `train` and `screen` do. peakfinder8 is timed as in
the section on hit decisions.

*File to table* is `sfx screen` without a model on a run of 128 frames, which repeats 32, with one
worker, from the start of the command in a running Python to the lists that it writes. It finds
defective pixels first and counts spots and peaks; without the count of peaks is ``--no-peaks``.
The peer reads each frame with h5py, counts its peaks with peakfinder8 and writes a table.
"""

import contextlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from sklearn_sfx import StrongestPeaks
from sklearn_sfx.classifiers import PeakCountClassifier, PeakHeightClassifier, find_together
from sklearn_sfx.cli import main
from sklearn_sfx.preprocessing import count_peaks, count_spots

from .hit_decision import N_FRAMES, NAMES, PeakFinder, why
from .material import COMPRESSIONS, CROP, DATASET, Material
from .rows import Row, faster
from .timing import interleave, timed

N_OF_RUN = 128
DEMANDED = {"crop": {"least": 3, "aim": 5}, "full": {"least": 4, "aim": 8}}
TABLE = {"least": 3, "aim": 6}
SCREEN = {"sfx screen, file to table": (), "sfx screen --no-peaks, file to table": ("--no-peaks",)}


def measure(material: Material) -> list[Row]:
    try:
        finder = PeakFinder(material)
    except OSError as error:
        return [Row("StrongestPeaks", NAMES[part], (), note=why(error)) for part in NAMES]
    with finder:
        return [*_in_memory(material, finder), *_to_table(material, finder)]


def _in_memory(material: Material, finder: PeakFinder) -> list[Row]:
    start = (material.frames.shape[1] - CROP) // 2
    whole = material.frames[:N_FRAMES]
    centre = np.ascontiguousarray(whole[:, start : start + CROP, start : start + CROP])
    passes, pairs = {}, []
    for part, frames in {"crop": centre, "full": whole}.items():
        passes[part] = _peer(finder, {"part": part, "masked": False, "fast": False})
        for what, function in _finders(frames).items():
            passes[f"{what}, {part}"] = timed(function)
            pairs.append((what, part))
    seconds = interleave(passes, material.repeats(9))
    return [
        faster(what, NAMES[part], seconds, f"{what}, {part}", part, N_FRAMES, **DEMANDED[part])
        for what, part in pairs
    ]


def _finders(frames: np.ndarray) -> dict[str, Callable[[], object]]:
    heights = StrongestPeaks().fit(frames)
    both = PeakHeightClassifier(), PeakCountClassifier()
    return {
        "StrongestPeaks": lambda: heights.transform(frames),
        "count_peaks": lambda: count_peaks(frames),
        "StrongestPeaks and count_peaks": lambda: find_together(both, frames),
        "count_spots": lambda: count_spots(frames),
    }


def _to_table(material: Material, finder: PeakFinder) -> list[Row]:
    path = material.folder / "peaks" / "run.h5"
    path.parent.mkdir()
    _write_run(path, material.frames[:N_FRAMES], COMPRESSIONS["bitshuffle-LZ4"])
    wanted = {"file": str(path), "dataset": DATASET, "table": str(path.with_suffix(".csv"))}
    passes = {what: timed(_screen(path, options)) for what, options in SCREEN.items()}
    seconds = interleave({"peer": _peer(finder, wanted)} | passes, material.repeats(3))
    peer = "h5py and peakfinder8, bitshuffle-LZ4"
    return [faster(what, peer, seconds, what, "peer", N_OF_RUN, **TABLE) for what in SCREEN]


def _write_run(path: Path, frames: np.ndarray, options: dict) -> None:
    chunks = {"chunks": (1, *frames.shape[1:])} if options else {}
    with h5py.File(path, "w") as file:
        shape = (N_OF_RUN, *frames.shape[1:])
        run = file.create_dataset(DATASET, shape, frames.dtype, **chunks, **options)
        for start in range(0, N_OF_RUN, len(frames)):
            run[start : start + len(frames)] = frames


def _screen(path: Path, options: tuple[str, ...]) -> Callable[[], object]:
    def run() -> None:
        shutil.rmtree(path.parent / ".sfx", ignore_errors=True)  # or it goes on where it was
        with (
            contextlib.chdir(path.parent),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            main(["screen", str(path), "--jobs", "1", "--force", *options])

    return run


def _peer(finder: PeakFinder, wanted: dict) -> Callable[[], float]:
    return lambda: finder.seconds(wanted)
