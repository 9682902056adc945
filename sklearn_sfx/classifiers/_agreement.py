"""Whether a network that looks at frames of the target decides the same on them turned over."""

import warnings
from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from scipy.stats import ConstantInputWarning, spearmanr
from sklearn.metrics import cohen_kappa_score
from skorch import NeuralNetClassifier
from torch import nn

from sklearn_sfx.classifiers._base import Material
from sklearn_sfx.classifiers._cache import CachedFrames
from sklearn_sfx.classifiers._frame_levels import bring_frames_to_target, draw
from sklearn_sfx.classifiers._training import one_thread, values_of

__all__ = ["agreement", "trained_on_frames"]

MOST = 600  # frames of the target that are looked at,
BLOCK = 16  # at once
TURNS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))  # along which sides they are reversed
CLEARLY = 0.05  # by as much two trainings of one network differ


def trained_on_frames(
    material: Material, train: Callable[[], NeuralNetClassifier], in_any_case: bool
) -> tuple[NeuralNetClassifier, bool]:
    """Return a net of the source, and whether it learned from frames made like the target's.

    Where detectors are of another kind that gains much, or loses much. Without labels of the target
    its own agreement tells which: a network that takes what it does not know for a hit, or nothing
    for one, decides otherwise on a frame that is turned over, or the same of all. So it is trained
    both ways, and the better one is kept; as the frames come, unless the other is clearly better.

    Parameters
    ----------
    material : Material
        Samples of frames, of which a class number below 0 marks the target; left as the net that is
        returned has seen them.
    train : callable
        Trains a fresh net on the material.
    in_any_case : bool
        Whether frames are made alike, if there are enough, without trying them as they come.
    """
    _leave(material)
    as_they_come = None if in_any_case else train()
    if not bring_frames_to_target(material):
        return (train() if as_they_come is None else as_they_come), False
    alike = train()
    if as_they_come is None:
        return alike, True
    samples = cast(CachedFrames, material.samples)
    before, after = (agreement(net.module_, samples) for net in (as_they_come, alike))
    if after > before + CLEARLY:
        return alike, True
    _leave(material)
    return as_they_come, False


def _leave(material: Material) -> None:
    """Undo what was done to frames of the source."""
    for each in (material.samples, material.held_back):
        if each is not None:
            cast(CachedFrames, each).change = None


def agreement(module: nn.Module, samples: CachedFrames) -> float:
    """Return how far a network says the same of frames of the target and of these turned over.

    Parameters
    ----------
    module : nn.Module
        Samples to logits (n, n_classes); it is in ``eval`` mode afterwards.
    samples : CachedFrames
        Frames of which a class number below 0 marks the target.

    Returns
    -------
    agreement : float
        The mean of two, each 1 at most and 0 by chance: Cohen's kappa of the decisions, and the
        rank correlation of how far a class is ahead of the others, the mean over the classes. Where
        all frames are decided, or ranked, alike, that is 0.
    """
    module.eval()
    device = next(module.parameters()).device
    rows = torch.where(samples.targets < 0)[0]
    rows = rows[draw(len(rows), MOST)]
    found: list[list[np.ndarray]] = [[] for _ in TURNS]
    for block in rows.split(BLOCK):
        x = values_of(samples.__getitems__(block.tolist())[0]).to(device)
        with torch.inference_mode(), one_thread():
            for sides, logits in zip(TURNS, found, strict=True):
                turned = module(x.flip(sides) if sides else x)
                logits.append(turned.double().cpu().numpy())
    first, *others = (np.concatenate(logits) for logits in found)
    if not all(np.isfinite(logits).all() for logits in (first, *others)):
        return 0.0
    return float(np.mean([_kappa(first, each) + _correlation(first, each) for each in others]) / 2)


def _kappa(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far the decisions are the same, by logits (n, n_classes)."""
    decided = [logits.argmax(axis=1) for logits in (one, other)]
    if any((each == each[0]).all() for each in decided):
        return 0.0
    return float(cohen_kappa_score(*decided))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far the ranks are the same, by logits (n, n_classes)."""
    found = []
    for own in np.eye(one.shape[1], dtype=bool):
        ahead = [each[:, own][:, 0] - each[:, ~own].max(axis=1) for each in (one, other)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConstantInputWarning)
            found.append(spearmanr(*ahead).statistic)
    return float(np.nan_to_num(found).mean())
