"""Lists of hits, of CrystFEL, of OM or of ``sfx screen``: what they name is a hit."""

import os
from collections.abc import Iterator

from sklearn_sfx._text import shortened
from sklearn_sfx.datasets.label_files._format import HIT, FrameLabel, LabelFormat
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import split_line

__all__ = ["EventList"]

_BOM = b"\xef\xbb\xbf"
_LONGEST = 2**16  # bytes of a line


class EventList(LabelFormat):
    """``run.cxi //42``, or a file of which all frames are hits."""

    name = "a list of hits"

    def knows(self, path: str, head: bytes) -> bool:
        """Told by a first line that has an event, or names a file that is there."""
        if b"\0" in head:
            return False
        lines = (line for line in head.removeprefix(_BOM).split(b"\n") if line.strip())
        first = split_line(1, os.fsdecode(next(lines, b"")))
        folders = (os.getcwd(), os.path.dirname(os.path.abspath(path)))
        is_there = any(os.path.isfile(os.path.join(folder, first.name)) for folder in folders)
        return first.event is not None or (bool(first.name) and is_there)

    def read(self, path: str) -> Iterator[FrameLabel]:
        with_events: set[str] = set()
        whole: dict[str, int] = {}  # name -> its line
        with open(path, "rb") as file:
            number = 0
            while line := file.readline(_LONGEST):
                number += 1
                if len(line) == _LONGEST or b"\0" in line:
                    shown = shortened(os.fsdecode(line), 60)
                    raise InputError(
                        f"Line {number} of {path} is {shown!r}, and no line of a list of frames: "
                        "give the list of hits, one 'file event' to a line."
                    )
                text = os.fsdecode(line.removeprefix(_BOM)).rstrip("\r\n")
                if text.strip():
                    _, name, event = split_line(number, text)
                    if event is None:
                        whole.setdefault(name, number)
                    else:
                        with_events.add(name)
                    if name in whole and name in with_events:  # a line that is cut off
                        raise InputError(
                            f"Line {whole[name]} of {path} names all frames of "
                            f"{shortened(name, 60)}, and other lines name some of them: if it is "
                            "cut off, give its event, else leave the lines that are right."
                        )
                    yield FrameLabel(name, event, None, HIT)
