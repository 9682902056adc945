"""What may be a part of a model file, and which version of this package wrote it."""

import inspect
import re
import warnings
from typing import Any, TypeVar

from sklearn_sfx._version import __version__
from sklearn_sfx.exceptions import NewerVersionWarning

__all__ = ["WRITTEN_BY", "Stored", "stored"]

T = TypeVar("T", bound=type)

WRITTEN_BY = "_sklearn_sfx_version"  # in the state, as scikit-learn writes its own
VERSION = re.compile(r"(\d{1,9}(?:\.\d{1,9}){0,5})[\w.+]{0,40}", re.ASCII)


class Stored:
    """Base of whatever of this package may be a part of a model: estimators, scorers, splitters.

    In a safe file a class is trusted if it is one of these and stands in the face of its room. The
    state of each, in pickles too, says which version of this package wrote it.
    """

    __sfx_stored__ = True

    def __getstate__(self) -> dict[str, Any]:
        """Return the state, with the version of this package in it."""
        state: Any = super().__getstate__()
        return {**(state or {}), WRITTEN_BY: __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state, and warn if a newer version wrote it.

        Parameters of an estimator that there were not when it was written have their default.
        """
        state = dict(state)  # in its order, so that what is written again is the same
        for name, default in _defaults(type(self)).items():
            state.setdefault(name, default)
        _warn_of_newer(state.pop(WRITTEN_BY, None))
        after: Any = super()
        if hasattr(after, "__setstate__"):
            after.__setstate__(state)
        else:
            self.__dict__.update(state)


def stored(cls: T) -> T:
    """Let a named tuple be a part of a model file; it cannot have `Stored` as a base."""
    cls.__sfx_stored__ = True  # type: ignore[attr-defined]
    return cls


def _defaults(kind: type) -> dict[str, Any]:
    """Return the parameters of an estimator that have a default; none of what is no estimator."""
    if not hasattr(kind, "get_params"):
        return {}
    parameters = inspect.signature(kind).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _warn_of_newer(version: Any) -> None:
    if isinstance(version, str) and _release(version) > _release(__version__):
        warnings.warn(
            f"This model was written by sklearn_sfx {version}, which is newer than this one, "
            f"{__version__}: it may predict something else here; install the newer version.",
            NewerVersionWarning,
            stacklevel=3,
        )


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with; none of what is no version."""
    found = VERSION.fullmatch(version)
    return tuple(int(number) for number in found[1].split(".")) if found else ()
