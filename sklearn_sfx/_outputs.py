"""What a command writes: checked before its work, and known again by the same command later."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sklearn_sfx._files import HIDDEN, hidden_folder, new_file, replacing_all, staging
from sklearn_sfx.exceptions import InputError

__all__ = ["STDOUT", "Outputs", "name_of_run"]

STDOUT = Path("-")
ROOM = 2**16  # bytes that have to find room before the work is begun
UTF_8 = ("utf-8", "surrogateescape")  # names of files may be any bytes
ENDS = " _-.,+"  # what stands between the name of a run and the number of a file


class Outputs:
    """The files that a command is going to write, none of which may harm another file.

    What it writes is noted in ``.sfx/written`` beside it, by the digest of its content. So a file
    that was written for the same run is replaced by the same command, and one that somebody else
    made, or has changed since, is not.

    Parameters
    ----------
    command : str
        Which command it is: "sfx screen".
    of : iterable of str
        What the outputs are made of: the paths of the files of a run, in any order, or what else
        tells one run from another.
    inputs : iterable of str or path
        All that the command reads; what does not exist is passed over.
    force : bool
        Whether files of others may be replaced. An input never may.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx._outputs import Outputs
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> run, hits = folder / "run.h5", folder / "run.hits.lst"
    >>> _ = run.write_text("pixels")
    >>> for text in ("first", "second"):  # it may write again what it has written
    ...     outputs = Outputs("sfx screen", ["run"], [run])
    ...     with outputs.replacing(outputs.claim(hits)) as temporary:
    ...         _ = temporary.write_text(text)
    >>> hits.read_text()
    'second'
    >>> Outputs("sfx screen", ["run"], [run]).claim(run)
    Traceback (most recent call last):
    ...
    sklearn_sfx.exceptions.InputError: .../run.h5: this is an input of the command; name another...
    """

    def __init__(
        self,
        command: str,
        of: Iterable[str],
        inputs: Iterable[str | os.PathLike],
        *,
        force: bool = False,
    ):
        self._command = command
        self._run = hashlib.sha256("\0".join(sorted(set(of))).encode(*UTF_8)).hexdigest()
        self._inputs = {_identity(Path(path)) for path in inputs} - {None}
        self._force = force
        self._claimed: list[Path] = []

    def claim(self, path: str | os.PathLike) -> Path:
        """Return the path, if the command may write there, and can.

        Raises
        ------
        InputError
            It is an input or another output of the command, a link, a folder, a pipe or a device,
            a file that this command has not written for this run, or the folder cannot be written
            to.
        """
        path = Path(path)
        if path == STDOUT:
            if STDOUT in self._claimed:
                raise InputError("-: two outputs cannot both go to standard output; name a file.")
            if sys.stdout is None:
                raise InputError("-: standard output is closed; name a file.")
            self._claimed.append(path)
            return path
        identity = _identity(path)
        if identity is not None and identity in self._inputs:
            raise InputError(
                f"{path}: this is an input of the command; name another file to write to."
            )
        for other in self._claimed_files:
            is_same_file = identity is not None and identity == _identity(other)
            if is_same_file or os.path.realpath(other) == os.path.realpath(path):
                raise InputError(f"{path}: two outputs cannot go to one file; name two.")
        new_file(path)
        if identity is not None and not self._force and not self._is_known(path):
            raise InputError(
                f"{path}: this file is there already, and '{self._command}' has not written it for "
                "this run, or it has changed since; name another, move it away, or replace it with "
                "--force."
            )
        if path.parent not in {other.parent for other in self._claimed_files}:
            _find_room(path)
        self._claimed.append(path)
        return path

    @property
    def to_stdout(self) -> bool:
        """Whether one of the outputs goes to standard output, where nothing else may then."""
        return STDOUT in self._claimed

    @contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """Give a temporary path, and put what it holds at a claimed one when all went well."""
        if path == STDOUT:
            with tempfile.TemporaryDirectory() as folder:
                temporary = Path(folder) / "output"
                yield temporary
                sys.stdout.flush()
                sys.stdout.buffer.write(temporary.read_bytes())
            return
        with self.replacing_all([path]) as (temporary,):
            yield temporary

    @contextmanager
    def replacing_all(self, paths: Sequence[Path]) -> Iterator[list[Path]]:
        """Do the same for files of one folder that belong together."""
        with replacing_all(paths) as temporaries:
            yield temporaries
            for path, temporary in zip(paths, temporaries, strict=True):
                self._note(path, temporary)

    @property
    def _claimed_files(self) -> list[Path]:
        return [path for path in self._claimed if path != STDOUT]

    def _is_known(self, path: Path) -> bool:
        """Whether this command has written the file for this run, and nobody has changed it."""
        return _digest(path) in self._noted(path)

    def _noted(self, path: Path) -> list[str]:
        """Return the digests of what this command has written there for this run."""
        try:
            about: Any = json.loads(_note_of(path).read_text(encoding="utf-8"))
            known = (about["command"], about["run"]) == (self._command, self._run)
            return list(about["digests"]) if known else []
        except (OSError, ValueError, KeyError, TypeError):  # there is none, or it is damaged
            return []

    def _note(self, path: Path, temporary: Path) -> None:
        """Note what is about to be written; what is there stays noted, if it is not replaced."""
        digests = [_digest(temporary)]
        if path.exists() and self._is_known(path):
            digests.insert(0, _digest(path))
        about = {
            "name": path.name.encode("utf-8", "backslashreplace").decode("utf-8"),
            "command": self._command,
            "run": self._run,
            "digests": digests,
        }
        hidden_folder(path.parent, "written")
        with staging(path.parent) as place:
            (place / "note").write_text(json.dumps(about), encoding="utf-8")
            (place / "note").replace(_note_of(path))


def name_of_run(paths: Sequence[str | os.PathLike]) -> str:
    """Return what a run is called, by its files: what their names begin with.

    Examples
    --------
    >>> from sklearn_sfx._outputs import name_of_run
    >>> name_of_run(["/data/r0095_2000.h5"])
    'r0095_2000'
    >>> name_of_run(["/data/r0095-0001.cxi", "/data/r0095-0002.cxi"])
    'r0095'
    >>> name_of_run(["/data/day.cxi", "/data/night.cxi"])
    'day_and_1_more'
    """
    named = [Path(path) for path in paths]
    stems = list(dict.fromkeys(path.name if path.is_dir() else path.stem for path in named))
    if len(stems) == 1:
        return stems[0] or "run"
    common = os.path.commonprefix(stems)  # noqa: RUF071 - of names, not of paths
    if common not in stems:  # it may end in the first digits of the number of a file
        common = re.sub(r"\d+$", "", common).rstrip(ENDS)
    return common or f"{stems[0]}_and_{len(stems) - 1}_more"


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what a file is known by whatever it is called; None where there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


def _find_room(path: Path) -> None:
    """Write a little beside an output, since only that tells whether there is room."""
    try:
        with staging(path.parent) as place:
            (place / "room").write_bytes(bytes(ROOM))
    except OSError as error:
        raise InputError(
            f"{path}: the folder {path.absolute().parent} cannot be written to "
            f"({error.strerror}); name another."
        ) from error


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note_of(path: Path) -> Path:
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:24]
    return path.parent / HIDDEN / "written" / f"{name}.json"
