"""Frames sent to a device as the file has them, with the steps run there by torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sklearn_sfx.frames._frames import Frames

__all__ = ["blocks_on_device", "can_run_on_device"]


def can_run_on_device(frames: Frames) -> bool:
    """Whether every step of the frames has an ``on_tensors``, and so can be run on a device."""
    return all(hasattr(step, "on_tensors") for step in frames.steps)


def blocks_on_device(frames: Frames, device: Any, max_frames: int = 64) -> Iterator[Any]:
    """Read in consecutive blocks, as `Frames.blocks` does, but run the steps on a device.

    Each block is sent as the file has it and from pinned memory, so that the next one is read
    meanwhile.

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
    import torch  # which takes long to import

    stored, start = frames.as_stored(), 0
    for block in stored.blocks(max_frames=max_frames):
        usable = _usable_in(stored, block, start)
        start += len(block)
        X = torch.from_numpy(block)
        if device.type == "cuda":
            X = X.pin_memory()
        X = X.to(device, non_blocking=True).to(torch.float32)
        if usable is not None:
            X = torch.where(torch.as_tensor(usable.copy(), device=X.device), X, torch.nan)
        for step in frames.steps:
            X = step.on_tensors(X)  # type: ignore[attr-defined]
        yield X


def _usable_in(stored: Frames, block: np.ndarray, start: int) -> np.ndarray | None:
    """Return which pixels of a block are usable, by mask and values; None if all are."""
    usable = stored.mask
    if isinstance(usable, Frames):
        usable = np.asarray(usable[start : start + len(block)])
    bad = [stored.values.not_usable(frame) for frame in block] if stored.values else []
    if all(one is None for one in bad):
        return usable
    out = np.ones(block.shape, bool)
    if usable is not None:
        out &= usable
    for row, one in zip(out, bad, strict=True):
        if one is not None:
            row &= ~one
    return out
