"""How frames of one run are given the level and the spread that each pixel has in another run."""

import math
from typing import cast

import torch

from sklearn_sfx.classifiers._base import Material
from sklearn_sfx.classifiers._cache import CachedFrames, PixelChange, pack, unpack
from sklearn_sfx.classifiers._training import to_tensor

__all__ = ["NEEDED", "bring_frames_to_target", "draw"]

NEEDED = 32  # frames of either run; fewer do not say what is usual at a pixel
ENOUGH = 200  # frames by which a run is judged,
MOST_VALUES = 2**26  # or fewer large ones
BLOCK = 16  # frames read at once
PIXELS = 2**15  # judged at once
UNSPOTTED, MOST = 0.75, 0.9  # shares of the values, from the lowest, that hardly hold a spot
SPARSE = 0.25  # of the spread of most values that of the unspotted is less: it is chance
SURE = 3  # standard errors


def bring_frames_to_target(material: Material) -> bool:
    """Give frames of the source, at each pixel, the level and the spread of the target's.

    A pixel that is bright in every frame of the target becomes as bright in those of the source,
    and what is bright in every frame of the source disappears: so a network learns from labels of
    the source which pixels of the target say nothing. A spot stays about as far above the noise as
    it was.

    Only the units of the target are given to a pixel whose level differs between classes of the
    source, for its level in the target tells how many are of which, and to one that has no value in
    some frames. Where either run has few frames, and where there is no target, all stay as they
    are.

    Parameters
    ----------
    material : Material
        Samples of frames, of which a class number below 0 marks the target. Those of the source
        are changed whenever they are fetched.

    Returns
    -------
    is_brought : bool
        Whether both runs have enough frames; else nothing is changed.
    """
    held = [cast(CachedFrames, material.samples)]
    if material.held_back is not None:
        held.append(cast(CachedFrames, material.held_back))
    own = [(each, torch.where(each.targets >= 0)[0]) for each in held]
    target = [(held[0], torch.where(held[0].targets < 0)[0])]
    if min(sum(len(rows) for _, rows in run) for run in (own, target)) < NEEDED:
        return False
    (source, classes), (others, _) = (_some_of(run) for run in (own, target))
    change = _change(source, classes, others)
    change = [values.view(*held[0].X.shape[1:]) for values in change]
    for each in held:
        each.change = PixelChange(each.targets >= 0, *change)
    return True


def _some_of(run: list[tuple[CachedFrames, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return those frames (n, n_pixels) by which a run is judged, and their class numbers (n,).

    A run is rows of one or two samples.
    """
    n_all = sum(len(rows) for _, rows in run)
    most = max(NEEDED, MOST_VALUES // math.prod(run[0][0].X.shape[1:]))
    parts = draw(n_all, min(ENOUGH, most)).split([len(rows) for _, rows in run])
    frames, classes = [], []
    for (samples, rows), of in zip(run, parts, strict=True):
        frames.append(_read(samples, rows[of]))
        classes.append(samples.targets[rows[of]])
    return frames[0] if len(frames) == 1 else torch.cat(frames), torch.cat(classes)


def draw(n: int, most: int) -> torch.Tensor:
    """Tell which of n frames are looked at, bool (n,): no more than that many, always the same.

    They are drawn, for what comes every so many frames, such as every second one, has to be among
    them as often as it is in the run.
    """
    is_drawn = torch.zeros(n, dtype=torch.bool)
    is_drawn[torch.randperm(n, generator=torch.Generator().manual_seed(0))[:most]] = True
    return is_drawn


def _read(samples: CachedFrames, rows: torch.Tensor) -> torch.Tensor:
    """Return frames as they are trained on, but NaN where they have no value: (n, n_pixels)."""
    frames = torch.empty(len(rows), math.prod(samples.X.shape[1:]))
    for place, block in zip(frames.split(BLOCK), rows.split(BLOCK), strict=True):
        read = to_tensor(samples.X[block.tolist()])
        rounded = unpack(pack(read)).masked_fill_(read.isnan(), torch.nan)
        place.copy_(rounded.flatten(1))
    return frames


def _change(
    source: torch.Tensor, classes: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return what is subtracted from each pixel, by what it is multiplied, and what is added.

    Of frames (n, n_pixels) of both, and class numbers (n,) of the source; all are (n_pixels,).
    """
    bands = zip(source.split(PIXELS, dim=1), target.split(PIXELS, dim=1), strict=True)
    parts = [_of_band(*band, classes) for band in bands]
    own_level, own_spread, own_wide, level, spread, wide, varies, may_move = (
        torch.cat(each) for each in zip(*parts, strict=True)
    )
    factor, unit = torch.ones_like(spread), 1.0
    if varies.any():
        own_usual, usual = (float(each[varies].median()) for each in (own_spread, spread))
        most = (float(each[varies].median()) for each in (own_wide, wide))
        pairs = zip((own_usual, usual), most, strict=True)
        if all(unspotted > SPARSE * of_most for unspotted, of_most in pairs):
            # As much of the usual spread is added, for what a pixel has may be little or chance.
            factor, unit = (spread + usual) / (own_spread + own_usual), usual / own_usual
    zero = torch.zeros_like(level)
    return (
        torch.where(may_move, own_level, zero),
        torch.where(may_move, factor, unit),
        torch.where(may_move, level, zero),
    )


def _of_band(
    source: torch.Tensor, target: torch.Tensor, classes: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Return level and spreads of some pixels in the source, those in the target, and two masks.

    The masks, bool (n_pixels,), say which are not constant in either run, and which may be given
    another level.
    """
    may_move = source.isfinite().all(dim=0) & target.isfinite().all(dim=0)
    varies = may_move.clone()
    for run in (source, target):
        varies &= run.amax(dim=0) > run.amin(dim=0)
    for each in classes.unique():
        is_of = classes == each
        few, many = sorted((source[is_of], source[~is_of]), key=len)
        if len(few):
            level_few, *_ = _level_and_spreads(few)
            level_many, noise, _ = _level_and_spreads(many)
            may_move &= (level_few - level_many).abs() <= noise * (1 + SURE / math.sqrt(len(few)))
    return *_level_and_spreads(source), *_level_and_spreads(target), varies, may_move


def _level_and_spreads(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the level at each place of (n, n_places), and the mean distance from it.

    The level is the mean of the lower three quarters, the distances are those of the same, and
    those of nine tenths. Quantiles would jump from one count of photons to the next.
    """
    x = x.sort(dim=0).values[: math.ceil(MOST * len(x))]
    lowest = x[0].clone()
    x.sub_(lowest)  # so that a mean of large values is exact where they are all the same
    low = x[: math.ceil(UNSPOTTED * len(x) / MOST)]
    level = low.mean(dim=0)
    distances = x.sub_(level).abs_()
    return lowest + level, distances[: len(low)].mean(dim=0), distances.mean(dim=0)
