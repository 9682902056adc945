"""Spots on the detector: where reflections land, how wide they are, and which of them are seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from sklearn_sfx.datasets.simulation._background import Scatter, scatter_at
from sklearn_sfx.datasets.simulation._crystal import Reflections
from sklearn_sfx.datasets.simulation._domain import Domain
from sklearn_sfx.datasets.simulation._geometry import Panels, project
from sklearn_sfx.datasets.simulation._maps import PixelMaps

__all__ = ["Spots", "land", "needed_photons", "one_per_blob"]


class Spots(NamedTuple):
    """Spots on the simulated part of a frame.

    `row`, `column` (n,) in pixels of the part, `photons` (n,) of each, `covariance` (n, 3) of
    its shape in pixels squared (row-row, row-column, column-column), `panel` (n,) the sensor.
    """

    row: np.ndarray
    column: np.ndarray
    photons: np.ndarray
    covariance: np.ndarray
    panel: np.ndarray

    def chosen(self, which: np.ndarray) -> Spots:
        """Return some of the spots, by a bool or integer array."""
        return Spots(*(part[which] for part in self))

    def pixels(self, maps: PixelMaps) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of the pixel that each spot's centre falls on."""
        return (
            np.clip(np.rint(self.row).astype(np.int64), 0, maps.window.height - 1),
            np.clip(np.rint(self.column).astype(np.int64), 0, maps.window.width - 1),
        )


def land(
    domain: Domain, panels: Panels, maps: PixelMaps, reflections: Reflections, shift: np.ndarray
) -> Spots:
    """Place the reflections that fall on the part of the detector that is simulated.

    A spot is as wide as crystal and optics make it, longer towards the beam by the bandwidth and
    around the beam by the mosaicity. `shift` (x, y) in mm moves the beam.
    """
    forward = reflections.direction[:, 2] > 0.05
    direction, intensity = reflections.direction[forward], reflections.intensity[forward]
    flight = domain.distance / direction[:, 2]
    x, y = direction[:, 0] * flight, direction[:, 1] * flight
    row, column, panel = project(panels, x + shift[0], y + shift[1])
    row, column = row - maps.window.top, column - maps.window.left
    inside = (panel >= 0) & (row >= -0.5) & (row < maps.window.height - 0.5)
    inside &= (column >= -0.5) & (column < maps.window.width - 0.5)
    x, y, row, column, panel = (part[inside] for part in (x, y, row, column, panel))
    intensity, cosine = intensity[inside], direction[inside, 2]

    pixel = domain.detector.pixel_size
    radius = np.maximum(np.hypot(x, y), 1e-9)
    out_x, out_y = x / radius, y / radius
    out_row = (out_x * panels.slow[panel, 0] + out_y * panels.slow[panel, 1]) / pixel
    out_column = (out_x * panels.fast[panel, 0] + out_y * panels.fast[panel, 1]) / pixel
    two_theta = np.arccos(cosine)
    spread = domain.distance / cosine**2 * 2 * np.tan(two_theta / 2) * domain.beam.bandwidth
    along = np.square(spread / pixel)
    around = np.square(np.deg2rad(domain.crystal.mosaicity) * radius / pixel)
    # a twelfth: the variance that averaging over a pixel adds
    base = domain.crystal.spot_size**2 + 1 / 12
    covariance = np.stack(
        [
            base + along * out_row**2 + around * out_column**2,
            (along - around) * out_row * out_column,
            base + along * out_column**2 + around * out_row**2,
        ],
        axis=-1,
    )
    spots = Spots(row, column, intensity, covariance, panel)
    return spots._replace(photons=intensity * maps.transmission[spots.pixels(maps)])


def needed_photons(domain: Domain, maps: PixelMaps, scatter: Scatter, spots: Spots) -> np.ndarray:
    """Return the photons from which each spot is visible; infinite where no spot can be seen.

    A spot is visible when the expected height of its brightest pixel stands ``domain.visible``
    standard deviations above the local noise. The noise is that of the background photons and
    of the readout, and heights are compared where their variance is stable (Anscombe 1948, with
    the readout noise added): with n photons in a pixel of variance v, at ``2 * sqrt(n + v)``. So
    at 5 sigma, a spot over no photons at all needs 9 photons in one pixel.
    """
    detector = domain.detector
    row, column = spots.pixels(maps)
    # blurring spreads a photon over its neighbours, which makes noise and spots lower
    smooth = (2 * detector.blur**2 + (1 - 2 * detector.blur) ** 2) ** 2
    rr, rc, cc = (spots.covariance + 2 * detector.blur * np.array([1.0, 0.0, 1.0])).T
    determinant = rr * cc - rc**2
    dr, dc = spots.row - row, spots.column - column
    form = (cc * dr**2 - 2 * rc * dr * dc + rr * dc**2) / determinant
    share = np.exp(-0.5 * form) / np.sqrt((2 * np.pi) ** 2 * determinant)
    share = (1 - detector.tail) * np.minimum(share, 1.0)
    readout = np.square(maps.noise[row, column] / detector.gain)
    variance = scatter_at(scatter, maps, row, column) * smooth + readout + 3 / 8 * smooth
    height = domain.visible * np.sqrt(variance) + domain.visible**2 * smooth / 4
    seen = maps.sound[row, column] & (maps.transmission[row, column] > 0.3)
    return np.where(seen, height / np.maximum(share, 1e-6), np.inf)


def one_per_blob(spots: Spots, strength: np.ndarray) -> np.ndarray:
    """Which spots count when those that overlap are seen as one: bool, the strongest of each."""
    counts = np.isfinite(strength) & (strength > 0)
    if counts.sum() < 2:
        return counts
    reach = 1.2 * np.sqrt(8 * np.log(2) * np.median(spots.covariance[:, 0])) + 1
    places = np.flatnonzero(counts)
    tree = cKDTree(np.stack([spots.row[places], spots.column[places]], axis=1))
    first, second = places[tree.query_pairs(reach, output_type="ndarray").T]
    counts[np.where(strength[first] < strength[second], first, second)] = False
    return counts
