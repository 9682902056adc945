"""A page on which a person labels frames, one key to a frame."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state
from tqdm import tqdm

from sklearn_sfx.datasets import weight_in_labels
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, are_simulated
from sklearn_sfx.preprocessing import PixelMask
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._pages import require_page, write_page
from sklearn_sfx.screening._unreadable import readable_rows
from sklearn_sfx.screening.labelling._app import HERE, SCRIPTS, STYLES
from sklearn_sfx.screening.labelling._draw import ORDERS, at_random, by_doubt, names_of
from sklearn_sfx.screening.labelling._label_lines import FrameName
from sklearn_sfx.screening.labelling._labelling import ENOUGH
from sklearn_sfx.screening.labelling._page_task import labelled_task, task_facts
from sklearn_sfx.screening.labelling._shown import log_scale, side_shown
from sklearn_sfx.serving import Asset, FramePicture, gzipped, read_asset, view_facts

__all__ = ["write_label_page"]


def write_label_page(
    path: str | os.PathLike,
    frames: Frames,
    *,
    n_frames: int = 200,
    model: ScreeningModel | None = None,
    crop: int | str | None = "auto",
    task: str | None = None,
    random_state: int | np.random.RandomState | None = None,
    progress: bool = False,
) -> int:
    """Write a page to label frames on, drawn at random from all of a run.

    In a browser the keys H, M and N call the frame that is shown HIT, MAYBE or MISS and go on to
    the next; the arrows go back and forth. The browser remembers the labels until the page gives
    them as a text file, which ``sfx train`` and `sklearn_sfx.datasets.match_labels` read. The page
    is one file and needs no network, so it can be labelled on another machine; where it need not
    be, `label_frames` is the better page. What is looked at is there at full resolution, about a
    third of a megabyte for 724 x 724 pixels. With the same seed a larger `n_frames` draws the same
    frames and some more, whose labels the browser still knows, by their pixels.

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
    task : {"crystallography", "single-particle"}, optional
        What is labelled, as in `label_frames`.
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
        another shape than those of the model, it was trained on all of them or is of another task,
        the page cannot be written there, or matplotlib or jinja2 is not installed.

    Warns
    -----
    UnreadableFramesWarning
        Some of the frames that were drawn cannot be read, and are left out.

    See Also
    --------
    label_frames : A page that is served, which shows whole frames and saves every label.
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
    >>> (folder / "label.html").read_text().count('"codes"')
    10
    """
    require_page(path)
    if n_frames < 1:
        raise InputError(f"n_frames has to be 1 or more, got {n_frames}.")
    rng, about = check_random_state(random_state), labelled_task(model, task)
    if model is None:
        drawn = at_random(frames, n_frames, rng)
    else:
        names_of(frames[:1].sources)  # what no label can name is refused before it is scored
        drawn = by_doubt(frames, n_frames, model, rng, progress)
    in_run = np.argsort(drawn.rows)
    chosen = frames[drawn.rows[in_run]]
    readable = readable_rows(chosen, "the page")
    chosen, in_run = chosen[readable], in_run[readable]
    names = names_of(chosen.sources)
    # Defective pixels would pass for spots.
    masking = PixelMask(detect=len(chosen) >= PixelMask.MIN_FRAMES, invalid="auto")
    prepare = make_pipeline(masking, crop_for(frames, crop, side_shown(about)))
    prepared = prepare.fit_transform(chosen)
    scale = log_scale(prepared) if about.scale == "log" else None
    quiet = None if progress else True
    bar = tqdm(prepared, total=len(chosen), unit="frame", disable=quiet)
    shown = [
        _shown(frame, name, weight, scale)
        for frame, name, weight in zip(bar, names, drawn.weights[in_run], strict=True)
    ]
    if model is not None:
        shown = [shown[i] for i in np.argsort(in_run)]
    height, width = (int(length) for length in prepared.shape[1:])
    facts = {
        "view": view_facts((height, width)),
        "window": {"top": 0, "left": 0, "height": height, "width": width},
        "simulated": are_simulated(chosen.sources),
        "order": ORDERS["random" if model is None else "doubt"],
        "n_places": len(shown),
        "enough_from": ENOUGH,
        "task": task_facts(about),
    }
    alone = {
        "css": "\n".join(map(read_asset, STYLES)),
        "js": "\n".join(map(read_asset, [*SCRIPTS[:-1], Asset(HERE, "alone.js")])),
        "shown": {"facts": facts, "frames": shown},
    }
    title = f"{len(shown)} frames to label"
    write_page(path, "label.html", {"alone": alone, "title": title, "task": about})
    return len(shown)


def _shown(
    frame: np.ndarray, name: FrameName, weight: float, scale: tuple[float, float, float] | None
) -> dict[str, Any]:
    """Return what the page holds of a frame."""
    picture, layer = FramePicture(frame, scale=scale), "counts" if scale else "local"
    # In steps twice as wide, which nobody sees and which take a fifth less.
    codes = np.where(picture.codes(layer, 0), picture.codes(layer, 0) // 2 * 2 | 2, 0)
    packed = gzipped(codes.astype(np.uint8))
    counts = {"countsRange": picture.counts_range} if scale else {}
    return {
        "file": name.file,
        "number": name.number,
        "weight": weight_in_labels(weight),
        # What the label is remembered under: a frame, whatever its file is called.
        "key": f"sfx label {hashlib.sha256(f'{name.number} '.encode() + packed).hexdigest()[:32]}",
        "scales": picture.scales(layer),
        **counts,
        "codes": base64.b64encode(packed).decode("ascii"),
    }
