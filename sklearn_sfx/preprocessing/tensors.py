"""The same steps by torch operations, on the device where the tensor lies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_sfx.frames import Frames, FrameStep
from sklearn_sfx.preprocessing._steps import CropStep, FusedStep, PixelRule

__all__ = ["can_stream", "run", "stream"]


def can_stream(frames: Frames) -> bool:
    """Whether every step of the frames can be run on a device: those of this package can."""
    return all(
        isinstance(step, CropStep | FusedStep) or hasattr(step, "on_tensors")
        for step in frames.steps
    )


def stream(frames: Frames, device: torch.device, max_frames: int = 64) -> Iterator[Tensor]:
    """Send frames to a device as the file has them, and run their steps there.

    Each block is sent from pinned memory, so that the next one is read meanwhile.

    Yields
    ------
    Tensor of float32 on the device, shape (n_frames_in_block, ...)
    """
    stored, start = frames.as_stored(), 0
    for block in stored.blocks(max_frames=max_frames):
        usable = stored.mask
        if isinstance(usable, Frames):
            usable = np.asarray(usable[start : start + len(block)])
        start += len(block)
        yield _run_all(frames.steps, _send(block, device), usable)


def _send(block: np.ndarray, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(block)
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def _run_all(steps: tuple[Any, ...], X: Tensor, usable: np.ndarray | None) -> Tensor:
    X = X.to(torch.float32)
    if usable is not None:
        X = torch.where(torch.as_tensor(usable.copy(), device=X.device), X, torch.nan)
    for step in steps:
        X = run(step, X) if isinstance(step, CropStep | FusedStep) else step.on_tensors(X)
    return X


def run(step: FrameStep, X: Tensor) -> Tensor:
    """Run a step on frames (n, height, width) or signals (n, length); float32."""
    if not isinstance(step, CropStep | FusedStep):  # one that is compiled, and no torch operation
        values = np.stack([step(frame, None) for frame in X.cpu().numpy()])
        return torch.from_numpy(values).to(X.device)
    out_shape = step.output_shape(tuple(X.shape[1:]))
    if isinstance(step, CropStep):
        return X[(slice(None), *step.slices(tuple(X.shape[1:])))].to(torch.float32, copy=True)
    signals = X.ndim == 2
    out = X.to(torch.float32, copy=True)
    if signals:
        out = out[:, None, :]
    if step.rule is not None:
        out = _mask(out, step.rule)
    if step.normalize:
        out = _normalize_globally(out)
    if step.kernel_size is not None:
        window = (1 if signals else step.kernel_size, step.kernel_size)
        out = _normalize_locally(out, window, step.floor)
    if step.axis is not None:
        out = _ranges(out, dim=2 if step.axis == "row" else 1)
    return out.reshape(len(X), *out_shape)


def _mask(X: Tensor, rule: PixelRule) -> Tensor:
    usable = torch.isfinite(X)
    if rule.mask is not None:
        usable &= torch.as_tensor(rule.mask.copy(), device=X.device)
    if rule.saturation is not None:
        usable &= rule.saturation > X
    for value in rule.invalid:
        usable &= value != X
    return torch.where(usable, X, torch.nan)


def _normalize_globally(X: Tensor) -> Tensor:
    usable = ~X.isnan()
    n = usable.sum((1, 2), keepdim=True).clamp(min=1)
    # Differences from a pixel of the frame, then from their mean: a flat frame stays exactly 0.
    lowest = torch.where(usable, X, torch.inf).amin((1, 2), keepdim=True)
    X = X - torch.where(lowest.isinf(), 0.0, lowest)
    for _ in range(2):  # the second time takes away what the first one rounded
        X = X - torch.where(usable, X, 0.0).sum((1, 2), keepdim=True) / n
    std = (torch.where(usable, X, 0.0).square().sum((1, 2), keepdim=True) / n).sqrt()
    return torch.where(std > 0, X / std, X * 0.0)


def _normalize_locally(X: Tensor, window: tuple[int, int], floor: float | str) -> Tensor:
    height, width = X.shape[1] - window[0] + 1, X.shape[2] - window[1] + 1
    top, left = window[0] // 2, window[1] // 2
    centre = X[:, top : top + height, left : left + width]
    n, total, squares = (torch.zeros_like(centre) for _ in range(3))
    # Sums of differences from the central pixel lose nothing to the level, and a flat window is 0.
    for i in range(window[0]):
        for j in range(window[1]):
            difference = X[:, i : i + height, j : j + width] - centre
            usable = ~difference.isnan()
            difference = torch.where(usable, difference, 0.0)
            n += usable
            total += difference
            squares += difference * difference
    n = n.clamp(min=1)
    deviation = torch.where(centre.isnan(), torch.nan, -total / n)
    std = ((squares - total * total / n).clamp(min=0) / n).sqrt()
    if floor == "mean":
        usable = ~deviation.isnan()
        count = usable.sum((1, 2), keepdim=True).clamp(min=1)
        divisor = torch.maximum(std, (std * usable).sum((1, 2), keepdim=True) / count)
    else:
        divisor = std.clamp(min=float(floor))
    return torch.where(divisor > 0, deviation / divisor, deviation * 0.0)


def _ranges(X: Tensor, dim: int) -> Tensor:
    usable = ~X.isnan()
    highest = torch.where(usable, X, -torch.inf).amax(dim)
    lowest = torch.where(usable, X, torch.inf).amin(dim)
    return torch.where(usable.any(dim), highest - lowest, 0.0)
