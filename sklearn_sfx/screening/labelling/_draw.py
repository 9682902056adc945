"""Which frames of a run are labelled, in which order, and what the label of each weighs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sklearn_sfx.datasets import name_in_labels
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin, Frames
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._screen import screen
from sklearn_sfx.screening.labelling._doubt import chances, draw
from sklearn_sfx.screening.labelling._label_lines import FrameName

__all__ = ["ORDERS", "Drawn", "at_random", "by_doubt", "by_number", "names_of"]

N_CANDIDATES = 20  # frames that a model scores, for each that is to be labelled
ORDERS = {
    "random": "drawn at random",
    "doubt": "half drawn at random and half where the model is in doubt, in random order",
    "number": "in the order of the run, so that those labelled first are no sample of it",
}


class Drawn(NamedTuple):
    """Rows of a run in the order of the draw, and what the label of each weighs."""

    rows: np.ndarray
    weights: np.ndarray


def at_random(frames: Frames, n_frames: int, rng: np.random.RandomState) -> Drawn:
    """Draw frames with the same chance; with the same seed fewer are the first of more."""
    n_frames = min(n_frames, len(frames))
    rows = rng.choice(len(frames), n_frames, replace=False)
    return Drawn(rows, np.ones(n_frames))


def by_number(frames: Frames) -> Drawn:
    """Take all frames in the order of the run."""
    return Drawn(np.arange(len(frames)), np.ones(len(frames)))


def by_doubt(
    frames: Frames,
    n_frames: int,
    model: ScreeningModel,
    rng: np.random.RandomState,
    progress: bool,
) -> Drawn:
    """Draw frames of which a model is in doubt, and others."""
    rows = at_random(frames, N_CANDIDATES * n_frames, rng).rows
    rows = np.sort(rows)
    rows = rows[~model.has_seen(frames[rows])]
    if not rows.size:
        raise InputError(
            "The model was trained on every frame that could be shown: label frames of another "
            "run, or leave out the model."
        )
    scores = screen(model, frames[rows], peaks=False, progress=progress)
    rows, probability = rows[scores.is_read], scores.probability[scores.is_read]
    chance = chances(probability, scores.threshold, min(n_frames, len(rows)))
    drawn = draw(chance, rng)
    return Drawn(rows[drawn], len(drawn) / len(rows) / chance[drawn])


def names_of(sources: Sequence[FrameOrigin]) -> list[FrameName]:
    """Return file name and number from 1 of each frame, by which labels name it."""
    paths: dict[str, str] = {}
    named = []
    for source in sources:
        if source.path is None:
            raise InputError(
                "These frames come from no file, and labels name frames by file: open them with "
                "open_frames(path)."
            )
        name = name_in_labels(source.path)
        if paths.setdefault(name, source.path) != source.path:
            raise InputError(
                f"Labels name frames by file name, and two files of this run are called {name}: "
                f"{paths[name]} and {source.path}; label one of them at a time."
            )
        named.append(FrameName(name, source.position + 1))
    return named
