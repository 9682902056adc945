"""What the time of one frame, from a bitshuffle-LZ4 file to its probability, is made of.

Each part is run by itself, one thread, as the pipeline runs it; *measured* is its share of the
whole, which is run by itself too. What the parts leave over is spent between them.
"""

from collections.abc import Callable

import h5py
import numpy as np
import torch

from sklearn_sfx import open_frames
from sklearn_sfx.frames import Window
from sklearn_sfx.frames.hdf5._decoders import BytesOfFile
from sklearn_sfx.frames.hdf5._handles import RawFile
from sklearn_sfx.frames.hdf5._rows import RowReader
from sklearn_sfx.networks import for_inference
from sklearn_sfx.preprocessing import kernels

from .material import DATASET, N_FRAMES, Material
from .network import BATCH
from .peers.vectors import CROP as PART
from .rows import Row, per_item
from .timing import interleave, timed

SIDE = PART[0].stop - PART[0].start
WINDOW = Window(PART[0].start, PART[1].start, SIDE, SIDE)


def measure(material: Material) -> list[Row]:
    path = material.file("bitshuffle-LZ4")
    network = for_inference(material.model[-1].net_.module_.eval())
    vectors = torch.from_numpy(material.vectors)

    @torch.inference_mode()
    def predict() -> None:
        for batch in vectors.split(BATCH):
            network(batch)

    with h5py.File(path) as file:
        parts = {
            **_reading(file[DATASET]),
            **_preprocessing(material.frames[:, PART[0], PART[1]]),
            "network": predict,
        }
        parts["whole"] = lambda: material.model.predict_proba(open_frames(path))
        seconds = interleave({k: timed(f) for k, f in parts.items()}, material.repeats(9))
    whole = seconds.pop("whole")
    return [
        Row(
            what,
            "the whole",
            tuple(part / all_ for part, all_ in zip(values, whole, strict=True)),
            ours=per_item(values, N_FRAMES),
            peer=per_item(whole, N_FRAMES),
        )
        for what, values in seconds.items()
    ]


def _reading(dataset: h5py.Dataset) -> dict[str, Callable[[], None]]:
    raw, out = RawFile(dataset.file.filename), np.empty((SIDE, SIDE), dataset.dtype)
    reader = RowReader.of(dataset, 1, raw)
    pieces = [reader._locate((i,), WINDOW) for i in range(N_FRAMES)]

    def ask_the_file() -> None:
        for (piece,) in pieces:
            BytesOfFile(raw.number, piece.offset, piece.size)(0, int(0.75 * piece.size))

    def read() -> None:
        for here in pieces:
            reader._read(here, WINDOW, out)

    return {"bytes from the page cache": ask_the_file, "those, and decoding": read}


def _preprocessing(crops: np.ndarray) -> dict[str, Callable[[], None]]:
    crops = np.ascontiguousarray(crops)
    reference = np.float32(np.round(crops.mean()))
    usable = np.zeros((0, 0), bool)  # all
    work, out = kernels.new_work(SIDE), np.empty(SIDE - 4, np.float32)

    def moments() -> None:
        for crop in crops:
            kernels.moments_of_counts(crop, usable, reference)

    def contrast_too() -> None:
        for crop in crops:
            _, std = kernels.moments_of_counts(crop, usable, reference)
            counts = (crop, usable, reference)
            kernels.row_ranges_while_loading(counts, (5, 5), std, work, out)

    return {"mean and deviation": moments, "those, LCN and RWD": contrast_too}
