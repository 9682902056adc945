"""The lines of a file of labels, or of flags, as they are read and written again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_sfx._text import one_line
from sklearn_sfx.datasets import name_in_labels, read_annotation, weight_in_labels
from sklearn_sfx.exceptions import InputError

__all__ = ["FrameName", "Label", "Lines", "read_flags", "read_labels"]


class FrameName(NamedTuple):
    """What labels call a frame.

    Parameters
    ----------
    file : str
        Name of its file.
    number : int
        Of the frame in that file, from 1.

    Examples
    --------
    >>> from sklearn_sfx.screening import FrameName
    >>> print(FrameName("r0095_2000.h5", 17))
    r0095_2000.h5 [17]
    """

    file: str
    number: int

    def __str__(self) -> str:
        return f"{one_line(self.file)} [{self.number}]"


class Label(NamedTuple):
    """What a frame is called.

    Parameters
    ----------
    name : str
        HIT, MAYBE or MISS; of single particles empty, single, multiple or other.
    weight : float, default=1.0
        How many frames it stands for, in proportion to others.

    Examples
    --------
    >>> from sklearn_sfx.screening import Label
    >>> Label("HIT").weight
    1.0
    """

    name: str
    weight: float = 1.0


class Lines(NamedTuple):
    """What a file says of frames.

    Parameters
    ----------
    of : dict of FrameName to Label or bool
        The label of each frame, or that it is flagged; in the order of the lines.
    written : dict of str to str
        How a file of frames is written there, with its folder too, by its name.
    """

    of: dict[FrameName, Any]
    written: dict[str, str]

    def text(self) -> str:
        """Return the lines of a file that says the same."""
        return "".join(f"{self._line(*item)}\n" for item in self.of.items())

    def _line(self, frame: FrameName, said: Label | bool) -> str:
        place = f"{self.written.get(frame.file, one_line(frame.file))} [{frame.number}]"
        if not isinstance(said, Label):
            return place
        weight = weight_in_labels(said.weight)
        # What another program wrote with more digits keeps them.
        if float(weight.rpartition("=")[2] or 1) != said.weight:
            weight = f" weight={said.weight!r}"
        return f"{place} {said.name}{weight}"


def read_labels(path: Path) -> Lines:
    """Read a file of labels; of none, or an empty one, there are none.

    Raises
    ------
    InputError
        It holds something else, two labels of one frame, or two files of one name.
    """
    found = Lines({}, {})
    if not path.exists() or not path.read_bytes().strip():
        return found
    for name, number, label, weight in zip(*read_annotation(path), strict=True):
        frame = _frame(found, str(name), int(number), path)
        if frame in found.of:
            raise InputError(f"{path} labels frame [{number}] of {name} twice; leave one line.")
        found.of[frame] = Label(str(label), float(weight))
    return found


def _frame(found: Lines, written: str, number: int, path: Path) -> FrameName:
    """Return the frame that a line names, and note how its file is written."""
    name = name_in_labels(written)
    before = found.written.setdefault(name, written)
    if before != written:
        raise InputError(
            f"{path} has lines of several files called {name}, {before} and {written}: write them "
            "alike if they are one, or leave those of one."
        )
    return FrameName(name, number)


def read_flags(path: Path) -> Lines:
    """Read a file of flags; of none there are none.

    Raises
    ------
    InputError
        It holds something else.
    """
    found = Lines({}, {})
    if not path.exists():
        return found
    for place, line in enumerate(os.fsdecode(path.read_bytes()).splitlines(), start=1):
        if not line.strip():
            continue
        file, _, number = line.strip().rpartition(" [")
        digits = number.removesuffix("]")
        if not (file and number.endswith("]") and digits.isascii() and digits.isdigit()):
            raise InputError(
                f"Line {place} of {path} flags no frame: a line reads 'r0095_2000.h5 [17]'."
            )
        found.of[_frame(found, file, int(digits), path)] = True
    return found
