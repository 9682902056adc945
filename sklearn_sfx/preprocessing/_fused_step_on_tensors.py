"""The stages of `FusedStep` by torch operations, on the device where the tensor lies.

Mean and variance of a window are made of its sum and its sum of squares, first along one side and
then along the other. What is summed are differences from the mean of the frame. The error of a
variance is then a rounding of their squares, which the global deviation as a floor makes small;
where the floor is another one, numbers of twice the length are taken.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sklearn_sfx.preprocessing._fused_step import step_of_sample

if TYPE_CHECKING:
    from sklearn_sfx.preprocessing._fused_step import FusedStep, PixelRule

__all__ = ["run"]

PIXELS = {"cpu": 2**19, "cuda": 2**25}  # at once; so much fits a processor's cache
SAFE_FLOOR = 0.5  # global deviations
LEAST = 1e-300
WORTH_COMPILING = 2**17  # frames; working on so many takes about as long as to compile

_n_run: Counter = Counter()  # frames of each kind that a GPU worked on without being compiled for
_not_compiled: set = set()  # kinds for which that did not work


def run(step: FusedStep, X: Tensor) -> Tensor:
    """Run the step on frames (n, height, width) or signals (n, length) of any real dtype."""
    out_shape = step.output_shape(tuple(X.shape[1:]))
    frames = X[:, None, :] if X.ndim == 2 else X
    window = None
    if step.kernel_size is not None:
        window = (1 if X.ndim == 2 else step.kernel_size, step.kernel_size)
    stages = step.normalize, window, step.floor, step.axis
    length = max(1, PIXELS.get(X.device.type, 2**25) // math.prod(frames.shape[1:]))
    parts = []
    for part in frames.split(length):
        part, usable = _masked(part, step.rule)
        parts.append(_function_for(part, usable, stages)(part, usable, *stages))
    out = parts[0] if len(parts) == 1 else torch.cat(parts)
    return out.reshape(len(X), *out_shape)


def _masked(X: Tensor, rule: PixelRule | None) -> tuple[Tensor, Tensor | None]:
    """Return frames, and which pixels are usable: None for all of them."""
    named = rule is not None and (rule.mask is not None or rule.looks_at_values)
    if not named and not X.is_floating_point():
        return X, None
    values = X if X.is_floating_point() else X.double()  # torch compares no uint16
    usable = torch.isfinite(values)
    if rule is not None and rule.mask is not None:
        usable &= torch.as_tensor(rule.mask.copy(), device=X.device)
    if rule is not None and rule.saturation is not None:
        usable &= rule.saturation > values
    for value in () if rule is None else rule.invalid:
        usable &= value != values
    # On a GPU it takes longer to wait for an answer than to take masks into account.
    return X, None if X.device.type == "cpu" and usable.all() else usable


def _function_for(X: Tensor, usable: Tensor | None, stages: tuple) -> Callable[..., Tensor]:
    """Return what runs the stages: on a GPU compiled for many frames of one kind."""
    if X.device.type != "cuda" or X.requires_grad or stages[1] is None:
        return _run_stages
    kind = tuple(X.shape), X.dtype, X.device, usable is None, stages
    _n_run[kind] += len(X)
    if _n_run[kind] <= WORTH_COMPILING or kind in _not_compiled:
        return _run_stages
    return functools.partial(_run_compiled, kind)


def _run_compiled(kind: tuple, X: Tensor, usable: Tensor | None, *stages: Any) -> Tensor:
    """Do what `_run_stages` does by what was compiled for it; as it is where that does not work."""
    try:
        with torch.no_grad():
            return _compiled()(X, usable, *stages)
    except Exception:  # a compiler that is missing, for one, or too many kinds
        _not_compiled.add(kind)
        return _run_stages(X, usable, *stages)


@functools.cache
def _compiled() -> Callable[..., Tensor]:
    return torch.compile(_run_stages, dynamic=False, fullgraph=True)


def _run_stages(
    X: Tensor,
    usable: Tensor | None,
    normalize: bool,
    window: tuple[int, int] | None,
    floor: float | str,
    axis: str | None,
) -> Tensor:
    if not normalize and window is None:
        out = X.float()
    else:
        x, n = _less_mean(X, usable)
        is_safe = normalize and floor != "mean" and float(floor) >= SAFE_FLOOR
        if window is None or is_safe:
            if X.is_floating_point():  # whose squares may leave the range of float32
                x = x / x.abs().amax((1, 2), keepdim=True).clamp(min=LEAST)
            x = x.float()
        deviation = (x.square().sum((1, 2), keepdim=True) / n).sqrt()
        if window is None:
            out = torch.where(deviation > 0, x / deviation, 0.0)
        else:
            if not is_safe:
                x = _less_level(x, X, usable)
            unit = deviation if normalize else torch.ones_like(deviation)
            out, usable = _local_contrast(x, usable, window, floor, unit)
    if axis is not None:
        return _ranges(out, usable, dim=2 if axis == "row" else 1).float()
    return (out if usable is None else torch.where(usable, out, torch.nan)).float()


def _less_mean(X: Tensor, usable: Tensor | None) -> tuple[Tensor, Tensor | float]:
    """Return float64 differences from the mean, 0 where not usable, and the number of pixels."""
    # Of float32 the sum of equal values has no rounding in float64: a flat frame is 0.
    X = (X.float() if X.is_floating_point() else X).double()
    if usable is None:
        return X - X.mean((1, 2), keepdim=True), float(math.prod(X.shape[1:]))
    n = usable.sum((1, 2), keepdim=True).clamp(min=1)
    mean = torch.where(usable, X, 0.0).sum((1, 2), keepdim=True) / n
    return torch.where(usable, X - mean, 0.0), n


def _less_level(x: Tensor, X: Tensor, usable: Tensor | None) -> Tensor:
    """Return x, which is X less its mean, less a number near most usable pixels; as in `FusedStep`.

    The mean is far from those where some hold 2**32 - 1, and a variance would lose its digits.
    """
    step = step_of_sample(X[0].numel())
    sizes = X.flatten(1)[:, ::step].double().abs()
    if usable is not None:
        sizes = torch.where(usable.flatten(1)[:, ::step], sizes, torch.inf)
    place = torch.isfinite(sizes).sum(1, keepdim=True) // 4
    chosen = sizes.argsort(1).gather(1, place)
    x = x - x.flatten(1)[:, ::step].gather(1, chosen)[:, :, None]
    return x if usable is None else torch.where(usable, x, 0.0)


def _local_contrast(
    x: Tensor, usable: Tensor | None, window: tuple[int, int], floor: float | str, unit: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Return the local contrast, and where it is usable."""
    n: Tensor | float = float(window[0] * window[1])
    inside = tuple(
        slice(k // 2, side - (k - 1) // 2) for k, side in zip(window, x.shape[1:], strict=True)
    )
    if usable is not None:
        n = _window_sums(usable.to(x.dtype), window).clamp(min=1)
        usable = usable[(slice(None), *inside)]
    mean = _window_sums(x, window) / n
    std = (_window_sums(x * x, window) / n - mean * mean).clamp(min=0).sqrt()
    if floor == "mean":
        if usable is None:
            least = std.mean((1, 2), keepdim=True)
        else:
            count = usable.sum((1, 2), keepdim=True).clamp(min=1)
            least = torch.where(usable, std, 0.0).sum((1, 2), keepdim=True) / count
    else:
        least = float(floor) * unit
    divisor = torch.maximum(std, least)
    difference = x[(slice(None), *inside)] - mean
    return torch.where(divisor > 0, difference / divisor, 0.0), usable


def _window_sums(x: Tensor, window: tuple[int, int]) -> Tensor:
    for dim, size in ((2, window[1]), (1, window[0])):
        n = x.shape[dim] - size + 1
        x = functools.reduce(torch.add, [x.narrow(dim, k, n) for k in range(size)])
    return x


def _ranges(X: Tensor, usable: Tensor | None, dim: int) -> Tensor:
    if usable is None:
        return X.amax(dim) - X.amin(dim)
    highest = torch.where(usable, X, -torch.inf).amax(dim)
    lowest = torch.where(usable, X, torch.inf).amin(dim)
    return torch.where(usable.any(dim), highest - lowest, 0.0)
