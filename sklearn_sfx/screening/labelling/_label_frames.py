"""Label a run on a page that this machine serves to a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_sfx._extras import require
from sklearn_sfx._text import one_line
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, are_simulated
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._pages import require_page
from sklearn_sfx.screening.labelling._app import label_app
from sklearn_sfx.screening.labelling._draw import (
    ORDERS,
    Drawn,
    at_random,
    by_doubt,
    by_number,
    names_of,
)
from sklearn_sfx.screening.labelling._label_file import LabelFile
from sklearn_sfx.screening.labelling._label_lines import FrameName
from sklearn_sfx.screening.labelling._labelling import ENOUGH, Labelling
from sklearn_sfx.screening.labelling._page_task import labelled_task, task_facts
from sklearn_sfx.screening.labelling._shown import ShownFrames
from sklearn_sfx.serving import PageServer, opened_in_browser

__all__ = ["label_frames", "label_server", "labelling_of"]


def label_frames(
    frames: Frames,
    labels: str | os.PathLike,
    *,
    n_frames: int = 200,
    model: ScreeningModel | None = None,
    order: str = "auto",
    crop: int | str | None = "auto",
    task: str | None = None,
    random_state: int | np.random.RandomState | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    browser: bool = True,
    progress: bool = False,
    say: Callable[[str], None] = print,
) -> dict[str, int]:
    """Label frames on a page in a browser, until the page or Ctrl-C says that it is enough.

    The page is served by this process and has frames at full resolution. H, M and N call the frame
    that is shown HIT, MAYBE or MISS, and each label is in the file before the next frame is shown.
    What the file has already is kept, what another program writes to it meanwhile too, so several
    people may label at once, and it is gone on where it was left.

    Parameters
    ----------
    frames : Frames, shape (n_run, height, width)
        The run, from files.
    labels : path-like
        The file of labels, as `LabelFile` keeps it.
    n_frames : int, default=200
        How many labels are wanted; with ``order="doubt"`` also how many frames are drawn.
    model : ScreeningModel, optional
        What is in doubt about frames, as for `write_label_page`.
    order : "auto", "random", "doubt" or "number", default="auto"
        In which frames are shown: drawn at random from all of the run, by the doubt of a model and
        with the weights that make up for it, or as they are numbered. "auto" is "doubt" with a
        model and "random" without.
    crop : int, "auto" or None, default="auto"
        Side of the square that is shown at first, as in `train` for "rows".
    task : {"crystallography", "single-particle"}, optional
        What is labelled, with which keys; that of the model, or crystallography, by default. Of
        single particles E, S, M and O call a frame empty, single, multiple or other, and it is
        drawn on a logarithmic scale.
    random_state : int, RandomState or None
        Seed of the draw. With the same one the same frames are shown again.
    host : str, default="127.0.0.1"
        Address that is listened on; by default only this machine can open the page.
    port : int, optional
        By default 8765, or one that is free; 0 is any.
    browser : bool, default=True
        Whether to open the page in a browser.
    progress : bool, default=False
        Whether to show a progress bar on a terminal while a model scores frames.
    say : callable, default=print
        Is given lines to tell, the address among them.

    Returns
    -------
    dict
        How many frames of the run have each label, such as HIT, MAYBE and MISS.

    Raises
    ------
    InputError
        The frames come from no file or from two of the same name, are smaller than the crop or of
        another shape than those of the model; the model is of another task, or there is no such
        task; the file holds something else than labels, or those of another task; nobody can listen
        at that address; or starlette, uvicorn, matplotlib or jinja2 is not installed.

    See Also
    --------
    write_label_page : A page in one file, to label on another machine.
    sklearn_sfx.datasets.match_labels : Read the labels.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx import make_sfx_frames, open_frames
    >>> from sklearn_sfx.datasets import write_run
    >>> from sklearn_sfx.screening import label_frames
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_run(folder / "run.h5", make_sfx_frames(12, frame_shape=(192, 192), random_state=0))
    >>> run = open_frames(folder / "run.h5")
    >>> label_frames(run, folder / "labels.txt", random_state=0)  # doctest: +SKIP
    http://127.0.0.1:8765/?token=...
    {'HIT': 3, 'MAYBE': 1, 'MISS': 8}
    """
    server, labelling = label_server(
        frames,
        labels,
        n_frames=n_frames,
        model=model,
        order=order,
        crop=crop,
        random_state=random_state,
        host=host,
        port=port,
        progress=progress,
        task=task,
    )
    with server:
        say(server.url)
        with opened_in_browser(server.url) if browser else nullcontext():
            server.wait()
    return labelling.progress()["counts"]


def label_server(
    frames: Frames,
    labels: str | os.PathLike,
    *,
    n_frames: int,
    model: ScreeningModel | None,
    order: str,
    crop: int | str | None,
    random_state: int | np.random.RandomState | None,
    host: str,
    port: int | None,
    progress: bool,
    task: str | None = None,
) -> tuple[PageServer, Labelling]:
    """Return what serves the page, not yet started, and what is labelled on it."""
    require("starlette", extra="label", what="Served pages")
    require_page()
    if n_frames < 1:
        raise InputError(f"n_frames has to be 1 or more, got {n_frames}.")
    order = _checked_order(order, model)
    about = labelled_task(model, task)
    file = LabelFile(labels, about.name)
    names = names_of(frames.sources)
    drawn = _drawn(frames, order, n_frames, model, check_random_state(random_state), progress)
    server: list[PageServer] = []
    labelling = labelling_of(
        frames[drawn.rows],
        [names[row] for row in drawn.rows],
        drawn.weights.tolist(),
        file,
        order=ORDERS[order],
        n_wanted=min(n_frames, len(drawn.rows)),
        crop=crop,
        stop=lambda: server[0].stop(),
    )
    labelling.facts["n_run"] = len(frames)
    server.append(PageServer(label_app(labelling), host=host, port=port))
    return server[0], labelling


def labelling_of(
    frames: Frames,
    names: Sequence[FrameName],
    weights: Sequence[float],
    file: LabelFile,
    *,
    order: str,
    n_wanted: int,
    crop: int | str | None = "auto",
    stop: Callable[[], None],
    **facts: Any,
) -> Labelling:
    """Return the labelling of frames in the order in which they are to be shown.

    Parameters
    ----------
    frames : Frames, shape (n_frames, height, width)
        What is shown.
    names : sequence of FrameName
        What labels call each.
    weights : sequence of float
        What the label of each weighs.
    file : LabelFile
        Where labels go.
    order : str
        In words, how they were drawn.
    n_wanted : int
        How many labels are wanted.
    crop : int, "auto" or None
        As for `label_frames`.
    stop : callable
        Called when it is enough.
    **facts : any
        What else the page is to know.
    """
    known = {
        "title": f"Labels: {one_line(file.path.name)}",
        "n_places": len(names),
        "order": order,
        "simulated": are_simulated(frames.sources),
        "labels": one_line(str(file.path)),
        "task": task_facts(file.task),
        "enough_from": ENOUGH,
        "masked": frames.mask is not None,
    }
    return Labelling(
        ShownFrames(frames, crop, file.task),
        names,
        weights,
        file,
        facts=known | facts,
        n_wanted=n_wanted,
        stop=stop,
    )


def _checked_order(order: str, model: ScreeningModel | None) -> str:
    if order == "auto":
        return "random" if model is None else "doubt"
    if order not in ORDERS:
        raise InputError(f"order has to be auto, {', '.join(ORDERS)}, got {order!r}.")
    if (order == "doubt") != (model is not None):
        raise InputError(
            "The order 'doubt' is that of a model, and the others need none: give both or neither."
        )
    return order


def _drawn(
    frames: Frames,
    order: str,
    n_frames: int,
    model: ScreeningModel | None,
    rng: np.random.RandomState,
    progress: bool,
) -> Drawn:
    if model is not None:
        return by_doubt(frames, n_frames, model, rng, progress)
    return by_number(frames) if order == "number" else at_random(frames, len(frames), rng)
