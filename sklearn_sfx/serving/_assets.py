"""The files of a page: HTML, style and scripts that come with the package, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any, NamedTuple

__all__ = ["Asset", "asset", "assets", "read_asset"]

KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file of a page.

    Parameters
    ----------
    package : str
        In whose folder ``static`` it lies.
    name : str
        Of the file.
    """

    package: str
    name: str


def read_asset(one: Asset) -> str:
    """Return the text of a file of a page.

    Parameters
    ----------
    one : Asset
        Which file.
    """
    return (files(one.package) / "static" / one.name).read_text(encoding="utf-8")


def asset(one: Asset) -> Any:
    """Return what answers with a file of a page."""
    from starlette.responses import Response

    kind = KINDS[one.name.rpartition(".")[2]]
    return Response(read_asset(one), media_type=f"{kind}; charset=utf-8")


def assets(named: Iterable[Asset]) -> list[Any]:
    """Return a route for each file, ``/static/NAME``: what is not in the list is not there.

    Parameters
    ----------
    named : iterable of Asset
        The files of the page.
    """
    from starlette.routing import Route

    def route(one: Asset) -> Any:
        def answer(request: Any) -> Any:
            return asset(one)

        return Route(f"/static/{one.name}", answer)

    return [route(one) for one in named]
