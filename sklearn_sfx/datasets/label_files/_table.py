"""Tables with named columns: CSV, and the frames.txt and cleaned.txt of OM."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from itertools import islice

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
}
_BOM = b"\xef\xbb\xbf"
_LARGEST = 2**53  # numbers of frames and of peaks are below


class Table(LabelFormat):
    """A line of names, and a line for each frame; parted by commas, semicolons or tabs."""

    name = "a table with named columns"

    def knows(self, path: str, head: bytes) -> bool:
        """Told by the first line: it names a column of labels or peaks, and one of frames."""
        names, _ = _header(head)
        says = {"label", "hit", "peaks"} & names.keys()
        return bool(says) and bool({"position", "number", "event", "file"} & names.keys())

    def read(self, path: str) -> Iterator[FrameLabel]:
        with open(path, "rb") as file:
            columns, mark = _header(file.readline())
        n_columns = len(columns)
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = csv.reader(file, delimiter=mark, skipinitialspace=True)
            try:
                n_columns = len(next(rows))
                for cells in rows:
                    where = f"Line {rows.line_num} of {path}"
                    if not any(cell.strip() for cell in cells):
                        continue
                    if len(cells) != n_columns:
                        raise InputError(
                            f"{where} has {len(cells)} columns, and the first line names "
                            f"{n_columns}: it is cut off or damaged; mend or remove it."
                        )
                    yield _label({name: cells[i].strip() for name, i in columns.items()}, where)
            except csv.Error as error:
                raise InputError(
                    f"Line {rows.line_num} of {path} is no line of a table: {error}."
                ) from error


def _header(head: bytes) -> tuple[dict[str, int], str]:
    """Return where each column is that is known, and what parts them."""
    text = os.fsdecode(head.removeprefix(_BOM).split(b"\n")[0]).strip()
    mark = max(",;\t", key=text.count)
    names = next(csv.reader(islice([text.removeprefix("#")], 1), delimiter=mark), [])
    cleaned = [name.strip().strip('"').lower() for name in names]
    found: dict[str, int] = {}
    for kind, known in COLUMNS.items():
        places = [i for i, name in enumerate(cleaned) if name in known]
        if places:
            found[kind] = places[0]
    return found, mark


def _label(cells: dict[str, str], where: str) -> FrameLabel:
    said = cells.get("label", cells.get("hit", ""))
    label = WORDS.get(said.lower())
    if label is None:
        raise InputError(
            f"{where} has the label {shortened(said, 40)!r}, and a label is HIT, MAYBE, MISS, 1, 0 "
            "or nothing."
        )
    weight = 1.0
    if cells.get("weight"):
        weight = _float(cells["weight"], where)
    peaks = cells.get("peaks")
    count = _whole(peaks, "a number of peaks", where) if peaks else None
    name, event, position, other = cells.get("file", ""), None, None, None
    if cells.get("position"):
        position = _whole(cells["position"], "a position, from 0,", where)
    elif cells.get("number"):
        position = _whole(cells["number"], "the number of a frame, from 1,", where) - 1
    if position is not None and position < 0:  # OM has not stored it
        position = None
    if "event" in cells and (found := _event(name, cells["event"])) is not None:
        if position is None:
            name, event = found
        else:
            other = found
    if position is None and event is None and {"position", "number", "event"} & cells.keys():
        raise InputError(f"{where} does not say which frame it is about: mend or remove it.")
    is_weak = "label" not in cells
    return FrameLabel(name, event, position, label, weight, count, is_weak, other)


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
