"""Which places along each axis a selection of HDF5 names, as virtual datasets have them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import h5py
import numpy as np

__all__ = ["Odd", "Selection", "consecutive", "is_all", "printf_blocks", "selected"]

UNLIMITED = 2**63  # or more: as far as there is something
MOST = 2**26  # places along an axis; more are no frames


class Odd(Exception):
    """A selection that is not the same places along each axis for all others."""


class Selection(NamedTuple):
    """The places along each axis; what is selected is every combination of them, in their order."""

    axes: tuple[np.ndarray, ...]

    @property
    def size(self) -> int:
        """How many elements are selected."""
        return math.prod(len(axis) for axis in self.axes)

    def rectangle(self) -> tuple[int, int, int, int]:
        """Return top, left, height and width along the last two axes, or raise `Odd`."""
        corner, extent = [], []
        for axis in self.axes[-2:]:
            if not len(axis) or axis[-1] - axis[0] + 1 != len(axis):
                raise Odd
            corner.append(int(axis[0]))
            extent.append(len(axis))
        return corner[0], corner[1], extent[0], extent[1]

    def flat(self, shape: Sequence[int], first: int, stop: int) -> np.ndarray:
        """Return the places along some of the axes as numbers along these, put together."""
        if first == stop:
            return np.zeros(1, np.int64)
        mesh = np.meshgrid(*self.axes[first:stop], indexing="ij")
        return np.ravel_multi_index(tuple(axis.ravel() for axis in mesh), tuple(shape[first:stop]))

    def is_whole(self, shape: Sequence[int], first: int, stop: int) -> bool:
        """Whether all there is along some of the axes is selected."""
        pairs = zip(self.axes[first:stop], shape[first:stop], strict=True)
        return all(len(axis) == n for axis, n in pairs)

    def cut(self, n_images: int) -> Selection:
        """Return the first of so many images, of a selection that goes on as far as it can."""
        *lead, height, width = (len(axis) for axis in self.axes)
        n = n_images // max(1, math.prod(lead[1:]))
        if not lead or lead[0] <= n or height * width == 0:
            return self
        return Selection((self.axes[0][:n], *self.axes[1:]))


def is_all(space: h5py.h5s.SpaceID) -> bool:
    """Whether a selection is all of a dataset, whose shape it then does not know."""
    return space.get_select_type() == h5py.h5s.SEL_ALL


def selected(space: h5py.h5s.SpaceID, shape: Sequence[int]) -> Selection:
    """Return what a selection names of a dataset of this shape.

    Raises
    ------
    Odd
        If it is not the same places along each axis.
    """
    if max(shape, default=0) > MOST:
        raise Odd
    if is_all(space):
        return Selection(tuple(np.arange(n) for n in shape))
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or len(space.shape) != len(shape):
        raise Odd
    if space.is_regular_hyperslab():
        return Selection(
            tuple(
                _places(*each) for each in zip(*space.get_regular_hyperslab(), shape, strict=True)
            )
        )
    blocks = np.asarray(space.get_select_hyper_blocklist(), np.int64)
    if (blocks[:, :, 1:] != blocks[:1, :, 1:]).any():
        raise Odd
    rows = np.concatenate([np.arange(first, last + 1) for first, last in blocks[:, :, 0]])
    if (np.diff(rows) < 1).any():
        raise Odd
    others = [np.arange(first, last + 1) for first, last in blocks[0].T[1:]]
    return Selection((rows, *others))


def printf_blocks(space: h5py.h5s.SpaceID, shape: Sequence[int]) -> Iterator[Selection]:
    """Yield what each block of an unlimited selection names, the first one first.

    Each is in a file of its own, whose name has the number of the block.
    """
    start, stride, count, block = space.get_regular_hyperslab()
    endless = [axis for axis, n in enumerate(count) if n >= UNLIMITED]
    if len(endless) != 1:
        raise Odd
    (axis,) = endless
    whole = selected(space, shape).axes
    for first in range(start[axis], shape[axis], max(1, stride[axis])):
        places = np.arange(first, min(first + block[axis], shape[axis]))
        yield Selection((*whole[:axis], places, *whole[axis + 1 :]))


def consecutive(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the stretches in which two sequences of numbers both go up by one."""
    breaks = np.flatnonzero((np.diff(first) != 1) | (np.diff(second) != 1)) + 1
    edges = [0, *breaks.tolist(), len(first)]
    yield from pairwise(edges)


def _places(start: int, stride: int, count: int, block: int, length: int) -> np.ndarray:
    """Return the places along an axis of some length of `count` blocks, `stride` apart."""
    if count >= UNLIMITED or block >= UNLIMITED:
        block = min(block, length)
        count = -(-max(0, length - start) // max(1, stride)) if count >= UNLIMITED else count
    if count * block > MOST:
        raise Odd
    places = (start + stride * np.arange(count)[:, None] + np.arange(block)).ravel()
    return places[places < length] if count * block and places[-1] >= length else places
