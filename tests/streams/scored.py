"""Blocks of frames that were scored."""

import numpy as np

from sklearn_sfx.frames import Facts, FrameOrigin
from sklearn_sfx.screening import Scores
from sklearn_sfx.streams import ScoredFrames, arrived_frames

SHAPE = (60, 80)


def scored(numbers, *, dtype=np.uint16, known=True, hits=None):
    """Return frames that are hits, each with a peak where its number says, and a bad corner."""
    frames = np.random.default_rng(0).poisson(10, (len(numbers), *SHAPE)).astype(dtype)
    for frame, number in zip(frames, numbers, strict=True):
        frame[20:23, 10 + number : 13 + number] += 90
        frame[0, :4] = 65535 if frame.dtype.kind == "u" else np.nan
    mask = np.ones(SHAPE, bool)
    mask[:, 70:] = False
    n = len(numbers)
    metadata = {
        "identifier": np.array([f"7:{number}" for number in numbers]),
        "wavelength": 1.25 + np.array(numbers) / 100,
        "distance": np.full(n, 125.0),
        "timestamp": 1000.0 + np.array(numbers),
    }
    facts = Facts(no_data=(65535.0,))
    if known:
        facts = Facts(
            no_data=(65535.0,), beam_center=(30.5, 41.0), pixel_size=0.075, saturation=50000
        )
    arrived = arrived_frames(
        frames,
        sources=[FrameOrigin(None, number, f"//{number}", f"7:{number}") for number in numbers],
        metadata=metadata if known else {},
        facts=facts,
        mask=mask,
    )
    decision = np.ones(n, bool) if hits is None else np.array(hits)
    scores = Scores(arrived.sources, np.where(decision, 0.9, 0.1), decision, None, 0.5)
    return ScoredFrames(arrived, scores, np.zeros(n))
