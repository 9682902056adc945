"""Files of Cheetah at SACLA: a group ``tag-<number>`` for each shot, with one image in it.

``/metadata`` has what holds for all: the mask, non-zero where a pixel is bad, the size of a pixel,
the distance. Values are clipped to the range of int16 [1]_.

.. [1] T. Nakane et al., J. Appl. Cryst. 49, 1035 (2016).
"""

from __future__ import annotations

import re

import h5py
import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames.hdf5._contents import contents_of
from sklearn_sfx.frames.hdf5._format import Hdf5Format
from sklearn_sfx.frames.hdf5._handles import look_up
from sklearn_sfx.frames.hdf5._masks import MaskRule
from sklearn_sfx.frames.hdf5._metadata import Fields
from sklearn_sfx.frames.hdf5._segments import Images
from sklearn_sfx.frames.hdf5._shots import open_shots
from sklearn_sfx.frames.hdf5._values import number_at

__all__ = ["Sacla"]

_TAG = re.compile(r"tag-(\d+)")
_SHOT_FIELDS = {
    "photon_energy_ev": ("wavelength", "eV"),
    "photon_wavelength_A": ("wavelength", "angstrom"),
}
_OCTAL_MPCCD = (8192, 512)  # eight sensors of 1024 rows, one upon the other
HIGHEST = 32767.0  # what is larger was clipped to it


class Sacla(Hdf5Format):
    """The shots in the order of their tags."""

    name = "SACLA"

    def recognizes(self, file: h5py.File) -> bool:
        """Told by the group of a shot."""
        return any(_TAG.fullmatch(name) for name in file)

    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the image of each shot."""
        tags = sorted((int(m[1]), name) for name in file if (m := _TAG.fullmatch(name)))
        return [Images(f"/{name}/data", name) for _, name in tags]

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the shots, or the one that is named."""
        if dataset is not None:
            return super().open(path, dataset)
        with contents_of(path) as file:
            found = self.find_images(path, file)
            names = [images.name for images in found]
            facts = self.facts(file, found[0])
            shots = open_shots(path, file, names, self.name, facts, _SHOT_FIELDS)
        return shots if shots is not None else super().open(path)

    def find_fields(self, file: h5py.File, images: Images, n_frames: int) -> Fields:
        """Nothing is known of shots that are no images."""
        return Fields()

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return what the metadata say."""
        side = number_at(file, "metadata/pixelsize_in_um")
        item = look_up(file, images.name)
        clipped = isinstance(item, h5py.Dataset) and item.dtype.kind == "i"
        octal = isinstance(item, h5py.Dataset) and item.shape == _OCTAL_MPCCD
        return Facts(
            pixel_size=side / 1000 if side else None,
            distance=number_at(file, "metadata/distance_in_mm"),
            modules=(8, 1024) if octal else None,
            saturation=HIGHEST if clipped else None,
        )

    def find_masks(self, file: h5py.File) -> list[str]:
        """Return the mask of the metadata."""
        return ["/metadata/pixelmask"] if "metadata/pixelmask" in file else []

    def mask_rule(self, dtype: np.dtype) -> MaskRule:
        """Whatever is not zero is bad."""
        return MaskRule() if dtype.kind == "b" else MaskRule(bad_bits="any")
