"""A network run on all frames there are: batch by batch, in bounded memory, on every worker."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from joblib import effective_n_jobs
from sklearn.utils import gen_even_slices
from sklearn.utils.parallel import Parallel, delayed
from torch import nn

from sklearn_sfx._validation import is_frames
from sklearn_sfx.classifiers._training import one_thread, to_tensor
from sklearn_sfx.frames import (
    are_read_by_threads,
    blocks_on_device,
    can_run_on_device,
    map_blocks,
)
from sklearn_sfx.networks import in_half_precision

__all__ = ["apply_to_all"]

ROUNDED = 1e-3  # the most that half precision may change
LARGER_ON_GPU = 16  # batches, where one that fits a processor's cache is over before it began


def apply_to_all(
    function: Callable, module: nn.Module, X: Any, batch_size: int, *, may_round: bool = False
) -> np.ndarray:
    """Return what `function` makes of the module and of each row of X.

    Every batch has the same size, whatever the number of workers and the blocks in which X is read:
    sums in batches of another size differ in the last bits. Of an array each worker takes a share.
    Of `Frames` a thread that prepares a batch runs the network on it too; where processes prepare
    them, or a GPU is there for it, this thread does.

    Parameters
    ----------
    function : callable
        Of the module and a tensor (n, ...), to a tensor (n, n_outputs).
    module : nn.Module
        In evaluation mode.
    X : ndarray, Frames or torch.Tensor, shape (n, ...)
        Checked input.
    batch_size : int
        Rows in a batch on a processor, a sixteenth of those on a GPU; fewer rows are run as they
        are.
    may_round : bool, default=False
        Whether a GPU may compute in half precision, where that changes the first batch by no more
        than `ROUNDED`.

    Returns
    -------
    ndarray of shape (n, n_outputs)
    """
    if next(module.parameters()).device.type == "cuda":
        batch_size *= LARGER_ON_GPU
        if may_round:
            with contextlib.suppress(_OutOfRange):
                return _apply(partial(_run, function, module, rounded=True), module, X, batch_size)
    return _apply(partial(_run, function, module), module, X, batch_size)


def _apply(run: Callable, module: nn.Module, X: Any, batch_size: int) -> np.ndarray:
    n_rows, device = len(X), next(module.parameters()).device
    fill = batch_size if n_rows > batch_size else 1
    if is_frames(X):
        if _runs_steps(device) and can_run_on_device(X):
            return run(_batches(blocks_on_device(X, device), batch_size), n_rows, fill)
        if device.type == "cpu" and are_read_by_threads(X):
            found = list(map_blocks(lambda block: run([block], len(block), fill), X, batch_size))
            return found[0] if len(found) == 1 else np.concatenate(found)
        return run(_batches(X.blocks(), batch_size), n_rows, fill)
    n_workers = effective_n_jobs(None)
    slices = gen_even_slices(math.ceil(n_rows / batch_size), n_workers)
    shares = [X[part.start * batch_size : part.stop * batch_size] for part in slices]
    found = Parallel(n_jobs=n_workers, require="sharedmem")(
        delayed(run)(_batches([share], batch_size), len(share), fill) for share in shares
    )
    return found[0] if len(found) == 1 else np.concatenate(found)


def _runs_steps(device: torch.device) -> bool:
    """Whether the steps of `Frames` are run on the device too, and not by compiled loops."""
    return device.type != "cpu"


class _OutOfRange(Exception):
    """Numbers were too large for half precision."""


def _run(
    function: Callable,
    module: nn.Module,
    batches: Iterable[Any],
    n_rows: int,
    fill: int,
    rounded: bool = False,
) -> np.ndarray:
    """Run the network on batches, each filled up to at least `fill` rows, in this thread."""
    device, done = next(module.parameters()).device, 0
    out: Any = None
    half = in_half_precision(module) if rounded else None  # type: ignore[arg-type]
    with torch.inference_mode(), one_thread():
        for batch in batches:
            x = to_tensor(batch).to(device)
            if len(x) < fill:
                x = torch.cat([x, x[-1:].expand(fill - len(x), *x.shape[1:])])
            result = function(half if half is not None and done else module, x)
            # One array for all: small ones, kept between large ones that go, leave holes in memory.
            # It stays on the device, which is waited for once, at the end.
            if out is None:
                out = result.new_empty((n_rows, *result.shape[1:]))
                if half is not None and (function(half, x) - result).abs().max() > ROUNDED:
                    half = None
            out[done : done + len(batch)] = result[: len(batch)]
            done += len(batch)
        if half is not None and not half.is_in_range():
            raise _OutOfRange
        return out.cpu().numpy()


def _batches(blocks: Iterable[Any], size: int) -> Iterator[Any]:
    """Cut blocks into batches of one size, or join them to such."""
    held: list[Any] = []
    n_held = 0
    for block in blocks:
        held.append(block)
        n_held += len(block)
        if n_held < size:
            continue
        block = _joined(held)
        whole = n_held - n_held % size
        for start in range(0, whole, size):
            yield block[start : start + size]
        held, n_held = [block[whole:]] if whole < n_held else [], n_held - whole
    if held:
        yield _joined(held)


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    return (torch.cat if isinstance(parts[0], torch.Tensor) else np.concatenate)(parts)
