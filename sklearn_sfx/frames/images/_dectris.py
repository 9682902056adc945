"""The header that DECTRIS detectors write, a line each, into CBF and TIFF files."""

from __future__ import annotations

import re

from sklearn_sfx.frames._facts import Facts

__all__ = ["dectris_facts", "dectris_time"]

_MM = {"m": 1000.0, "mm": 1.0, "um": 1e-3}
_NUMBER = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
GAP, BAD = -1.0, -2.0  # between modules, and a pixel that the detector knows to be defective
LEAST_TILT = 0.1  # degrees of 2-theta, from which the beam is not where the header says


def dectris_facts(text: str, format_name: str) -> Facts:
    """Return what lines such as ``# Detector_distance 0.16000 m`` say.

    A pixel below 0 has not counted: -1 lies between modules, -2 is known to be bad.
    """
    center = re.search(rf"Beam_xy[:=\s]*\(\s*{_NUMBER},\s*{_NUMBER}\s*\)\s*pixels", text)
    column, row = (float(center[1]), float(center[2])) if center else (0.0, 0.0)
    tilt = re.search(rf"Detector_2theta[:=\s]*{_NUMBER}\s*deg", text)
    on_axis = tilt is None or abs(float(tilt[1])) < LEAST_TILT
    note = (
        ""
        if tilt is None or on_axis
        else f"the detector is turned by {tilt[1]} degrees off the beam"
    )
    cutoff = re.search(rf"Count_cutoff[:=\s]*{_NUMBER}\s*counts", text)
    wavelength = re.search(rf"Wavelength[:=\s]*{_NUMBER}\s*A(?:ng|\b)", text)
    return Facts(
        format=format_name,
        beam_center=(row, column) if on_axis and (row, column) != (0, 0) else None,
        pixel_size=_length(text, "Pixel_size"),
        distance=_length(text, "Detector_distance"),
        wavelength=(float(wavelength[1]) or None) if wavelength else None,
        saturation=(float(cutoff[1]) or None) if cutoff else None,
        no_data=(GAP, BAD),
        lowest=0.0,
        note=note,
    )


def dectris_time(text: str) -> str:
    """Return the line that has the time of the exposure, "" where there is none."""
    found = re.search(r"^#\s*(\d{4}[-/:]\w{2,3}[-/:]\d\d[T ]\d\d:\d\d:\d\d[.\d]*)", text, re.M)
    return found[1] if found else ""


def _length(text: str, name: str) -> float | None:
    """Return a length in mm; None where its unit is none that is known, or it is 0."""
    found = re.search(rf"{name}[:=\s]*{_NUMBER}\s*(m|mm|um)\b", text)
    return (round(float(found[1]) * _MM[found[2]], 9) or None) if found else None
