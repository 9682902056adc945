"""Frames that were opened one after the other, as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._joined_source import JoinedSource
from sklearn_sfx.frames._picked_source import PickedSource

__all__ = ["are_alike", "join_frames"]


def are_alike(one: Frames, other: Frames) -> bool:
    """Whether frames can be joined: they have one shape, one dtype and one mask, and no steps."""
    mask, other_mask = one._mask, other._mask
    if one.shape[1:] != other.shape[1:] or one._steps or other._steps:
        return False
    if one._source.dtype != other._source.dtype or one._window or other._window:
        return False
    if one.values != other.values or one.filled != other.filled:
        return False
    if mask is None or other_mask is None or isinstance(mask, Frames):
        return mask is other_mask is None
    return isinstance(other_mask, np.ndarray) and np.array_equal(mask, other_mask)


def join_frames(parts: Sequence[Frames]) -> Frames:
    """Return the frames of several runs that are alike, one after the other; nothing is read.

    Parameters
    ----------
    parts : sequence of Frames, each of shape (n_frames, height, width)
        One or more.

    Raises
    ------
    InputError
        They are not alike.
    """
    if len(parts) == 1:
        return parts[0]
    if not all(are_alike(one, other) for one, other in pairwise(parts)):
        raise InputError("Frames of other shapes, dtypes or masks cannot be joined.")
    picked = [PickedSource(part._source, np.asarray(part._index, np.int64)) for part in parts]
    first = parts[0]
    mask = first._mask if isinstance(first._mask, np.ndarray) else None
    return Frames(
        JoinedSource(picked), mask=mask, values=first.values, mask_origin=first.mask_origin
    )
