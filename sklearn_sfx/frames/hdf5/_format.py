"""What all layouts of HDF5 files have in common."""

from __future__ import annotations

from abc import abstractmethod

import h5py

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._format_protocol import Format, StoredMask
from sklearn_sfx.frames._joined_source import join_sources
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames.hdf5._contents import (
    contents_of,
    dataset_at,
    images_among,
    list_datasets,
    only_one,
)
from sklearn_sfx.frames.hdf5._handles import is_hdf5
from sklearn_sfx.frames.hdf5._masks import find_mask
from sklearn_sfx.frames.hdf5._metadata import find_fields
from sklearn_sfx.frames.hdf5._segments import Segment, make_segment
from sklearn_sfx.frames.hdf5._source import Hdf5Source

__all__ = ["Hdf5Format"]


class Hdf5Format(Format):
    """A layout of HDF5 files: how it is told from others, and where its frames are.

    A layout says `recognizes`, and one of two more: `find_images` where the frames of a file are
    one dataset, `find_segments` where they are several. Opening, damage, masks, metadata and
    reading are done here for all of them.

    Attributes
    ----------
    name : str
        What users call it.
    dimensions : tuple of int
        How many dimensions a dataset of frames may have: 3, (n, height, width); also 4 where there
        may be modules, (n, modules, height, width).
    """

    dimensions: tuple[int, ...] = (3,)

    @abstractmethod
    def recognizes(self, file: h5py.File) -> bool:
        """Whether an open file has this layout, told by a name or two in it, quickly."""

    def find_images(self, file: h5py.File, datasets: dict[str, h5py.Dataset]) -> list[str]:
        """Return the paths of all datasets that could be the frames; just one can be opened.

        Parameters
        ----------
        file : h5py.File
            The open file.
        datasets : dict of str to h5py.Dataset
            All that it holds, each by one path.
        """
        return images_among(datasets, self.dimensions)

    def find_segments(self, path: str, file: h5py.File, dataset: str | None) -> list[Segment]:
        """Return the frames of a file in their order; none where every dataset is empty.

        Parameters
        ----------
        path : str
            Absolute path of the file.
        file : h5py.File
            The open file.
        dataset : str or None
            Path of the dataset of frames, as the user names it; it is taken whatever the layout.
        """
        datasets = list_datasets(file)
        if dataset is None:
            images = self.find_images(file, datasets)
            dataset = only_one(path, file, images, datasets, self.dimensions)
        segment = make_segment(path, dataset_at(path, file, dataset, datasets))
        if segment is None:
            return []
        return [segment._replace(fields=find_fields(datasets, segment.shape[0]))]

    def knows(self, path: str, head: bytes) -> bool:
        """Whether it is an HDF5 file of this layout."""
        if not is_hdf5(head):
            return False
        with contents_of(path) as file:
            return self.recognizes(file)

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the frames of a file, whose segments are joined."""
        with contents_of(path) as file:
            segments = self.find_segments(path, file, dataset)
        if not segments:
            raise InputError(f"{path} has no frames: every dataset of images in it is empty.")
        return join_sources([Hdf5Source(segment) for segment in segments])

    def find_mask(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Return the mask of a file, or say why there is not just one."""
        try:
            with contents_of(path) as file:
                beside = self.find_segments(path, file, None)
        except InputError:
            beside = []  # a file of masks alone
        return find_mask(path, dataset, beside)

    def is_simulated(self, path: str) -> bool:
        """Whether the file has the attribute that simulated runs are written with."""
        with contents_of(path) as file:
            return bool(file.attrs.get("simulated", False))
