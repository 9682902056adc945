"""Write a file so that it is there whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replacing"]


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
