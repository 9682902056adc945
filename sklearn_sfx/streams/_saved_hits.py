"""The hits of a run that is over, in one file."""

from __future__ import annotations

import os
import warnings

import numpy as np

from sklearn_sfx._files import replacing
from sklearn_sfx._text import counted
from sklearn_sfx.exceptions import InputError, UnreadableFramesWarning
from sklearn_sfx.frames import Frames, open_frames
from sklearn_sfx.screening import Scores
from sklearn_sfx.streams._cxi_hits import CxiHits
from sklearn_sfx.streams._hits import hits_of
from sklearn_sfx.streams._protocols import ScoredFrames

__all__ = ["save_hits"]

AT_ONCE = 16  # hits that are read together


def save_hits(path: str | os.PathLike, frames: Frames | np.ndarray, scores: Scores) -> int:
    """Write the hits of a run with mask, peaks and metadata to a CXI file, as `HitFiles` does.

    Parameters
    ----------
    path : path-like
        The file, which replaces one that is there.
    frames : Frames or ndarray, shape (n_frames, height, width)
        The run; its hits are read again, some at a time.
    scores : Scores
        What `screen` returned for it.

    Returns
    -------
    int
        How many were written.

    Raises
    ------
    InputError
        The scores are of other frames, or nothing can be written there.
    OSError
        There is no room for the file. Nothing is written then.

    Warns
    -----
    UnreadableFramesWarning
        Hits of which a part cannot be read are left out.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx import make_sfx_frames, open_frames, screen
    >>> from sklearn_sfx.screening import untrained_model
    >>> from sklearn_sfx.streams import save_hits
    >>> run = make_sfx_frames(20, frame_shape=(160, 160), hit_rate=0.5, random_state=0)
    >>> scores = screen(untrained_model(run.data), run.data)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "hits.cxi"
    >>> save_hits(path, run.data, scores) == int(scores.decision.sum()) == len(open_frames(path))
    True
    """
    frames = frames if isinstance(frames, Frames) else open_frames(frames)
    if len(frames) != len(scores.sources):
        raise InputError(
            f"There are scores of {len(scores.sources)} frames, and the run has {len(frames)}: "
            "give the frames that were screened."
        )
    stored, rows = frames.as_stored(), np.flatnonzero(scores.decision)
    with replacing(path) as temporary:
        file = CxiHits(temporary, tuple(stored.shape[1:]), stored.dtype, frames.facts)
        why = ""
        try:
            for start in range(0, len(rows), AT_ONCE):
                part = rows[start : start + AT_ONCE]
                block = ScoredFrames(frames[part], scores[part], np.zeros(len(part)))
                try:
                    for hit in hits_of(block):
                        file.append(hit)
                except InputError as error:  # behind all others
                    why = why or str(error).rstrip(".")
            file.close()
        except BaseException:
            file.give_up()
            raise
    if file.n < len(rows):
        gone = counted(len(rows) - file.n, "hit")
        warnings.warn(
            f"{gone} cannot be read as a whole, and not saved: {why}.",
            UnreadableFramesWarning,
            stacklevel=2,
        )
    return file.n
