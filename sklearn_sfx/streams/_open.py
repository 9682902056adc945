"""From what a user names to the source that it is."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import expand_paths
from sklearn_sfx.streams._arrays import ArraysSource
from sklearn_sfx.streams._folder import WatchedFolder
from sklearn_sfx.streams._growing import GrowingFile
from sklearn_sfx.streams._protocols import LiveSource
from sklearn_sfx.streams.network import open_stream

__all__ = ["open_source"]


def open_source(
    source: str | Path | LiveSource | Iterable, *, but: Collection[str] = (), **opening: Any
) -> LiveSource:
    """Return what frames arrive from.

    Parameters
    ----------
    source : path, address, LiveSource, or iterable of arrays
        A file, which may not be there yet; a folder; a stream, ``dectris://host:port`` or
        ``karabo://host:port``; or an iterator, as `watch` takes it.
    but : collection of str
        Paths in a folder that are none of its frames, such as what is written there.
    **opening : any
        Of files and streams: ``dataset``, ``mask`` and ``geometry``, as for `open_frames`.

    Returns
    -------
    LiveSource
        Nothing has been opened yet.

    Raises
    ------
    InputError
        It is none of these, or its folder is not there.

    Examples
    --------
    >>> from sklearn_sfx.streams import open_source
    >>> open_source("run.h5").name
    '/.../run.h5'
    """
    if isinstance(source, str | Path):
        if "://" in str(source):
            return open_stream(str(source), **opening)
        path, *others = expand_paths(source)
        if others:
            raise InputError(f"{source}: a watch takes one file or one folder: name the folder.")
        if os.path.isdir(path):
            return WatchedFolder(path, opening, but)
        if not os.path.isdir(os.path.dirname(path)):
            raise InputError(f"There is no folder {os.path.dirname(path)}, in which to watch.")
        return GrowingFile(path, opening)
    if hasattr(source, "arrivals"):
        return source  # type: ignore[return-value]
    if isinstance(source, Iterable):
        return ArraysSource(source)
    raise InputError(
        "A watch takes a path, a source of live frames or an iterator of arrays, not "
        f"{type(source).__name__}."
    )
