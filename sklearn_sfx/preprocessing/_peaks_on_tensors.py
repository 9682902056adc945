"""The peak finder by torch operations, on the device where the frames lie.

It finds what `find_all` finds. There one peak takes its pixels before the next one grows; here all
grow at once, and those whose pixels an earlier one may take wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from sklearn_sfx.preprocessing._peak_candidates_on_tensors import (
    VALUES,
    Padded,
    candidates,
    in_parts,
    level_around,
    padded,
)
from sklearn_sfx.preprocessing._peak_kernels import EDGE_SHARE, Settings, check_radius

__all__ = ["FoundOnTensors", "find_on_tensors"]


class FoundOnTensors(NamedTuple):
    """What was found in some frames by one of several settings, frame by frame.

    Parameters
    ----------
    frame : Tensor of int64, shape (n_peaks,)
        In which of the frames.
    n_pixels : Tensor of int64, shape (n_peaks,)
        Pixels that belong to the peak.
    snr : Tensor of float32, shape (n_peaks,)
        Signal-to-noise of the highest of them.
    """

    frame: Tensor
    n_pixels: Tensor
    snr: Tensor


def find_on_tensors(
    X: Tensor, looks: Sequence[Settings], usable: np.ndarray | None = None
) -> list[FoundOnTensors]:
    """Return what is found by each of some settings.

    Parameters
    ----------
    X : Tensor of any real dtype, shape (n_frames, height, width)
        NaN is not usable; left as it is.
    looks : sequence of (min_snr, min_pixels, max_pixels, background_radius, noise_floor)
        Those of `find_peaks`; the last two are the same in all.
    usable : ndarray of bool, shape (height, width), optional
        Which pixels are.

    Raises
    ------
    InputError
        The radius is too small for a background.
    """
    radius = looks[0][3]
    check_radius(radius)
    good = None if usable is None else torch.tensor(usable, device=X.device)
    with torch.no_grad():
        length = max(1, VALUES // max(1, math.prod(X.shape[1:])))
        parts = [
            _find(padded(part, good, radius), looks, number * length)
            for number, part in enumerate(X.split(length))
        ]
    return [
        FoundOnTensors(*map(torch.cat, zip(*of_look, strict=True)))
        for of_look in zip(*parts, strict=True)
    ]


class _Seeds(NamedTuple):
    """The highest pixels of what may be peaks, in their order.

    Parameters
    ----------
    place : Tensor of int64, shape (n,)
        Where in the flat values of the frames.
    shift : Tensor of int64, shape (n,)
        Where the copy of the frames begins that it takes its pixels from: each setting has one.
    plane : Tensor of float64, shape (n, 4)
        Its background, as `candidates` returns it.
    edge : Tensor of float32, shape (n,)
        From how many noises on a pixel belongs to the peak.
    """

    place: Tensor
    shift: Tensor
    plane: Tensor
    edge: Tensor

    def some(self, rows: Tensor) -> _Seeds:
        return _Seeds(*(field[rows] for field in self))


def _find(frames: Padded, looks: Sequence[Settings], first: int) -> list[FoundOnTensors]:
    """Return what is found in the frames of one block, of which the first has a number."""
    found = candidates(frames, looks)
    each, look = found.stands_out.nonzero().unbind(1)
    edges = np.float32(EDGE_SHARE) * np.array([settings[0] for settings in looks], np.float32)
    edge = torch.from_numpy(edges).to(each.device)[look]
    shift = look * frames.values.numel()
    seeds = _Seeds(found.place[each], shift, found.plane[each], edge)
    n_pixels, snr = _grow_in_turn(frames, seeds, len(looks))
    fewest, most = torch.tensor([settings[1:3] for settings in looks], device=each.device)[look].T
    is_peak = (n_pixels > 0) & (n_pixels >= fewest) & (n_pixels <= most)
    frame = found.frame[each] + first
    peaks = [is_peak & (look == number) for number in range(len(looks))]
    return [FoundOnTensors(frame[one], n_pixels[one], snr[one]) for one in peaks]


def _grow_in_turn(frames: Padded, seeds: _Seeds, n_looks: int) -> tuple[Tensor, Tensor]:
    """Return the pixels of each peak and its signal-to-noise; no pixels if its seed was taken.

    What grows while only the peaks that are done have taken their pixels is no less than what will
    be the peak's. So in each round all are done that share no such pixel with an earlier one.
    """
    taken = torch.zeros(n_looks * frames.values.numel(), dtype=torch.bool, device=seeds.edge.device)
    n_pixels, snr = torch.zeros_like(seeds.place), torch.zeros_like(seeds.edge)
    left = torch.arange(len(seeds.place), device=taken.device)
    while True:
        left = left[~taken[(seeds.place + seeds.shift)[left]]]
        if not len(left):
            return n_pixels, snr
        n, height, owner, pixel = _grow(frames, seeds.some(left), taken)
        wanted, order = pixel.sort(stable=True)
        late = owner[order[1:]][wanted[1:] == wanted[:-1]]  # an earlier one wants the pixel, too
        is_done = torch.ones_like(left, dtype=torch.bool)
        is_done[late] = False
        taken[pixel[is_done[owner]]] = True
        n_pixels[left[is_done]], snr[left[is_done]] = n[is_done], height[is_done]
        left = left[~is_done]


def _grow(frames: Padded, seeds: _Seeds, taken: Tensor) -> tuple[Tensor, ...]:
    """Return number of pixels and signal-to-noise of each; then owner and place of each pixel."""
    parts = []
    for rows in in_parts(frames, torch.arange(len(seeds.place), device=taken.device)):
        part = seeds.some(rows)
        window = frames.square(part.place, frames.radius)
        excess = frames.values.view(-1)[window].double() - level_around(part.plane, frames.radius)
        noise = part.plane[:, 3]
        window += part.shift[:, None]
        bright = (excess >= (part.edge * noise)[:, None]) & ~taken[window]
        region = _connected(bright, frames.radius)
        highest = torch.where(region, excess, 0.0).amax(1)
        owner = rows[region.nonzero()[:, 0]]
        parts.append((region.sum(1), (highest / noise).float(), owner, window[region]))
    return tuple(map(torch.cat, zip(*parts, strict=True)))


def _connected(bright: Tensor, radius: int) -> Tensor:
    """Return which pixels of windows, bool (n, pixels), hang together with the middle one."""
    side = 2 * radius + 1
    bright = bright.view(-1, side, side)
    bright[:, radius, radius] = True
    region = torch.zeros_like(bright)
    region[:, radius, radius] = True
    while True:
        wide = pad(region, (1, 1, 1, 1))
        wide = wide[:, :, :-2] | wide[:, :, 1:-1] | wide[:, :, 2:]
        grown = (wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]) & bright
        if torch.equal(grown, region):
            return region.view(-1, side * side)
        region = grown
