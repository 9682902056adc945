"""Messages of DECTRIS Stream V2: from bytes to what they say, or why they cannot be read.

A message [1]_ is a CBOR map of type start, image or end. Arrays are typed arrays of RFC 8746, whose
bytes may be compressed. Nothing is taken on trust: types, shapes and lengths are checked, and an
array takes no more memory than its bytes can hold.

.. [1] DECTRIS, "Stream V2", https://github.com/dectris/documentation
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx._text import shortened
from sklearn_sfx.frames import decoded_bytes
from sklearn_sfx.streams.network._malformed import Malformed

__all__ = ["End", "Image", "Start", "decode_message"]

MULTI_DIM, COMPRESSED = 40, 56500  # tags
TYPED = {64: "u1", 69: "<u2", 70: "<u4"}
LONGEST = 200  # characters of a name
MOST = 2**63  # above all numbers that count something


@dataclass(frozen=True)
class Start:
    """The beginning of a series; None for what the message does not say."""

    series: int
    unique: str
    channels: tuple[str, ...]
    shape: tuple[int, int]
    dtype: np.dtype
    n_images: int | None
    beam_center: tuple[float, float] | None  # x, y in pixels, from the corner of the first
    wavelength: float | None
    distance: float | None  # in m
    pixel_size: float | None  # in m
    saturation: int | None
    masks: dict[str, Any] = field(default_factory=dict, repr=False)

    def mask(self, channel: str) -> np.ndarray | None:
        """Return where a pixel of a channel is usable; None if it was not sent."""
        if channel not in self.masks:
            return None
        values, _ = decode_array(self.masks[channel])
        if values.shape != self.shape:
            raise Malformed(f"its mask has the shape {values.shape}, and not {self.shape}")
        return values == 0


@dataclass(frozen=True)
class Image:
    """One exposure, with all its channels, which are decoded when they are asked for."""

    series: int
    unique: str
    number: int
    data: dict[str, Any] = field(repr=False)
    timestamp: float | None  # of the exposure's begin, in s since 1970

    def pixels(self, channel: str | None) -> tuple[np.ndarray, str, str]:
        """Return the image of a channel, the first by default, its name and its compression."""
        name = next(iter(self.data)) if channel is None else channel
        if name not in self.data:
            raise Malformed(f"it has no channel {name}, only {', '.join(self.data)}")
        pixels, compression = decode_array(self.data[name])
        return pixels, name, compression


@dataclass(frozen=True)
class End:
    """The end of a series."""

    series: int
    unique: str


def decode_message(message: bytes) -> Start | Image | End:
    """Return what a message says.

    Raises
    ------
    Malformed
        It is no message of Stream V2, or cannot be one.
    """
    cbor2 = require("cbor2", extra="stream", what="Streams of DECTRIS detectors")
    try:
        said = cbor2.loads(message)
    except Exception as error:  # of whatever kind: some tags are decoded by other libraries
        raise Malformed(f"it is no CBOR ({_reason(error)})") from error
    kind = said.get("type") if isinstance(said, dict) else None
    if kind not in ("start", "image", "end"):
        raise Malformed("it is none of start, image and end")
    of_series = (_count(said, "series_id"), _name(said.get("series_unique_id", "")))
    if kind == "end":
        return End(*of_series)
    return _start(said, *of_series) if kind == "start" else _image(said, *of_series)


def _start(said: dict, series: int, unique: str) -> Start:
    channels, masks = said.get("channels", ()), said.get("pixel_mask", {})
    if not isinstance(channels, list | tuple) or not isinstance(masks, dict):
        raise Malformed("its channels are no list of names, or its masks no map of them")
    dtype = said.get("image_dtype")
    if dtype not in ("uint8", "uint16", "uint32"):
        raise Malformed("its images are none of uint8, uint16 and uint32")
    center = [_number(said, f"beam_center_{axis}") for axis in "xy"]
    sides = [_number(said, f"pixel_size_{axis}") for axis in "xy"]
    has_saturation = said.get("saturation_value") is not None
    return Start(
        series,
        unique,
        tuple(_name(channel) for channel in channels),
        (_count(said, "image_size_y", 1), _count(said, "image_size_x", 1)),
        np.dtype(dtype),
        _count(said, "number_of_images") if said.get("number_of_images") is not None else None,
        None if None in center or not any(center) else (center[0], center[1]),  # type: ignore
        _positive(_number(said, "incident_wavelength")),
        _distance(said.get("detector_translation")),
        _positive(sides[0]) if sides[0] == sides[1] else None,
        _count(said, "saturation_value") if has_saturation else None,
        {_name(channel): mask for channel, mask in masks.items()},
    )


def _image(said: dict, series: int, unique: str) -> Image:
    data = said.get("data")
    if not isinstance(data, dict) or not data:
        raise Malformed("it has no map of channels")
    named = {_name(channel): array for channel, array in data.items()}
    return Image(series, unique, _count(said, "image_id"), named, _timestamp(said))


def decode_array(tag: Any) -> tuple[np.ndarray, str]:
    """Return an image and how it was compressed, "" if it was not.

    Parameters
    ----------
    tag : cbor2.CBORTag
        A multi-dimensional array of two dimensions.

    Returns
    -------
    pixels : ndarray of shape (height, width), uint8, uint16 or uint32
    compression : {"", "bslz4", "lz4"}
    """
    shape, typed = _pair(tag, MULTI_DIM)
    if not isinstance(shape, list | tuple) or len(shape) != 2:
        raise Malformed("an array of it has not two dimensions")
    if not all(type(side) is int and 0 < side < MOST for side in shape):
        raise Malformed("an array of it has a shape of no whole numbers above 0")
    number = getattr(typed, "tag", None)
    if number not in TYPED:
        raise Malformed("an array of it is of none of the types uint8, uint16 and uint32")
    dtype, held = np.dtype(TYPED[number]), typed.value
    n_bytes = math.prod(shape) * dtype.itemsize
    if isinstance(held, bytes):
        if len(held) != n_bytes:
            raise Malformed(f"{len(held)} bytes are no array of {_by(shape)} {dtype.name}")
        data, compression = np.frombuffer(held, np.uint8), ""
    else:
        data, compression = _decompressed(held, n_bytes)
    pixels = data.view(dtype).reshape(shape)
    return pixels.astype(dtype.newbyteorder("="), copy=False), compression


def _decompressed(tag: Any, n_bytes: int) -> tuple[np.ndarray, str]:
    if getattr(tag, "tag", None) != COMPRESSED:
        raise Malformed("the bytes of an array of it are missing")
    content = tag.value
    if not isinstance(content, list | tuple) or len(content) != 3:
        raise Malformed("compressed bytes of it are no list of three")
    algorithm, itemsize, coded = content
    if not isinstance(algorithm, str) or type(itemsize) is not int or type(coded) is not bytes:
        raise Malformed("compressed bytes of it are not described as they have to be")
    try:
        return decoded_bytes(coded, shortened(algorithm, LONGEST), itemsize, n_bytes), algorithm
    except (OSError, EOFError) as error:
        raise Malformed(str(error)) from error


def _pair(tag: Any, number: int) -> tuple[Any, Any]:
    content = getattr(tag, "value", None)
    is_pair = isinstance(content, list | tuple) and len(content) == 2
    if getattr(tag, "tag", None) != number or not is_pair:
        raise Malformed("an array of it has no shape")
    return content[0], content[1]  # type: ignore[index]


def _count(said: dict, name: str, least: int = 0) -> int:
    value = said.get(name)
    if type(value) is not int or not least <= value < MOST:
        raise Malformed(f"its {name} is missing, or no number that counts something")
    return value


def _number(said: dict, name: str) -> float | None:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        return None
    return float(value) if math.isfinite(value) else None


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None


def _distance(translation: Any) -> float | None:
    """Return the part of the translation that lies along the beam."""
    if not isinstance(translation, list | tuple) or len(translation) != 3:
        return None
    z = _number({"z": translation[2]}, "z")
    return None if not z else abs(z)


def _timestamp(said: dict) -> float | None:
    """Return when the exposure began, from the date of the series and the time since."""
    date, since = said.get("series_date"), said.get("start_time")
    if not isinstance(date, datetime) or not isinstance(since, list | tuple) or len(since) != 2:
        return None
    over, under = (_number({"n": number}, "n") for number in since)
    if over is None or not under:
        return None
    try:
        return date.timestamp() + over / under
    except (OverflowError, OSError, ValueError):
        return None


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise Malformed(f"a name in it is no text of {LONGEST} characters at the most")
    return value


def _by(shape: Any) -> str:
    return f"{shape[0]} x {shape[1]}"


def _reason(error: Exception) -> str:
    return shortened(str(error), LONGEST) or type(error).__name__
