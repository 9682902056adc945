"""CXIDB-76, which calls itself idh5_v1.0: the runs that an expert labelled, chunk by chunk."""

from __future__ import annotations

import h5py

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames.hdf5._contents import list_contents
from sklearn_sfx.frames.hdf5._format import Hdf5Format
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._metadata import Fields, find_fields
from sklearn_sfx.frames.hdf5._segments import Images
from sklearn_sfx.frames.hdf5._values import number_at, text_at

__all__ = ["Cxidb76"]

UNITS = {"distance": "mm"}
CORNER = 0.5  # of the first pixel, seen from its centre


class Cxidb76(Hdf5Format):
    """One dataset per chunk; frames are numbered over the chunks in the order of their names."""

    name = "CXIDB-76"
    fields_per_dataset = True

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the version that it gives itself."""
        return text_at(file, "metadata/idh5_version") == "idh5_v1.0"

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the images of each chunk."""
        chunks = look_up(file, "data")
        if not isinstance(chunks, h5py.Group):
            raise InputError(f"{path} is a CXIDB-76 file, but it has no group /data.")
        for chunk in sorted(chunks):
            group = look_up(chunks, chunk)
            if not isinstance(group, h5py.Group) or "images" not in group:
                raise InputError(
                    f"{path} is a CXIDB-76 file, but /data/{chunk} has no dataset images: the "
                    "numbers of the frames after it cannot be known, so name one chunk's images "
                    "as dataset."
                )
        return [Images(f"/data/{chunk}/images", chunk) for chunk in sorted(chunks)]

    def find_fields(self, file: h5py.File, images: Images, n_frames: int) -> Fields:
        """Return what is said of each frame of a chunk."""
        chunk = images.name.rpartition("/")[0]
        group = look_up(file, chunk)
        if not isinstance(group, h5py.Group):
            return Fields()
        return find_fields(list_contents(group, chunk).datasets, n_frames, UNITS)

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return the beam, the pixels and the range of values that are trusted."""
        side = number_at(file, "metadata/PIXEL_SIZE")
        beam = [number_at(file, f"metadata/BEAM_CENTER_{axis}") for axis in "YX"]
        center = None
        if side and beam[0] is not None and beam[1] is not None:
            center = (beam[0] / side - CORNER, beam[1] / side - CORNER)
        return Facts(
            pixel_size=side,
            beam_center=center,
            saturation=number_at(file, "metadata/SATURATED_VALUE"),
            lowest=number_at(file, "metadata/MIN_TRUSTED_VALUE"),
        )
