"""Write a file so that it is there whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sklearn_sfx.exceptions import InputError

__all__ = ["new_file", "replacing"]


def new_file(path: str | os.PathLike) -> Path:
    """Return the path, if a file can be written there."""
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first.")
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; name a file.")
    return path


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it to `path` when all went well.

    Parameters
    ----------
    path : path-like
        The file to write. What is there already stays untouched until the new one is complete.

    Yields
    ------
    Path
        The temporary path to write to. It is removed if the block raises.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
