"""The peak finders against OM's peakfinder8, and a run against a table by it.

Both see the same 32 frames in memory, one after the other in one thread; *crop* is their central
724 x 724 pixels. `StrongestPeaks` and `count_peaks` are as a user calls them, with their default
settings; both together find the peaks once, as `train` and `screen` do. peakfinder8 is timed as in
the section on hit decisions.

*File to table* is `sfx screen` without a model on a run of 1024 frames, which repeats 32, with one
worker, from the start of the command in a running Python to the lists that it writes. It counts
spots and peaks; without the count of peaks is ``--no-peaks``. It finds defective pixels first, in
36 frames, which takes the same time in a run of any length: so a short run of 128 frames has a row.
The peer reads each of 128 frames with h5py, counts its peaks with peakfinder8 and writes a table.
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

N_OF_PEER, N_OF_RUN = 128, 1024
DEMANDED = {"crop": {"least": 3, "aim": 5}, "full": {"least": 4, "aim": 8}}
TABLE = {"least": 3, "aim": 6}
SCREEN = {
    "sfx screen, file to table": (N_OF_RUN, ()),
    "sfx screen --no-peaks, file to table": (N_OF_RUN, ("--no-peaks",)),
    "sfx screen, a short run, file to table": (N_OF_PEER, ()),
}


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
    folder = material.folder / "peaks"
    folder.mkdir()
    path = {n: folder / f"run{n}.h5" for n in (N_OF_PEER, N_OF_RUN)}
    for n, one in path.items():
        _write_run(one, n, material.frames[:N_FRAMES], COMPRESSIONS["bitshuffle-LZ4"])
    wanted = {"file": str(path[N_OF_PEER]), "dataset": DATASET, "table": str(folder / "run.csv")}
    peer = {"peer": _per_frame(_peer(finder, wanted), N_OF_PEER)}
    passes = {
        what: _per_frame(timed(_screen(path[n], options)), n)
        for what, (n, options) in SCREEN.items()
    }
    seconds = interleave(peer | passes, material.repeats(3))
    against = "h5py and peakfinder8, bitshuffle-LZ4"
    return [faster(what, against, seconds, what, "peer", 1, **TABLE) for what in SCREEN]


def _per_frame(seconds: Callable[[], float], n_frames: int) -> Callable[[], float]:
    return lambda: seconds() / n_frames


def _write_run(path: Path, n_frames: int, frames: np.ndarray, options: dict) -> None:
    chunks = {"chunks": (1, *frames.shape[1:])} if options else {}
    with h5py.File(path, "w") as file:
        shape = (n_frames, *frames.shape[1:])
        run = file.create_dataset(DATASET, shape, frames.dtype, **chunks, **options)
        for start in range(0, n_frames, len(frames)):
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
