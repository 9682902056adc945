"""The table and the hit list of a watch: whole at any moment, and the memory of the next watch."""

from __future__ import annotations

import csv
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from sklearn_sfx._files import new_file
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, task_named
from sklearn_sfx._text import one_line
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import hit_line, hit_lines, table_head, table_rows
from sklearn_sfx.streams._protocols import ScoredFrames
from sklearn_sfx.streams._provenance import Provenance
from sklearn_sfx.streams._seen import Seen

__all__ = ["Record"]


class Record:
    r"""A table of all frames and a list of the hits, to which whole lines are appended.

    The hits of a block are written first and its rows next, so the table says what is done: who
    opens both again after a kill cuts what is half there, and takes from the list what the table
    does not have. A list is cut only where a watch of this table wrote it, and has to begin with
    the hits of the table. What cannot be written, as on a full disk, is kept and tried again with
    the next block.

    Parameters
    ----------
    table : path-like
        The columns are those of `Scores.write_csv`. Rows of an earlier watch stay.
    hits : path-like, optional
        Hit list for CrystFEL; frames of no file are not in it.
    about : mapping of str to str, optional
        What decides the rows, such as the model and the threshold, by what it is called. It is
        noted beside the table, in ``.sfx``.
    task : str, default="crystallography"
        What is looked for, as `Scores.task` says.
    force : bool
        Whether to begin anew, whatever lies there.

    Attributes
    ----------
    is_known : bool
        Whether it is known what wrote the rows that were there.
    changes : list of tuple of int and dict
        What `note` was told, by this watch or an earlier one, each with the row from which on it
        decided, from 0.

    Raises
    ------
    InputError
        Another watch writes to the table, something else lies there, its rows are about something
        else or of a file that was replaced, or nothing can be written there.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from sklearn_sfx.streams import Record, watch
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> record = Record(folder / "scores.csv")
    >>> for block in watch([np.zeros((3, 96, 96), np.uint16)]):
    ...     record.add(block)
    >>> record.close()
    >>> (folder / "scores.csv").read_text().splitlines()[1]
    ',0,//0,,0.003628,miss,0,read,'
    >>> record.n_frames, record.n_hits, record.n_held, record.seen.new_rows([])
    (3, 0, 0, [])
    >>> record.note({"threshold": "0.7"})
    >>> record.changes
    [(3, {'threshold': '0.7'})]
    >>> record.forget("run.h5")
    """

    def __init__(
        self,
        table: str | os.PathLike,
        hits: str | os.PathLike | None = None,
        *,
        about: Mapping[str, str] | None = None,
        task: str = CRYSTALLOGRAPHY.name,
        force: bool = False,
    ):
        self._called = task_named(task).words.one
        self._head = table_head(task)
        self.table, self.hits = Path(table), None if hits is None else Path(hits)
        self.n_frames = self.n_hits = 0
        self.seen = Seen()
        self._held: list[tuple[bytes, bytes, int, int]] = []
        has_hits = self.hits is not None and self.hits.exists() and self.hits.stat().st_size > 0
        has_table = self.table.exists() and self.table.stat().st_size > 0
        if has_hits and not has_table and not force:
            raise InputError(
                f"{self.hits}: this file is there already, and {self.table}, the table that it "
                "would belong to, is not; name another, move it away, or replace it with --force."
            )
        self._is_closed = False
        self._list: _Appended | None = None
        self._rows = _Appended(self.table)
        try:
            self._rows.lock("table", "--scores")
            if self.hits is not None and self.hits.exists():
                self._list = self._locked_list(self.hits)
            self._provenance = Provenance(self.table)
            if force:
                self._rows.cut(0)
            whole = self._read_table()
            self.is_known = self._provenance.is_known or not self.n_frames
            if self.n_frames:
                self._provenance.check(about or {})
            rest = None if self.hits is None or force else self._check_list(self.hits)
            # Nothing was refused, so here begins what changes a file.
            self._rows.cut(whole)
            if whole == 0:
                self._rows.append(self._head)
            if self.hits is not None:
                self._list = self._list or self._locked_list(self.hits)
                size, missing = rest or (0, [])
                self._list.cut(size)
                self._list.append(b"".join(missing))
            self._provenance.begin(about or {}, self.hits, self.n_frames)
        except BaseException:
            self._close_files()
            raise

    @property
    def changes(self) -> list[tuple[int, dict[str, str]]]:
        """What was changed, each with the first row of it."""
        return list(self._provenance.changes)

    @property
    def n_held(self) -> int:
        """How many rows could not be written yet."""
        return sum(n_frames for *_, n_frames, _ in self._held)

    def add(self, block: ScoredFrames) -> None:
        """Append the rows of a block, and its hits.

        Parameters
        ----------
        block : ScoredFrames, of frames of shape (n_frames, height, width)
            The frames.

        Raises
        ------
        OSError
            They cannot be written now; nothing of them is, and they are kept.
        InputError
            What `check_listable` refuses of the hits.
        """
        scores = block.scores
        of_files = scores[np.array([source.path is not None for source in scores.sources], bool)]
        lines = hit_lines(of_files) if self._list is not None else b""
        n_hits = int(scores.decision.sum())
        self._provenance.add(block)
        self._held.append((lines, table_rows(scores), len(block), n_hits))
        self._write_held()

    def note(self, about: Mapping[str, str]) -> None:
        """Note what decides the rows from the next on, such as a model that was replaced.

        Parameters
        ----------
        about : mapping of str to str
            What has changed, as for the class.
        """
        self._provenance.change(about, self.n_frames + self.n_held)

    def forget(self, path: str) -> None:
        """Let a file be another one from here on, as a "restart" `Notice` says.

        Parameters
        ----------
        path : str
            Its path, as in the sources of its frames.
        """
        self._provenance.forget(path)

    def close(self) -> None:
        """Write what is left, and let others write here.

        Raises
        ------
        OSError
            Some cannot be written; another watch will find these frames new.
        """
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._write_held()
        finally:
            self._close_files()

    def _close_files(self) -> None:
        self._rows.close()
        if self._list is not None:
            self._list.close()

    def _locked_list(self, path: Path) -> _Appended:
        appended = _Appended(path)
        try:
            appended.lock("list", "--hits")
        except InputError:
            appended.close()
            raise
        return appended

    def _write_held(self) -> None:
        while self._held:
            lines, rows, n_frames, n_hits = self._held[0]
            if self._list is not None:
                at = self._list.size
                self._list.append(lines)
                try:
                    self._rows.append(rows)
                except OSError:
                    self._list.cut(at)
                    raise
            else:
                self._rows.append(rows)
            self.n_frames += n_frames
            self.n_hits += n_hits
            del self._held[0]

    def _read_table(self) -> int:
        """Remember the frames, and return the size of the table without a row half there."""
        with open(self.table, "rb") as file:
            head = file.read(len(self._head))
            if head != self._head:
                if not self._head.startswith(head):  # half there, or empty
                    raise InputError(
                        f"{self.table}: this file is there already, and is no table of scores, or "
                        "one of another task; name another, move it away, or replace it with "
                        "--force."
                    )
                return 0
            whole = len(head) + sum(len(row) for row in file if row.endswith(b"\n"))
        for source, is_hit in self._rows_there():
            self.n_frames += 1
            self.n_hits += is_hit
            if source.path is not None:
                self.seen.add(source.path, source.event)
        return whole

    def _rows_there(self) -> Iterator[tuple[FrameOrigin, bool]]:
        """Yield which frame each whole row of the table is about, and whether it is a hit."""
        with open(self.table, encoding="utf-8", errors="replace", newline="\n") as file:
            for cells in csv.reader(line for line in file if line.endswith("\n")):
                if len(cells) > 5 and cells[1].isdecimal():
                    yield (
                        FrameOrigin(cells[0] or None, int(cells[1]), cells[2]),
                        cells[5] == self._called,
                    )

    def _check_list(self, path: Path) -> tuple[int, list[bytes]]:
        """Return how much of the list is of the table, and the lines that it lacks."""
        expected = (
            hit_line(source)
            for source, is_hit in self._rows_there()
            if is_hit and source.path is not None
        )
        try:
            with open(path, "rb") as file:
                return self._compared(path, file, expected)
        except FileNotFoundError:
            return 0, list(expected)

    def _compared(
        self, path: Path, lines: Iterable[bytes], expected: Iterator[bytes]
    ) -> tuple[int, list[bytes]]:
        whole, is_ours = 0, self._provenance.hits == str(path.absolute())
        for line in lines:
            due = next(expected, None)
            if due is not None and _as_in_table(line) == _as_in_table(due):
                whole += len(line)
                continue
            is_torn = not line.endswith(b"\n")
            if due and is_torn and _as_in_table(due).startswith(_as_in_table(line)):  # by a kill
                return whole, [due, *expected]
            # What was killed had written these hits, and not yet their rows.
            if due is None and is_ours and all(map(_may_be_hit, (line, *lines))):
                return whole, []
            raise InputError(
                f"{path}: this file is there already, and is not the list of the hits in "
                f"{self.table}; name another, move it away, or replace it with --force."
            )
        return whole, list(expected)


def _as_in_table(line: bytes) -> str:
    """Return a line with its path as a table has it; names of files may be any bytes."""
    return one_line(os.fsdecode(line))


def _may_be_hit(line: bytes) -> bool:
    """Whether a line is one of a hit list, or the begin of one."""
    is_whole = line.endswith(b"\n")
    return line.startswith(b"/") and (not is_whole or (b" " in line and b"//" in line))


class _Appended:
    """A file to which bytes are appended, all of them or none."""

    def __init__(self, path: Path):
        new_file(path)
        try:
            self.number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise InputError(f"{path}: it cannot be written ({error.strerror}).") from error
        self._path, self.size = path, os.fstat(self.number).st_size

    def lock(self, what: str, option: str) -> None:
        """Keep other watches out; a file system without locks does not."""
        try:
            fcntl.flock(self.number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{self._path}: another watch is writing to this {what}; name another by {option}."
            ) from None
        except OSError:
            pass

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self.number, rest) :]
        except OSError as error:
            os.ftruncate(self.number, self.size)
            error.filename = str(self._path)
            raise
        self.size += len(data)

    def cut(self, size: int) -> None:
        if size != self.size:
            os.ftruncate(self.number, size)
            self.size = size

    def close(self) -> None:
        os.close(self.number)
