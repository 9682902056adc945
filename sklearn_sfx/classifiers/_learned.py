"""Whether a network has learned to tell the classes of what it was trained on."""

import numpy as np
import torch
from torch import nn

from sklearn_sfx.classifiers._training import InMemory, values_of

__all__ = ["hardly_learned"]

ENOUGH = 100  # samples of a class that are looked at
BLOCK = 16  # at once
LEAST = 0.25  # of the way from the recall of guessing to that of no error


def hardly_learned(module: nn.Module, samples: InMemory) -> bool:
    """Tell whether the recall, mean of the classes, is hardly better than that of guessing.

    It is asked as it will be asked of other samples, without dropout and augmentation. A network
    that has learned nothing calls all of them one class, or cannot tell them by more than two
    standard errors.

    Parameters
    ----------
    module : nn.Module
        In ``eval`` mode; samples to logits (n, n_classes).
    samples : InMemory
        What it was trained on. A class number below 0 is that of a sample without a label.
    """
    device = next(module.parameters()).device
    recalls, errors = [], []
    for each in samples.targets[samples.targets >= 0].unique():
        rows = torch.where(samples.targets == each)[0]
        rows = rows[torch.linspace(0, len(rows) - 1, min(len(rows), ENOUGH)).long()]
        right = 0
        with torch.inference_mode():
            for block in rows.split(BLOCK):
                x = values_of(samples.__getitems__(block.tolist())[0])
                right += int((module(x.to(device)).argmax(dim=1).cpu() == each).sum())
        recalls.append(right / len(rows))
        errors.append(1 / len(rows))
    chance = 1 / len(recalls)
    error = chance * np.sqrt(chance * (1 - chance) * sum(errors))
    return bool(np.mean(recalls) < chance + max(2 * error, LEAST * (1 - chance)))
