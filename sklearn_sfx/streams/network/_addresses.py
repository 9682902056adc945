"""The streams that are known, and which of them an address means."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from sklearn_sfx._text import listed
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.streams._protocols import LiveSource
from sklearn_sfx.streams.network._dectris import DectrisSource
from sklearn_sfx.streams.network._karabo import KaraboSource

__all__ = ["STREAMS", "open_stream"]


class Stream(NamedTuple):
    """A kind of stream: what opens it, its usual port, and its options."""

    open: Callable[..., LiveSource]
    port: int | None
    options: tuple[str, ...]
    takes_geometry: bool


# By what an address begins with. To add one, write its source and name it here.
STREAMS = {
    "dectris": Stream(DectrisSource, 31001, ("channel",), False),
    "karabo": Stream(KaraboSource, None, ("socket", "source", "order"), True),
}


def open_stream(
    address: str,
    *,
    dataset: str | None = None,
    mask: np.ndarray | str | bool | None = "auto",
    geometry: str | os.PathLike | None = None,
) -> LiveSource:
    """Return the source that an address means; nothing is connected yet.

    Parameters
    ----------
    address : str
        ``dectris://host:31001?channel=threshold_1`` or
        ``karabo://host:port?socket=SUB&source=NAME&order=file``, with as many of the options as
        are wanted.
    dataset : None
        What is taken of a stream, its address says.
    mask : "auto", False or ndarray of bool, shape (height, width)
        The mask that is sent, none, or one to be used instead.
    geometry : path, optional
        CrystFEL geometry, by which modules are put together.

    Raises
    ------
    InputError
        It is no address of a stream that is known, or an option is none.
    """
    name, _, _ = address.partition("://")
    stream = STREAMS.get(name)
    known = listed([f"{name}://" for name in STREAMS])
    if stream is None:
        raise InputError(f"{address}: no stream begins so; the known ones begin with {known}.")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or stream.port
        query = parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    except ValueError as error:
        raise InputError(f"{address} is no address: {error}.") from error
    if not host or port is None or parts.path.strip("/") or parts.username or parts.fragment:
        raise InputError(f"{address}: write the address as {name}://host:{stream.port or 'port'}.")
    options: dict[str, Any] = dict(query)
    if len(options) < len(query) or not set(options) <= set(stream.options):
        raise InputError(
            f"{address}: the options of {name}:// are {', '.join(stream.options)}, each once, as "
            f"in {name}://{host}:{port}?{stream.options[0]}=..."
        )
    if dataset is not None:
        option = "channel" if "channel" in stream.options else "source"
        raise InputError(
            f"A stream has no datasets: name what you want in the address, as in "
            f"{name}://{host}:{port}?{option}={dataset}"
        )
    if geometry is not None and not stream.takes_geometry:
        raise InputError(f"{address}: the frames of {name}:// are images, which need no geometry.")
    if geometry is not None:
        from sklearn_sfx.frames import read_geometry

        options["geometry"] = read_geometry(os.path.abspath(geometry))
    host = f"[{host}]" if ":" in host else host
    used = mask if isinstance(mask, np.ndarray) else mask == "auto" or mask is True
    return stream.open(f"tcp://{host}:{port}", mask=used, **options)
