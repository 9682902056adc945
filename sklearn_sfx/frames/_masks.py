"""Masks of pixels, by a rule that is always said: True means usable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._open import expand_paths
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window

if TYPE_CHECKING:  # h5py takes long to import
    import h5py

    from sklearn_sfx.frames._layouts import Segment

__all__ = ["read_mask"]

# Of several masks in a file, the one to take: one per frame before one for the whole run.
_MASK_NAMES = ("mask", "pixel_mask", "pixelmask", "mask_shared")


def read_mask(
    source: str | Path | Sequence[str | Path] | np.ndarray,
    *,
    dataset: str | None = None,
    good_bits: int | None = None,
    bad_bits: int | str | None = None,
) -> np.ndarray | Frames:
    """Read a mask of pixels, True where the pixel is usable.

    Tools disagree on what a number in a mask means, so masks of numbers need the rule: a pixel is
    usable if all of `good_bits` are set and none of `bad_bits` is. Without a rule, only bool masks
    are taken, and True means usable.

    Parameters
    ----------
    source : path, list of paths, glob pattern, or ndarray
        An HDF5 file with a mask; or the files of a run, each with one mask per frame; or an array.
        Shape (height, width) for one mask; (n_frames, height, width) for one per frame; modules,
        (n_frames, modules, height, width), are stacked as those of frames are. Shape
        (modules, height, width) beside frames of as many modules is one mask.
    dataset : str, default=None
        Path of the mask in the file; without it, the dataset called ``mask``, ``pixel_mask`` or
        ``mask_shared`` is taken, or the only dataset of the file if it is bool or 2-D.
    good_bits : int, default=None
        Bits that must all be set where a pixel is usable; 1 for masks of 0 and 1 with 1 = usable.
    bad_bits : int or "any", default=None
        Bits of which none may be set where a pixel is usable; "any" means every bit, as in CXI,
        NeXus and EuXFEL files, where 0 is a good pixel.

    Returns
    -------
    bool ndarray of shape (height, width), or bool Frames of shape (n_frames, height, width)
        True where the pixel is usable. Masks per frame are read only when they are needed.

    Raises
    ------
    InputError
        If there is no mask or more than one, or if it has numbers and no rule is given.

    References
    ----------
    CrystFEL's ``mask_good`` and ``mask_bad`` follow the same rule (crystfel_geometry.5).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import read_mask
    >>> read_mask(np.array([[0, 1], [6, 2]], dtype=np.uint16), bad_bits=0b101)
    array([[ True, False],
           [False,  True]])
    """
    rule = _Rule(good_bits, bad_bits)
    if isinstance(source, np.ndarray):
        return _mask_of_array(source, rule)
    # As in open_frames: h5py takes long to import.
    from sklearn_sfx.frames._hdf5_source import Hdf5Source

    paths = expand_paths(source)
    described = [_describe(path, dataset) for path in paths]
    names = [
        f"dataset {name} of {path}" for path, (name, _, _) in zip(paths, described, strict=True)
    ]
    for where, (_, dtype, _) in zip(names, described, strict=True):
        rule.check(dtype, where)
    segments = [segment for _, _, segment in described]
    if len(paths) == 1 and not hasattr(segments[0], "path"):
        return _locked(rule.apply(segments[0], names[0]))
    for where, segment in zip(names, segments, strict=True):
        if not hasattr(segment, "path"):
            raise InputError(
                f"A list of masks needs one mask per frame in each file, but {where} is one mask "
                f"of shape {segment.shape}: give that file alone."
            )
    return Frames(_RuleSource(Hdf5Source(segments), rule, names[0]))


class _Rule:
    """Which numbers in a mask mean a usable pixel."""

    def __init__(self, good_bits: int | None, bad_bits: int | str | None):
        for name, bits in (("good_bits", good_bits), ("bad_bits", bad_bits)):
            if bits is None or (name == "bad_bits" and isinstance(bits, str) and bits == "any"):
                continue
            if isinstance(bits, bool) or not isinstance(bits, int | np.integer) or bits < 1:
                choice = ' or "any"' if name == "bad_bits" else ""
                raise InputError(f"{name} must be a positive integer{choice}, not {bits!r}.")
        self.good_bits, self.bad_bits = good_bits, bad_bits

    def check(self, dtype: np.dtype, where: str) -> None:
        if dtype.kind not in "biuf":
            raise InputError(f"The mask in {where} has the dtype {dtype}, which is no number.")
        if dtype.kind != "b" and self.good_bits is None and self.bad_bits is None:
            raise InputError(
                f"The mask in {where} has numbers ({dtype}), whose meaning differs between tools: "
                'say which mean usable with good_bits=..., or with bad_bits=... ("any" where 0 is '
                "a good pixel)."
            )

    def apply(self, values: np.ndarray, where: str) -> np.ndarray:
        if self.good_bits is None and self.bad_bits is None:
            return values.astype(bool)
        if values.dtype.kind == "f" and not np.all(np.mod(values, 1) == 0):
            raise InputError(f"The mask in {where} has fractions or NaN, so it has no bits.")
        bits = values.astype(np.int64)
        usable = np.ones(values.shape, bool)
        if self.good_bits is not None:
            usable &= (bits & int(self.good_bits)) == int(self.good_bits)
        if self.bad_bits == "any":
            usable &= bits == 0
        elif self.bad_bits is not None:
            usable &= (bits & int(self.bad_bits)) == 0
        return usable


class _RuleSource:
    """Masks of numbers, one per frame, read as bools."""

    def __init__(self, source: FrameSource, rule: _Rule, where: str):
        self._source, self._rule, self._where = source, rule, where
        self.shape = source.shape
        self.dtype = np.dtype(bool)

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        values = np.empty(out.shape, self._source.dtype)
        self._source.read(position, window, values)
        out[...] = self._rule.apply(values, self._where)

    def origin(self, position: int) -> FrameOrigin:
        return self._source.origin(position)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        return {}

    def narrowed(self, index: range | np.ndarray) -> tuple[_RuleSource, range | np.ndarray]:
        if not hasattr(self._source, "narrowed"):
            return self, index
        source, index = self._source.narrowed(index)
        return _RuleSource(source, self._rule, self._where), index


def _mask_of_array(values: np.ndarray, rule: _Rule) -> np.ndarray | Frames:
    rule.check(values.dtype, "the array")
    if values.ndim == 4:
        n_frames, n_modules, height, width = values.shape
        values = values.reshape(n_frames, n_modules * height, width)
    if values.ndim == 3:
        return Frames(_RuleSource(ArraySource(values), rule, "the array"))
    if values.ndim != 2:
        raise InputError(
            f"A mask has the shape (height, width) or (n_frames, height, width), not "
            f"{values.shape}."
        )
    return _locked(rule.apply(values, "the array"))


def _locked(mask: np.ndarray) -> np.ndarray:
    mask.setflags(write=False)
    return mask


def _describe(path: str, dataset: str | None) -> tuple[str, np.dtype, Any]:
    """Return name and dtype of the mask in a file, and its values (2-D) or its Segment (3-D)."""
    from sklearn_sfx.frames._handles import HDF5_ERRORS, open_file, reason
    from sklearn_sfx.frames._layouts import find_segments, make_segment

    try:
        beside = find_segments(path)
    except InputError:
        beside = []  # a file of masks alone
    with open_file(path) as (file, _):
        try:
            name = _find_mask(path, file, dataset)
            mask = file[name]
            modules = _modules_of(file, beside)
            if mask.ndim == 2 or (mask.ndim == 3 and mask.shape == modules):
                return name, mask.dtype, mask[()].reshape(-1, mask.shape[-1])
            segment = make_segment(path, mask)
        except InputError:
            raise
        except HDF5_ERRORS as error:
            where = f"dataset {dataset}" if dataset else "its mask"
            raise InputError(
                f"{path} is damaged, {where} cannot be read: {reason(error)}."
            ) from error
        if segment is None:
            raise InputError(f"The mask {name} of {path} is empty: its shape is {mask.shape}.")
        n_beside = sum(other.shape[0] for other in beside)
        if beside and segment.shape[0] > n_beside and segment.shape[1:] == beside[0].shape[1:]:
            segment = segment._replace(shape=(n_beside, *segment.shape[1:]))  # padded, as they are
        return name, mask.dtype, segment


def _modules_of(file: h5py.File, segments: list[Segment]) -> tuple[int, int, int] | None:
    """(modules, height, width) of the frames in the same file, where they have modules."""
    if not segments or file[segments[0].dataset].ndim != 4:
        return None
    return file[segments[0].dataset].shape[1:]


def _find_mask(path: str, file: h5py.File, dataset: str | None) -> str:
    """Return the path of the one dataset that is the mask."""
    from sklearn_sfx.frames._handles import look_up
    from sklearn_sfx.frames._layouts import list_datasets

    names = list(list_datasets(file))
    if dataset is not None:
        if not hasattr(look_up(file, dataset), "shape"):
            held = ", ".join(names[:6]) or "no dataset at all"
            raise InputError(f"{path} has no dataset {dataset} for a mask; it has {held}.")
        return dataset
    found = names if len(names) == 1 and _may_be_mask(file[names[0]]) else []
    for leaf in _MASK_NAMES:
        found = found or [name for name in names if name.rpartition("/")[2] == leaf]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            f"{path} has no dataset called {', '.join(_MASK_NAMES[:-1])} or {_MASK_NAMES[-1]}: "
            "name the mask, as in read_mask(path, dataset=...)."
        )
    raise InputError(
        f"{path} has several masks: {', '.join(found)}; name one of them, as in "
        "read_mask(path, dataset=...)."
    )


def _may_be_mask(item: h5py.Dataset) -> bool:
    """Whether the only dataset of a file, whatever its name, can be taken for a mask."""
    return item.dtype.kind == "b" or item.ndim == 2
