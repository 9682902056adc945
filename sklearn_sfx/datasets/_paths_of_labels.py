"""Which of several files of one name the labels of a file are of."""

from __future__ import annotations

import os

from sklearn_sfx.exceptions import InputError

__all__ = ["PathsOfLabels"]


class PathsOfLabels:
    """The paths that a file of labels has for each file of a run.

    Parameters
    ----------
    path : str
        The file of labels.
    files : dict of str to str or None
        The files of the run by their names.
    """

    def __init__(self, path: str, files: dict[str, str | None]):
        self._path, self._files = path, files
        self._folders = dict.fromkeys((os.path.dirname(os.path.abspath(path)), os.getcwd()))
        self._known: dict[str, dict[str, str]] = {}  # name -> path as written -> first one like it

    def first_like(self, name: str, written: str) -> str:
        """Return under which path the labels are kept: the first that means the same file."""
        known = self._known.setdefault(name, {})
        if written not in known:  # nearly all have one path, and that is not looked for on disk
            like = (
                first
                for first in dict.fromkeys(known.values())
                if self._is_same(name, first, written)
            )
            known[written] = next(like, written)
        return known[written]

    def of_others(self) -> list[tuple[str, str]]:
        """Return names and paths of files that are not the run's own but called like it.

        A single path is the run's, wherever that lies now.

        Raises
        ------
        InputError
            There are several paths of a name, and none of them is that of the run.
        """
        others = []
        for name, known in self._known.items():
            paths = list(dict.fromkeys(known.values()))
            if len(paths) < 2:
                continue
            strangers = [path for path in paths if not self._is_own(name, path)]
            if len(strangers) == len(paths):
                raise InputError(
                    f"{self._path} has labels of several files called {name}, such as {paths[0]} "
                    f"and {paths[1]}, and neither is {self._files[name] or 'that of this run'}: "
                    "leave the labels of the right one, or write its path."
                )
            others += [(name, path) for path in strangers]
        return others

    def _is_same(self, name: str, one: str, other: str) -> bool:
        if os.path.normpath(one or name) == os.path.normpath(other or name):
            return True
        return self._is_own(name, one) and self._is_own(name, other)

    def _is_own(self, name: str, written: str) -> bool:
        own = self._files[name]
        if not written or own is None:  # without a path the run is meant
            return not written
        try:
            places = [os.path.realpath(os.path.join(at, written)) for at in self._folders]
        except (OSError, ValueError):  # it has a NUL
            return False
        return os.path.realpath(own) in places
