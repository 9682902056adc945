"""Loops compiled with numba: without the GIL, on first use, and kept on disk where that can be."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numba

from sklearn_sfx.exceptions import SlowStartWarning

__all__ = ["compiled", "is_interrupt"]


def is_interrupt(error: BaseException | None) -> bool:
    """Whether an error is what numba makes of Ctrl-C, which it wraps once or several times."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def compiled(**options: Any) -> Callable[[Callable], Any]:
    """Return a decorator that compiles a function, as ``numba.njit`` does.

    What was compiled is kept beside the module or, where that folder cannot be written to, in the
    cache of the user. Where neither can, it is kept in memory, and a warning says so once.

    Parameters
    ----------
    **options
        Those of ``numba.njit``, but for ``nogil`` and ``cache``.

    Returns
    -------
    callable
        The decorator.
    """

    def decorate(function: Callable) -> Any:
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
        _say_once()
        return numba.njit(nogil=True, **options)(function)

    return decorate


def _say_once() -> None:
    if _said:
        return
    _said.append(True)
    warnings.warn(
        "Neither the folder of this package nor the user's cache can be written to, so that loops "
        "are compiled anew in every process, which takes a minute: let NUMBA_CACHE_DIR name a "
        "folder that can.",
        SlowStartWarning,
        stacklevel=4,
    )


_said: list[bool] = []
