"""The mask that the files of a run bring themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sklearn_sfx.exceptions import InputError, UnreadableFrame
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._filled_source import refuse_unreadable
from sklearn_sfx.frames._format_protocol import StoredMask
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._joined_source import join_sources
from sklearn_sfx.frames._masks import BitRule, MaskSource
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window
from sklearn_sfx.frames._recognize import Part

__all__ = ["FilledMask", "OwnMask", "SameMask", "find_own_mask", "own_masks"]


class OwnMask(NamedTuple):
    """What the files of a run say of their pixels.

    Parameters
    ----------
    mask : bool ndarray, bool Frames or None
        True where a pixel is usable.
    origin : str
        Where it lies; or why one that lies there is not taken.
    """

    mask: np.ndarray | Frames | None
    origin: str


class SameMask:
    """One mask for all of some frames, as if each had its own.

    Parameters
    ----------
    mask : bool ndarray of shape (height, width)
        True where a pixel is usable.
    n_frames : int
        How many frames there are.
    """

    def __init__(self, mask: np.ndarray, n_frames: int):
        self._mask = mask
        self.shape = (n_frames, *mask.shape)
        self.dtype = np.dtype(bool)

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of the mask to `out`."""
        out[...] = self._mask[window.slices]

    def origin(self, position: int) -> FrameOrigin:
        """Return the position; there is no file."""
        return FrameOrigin(None, position, f"//{position}")

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing is known of it."""
        return {}


class FilledMask:
    """The masks of another source, that leave nothing of a frame whose own cannot be read.

    Parameters
    ----------
    source : FrameSource
        Of bools, a mask for each frame.
    """

    def __init__(self, source: FrameSource):
        self._source = source
        self.shape, self.dtype = source.shape, source.dtype
        self.files: frozenset[str] = getattr(source, "files", frozenset())

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of a mask to `out`."""
        try:
            self._source.read(position, window, out)
        except UnreadableFrame:
            out[...] = False

    def origin(self, position: int) -> FrameOrigin:
        """Return where a mask comes from."""
        return self._source.origin(position)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing is known of it."""
        return {}


def find_own_mask(parts: Sequence[Part], dataset: str | None, missing: str) -> OwnMask:
    """Return the mask that the files of a run bring, as `Frames` take it.

    Parameters
    ----------
    parts : sequence of Part
        The run.
    dataset : str or None
        As the user named it.
    missing : str
        What becomes of frames whose own mask cannot be read, as in `open_frames`.

    Raises
    ------
    InputError
        If there is a mask that cannot be read, or several.
    """
    mask, origin = own_masks(parts, dataset)
    if mask is not None and not isinstance(mask, np.ndarray):
        if missing == "raise":
            refuse_unreadable(mask)
        elif missing == "nan":
            mask = FilledMask(mask)
    return OwnMask(mask if mask is None or isinstance(mask, np.ndarray) else Frames(mask), origin)


def own_masks(
    parts: Sequence[Part], dataset: str | None
) -> tuple[np.ndarray | FrameSource | None, str]:
    """Return the mask that the files of a run bring, where it is known what its numbers mean.

    Parameters
    ----------
    parts : sequence of Part
        The run.
    dataset : str or None
        As the user named it.

    Raises
    ------
    InputError
        If there is a mask that cannot be read, or several.
    """
    found: dict[tuple[str, ...], StoredMask | None] = {}
    for part in parts:
        if part.paths not in found:
            found[part.paths] = _stored(part, dataset)
    origins, masks = [], []
    for part in parts:
        stored, why_not = _fitting(found[part.paths], part.source.shape)
        masks.append(stored)
        origins.append(why_not or (stored.where if stored else ""))
    said = "; ".join(dict.fromkeys(origin for origin in origins[:3] if origin))
    said += " and others" if len(set(origins)) > 3 else ""
    if all(stored is None for stored in masks):
        return None, said
    read = [
        np.ones(part.source.shape[1:], bool) if stored is None else _usable(stored)
        for part, stored in zip(parts, masks, strict=True)
    ]
    first = read[0]
    if all(isinstance(one, np.ndarray) and np.array_equal(one, first) for one in read):
        return first, said
    sources = [
        SameMask(one, part.source.shape[0]) if isinstance(one, np.ndarray) else one
        for one, part in zip(read, parts, strict=True)
    ]
    return join_sources(sources), said


def _stored(part: Part, dataset: str | None) -> StoredMask | None:
    try:
        if len(part.paths) > 1:
            name = dataset if part.format.names_detectors else None
            return part.format.find_mask_together(part.paths, name)
        found = part.format.find_mask_beside(part.paths[0], dataset)
    except InputError as error:
        raise InputError(
            f"{str(error).rstrip('.')}; or go on without the mask of the file: mask=False, "
            "--no-mask on the command line."
        ) from error
    frames = getattr(part.source, "facts", Facts()).dataset
    ours = f"dataset /{frames.strip('/')} of {part.paths[0]}"
    if found is not None and frames and found.where == ours:
        return None  # a file of one image, which might have been a mask
    return found


def _fitting(
    stored: StoredMask | None, frames_shape: tuple[int, int, int]
) -> tuple[StoredMask | None, str]:
    """Return a mask that can be used, or why it cannot."""
    if stored is None:
        return None, ""
    has_rule = stored.good_bits is not None or stored.bad_bits is not None
    if not has_rule and stored.values.dtype != bool:
        return None, f"{stored.where} is not used, since it is not known what its numbers mean"
    shape = tuple(stored.values.shape)
    if shape not in (tuple(frames_shape), tuple(frames_shape[1:])):
        return None, f"{stored.where} is not used, since it is of another shape, {shape}"
    return stored, ""


def _usable(stored: StoredMask) -> Any:
    """Return a mask as bools: an array, or a source where each frame has its own."""
    rule = BitRule(stored.good_bits, stored.bad_bits)
    if isinstance(stored.values, np.ndarray):
        return rule.apply(stored.values, stored.where)
    return MaskSource(stored.values, rule, stored.where)
