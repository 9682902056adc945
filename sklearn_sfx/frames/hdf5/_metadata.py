"""What files say about each frame, in the units of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import h5py
import numpy as np

from sklearn_sfx.frames.hdf5._units import conversion
from sklearn_sfx.frames.hdf5._values import attribute, number_at, text

__all__ = ["KNOWN_NAMES", "Field", "Fields", "find_fields", "read_field", "single_values"]


class Fields(NamedTuple):
    """What was found of the frames beside their pixels, and what a user has to know of it."""

    found: tuple[Field, ...] = ()
    notes: tuple[str, ...] = ()


class Field(NamedTuple):
    """One quantity in a file: value * scale, or scale / value where `inverse` (energies)."""

    name: str
    dataset: str
    scale: float = 1.0
    inverse: bool = False


# Last part of the dataset's path -> (name, unit); of two that give the same name the one further up
# wins. Units are those of the tool that writes the name, unless an attribute says more.
# An encoder's value is not here: it lacks the offset that would make it a distance.
_KNOWN = {
    "wavelength": ("wavelength", "angstrom"),
    "photon_wavelength_A": ("wavelength", "angstrom"),
    "incident_wavelength": ("wavelength", "angstrom"),
    "photon_energy_eV": ("wavelength", "eV"),
    "photon_energy_ev": ("wavelength", "eV"),
    "beam_energy": ("wavelength", "eV"),
    "energy": ("wavelength", "J"),  # CXI: source_1/energy
    "detector_distance": ("distance", "mm"),
    "distance_in_mm": ("distance", "mm"),
    "distance": ("distance", "m"),  # CXI: detector_1/distance
    "timestamp": ("timestamp", ""),
    "experiment_identifier": ("identifier", ""),
    "event_id": ("identifier", ""),
}
KNOWN_NAMES = tuple(_KNOWN)
_ENERGIES = ("source_1/energy", "monochromator/energy")  # of photons; others are of electrons


def find_fields(
    datasets: Mapping[str, h5py.Dataset], n_frames: int, units: Mapping[str, str] | None = None
) -> Fields:
    """Find the known quantities that have a value for each frame, or one for all.

    A quantity in a unit that is not known is left out, and a note says so.

    Parameters
    ----------
    datasets : mapping of str to h5py.Dataset
        Path of each dataset of the file that may be looked at.
    n_frames : int
        A field has at least so many rows (an unclosed file has more), or one value.
    units : mapping of str to str, default=None
        Units, by last parts of paths, that differ from the usual one in this format.
    """
    ranks = {leaf: rank for rank, leaf in enumerate(_KNOWN)}
    found: dict[str, Field] = {}
    notes: list[str] = []
    paths = [path for path in datasets if path.rpartition("/")[2] in ranks]
    for path in sorted(paths, key=lambda path: ranks[path.rpartition("/")[2]]):
        leaf = path.rpartition("/")[2]
        name, unit = _KNOWN[leaf]
        dataset = datasets[path]
        is_text = dataset.dtype.kind in "SO"
        one_per_frame = dataset.ndim == 1 and dataset.shape[0] >= n_frames
        wrong_kind = is_text != (name == "identifier") and name != "timestamp"
        wrong_kind |= leaf == "energy" and not path.endswith(_ENERGIES)
        if name in found or wrong_kind or not (one_per_frame or dataset.size == 1):
            continue
        unit = attribute(dataset, "units") or (units or {}).get(leaf, unit)
        scale = conversion(name, unit) if name in ("wavelength", "distance") else (1.0, False)
        if scale is None:
            notes.append(f"{path} is left out, since its unit {unit!r} is not known")
        else:
            found[name] = Field(name, path, *scale)
    return Fields(tuple(found.values()), tuple(notes))


def single_values(fields: Fields, file: h5py.File) -> dict[str, float]:
    """Return the wavelength and the distance, where there is one for all frames."""
    values = {}
    for field in fields.found:
        number = number_at(file, field.dataset)
        if field.name in ("wavelength", "distance") and number is not None and number > 0:
            values[field.name] = field.scale / number if field.inverse else number * field.scale
    return values


def read_field(field: Field, dataset: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Read the values of one quantity for the frames at `rows` of a dataset of the file."""
    values = np.ravel(dataset[()])  # one each, some writers add an axis of length 1
    values = np.full(len(rows), values[0]) if values.size == 1 else values[rows]
    if values.dtype.kind in "SO":
        return np.array([text(value) for value in values.tolist()], dtype=str)
    if field.name == "identifier":
        return values.astype(str)
    if field.name == "timestamp":
        return values
    values = values.astype(np.float64)
    if not field.inverse:
        return values * field.scale
    with np.errstate(divide="ignore"):
        return np.where(values > 0, field.scale / values, np.nan)
