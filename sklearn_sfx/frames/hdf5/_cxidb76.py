"""CXIDB-76, which calls itself idh5_v1.0: the runs that an expert labelled, chunk by chunk."""

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames.hdf5._contents import list_datasets, look_up
from sklearn_sfx.frames.hdf5._format import Hdf5Format
from sklearn_sfx.frames.hdf5._metadata import find_fields
from sklearn_sfx.frames.hdf5._segments import Segment, make_segment

__all__ = ["Cxidb76"]


class Cxidb76(Hdf5Format):
    """One segment per chunk; frames are numbered over the chunks in the order of their names."""

    name = "CXIDB-76"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the version that it gives itself."""
        version = look_up(file, "metadata/idh5_version")
        if not isinstance(version, h5py.Dataset) or version.size != 1:
            return False
        value = np.ravel(version[()])[0]
        return (value.decode() if isinstance(value, bytes) else str(value)) == "idh5_v1.0"

    def find_segments(self, path: str, file: h5py.File, dataset: str | None) -> list[Segment]:
        """Return one segment per chunk, or the one that is named."""
        segments: list[Segment] = []
        first = 0
        for chunk in sorted(file["data"]) if "data" in file else ():
            group = file["data"][chunk]
            images = look_up(group, "images") if isinstance(group, h5py.Group) else None
            if not isinstance(images, h5py.Dataset):
                raise InputError(
                    f"{path} is a CXIDB-76 file, but /data/{chunk} has no dataset images: the "
                    "numbers of the frames after it cannot be known, so name one chunk's images "
                    "as dataset."
                )
            segment = make_segment(path, images, name=f"/data/{chunk}/images")
            if segment is not None:
                datasets = list_datasets(group, f"/data/{chunk}")
                # The distance is in mm here.
                fields = find_fields(datasets, segment.shape[0], scales={"distance": 1.0})
                segments.append(segment._replace(first=first, event=chunk, fields=fields))
                first += segment.shape[0]
        if dataset is None:
            return segments
        named = [part for part in segments if part.dataset.strip("/") == dataset.strip("/")]
        return named or super().find_segments(path, file, dataset)
