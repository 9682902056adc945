"""What other rooms ask of the folder of HDF5, imported when they do, since h5py takes long."""

import numpy as np

__all__ = ["decoded_bytes", "has_all_its_room", "is_being_written", "may_grow"]

HEAD_BYTES = 4096


def is_being_written(path: str) -> bool:
    """Whether a file says that a writer has it open for readers to follow, as SWMR does of HDF5.

    A writer that was killed leaves it so, and other files do not say it.
    """
    from sklearn_sfx.frames.hdf5._handles import is_being_written as says_so

    return says_so(path)


def has_all_its_room(path: str, dataset: str) -> bool:
    """Whether a dataset of HDF5 has all its room from its first frame on, since it has no chunks.

    Then nothing tells which of its frames are written.
    """
    from sklearn_sfx.frames.hdf5._room import has_all_its_room as has_room

    return bool(dataset) and may_grow(path) and has_room(path, dataset)


def may_grow(path: str) -> bool:
    """Whether frames are added to files of this kind, which say what is there: HDF5."""
    from sklearn_sfx.frames.hdf5._handles import is_hdf5

    try:
        with open(path, "rb") as file:
            return is_hdf5(file.read(HEAD_BYTES))
    except OSError:
        return False


def decoded_bytes(coded: bytes, algorithm: str, itemsize: int, n_bytes: int) -> np.ndarray:
    """Decode bytes that are framed as the filters of HDF5 frame a chunk: "bslz4" or "lz4"."""
    from sklearn_sfx.frames.hdf5._coded_bytes import decoded_bytes as decoded

    return decoded(coded, algorithm, itemsize, n_bytes)
