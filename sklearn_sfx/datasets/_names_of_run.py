"""The frames of a run, found by what files of labels call them."""

from __future__ import annotations

from sklearn_sfx._text import shortened
from sklearn_sfx.datasets._annotation import name_in_labels
from sklearn_sfx.datasets.label_files import FrameLabel
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames

__all__ = ["NamesOfRun"]

IN_PROGRESS = ".inprogress"  # OM writes this behind the name of a file, which it then loses
ONLY = (None, "", "//", "//0")  # names of the frame of a file that has one
FIRST = ("//", "//0")  # ends of the name of the first frame of a file


class NamesOfRun:
    """The frames of a run, by the names that files of labels have for them."""

    def __init__(self, frames: Frames):
        self._sources = frames.sources
        self.paths: dict[str, str | None] = {}
        self._positions: dict[tuple[str, int], list[int]] = {}
        self._events: dict[tuple[str, str], list[int]] = {}
        self._files: dict[str, list[int]] = {}
        for row, origin in enumerate(self._sources):
            name = name_in_labels(origin.path)
            if self.paths.setdefault(name, origin.path) != origin.path:
                raise InputError(
                    "Labels name frames by file name, and two files of this run are called "
                    f"{name}: {self.paths[name]} and {origin.path}; label and train with one of "
                    "them at a time."
                )
            self._positions.setdefault((name, origin.position), []).append(row)
            self._events.setdefault((name, origin.event), []).append(row)
            self._files.setdefault(name, []).append(row)

    def rows(self, said: FrameLabel) -> tuple[tuple[str, str], list[int]]:
        """Return which frames are meant, none where the run has no such frame; first of what file.

        That is its name, and its path as it is written.
        """
        file = self._name(said.name)
        rows = self._rows(file[0], said.event, said.position)
        if said.other is None:
            return file, rows
        other_file, event = self._name(said.other[0]), said.other[1]
        other_rows = self._rows(other_file[0], event, None)
        if file[0] != other_file[0]:  # a frame that was copied
            return (file, rows) if rows else (other_file, other_rows)
        if rows != other_rows and event != f"//{said.position}":
            raise InputError(
                f"{said.where}, and its event is {shortened(event, 40)}, which is another frame: "
                "leave the column that is right."
            )
        return file, rows

    def _name(self, written: str) -> tuple[str, str]:
        """Return the name of a file as the run has it, and its path as it is written."""
        if not written and len(self.paths) == 1:
            (name,) = self.paths
            return name, ""
        name = name_in_labels(written)
        if name not in self._files and name.endswith(IN_PROGRESS):
            return name.removesuffix(IN_PROGRESS), written.removesuffix(IN_PROGRESS)
        return name, written

    def _rows(self, name: str, event: str | None, position: int | None) -> list[int]:
        if position is not None:
            return self._positions.get((name, position), [])[:1]
        if event is None:
            return self._files.get(name, [])
        rows = self._events.get((name, event), [])
        if not rows and event in ONLY and len(self._files.get(name, [])) == 1:
            only = self._sources[self._files[name][0]]  # of the run; the file may have more
            if only.position == 0 and only.event.endswith(FIRST):
                return self._files[name]
        return rows[:1]

    def example(self) -> str:
        """Return in words what the run has."""
        first = self._sources[0]
        more = f", of {len(self.paths)} files" if len(self.paths) > 1 else ""
        return f"{first.event} of {name_in_labels(first.path)}{more}"
