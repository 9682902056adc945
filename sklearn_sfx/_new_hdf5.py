"""HDF5 files that a full disk cannot harm."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["find_room", "new_hdf5"]

MARGIN = 2**19  # bytes, for what HDF5 writes beside the frames
CANNOT_TELL = (errno.EOPNOTSUPP, errno.EINVAL)  # of file systems that keep no room free


def find_room(descriptor: int, path: Path, end: int, n_bytes: int) -> None:
    """Let the disk keep room for so many bytes behind the end of an open file, and a margin.

    Raises
    ------
    OSError
        There is none, or the file may not be as large; it names the path.
    """
    try:
        os.posix_fallocate(descriptor, end, n_bytes + MARGIN)
    except OSError as error:
        if error.errno not in CANNOT_TELL:
            raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def new_hdf5(path: Path) -> Iterator[tuple[Any, Any]]:
    """Give a new HDF5 file, and a function that finds room on disk for so many bytes more.

    The room is asked for before HDF5 writes, and some is kept for what it writes when it closes the
    file: with a write that fails inside of it, it ends the process by a segmentation fault.
    """
    import h5py  # takes long to import, as in open_frames

    def find_more(n_bytes: int) -> None:
        find_room(descriptor, path, file.id.get_filesize(), n_bytes)

    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        find_room(descriptor, path, 0, 0)
        with h5py.File(path, "w", rdcc_nbytes=0) as file:  # no chunk waits to be written
            find_more(0)
            yield file, find_more
            file.flush()
            size = file.id.get_filesize()
        os.ftruncate(descriptor, size)
    finally:
        os.close(descriptor)
