"""Frames of modules, put together as the detector is built."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window
from sklearn_sfx.frames.geometry._assembly import (
    GAP,
    canvas_of,
    pixel_places,
    plan_for,
    rows_of_panel,
)
from sklearn_sfx.frames.geometry._crystfel import Geometry
from sklearn_sfx.frames.geometry._gather import gather, gather_tiles

__all__ = ["AssembledSource"]

_of_thread = threading.local()  # memory for the pixels of one frame, which is used again


class AssembledSource:
    """The frames of another source, with each module where it lies; 0 in the gaps.

    Each pixel of the image is the pixel of the detector that is nearest to it. Only the rows that
    a window needs are read.

    Parameters
    ----------
    source : FrameSource
        Of frames in which the modules are stacked, or of masks of them.
    geometry : Geometry
        Where each is.
    rows : int
        Of one module.
    usable : bool ndarray of shape (height, width), default=None
        Of masks, what has to hold for each besides.
    mask_files : frozenset of str, default=frozenset()
        The files from which the masks of the geometry were read.
    """

    def __init__(
        self,
        source: FrameSource,
        geometry: Geometry,
        rows: int,
        *,
        usable: np.ndarray | None = None,
        mask_files: frozenset[str] = frozenset(),
    ):
        self._source, self._geometry, self._rows = source, geometry, rows
        self._usable, self._mask_files = usable, mask_files
        canvas = canvas_of(geometry)
        self.shape = (source.shape[0], canvas.height, canvas.width)
        self.dtype = source.dtype
        self.stored_dtype = getattr(source, "stored_dtype", source.dtype)
        # What is packed whole is unpacked once, and not for each range of rows.
        facts = getattr(source, "facts", Facts())
        self._in_one = "gzip" in facts.compression.lower()

    @property
    def facts(self) -> Facts:
        """What the source says of its frames, and the geometry of the detector."""
        facts, geometry = getattr(self._source, "facts", Facts()), self._geometry
        canvas = canvas_of(geometry)
        return replace(
            facts,
            beam_center=canvas.beam_center,
            pixel_size=1000 / canvas.resolution,
            distance=geometry.distance or facts.distance,
            wavelength=geometry.wavelength or facts.wavelength,
            modules=None,
            note="; ".join(part for part in (facts.note, self._left_out(facts)) if part),
        )

    def _left_out(self, facts: Facts) -> str:
        """Say how many modules the geometry does not name."""
        if facts.modules is None:
            return ""
        n, rows = facts.modules
        panels = self._geometry.panels
        first = (
            rows_of_panel(self._geometry, one, self._stack, self._rows).start for one in panels
        )
        n_used = len({row // rows for row in first})
        return f"the geometry has {n_used} of {n} modules" if n_used < n else ""

    @property
    def files(self) -> frozenset[str]:
        """Absolute paths of all that is read, the geometry and its masks too."""
        held: frozenset[str] = getattr(self._source, "files", frozenset())
        return held | {self._geometry.path} | self._mask_files

    @property
    def gives_nan(self) -> bool:
        """Whether what cannot be read is NaN, and raises no error."""
        return getattr(self._source, "gives_nan", False)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The frames that the source knows not to be readable."""
        return getattr(self._source, "unreadable", ())

    @property
    def has_pixel(self) -> np.ndarray:
        """Where there is a pixel: bool (height, width), False in the gaps."""
        return pixel_places(self._geometry, self._stack, self._rows) != GAP

    @property
    def _stack(self) -> tuple[int, int]:
        return self._source.shape[1], self._source.shape[2]

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of the assembled frame `position` to `out`."""
        plan = plan_for(self._geometry, self._stack, self._rows, window, self._in_one)
        width = self._stack[1]
        n_rows = sum(stop - start for start, stop in plan.rows)
        pixels = _scratch(n_rows * width + 1, self.dtype)
        pixels[-1] = 0
        at = 0
        for start, stop in plan.rows:
            end = at + (stop - start) * width
            part = pixels[at:end].reshape(-1, width)
            self._source.read(position, Window(start, 0, stop - start, width), part)
            at = end
        if plan.tiles is not None:
            gather_tiles(pixels, plan.tiles, out)
        else:
            gather(pixels, plan.places, out)
        if self._usable is not None:
            out &= self._usable[window.slices]

    def origin(self, position: int) -> FrameOrigin:
        """Return where frame `position` comes from."""
        return self._source.origin(position)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return what is known of the frames at `positions`."""
        return self._source.metadata(positions)

    def narrowed(self, index: range | np.ndarray) -> tuple[AssembledSource, range | np.ndarray]:
        """Return a source with less that still holds the frames at `index`."""
        if not hasattr(self._source, "narrowed"):
            return self, index
        source, index = self._source.narrowed(index)
        narrowed = AssembledSource(
            source,
            self._geometry,
            self._rows,
            usable=self._usable,
            mask_files=self._mask_files,
        )
        return narrowed, index


def _scratch(n_pixels: int, dtype: np.dtype) -> np.ndarray:
    n_bytes = n_pixels * dtype.itemsize
    held: np.ndarray | None = getattr(_of_thread, "held", None)
    if held is None or held.size < n_bytes:
        held = _of_thread.held = np.empty(n_bytes, np.uint8)
    return held[:n_bytes].view(dtype)
