"""Pages for a browser: one HTML file each, that needs no other and no network."""

from __future__ import annotations

import os
from typing import Any

from sklearn_sfx._extras import require
from sklearn_sfx._files import new_file, replacing

__all__ = ["page", "require_page", "write_page"]


def require_page(path: str | os.PathLike | None = None) -> None:
    """Refuse a page that could not be written, before the work is done for it.

    Parameters
    ----------
    path : path-like, optional
        Where it is to be written; None asks only for what makes pages.

    Raises
    ------
    InputError
        The folder does not exist or may not be written to, the path is a folder, or matplotlib or
        jinja2 is not installed.

    Examples
    --------
    >>> from sklearn_sfx.screening import require_page
    >>> require_page("none/report.html")
    Traceback (most recent call last):
    ...
    sklearn_sfx.exceptions.InputError: none/report.html: the folder none does not exist; ...
    """
    if path is not None:
        new_file(path)
    require("jinja2", extra="plot", what="Pages")
    require("matplotlib", extra="plot", what="Pages")


def page(template: str, values: dict[str, Any]) -> str:
    """Fill in a template of this package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sklearn_sfx.screening"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)


def write_page(path: str | os.PathLike, template: str, values: dict[str, Any]) -> None:
    """Fill in a template of this package, and write the page as a whole."""
    with replacing(path) as temporary:
        # Names of files need not be UTF-8.
        temporary.write_text(page(template, values), encoding="utf-8", errors="backslashreplace")
