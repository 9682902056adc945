"""Which frames were there before, in little memory."""

from __future__ import annotations

from collections.abc import Iterable

from sklearn_sfx._text import one_line
from sklearn_sfx.frames import FrameOrigin

__all__ = ["Seen"]

ONE = b"\1"


class Seen:
    """Frames of files, by file and event: a byte for each, and a name for each file.

    Frames of no file are never seen, since events of streams come again.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], bytearray | bytes] = {}

    def new_rows(self, sources: Iterable[FrameOrigin]) -> list[int]:
        """Return which of some frames are new, and remember them."""
        return [
            row
            for row, source in enumerate(sources)
            if source.path is None or self.add(source.path, source.event)
        ]

    def add(self, path: str, event: str) -> bool:
        """Remember a frame, and return whether it is new; the path may be as a table has it."""
        name, _, number = event.rpartition("//")
        if not number.isdecimal() or len(number) > 10:
            key = one_line(path), event
            is_new = key not in self._known
            self._known[key] = ONE
            return is_new
        row, key = int(number), (one_line(path), f"{name}//#")
        rows = self._known.get(key)
        if not isinstance(rows, bytearray):
            rows = self._known[key] = bytearray()
        if row >= len(rows):
            rows.extend(bytes(row + 1 - len(rows)))
        is_new = not rows[row]
        rows[row] = 1
        return is_new

    def forget(self, path: str) -> None:
        """Forget the frames of a file that is another one now."""
        path = one_line(path)
        self._known = {key: rows for key, rows in self._known.items() if key[0] != path}
