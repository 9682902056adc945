"""What is known of a series of a DECTRIS detector: what its start said, and what came of it."""

from __future__ import annotations

import numpy as np

from sklearn_sfx._text import counted, one_line
from sklearn_sfx.frames import Facts, FrameOrigin
from sklearn_sfx.streams._protocols import LiveFrames, arrived_frames
from sklearn_sfx.streams.network._dectris_message import Image, Start
from sklearn_sfx.streams.network._malformed import Malformed, Unfitting
from sklearn_sfx.streams.network._seen import SeenNumbers

__all__ = ["Series"]

CODED = {"bslz4": "bitshuffle-LZ4", "lz4": "LZ4", "": ""}
CORNER = 0.5  # of the first pixel, seen from its centre


class Series:
    """One series, from its start on, or from the first image where the start never came.

    Parameters
    ----------
    number : int
        What the detector calls it.
    start : Start or None
        What is known of it.
    channel : str or None
        Which is taken; the first by default.
    mask : ndarray of bool, shape (height, width), or bool
        To be used instead of that of the detector; whether any is used.
    """

    def __init__(
        self, number: int, start: Start | None, channel: str | None, mask: np.ndarray | bool
    ):
        self.number, self._start, self.is_over = number, start, False
        self._channel = self._named = channel
        if channel is None and start is not None and start.channels:
            self._channel = start.channels[0]
        self._is_masked = mask is not False
        self._mask = self._given = mask if isinstance(mask, np.ndarray) else None
        self.mask_reason = ""
        if mask is True and start is not None:
            try:
                self._mask = start.mask(self._channel or "")
            except Malformed as error:
                self.mask_reason = one_line(str(error))
        self.seen = SeenNumbers()

    @property
    def is_known(self) -> bool:
        """Whether its start came."""
        return self._start is not None

    def said(self) -> str:
        """Return what a start says, as a line."""
        start = self._start
        if start is None:
            return (
                f"series {self.number} was joined after its start, or another client has got it: "
                "mask, wavelength, distance and beam are not known"
            )
        n = "" if start.n_images is None else f"{counted(start.n_images, 'image')} of "
        line = f"series {self.number} starts: {n}{start.shape[0]} x {start.shape[1]} pixels, "
        line += start.dtype.name
        if len(start.channels) > 1:
            others = ", ".join(name for name in start.channels if name != self._channel)
            line += f", channel {self._channel} and not {others}"
        if self.mask_reason:
            line += f"; without a mask, since {self.mask_reason}"
        elif self._mask is None and self._is_masked:
            line += "; without a mask: set header_detail to all to have it sent"
        return one_line(line)

    def ending(self) -> str:
        """Return how many images came, as a line."""
        of = "" if self._start is None else self._start.n_images
        came = f"{len(self.seen)} of {of}" if of else f"{len(self.seen)}"
        return f"series {self.number} ends: {came} images came here"

    def origin(self, number: int) -> FrameOrigin:
        """Return what one of its images is called."""
        return FrameOrigin(None, number, f"//{number}", f"{self.number}:{number}")

    def frames(self, image: Image, arrived: float) -> LiveFrames:
        """Return an image as a frame.

        Raises
        ------
        Malformed
            It cannot be read, or is not such as the start said.
        Unfitting: as the user said of all.
        """
        if self._named is not None and self._named not in image.data:
            has = ", ".join(image.data)
            said = f"it has no channel {self._named}, only {has}: name one in the address"
            raise Unfitting(one_line(said))
        pixels, channel, compression = image.pixels(self._channel)
        start = self._start
        if start is not None and (pixels.shape, pixels.dtype) != (start.shape, start.dtype):
            raise Malformed(
                f"it has {pixels.shape[0]} x {pixels.shape[1]} pixels {pixels.dtype.name}, and its "
                f"series {start.shape[0]} x {start.shape[1]} {start.dtype.name}"
            )
        known: dict[str, float | str | None] = {
            "identifier": f"{self.number}:{image.number}",
            "timestamp": image.timestamp,
            "wavelength": None if start is None else start.wavelength,
            "distance": None if start is None or not start.distance else 1000 * start.distance,
        }
        frames = arrived_frames(
            pixels[None],
            sources=[self.origin(image.number)],
            metadata={name: np.array([value]) for name, value in known.items() if value},
            facts=self._facts(pixels.dtype, channel, compression),
            mask=self._fitting(pixels.shape),
        )
        return LiveFrames(frames, np.array([arrived]), pixels.nbytes)

    def _fitting(self, shape: tuple[int, ...]) -> np.ndarray | None:
        if self._mask is None or self._mask.shape == shape:
            return self._mask
        said = f"it has {shape[0]} x {shape[1]} pixels, and the mask "
        said += f"{self._mask.shape[0]} x {self._mask.shape[1]}"
        if self._mask is self._given:
            raise Unfitting(f"{said}: give a mask of the same shape, or --no-mask")
        raise Malformed(said)

    def _facts(self, dtype: np.dtype, channel: str, compression: str) -> Facts:
        no_data = (float(np.iinfo(dtype).max),) if self._is_masked else ()
        known = {
            "format": "DECTRIS stream V2",
            "dataset": one_line(channel),
            "compression": CODED.get(compression, compression),
            "no_data": no_data,
        }
        start = self._start
        if start is None:
            return Facts(**known)  # type: ignore[arg-type]
        center = start.beam_center
        return Facts(
            **known,  # type: ignore[arg-type]
            beam_center=None if center is None else (center[1] - CORNER, center[0] - CORNER),
            pixel_size=None if start.pixel_size is None else round(1000 * start.pixel_size, 9),
            distance=None if start.distance is None else 1000 * start.distance,
            wavelength=start.wavelength,
            # The detector names the largest value that is valid.
            saturation=start.saturation + 1.0 if start.saturation and self._is_masked else None,
        )
