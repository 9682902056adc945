"""Lists of hits, one ``file event`` to a line, as CrystFEL reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin

__all__ = ["check_listable", "hit_line", "read_hits"]

LONGEST_LINE = 1022  # what CrystFEL reads of one line
BOM = b"\xef\xbb\xbf"
BREAKS_LINES = re.compile(r"[\n\r\0]")


def read_hits(path: str | os.PathLike) -> list[tuple[str, str | None]]:
    r"""Read a list of files and events as CrystFEL does.

    Parameters
    ----------
    path : path-like
        The list: a file name to a line, then a blank and an event if the event holds ``//``.

    Returns
    -------
    list of (str, str or None)
        File name and event; None where a line names a whole file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx.screening import read_hits
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     listing = pathlib.Path(folder, "hits.lst")
    ...     _ = listing.write_text("my run.cxi //42\nother.cxi\n")
    ...     read_hits(listing)
    [('my run.cxi', '//42'), ('other.cxi', None)]
    """
    hits: list[tuple[str, str | None]] = []
    for line in os.fsdecode(Path(path).read_bytes().removeprefix(BOM)).split("\n"):
        name, blank, event = line.rstrip("\r").rpartition(" ")
        if blank and "//" in event:
            hits.append((name, event))
        elif line.strip():
            hits.append((line.rstrip("\r"), None))
    return hits


def check_listable(sources: Iterable[FrameOrigin]) -> None:
    r"""Refuse frames that a hit list cannot name, before work is done for it.

    Parameters
    ----------
    sources : iterable of FrameOrigin
        The frames.

    Raises
    ------
    InputError
        Frames come from no file, have a name that would not be one line or be read as another, or
        one longer than CrystFEL reads.

    Examples
    --------
    >>> from sklearn_sfx.frames import FrameOrigin
    >>> from sklearn_sfx.screening import check_listable
    >>> check_listable([FrameOrigin("/data/a\nb.h5", 0, "//0")])
    Traceback (most recent call last):
    ...
    sklearn_sfx.exceptions.InputError: The name of a file, '/data/a\nb.h5', has an end of line ...
    """
    for source in sources:
        hit_line(source)


def hit_line(source: FrameOrigin) -> bytes:
    """Return the line of a hit list that names a frame; names of files may be any bytes."""
    if source.path is None:
        raise InputError(
            "These frames come from no file, so no hit list can name them; "
            "open them with open_frames(path) or use the scores."
        )
    path = str(Path(source.path).absolute())
    if BREAKS_LINES.search(path):
        raise InputError(
            f"The name of a file, {path!r}, has an end of line in it, so no hit list can name its "
            "frames; rename it."
        )
    if re.search(r"\s", source.event) or "//" not in source.event:
        raise InputError(
            f"{path}: in a hit list CrystFEL could not read the name of a frame, "
            f"{source.event!r}; rename the group that it comes from."
        )
    line = os.fsencode(path) + b" " + source.event.encode("utf-8", "surrogateescape")
    if len(line) > LONGEST_LINE:
        raise InputError(
            f"{source.path}: the path is too long for a hit list, of which CrystFEL reads "
            f"{LONGEST_LINE} characters a line; move the file to a shorter path."
        )
    return line + b"\n"
