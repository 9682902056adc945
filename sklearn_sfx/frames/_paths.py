"""The paths that a user means, and why one of them cannot be read."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from sklearn_sfx.exceptions import InputError

__all__ = ["expand_paths", "why_unreadable"]


def expand_paths(source: str | Path | Sequence[str | Path]) -> list[str]:
    """Return the absolute paths of the files that a path, a pattern or a list of them means."""
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
        path = os.path.abspath(os.fspath(item))
        if glob.has_magic(path) and not os.path.exists(path):
            matches = sorted(glob.glob(path))
            if not matches:
                raise InputError(f"No file matches the pattern {os.fspath(item)}.")
            paths += matches
        else:
            paths.append(path)
    return paths


def why_unreadable(path: str) -> str | None:
    """Return a sentence on why no format could read this path; None where there is no reason."""
    if not os.path.exists(path):
        return f"There is no file {path}."
    if not os.access(path, os.R_OK):
        return f"{path} cannot be read: permission is denied."
    if not os.path.isdir(path) and os.path.getsize(path) == 0:
        return f"{path} is empty: it has no bytes, so nothing was written to it yet."
    return None
