"""The stages of `FusedStep` by torch operations, on the device where the tensor lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sklearn_sfx.preprocessing._fused_step import FusedStep, PixelRule

__all__ = ["run"]


def run(step: FusedStep, X: Tensor) -> Tensor:
    """Run the step on float32 frames (n, height, width) or signals (n, length)."""
    out_shape = step.output_shape(tuple(X.shape[1:]))
    signals = X.ndim == 2
    out = X[:, None, :] if signals else X
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
