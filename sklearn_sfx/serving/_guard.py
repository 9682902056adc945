"""Who may ask a server of pages: who has its token, and calls it by a name that is its own."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sklearn_sfx._files import replacing

__all__ = ["Guard", "kept_token", "new_token"]

OPEN = "/static/"  # what comes with the package is no secret
PAGE = "/"  # ends the address of a page, which is opened with the token behind it
LEAST_TOKEN = 32  # characters
HEADERS = {
    # Nothing is loaded from elsewhere, and no other page may hold this one.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
NO_TOKEN = (
    "This page needs the token that is part of its address: open the whole address that the "
    "command printed. One that was started anew has a new address.\n"
)
OTHER_NAME = (
    "This server is not called so: open it as localhost or 127.0.0.1, or by the name of the "
    "machine that it was started with.\n"
)


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def kept_token(path: Path) -> str:
    """Return the token in a file that only its owner may read; a new one if there is none.

    Parameters
    ----------
    path : Path
        The file, in a folder that is there.

    Returns
    -------
    str
        The same at each call, so that a page that is open outlives its server.
    """
    with suppress(OSError, ValueError):
        status, token = path.stat(), path.read_text(encoding="ascii").strip()
        is_own = status.st_uid == os.getuid() and not status.st_mode & 0o077
        if is_own and len(token) >= LEAST_TOKEN:
            return token
    token = new_token()
    with replacing(path) as temporary:
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
        temporary.chmod(0o600)
        temporary.write_text(token, encoding="ascii")
    return token


class Guard:
    """An ASGI application before another one, that turns away who may not ask it.

    The token is in the query of a page's own address, ``/?token=...``, and comes with whatever
    the page asks for in the header ``Authorization: Bearer ...``. No cookie is set: other servers
    of this machine would be sent it. A name in the header ``Host`` that is not the machine's own
    is refused, since a page of the network may give its own name this machine's address.

    Parameters
    ----------
    app : ASGI application
        What answers.
    token : str
        As `new_token` makes one.
    host : str
        The address that is listened on.

    Examples
    --------
    >>> from sklearn_sfx.serving import Guard, new_token
    >>> guard = Guard(None, new_token(), "127.0.0.1")
    >>> guard.is_named("localhost:8000"), guard.is_named("evil.example:8000")
    (True, False)
    """

    def __init__(self, app: Callable[..., Awaitable[None]], token: str, host: str):
        self._app = app
        self._token = token.encode()
        self._names = {"localhost", host.lower()}
        if not is_loopback(host):
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    def is_named(self, host: str) -> bool:
        """Whether a header ``Host`` names this machine; an address in numbers always does."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or is_address(name)

    def is_known(self, path: str, query: bytes, authorization: bytes) -> bool:
        """Whether who asks for a path has the token, or needs none."""
        if path.startswith(OPEN):
            return True
        given = authorization.removeprefix(b"Bearer ")
        if path.endswith(PAGE) and not given:
            try:
                given = parse_qs(query.decode("ascii")).get("token", [""])[0].encode()
            except ValueError:
                given = b""
        return hmac.compare_digest(given, self._token)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # a websocket that nobody accepts is closed
        headers = dict(scope["headers"])
        query, authorization = scope["query_string"], headers.get(b"authorization", b"")

        async def send_with_headers(message: dict) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        if not self.is_named(headers.get(b"host", b"").decode("latin-1")):
            await _refuse(send_with_headers, 421, OTHER_NAME)
        elif not self.is_known(scope["path"], query, authorization):
            await _refuse(send_with_headers, 403, NO_TOKEN)
        else:
            await self._app(scope, receive, send_with_headers)


async def _refuse(send: Callable, status: int, text: str) -> None:
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def is_address(name: str) -> bool:
    """Whether a name is an address in numbers."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)
