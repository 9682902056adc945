"""A simulated run as a source of frames: each frame is drawn when it is read."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sklearn_sfx.datasets.simulation._domain import Domain
from sklearn_sfx.datasets.simulation._geometry import Panels, make_panels
from sklearn_sfx.datasets.simulation._maps import PixelMaps, make_maps
from sklearn_sfx.datasets.simulation._nuisances import nuisances
from sklearn_sfx.datasets.simulation._render import draw_spots, expose, read_out
from sklearn_sfx.datasets.simulation._shot import Shot, draw_shot
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin, Window

__all__ = ["MaskSource", "SimulatedSource", "central_window"]


def central_window(shape: tuple[int, int], part: tuple[int, int] | None) -> Window:
    """Return the central `part` of frames of this shape; the whole frame for None."""
    rows, columns = shape if part is None else part
    return Window((shape[0] - rows) // 2, (shape[1] - columns) // 2, rows, columns)


@lru_cache(maxsize=4)
def _experiment(domain: Domain, window: Window) -> tuple[Panels, PixelMaps]:
    """Make what all frames of a domain share; kept for the last few domains of each process."""
    return make_panels(domain), make_maps(domain, window)


class SimulatedSource:
    """A source that simulates frames.

    Frame i depends on the domains, the seed and i only, so it is the same in any order, thread
    and process, and a window of it is the same as that window cut out of the whole.

    Parameters
    ----------
    domains : tuple of Domain
        The experiments.
    counts : tuple of int
        The number of frames of each; they follow one another as runs do.
    frame_shape : tuple of int or None
        Simulate only the central part of this shape.
    seed : int
        What every shot is drawn from.
    """

    def __init__(
        self,
        domains: tuple[Domain, ...],
        counts: tuple[int, ...],
        *,
        frame_shape: tuple[int, int] | None,
        seed: int,
    ):
        self._domains = tuple(domains)
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._seed = seed
        self._windows = [central_window(domain.detector.shape, frame_shape) for domain in domains]
        for domain, window in zip(domains, self._windows, strict=True):
            if min(window) < 0 or min(window.height, window.width) < 1:
                raise InputError(
                    f"frame_shape={frame_shape} does not fit the detector of domain "
                    f"{domain.name!r}, whose frames have the shape {domain.detector.shape}."
                )
        shapes = {(window.height, window.width) for window in self._windows}
        if len(shapes) != 1:
            raise InputError(
                f"The detectors of these domains have frames of different shapes ({shapes}): give "
                "a frame_shape that fits them all."
            )
        self.shape = (int(self._starts[-1]), *shapes.pop())
        self.dtype = np.result_type(*(domain.detector.dtype for domain in domains))

    def domain_number(self, position: int) -> int:
        """Return the number of the domain that frame `position` belongs to."""
        return int(np.searchsorted(self._starts, position, side="right")) - 1

    def shot(self, position: int) -> Shot:
        """All about a frame but its pixels."""
        number = self.domain_number(position)
        domain = self._domains[number]
        # the number within the run, so that a longer run begins with the same frames
        key = (domain.seed, number, position - int(self._starts[number]))
        rng = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(self._seed, spawn_key=key))
        )
        return draw_shot(domain, *_experiment(domain, self._windows[number]), rng)

    def mask(self, number: int) -> np.ndarray:
        """Return the mask of a domain: bool, True where a pixel is usable."""
        return _experiment(self._domains[number], self._windows[number])[1].usable

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Simulate the `window` of a frame into `out`."""
        number = self.domain_number(position)
        domain = self._domains[number]
        detector = domain.detector
        _, maps = _experiment(domain, self._windows[number])
        shot = self.shot(position)
        # one pixel more on each side, for the light that neighbours give
        margin = 1 if detector.blur else 0
        top, left = max(window.top - margin, 0), max(window.left - margin, 0)
        bottom = min(window.top + window.height + margin, maps.window.height)
        right = min(window.left + window.width + margin, maps.window.width)
        part = np.s_[top:bottom, left:right]

        light = np.zeros((bottom - top, right - left), dtype=np.float32)
        electronic = np.empty_like(light)
        spots = shot.spots
        draw_spots(
            light,
            maps.panel[part],
            top,
            left,
            spots.row,
            spots.column,
            spots.photons,
            spots.covariance,
            spots.panel,
            detector.tail,
            detector.tail_radius,
        )
        frame_width = detector.shape[1]
        first = (maps.window.top + top) * frame_width + maps.window.left + left
        expose(
            light,
            electronic,
            maps.radius[part],
            maps.azimuth[part],
            maps.transmission[part],
            maps.noise[part],
            shot.scatter.profile,
            shot.scatter.streak,
            shot.scatter.sector,
            shot.key,
            first,
            frame_width,
        )
        place = Window(maps.window.top + top, maps.window.left + left, *light.shape)
        extra = nuisances(domain, place, shot.key)
        if extra is not None:
            electronic += np.where(maps.gain[part] > 0, extra, np.float32(0))
        info = np.iinfo(detector.dtype)
        read_out(
            light,
            electronic,
            window.top - top,
            window.left - left,
            maps.gain[part],
            maps.offset[part],
            maps.panel[part],
            shot.common,
            detector.blur,
            np.float32(info.min),
            np.float32(min(detector.saturation, info.max)),
            out,
        )

    def origin(self, position: int) -> FrameOrigin:
        """No file holds a simulated frame; its identifier says what it was drawn from."""
        number = self.domain_number(position)
        within = position - int(self._starts[number])
        identifier = f"{self._domains[number].name}-{self._seed}-{within}"
        return FrameOrigin(None, int(position), f"//{position}", identifier)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Distance (mm), mean wavelength (angstrom) and identifier of each frame."""
        numbers = [self.domain_number(position) for position in positions]
        domains = [self._domains[number] for number in numbers]
        return {
            "distance": np.array([domain.distance for domain in domains]),
            "wavelength": np.array([domain.beam.wavelength for domain in domains]),
            "identifier": np.array(
                [self.origin(int(position)).identifier for position in positions], dtype=np.str_
            ),
        }


class MaskSource:
    """The masks of a run of several experiments, one per frame, as a source of bool frames."""

    def __init__(self, source: SimulatedSource):
        self._source = source
        self.shape = source.shape
        self.dtype = np.dtype(bool)

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the mask of the experiment that the frame belongs to."""
        out[:] = self._source.mask(self._source.domain_number(position))[window.slices]

    def origin(self, position: int) -> FrameOrigin:
        """As of the frame itself."""
        return self._source.origin(position)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing more than the frames themselves say."""
        return {}
