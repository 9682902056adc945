"""Peak memory and cost per frame of 100,000 frames against 1,000, through `predict_proba`.

Whole runs of that length do not fit here, so a file of 500 simulated frames, 512 x 512 uint16 in
bitshuffle-LZ4, is read again and again (``frames[np.arange(100_000) % 500]``) with a crop of 360.
Each run has a process of its own; runs of both lengths take turns. Memory is the most that the
process held (VmHWM); time begins after 64 frames that do not count.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D, make_sfx_frames, open_frames

from .material import COMPRESSIONS, Material, preprocessing, write_frames
from .rows import Row, figure
from .timing import paired_ratios

N_STORED = 500
N_TRAIN = 100
SIDE = 512
CROP = 360
FEW = 1_000
MANY = 100_000
MANY_QUICK = 10_000  # a quick run makes do with these
REPEATS = 3
ROOT = Path(__file__).parents[2]


def measure(material: Material) -> list[Row]:
    run_path, model_path = material.folder / "run.h5", material.folder / "model.joblib"
    prepare(run_path, model_path)
    many = MANY_QUICK if material.quick else MANY
    found = {FEW: [], many: []}
    for _ in range(material.repeats(REPEATS)):
        for n_frames, results in found.items():
            results.append(in_own_process(run_path, model_path, n_frames))
    against = f"{FEW:,} frames"
    columns = {
        "peak memory": ("peak_mib", 1, "MiB"),
        "cost per frame": ("seconds_per_frame", 1e3, "ms"),
    }
    rows = []
    for name, (key, factor, unit) in columns.items():
        few, large = ([one[key] for one in found[n]] for n in (FEW, many))
        rows.append(
            Row(
                f"{name}, {many:,} frames (lower is better)",
                against,
                tuple(paired_ratios(large, few)),
                least=1.1,
                lower_is_better=True,
                ours=f"{figure(factor * np.median(large))} {unit}",
                peer=f"{figure(factor * np.median(few))} {unit}",
            )
        )
    return rows


def prepare(run_path: Path, model_path: Path) -> None:
    """Write the frames, and a pipeline fitted to some of them."""
    run = make_sfx_frames(N_STORED, frame_shape=(SIDE, SIDE), hit_rate=0.5, random_state=0)
    write_frames(run_path, np.asarray(run.data.as_stored()), COMPRESSIONS["bitshuffle-LZ4"])
    model = make_pipeline(*preprocessing(CROP), CNN1D(max_epochs=3, random_state=0))
    model.fit(open_frames(run_path)[:N_TRAIN], run.target[:N_TRAIN])
    joblib.dump(model, model_path)


def in_own_process(run_path: Path, model_path: Path, n_frames: int) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, run_path, model_path, str(n_frames)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def score(run_path: str, model_path: str, n_frames: int) -> dict[str, float]:
    model, frames = joblib.load(model_path), open_frames(run_path)
    model.predict_proba(frames[:64])
    start = time.perf_counter()
    model.predict_proba(frames[np.arange(n_frames) % len(frames)])
    seconds = time.perf_counter() - start
    return {"seconds_per_frame": seconds / n_frames, "peak_mib": peak_memory()}


def peak_memory() -> float:
    """Return the most that this process held, in MiB.

    Not what `getrusage` says: a new process starts there with the peak of the one that made it.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps(score(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
