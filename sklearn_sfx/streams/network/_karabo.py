"""Frames of a detector of European XFEL, by the Karabo bridge."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from sklearn_sfx._text import counted, one_line
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Facts, FrameOrigin, assembled_frames
from sklearn_sfx.streams._protocols import LiveFrames, Notice, arrived_frames
from sklearn_sfx.streams.network._connection import SILENT_S, Connection
from sklearn_sfx.streams.network._karabo_train import Train, decode_train, find_detector
from sklearn_sfx.streams.network._malformed import Unfitting
from sklearn_sfx.streams.network._seen import SeenNumbers

__all__ = ["KaraboSource"]

BLOCK_BYTES = 64 * 2**20  # of pulses that are handed on together


class KaraboSource:
    """The pulses of the trains that a bridge sends, a frame each.

    Modules are stacked along the slow axis, as `open_frames` stacks those of files, unless a
    geometry says where they are. Asked for trains, a bridge gives each to one client; from one that
    publishes them every client gets all that it keeps up with.

    Parameters
    ----------
    address : str
        As ZeroMQ has it: ``tcp://host:port``.
    socket : {"REQ", "SUB"}
        Whether trains are asked for, or published.
    source : str, default=None
        The name of the detector, where a train has several.
    order : {"online", "file"}, default=None
        Whether arrays are (modules, fast, slow, pulses) or (pulses, modules, slow, fast). By
        default what fits the detector and the number of pulses is taken, the first if both do.
    mask : ndarray of bool, shape (height, width), or bool, default=True
        True where a pixel of the stacked modules is usable, instead of the mask that is sent. False
        uses all pixels, whatever is sent.
    geometry : Geometry, default=None
        By which modules are put together.
    silent_s : float
        After so many seconds without a train one is told.

    Raises
    ------
    InputError
        There is no such socket or order.

    Examples
    --------
    >>> import threading
    >>> from sklearn_sfx.streams import KaraboSource
    >>> source = KaraboSource("tcp://127.0.0.1:4545", socket="SUB")
    >>> source.name
    'karabo://127.0.0.1:4545'
    >>> stop = threading.Event()
    >>> stop.set()  # else it goes on for ever
    >>> list(source.arrivals(stop))
    []
    """

    def __init__(
        self,
        address: str,
        *,
        socket: str = "REQ",
        source: str | None = None,
        order: str | None = None,
        mask: np.ndarray | bool = True,
        geometry: Any = None,
        silent_s: float = SILENT_S,
    ):
        if socket not in ("REQ", "SUB"):
            raise InputError(f"socket has to be REQ or SUB, got {socket}.")
        if order not in (None, "online", "file"):
            raise InputError(f"order has to be online or file, got {order}.")
        self.name = address.replace("tcp://", "karabo://", 1)
        self._connection = Connection(address, socket, 1, silent_s)
        self._source, self._order = source, order
        self._mask, self._geometry = mask, geometry

    def arrivals(self, stop: threading.Event) -> Iterator[LiveFrames | Notice]:
        """Yield the pulses of each train as it comes, and what goes wrong as notices.

        Parameters
        ----------
        stop : threading.Event
            Once it is set, what waits is still yielded, and then it ends.

        Yields
        ------
        LiveFrames or Notice
            Frames of shape (n_pulses, height, width), of the dtype that was sent; of a large train
            several blocks.

        Raises
        ------
        InputError
            The address is none.
        """
        seen, layout = SeenNumbers(), ""
        for parts in self._connection.messages(stop):
            if isinstance(parts, Notice):
                yield parts
                continue
            arrived = time.monotonic()
            try:
                train = find_detector(*decode_train(parts), self._source, self._order)
                named = f"train {train.train}"
                came = seen.add(train.train)
                if came == "repeated":
                    yield Notice("repeated", f"{named} came again")
                    continue
                if came == "late":
                    yield Notice("disordered", f"{named} came behind train {seen.highest}")
                if (now := _layout_of(train) + self._lacking(train)) != layout:
                    yield Notice("restart" if layout else "start", f"{named}: {now}")
                    layout = now
                yield from self._blocks(train, arrived)
            except Unfitting as error:
                yield Notice("misfit", one_line(str(error)), 1)
            except InputError as error:
                size = sum(len(part) for part in parts)
                why = str(error).rstrip(".")
                text = f"a message of {size} bytes cannot be read: {why}"
                yield Notice("unreadable", one_line(text), 1)

    def _lacking(self, train: Train) -> str:
        """Say which mask of the geometry is not in the stream, where nothing stands for it."""
        names = () if self._geometry is None else self._geometry.masks_of_run
        if self._mask is not True or train.mask is not None or not names:
            return ""
        return one_line(
            f"; the geometry names the mask {', '.join(names)}, which no stream has: give it with "
            "--mask"
        )

    def _blocks(self, train: Train, arrived: float) -> Iterator[LiveFrames]:
        """Yield the pulses in blocks, so that at no time there are two copies of a large train."""
        n_pulses, n_modules, rows, columns = train.data.shape
        usable = np.repeat(train.present, rows)[:, None]
        if isinstance(self._mask, np.ndarray):
            usable = usable & _fitting(self._mask, (n_modules * rows, columns))
        elif not self._mask:
            usable = np.ones(1, bool)
        usable = np.broadcast_to(usable, (n_modules * rows, columns))
        length = max(1, BLOCK_BYTES // (train.data.nbytes // n_pulses))
        for first in range(0, n_pulses, length):
            part = slice(first, first + length)
            pixels = np.ascontiguousarray(train.data[part]).reshape(-1, *usable.shape)
            mask: np.ndarray | None = None if usable.all() else usable
            if train.mask is not None and self._mask is True:
                mask = np.equal(train.mask[part], 0).reshape(pixels.shape) & usable
            frames = arrived_frames(
                pixels,
                sources=_origins(train, part),
                metadata=_metadata(train, part),
                facts=Facts(
                    format="Karabo bridge",
                    dataset=one_line(train.source),
                    modules=(n_modules, rows) if n_modules > 1 else None,
                ),
                mask=mask,
            )
            if self._geometry is not None:
                try:
                    frames = assembled_frames(frames, self._geometry)
                except InputError as error:
                    raise Unfitting(str(error).rstrip(".")) from error
            yield LiveFrames(frames, np.full(len(pixels), arrived), pixels.nbytes)


def _fitting(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the mask that was given, of stacked modules."""
    mask = mask.reshape(-1, mask.shape[-1])
    if mask.shape != shape:
        raise Unfitting(
            f"it has {shape[0]} x {shape[1]} pixels, stacked, and the mask {mask.shape[0]} x "
            f"{mask.shape[1]}: give a mask of the same shape, or --no-mask"
        )
    return mask


def _layout_of(train: Train) -> str:
    n_pulses, n_modules, rows, columns = train.data.shape
    mask = "with" if train.mask is not None else "without"
    said = f"{counted(n_pulses, 'pulse')} of {counted(n_modules, 'module')} of {rows} x {columns} "
    said += f"pixels {train.data.dtype.name} {mask} a mask, from {train.source}"
    gone = int((~train.present).sum())
    return one_line(said + (f", of which {gone} sent nothing" if gone else ""))


def _origins(train: Train, part: slice) -> list[FrameOrigin]:
    number = train.train
    first = part.start
    return [
        FrameOrigin(None, first + row, f"{number}/{pulse}//", f"{number}:{pulse}")
        for row, pulse in enumerate(train.pulse[part].tolist())
    ]


def _metadata(train: Train, part: slice) -> dict[str, np.ndarray]:
    pulse = train.pulse[part]
    names = [f"{train.train}:{one}" for one in pulse.tolist()]
    known = {
        "identifier": np.array(names, dtype=str),
        "trainId": np.full(len(pulse), train.train),
        "pulseId": pulse,
    }
    return known if train.cell is None else {**known, "cellId": train.cell[part]}
