"""The formats of labels, in the order in which they are asked.

The first that knows a file reads it. To add one, write its module, a subclass of `LabelFormat`, and
name it here.
"""

import os
from pathlib import Path

from sklearn_sfx.datasets.label_files._event_list import EventList
from sklearn_sfx.datasets.label_files._format import LabelFormat
from sklearn_sfx.datasets.label_files._lines import Lines
from sklearn_sfx.datasets.label_files._results import Results
from sklearn_sfx.datasets.label_files._stream import Stream
from sklearn_sfx.datasets.label_files._table import Table
from sklearn_sfx.exceptions import InputError

__all__ = ["FORMATS", "label_format"]

HEAD_BYTES = 2**16
LINES = Lines()
FORMATS: tuple[LabelFormat, ...] = (Stream(), Results(), LINES, Table(), EventList())


def label_format(path: str | Path) -> LabelFormat:
    """Return the format of a file of labels; of one that none knows the one that says why.

    Raises
    ------
    InputError
        There is no such file, or it cannot be read.
    """
    path = os.fsdecode(path)
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device may never end
        return LINES
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        return LINES
    except OSError as error:
        raise InputError(f"The file of labels {path} cannot be read: {error.strerror}.") from error
    return next((known for known in FORMATS if known.knows(path, head)), LINES)
