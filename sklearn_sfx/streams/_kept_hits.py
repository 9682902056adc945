"""Hits that are on disk, and in no whole file yet: what a kill leaves of them is found again."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from sklearn_sfx._files import HIDDEN, hidden_folder
from sklearn_sfx._new_hdf5 import find_room
from sklearn_sfx.exceptions import UnreadableFramesWarning
from sklearn_sfx.streams._cxi_hits import CxiHits

__all__ = ["KeptHits", "Piece"]

FOLDER = "hits"
LOCK = "lock"


class Piece:
    """Some hits in a small file, that is there whole or not at all."""

    def __init__(self, path: Path, kind: str, n: int):
        self.path, self.kind, self.n = path, kind, n


class KeptHits:
    """The folder of one process in ``.sfx/hits``, which it holds a lock on, and what is in it.

    Pieces become a whole file in steps, and wherever a kill comes between two of them it can be
    gone on with: the file is joined beside them under another name, renamed when it is whole (which
    makes its pieces void), its pieces are removed, it is linked to where it goes, and removed here.

    Parameters
    ----------
    series : Path
        ``hits.cxi``, to which the number of the file is added.
    place : Path
        The folder.
    lock : int
        The descriptor that holds its lock.
    """

    def __init__(self, series: Path, place: Path, lock: int):
        self._series, self._place, self._lock = series, place, lock
        self._n_begun = 0
        self._n_made = max((_number(path) for path in place.glob("*.cxi")), default=0)

    @classmethod
    def new(cls, series: Path, table: str) -> KeptHits:
        """Make a folder, which is locked before it has its name."""
        top = hidden_folder(series.absolute().parent, FOLDER)
        name = f"{_key(series, table)}-{secrets.token_hex(4)}"
        made = top / f"new-{name}"
        made.mkdir()
        lock = _locked(made / LOCK)
        made.rename(top / name)
        return cls(series, top / name, -1 if lock is None else lock)

    @classmethod
    def left(cls, series: Path, table: str) -> Iterator[KeptHits]:
        """Yield what processes have left that are gone, of the same series and table."""
        top = series.absolute().parent / HIDDEN / FOLDER
        for begun in top.glob("new-*"):
            if (begun / LOCK).exists() and (lock := _locked(begun / LOCK)) is not None:
                cls(series, begun, lock).close()
        for place in sorted(top.glob(f"{_key(series, table)}-*")):
            lock = _locked(place / LOCK)
            if lock is not None:
                yield cls(series, place, lock)

    def new_place(self) -> Path:
        """Return where a file may be written that is not whole; another each time.

        HDF5 still has a file open that it could not close on a full disk.
        """
        self._n_begun += 1
        return self._place / f"unfinished-{self._n_begun}"

    def add(self, file: CxiHits) -> Piece:
        """Keep a file that was written there."""
        self._n_made += 1
        file.close()
        path = self._place / f"{self._n_made:08d}.cxi"
        file.place.rename(path)
        return Piece(path, file.kind, file.n)

    def pieces(self, is_to_be_kept: Callable[[str, str], bool]) -> list[Piece]:
        """Return what was left, without frames that are not to be kept."""
        found = []
        for path in sorted(self._place.glob("[0-9]*.cxi")):
            try:
                file = CxiHits.opened(path)
                names = file.names
            except (OSError, RuntimeError, KeyError):  # a machine that went down has left it so
                warnings.warn(
                    f"{path}: hits that an earlier watch kept cannot be read, and are lost.",
                    UnreadableFramesWarning,
                    stacklevel=4,
                )
                path.unlink()
                continue
            kept = [row for row, name in enumerate(names) if is_to_be_kept(*name)]
            if len(kept) < len(names):
                file.keep(kept)
            file.close()
            if kept:
                found.append(Piece(path, file.kind, len(kept)))
            else:
                path.unlink()
        return found

    def join(self, pieces: list[Piece]) -> Path:
        """Let a file appear that holds what is in some pieces, and return where."""
        last = pieces[-1].path
        if len(pieces) == 1:
            joined = last
        else:
            joined = self.new_place()
            _join(joined, pieces)
        with open(joined, "rb") as opened:
            os.fsync(opened.fileno())
        whole = self._place / f"whole-{last.name}"
        joined.rename(whole)
        path = self._let_appear(whole)
        assert path is not None
        return path

    def finish(self) -> list[Path]:
        """Let the files appear that were whole when a process was killed."""
        found = [self._let_appear(whole) for whole in self._place.glob("whole-*")]
        return [path for path in found if path is not None]

    def close(self) -> None:
        """Remove the folder; what is still in it waits for the next process."""
        if not any(self._place.glob("*.cxi")):
            shutil.rmtree(self._place, ignore_errors=True)
        os.close(self._lock)
        for folder in self._place.parents[:2]:
            with suppress(OSError):  # something else lies in it
                folder.rmdir()

    def _let_appear(self, whole: Path) -> Path | None:
        """Link a whole file to the next number that is free; None where it was there already."""
        for piece in self._place.glob("[0-9]*.cxi"):
            if _number(piece) <= _number(whole):
                piece.unlink()
        target = None
        if whole.stat().st_nlink == 1:
            target = _linked(whole, self._series)
        whole.unlink(missing_ok=True)
        return target


def _join(place: Path, pieces: list[Piece]) -> None:
    """Write what is in some pieces to one file, or nothing."""
    try:
        shutil.copyfile(pieces[0].path, place)
        with open(place, "r+b") as opened:  # room for all before HDF5 writes
            size = sum(piece.path.stat().st_size for piece in pieces)
            find_room(opened.fileno(), place, 0, size)
        file = CxiHits.opened(place)
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    try:
        for piece in pieces[1:]:
            file.append_file(piece.path)
        file.close()
    except BaseException:
        file.give_up()
        raise


def _key(series: Path, table: str) -> str:
    return hashlib.sha256(os.fsencode(f"{series.name}\0{table}")).hexdigest()[:16]


def _locked(path: Path) -> int | None:
    """Return the descriptor of a lock; None where another process has it."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:  # it has ended meanwhile
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:  # a file system without locks
        pass
    return lock


def _number(path: Path) -> int:
    return int(re.sub(r"\D", "", path.stem))


def _linked(whole: Path, series: Path) -> Path:
    """Give a file its name in a series, which replaces none."""
    number = 1 + max(_numbers(series), default=0)
    while True:
        target = series.with_name(f"{series.stem}-{number:05d}{series.suffix}")
        try:
            os.link(whole, target)
            return target
        except FileExistsError:  # of another watch
            number += 1
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                raise
            whole.rename(target)  # where there are no hard links
            return target


def _numbers(series: Path) -> list[int]:
    """Return the numbers of the files of a series that are there."""
    pattern = re.compile(re.escape(series.stem) + r"-(\d{5,9})" + re.escape(series.suffix))
    names = (pattern.fullmatch(name) for name in os.listdir(series.absolute().parent))
    return [int(name[1]) for name in names if name]
