"""Which frames were there before, in little memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

from sklearn_sfx._text import one_line
from sklearn_sfx.frames import FrameOrigin

__all__ = ["Seen"]

ONE = b"\1"  # the first frame alone, as of an image
DIGEST = 16  # bytes, of which no two names have the same


class Seen:
    """Frames of files, by file and event: a byte for each, and a digest for each file.

    Frames of no file are never seen, since events of streams come again.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, bytearray | bytes] = {}
        self._forgotten: Counter[str] = Counter()  # how often, of each path

    def new_rows(self, sources: Iterable[FrameOrigin]) -> list[int]:
        """Return which of some frames are new, and remember them."""
        return [
            row
            for row, source in enumerate(sources)
            if source.path is None or self.add(source.path, source.event)
        ]

    def add(self, path: str, event: str) -> bool:
        """Remember a frame, and return whether it is new; the path may be as a table has it."""
        key, row = self._place(path, event)
        rows = self._known.get(key, b"")
        is_new = row >= len(rows) or not rows[row]
        if not rows and row == 0:
            self._known[key] = ONE
        elif is_new:
            if not isinstance(rows, bytearray):
                rows = self._known[key] = bytearray(rows)
            rows.extend(bytes(max(0, row + 1 - len(rows))))
            rows[row] = 1
        return is_new

    def has(self, path: str, event: str) -> bool:
        """Whether a frame is remembered."""
        key, row = self._place(path, event)
        rows = self._known.get(key, b"")
        return row < len(rows) and bool(rows[row])

    def forget(self, path: str) -> None:
        """Forget the frames of a file that is another one now."""
        self._forgotten[one_line(path)] += 1

    def _place(self, path: str, event: str) -> tuple[bytes, int]:
        """Return the key of the frames that a frame is one of, and its row among them."""
        name, _, number = event.rpartition("//")
        is_row = number.isdecimal() and len(number) <= 10
        path = one_line(path)
        parts = [path, str(self._forgotten.get(path, 0)), f"{name}//#" if is_row else event]
        text = "\0".join(parts).encode("utf-8", "backslashreplace")
        return blake2b(text, digest_size=DIGEST).digest(), int(number) if is_row else 0
