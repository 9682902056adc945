"""Hits as CXI files, each there when it is whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from sklearn_sfx._files import new_file
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.streams._cxi_hits import CxiHits, kind_of
from sklearn_sfx.streams._hits import Hit, hits_of
from sklearn_sfx.streams._kept_hits import KeptHits, Piece
from sklearn_sfx.streams._protocols import ScoredFrames
from sklearn_sfx.streams._record import Record

__all__ = ["HitFiles"]

MOST_BYTES = 2**26  # of pixels that are written at once


class HitFiles:
    """Writes hits to a series of CXI files: ``hits-00001.cxi``, ``hits-00002.cxi`` and so on.

    A file appears when it is whole, after `n_frames` hits or when the watch ends; none is ever
    replaced. CrystFEL, this package and plain h5py read them: pixels are not compressed.

    What `add` was given is on disk when it returns, hidden in ``.sfx`` until its file is whole; of
    what a kill leaves there the next one of the same name and table makes a file at once. With a
    `record` each hit in its table is then in exactly one file, if a block is added here first, to
    the record next, and `gather` comes behind: hits whose rows were not written yet are left out
    again, since their frames will come again. Those of no file, which will not, are kept.

    Parameters
    ----------
    path : path-like
        ``hits.cxi``, to which the number of the file is added.
    n_frames : int, default=100
        Hits in a file.
    record : Record, optional
        The table of the same frames, opened before, and before any frame is watched.

    Attributes
    ----------
    written : list of Path
        The files that are whole.

    Raises
    ------
    InputError
        The folder is not there, or cannot be written to.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> from sklearn_sfx.screening import Scores
    >>> from sklearn_sfx.streams import HitFiles, ScoredFrames, arrived_frames
    >>> frames = arrived_frames(np.ones((2, 8, 8), np.uint16), mask=np.eye(8) == 0)
    >>> scores = Scores(frames.sources, np.array([0.9, 0.1]), np.array([True, False]), None, 0.5)
    >>> files = HitFiles(pathlib.Path(tempfile.mkdtemp()) / "hits.cxi")
    >>> files.add(ScoredFrames(frames, scores, np.zeros(2)))
    >>> files.gather()  # nothing is full
    >>> files.close()
    >>> [path.name for path in files.written]
    ['hits-00001.cxi']
    >>> open_frames(files.written[0]).shape
    (1, 8, 8)
    """

    def __init__(
        self, path: str | os.PathLike, *, n_frames: int = 100, record: Record | None = None
    ):
        self._path, self._n_frames, self._record = new_file(path), n_frames, record
        self._table = "" if record is None else str(record.table.absolute())
        self._kept: KeptHits | None = None
        self._files: list[list[Piece]] = []  # what goes into each that is to come
        self.written: list[Path] = []
        self._find_left()

    def add(self, block: ScoredFrames) -> None:
        """Write the hits of a block.

        Parameters
        ----------
        block : ScoredFrames, of frames of shape (n_frames, height, width)
            What was scored.

        Raises
        ------
        OSError
            Some cannot be written, and are lost.
        InputError
            A frame cannot be read any more; all others are written.
        """
        n_lost, gone = int(block.scores.decision.sum()), None
        file: CxiHits | None = None
        room = 0  # in the file to which it goes
        try:
            try:
                for hit in hits_of(block):
                    if file is not None and (
                        not _is_of(hit, file.kind)
                        or file.n == min(room, max(1, MOST_BYTES // hit.pixels.nbytes))
                    ):
                        n_lost -= self._keep(file)
                        file = None
                    if file is None:
                        file = self._begun(hit)
                        room = self._room(file.kind)
                    file.append(hit)
            except InputError as error:
                gone = error
            if file is not None:
                n_lost -= self._keep(file)
        except (OSError, RuntimeError) as error:  # HDF5 has both
            if file is not None:
                file.give_up()
            reason = getattr(error, "strerror", None) or str(error)
            number = getattr(error, "errno", None) or errno.EIO
            lost = f"{reason}; hits of this block that are lost: {n_lost}"
            raise OSError(number, lost, self._path) from error
        if self._record is None:
            self.gather()
        if gone is not None:
            raise gone

    def gather(self) -> None:
        """Let the files appear that are full, once the rows of their frames are written.

        Raises
        ------
        OSError
            One cannot be written; it is tried again.
        """
        if self._record is not None and self._record.n_held:
            return
        while len(self._files) > 1 or (self._files and _total(self._files[0]) >= self._n_frames):
            self._join_first()

    def close(self) -> None:
        """Finish the file that is open, so that it appears; rows are to be written before.

        Raises
        ------
        OSError
            It cannot be written; the next watch does.
        """
        if self._kept is None:
            return
        try:
            if self._record is None or not self._record.n_held:
                while self._files:
                    self._join_first()
        finally:
            self._kept.close()
            self._kept = None

    def _begun(self, hit: Hit) -> CxiHits:
        """Return a file for a hit and others like it."""
        if self._kept is None:
            self._kept = KeptHits.new(self._path, self._table)
        place, pixels = self._kept.new_place(), hit.pixels
        return CxiHits(place, pixels.shape, pixels.dtype, hit.facts, in_memory=True)

    def _keep(self, file: CxiHits) -> int:
        assert self._kept is not None
        self._take(self._kept.add(file))
        return file.n

    def _take(self, piece: Piece) -> None:
        if self._is_full(piece.kind) or self._room(piece.kind) < piece.n:
            self._files.append([])
        self._files[-1].append(piece)

    def _room(self, kind: str) -> int:
        """Return how many hits of a kind go into the same file as the last, or into a new one."""
        return self._n_frames - (0 if self._is_full(kind) else _total(self._files[-1]))

    def _is_full(self, kind: str) -> bool:
        """Whether hits of a kind need a new file."""
        if not self._files:
            return True
        last = self._files[-1]
        return last[-1].kind != kind or _total(last) >= self._n_frames

    def _join_first(self) -> None:
        assert self._kept is not None
        self.written.append(self._kept.join(self._files[0]))
        del self._files[0]

    def _find_left(self) -> None:
        """Let files appear of what was left by a kill, without hits that have no rows."""
        for kept in KeptHits.left(self._path, self._table):
            self._kept = kept
            self.written += kept.finish()
            for piece in kept.pieces(self._has_row):
                self._take(piece)
            self.close()

    def _has_row(self, path: str, event: str) -> bool:
        return not path or self._record is None or self._record.seen.has(path, event)


def _total(pieces: list[Piece]) -> int:
    return sum(piece.n for piece in pieces)


def _is_of(hit: Hit, kind: str) -> bool:
    return kind_of(hit.pixels.shape, hit.pixels.dtype, hit.facts) == kind
