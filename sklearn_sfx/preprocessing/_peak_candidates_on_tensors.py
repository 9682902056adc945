"""The candidates of the peak finder, and their backgrounds, by torch operations.

What `_peak_kernels` and `_peak_background` do to one pixel after the other is done here to all
frames of a block, and then to all candidates, at once. What is compared there in float32 is so
here, too; planes are fitted in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from sklearn_sfx.preprocessing._peak_background import CLIP, MIN_BACKGROUND, N_CLIPPINGS
from sklearn_sfx.preprocessing._peak_kernels import (
    CANDIDATE_SHARE,
    EDGE_SHARE,
    TILE,
    Settings,
    contrast_distance,
)

__all__ = ["VALUES", "Candidates", "Padded", "candidates", "in_parts", "level_around", "padded"]

VALUES = 2**24  # pixels, of frames or of windows, that are worked on at once


class Padded(NamedTuple):
    """Frames whose sides are whole tiles, with a rim of NaN as wide as is looked beyond them.

    Parameters
    ----------
    values : Tensor of float32, shape (n_frames, height, width)
        NaN where there is no pixel that is to be used.
    radius : int
        How far a window reaches; the rim is one pixel wider.
    """

    values: Tensor
    radius: int

    def tiles(self, values: Tensor) -> Tensor:
        """Return values of this shape without the rim, (frames, bands, rows, tiles, columns)."""
        rim = self.radius + 1
        inside = values[:, rim:-rim, rim:-rim]
        return inside.unflatten(2, (-1, TILE)).unflatten(1, (-1, TILE))

    def square(self, place: Tensor, reach: int) -> Tensor:
        """Return the places (n, pixels) of a square around each place (n,), row by row."""
        steps = torch.arange(-reach, reach + 1, device=place.device)
        return place[:, None] + (steps[:, None] * self.values.shape[2] + steps).flatten()


class Candidates(NamedTuple):
    """What may be the highest pixel of a peak, in the order in which peaks are found.

    Parameters
    ----------
    frame : Tensor of int64, shape (n,)
        In which of the frames.
    place : Tensor of int64, shape (n,)
        Where in the flat values of the frames.
    plane : Tensor of float64, shape (n, 4)
        Level, slopes along rows and columns, and noise of the background.
    stands_out : Tensor of bool, shape (n, n_looks)
        Whether it does so as much as each of the settings asks.
    """

    frame: Tensor
    place: Tensor
    plane: Tensor
    stands_out: Tensor


def padded(X: Tensor, usable: Tensor | None, radius: int) -> Padded:
    """Return frames (n, height, width) of any real dtype; usable is bool (height, width)."""
    values = X.float()
    good = values.isfinite() if usable is None else values.isfinite() & usable
    values = torch.where(good, values, torch.nan)
    rim = radius + 1
    below, right = (rim + -side % TILE for side in X.shape[1:])
    return Padded(pad(values, (rim, right, rim, below), value=torch.nan), radius)


def in_parts(frames: Padded, place: Tensor) -> tuple[Tensor, ...]:
    """Split places into as many as have windows that may be held at once."""
    return place.split(max(1, VALUES // (2 * frames.radius + 1) ** 2))


def candidates(frames: Padded, looks: Sequence[Settings]) -> Candidates:
    """Return what may be a peak by any of some settings, which have radius and floor in common."""
    floor = np.float32(looks[0][4])
    values, contrast = frames.values.view(-1), _contrast(frames)
    frame, place, noise = _marked(frames, contrast, min(look[0] for look in looks), floor)
    contrast = contrast.view(-1)
    is_highest = ~(values[frames.square(place, 1)] > values[place, None]).any(1)
    frame, place, noise = frame[is_highest], place[is_highest], noise[is_highest]

    beside = contrast[frames.square(place, 1)]
    above = beside[:, 4].clone()
    beside[:, 4] = torch.nan  # the pixel itself
    may_be = torch.stack([_may_be(look, above, beside, noise) for look in looks], 1)
    some = may_be.any(1)
    frame, place, above, may_be = frame[some], place[some], above[some], may_be[some]

    least = float(floor * floor)
    parts = [_planes(frames, part, contrast, least) for part in in_parts(frames, place)]
    plane = torch.cat(parts)
    excess = values[place] - plane[:, 0]
    min_snrs = torch.from_numpy(np.array([look[0] for look in looks], np.float32))
    is_high = excess[:, None] >= min_snrs.to(place.device) * plane[:, 3:]
    return Candidates(frame, place, plane, may_be & is_high)


def _contrast(frames: Padded) -> Tensor:
    """Return how far each pixel stands above the lower of its two pairs of distant neighbours."""
    values, radius = frames.values, frames.radius
    distance = contrast_distance(radius)
    height, width = (side - 2 * radius for side in values.shape[1:])

    def moved(down: int, right: int) -> Tensor:
        return values.narrow(1, radius + down, height).narrow(2, radius + right, width)

    def pair(one: Tensor, other: Tensor) -> Tensor:
        """Return the mean of two, of which an unusable one is replaced by the other."""
        one, other = one.where(~one.isnan(), other), other.where(~other.isnan(), one)
        return 0.5 * (one + other)

    level = torch.fmin(  # an unusable pair is replaced by the other pair
        pair(moved(0, -distance), moved(0, distance)),
        pair(moved(-distance, 0), moved(distance, 0)),
    )
    return pad(moved(0, 0) - level, (radius,) * 4, value=torch.nan)


def _marked(
    frames: Padded, contrast: Tensor, min_snr: float, noise_floor: np.float32
) -> tuple[Tensor, Tensor, Tensor]:
    """Return frame and place of each pixel of enough contrast, and the noise of its tile."""
    tiles = frames.tiles(contrast)
    noise = _noise(tiles.abs(), float(noise_floor * noise_floor))
    least = np.float32(CANDIDATE_SHARE) * np.float32(min_snr)
    # One tile after the other, each row by row: in this order peaks are found.
    marks = (tiles > float(least) * noise).transpose(2, 3)
    frame, band, tile, i, j = marks.nonzero().unbind(1)
    _, height, width = contrast.shape
    rim = frames.radius + 1
    row, column = band * TILE + i + rim, tile * TILE + j + rim
    return frame, (frame * height + row) * width + column, noise[frame, band, 0, tile, 0]


def _noise(sizes: Tensor, least: float) -> Tensor:
    """Return the noise of a pixel in each tile, without what sticks out: (.., 1, tiles, 1)."""
    limit: Tensor | float = torch.inf
    for _ in range(4):
        inside = sizes <= limit
        n = inside.sum((2, 4), keepdim=True)
        total = torch.where(inside, sizes, 0.0).sum((2, 4), keepdim=True)
        mean = torch.where(n > 0, total / n, 0.0)
        limit = 4.0 * mean
    spread = 1.25 * mean
    return (spread.square().double() / 1.5 + least).sqrt().float()


def _may_be(look: Settings, above: Tensor, beside: Tensor, noise: Tensor) -> Tensor:
    """Say which pixels have enough contrast for a setting, and a neighbour that has, too."""
    min_snr, min_pixels = look[:2]
    least = float(np.float32(CANDIDATE_SHARE) * np.float32(min_snr)) * noise
    is_above = above > least
    if min_pixels <= 1:
        return is_above
    return is_above & (beside > EDGE_SHARE * least[:, None]).any(1)  # a lone pixel is no peak


def _planes(frames: Padded, place: Tensor, contrast: Tensor, floor: float) -> Tensor:
    """Fit level + a * rows + b * columns around each place; return (n, 4), the last the noise.

    The noise is inf where there are too few usable pixels.
    """
    radius, values = frames.radius, frames.values.view(-1)
    origin = (values[place] - contrast[place]).round()
    v = (values[frames.square(place, radius)] - origin[:, None]).double()
    usable = ~v.isnan()
    v = torch.where(usable, v, 0.0)
    terms = _terms(radius, place.device)
    one, i, j = terms
    kept = usable & (torch.maximum(i.abs(), j.abs()) > radius // 2 - 2)
    products = torch.stack([one, i, j, i * i, i * j, j * j], 1)
    enough = torch.ones_like(place, dtype=torch.bool)
    for _ in range(N_CLIPPINGS):
        weight = kept.double()
        of_steps = weight @ products
        weight *= v
        of_values = weight @ terms.T
        weight *= v
        enough &= of_steps[:, 0] >= MIN_BACKGROUND
        plane = _plane(of_steps, of_values, weight.sum(1), floor)
        kept = usable & (v - level_around(plane, radius) <= CLIP * plane[:, 3:])
    plane[:, 0] += origin
    plane[:, 3] = plane[:, 3].where(enough, torch.inf)
    return plane


def _plane(of_steps: Tensor, of_values: Tensor, vv: Tensor, floor: float) -> Tensor:
    """Return level, slopes and noise, (n, 4), of sums over the pixels that take part."""
    n, i, j, ii, ij, jj = of_steps.unbind(1)
    v, iv, jv = of_values.unbind(1)
    share = 1.0 / n
    # Central moments, then two equations for the slopes.
    cii, cjj, cij = ii - i * i * share, jj - j * j * share, ij - i * j * share
    civ, cjv, cvv = iv - i * v * share, jv - j * v * share, vv - v * v * share
    determinant = cii * cjj - cij * cij
    is_plane = determinant > 1e-6 * cii * cjj
    slope_i = torch.where(is_plane, (civ * cjj - cjv * cij) / determinant, 0.0)
    slope_j = torch.where(is_plane, (cjv * cii - civ * cij) / determinant, 0.0)
    level = (v - slope_i * i - slope_j * j) * share
    left = (cvv - slope_i * civ - slope_j * cjv).clamp(min=0.0)
    noise = (left / (n - 3.0).clamp(min=1.0) + floor).sqrt()
    return torch.stack([level, slope_i, slope_j, noise], 1)


def level_around(plane: Tensor, radius: int) -> Tensor:
    """Return the level of planes (n, 4) in the pixels of a window, (n, pixels) float64."""
    return plane[:, :3] @ _terms(radius, plane.device)


def _terms(radius: int, device: torch.device) -> Tensor:
    """Return 1 and the steps down and right of the pixels of a window, (3, pixels) float64."""
    steps = torch.arange(-radius, radius + 1, dtype=torch.float64, device=device)
    i, j = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([torch.ones_like(i), i, j]).flatten(1)
