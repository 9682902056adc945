"""What files say about each frame, in the units of this package."""

from __future__ import annotations

from typing import NamedTuple

import h5py
import numpy as np

__all__ = ["Field", "find_fields", "read_field"]

HC_EV_ANGSTROM = 12398.419843320026  # h c / e, exact in SI since 2019
JOULE_IN_EV = 1 / 1.602176634e-19


class Field(NamedTuple):
    """One quantity in a file: value * scale, or scale / value where `inverse` (energies)."""

    name: str
    dataset: str
    scale: float = 1.0
    inverse: bool = False


# Last part of the dataset's path -> (name, scale, inverse); of two that give the same name the one
# further up wins. Units are those of the tool that writes the name, unless an attribute says more.
# An encoder's value is not here: it lacks the offset that would make it a distance.
_KNOWN = {
    "wavelength": ("wavelength", 1.0, False),
    "photon_wavelength_A": ("wavelength", 1.0, False),
    "incident_wavelength": ("wavelength", 1.0, False),
    "photon_energy_eV": ("wavelength", HC_EV_ANGSTROM, True),
    "photon_energy_ev": ("wavelength", HC_EV_ANGSTROM, True),
    "beam_energy": ("wavelength", HC_EV_ANGSTROM, True),
    "energy": ("wavelength", HC_EV_ANGSTROM / JOULE_IN_EV, True),  # CXI: source_1/energy in J
    "detector_distance": ("distance", 1.0, False),
    "distance_in_mm": ("distance", 1.0, False),
    "distance": ("distance", 1000.0, False),  # CXI: detector_1/distance in m
    "timestamp": ("timestamp", 1.0, False),
    "experiment_identifier": ("identifier", 1.0, False),
    "event_id": ("identifier", 1.0, False),
}

# What an attribute `units` says, in place of the table's scale.
_UNITS = {
    ("distance", "m"): (1000.0, False),
    ("distance", "mm"): (1.0, False),
    ("distance", "um"): (0.001, False),
    ("wavelength", "m"): (1e10, False),
    ("wavelength", "nm"): (10.0, False),
    ("wavelength", "a"): (1.0, False),
    ("wavelength", "angstrom"): (1.0, False),
    ("wavelength", "ev"): (HC_EV_ANGSTROM, True),
    ("wavelength", "kev"): (HC_EV_ANGSTROM / 1000, True),
    ("wavelength", "j"): (HC_EV_ANGSTROM / JOULE_IN_EV, True),
}


def find_fields(
    datasets: dict[str, h5py.Dataset], n_frames: int, scales: dict[str, float] | None = None
) -> tuple[Field, ...]:
    """Find the known quantities that have a value for each frame, or one for all.

    Parameters
    ----------
    datasets : dict of str to h5py.Dataset
        Path of each dataset of the file that may be looked at.
    n_frames : int
        A field has at least so many rows (an unclosed file has more), or one value.
    scales : dict of str to float, default=None
        Last parts of paths whose scale differs from the usual one in this format.
    """
    ranks = {leaf: rank for rank, leaf in enumerate(_KNOWN)}
    found: dict[str, Field] = {}
    paths = [path for path in datasets if path.rpartition("/")[2] in ranks]
    for path in sorted(paths, key=lambda path: ranks[path.rpartition("/")[2]]):
        leaf = path.rpartition("/")[2]
        name, scale, inverse = _KNOWN[leaf]
        dataset = datasets[path]
        text = dataset.dtype.kind in "SO"
        one_per_frame = dataset.ndim == 1 and dataset.shape[0] >= n_frames
        wrong_kind = text != (name == "identifier") and name != "timestamp"
        wrong_kind |= leaf == "energy" and not path.endswith("source_1/energy")
        if name in found or wrong_kind or not (one_per_frame or dataset.size == 1):
            continue
        scale = (scales or {}).get(leaf, scale)
        unit = _text(dataset.attrs["units"]).lower() if "units" in dataset.attrs else ""
        scale, inverse = _UNITS.get((name, unit), (scale, inverse))
        found[name] = Field(name, path, scale, inverse)
    return tuple(found.values())


def read_field(field: Field, dataset: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Read the values of one quantity for the frames at `rows` of a dataset of the file."""
    values = np.atleast_1d(dataset[()])
    values = np.full(len(rows), values.flat[0]) if values.size == 1 else values[rows]
    if values.dtype.kind in "SO":
        return np.array([_text(value) for value in values.tolist()], dtype=str)
    if field.name == "timestamp":
        return values
    values = values.astype(np.float64)
    if not field.inverse:
        return values * field.scale
    with np.errstate(divide="ignore"):
        return np.where(values > 0, field.scale / values, np.nan)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value)
