"""How much each value of an input spoke for a class, by integrated gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sklearn_sfx._extras import require

__all__ = ["attributed"]

N_STEPS = 64  # along the way from the baseline to the input
BATCH = 16  # of them at once, so that large frames need little memory


def attributed(module: nn.Module, x: np.ndarray, hit: int) -> tuple[np.ndarray, float, float]:
    """Return the attribution of each value, and the log-odds of the class without and with them.

    The baseline is the same input cut off at its median: what does not stand out gets nothing, nor
    does NaN. The attributions sum to the difference of the two log-odds, but for the finite number
    of steps.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode; an input to logits. Its weights get no gradient.
    x : ndarray of shape (...)
        One input.
    hit : int
        The number of the class.
    """
    captum = require("captum.attr", extra="explain", what="Saliency maps")

    def log_odds(batch: torch.Tensor) -> torch.Tensor:
        logits = module(batch)
        others = [number for number in range(logits.shape[1]) if number != hit]
        return logits[:, hit] - logits[:, others].logsumexp(dim=1)

    device = next(module.parameters()).device
    given = torch.from_numpy(np.array(x, dtype=np.float32))[None].to(device)
    median = given.nanmedian()
    given = given.nan_to_num(0.0)
    baseline = torch.minimum(given, median) if median.isfinite() else given
    found = captum.IntegratedGradients(log_odds).attribute(
        given.clone().requires_grad_(),
        baseline,
        n_steps=N_STEPS,
        internal_batch_size=BATCH,
    )
    with torch.no_grad():
        without, along = (float(log_odds(value)) for value in (baseline, given))
    return found[0].detach().cpu().numpy().astype(np.float32), without, along
