"""The paths that a user means, and why one of them cannot be read."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from sklearn_sfx.exceptions import InputError

__all__ = ["expand_paths", "is_empty", "natural_order", "why_unreadable"]

_DEVICES = {
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def expand_paths(source: str | Path | Sequence[str | Path]) -> list[str]:
    """Return the absolute paths of the files that a path, a pattern or a list of them means.

    The matches of a pattern come in natural order: ``run_2.cbf`` before ``run_10.cbf``.
    """
    if isinstance(source, str | os.PathLike):
        items: Sequence = [source]
    elif isinstance(source, list | tuple):
        items = source
    else:
        raise InputError(
            "Frames are opened from a path, a list of paths, a glob pattern or an array of shape "
            f"(n_frames, height, width), not from {type(source).__name__}."
        )
    if not items:
        raise InputError("The list of files is empty: give at least one path.")
    paths: list[str] = []
    for item in items:
        if not isinstance(item, str | os.PathLike):
            raise InputError(
                f"A list of files holds paths, but one item is a {type(item).__name__}."
            )
        path = os.path.abspath(os.fsdecode(item))
        if glob.has_magic(path) and not os.path.lexists(path):
            matches = _matches(path)
            if not matches:
                raise InputError(f"No file matches the pattern {os.fsdecode(item)}.")
            paths += matches
        else:
            paths.append(path)
    return paths


def why_unreadable(path: str) -> str | None:
    """Return a sentence on why no format could read this path; None where there is no reason."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return f"There is no file {path}."
    except (OSError, ValueError) as error:
        return f"{path} cannot be read: {getattr(error, 'strerror', None) or error}."
    if kind := _DEVICES.get(stat.S_IFMT(status.st_mode)):
        return f"{path} is {kind}, of which frames cannot be read in any order: give a file."
    if not os.access(path, os.R_OK):
        return f"{path} cannot be read: permission is denied."
    if is_empty(path):
        return f"{path} is empty: it has no bytes, so nothing was written to it yet."
    return None


def is_empty(path: str) -> bool:
    """Whether there is a file that nothing was written to."""
    return os.path.isfile(path) and os.path.getsize(path) == 0


def _matches(pattern: str) -> list[str]:
    """Return what matches an absolute pattern, of which folders that exist are taken literally."""
    folder, rest = os.path.sep, pattern.lstrip(os.path.sep).split(os.path.sep)
    while len(rest) > 1 and os.path.isdir(os.path.join(folder, rest[0])):
        folder = os.path.join(folder, rest.pop(0))
    names = glob.glob(os.path.sep.join(rest), root_dir=folder)
    return [os.path.join(folder, name) for name in sorted(names, key=natural_order)]


def natural_order(name: str) -> tuple[list[int | str], str]:
    """Sort key by which numbers within names count as numbers."""
    parts = enumerate(re.split("([0-9]+)", name))  # every second one is a number
    return [int(part) if i % 2 else part for i, part in parts], name
