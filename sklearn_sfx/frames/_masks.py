"""Masks of pixels, by a rule that is always said: True means usable."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sklearn_sfx.exceptions import InputError, SparseMaskWarning
from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._facts import Unreadable
from sklearn_sfx.frames._format_protocol import StoredMask
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._joined_source import join_sources
from sklearn_sfx.frames._paths import expand_paths
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window
from sklearn_sfx.frames._recognize import find_format, find_mask_together

__all__ = ["BitRule", "MaskSource", "files_of_mask", "read_mask", "warn_of_sparse"]

LEAST_USABLE = 0.5  # of the pixels; a mask that leaves fewer is rare, an inverted one is not


def read_mask(
    source: str | Path | Sequence[str | Path] | np.ndarray,
    *,
    dataset: str | None = None,
    good_bits: int | None = None,
    bad_bits: int | str | None = None,
) -> np.ndarray | Frames:
    """Read a mask of pixels, True where the pixel is usable.

    Tools disagree on what a number in a mask means, so masks of numbers need the rule: a pixel is
    usable if all of `good_bits` are set and none of `bad_bits` is. Without a rule, that of the file
    format holds, if it has one; otherwise only bool masks are taken, and True means usable.

    Parameters
    ----------
    source : path, list of paths, glob pattern, or ndarray
        A file with a mask; or the files of a run, each with one mask per frame; or an array.
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
    rule = BitRule(good_bits, bad_bits)
    if isinstance(source, np.ndarray):
        return _mask_of_array(source, rule)
    paths = expand_paths(source)
    together = find_mask_together(paths, dataset)
    if together is not None:
        paths = paths[:1]
        found = {paths[0]: together}
    else:
        found = {path: _find_mask(path, dataset) for path in dict.fromkeys(paths)}
    rules = {path: rule.or_that_of(mask) for path, mask in found.items()}
    for path, mask in found.items():
        rules[path].check(mask.values.dtype, mask.where)
    masks: list[FrameSource] = []
    for path in paths:
        values, where = found[path].values, found[path].where
        if not isinstance(values, np.ndarray):
            masks.append(MaskSource(values, rules[path], where))
        elif len(paths) == 1:
            return _locked(rules[path].apply(values, where))
        else:
            raise InputError(
                f"A list of masks needs one mask per frame in each file, but {where} is one mask "
                f"of shape {values.shape}: give that file alone."
            )
    return Frames(join_sources(masks))


def files_of_mask(
    source: str | Path | Sequence[str | Path], *, dataset: str | None = None
) -> frozenset[str]:
    """Return the files that masks are read from, links and virtual datasets followed.

    Parameters
    ----------
    source : path, list of paths, or glob pattern
        As for `read_mask`; a file in which no mask is found stands for itself alone.
    dataset : str, default=None
        As for `read_mask`.

    Returns
    -------
    frozenset of str
        Absolute paths.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np
    >>> from sklearn_sfx.frames import files_of_mask
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mask.npy"
    >>> np.save(path, np.ones((4, 5), dtype=bool))
    >>> files_of_mask(path) == {str(path)}
    True
    """
    files: set[str] = set()
    for path in expand_paths(source):
        files.add(path)
        with contextlib.suppress(InputError):
            files |= _find_mask(path, dataset).files
    return frozenset(files)


def warn_of_sparse(mask: np.ndarray | Frames | None) -> None:
    """Ask whether a mask that leaves few pixels is the other way round, by a `SparseMaskWarning`.

    The warning points at the line that called the caller of this function.

    Parameters
    ----------
    mask : bool ndarray of shape (height, width), bool Frames or None
        True where a pixel is usable. Of masks per frame nothing is said, as they would be read.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import warn_of_sparse
    >>> warn_of_sparse(np.ones((4, 5), dtype=bool))  # every pixel is usable
    """
    if not isinstance(mask, np.ndarray):
        return
    share = np.count_nonzero(mask) / mask.size
    if share < LEAST_USABLE:
        warnings.warn(
            f"This mask leaves {share:.1%} of the pixels to be used. If it is the other way round, "
            "turn it over with ~mask, or say good_bits or bad_bits to read_mask.",
            SparseMaskWarning,
            stacklevel=3,
        )


class BitRule:
    """Which numbers in a mask mean a usable pixel."""

    def __init__(self, good_bits: int | None, bad_bits: int | str | None):
        for name, bits in (("good_bits", good_bits), ("bad_bits", bad_bits)):
            if bits is None or (name == "bad_bits" and isinstance(bits, str) and bits == "any"):
                continue
            is_number = isinstance(bits, int | np.integer) and not isinstance(bits, bool)
            if not is_number or not 0 < int(bits) < 2**64:
                choice = ' or "any"' if name == "bad_bits" else ""
                raise InputError(
                    f"{name} must be a positive integer of up to 64 bits{choice}, not {bits!r}."
                )
        self.good_bits, self.bad_bits = good_bits, bad_bits

    def or_that_of(self, mask: StoredMask) -> BitRule:
        """Return this rule, or where it says nothing that of the format of a mask."""
        if self.good_bits is None and self.bad_bits is None:
            return BitRule(mask.good_bits, mask.bad_bits)
        return self

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
        if values.dtype.kind == "f":
            if not np.all(np.mod(values, 1) == 0):
                raise InputError(f"The mask in {where} has fractions or NaN, so it has no bits.")
            if np.any(np.abs(values) > 2.0 ** (np.finfo(values.dtype).nmant + 1)):
                raise InputError(
                    f"The mask in {where} has numbers that {values.dtype} rounds, so their bits "
                    "are not known: store it as integers."
                )
        bits = values.astype(np.uint64 if values.dtype == np.uint64 else np.int64).view(np.uint64)
        usable = np.ones(values.shape, bool)
        if self.good_bits is not None:
            usable &= (bits & np.uint64(self.good_bits)) == np.uint64(self.good_bits)
        if self.bad_bits == "any":
            usable &= bits == 0
        elif self.bad_bits is not None:
            usable &= (bits & np.uint64(self.bad_bits)) == 0
        return usable


class MaskSource:
    """Masks of numbers, one per frame, read as bools."""

    def __init__(self, source: FrameSource, rule: BitRule, where: str):
        self._source, self._rule, self._where = source, rule, where
        self.shape = source.shape
        self.dtype = np.dtype(bool)

    @property
    def files(self) -> frozenset[str]:
        return getattr(self._source, "files", frozenset())

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        return getattr(self._source, "unreadable", ())

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        values = np.empty(out.shape, self._source.dtype)
        self._source.read(position, window, values)
        out[...] = self._rule.apply(values, self._where)

    def origin(self, position: int) -> FrameOrigin:
        return self._source.origin(position)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        return {}

    def narrowed(self, index: range | np.ndarray) -> tuple[MaskSource, range | np.ndarray]:
        if not hasattr(self._source, "narrowed"):
            return self, index
        source, index = self._source.narrowed(index)
        return MaskSource(source, self._rule, self._where), index


def _mask_of_array(values: np.ndarray, rule: BitRule) -> np.ndarray | Frames:
    rule.check(values.dtype, "the array")
    if values.ndim == 4:
        n_frames, n_modules, height, width = values.shape
        values = values.reshape(n_frames, n_modules * height, width)
    if values.ndim == 3:
        return Frames(MaskSource(ArraySource(values), rule, "the array"))
    if values.ndim != 2:
        raise InputError(
            f"A mask has the shape (height, width) or (n_frames, height, width), not "
            f"{values.shape}."
        )
    return _locked(rule.apply(values, "the array"))


def _locked(mask: np.ndarray) -> np.ndarray:
    mask.setflags(write=False)
    return mask


def _find_mask(path: str, dataset: str | None) -> StoredMask:
    found = find_format(path)
    mask = found.find_mask(path, dataset)
    if mask is not None:
        return mask
    if not found.may_be_mask:
        raise InputError(
            f"{path} holds no mask: files of the format {found.name} have none, or it has another "
            "name there: then name it as dataset, --mask-dataset on the command line."
        )
    source = found.open(path, dataset)
    if source.shape[0] > 1:
        return StoredMask(source, path)
    values = np.empty(source.shape[1:], source.dtype)
    source.read(0, Window(0, 0, *values.shape), values)
    return StoredMask(values, path, files=getattr(source, "files", frozenset()))
