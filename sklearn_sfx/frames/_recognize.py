"""From a path to its format, told by asking each format of the table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._format_protocol import DamagedFile, Format, StoredMask, UnknownFormat
from sklearn_sfx.frames._gone_image import GoneImage
from sklearn_sfx.frames._joined_source import join_sources
from sklearn_sfx.frames._paths import is_empty, why_unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource

__all__ = [
    "Part",
    "are_simulated",
    "find_format",
    "find_mask_together",
    "gone_among",
    "open_parts",
    "open_paths",
]

HEAD_BYTES = 4096  # of a file, which formats are shown
_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


def find_format(path: str) -> Format:
    """Return the format that a path is in, or say in one sentence why there is none.

    Parameters
    ----------
    path : str
        Absolute path of a file or folder.

    Raises
    ------
    InputError
        If it does not exist, cannot be read or is empty, or if no format knows it; the sentence
        then lists those that there are.
    """
    from sklearn_sfx.frames._formats import FORMATS  # h5py takes long to import

    head = _head(path)
    for known in FORMATS:
        if known.knows(path, head):
            return known
    if os.path.isdir(path):
        raise InputError(
            f"{path} is a folder: give the files in it, by a list or a pattern like "
            f"*{_commonest_suffix(path)}."
        )
    packed = next((name for magic, name in _PACKED if head.startswith(magic)), None)
    if packed is not None:
        raise InputError(
            f"{path} is packed with {packed}, and only single images are read so: unpack it first, "
            "or copy it again if it is one and was cut off."
        )
    *names, last = (known.name for known in FORMATS)
    raise UnknownFormat(
        f"The format of {path} is not known: it is none of {', '.join(names)} and {last}; leave "
        "it out, or read it into an array."
    )


class Part(NamedTuple):
    """A part of a run: paths that were opened together, or one alone.

    Parameters
    ----------
    format : Format
        Of the paths.
    paths : tuple of str
        One, or several whose frames lie beside each other.
    source : FrameSource
        Its frames.
    """

    format: Format
    paths: tuple[str, ...]
    source: FrameSource


def open_parts(paths: Sequence[str], dataset: str | None = None) -> list[Part]:
    """Return the parts of a run, whatever their formats, one after the other.

    A file of a series of single images that is damaged is a frame that cannot be read.
    """
    formats, damaged = _formats_of(paths)
    opened: dict[str, FrameSource] = {}
    parts: list[Part] = []
    for known, neighbours in groupby(paths, key=formats.__getitem__):
        group = list(neighbours)
        distinct = list(dict.fromkeys(group))
        together = known.open_together(distinct, dataset) if len(distinct) > 1 else None
        if together is not None:
            parts.append(Part(known, tuple(distinct), together))
            continue
        for path in distinct:
            if path in opened or path in damaged:
                continue
            try:
                opened[path] = known.open(path, dataset)
            except DamagedFile as error:
                damaged[path] = error
        if gone := {path: damaged[path] for path in distinct if path in damaged}:
            images = [opened[path] for path in distinct if path not in gone]
            opened |= gone_among(images, gone)
        parts += [Part(known, (path,), opened[path]) for path in group]
    return parts


def _formats_of(paths: Sequence[str]) -> tuple[dict[str, Format], dict[str, DamagedFile]]:
    """Return the format of each path, and why those that are empty cannot be read.

    An empty file has the format of those beside it where that is one of single images.
    """
    formats: dict[str, Format] = {}
    damaged: dict[str, DamagedFile] = {}
    for path in dict.fromkeys(paths):
        try:
            formats[path] = find_format(path)
        except DamagedFile as error:
            damaged[path] = error
    among = set(formats.values())
    for path, error in damaged.items():
        if len(among) != 1 or not next(iter(among)).holds_one_image:
            raise error
        formats[path] = next(iter(among))
    return formats, damaged


def gone_among(
    images: Sequence[FrameSource], gone: dict[str, DamagedFile]
) -> dict[str, FrameSource]:
    """Return what stands for damaged files, if those beside them say that each is one frame."""
    if images:
        join_sources(images)  # which asks whether the shapes agree
    if not images or any(image.shape[0] != 1 for image in images):
        first, *_ = gone.values()
        raise first
    return {path: GoneImage(path, images[0], str(gone[path]).rstrip(".")) for path in gone}


def open_paths(paths: Sequence[str], dataset: str | None = None) -> FrameSource:
    """Return the frames of one or more paths, whatever their formats, one after the other.

    A format that only names other files, a list or a folder, opens them by this too.
    """
    return join_sources([part.source for part in open_parts(paths, dataset)])


def find_mask_together(paths: Sequence[str], dataset: str | None = None) -> StoredMask | None:
    """Return the mask of paths that make one run otherwise than one after the other."""
    distinct = list(dict.fromkeys(paths))
    if len(distinct) == 1:
        return None
    known = find_format(distinct[0])
    alike = all(find_format(path) is known for path in distinct[1:])
    return known.find_mask_together(distinct, dataset) if alike else None


def are_simulated(sources: Iterable[FrameOrigin]) -> bool:
    """Whether a file says of itself that its frames are simulated.

    Parameters
    ----------
    sources : iterable of FrameOrigin
        Where the frames come from, as in `Frames.sources`. Files that are gone, or that no format
        knows, say nothing.

    Returns
    -------
    bool
        True if one of the files says so.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> from sklearn_sfx.frames import are_simulated
    >>> are_simulated(open_frames(np.zeros((2, 3, 4))).sources)  # there is no file
    False
    """
    paths = {source.path for source in sources if source.path is not None}
    return any(_says_simulated(path) for path in paths)


def _commonest_suffix(folder: str) -> str:
    """Return the end that most names in a folder have, for an example."""
    with suppress(OSError):
        suffixes = Counter(os.path.splitext(name)[1] for name in os.listdir(folder))
        del suffixes[""]
        if suffixes:
            return suffixes.most_common(1)[0][0]
    return ".h5"


def _says_simulated(path: str) -> bool:
    try:
        return find_format(path).is_simulated(path)
    except InputError:
        return False


def _head(path: str) -> bytes:
    if reason := why_unreadable(path):  # before it is opened, since a pipe would wait for ever
        if is_empty(path):
            raise DamagedFile(reason)
        raise InputError(reason)
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
    except IsADirectoryError:
        return b""
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    if not head:
        raise DamagedFile(f"{path} has no bytes to read.")
    return head
