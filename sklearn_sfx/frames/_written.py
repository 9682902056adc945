"""Whether a file has a writer still."""

__all__ = ["is_being_written"]


def is_being_written(path: str) -> bool:
    """Whether a file says that a writer has it open for readers to follow, as SWMR does of HDF5.

    A writer that was killed leaves it so, and other files do not say it.
    """
    from sklearn_sfx.frames.hdf5._handles import is_being_written as says_so  # h5py takes long

    return says_so(path)
