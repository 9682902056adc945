"""A page on which a person labels frames, one key to a frame."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state
from tqdm import tqdm

from sklearn_sfx._methods import METHODS
from sklearn_sfx.datasets import name_in_labels, weight_in_labels
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin, Frames, are_simulated
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._doubt import chances, draw
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._pages import require_page, write_page
from sklearn_sfx.screening._report_pictures import thumbnail
from sklearn_sfx.screening._screen import screen
from sklearn_sfx.screening._unreadable import readable_rows

__all__ = ["write_label_page"]

N_BLOCKS = 360  # along the side of a picture at the least, where a frame has as many pixels
N_CANDIDATES = 20  # frames that a model scores, for each that is to be labelled


def write_label_page(
    path: str | os.PathLike,
    frames: Frames,
    *,
    n_frames: int = 200,
    model: ScreeningModel | None = None,
    crop: int | str | None = "auto",
    random_state: int | np.random.RandomState | None = None,
    progress: bool = False,
) -> int:
    """Write a page to label frames on, drawn at random from all of a run.

    In a browser the keys H, M and N call the frame that is shown HIT, MAYBE or MISS and go on to
    the next; the arrows go back and forth. The browser remembers the labels until the page gives
    them as a text file, which ``sfx train`` and `sklearn_sfx.datasets.match_labels` read. The page
    is one file and needs no network, so it can be labelled on another machine. With the same seed
    a larger `n_frames` draws the same frames and some more, whose labels the browser still knows.

    With a `model` half of the places go to frames that it is in doubt about, near its threshold,
    of 20 times as many that are drawn at random and that it was not trained on. Each label then
    has a weight, by the chance that its frame had to be drawn: with it `train`, `evaluate` and
    `Scores.hit_rate` say what labels of frames drawn at random would. The page does not show what
    the model says, and shows the frames in random order, so that those labelled first are a sample
    too.

    Parameters
    ----------
    path : path-like
        The page to write, replaced as a whole.
    frames : Frames, shape (n_run, height, width)
        The run, from files.
    n_frames : int
        How many of its frames to label; all where there are fewer.
    model : ScreeningModel, optional
        What `train` returned or `load_screening_model` loaded, from some labels or none.
    crop : int, "auto" or None, default="auto"
        Side of the square that is shown, in pixels, as in `train` for "rows". Show what the model
        will see.
    random_state : int, RandomState or None
        Seed of the draw.
    progress : bool
        Whether to show a progress bar on a terminal.

    Returns
    -------
    int
        How many frames it shows.

    Raises
    ------
    InputError
        The frames come from no file or from two of the same name, are smaller than the crop or of
        another shape than those of the model, it was trained on all of them, the
        page cannot be written there, or matplotlib or jinja2 is not installed.

    Warns
    -----
    UnreadableFramesWarning
        Some of the frames that were drawn cannot be read, and are left out.

    See Also
    --------
    sklearn_sfx.datasets.match_labels : Read the labels that the page gives.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx import make_sfx_frames, open_frames
    >>> from sklearn_sfx.datasets import write_run
    >>> from sklearn_sfx.screening import write_label_page
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_run(folder / "run.h5", make_sfx_frames(12, frame_shape=(192, 192), random_state=0))
    >>> run = open_frames(folder / "run.h5")
    >>> write_label_page(folder / "label.html", run, n_frames=10, crop=180, random_state=0)
    10
    >>> (folder / "label.html").read_text().count("data:image/png")
    10
    """
    require_page(path)
    if n_frames < 1:
        raise InputError(f"n_frames has to be 1 or more, got {n_frames}.")
    rng = check_random_state(random_state)
    if model is None:
        drawn = _at_random(frames, n_frames, rng)
    else:
        _names(frames[:1].sources)  # what no label can name is refused before it is scored
        drawn = _by_doubt(frames, n_frames, model, rng, progress)
    in_run = np.argsort(drawn.rows)
    chosen = frames[drawn.rows[in_run]]
    readable = readable_rows(chosen, "the page")
    chosen, in_run = chosen[readable], in_run[readable]
    n_frames = len(chosen)
    named = _names(chosen.sources)
    paths = {str(source.path) for source in frames.sources}
    # Defective pixels would pass for spots.
    masking = PixelMask(detect=n_frames >= PixelMask.MIN_FRAMES, invalid="auto")
    prepare = make_pipeline(masking, crop_for(frames, crop, METHODS["rows"].crop))
    prepared = prepare.fit_transform(chosen)
    quiet = None if progress else True
    bar = tqdm(prepared, total=n_frames, unit="frame", disable=quiet)
    pictures = [thumbnail(frame, N_BLOCKS) for frame in bar]
    listed = "\n".join(sorted(paths)).encode("utf-8", "surrogateescape")
    weights = [weight_in_labels(weight) for weight in drawn.weights[in_run]]
    shown = [
        {"file": name, "number": number, "picture": picture, "weight": weight}
        for (name, number), picture, weight in zip(named, pictures, weights, strict=True)
    ]
    page = {
        "shown": shown if model is None else [shown[i] for i in np.argsort(in_run)],
        "by_doubt": model is not None,
        "n_run": len(frames),
        "simulated": are_simulated(chosen.sources),
        "key": f"sfx label {hashlib.sha256(listed).hexdigest()}",
    }
    write_page(path, "label.html", page)
    return n_frames


class _Drawn(NamedTuple):
    """Rows of a run in the order of the draw, and what the label of each weighs."""

    rows: np.ndarray
    weights: np.ndarray


def _at_random(frames: Frames, n_frames: int, rng: np.random.RandomState) -> _Drawn:
    n_frames = min(n_frames, len(frames))
    rows = rng.choice(len(frames), n_frames, replace=False)
    return _Drawn(rows, np.ones(n_frames))


def _by_doubt(
    frames: Frames,
    n_frames: int,
    model: ScreeningModel,
    rng: np.random.RandomState,
    progress: bool,
) -> _Drawn:
    """Draw frames of which a model is in doubt, and others."""
    rows = _at_random(frames, N_CANDIDATES * n_frames, rng).rows
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
    return _Drawn(rows[drawn], len(drawn) / len(rows) / chance[drawn])


def _names(sources: Sequence[FrameOrigin]) -> list[tuple[str, int]]:
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
        named.append((name, source.position + 1))
    return named
