"""Trains of the Karabo bridge: from the parts of a message to the pulses of a detector.

A message of protocol 2.2 [1]_ is pairs of parts, a header and what it announces. Those of protocol
1.0 may hold pickles, so they are refused.

.. [1] https://rtd.xfel.eu/docs/data-analysis-user-documentation/, "Karabo bridge protocol"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx._text import listed, shortened
from sklearn_sfx.streams.network._malformed import Malformed, Unfitting

__all__ = ["Train", "decode_train", "find_detector"]

# Where the pixels of a detector are, and their mask, and what is counted by pulse.
KEYS = {
    "image.data": ("image.mask", "image.pulseId", "image.cellId"),
    "data.adc": ("data.mask", "data.pulseId", "data.memoryCell"),
}
# Rows and columns of a module, by what the name of the detector has in it.
MODULES = {
    "AGIPD": (512, 128),
    "LPD": (256, 256),
    "DSSC": (128, 512),
    "JNGFR": (512, 1024),
    "_JF": (512, 1024),
}
LONGEST = 200  # characters of an error
MOST_MODULES = 64


@dataclass(frozen=True)
class Train:
    """The pulses of one train.

    Parameters
    ----------
    source : str
        What the detector is called.
    train : int
        Number of the train.
    pulse, cell : int ndarray of shape (n_pulses,), or None
        Of each pulse; without numbers of their own pulses are counted from 0.
    data, mask : ndarray of shape (n_pulses, n_modules, rows, columns), or None
        Views of what was received; of the mask 0 is a good pixel.
    present : bool ndarray of shape (n_modules,)
        Which modules sent something.
    """

    source: str
    train: int
    pulse: np.ndarray
    cell: np.ndarray | None
    data: np.ndarray = field(repr=False)
    mask: np.ndarray | None = field(repr=False)
    present: np.ndarray


def decode_train(parts: list[bytes]) -> tuple[dict[str, dict], dict[str, dict]]:
    """Return what each source sent, and what is said of it.

    Raises
    ------
    Malformed
        It is no message of the bridge.
    """
    if len(parts) < 2:
        raise Malformed("it is of protocol 1.0, or none of the bridge: set the bridge to 2.2")
    if len(parts) % 2:
        raise Malformed("a part of it is missing")
    bridge = require("karabo_bridge", extra="stream", what="Streams of the Karabo bridge")
    try:
        data, about = bridge.deserialize(parts)
        return dict(data), {str(name): dict(one) for name, one in about.items()}
    except Exception as error:  # of whatever kind: what is in it decides
        said = shortened(str(error), LONGEST) or type(error).__name__
        raise Malformed(f"it is no train ({said})") from error


def find_detector(
    data: dict[str, dict], about: dict[str, dict], source: str | None, order: str | None
) -> Train:
    """Return the pulses of the one detector of a train, or of that which is named.

    Parameters
    ----------
    data, about : dict
        What `decode_train` returned.
    source : str or None
        The name of the detector; None where there is one.
    order : {"online", "file"} or None
        Whether pulses are the last axis or the first; None for what fits, the last if both do.

    Raises
    ------
    Malformed
        It has no detector, or one whose arrays do not fit.
    Unfitting
        It has others than that which is named, or several and none is named.
    """
    detectors = [
        (name, key)
        for name, sent in data.items()
        for key in KEYS
        if isinstance(sent, dict) and isinstance(sent.get(key), np.ndarray)
    ]
    names = [str(name) for name, _ in detectors]
    found = [(name, key) for name, key in detectors if source in (None, name)]
    if not found and detectors:
        raise Unfitting(f"it has no images of {source}: name what it has, {listed(names)}")
    if not found:
        has = listed([str(name) for name in data])
        raise Malformed(f"it has no images of {source or 'a detector'}, only {has}")
    if len(found) > 1:
        raise Unfitting(
            f"it has several detectors: {listed(names)}; add ?source=NAME to the address"
        )
    ((name, key),) = found
    sent = data[name]
    mask_key, pulse_key, cell_key = KEYS[key]
    pulse, cell = _numbers(sent, pulse_key), _numbers(sent, cell_key)
    counts = {len(numbers) for numbers in (pulse, cell) if numbers is not None}
    if len(counts) != 1:
        raise Malformed(f"it does not say how many pulses it has: {pulse_key} or {cell_key}")
    (n_pulses,) = counts
    present = _flags(sent.get("modulesPresent"))
    pixels = _in_order(str(name), sent[key], n_pulses, present, order)
    bad = sent.get(mask_key)
    mask = None
    if isinstance(bad, np.ndarray):
        if bad.shape != sent[key].shape or bad.dtype.kind not in "ui":
            raise Malformed(f"its {mask_key} does not fit its {key}")
        mask = _in_order(str(name), bad, n_pulses, present, order)
    return Train(
        str(name),
        _train_number(about.get(name, {}), sent, key),
        np.arange(n_pulses) if pulse is None else pulse,
        cell,
        pixels,
        mask,
        np.broadcast_to(present, pixels.shape[1]),
    )


def _in_order(
    name: str, array: np.ndarray, n_pulses: int, present: np.ndarray, order: str | None
) -> np.ndarray:
    """Return a view of shape (pulses, modules, rows, columns), whatever the order of the axes."""
    if array.dtype.kind not in "uif" or array.ndim not in (3, 4) or 0 in array.shape:
        raise Malformed(f"its images have the shape {array.shape} and the dtype {array.dtype}")
    of_name = next((size for part, size in MODULES.items() if part in name.upper()), None)
    views = []
    if order in (None, "online"):  # (modules, fast scan, slow scan, pulses)
        stack = array if array.ndim == 4 else array[None]
        views.append(stack.transpose(3, 0, 2, 1))
    if order in (None, "file"):
        views.append(array if array.ndim == 4 else array[:, None])
    for view in views:
        fits = len(view) == n_pulses and view.shape[1] <= MOST_MODULES
        fits &= of_name is None or view.shape[2:] == of_name
        if fits and present.size in (1, view.shape[1]):
            return view
    raise Malformed(
        f"its images have the shape {array.shape}, which is not that of {n_pulses} pulses"
        + (f" of modules of {of_name[0]} x {of_name[1]} pixels" if of_name else "")
    )


def _flags(values: Any) -> np.ndarray:
    """Return which modules are there; one flag, if nothing is said of them."""
    is_list = isinstance(values, list | tuple) and all(isinstance(one, bool) for one in values)
    if is_list and values:
        return np.array(values, bool)
    if isinstance(values, np.ndarray) and values.dtype.kind in "bui" and values.size:
        return values.ravel() != 0
    return np.ones(1, bool)


def _numbers(sent: dict, key: str) -> np.ndarray | None:
    """Return numbers that are counted by pulse; None where there are none."""
    values = sent.get(key)
    if isinstance(values, list | tuple):
        values = np.array(values) if all(type(value) is int for value in values) else None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "ui" or not values.size:
        return None
    return values.ravel()


def _train_number(about: dict, sent: dict, key: str) -> int:
    """Return the number of the train, from what is said of the source, or from its pulses."""
    number: Any = about.get("timestamp.tid")
    if number is None:
        counted = _numbers(sent, f"{key.partition('.')[0]}.trainId")
        number = None if counted is None else int(counted[0])
    if type(number) is not int or not 0 <= number < 2**63:
        raise Malformed("it has no number: neither timestamp.tid nor trainId")
    return number
