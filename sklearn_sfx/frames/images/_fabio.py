"""The decoders of fabio, borrowed: from bytes to pixels, without a word to anyone.

fabio opens files, guesses formats and follows names on its own; here it only decodes bytes that
hold one image of a known format. It logs what is wrong with an image and goes on, with pixels that
it made up: such an image is refused.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from sklearn_sfx._extras import require

__all__ = ["decode", "decode_byte_offset", "require_fabio"]


def require_fabio(what: str) -> None:
    """Say in one sentence how to install fabio, where it is missing; `what` are the files."""
    require("fabio", extra="images", what=what)


def decode(codec: str, data: bytes) -> np.ndarray:
    """Return the pixels of one image.

    Parameters
    ----------
    codec : str
        fabio's name of the format: "cbfimage".
    data : bytes
        The image with its header, as a file of that format holds it.

    Raises
    ------
    Exception
        Of whatever kind, if fabio cannot decode it, or says that something is wrong with it.
    """
    from fabio.fabioformats import factory
    from fabio.fabioutils import BytesIO

    with _listening() as errors, np.errstate(all="ignore"):
        image = factory(codec).read(BytesIO(data, "image", "rb"))
        pixels = None if image is None else image.data
    if errors:
        raise ValueError(errors[0])
    if pixels is None:
        raise ValueError("fabio finds no image in it")
    return pixels


def decode_byte_offset(data: bytes, n_pixels: int, dtype: np.dtype) -> np.ndarray:
    """Return pixels that are compressed by the byte offset of each from the one before it.

    Parameters
    ----------
    data : bytes
        The compressed pixels alone.
    n_pixels : int
        How many there are.
    dtype : numpy.dtype
        Of integers.

    Returns
    -------
    ndarray of shape (n_pixels,)
        Of that dtype.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    from fabio.compression import decByteOffset

    values = np.asarray(decByteOffset(data, size=n_pixels, dtype=dtype.name))
    if len(values) != n_pixels:
        raise ValueError(f"its bytes end after {len(values)} of {n_pixels} pixels")
    return values.astype(dtype, copy=False)  # modulo its range, as writers count


class _Listener(logging.Handler):
    """Keep what fabio logs in the threads that listen, and pass on what it logs in others."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[int, list[str]] = {}
        self.propagates = True

    def emit(self, record: logging.LogRecord) -> None:
        heard = self.errors.get(record.thread or 0)
        if heard is None:
            logging.getLogger().handle(record)
        elif record.levelno >= logging.ERROR:
            heard.append(record.getMessage())


_listener = _Listener()
_lock = threading.Lock()


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Hear the errors that fabio logs in this thread; its logger is as before when all are done."""
    logger, thread = logging.getLogger("fabio"), threading.get_ident()
    errors: list[str] = []
    with _lock:
        if not _listener.errors:
            _listener.propagates, logger.propagate = logger.propagate, False
            logger.addHandler(_listener)
        _listener.errors[thread] = errors
    try:
        yield errors
    finally:
        with _lock:
            del _listener.errors[thread]
            if not _listener.errors:
                logger.removeHandler(_listener)
                logger.propagate = _listener.propagates
