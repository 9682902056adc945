"""A new HDF5 file that a full disk cannot harm."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["new_hdf5"]

MARGIN = 2**19  # bytes, for what HDF5 writes beside the frames
CANNOT_TELL = (errno.EOPNOTSUPP, errno.EINVAL)  # of file systems that keep no room free


@contextmanager
def new_hdf5(path: Path) -> Iterator[tuple[Any, Any]]:
    """Give a new HDF5 file, and a function that finds room on disk for so many bytes more.

    The room is asked for before HDF5 writes, and some is kept for what it writes when it closes the
    file: with a write that fails inside of it, it ends the process by a segmentation fault.
    """
    import h5py  # takes long to import, as in open_frames

    def find_room(n_bytes: int, written: int | None = None) -> None:
        written = file.id.get_filesize() if written is None else written
        try:
            os.posix_fallocate(descriptor, written, n_bytes + MARGIN)
        except OSError as error:
            if error.errno not in CANNOT_TELL:
                raise OSError(error.errno, error.strerror, str(path)) from None

    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        find_room(0, 0)
        with h5py.File(path, "w", rdcc_nbytes=0) as file:  # no chunk waits to be written
            find_room(0)
            yield file, find_room
            file.flush()
            size = file.id.get_filesize()
        os.ftruncate(descriptor, size)
    finally:
        os.close(descriptor)
