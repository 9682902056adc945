"""Units, as files write them, in those of this package: mm and angstrom."""

from __future__ import annotations

from sklearn_sfx.frames._constants import HC_EV_ANGSTROM, JOULE_IN_EV

__all__ = ["conversion"]

_METRES = {
    **{"m": 1.0, "metre": 1.0, "meter": 1.0, "cm": 1e-2, "mm": 1e-3, "millimetre": 1e-3},
    **{"millimeter": 1e-3, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "micron": 1e-6, "micrometre": 1e-6},
    **{"micrometer": 1e-6, "nm": 1e-9, "nanometre": 1e-9, "nanometer": 1e-9, "pm": 1e-12},
    **{"a": 1e-10, "å": 1e-10, "ang": 1e-10, "angstrom": 1e-10, "angstroem": 1e-10},
}
_ELECTRONVOLTS = {
    **{"ev": 1.0, "electronvolt": 1.0, "kev": 1e3, "kiloelectronvolt": 1e3},
    **{"j": JOULE_IN_EV, "joule": JOULE_IN_EV},
}
_PLURALS = ("metres", "meters", "microns", "angstroms", "volts", "joules")


def conversion(quantity: str, unit: str) -> tuple[float, bool] | None:
    """Return how numbers in a unit become those of a quantity.

    Parameters
    ----------
    quantity : {"wavelength", "distance"}
        In angstrom, and in mm.
    unit : str
        As the file has it.

    Returns
    -------
    (float, bool) or None
        The scale, and whether it is divided by the number instead of multiplied with it, as for
        energies; None for a unit that is not known, or is none of this quantity.
    """
    word = unit.lower()
    if word.endswith(_PLURALS):
        word = word[:-1]
    if word in _METRES:
        return _METRES[word] * (1e10 if quantity == "wavelength" else 1e3), False
    if word in _ELECTRONVOLTS and quantity == "wavelength":
        return HC_EV_ANGSTROM / _ELECTRONVOLTS[word], True
    return None
