"""From a frame in memory to a decision: preprocessing and CNN1D, against OM's peakfinder8.

Both see the same 32 frames, one after the other in one thread; the network gets the vectors of all
of them as one batch. peakfinder8 is given the crop ready, and its time includes the conversion to
float32 that OM makes. Its fast mode takes the statistics of each radius from 100 pixels. Only time
is compared here: its parameters are usual ones, not tuned for these frames.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np

from sklearn_sfx import open_frames

from .material import Material
from .rows import Row, faster
from .timing import interleave, timed

N_FRAMES = 32
ENVIRONMENT = Path(__file__).parents[2] / ".venv-om"
PEER = Path(__file__).parent / "peers" / "peakfinder8.py"
WHAT = "frame in memory to decision"
DEMANDED = {"crop": {"least": 5, "aim": 7}, "full": {"least": 40, "aim": 70}}
NAMES = {"crop": "peakfinder8, 724 crop", "full": "peakfinder8, full frame"}
WAYS = [
    {"part": part, "masked": masked, "fast": fast}
    for masked, fast in ((False, False), (True, False), (False, True))
    for part in ("crop", "full")
]


class PeakFinder:
    """The other process; it prepares the frames once and is asked for one pass at a time."""

    def __init__(self, material: Material):
        centre = [mm / material.run.pixel_size - 0.5 for mm in material.run.beam_center[::-1]]
        frames, mask = material.folder / "frames.npy", material.folder / "mask.npy"
        np.save(frames, material.frames[:N_FRAMES])
        np.save(mask, material.run.mask)
        python = ENVIRONMENT / "bin" / "python"
        self._process = subprocess.Popen(
            [python, PEER, frames, mask, *map(str, centre)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        first = self._process.stdout.readline()
        if not first:
            said = self._process.communicate()[1].strip().splitlines()
            raise OSError(said[-1] if said else "it stopped without a word")
        self.about = json.loads(first)

    def seconds(self, way: dict) -> float:
        """Run one pass over the frames, as one of `WAYS`."""
        print(json.dumps(way), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())["seconds"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._process.communicate()


def measure(material: Material) -> list[Row]:
    try:
        finder = PeakFinder(material)
    except OSError as error:
        return [Row(WHAT, NAMES[part], (), **DEMANDED[part], note=why(error)) for part in NAMES]
    with finder:
        passes = {json.dumps(way): _pass(finder, way) for way in WAYS}
        frames = material.frames[:N_FRAMES]
        masked = open_frames(frames, mask=material.run.mask)
        passes["ours"] = timed(_decide(material, open_frames(frames)))
        passes["ours, masked"] = timed(_decide(material, masked))
        seconds = interleave(passes, material.repeats(9))
    versions, parameters = (
        ", ".join(f"{name} {value}" for name, value in finder.about[key].items())
        for key in ("versions", "parameters")
    )
    note = f"peakfinder8 of {versions}: {parameters}, one panel, radii from the beam centre."
    return [_row(way, seconds, note) for way in WAYS]


def _decide(material: Material, run) -> Callable[[], object]:
    return lambda: material.model.predict_proba(run)


def _pass(finder: PeakFinder, way: dict) -> Callable[[], float]:
    return lambda: finder.seconds(way)


def _row(way: dict, seconds: dict[str, list[float]], note: str) -> Row:
    masked, fast = way["masked"], way["fast"]
    against = NAMES[way["part"]] + (", masked" if masked else "") + (", fast mode" if fast else "")
    demanded = {} if masked or fast else DEMANDED[way["part"]]
    return faster(
        WHAT + (", masked" if masked else ""),
        against,
        seconds,
        "ours, masked" if masked else "ours",
        json.dumps(way),
        N_FRAMES,
        **demanded,
        note=note,
    )


def why(error: OSError) -> str:
    """Return why there is no peakfinder8: what pip said, or what starting it said."""
    log = ENVIRONMENT / "install.log"
    said = log.read_text().splitlines() if log.exists() else []
    errors = [line for line in said if line.startswith("ERROR")]
    reason = errors[-1] if errors else (error.strerror or str(error))
    return f"peakfinder8 could not be run, `make bench` installs it in .venv-om: {reason}"
