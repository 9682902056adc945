"""Tables with named columns: CSV, and the frames.txt and cleaned.txt of OM."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from typing import Any

from sklearn_sfx._tasks import SINGLE_PARTICLE
from sklearn_sfx._text import shortened
from sklearn_sfx.datasets.label_files._format import (
    HIT,
    MAYBE,
    MISS,
    NO_LABEL,
    FrameLabel,
    LabelFormat,
)
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import split_line

__all__ = ["Table"]

COLUMNS = {
    "file": ("file", "filename", "file_name", "path"),
    "position": ("index", "index_in_file", "position"),  # from 0
    "number": ("frame", "number", "frame_number"),  # from 1
    "event": ("event", "event_id"),
    "label": ("label", "annotation"),
    "hit": ("hit", "is_hit"),
    "peaks": ("num_peaks", "n_peaks", "npeaks", "peak_count"),
    "weight": ("weight", "sample_weight"),
}
WORDS = {
    **dict.fromkeys(("hit", "1", "1.0", "true", "yes"), HIT),
    **dict.fromkeys(("maybe",), MAYBE),
    **dict.fromkeys(("miss", "0", "0.0", "false", "no"), MISS),
    **dict.fromkeys(("", "-1", "nan", "none", "unlabelled"), NO_LABEL),
    **{label: label for label in SINGLE_PARTICLE.labels},
}
LABELS, FRAMES = {"label", "hit", "peaks"}, {"file", "position", "number", "event"}
_NAME = re.compile(r"#?\s*[^\W\d][\w -]*")  # of a column
_BOM = b"\xef\xbb\xbf"
_LONGEST = 2**16  # bytes of the first line
_LARGEST = 2**53  # numbers of frames and of peaks are below


class Table(LabelFormat):
    """A line of names, and a line for each frame; parted by commas, semicolons or tabs."""

    name = "a table with named columns"

    def knows(self, path: str, head: bytes) -> bool:
        """Told by a first line that has one of its columns, or only words."""
        try:
            names: list[str] = next(_rows(iter([_first_line(head)]), _mark(head)), [])
        except csv.Error:
            return False
        are_words = all(_NAME.fullmatch(name.strip()) for name in names)
        return len(names) > 1 and (bool(_columns(names)) or are_words)

    def read(self, path: str) -> Iterator[FrameLabel]:
        with open(path, "rb") as file:
            mark = _mark(file.readline(_LONGEST))
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
            rows = _rows(lines, mark)
            try:
                first = next(rows)
                columns = _checked(first, path)
                line = rows.line_num
                for cells in rows:
                    where = f"Line {line + 1} of {path}"
                    if rows.line_num > line + 1:  # an open quote swallows labels without a word
                        raise InputError(
                            f"{where} has a quote that is not closed in it: close it, or write "
                            "what it quotes on one line."
                        )
                    line = rows.line_num
                    if not any(cell.strip() for cell in cells):
                        continue
                    if len(cells) != len(first):
                        raise InputError(
                            f"{where} has {len(cells)} columns, and the first line names "
                            f"{len(first)}: it is cut off or damaged; mend or remove it."
                        )
                    yield _label({kind: cells[i].strip() for kind, i in columns.items()}, where)
            except csv.Error as error:
                raise InputError(
                    f"Line {rows.line_num} of {path} is no line of a table: {error}."
                ) from error


def _first_line(head: bytes) -> str:
    return os.fsdecode(re.split(rb"[\r\n]", head.removeprefix(_BOM), maxsplit=1)[0])


def _mark(head: bytes) -> str:
    """Return what parts the columns."""
    return max(",;\t", key=_first_line(head).count)


def _rows(lines: Iterator[str], mark: str) -> Any:
    return csv.reader(lines, delimiter=mark, skipinitialspace=True)


def _columns(names: list[str]) -> dict[str, list[int]]:
    """Return where the columns of each kind are."""
    cleaned = [name.strip().removeprefix("#").strip().strip('"').lower() for name in names]
    places = {
        kind: [i for i, name in enumerate(cleaned) if name in known]
        for kind, known in COLUMNS.items()
    }
    return {kind: at for kind, at in places.items() if at}


def _checked(names: list[str], path: str) -> dict[str, int]:
    """Return where the column of each kind is."""
    found = _columns(names)
    shown = shortened(", ".join(name.strip() for name in names), 80)
    if not (LABELS & found.keys() and FRAMES & found.keys()):
        lacks = "a label" if FRAMES & found.keys() else "the frame"
        raise InputError(
            f"The first line of {path}, {shown!r}, names no column of {lacks}: a table needs "
            "'label', 'hit' or 'num_peaks', and 'frame' (from 1), 'index' (from 0), 'event' or, "
            "for all frames of a file, 'file'."
        )
    for at in found.values():
        if len(at) > 1:
            one, two = (names[i].strip() for i in at[:2])
            raise InputError(
                f"The first line of {path} names two columns of one kind, {one!r} and {two!r}: "
                "leave one of them."
            )
    return {kind: at[0] for kind, at in found.items()}


def _label(cells: dict[str, str], where: str) -> FrameLabel:
    said = cells.get("label", cells.get("hit", ""))
    label = WORDS.get(said.lower())
    if label is None:
        raise InputError(
            f"{where} has the label {shortened(said, 40)!r}, and a label is HIT, MAYBE, MISS, 1, 0 "
            f"or nothing, or, of single particles, {SINGLE_PARTICLE.in_words}."
        )
    weight = 1.0
    if cells.get("weight"):
        weight = _float(cells["weight"], where)
    peaks = cells.get("peaks")
    count = _whole(peaks, "a number of peaks", where) if peaks else None
    name, event, position, other = cells.get("file", ""), None, None, None
    if cells.get("position"):
        position = _whole(cells["position"], "a position, from 0,", where)
        if position < 0:  # OM has not stored it
            position = None
    if cells.get("number"):
        number = _whole(cells["number"], "the number of a frame, from 1,", where)
        if number <= 0:
            raise InputError(
                f"{where} names frame {number}, and 'frame' counts from 1: call a column that "
                "counts from 0 'index'."
            )
        if position is not None and number != position + 1:
            raise InputError(
                f"{where} names two frames: its index, from 0, is {position}, and its frame, from "
                f"1, is {number}; leave the column that is right."
            )
        position = number - 1
    if "event" in cells and (found := _event(name, cells["event"])) is not None:
        if position is None:
            name, event = found
        else:
            other = found
    if position is None and event is None and {"position", "number", "event"} & cells.keys():
        raise InputError(f"{where} does not say which frame it is about: mend or remove it.")
    is_weak = "label" not in cells
    said_by = ""
    if other is not None:
        said_by = f"{where} names two frames: "
        if cells.get("number"):
            said_by += f"its frame, from 1, is {cells['number']}"
        else:
            said_by += f"its index, from 0, is {cells['position']}"
    return FrameLabel(name, event, position, label, weight, count, is_weak, other, said_by)


def _event(name: str, text: str) -> tuple[str, str] | None:
    """Return file and event; OM writes both in one cell."""
    _, file, event = split_line(1, text)
    if event is not None:
        return file, event
    if "//" in text:
        return name, text
    return (name, f"//{int(text)}") if text.isdecimal() and len(text) < 16 else None


def _whole(text: str, what: str, where: str) -> int:
    digits = text.removesuffix(".0")
    if not (digits.removeprefix("-").isdecimal() and digits.isascii() and len(digits) < 17):
        raise InputError(f"{where} has {shortened(text, 40)!r} for {what} which is a whole number.")
    return int(digits)


def _float(text: str, where: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = float("nan")
    if not 0 < weight < float("inf"):
        raise InputError(
            f"{where} gives its label the weight {shortened(text, 24)!r}, but a weight is a "
            "positive number, such as 1.37."
        )
    return weight
