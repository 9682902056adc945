"""A frame as a browser draws it: bytes in tiles, at full resolution and at ever coarser ones."""

from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from sklearn_sfx.serving._contrast import local_contrast

__all__ = ["TILE", "FramePicture", "gzipped", "view_facts"]

TILE = 512  # side of a tile in pixels
# A byte holds a value that is many thousands as well as one near zero: 0 is no pixel, and
# otherwise value = sinh((byte - ZERO) * STEP).
ZERO, STEP = 64, 0.1
DEFLATED = 1  # level: quick, and noise does not become smaller by trying harder
COUNTS_SHOWN = (1.0, 99.9)  # per cent of the pixels, drawn white and black at first
MOST_SAMPLED = 200_000
LEAST_SPREAD = 0.25  # of the noise; less is that of an empty frame


class FramePicture:
    """One frame to be drawn, in two layers.

    ``local`` is each pixel less its local background, in units of the noise; ``counts`` is what
    the detector says, on a scale from its median. A coarser level has the highest of two by two
    pixels, so that a spot of one pixel is never lost.

    Parameters
    ----------
    frame : float32 ndarray of shape (height, width)
        NaN where a pixel is masked.
    unmasked : callable, optional
        Returns the same pixels as they are stored, for who wants to see what the mask hides.
    scale : (float, float, float), optional
        Of ``counts``, where it is to be the same for several frames: what is drawn white, the unit,
        and how many of them are drawn black. By default what suits the frame.

    Examples
    --------
    >>> import zlib
    >>> import numpy as np
    >>> from sklearn_sfx.serving import FramePicture, view_facts
    >>> frame = np.random.default_rng(0).poisson(10.0, (600, 700)).astype(np.float32)
    >>> picture = FramePicture(frame)
    >>> picture.n_levels, view_facts(frame.shape)["tile"]
    (2, 512)
    >>> picture.codes("local", 1).shape, picture.codes("local", 1).dtype
    ((300, 350), dtype('uint8'))
    >>> len(zlib.decompress(picture.tile("local", 0, 0, 1), 31)) == 512 * (700 - 512)
    True
    >>> len(picture.scales("local"))
    2
    >>> codes, scale = picture.small(200)
    >>> codes.shape
    (150, 175)
    >>> low, high = picture.counts_range
    >>> low < 0 < high
    True
    """

    def __init__(
        self,
        frame: np.ndarray,
        unmasked: Callable[[], np.ndarray] | None = None,
        scale: tuple[float, float, float] | None = None,
    ):
        self._given = scale
        self._frame = np.asarray(frame, np.float32)
        self._unmasked = unmasked
        self._levels: dict[tuple[str, bool], list[np.ndarray]] = {}
        self._lock = threading.Lock()  # several tiles are asked for at once

    @property
    def n_levels(self) -> int:
        """How many levels there are; the last one is a single tile."""
        return levels_of(self._frame.shape)

    def codes(self, layer: str, level: int, *, masked: bool = True) -> np.ndarray:
        """Return the bytes of a level, uint8 (rows, columns): 0 where no pixel is usable."""
        key = layer, masked or self._unmasked is None
        with self._lock:
            if key not in self._levels:
                self._levels[key] = self._pyramid(*key)
            return self._levels[key][level]

    def tile(self, layer: str, level: int, row: int, column: int, *, masked: bool = True) -> bytes:
        """Return one tile, its rows one after the other, as gzip packs them."""
        codes = self.codes(layer, level, masked=masked)
        part = codes[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        return gzipped(part)

    @cached_property
    def counts_range(self) -> tuple[float, float]:
        """What of the layer ``counts`` is drawn white, and what black, until it is changed."""
        if self._given is not None:
            return 0.0, self._given[2]
        sample = _sample(self._frame)
        if not sample.size:
            return 0.0, 1.0
        low, high = (np.percentile(sample, COUNTS_SHOWN) - self._scale[0]) / self._scale[1]
        return float(low), float(max(high, low + 1))

    @cached_property
    def _scale(self) -> tuple[float, float]:
        """Middle and spread of the counts."""
        if self._given is not None:
            return self._given[:2]
        sample = _sample(self._frame)
        if not sample.size:
            return 0.0, 1.0
        low, middle, high = np.percentile(sample, (16, 50, 84))
        spread = (high - low) / 2 or sample.std() or 1.0
        return float(middle), float(spread)

    def scales(self, layer: str) -> list[tuple[float, float]]:
        """Return for each level what is to be taken from its values, and what they are divided by.

        The highest of many pixels is far above their mean: so the noise of ``local`` is around
        zero, and one, at every level.
        """
        if layer != "local":
            return [(0.0, 1.0)] * self.n_levels
        return [_scale_of(self.codes(layer, level)) for level in range(self.n_levels)]

    def small(self, side: int, layer: str = "local") -> tuple[np.ndarray, tuple[float, float]]:
        """Return a layer on no more pixels than that along each side, and its scale.

        The bytes are as those of a level, uint8 (rows, columns).
        """
        codes = self.codes(layer, self.n_levels - 1)
        while max(codes.shape) > side:
            codes = _highest_of_four(codes)
        return codes, _scale_of(codes) if layer == "local" else (0.0, 1.0)

    def _pyramid(self, layer: str, masked: bool) -> list[np.ndarray]:
        stored = self._frame
        if not masked and self._unmasked is not None:
            stored = np.asarray(self._unmasked(), np.float32)
        if layer == "local":
            pixels = local_contrast(stored)
            if not masked:  # what is masked plays no part in the background of what is not
                usable = np.isfinite(self._frame)
                pixels = np.where(usable, local_contrast(self._frame), pixels)
        else:
            middle, spread = self._scale
            pixels = (stored - np.float32(middle)) / np.float32(spread)
        levels = [_coded(pixels)]
        while len(levels) < self.n_levels:
            levels.append(_highest_of_four(levels[-1]))
        return levels


def levels_of(shape: tuple[int, ...]) -> int:
    """Return how many levels a frame (height, width) has until it fits into one tile."""
    return 1 + max(0, math.ceil(math.log2(max(shape) / TILE)))


def view_facts(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return what a browser has to know to draw frames (height, width) from their tiles."""
    height, width = (int(length) for length in shape)
    facts = {"height": height, "width": width, "levels": levels_of((height, width))}
    return facts | {"tile": TILE, "zero": ZERO, "step": STEP}


def gzipped(codes: np.ndarray) -> bytes:
    """Return bytes as gzip packs them, which a browser unpacks by itself."""
    packer = zlib.compressobj(DEFLATED, wbits=31)
    return packer.compress(np.ascontiguousarray(codes).tobytes()) + packer.flush()


def _coded(pixels: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        codes = np.clip(np.rint(np.arcsinh(pixels) / np.float32(STEP)) + ZERO, 1, 255)
    return np.where(np.isfinite(pixels), codes, 0).astype(np.uint8)


def _scale_of(codes: np.ndarray) -> tuple[float, float]:
    """Return middle and spread of what a level holds."""
    step = max(1, math.isqrt(codes.size // MOST_SAMPLED))
    some = codes[::step, ::step]
    some = some[some > 0]
    if not some.size:
        return 0.0, 1.0
    low, middle, high = np.percentile(np.sinh((some.astype(float) - ZERO) * STEP), (16, 50, 84))
    spread = (high - low) / 2
    return round(float(middle), 3), round(float(spread), 3) if spread >= LEAST_SPREAD else 1.0


def _highest_of_four(codes: np.ndarray) -> np.ndarray:
    height, width = codes.shape
    padded = np.pad(codes, ((0, height % 2), (0, width % 2)))
    rows = np.maximum(padded[0::2], padded[1::2])
    return np.maximum(rows[:, 0::2], rows[:, 1::2])


def _sample(pixels: np.ndarray) -> np.ndarray:
    """Return some of the pixels that are usable, from all of the frame."""
    step = max(1, math.isqrt(pixels.size // MOST_SAMPLED))
    some = pixels[::step, ::step] if step > 1 else pixels
    return some[np.isfinite(some)]
