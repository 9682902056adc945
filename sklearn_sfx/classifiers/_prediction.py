"""A network run on all frames there are: batch by batch, in bounded memory, on every worker."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from joblib import effective_n_jobs
from sklearn.utils import gen_even_slices
from sklearn.utils.parallel import Parallel, delayed
from torch import nn

from sklearn_sfx._validation import is_frames
from sklearn_sfx.classifiers._training import one_thread, to_tensor
from sklearn_sfx.frames import blocks_on_device, can_run_on_device

__all__ = ["apply_to_all"]


def apply_to_all(function: Callable, module: nn.Module, X: Any, batch_size: int) -> np.ndarray:
    """Return what `function` makes of the module and of each row of X.

    Every batch has the same size, whatever the number of workers and the blocks in which X is read:
    sums in batches of another size differ in the last bits. Of an array each worker takes a share.
    `Frames` are read ahead by the workers, while this thread runs the network.

    Parameters
    ----------
    function : callable
        Of the module and a tensor (n, ...), to a tensor (n, n_outputs).
    module : nn.Module
        In evaluation mode.
    X : ndarray, Frames or torch.Tensor, shape (n, ...)
        Checked input.
    batch_size : int
        Rows in a batch; fewer rows than that are run as they are.

    Returns
    -------
    ndarray of shape (n, n_outputs)
    """
    n_rows = len(X)
    fill = batch_size if n_rows > batch_size else 1
    if is_frames(X):
        device = next(module.parameters()).device
        on_device = _runs_steps(device) and can_run_on_device(X)
        blocks = blocks_on_device(X, device) if on_device else X.blocks()
        return _run(function, module, _batches(blocks, batch_size), n_rows, fill)
    slices = gen_even_slices(math.ceil(n_rows / batch_size), effective_n_jobs(None))
    shares = [X[part.start * batch_size : part.stop * batch_size] for part in slices]
    found = Parallel(require="sharedmem")(
        delayed(_run)(function, module, _batches([share], batch_size), len(share), fill)
        for share in shares
    )
    return found[0] if len(found) == 1 else np.concatenate(found)


def _runs_steps(device: torch.device) -> bool:
    """Whether the steps of `Frames` are run on the device too, and not by compiled loops."""
    return device.type != "cpu"


def _run(
    function: Callable, module: nn.Module, batches: Iterable[Any], n_rows: int, fill: int
) -> np.ndarray:
    """Run the network on batches, each filled up to at least `fill` rows, in this thread."""
    device, done = next(module.parameters()).device, 0
    out: Any = None
    with torch.inference_mode(), one_thread():
        for batch in batches:
            x = to_tensor(batch).to(device)
            if len(x) < fill:
                x = torch.cat([x, x[-1:].expand(fill - len(x), *x.shape[1:])])
            result = function(module, x)
            # One array for all: small ones, kept between large ones that go, leave holes in memory.
            # It stays on the device, which is waited for once, at the end.
            if out is None:
                out = result.new_empty((n_rows, *result.shape[1:]))
            out[done : done + len(batch)] = result[: len(batch)]
            done += len(batch)
        return out.cpu().numpy()


def _batches(blocks: Iterable[Any], size: int) -> Iterator[Any]:
    """Cut blocks into batches of one size."""
    left: Any = None
    for block in blocks:
        if left is not None:
            join = torch.cat if isinstance(block, torch.Tensor) else np.concatenate
            block = join([left, block])
        whole = len(block) - len(block) % size
        for start in range(0, whole, size):
            yield block[start : start + size]
        left = block[whole:] if whole < len(block) else None
    if left is not None:
        yield left
