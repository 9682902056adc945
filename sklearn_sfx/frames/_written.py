"""Whether a file may grow, and has a writer still."""

__all__ = ["has_all_its_room", "is_being_written", "may_grow"]

HEAD_BYTES = 4096


def is_being_written(path: str) -> bool:
    """Whether a file says that a writer has it open for readers to follow, as SWMR does of HDF5.

    A writer that was killed leaves it so, and other files do not say it.
    """
    from sklearn_sfx.frames.hdf5._handles import is_being_written as says_so  # h5py takes long

    return says_so(path)


def has_all_its_room(path: str, dataset: str) -> bool:
    """Whether a dataset of HDF5 has all its room from its first frame on, since it has no chunks.

    Then nothing tells which of its frames are written.
    """
    import h5py

    from sklearn_sfx.frames.hdf5._contents import contents_of
    from sklearn_sfx.frames.hdf5._handles import look_up

    if not dataset or not may_grow(path):
        return False
    with contents_of(path) as file:
        item = look_up(file, dataset)
        return isinstance(item, h5py.Dataset) and item.chunks is None and not item.is_virtual


def may_grow(path: str) -> bool:
    """Whether frames are added to files of this kind, which say what is there: HDF5."""
    from sklearn_sfx.frames.hdf5._handles import is_hdf5  # h5py takes long

    try:
        with open(path, "rb") as file:
            return is_hdf5(file.read(HEAD_BYTES))
    except OSError:
        return False
