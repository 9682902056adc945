"""Open a page in the browser of whoever started its server."""

from __future__ import annotations

import html
import os
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["opened_in_browser"]

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # without one a text browser would be started


@contextmanager
def opened_in_browser(url: str) -> Iterator[None]:
    """Open an address in a browser, where there is a screen, for as long as the block lasts.

    The browser is given a private file that leads to the address: every user of this machine sees
    the arguments of a process, and the token is for one of them.

    Parameters
    ----------
    url : str
        The address, with its token.
    """
    if not (sys.platform == "darwin" or any(os.environ.get(name) for name in SCREENS)):
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "open.html"
        leads = f'<meta http-equiv="refresh" content="0; url={html.escape(url, quote=True)}">'
        page.write_text(f"<!doctype html>{leads}", encoding="utf-8")
        with suppress(webbrowser.Error):  # the address is printed too
            webbrowser.open(page.as_uri())
        yield
