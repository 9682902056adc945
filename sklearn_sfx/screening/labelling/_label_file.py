"""A file of labels that grows by one label at a time, and is whole at every moment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sklearn_sfx._files import hidden_folder, new_file, replacing
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, Task, task_named
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.screening.labelling._label_lines import (
    FrameName,
    Label,
    Lines,
    read_flags,
    read_labels,
)

__all__ = ["LabelFile"]


class _Change(NamedTuple):
    """What was done to a frame, so that it can be undone."""

    frame: FrameName
    what: str  # "label" or "flag"
    before: Label | bool | None
    after: Label | bool | None


class LabelFile:
    r"""A file of labels to which labels are added one by one.

    The file is the only truth: it is read again before each change, so that what another program
    has written meanwhile is kept, and each change is written whole or not at all before the call
    returns. Programs that use this class wait for each other. Lines of other runs stay, and each
    line names its file, with a folder or without, as the lines of that file did before.

    A flag, for frames to look at again, cannot stand in a line of labels. Flags have a file of
    their own beside it, ``labels.flagged.txt`` for ``labels.txt``, with lines ``run.h5 [17]``.

    Parameters
    ----------
    path : path-like
        The file, which need not be there yet; lines such as ``r0095_2000.h5 [1] MISS``.
    task : {"crystallography", "single-particle"}, default="crystallography"
        Which labels it takes.

    Attributes
    ----------
    task : Task
        What is labelled.
    path, flags_path : Path
        The two files.

    Raises
    ------
    InputError
        The file holds something else than labels, those of another task, two of one frame, or those
        of two files of one name; or cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx.screening import FrameName, LabelFile
    >>> labels = LabelFile(pathlib.Path(tempfile.mkdtemp()) / "labels.txt")
    >>> labels.put(FrameName("run.h5", 17), "HIT")
    >>> labels.put(FrameName("run.h5", 5), "MISS", weight=1.741)
    >>> labels.flag(FrameName("run.h5", 5), True)
    >>> print(labels.path.read_text(), end="")
    run.h5 [17] HIT
    run.h5 [5] MISS weight=1.741
    >>> labels.flags_path.read_text()
    'run.h5 [5]\n'
    >>> labels.clear(FrameName("run.h5", 17))
    >>> print(labels.undo())  # the frame that it gave its label back to
    run.h5 [17]
    >>> labels.labels()[FrameName("run.h5", 17)], labels.flags()
    (Label(name='HIT', weight=1.0), {FrameName(file='run.h5', number=5)})
    """

    def __init__(self, path: str | os.PathLike, task: str = CRYSTALLOGRAPHY.name):
        self.task: Task = task_named(task)
        self.path = new_file(path)
        self.flags_path = new_file(self.path.with_name(f"{self.path.stem}.flagged.txt"))
        self._lock = threading.RLock()
        self._done: list[_Change] = []
        self._read: dict[Path, tuple[object, Lines]] = {}
        self.labels()
        self.flags()

    def labels(self) -> dict[FrameName, Label]:
        """Return all labels that the file has now, in its order.

        Returns
        -------
        dict of FrameName to Label
            Those of other runs too.

        Raises
        ------
        InputError
            The file no longer holds labels.
        """
        with self._lock:
            return dict(self._now(self.path, self._read_labels).of)

    def flags(self) -> set[FrameName]:
        """Return all frames that are flagged now.

        Returns
        -------
        set of FrameName
            Those of other runs too.

        Raises
        ------
        InputError
            The file of flags holds something else.
        """
        with self._lock:
            return set(self._now(self.flags_path, read_flags).of)

    def put(self, frame: FrameName, name: str, *, weight: float = 1.0) -> None:
        """Give a frame a label; one that is there is replaced, and keeps its weight.

        Parameters
        ----------
        frame : FrameName
            Which frame.
        name : str
            HIT, MAYBE or MISS, or another label of the task.
        weight : float, default=1.0
            How many frames it stands for, where the file does not say it.

        Raises
        ------
        InputError
            The label is another word, or the file no longer holds labels.
        """
        if name not in self.task.labels:
            raise InputError(f"A label is {self.task.in_words}, not {name!r}.")

        def given(before: Label | None) -> Label:
            return Label(name, before.weight if before else float(weight))

        self._do(frame, "label", given)

    def clear(self, frame: FrameName) -> None:
        """Take the label of a frame away.

        Parameters
        ----------
        frame : FrameName
            Which frame; nothing happens where it has none.

        Raises
        ------
        InputError
            The file no longer holds labels.
        """
        self._do(frame, "label", lambda before: None)

    def flag(self, frame: FrameName, is_flagged: bool) -> None:
        """Flag a frame, to look at it again, or take its flag away.

        Parameters
        ----------
        frame : FrameName
            Which frame.
        is_flagged : bool
            Whether it has a flag from now on.

        Raises
        ------
        InputError
            The file of flags holds something else.
        """
        self._do(frame, "flag", lambda before: is_flagged or None)

    def undo(self) -> FrameName | None:
        """Undo the last change that was made by this object and is not undone yet.

        Returns
        -------
        FrameName or None
            The frame that is as it was; None if there is nothing to undo.

        Raises
        ------
        InputError
            Another program has changed this frame since; nothing is undone.
        """
        with self._lock:
            if not self._done:
                return None
            last = self._done.pop()

            def back(now: Label | bool | None) -> Label | bool | None:
                if now != last.after:
                    raise InputError(
                        f"{last.frame} was changed in {self.path} by another program since; it "
                        "stays as it is."
                    )
                return last.before

            self._change(last.frame, last.what, back)
            return last.frame

    def _do(self, frame: FrameName, what: str, change: Callable) -> None:
        with self._lock:
            before, after = self._change(frame, what, change)
            if after != before:
                self._done.append(_Change(frame, what, before, after))

    def _change(self, frame: FrameName, what: str, change: Callable) -> tuple:
        """Read, change one frame, and write; again if another program wrote in between."""
        is_label = what == "label"
        path = self.path if is_label else self.flags_path
        read = self._read_labels if is_label else read_flags
        with self._lock, _held(path):
            while True:
                lines = self._now(path, read)
                before = lines.of.get(frame)
                after = change(before)
                if after == before:
                    return before, after
                changed = {**lines.of, frame: after}
                if after is None:
                    del changed[frame]
                lines = lines._replace(of=changed)
                if state := self._write(path, lines.text()):
                    self._read[path] = state, lines
                    return before, after

    def _write(self, path: Path, text: str) -> object:
        """Write a file and return its state; None, and no change, if another program wrote it."""
        try:
            with replacing(path) as temporary:
                temporary.write_bytes(os.fsencode(text))  # as the names of files are
                if _state(path) != self._read[path][0]:
                    raise _ChangedMeanwhile
                return _state(temporary)
        except _ChangedMeanwhile:
            return None

    def _read_labels(self, path: Path) -> Lines:
        found = read_labels(path)
        labels = found.of.values()
        other = next((label for label in labels if label.name not in self.task.labels), None)
        if other is not None:
            raise InputError(
                f"{path} has the label {other.name}, which is none of the task {self.task.option} "
                f"({self.task.in_words}): name another file, or the task that it is of."
            )
        return found

    def _now(self, path: Path, read: Callable[[Path], Lines]) -> Lines:
        state = _state(path)
        known = self._read.get(path)
        if known is None or known[0] != state:
            known = self._read[path] = state, read(path)
        return known[1]


class _ChangedMeanwhile(Exception):
    """Another program has written the file."""


def _state(path: Path) -> object:
    """Return what is another once a file is changed or replaced; None where there is none."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Let one process at a time change a file."""
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:24]
    while True:
        lock = hidden_folder(path.parent) / f"{name}.held"
        try:
            descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o666)
        except FileNotFoundError:  # another process has removed the hidden folder, still empty
            continue
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                break
        except FileNotFoundError:  # who held it before has removed it
            pass
        os.close(descriptor)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):  # something else lies in it
            lock.parent.rmdir()
