"""Live pages, and what they are shown."""

import numpy as np

from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import Scores
from sklearn_sfx.streams import LivePage, ScoredFrames, Tally, arrived_frames

SHAPE = (40, 48)


def block(probability, *, start=0, threshold=0.5, model=None, shape=SHAPE):
    """Return frames of no file that were scored so; NaN is one that cannot be read."""
    probability = np.asarray(probability, float)
    pixels = np.random.default_rng(start).poisson(5, (len(probability), *shape)).astype(np.uint16)
    numbers = range(start, start + len(pixels))
    sources = [FrameOrigin(None, number, f"//{number}", f"7:{number}") for number in numbers]
    decision = np.nan_to_num(probability, nan=-1) >= threshold
    scores = Scores(sources, probability, decision, None, threshold)
    frames = arrived_frames(pixels, sources=sources)
    return ScoredFrames(frames, scores, np.zeros(len(pixels)), model)


def shown(page, tally, *blocks):
    """Show and count blocks as a watch does."""
    for one in blocks:
        tally.receive(len(one))
        page.add(one)
        tally.add(one)


def live_page(**options):
    """Return a page that is not served, and its tally."""
    tally = Tally()
    page = LivePage(tally, name="run 95", model="m.joblib", port=0, **options)
    page._server._socket.close()
    return page, tally
