"""What is usual at each place of a run's vectors, and how one run's are made like another's."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from sklearn_sfx.classifiers._base import Material
from sklearn_sfx.classifiers._design import NetworkDesign
from sklearn_sfx.classifiers._training import InMemory, to_tensor
from sklearn_sfx.networks import in_own_units

__all__ = ["bring_to_target", "design_in_own_units", "level_and_spread"]

LOOKED_AT = 64  # vectors that say whether they have units
NEEDED = 64  # values of which to judge a place: of its neighbours too, if there are few vectors
ENOUGH = 2000  # vectors of which a run is judged
LEAST_SPREAD = 0.1  # of the usual one: a place where nothing happens is not blown up


def design_in_own_units(design: NetworkDesign, X: Any) -> NetworkDesign:
    """Return the design of a network that takes each vector in its own units, if they have some.

    No batch of two domains has a mean and a spread that are right for both. Vectors with values
    below 0 are not intensities: what they were subtracted from or divided by was their unit.
    """
    measured = design._for_any_detector()
    if measured is design:
        return design
    rows = np.unique(np.linspace(0, len(X) - 1, LOOKED_AT).astype(int))  # of both domains
    return design if (np.asarray(X[rows]) < 0).any() else measured


def bring_to_target(material: Material, *, by_median: bool) -> None:
    """Give vectors of the source, at each place, the level and the spread of the target's.

    A level that a detector adds, or a ring that is bright, is at the same place of each vector of a
    run. Where there is no target, all stay as they are.

    Parameters
    ----------
    material : Material
        Samples of float (n, length), of which a class number below 0 marks the target. They are
        exchanged for changed copies.
    by_median : bool
        Whether the network divides each vector by its median: then that is done first.
    """
    if (material.samples.targets >= 0).all():
        return
    held = [each for each in (material.samples, material.held_back) if each is not None]
    values = [_measured(each, by_median) for each in held]
    of_source = [each.targets >= 0 for each in held]
    level, spread = level_and_spread(values[0][~of_source[0]])
    own_level, own_spread = level_and_spread(values[0][of_source[0]])
    for each, x, rows in zip(held, values, of_source, strict=True):
        x[rows] = (x[rows] - own_level) / own_spread * spread + level
        each.X = x
        each.move_to(material.device)


def level_and_spread(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what vectors (n, length) usually have at each place, float32 (length,) both.

    The level is the lower quartile, the spread the median distance from it. Spots, which lie above
    both and at one place in some of the hits only, hardly change either.
    """
    rows = torch.linspace(0, len(x) - 1, min(len(x), ENOUGH)).long()
    level = _quantile_by_place(x[rows], 0.25)
    spread = _quantile_by_place((x[rows] - level).abs(), 0.5)
    usual = float(spread.median())
    if usual == 0:  # of photons so few that most places have none, the level says all
        return level, torch.ones_like(spread)
    return level, spread.clamp(min=LEAST_SPREAD * usual)


def _measured(samples: InMemory, by_median: bool) -> torch.Tensor:
    """Return float32 vectors without NaN, a copy of what there is."""
    x = torch.nan_to_num(to_tensor(samples.X).cpu(), nan=0.0, posinf=torch.inf, neginf=-torch.inf)
    return in_own_units(x) if by_median else x


def _quantile_by_place(x: torch.Tensor, q: float) -> torch.Tensor:
    """Return the quantile `q` of each place of vectors (n, length), float32 (length,)."""
    n, length = x.shape
    half = min((NEEDED - 1) // (2 * n) if n < NEEDED else 0, (length - 1) // 2)
    if half:
        reflected = F.pad(x[None], (half, half), mode="reflect")[0]
        windows = reflected.unfold(1, 2 * half + 1, 1)  # (n, length, 2 half + 1)
        x = windows.permute(0, 2, 1).reshape(-1, length)
    # Not torch.quantile, which refuses more than 16 million values.
    return x.kthvalue(1 + int(q * (len(x) - 1)), dim=0).values
