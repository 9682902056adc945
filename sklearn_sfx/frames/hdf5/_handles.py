"""Open HDF5 files of this process, kept for the next frame."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import h5py
import hdf5plugin  # noqa: F401  registers the bitshuffle, LZ4 and zstd filters

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._paths import why_unreadable

__all__ = ["HDF5_ERRORS", "is_hdf5", "look_up", "open_file", "reason"]

# What h5py raises for damaged files. ValueError: its message may not even be text.
HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError)

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_USER_BLOCKS = (0, 512, 1024, 2048)  # bytes of others that may stand before it

_MAX_OPEN = 16
# For frames smaller than their chunks; a chunk as large as a frame is not worth keeping.
_CHUNK_CACHE_BYTES = 4 * 2**20
_lock = threading.RLock()
_files: OrderedDict[str, tuple[tuple[int, ...], h5py.File, dict]] = OrderedDict()


def _open(path: str) -> h5py.File:
    """Open a file for reading, or say in one sentence what is wrong with it.

    The stdio driver and no locks, so that a handle that is kept open never stands in the way of
    another that writes to the file, in this process or in another.
    """
    options = {"locking": False, "rdcc_nbytes": _CHUNK_CACHE_BYTES}
    try:
        return h5py.File(path, "r", driver="stdio", **options)
    except HDF5_ERRORS:
        pass
    try:  # the usual driver says more exactly what is wrong
        return h5py.File(path, "r", **options)
    except HDF5_ERRORS as error:
        raise InputError(_why_not(path, error)) from error


def look_up(group: h5py.Group, path: str) -> h5py.Group | h5py.Dataset | None:
    """Return what lies at `path`, or None; a link may lead nowhere."""
    if path not in group:  # asked first, since h5py may stumble over its own message of a failure
        return None
    try:
        return group[path]
    except HDF5_ERRORS:
        return None


def reason(error: Exception) -> str:
    """Return what the HDF5 library says of an error, where that can be read."""
    text = "no readable reason" if isinstance(error, UnicodeDecodeError) else str(error)
    return " ".join(text.split()).rstrip(".")


def is_hdf5(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an HDF5 file."""
    return any(head.startswith(_SIGNATURE, start) for start in _USER_BLOCKS)


def _why_not(path: str, error: Exception) -> str:
    if problem := why_unreadable(path):
        return problem
    if os.path.isdir(path) or not h5py.is_hdf5(path):
        return f"{path} has changed since it was opened: it is no HDF5 file any more."
    size = os.path.getsize(path)
    if size < _written_size(path):
        return (
            f"{path} is truncated, it has {size} of {_written_size(path)} bytes: copy it again, or "
            "wait for its writer."
        )
    return f"{path} cannot be opened, it may be damaged or still being written: {reason(error)}."


def _written_size(path: str) -> int:
    """Return the size that the file's superblock says it has, 0 where that cannot be told."""
    with open(path, "rb") as file:
        block = file.read(96)
    if not block.startswith(_SIGNATURE) or len(block) < 96:
        return 0
    version = block[8]
    width = block[9] if version >= 2 else block[13]
    # After the base address come one other address and then the end of the file.
    base = {0: 24, 1: 28}.get(version, 12)
    end = base + 2 * width
    return int.from_bytes(block[end : end + width], "little")


@contextmanager
def open_file(path: str) -> Iterator[tuple[h5py.File, dict]]:
    """Lend the open file `path`, and what its reader keeps of its datasets, to this thread alone.

    h5py lets one thread in at a time anyhow. A file that has changed on disk is opened again.
    """
    with _lock:
        try:
            status = os.stat(path)
        except OSError as error:
            raise InputError(_why_not(path, error)) from error
        signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        known = _files.get(path)
        if known is None or known[0] != signature:
            if known is not None:
                _close(path)
            while len(_files) >= _MAX_OPEN:
                _close(next(iter(_files)))
            _files[path] = known = (signature, _open(path), {})
        _files.move_to_end(path)
        yield known[1], known[2]


def _close(path: str) -> None:
    _, file, datasets = _files.pop(path)
    datasets.clear()
    file.close()


def _after_fork() -> None:
    """Start a forked child with no handle, and with a lock that nobody holds."""
    global _lock, _files
    _lock = threading.RLock()
    _files = OrderedDict()


os.register_at_fork(after_in_child=_after_fork)
