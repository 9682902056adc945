"""Whether a network has learned to tell the classes of what it was trained on."""

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from sklearn_sfx.classifiers._training import InMemory, values_of

__all__ = ["how_well_learned"]

ENOUGH = 100  # samples of a class that are looked at
BLOCK = 16  # at once
LEAST = 0.75  # area under the ROC curve: those that learned had 0.95, those that did not 0.65


def how_well_learned(module: nn.Module, samples: InMemory) -> float:
    """Return how much better than by guessing a network ranks what it was trained on.

    It is asked as it will be asked of other samples, without dropout and augmentation. Told is the
    area under the ROC curve, which no threshold and no weight of a class moves, of several classes
    the mean of each against the others. Where labels are few, two standard errors of guessing say
    what is chance.

    Parameters
    ----------
    module : nn.Module
        In ``eval`` mode; samples to logits (n, n_classes).
    samples : InMemory
        What it was trained on. A class number below 0 is that of a sample without a label.

    Returns
    -------
    margin : float
        By how much the area is above what it takes; below 0 the network has hardly learned.
    """
    device = next(module.parameters()).device
    targets, probability, weights = [], [], []
    for each in samples.targets[samples.targets >= 0].unique():
        rows = torch.where(samples.targets == each)[0]
        rows = rows[torch.linspace(0, len(rows) - 1, min(len(rows), ENOUGH)).long()]
        targets.append(np.full(len(rows), int(each)))
        weight = (
            torch.ones(len(rows)) if samples.sample_weight is None else samples.sample_weight[rows]
        )
        weights.append(weight.double().numpy())
        for block in rows.split(BLOCK):
            x = values_of(samples.__getitems__(block.tolist())[0])
            with torch.inference_mode():
                probability.append(module(x.to(device)).float().softmax(dim=1).cpu())
    target, p = np.concatenate(targets), torch.cat(probability).numpy()
    if not np.isfinite(p).all():
        return -np.inf
    area = roc_auc_score(
        target,
        p[:, 1] if p.shape[1] == 2 else p,
        multi_class="ovr",
        sample_weight=np.concatenate(weights),
    )
    # As many samples as would say as much if all weighed the same.
    n = np.array([w.sum() ** 2 / (w**2).sum() for w in weights])
    others = n.sum() - n
    error = np.sqrt((n.sum() + 1) / (12 * n * others)).max()
    return float(area - max(LEAST, 0.5 + 2 * error))
