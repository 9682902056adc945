"""Open HDF5 files of this process, kept for the next frame."""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  registers the bitshuffle, LZ4 and zstd filters

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._paths import why_unreadable

__all__ = [
    "HDF5_ERRORS",
    "NotOpened",
    "OpenFile",
    "RawFile",
    "close_changed",
    "is_being_written",
    "is_hdf5",
    "look_up",
    "open_file",
    "reason",
]

# What h5py raises for damaged files. ValueError: its message may not even be text.
HDF5_ERRORS = (
    *(OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError),
    *(OverflowError, MemoryError),  # numbers of bytes that no file could have
)

_SUPERBLOCK_BYTES = 96  # enough of it, in all its versions
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_USER_BLOCKS = (0, 512, 1024, 2048)  # bytes of others that may stand before it

_MAX_OPEN = 64  # a run of as many files can be read in any order
_FORGOTTEN = 256  # frames of others that were read since: a run in its order needs the file no more
_MAX_READERS = 32  # of one file; those that have a dataset for each frame read each once
# For frames smaller than their chunks; a chunk as large as a frame is not worth keeping.
_CHUNK_CACHE_BYTES = 4 * 2**20
# A file may be changed again so soon after a change without another time of change.
_GRAIN_NS = 20_000_000
_lock = threading.RLock()
_files: OrderedDict[str, OpenFile] = OrderedDict()
_times_lent = itertools.count()


class NotOpened(InputError):
    """A file that cannot be opened, or not any more."""


class RawFile:
    """The bytes of a file, for those who read past HDF5; open for as long as one of them needs it.

    Parameters
    ----------
    path : str
        Of the file.
    """

    def __init__(self, path: str):
        self.number = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self.number).st_size
        block = _checked(os.pread(self.number, _SUPERBLOCK_BYTES, 0))
        if not _is_followed(block) and (written := _written_size(block)):
            self.size = min(self.size, written)  # nor does HDF5 read what lies behind its own end
        weakref.finalize(self, os.close, self.number)


class OpenFile:
    """One open file, and what is kept of it.

    Parameters
    ----------
    path : str
        Absolute path.
    signature : tuple
        What tells that the file has changed on disk.
    """

    def __init__(self, path: str, signature: tuple[int, ...]):
        self.signature = signature
        self.may_be_old = 0 <= time.time_ns() - signature[-1] < _GRAIN_NS
        self.file = _open(path)
        self.raw = RawFile(path)
        self.n_users = 0
        self.lent_at = 0
        self._readers: OrderedDict[Hashable, Any] = OrderedDict()

    def has_changed(self, signature: tuple[int, ...]) -> bool:
        """Whether the file is another one than when it was opened, as far as that can be told."""
        return self.may_be_old or signature != self.signature

    def reader(self, key: Hashable) -> Any:
        """Return what was kept by `keep` under this key, or None."""
        return self._readers.get(key)

    def keep(self, key: Hashable, reader: Any) -> None:
        """Keep a reader of one of the datasets until the file is closed, or others came."""
        while len(self._readers) >= _MAX_READERS:
            self._readers.popitem(last=False)
        self._readers[key] = reader

    def close(self) -> None:
        """Close the file; readers that are still at work keep its bytes."""
        self._readers.clear()
        self.file.close()


def _open(path: str) -> h5py.File:
    """Open a file for reading, or say in one sentence what is wrong with it.

    The stdio driver and no locks, so that a handle that is kept open never stands in the way of
    another that writes to the file, in this process or in another. A file that is being written
    for readers to follow (SWMR) is opened as it is now; this driver cannot do that, and with the
    usual one all handles of a process have to have the same locks, so it is given the usual ones.
    """
    kept = {"rdcc_nbytes": _CHUNK_CACHE_BYTES}
    tries: list[dict[str, Any]] = [{"driver": "stdio", "locking": False}]
    if _is_followed(
        _superblock(path)
    ):  # or damage would be read again and again, as if just written
        tries += [{"swmr": True}, {"swmr": True, "locking": False}]
    for options in tries:
        try:
            return h5py.File(path, "r", **options, **kept)
        except HDF5_ERRORS:
            pass
    try:  # the usual driver says more exactly what is wrong
        return h5py.File(path, "r", locking=False, **kept)
    except HDF5_ERRORS as error:
        raise NotOpened(_why_not(path, error)) from error


def look_up(group: h5py.Group, path: str) -> h5py.Group | h5py.Dataset | None:
    """Return what lies at `path`, or None; a link may lead nowhere."""
    try:
        if path not in group:  # asked, since h5py may stumble over its own message of a failure
            return None
        return group[path]
    except HDF5_ERRORS:
        return None


def reason(error: BaseException) -> str:
    """Return what the HDF5 library says of an error, where that can be read."""
    text = "no readable reason" if isinstance(error, UnicodeDecodeError) else str(error)
    return " ".join(text.split()).strip("'\"").rstrip(".") or type(error).__name__


def is_hdf5(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an HDF5 file."""
    return any(head.startswith(_SIGNATURE, start) for start in _USER_BLOCKS)


def is_being_written(path: str) -> bool:
    """Whether a file says that a writer has it open for readers to follow (SWMR).

    A writer that was killed leaves it so.
    """
    return _is_followed(_superblock(path))


def _why_not(path: str, error: Exception) -> str:
    if problem := why_unreadable(path):
        return problem
    if os.path.isdir(path) or not h5py.is_hdf5(path):
        return f"{path} is no HDF5 file, or has changed and is none any more."
    size, written = os.path.getsize(path), _written_size(_superblock(path))
    if size < written:
        return (
            f"{path} is truncated, it has {size} of {written} bytes: copy it again, or wait for "
            "its writer."
        )
    return f"{path} cannot be opened, it may be damaged or still being written: {reason(error)}."


def _superblock(path: str) -> bytes:
    """Return the first bytes of a file if they are those of HDF5."""
    try:
        with open(path, "rb") as file:
            return _checked(file.read(_SUPERBLOCK_BYTES))
    except OSError:
        return b""


def _checked(block: bytes) -> bytes:
    """Return the bytes with which a file begins, if they are all there and those of HDF5."""
    is_whole = len(block) == _SUPERBLOCK_BYTES
    return block if is_whole and block.startswith(_SIGNATURE) else b""


def _is_followed(block: bytes) -> bool:
    """Whether a file is marked as being written for readers to follow (SWMR)."""
    return bool(block) and block[8] >= 3 and bool(block[11] & 4)


def _written_size(block: bytes) -> int:
    """Return the size that a file's superblock says it has, 0 where that cannot be told."""
    if not block:
        return 0
    version = block[8]
    width = block[9] if version >= 2 else block[13]
    # After the base address come one other address and then the end of the file.
    base = {0: 24, 1: 28}.get(version, 12)
    end = base + 2 * width
    return int.from_bytes(block[end : end + width], "little")


@contextmanager
def open_file(path: str) -> Iterator[OpenFile]:
    """Lend an open file, and the readers that are kept of it, to this thread alone.

    h5py lets one thread in at a time anyhow. A file that has changed on disk is opened again.

    Raises
    ------
    NotOpened
        If it cannot be opened (any more).
    """
    with _lock:
        try:
            status = os.stat(path)
        except OSError as error:
            raise NotOpened(_why_not(path, error)) from error
        signature = _signature(status)
        now = next(_times_lent)
        known = _files.get(path)
        has_changed = known is not None and known.has_changed(signature)
        if known is None or (has_changed and not known.n_users):
            if known is not None:
                _files.pop(path).close()
            _make_room(now)
            _files[path] = known = OpenFile(path, signature)
        _files.move_to_end(path)
        known.n_users += 1
        known.lent_at = now
        try:
            yield known
        finally:
            known.n_users -= 1


def close_changed() -> None:
    """Close the files that have changed on disk, or are gone.

    HDF5 follows a link, or a virtual dataset, into a file that is open already, and then finds it
    as it was when it was opened.
    """
    with _lock:
        for path, opened in list(_files.items()):
            try:
                has_changed = opened.has_changed(_signature(os.stat(path)))
            except OSError:
                has_changed = True
            if has_changed and not opened.n_users:
                _files.pop(path).close()


def _signature(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _make_room(now: int) -> None:
    """Close the files that nobody has asked for for long; those that are lent stay."""
    for path, opened in list(_files.items()):
        if len(_files) < _MAX_OPEN and now - opened.lent_at < _FORGOTTEN:
            return
        if not opened.n_users:
            _files.pop(path).close()


def _after_fork() -> None:
    """Start a forked child with no handle, and with a lock that nobody holds."""
    global _lock, _files
    _lock = threading.RLock()
    _files = OrderedDict()


os.register_at_fork(after_in_child=_after_fork)
