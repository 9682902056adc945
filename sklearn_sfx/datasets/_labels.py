"""Labels of some frames of a run, found by the name of the file and the number of the frame."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

import numpy as np

from sklearn_sfx.datasets._annotation import name_in_labels, read_annotation
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames

__all__ = ["match_labels"]


@overload
def match_labels(
    frames: Frames, path: str | Path, return_weights: Literal[False] = False
) -> tuple[np.ndarray, np.ndarray]: ...


@overload
def match_labels(
    frames: Frames, path: str | Path, return_weights: Literal[True]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...


def match_labels(
    frames: Frames, path: str | Path, return_weights: bool = False
) -> tuple[np.ndarray, ...]:
    r"""Find the frames of a run that a file of labels names.

    Unlike `load_cxidb76`, which asks for a label for every frame, this takes labels of a few
    frames, in any order.

    Parameters
    ----------
    frames : Frames of shape (n_frames, height, width)
        The run.
    path : path
        Lines such as ``r0095_2000.h5 [1] MISS``, as `read_annotation` reads them.
    return_weights : bool, default=False
        Whether to return what each label weighs too: more or less than 1 where frames were drawn
        by ``sfx label --model``, and then `evaluate`, `train` and `Scores.hit_rate` need it.

    Returns
    -------
    positions : int64 ndarray of shape (n_labels,)
        The labelled frames, in the order of the run.
    labels : str ndarray of shape (n_labels,)
        HIT, MAYBE or MISS for each.
    weights : float64 ndarray of shape (n_labels,)
        1 for a line without. Only with ``return_weights=True``.

    Raises
    ------
    InputError
        A line names a file or a frame that the run does not have, two lines label one frame, or
        two files of the run have the same name.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from sklearn_sfx import open_frames, write_cxidb76
    >>> from sklearn_sfx.datasets import match_labels
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_cxidb76(folder / "run.h5", np.ones((4, 8, 8), dtype=np.uint16))
    >>> _ = (folder / "labels.txt").write_text("run.h5 [4] HIT\nrun.h5 [2] MISS\n")
    >>> match_labels(open_frames(folder / "run.h5"), folder / "labels.txt")
    (array([1, 3]), array(['MISS', 'HIT'], dtype='<U5'))
    >>> _ = (folder / "labels.txt").write_text("run.h5 [4] HIT weight=0.42\nrun.h5 [2] MISS\n")
    >>> *_, weights = match_labels(
    ...     open_frames(folder / "run.h5"), folder / "labels.txt", return_weights=True
    ... )
    >>> weights
    array([1.  , 0.42])
    """
    positions: dict[tuple[str, int], int] = {}
    paths: dict[str, str | None] = {}
    for i, origin in enumerate(frames.sources):
        name = name_in_labels(origin.path)
        if paths.setdefault(name, origin.path) != origin.path:
            raise InputError(
                f"Labels name frames by file name, and two files of this run are called {name}: "
                f"{paths[name]} and {origin.path}; label and train with one of them at a time."
            )
        positions.setdefault((name, origin.position), i)
    annotation = read_annotation(path)
    found: dict[int, tuple[str, float]] = {}
    for name, number, label, weight in zip(*annotation, strict=True):
        i = positions.get((name_in_labels(name), int(number) - 1))
        if i is None:
            raise InputError(
                f"{path} labels frame [{number}] of {name}, and the run has no such frame "
                f"(files: {', '.join(sorted(paths))}; frames count from 1): "
                "give the labels of this run."
            )
        if i in found:
            said = f"{path} labels frame [{number}] of {name} twice"
            if found[i][0] != label:
                raise InputError(f"{said}, as {found[i][0]} and as {label}; leave the right line.")
            raise InputError(f"{said}; leave one line.")
        found[i] = label, weight
    order = sorted(found)
    matched = np.array(order, np.int64), np.array([found[i][0] for i in order], "<U5")
    return (*matched, np.array([found[i][1] for i in order])) if return_weights else matched
