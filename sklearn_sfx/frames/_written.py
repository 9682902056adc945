"""Whether a file may grow, and has a writer still."""

__all__ = ["is_being_written", "may_grow"]

HEAD_BYTES = 4096


def is_being_written(path: str) -> bool:
    """Whether a file says that a writer has it open for readers to follow, as SWMR does of HDF5.

    A writer that was killed leaves it so, and other files do not say it.
    """
    from sklearn_sfx.frames.hdf5._handles import is_being_written as says_so  # h5py takes long

    return says_so(path)


def may_grow(path: str) -> bool:
    """Whether frames are added to files of this kind, which say what is there: HDF5."""
    from sklearn_sfx.frames.hdf5._handles import is_hdf5  # h5py takes long

    try:
        with open(path, "rb") as file:
            return is_hdf5(file.read(HEAD_BYTES))
    except OSError:
        return False
