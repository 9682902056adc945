"""Whether a dataset has room for all its frames before they are written."""

import h5py

from sklearn_sfx.frames.hdf5._contents import contents_of
from sklearn_sfx.frames.hdf5._handles import look_up

__all__ = ["has_all_its_room"]


def has_all_its_room(path: str, dataset: str) -> bool:
    """Whether a dataset has no chunks, which would come with the frames."""
    with contents_of(path) as file:
        item = look_up(file, dataset)
        return isinstance(item, h5py.Dataset) and item.chunks is None and not item.is_virtual
