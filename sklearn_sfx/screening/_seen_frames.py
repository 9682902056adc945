"""The frames that a model was trained on, known again wherever their file has gone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from sklearn_sfx._stored import stored
from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames import Frames

__all__ = ["SeenFrame", "find_seen", "seen_frames"]

BLOCK = 64  # frames that are read again one by one if one of them cannot be
EXACT = 2.0**53  # below, a float holds each whole number


@stored
class SeenFrame(NamedTuple):
    """One frame that a model was trained on.

    Parameters
    ----------
    path : str
        Absolute path of its file, when the model was trained.
    event : str
        What CrystFEL calls it in this file, with the name of its dataset where there are several.
    position : int
        Its number in this file, from 0.
    digest : str
        Of its shape and the values of its pixels, before any mask or step.

    Examples
    --------
    >>> from sklearn_sfx.screening import SeenFrame
    >>> SeenFrame("/data/run.h5", "chunk_0000000//4", 4, "8a3c").position
    4
    """

    path: str
    event: str
    position: int
    digest: str


def seen_frames(frames: Any) -> tuple[SeenFrame, ...]:
    """Read frames and return what they are known by; nothing for those that come from no file."""
    sources = getattr(frames, "sources", ())
    rows = [row for row, source in enumerate(sources) if source.path is not None]
    if not rows:
        return ()
    named = zip((sources[row] for row in rows), _digests(frames[np.array(rows)]), strict=True)
    return tuple(
        SeenFrame(os.path.abspath(source.path), source.event, source.position, digest)
        for source, digest in named
    )


def find_seen(frames: Frames, seen: Iterable[tuple]) -> np.ndarray:
    """Return which frames are among those that were seen, as bools of shape (n_frames,).

    The pixels decide, so all frames are read. Of models of older versions only the name of the file
    and the position are known, and decide.
    """
    seen = list(seen)
    digests = {one.digest for one in seen if isinstance(one, SeenFrame)}
    names = {tuple(one) for one in seen if not isinstance(one, SeenFrame)}
    found = np.array([_named(one.path, one.position) in names for one in frames.sources], bool)
    if digests:
        found |= np.array([digest in digests for digest in _digests(frames)], bool)
    return found


def _named(path: str | None, position: int) -> tuple[str, int] | None:
    return None if path is None else (os.path.basename(path), position)


def _digests(frames: Frames) -> Iterator[str]:
    """Read frames as they are stored, and yield the digest of each."""
    stored = frames.as_stored()
    for start in range(0, len(stored), BLOCK):
        some = stored[start : start + BLOCK]
        try:
            yield from [_digest(frame) for block in some.blocks() for frame in block]
        except UnreadableFrame:
            yield from (_digest_of(some, row) for row in range(len(some)))


def _digest_of(frames: Frames, row: int) -> str:
    """Return the digest of one frame, which may be one that cannot be read."""
    try:
        return _digest(frames[row])
    except UnreadableFrame:
        return ""  # no frame that was trained on has this one


def _digest(frame: np.ndarray) -> str:
    """Hash the values, whatever type they have: that is of the run, and not of the frame alone."""
    dtype = np.dtype("<f8")
    if frame.dtype.kind != "f" or _is_whole(frame):
        frame = frame if frame.dtype.kind != "f" else frame.astype(np.int64)
        least = [np.min_scalar_type(value) for value in (frame.min(), frame.max())]
        dtype = np.result_type(*least).newbyteorder("<")
    content = np.ascontiguousarray(frame, dtype)
    digest = hashlib.blake2b(f"{content.shape} {dtype.str}".encode(), digest_size=16)
    digest.update(content.data)
    return digest.hexdigest()


def _is_whole(frame: np.ndarray) -> bool:
    return bool((np.abs(frame) < EXACT).all() and (frame == np.rint(frame)).all())
