"""Packages that not every installation has, and the sentence that says how to get them."""

from importlib import import_module
from types import ModuleType

from sklearn_sfx.exceptions import InputError

__all__ = ["require"]


def require(package: str, *, extra: str, what: str, otherwise: str = "") -> ModuleType:
    """Import a package of an extra, or say in one sentence how to install it.

    Parameters
    ----------
    package : str
        The module to import, such as "skops.io".
    extra : str
        The extra of this package that installs it.
    what : str
        What needs it, in the plural and with a capital letter: "Pictures".
    otherwise : str, default=""
        How to do without, such as "ask for tables alone".

    Returns
    -------
    module
        The imported package.

    Raises
    ------
    InputError
        If the package cannot be imported.

    Examples
    --------
    >>> from sklearn_sfx._extras import require
    >>> require("no_such_package", extra="plot", what="Pictures")
    Traceback (most recent call last):
    ...
    sklearn_sfx.exceptions.InputError: Pictures need no_such_package: pip install ...
    """
    try:
        return import_module(package)
    except ImportError:
        distribution = package.partition(".")[0]
        advice = f"pip install 'sklearn_sfx[{extra}]'" + (f", or {otherwise}" if otherwise else "")
        raise InputError(f"{what} need {distribution}: {advice}.") from None
