"""NumPy's own files: .npy, one array, and .npz, several of them in a zip archive.

Arrays of Python objects are never read, since reading them runs what the file says.
"""

from __future__ import annotations

import os
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sklearn_sfx._text import listed
from sklearn_sfx.exceptions import InputError, UnreadableFrame
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._format_protocol import Format, NoSuchDataset, StoredMask
from sklearn_sfx.frames._names_of_frames import may_be_frames
from sklearn_sfx.frames._paths import why_unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window
from sklearn_sfx.frames._slabs import modules_of

__all__ = ["Npy", "Npz"]

LARGEST = 2**32  # bytes of an array in an .npz file, which is read as a whole
MOST_EXPANSION = 1032  # by which zlib can make bytes more
MASK = "mask"  # what the mask in an .npz file is called
_ERRORS = (OSError, ValueError, LookupError, EOFError, RuntimeError, ArithmeticError)
_ERRORS += (zipfile.BadZipFile, zlib.error, tokenize.TokenError)
_ERRORS += (MemoryError, SyntaxError, TypeError)
_OBJECTS = "it holds objects of Python, which are not read: save the frames as numbers"
_IN_WORDS = (  # parts of what NumPy says, and what it comes to
    ("mmap length", "it ends too early"),
    ("EOF", "it ends too early"),
    ("Python objects", _OBJECTS),
    ("pickle", _OBJECTS),
)


class Npy(Format):
    """An .npy file: (n, height, width), or (height, width) for one frame."""

    name = "NumPy's .npy"
    may_be_mask = True

    def knows(self, path: str, head: bytes) -> bool:
        """Told by the first bytes."""
        return head.startswith(b"\x93NUMPY")

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the frames of a file, which is mapped into memory for each of them."""
        if dataset is not None:
            raise NoSuchDataset(
                f"{path} has no dataset {dataset}, since an .npy file is one array: leave it out."
            )
        with _damage_said(path):
            array = _mapped(path)
        _check(path, array.dtype, array.shape)
        return NumpySource(path, None, array.shape, array.dtype.newbyteorder("=").str)


class Npz(Format):
    """An .npz file with one array of frames, compressed or not, and perhaps a mask beside it."""

    name = "NumPy's .npz"
    may_be_mask = True

    def knows(self, path: str, head: bytes) -> bool:
        """Told by a zip archive whose first member is an .npy file."""
        name_length = int.from_bytes(head[26:28], "little")
        return head.startswith(b"PK\x03\x04") and head[30 : 30 + name_length].endswith(b".npy")

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the frames of an array, chosen by its name where there are several."""
        with _damage_said(path):
            arrays = _headers(path)
        if dataset is None:
            dataset = _only_one(path, arrays)
        elif dataset not in arrays:
            raise NoSuchDataset(f"{path} has no array {dataset}; it has {_listing(arrays)}.")
        shape, dtype = arrays[dataset]
        _check(f"Array {dataset} of {path}", dtype, shape)
        if int(np.prod(shape, dtype=object)) * dtype.itemsize > LARGEST:
            raise InputError(
                f"Array {dataset} of {path} has more than {LARGEST} bytes, and an .npz file is "
                "read as a whole: save it as .npy, of which single frames are read."
            )
        return NumpySource(path, dataset, shape, dtype.newbyteorder("=").str)

    def find_mask(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Return the array called ``mask``, or that of another name; None where there is none."""
        with _damage_said(path):
            arrays = _headers(path)
            name = dataset or MASK
            if name not in arrays or len(arrays[name][0]) not in (2, 3):
                return None
            where = f"array {name} of {path}"
            if len(arrays[name][0]) == 2:
                return StoredMask(_loaded(path, name), where)
        return StoredMask(self.open(path, name), where)


class NumpySource:
    """The frames of one array in a file.

    Parameters
    ----------
    path : str
        Absolute path.
    name : str or None
        Of the array in an .npz file; None in an .npy file.
    shape : tuple of int
        As stored: (n, height, width), or (height, width).
    dtype : str
        In the byte order of this machine.
    """

    def __init__(self, path: str, name: str | None, shape: tuple[int, ...], dtype: str):
        self._path, self._name, self._stored_shape = path, name, tuple(shape)
        self.shape: tuple[int, int, int] = (1, *shape)[-3:]  # type: ignore
        self.dtype = np.dtype(dtype)
        self.facts = Facts(
            format=Npy.name if name is None else Npz.name,
            dataset="" if name is None else name,
            modules=modules_of(shape),
        )

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        try:
            array = _mapped(self._path) if self._name is None else _loaded(self._path, self._name)
            if array.shape != self._stored_shape or array.dtype.newbyteorder("=") != self.dtype:
                raise ValueError(f"it is {array.dtype} of shape {array.shape} now")
            out[...] = array.reshape(self.shape)[position][window.slices]
        except _ERRORS as error:
            reason = why_unreadable(self._path) or (
                f"Frame [{position + 1}] of {self._path} cannot be read, it is damaged or has "
                f"changed since it was opened: {_reason(error)}."
            )
            raise UnreadableFrame(reason) from error

    def origin(self, position: int) -> FrameOrigin:
        """Return file and position."""
        event = "//" if len(self._stored_shape) == 2 else f"//{position}"
        return FrameOrigin(self._path, position, event)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing is known about the frames of an array."""
        return {}


def _mapped(path: str) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


_lock = threading.Lock()
_last: tuple[Any, np.ndarray] | None = None  # what was loaded, and the array


def _loaded(path: str, name: str) -> np.ndarray:
    """Return an array of an .npz file, read to its checksum; the last one is kept."""
    global _last
    status = os.stat(path)
    key = (path, name, status.st_size, status.st_mtime_ns)
    with _lock:
        if _last is None or _last[0] != key:
            _last = None  # before the next one is read, so that there is room for it
            with np.load(path, allow_pickle=False) as archive:
                _last = key, archive[name]
        return _last[1]


def _after_fork() -> None:
    """Start a forked child with a lock that nobody holds."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def _headers(path: str) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Return shape and dtype of every array of an .npz file."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.filename.endswith(".npy"):
                continue
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                read = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }[version]
                shape, _, dtype = read(file)
            n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if n_bytes > member.file_size or n_bytes > MOST_EXPANSION * member.compress_size:
                raise ValueError(f"array {member.filename} is larger than the file can hold")
            found[member.filename.removesuffix(".npy")] = shape, dtype
    return found


def _only_one(path: str, arrays: dict[str, tuple[tuple[int, ...], np.dtype]]) -> str:
    """Return the name of the one array that could be the frames; rather a run than an image."""
    for n_dimensions in (3, 2):
        fitting = [
            name
            for name, (shape, dtype) in arrays.items()
            if len(shape) == n_dimensions and dtype.kind in "iuf" and may_be_frames(name, shape)
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise InputError(
                f"{path} has several arrays that could be the frames: {_listing(arrays)}; name "
                "one of them, as in open_frames(path, dataset=...)."
            )
    if len(arrays) == 1:
        return next(iter(arrays))
    raise InputError(
        f"{path} has no frames, which are numbers of shape (n, height, width); it has "
        f"{_listing(arrays)}."
    )


def _listing(arrays: dict[str, tuple[tuple[int, ...], np.dtype]]) -> str:
    return listed([f"{name} {shape}" for name, (shape, _) in arrays.items()]) or "no array at all"


def _check(what: str, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    if dtype.kind not in "biuf" or len(shape) not in (2, 3) or min(shape) < 1:
        raise InputError(
            f"{what} has the shape {shape} and dtype {dtype}: frames are numbers of shape "
            "(n, height, width), or (height, width) for one."
        )


@contextmanager
def _damage_said(path: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except _ERRORS as error:
        said = _reason(error)
        what = "cannot be read" if said == _OBJECTS else "is damaged"
        raise InputError(why_unreadable(path) or f"{path} {what}: {said}.") from error


def _reason(error: BaseException) -> str:
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return next((words for part, words in _IN_WORDS if part in said), said)
