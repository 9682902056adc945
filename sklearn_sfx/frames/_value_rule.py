"""Which values of a pixel are not to be used, wherever in a frame they occur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_sfx.frames._facts import Facts

__all__ = ["ValueRule", "no_data_values", "rule_of_facts", "rule_of_type"]

BRIGHT = 0.1  # of the way from the background to saturation; the flank of a saturated spot is more
OF_32_BITS = (2.0**32 - 1, 2.0**32 - 2, 2.0**31 - 1, 2.0**31 - 2, -(2.0**31))  # no counts
SAMPLED = 8  # the background is the median of every eighth pixel of every eighth row


@dataclass(frozen=True)
class ValueRule:
    """Values of pixels that are not to be used.

    It is asked frame by frame, on the numbers as the file has them. Most frames hold none of these
    values, which their least and their largest value tell.

    Parameters
    ----------
    no_data : tuple of float
        Values that stand for no data.
    lowest : float or None
        Pixels below it are not used.
    highest : float or None
        Pixels from this value on are saturated or stand for no data. They are not used, but for
        those in a spot: a saturated pixel with a bright one beside it is the top of a Bragg spot,
        whose height is at least that, and a hit has to keep it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import ValueRule
    >>> frame = np.array([[1, 65535, 1, 0, 1], [2, 1, 0, 30000, 65535]], np.uint16)
    >>> ValueRule(highest=65535).not_usable(frame)[0]
    array([False,  True, False, False, False])
    >>> ValueRule(highest=65535).not_usable(frame)[1]  # beside a bright pixel
    array([False, False, False, False, False])
    >>> ValueRule(no_data=(-1.0,)).not_usable(frame) is None
    True
    """

    no_data: tuple[float, ...] = ()
    lowest: float | None = None
    highest: float | None = None

    def __bool__(self) -> bool:
        """Whether there is such a value."""
        return self != ValueRule()

    def __or__(self, other: ValueRule) -> ValueRule:
        """Return the rule by which a pixel is not used if one of the two says so."""
        return ValueRule(
            tuple(dict.fromkeys((*self.no_data, *other.no_data))),
            max((v for v in (self.lowest, other.lowest) if v is not None), default=None),
            min((v for v in (self.highest, other.highest) if v is not None), default=None),
        )

    def not_usable(self, frame: np.ndarray) -> np.ndarray | None:
        """Return where the values of a frame are not to be used.

        Parameters
        ----------
        frame : ndarray of shape (height, width)
            Numbers of any kind; NaN is in none of the values.

        Returns
        -------
        bool ndarray of shape (height, width), or None
            None if all may be used.
        """
        if not self or not frame.size:
            return None
        least, most = np.fmin.reduce(frame, axis=None), np.fmax.reduce(frame, axis=None)
        no_data = (_as_in(frame, value) for value in self.no_data)
        found: list[np.ndarray] = [frame == value for value in no_data if least <= value <= most]
        if self.lowest is not None and least < self.lowest:
            found.append(frame < self.lowest)
        bad = np.logical_or.reduce(found) if found else None
        if self.highest is not None and most >= self.highest:
            high = frame >= self.highest
            if bad is not None:
                high &= ~bad
            _spare_spots(frame, high, bad, self.highest)
            bad = high if bad is None else bad | high
        return bad if bad is not None and bad.any() else None


def rule_of_facts(facts: Facts) -> ValueRule:
    """Return the rule that a file gives of its own frames.

    Parameters
    ----------
    facts : Facts
        What it says of them.
    """
    return ValueRule(facts.no_data, facts.lowest, facts.saturation)


def rule_of_type(dtype: np.dtype) -> ValueRule:
    """Return the rule for frames of which nothing is known but the type of their numbers.

    No detector counts to the end of 32 bits, so the numbers there mean something else: an
    overflow, a pixel or a module that is not there. A CCD does count to the end of 16 bits, so
    there the largest number may as well be the top of a Bragg spot. The least number of a signed
    type is never a count. Numbers of 64 bits and floats, to which those of 32 bits are often
    converted, keep what these mean, rounded as that type has it.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the frames as they are stored.

    Returns
    -------
    ValueRule
        An empty one for bool and float16.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import rule_of_type
    >>> rule_of_type(np.dtype("uint16"))
    ValueRule(no_data=(), lowest=None, highest=65535.0)
    >>> rule_of_type(np.dtype("int32")).no_data
    (2147483647.0, 2147483646.0, -2147483648.0)
    >>> rule_of_type(np.dtype("float32")).no_data
    (4294967296.0, 2147483648.0, -2147483648.0)
    """
    if dtype.kind == "f" and dtype.itemsize >= 4:
        rounded = (float(dtype.type(value)) for value in OF_32_BITS)
        return ValueRule(tuple(dict.fromkeys(rounded)))
    if dtype.kind not in "iu":
        return ValueRule()
    if dtype.itemsize > 4:
        wide = OF_32_BITS if dtype.kind == "i" else OF_32_BITS[:-1]
        return ValueRule((*no_data_values(dtype, None), *wide))
    if dtype.itemsize == 4:
        return ValueRule(no_data_values(dtype, None))
    limits = np.iinfo(dtype)
    return ValueRule((float(limits.min),) if limits.min < 0 else (), None, float(limits.max))


def no_data_values(dtype: np.dtype, bit_depth: float | None) -> tuple[float, ...]:
    """Return the values that stand for no data in frames of a photon-counting detector.

    Of so many bits, the two largest: a pixel that is not there, and one that overflowed; of signed
    numbers the smallest too. Numbers of 32 bits may have been cut to those that are not negative.
    """
    if dtype.kind not in "iu":
        return ()
    bits = dtype.itemsize * 8
    if bit_depth is not None and 8 <= bit_depth < bits:
        bits = int(bit_depth)
    tops = [bits] if dtype.kind == "u" else [bits - 1]
    tops += [31] if dtype.kind == "u" and bits == 32 else []
    values = [float(2**top - less) for top in tops for less in (1, 2)]
    return (*values, -float(2 ** (bits - 1))) if dtype.kind == "i" else tuple(values)


def _as_in(frame: np.ndarray, value: float) -> int | float | np.floating:
    """Return a value as numbers of the frame's type are compared with it quickly and exactly."""
    if frame.dtype.kind == "f":
        return frame.dtype.type(value)
    limits = np.iinfo(frame.dtype)
    return int(value) if value == int(value) and limits.min <= int(value) <= limits.max else value


def _spare_spots(
    frame: np.ndarray, high: np.ndarray, bad: np.ndarray | None, highest: float
) -> None:
    """Take those pixels out of the high ones that have a bright pixel beside them."""
    rows, columns = np.nonzero(high)
    background = float(np.nanmedian(frame[::SAMPLED, ::SAMPLED].astype(np.float64)))
    if not background < highest:
        return
    least = background + BRIGHT * (highest - background)
    spared = np.zeros(len(rows), bool)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            beside = (
                np.clip(rows + down, 0, frame.shape[0] - 1),
                np.clip(columns + right, 0, frame.shape[1] - 1),
            )
            values = frame[beside]
            bright = (values >= least) & (values < highest)
            spared |= bright if bad is None else bright & ~bad[beside]
    high[rows[spared], columns[spared]] = False
