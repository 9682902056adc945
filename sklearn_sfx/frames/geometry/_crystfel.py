"""CrystFEL's geometry files, read by cfelpyutils.

What it leaves out is read here: ``flag_*``, ``mask_edge_pixels``, numbers with a unit, and that
a component that a direction does not name is 0.
"""

from __future__ import annotations

import io
import re
import sys
import warnings
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sklearn_sfx._extras import require
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._value_rule import ValueRule

__all__ = ["BadRegion", "Geometry", "MaskFile", "Panel", "read_geometry"]

EV_ANGSTROM = 12398.4198
TOO_NEW = sys.version_info >= (3, 13)
_SCALES = {"eV": 1.0, "keV": 1e3, "MeV": 1e6, "m": 1.0, "mm": 1e-3}
_EDGE, _NO_INDEX = "mask_edge_pixels", "no_index"
_FLAGS = ("flag_lessthan", "flag_morethan", "flag_equal")
_N_MASKS = 8
_LARGEST = 2**26  # bytes of a geometry file
_ERRORS = (
    *(RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError),
    ArithmeticError,  # of numbers that no detector has
)


@dataclass(frozen=True)
class MaskFile:
    """One of the masks of a panel: ``maskN_file``, ``maskN_data`` and its bits.

    Parameters
    ----------
    file : str
        "" for the file of the frames.
    dataset : str
        Its path there.
    good_bits, bad_bits : int
        Bits that have to be set, and bits that may not be.
    """

    file: str
    dataset: str
    good_bits: int
    bad_bits: int


@dataclass(frozen=True)
class Panel:
    """A panel: a rectangle of pixels, and where it lies.

    Parameters
    ----------
    name : str
        As the file calls it.
    module : int or None
        Index along the axis of modules, for geometries of data with one.
    first_ss, first_fs : int
        First row and column in the data, of the module if there is one.
    height, width : int
        Rows and columns.
    corner : (float, float)
        x and y of the outer corner of the first pixel, seen from the beam, in pixels.
    fs, ss : (float, float)
        x and y of one step along a row, and along a column, in pixels.
    resolution : float
        Pixels per metre.
    is_bad : bool
        Whether none of its pixels is to be used.
    edge : int
        Pixels along its edges that are not to be used.
    masks : tuple of MaskFile
        Its masks.
    """

    name: str
    module: int | None
    first_ss: int
    first_fs: int
    height: int
    width: int
    corner: tuple[float, float]
    fs: tuple[float, float]
    ss: tuple[float, float]
    resolution: float
    is_bad: bool = False
    edge: int = 0
    masks: tuple[MaskFile, ...] = ()


@dataclass(frozen=True)
class BadRegion:
    """A rectangle of pixels that are not to be used.

    Parameters
    ----------
    panel : str
        Its panel; "" for all.
    in_pixels : bool
        Whether it is one of columns and rows of the data, or else of x and y.
    first, last : (float, float)
        Both ends, which belong to it: of fs and ss, or of x and y.
    """

    panel: str
    in_pixels: bool
    first: tuple[float, float]
    last: tuple[float, float]


@dataclass(frozen=True)
class Geometry:
    """What a geometry file says.

    Parameters
    ----------
    path : str
        Of the file.
    panels : tuple of Panel
        One at the least.
    bad : tuple of BadRegion
        Regions that are not to be used.
    values : ValueRule
        Values that are not to be used.
    distance : float or None
        From sample to detector in mm, where the file says it.
    wavelength : float or None
        In angstrom, likewise.
    dataset : str or None
        Path of the frames in their file, where it is one for all panels.
    """

    path: str
    panels: tuple[Panel, ...]
    bad: tuple[BadRegion, ...] = ()
    values: ValueRule = ValueRule()  # noqa: RUF009
    distance: float | None = None
    wavelength: float | None = None
    dataset: str | None = None

    @property
    def masks_of_run(self) -> tuple[str, ...]:
        """The datasets of masks that lie in the file of the frames."""
        masks = (mask for panel in self.panels for mask in panel.masks if not mask.file)
        has_rule = (mask.dataset for mask in masks if mask.good_bits | mask.bad_bits)
        return tuple(dict.fromkeys(has_rule))


def read_geometry(path: str) -> Geometry:
    """Read a geometry file.

    Parameters
    ----------
    path : str
        Absolute path.

    Raises
    ------
    InputError
        If it cannot be read, or is no geometry, or says what is not understood here.
    """
    otherwise = "take Python 3.12, as it has no package for newer ones" if TOO_NEW else ""
    require("cfelpyutils", extra="geometry", what="Geometries", otherwise=otherwise)
    with warnings.catch_warnings():  # of what it imports from mypy_extensions
        warnings.simplefilter("ignore", DeprecationWarning)
        from cfelpyutils.geometry import load_crystfel_geometry

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(_LARGEST)
    except OSError as error:
        raise InputError(f"The geometry {path} cannot be read: {error.strerror}.") from error
    if "\0" in text:
        raise InputError(f"{path} is no CrystFEL geometry, since it is no text.")
    try:
        lines = list(_assignments(text))
        known = [f"{key} = {_in_base_unit(key, value)}\n" for key, value in lines]
        read: Any = load_crystfel_geometry(io.StringIO("".join(known)))
        own = _own_keys(lines, list(read.detector["panels"]))
        panels = tuple(
            _panel(name, panel, read.detector, own[name])
            for name, panel in read.detector["panels"].items()
        )
        rules = {_rule(own[panel.name]) for panel in panels}
        bad = tuple(_bad_region(name, region, own) for name, region in read.detector["bad"].items())
        dataset = _dataset_of(panel["data"] for panel in read.detector["panels"].values())
        shift = {axis: _shift(lines, axis) for axis in "xy"}
    except _ERRORS as error:
        # Not all that is known of a panel.
        said = re.sub(r"\s*\{.*\}\s*", " ", str(error), flags=re.DOTALL).strip(" .!")
        raise InputError(f"{path} is no CrystFEL geometry that can be read: {said}.") from error
    if len(rules) > 1:
        raise InputError(f"{path} has flag_* that differ between panels, which is not read.")
    lengths = {
        (panel["clen"], panel["clen_from"], panel["coffset"])
        for panel in read.detector["panels"].values()
    }
    clen, origin, offset = next(iter(lengths))
    is_one = len(lengths) == 1 and not origin and clen > 0
    energy = read.beam["photon_energy"] * read.beam["photon_energy_scale"]
    return Geometry(
        path,
        tuple(_shifted(panel, shift["x"], shift["y"]) for panel in panels),
        bad,
        rules.pop(),
        round((clen + offset) * 1000, 9) if is_one else None,
        EV_ANGSTROM / energy if energy > 0 else _wavelength(lines),
        dataset,
    )


def _dataset_of(names: Iterable[str | None]) -> str | None:
    """Return the dataset of all panels; % stands for the event, of which each has its own."""
    name, *others = sorted({name or "" for name in names})
    if others:
        raise ValueError(
            f"its panels are in several datasets, {name or 'one without a name'}, "
            f"{', '.join(others)}, which are not put together"
        )
    return None if not name or "%" in name else name


def _shift(lines: list[tuple[str, str]], axis: str) -> float:
    """Return by how many metres the whole detector is moved along an axis."""
    key = f"detector_shift_{axis}"
    number, _, unit = dict(lines).get(key, "0").partition(" ")
    try:
        return float(number) * {"": 1.0, "m": 1.0, "mm": 1e-3}[unit.strip()]
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{key} is {number} {unit.strip()}".rstrip() + ", and only a number in m or mm is read"
        ) from error


def _shifted(panel: Panel, x: float, y: float) -> Panel:
    """Return a panel that is moved by some metres."""
    corner = panel.corner[0] + x * panel.resolution, panel.corner[1] + y * panel.resolution
    return replace(panel, corner=corner)


def _wavelength(lines: list[tuple[str, str]]) -> float | None:
    """Return the wavelength in angstrom, where it is given as one; a path of a dataset is none."""
    number, _, unit = dict(lines).get("wavelength", "").partition(" ")
    try:
        return float(number) * {"m": 1e10, "A": 1.0}[unit.strip()]
    except (ValueError, KeyError):
        return None


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, equals, value = line.partition(";")[0].partition("=")
        if equals and key.strip() and value.strip():
            yield key.strip(), value.strip()


def _in_base_unit(key: str, value: str) -> str:
    """Return a number without its unit, which files of CrystFEL since 0.9 have."""
    found = re.fullmatch(r"([-+\d.eE]+)\s+(\w+)", value)
    leaf = key.rpartition("/")[2]
    if leaf in ("fs", "ss"):
        return _direction(key, value)
    if leaf == "res" and not float(value) > 0:
        raise ValueError(f"{key} is {value} pixels per metre")
    if found is None or leaf not in ("photon_energy", "clen", "coffset"):
        return value
    if found[2] not in _SCALES:
        raise ValueError(f"{key} is in {found[2]}, a unit that is not known")
    return repr(float(found[1]) * _SCALES[found[2]])


def _direction(key: str, value: str) -> str:
    """Return a direction with all its components: cfelpyutils takes none left out for 0."""
    value = value.replace(" ", "").replace("\t", "")
    terms = re.findall(r"([-+]?(?:[\d.]+(?:[eE][-+]?\d+)?)?)([xyz])", value)
    if "".join(number + axis for number, axis in terms) != value or not terms:
        raise ValueError(f"{key} = {value} is no direction")
    parts = dict.fromkeys("xyz", 0.0)
    for number, axis in terms:
        parts[axis] += float(f"{number}1") if number in ("", "+", "-") else float(number)
    return "".join(f"{length:+.12f}{axis}" for axis, length in parts.items())


def _own_keys(lines: list[tuple[str, str]], names: list[str]) -> dict[str, dict[str, str]]:
    """Return keys of each panel; one for all holds for panels that come up after it."""
    default: dict[str, str] = {}
    found: dict[str, dict[str, str]] = {}
    for key, value in lines:
        name, slash, leaf = key.partition("/")
        if slash and name in names:
            found.setdefault(name, dict(default))[leaf] = value
        elif not slash:
            default[key] = value
    return found


def _panel(name: str, panel: Any, detector: Any, own: dict[str, str]) -> Panel:
    axes = panel["dim_structure"]
    if axes.index("fs") < axes.index("ss"):
        raise ValueError(f"panel {name} has fs before ss")
    kinds = ["module" if isinstance(axis, int) else axis for axis in axes]
    if kinds != sorted(kinds, key=("%", "module", "ss", "fs").index):
        raise ValueError(
            f"panel {name} has the axes {', '.join(map(str, axes))}: read are frames (%), then "
            "modules (a number), then ss and fs"
        )
    fixed = [axis for axis in axes if isinstance(axis, int)]
    if len(fixed) > 1 and any(fixed):
        raise ValueError(f"panel {name} has several fixed axes, {', '.join(map(str, axes))}")
    return Panel(
        name,
        fixed[0] if fixed else None,
        panel["orig_min_ss"],
        panel["orig_min_fs"],
        panel["h"],
        panel["w"],
        (panel["cnx"], panel["cny"]),
        (panel["fsx"], panel["fsy"]),
        (panel["ssx"], panel["ssy"]),
        panel["res"],
        own.get(_NO_INDEX, "0").strip() not in ("0", "false"),
        int(own.get(_EDGE, 0)),
        tuple(_masks(panel, detector)),
    )


def _masks(panel: Any, detector: Any) -> Iterator[MaskFile]:
    if panel["mask"]:
        bits = detector["mask_good"], detector["mask_bad"]
        yield MaskFile(panel["mask_file"], panel["mask"], *bits)
    for number in range(_N_MASKS):
        name = f"mask{number}_"
        if panel[f"{name}data"]:
            bits = panel[f"{name}goodbits"], panel[f"{name}badbits"]
            yield MaskFile(panel[f"{name}file"], panel[f"{name}data"], *bits)


def _rule(own: dict[str, str]) -> ValueRule:
    less, more, equal = (float(own[key]) if key in own else None for key in _FLAGS)
    rule = ValueRule(() if equal is None else (equal,), less)
    if more is not None:
        import numpy as np

        rule = replace(rule, highest=float(np.nextafter(more, np.inf)))  # strictly more
    return rule


def _bad_region(name: str, region: Any, panels: Container[str]) -> BadRegion:
    if region["panel"] and region["panel"] not in panels:
        raise ValueError(f"{name} is of the panel {region['panel']}, which there is not")
    in_pixels = bool(region["is_fsss"])
    axes = ("fs", "ss") if in_pixels else ("x", "y")
    first, last = (
        (float(region[f"{end}_{axes[0]}"]), float(region[f"{end}_{axes[1]}"]))
        for end in ("min", "max")
    )
    if not all(low <= high for low, high in zip(first, last, strict=True)):
        raise ValueError(f"{name} has no least and largest {' and '.join(axes)} that fit together")
    return BadRegion(region["panel"], in_pixels, first, last)
