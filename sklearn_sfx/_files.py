"""Write files so that they are there whole or not at all, and leave nothing behind when killed.

What is not complete yet lies in the hidden folder ``.sfx`` beside where it is to go, in a folder of
the process that writes it. That process holds a lock for as long as it lives; who comes next and
gets the lock removes what a killed one has left.
"""

import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sklearn_sfx.exceptions import InputError

__all__ = [
    "HIDDEN",
    "file_state",
    "hidden_folder",
    "new_file",
    "remove_leftovers",
    "replacing",
    "replacing_all",
    "staging",
]

HIDDEN = ".sfx"
COMPLETE = "complete"  # names complete files, to be renamed onto what was there then
FILES = "files"  # has them until then
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORGOTTEN_S = 7 * 24 * 3600.0  # what another machine wrote is older than this before it is removed


def new_file(path: str | os.PathLike) -> Path:
    """Return the path, if a file can be written there and no link is lost by it.

    Raises
    ------
    InputError
        It is a link, a folder, a pipe or a device, or its folder is not there or cannot be written
        to.
    """
    path = Path(path)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first.")
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path}: this is a link to a file that does not exist; name another.")
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; name a file.")
    of_devices = re.match(r"/dev$|/(proc|sys)(/|$)", os.path.realpath(folder))
    if of_devices or (path.exists() and not path.is_file()):
        raise InputError(f"{path}: this is a pipe or a device; name a file.")
    if path.is_symlink():
        raise InputError(
            f"{path}: this is a link, which the new file would take the place of; name "
            f"{os.path.realpath(path)} instead, or another."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{path}: no permission to write to the folder {folder}; name another.")
    return path


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path, and rename it to `path` when all went well.

    Parameters
    ----------
    path : path-like
        The file to write. What is there already stays untouched until the new one is complete.

    Yields
    ------
    Path
        The temporary path to write to, of the same name. It is removed if the block raises.
    """
    with replacing_all([path]) as (temporary,):
        yield temporary


@contextmanager
def replacing_all(paths: Sequence[str | os.PathLike]) -> Iterator[list[Path]]:
    """Do the same for files of one folder that belong together: all appear, or none.

    A process that is killed between two renames has said before that all are complete, and the
    next one that writes in this folder renames the others, but onto no file that was put there
    since.
    """
    targets = [new_file(path) for path in paths]
    with staging(targets[0].parent) as place:
        (place / FILES).mkdir()
        temporaries = [place / FILES / target.name for target in targets]
        with _in_the_name_of(targets, temporaries):
            yield temporaries
            for temporary in temporaries:
                _to_disk(temporary)
        if len(targets) > 1:
            found = json.dumps({target.name: _state(target) for target in targets})
            (place / "found").write_text(found, encoding="ascii")
            (place / "found").replace(place / COMPLETE)
        for temporary, target in zip(temporaries, targets, strict=True):
            temporary.replace(target)


@contextmanager
def staging(folder: str | os.PathLike) -> Iterator[Path]:
    """Give an empty folder, hidden in `folder`, for files of this process that are not complete.

    It is removed at the end, or by the next process if this one is killed.
    """
    place, lock = _reserve(Path(folder))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        _lock_of(place).unlink(missing_ok=True)
        os.close(lock)
        with suppress(OSError):  # something else lies in it
            place.parent.rmdir()


def hidden_folder(folder: Path, *names: str) -> Path:
    """Make ``.sfx`` in a folder, and folders in it, as open to others as the folder itself."""
    place = folder
    for name in (HIDDEN, *names):
        place = place / name
        try:
            place.mkdir()
        except FileExistsError:
            continue
        except FileNotFoundError:  # another process has removed the hidden folder, still empty
            if not folder.is_dir():
                raise
            return hidden_folder(folder, *names)
        with suppress(OSError):  # of another file system
            place.chmod(folder.stat().st_mode & 0o7777)
    return place


def _reserve(folder: Path) -> tuple[Path, int]:
    """Return a new folder, and the descriptor that holds its lock."""
    remove_leftovers(folder)
    while True:
        hidden = hidden_folder(folder)
        place = hidden / f"{socket.gethostname()}-{secrets.token_hex(4)}"
        path = _lock_of(place)
        try:
            lock = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except FileNotFoundError:  # another process has removed the hidden folder, still empty
            continue
        with suppress(OSError):  # a file system without locks, on which nothing is removed
            fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():  # or another process took it for a leftover before it was locked
            place.mkdir()
            return place, lock
        os.close(lock)


def remove_leftovers(folder: Path) -> None:
    """Remove what processes left in a folder that are gone; finish what had only to be renamed."""
    hidden, locks = folder / HIDDEN, []
    with suppress(FileNotFoundError):  # another process removes it while it is looked through
        locks = list(hidden.glob("*.lock"))
    for path in locks:
        with suppress(OSError):  # it is gone, or not ours
            of_this_machine = path.name.startswith(f"{socket.gethostname()}-")
            if not of_this_machine and time.time() - path.stat().st_mtime < FORGOTTEN_S:
                continue  # on some file systems locks hold for one machine only
            lock = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _finish(path.with_suffix(""), folder)
                path.unlink()
            finally:
                os.close(lock)
    with suppress(OSError):
        hidden.rmdir()


def _finish(place: Path, folder: Path) -> None:
    try:
        found = dict(json.loads((place / COMPLETE).read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError, TypeError):  # not complete, or the note is damaged
        found = {}
    for name, state in found.items():
        temporary, target = place / FILES / name, folder / name
        if temporary.exists() and _state(target) == state:
            temporary.replace(target)
    shutil.rmtree(place, ignore_errors=True)


def file_state(path: str | os.PathLike) -> tuple[int, int, int, int] | None:
    """Return what is another once a file is replaced or changed; None where there is no file.

    These are its device, inode, size in bytes, and time of change in ns. Links are followed.
    """
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


def _state(path: Path) -> list[int] | None:
    """Return what is another once a file is replaced or changed; None where there is none."""
    try:
        about = path.lstat()
    except FileNotFoundError:
        return None
    return [about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns]


@contextmanager
def _in_the_name_of(targets: list[Path], temporaries: list[Path]) -> Iterator[None]:
    """Let an error name the file that was to be written, which the user knows."""
    try:
        yield
    except OSError as error:
        named = {str(one): target for one, target in zip(temporaries, targets, strict=True)}
        if error.filename is None and error.errno in NO_ROOM:
            error.filename = str(targets[0])
        elif isinstance(error.filename, str) and error.filename in named:
            error.filename = str(named[error.filename])
        raise


def _lock_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def _to_disk(path: Path) -> None:
    """Wait until a file is on disk, since some file systems say only then that it has no room."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
