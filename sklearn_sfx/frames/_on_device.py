"""Frames sent to a device as they are stored, with the steps run there by torch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._blocks import work_ahead
from sklearn_sfx.frames._crops_of_pinned import can_copy_crops, copy_crops
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._other_ways import other_way
from sklearn_sfx.frames._tensor_source import TensorSource
from sklearn_sfx.frames._value_rule import ValueRule

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

__all__ = ["blocks_on_device", "can_run_on_device", "run_on_tensors"]

HELD_BYTES = 512 * 2**20  # of blocks that are read ahead
AHEAD = 3  # blocks that may lie on the device before the work on the first of them is done

Sending = tuple[Callable[[], "Tensor"], "Tensor | None"]  # puts a block on the device; usable


def can_run_on_device(frames: Frames) -> bool:
    """Whether every step of the frames has an ``on_tensors``, and so can be run on a device."""
    return all(other_way(step, "on_tensors") for step in frames.steps)


def run_on_tensors(step: Any, X: Any) -> Any:
    """Run a step that has an ``on_tensors`` on frames of any numbers."""
    return step.on_tensors(X if getattr(step, "takes_integers", False) else X.float())


def blocks_on_device(frames: Frames, device: Any, max_frames: int = 64) -> Iterator[Any]:
    """Read in consecutive blocks, as `Frames.blocks` does, but run the steps on a device.

    Each block is sent as it is stored, while the one before it is worked on. Joblib's workers read
    into pinned memory. Of frames of integers that lie in pinned memory already, such as
    ``open_frames(torch.empty(..., pin_memory=True))``, the device fetches the part that is looked
    at by itself; frames that lie on the device stay there.

    Parameters
    ----------
    frames : Frames
        Of which `can_run_on_device` is true.
    device : torch.device
        Where to.
    max_frames : int
        The most frames in a block.

    Yields
    ------
    Tensor of float32 on the device, shape (n_frames_in_block, ...)
    """
    import torch

    stored = frames.as_stored()
    if not frames._is_prepared:  # nothing is masked then
        stored = stored._view(_mask=None, _values=ValueRule())
    mask = stored.mask
    fixed = None if mask is None or isinstance(mask, Frames) else torch.tensor(mask, device=device)
    arrived = _arrived(_sendings(stored, device, max_frames), device)
    for X, usable in arrived:
        usable = fixed if usable is None else usable if fixed is None else usable & fixed
        if usable is not None:
            X = torch.where(usable, X.float(), torch.nan)
        for step in frames.steps:
            X = run_on_tensors(step, X)
        yield X.float()


def _arrived(sendings: Iterator[Sending], device: Any) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Send block after block, each while the one before is worked on."""
    import torch

    if device.type != "cuda":
        for send, usable in sendings:
            yield send(), usable if usable is None else usable.to(device)
        return
    copying = torch.cuda.Stream(device)
    waiting: deque[tuple[Tensor, Tensor | None, Any]] = deque()
    working: deque[Any] = deque()
    for send, usable in sendings:
        with torch.cuda.stream(copying):
            sent = send(), None if usable is None else usable.to(device, non_blocking=True)
            waiting.append((*sent, copying.record_event()))
        if len(waiting) > 1:
            yield _awaited(*waiting.popleft())
            working.append(torch.cuda.current_stream(device).record_event())
            if len(working) == AHEAD:  # or all of a run would be sent before the first is done
                working.popleft().synchronize()
    for last in waiting:
        yield _awaited(*last)


def _awaited(X: Tensor, usable: Tensor | None, event: Any) -> tuple[Tensor, Tensor | None]:
    """Let what follows wait for a block, and its memory for what follows."""
    import torch

    stream = torch.cuda.current_stream(X.device)
    stream.wait_event(event)
    for tensor in (X, usable):
        if tensor is not None:
            tensor.record_stream(stream)
    return X, usable


def _sendings(stored: Frames, device: Any, max_frames: int) -> Iterator[Sending]:
    """Yield what sends each block, and which of its pixels are usable where that changes."""
    differ = bool(stored.values) or isinstance(stored.mask, Frames)
    may_be_blank = stored._needs_some and stored.mask is not None
    given = None if differ or may_be_blank else _tensor_of(stored, device)
    if given is not None:
        window, first = stored.window, stored._index[0]
        for start in range(first, first + len(stored), max_frames):
            block = given[start : min(start + max_frames, first + len(stored))]
            if given.device.type == "cuda":
                yield partial(_cropped, block, window), None
            else:
                yield partial(copy_crops, block, window, device), None
        return
    workers = stored._workers
    frame_bytes = stored.dtype.itemsize * math.prod(stored.shape[1:])
    length = max(1, min(max_frames, HELD_BYTES // (2 * workers.n * frame_bytes)))
    tasks = [stored[i : i + length] for i in range(0, len(stored), length)]
    read = partial(_read, pinned=workers.are_threads and device.type == "cuda")
    for X, usable in work_ahead(read, tasks, workers):
        yield partial(X.to, device, non_blocking=True), usable


def _tensor_of(stored: Frames, device: Any) -> Tensor | None:
    """Return all frames as a tensor that the device can take a part of; None where it cannot."""
    import torch

    source, index = stored._source, stored._index
    if not isinstance(index, range) or index.step != 1:
        return None
    if isinstance(source, TensorSource):
        tensor = source.tensor
        sound = not tensor.is_floating_point() or not tensor.isinf().any()  # or reading says so
        return tensor if sound and _same(tensor.device, device) else None
    if not isinstance(source, ArraySource) or device.type != "cuda":
        return None
    if source.array.dtype.kind not in "iu" or not source.array.dtype.isnative:
        return None  # floats are looked at for infinity as they are read
    if not source.array.flags.writeable:  # which torch would warn of
        return None
    tensor = torch.from_numpy(source.array)
    return tensor if can_copy_crops(tensor) else None


def _same(one: Any, other: Any) -> bool:
    """Whether two names of devices mean the same one: "cuda" is "cuda:0" where that is chosen."""
    import torch

    return torch.empty(0, device=other).device == one


def _cropped(block: Tensor, window: Any) -> Tensor:
    return block[(slice(None), *window.slices)]


def _read(part: Frames, pinned: bool) -> tuple[Tensor, Tensor | None]:
    """Read one block, and which of its pixels are usable where mask or values differ by frame."""
    import torch

    dtype = torch.from_numpy(np.empty(0, part.dtype)).dtype
    block = torch.empty(part.shape, dtype=dtype, pin_memory=pinned)
    part._read_here(block.numpy())
    bad = [part.values.not_usable(frame) for frame in block.numpy()] if part.values else []
    if not isinstance(part.mask, Frames) and all(one is None for one in bad):
        return block, None
    usable = np.ones(part.shape, bool)
    if isinstance(part.mask, Frames):
        usable &= np.asarray(part.mask)
    for row, one in zip(usable, bad, strict=False):
        if one is not None:
            row &= ~one
    return block, torch.from_numpy(usable)
