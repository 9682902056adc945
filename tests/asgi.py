"""Ask an application behind pages as a browser would, without a server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx


class Client:
    """Asks one application; a request is one call, and no cookie is kept."""

    def __init__(self, app, base_url="http://127.0.0.1:8765", headers=()):
        self._app = app
        self._options = {"base_url": base_url, "headers": headers}

    def request(self, method, path, **options):
        async def ask():
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, **self._options) as client:
                return await client.request(method, path, **options)

        with ThreadPoolExecutor(1) as thread:  # in this one a driven browser may have a loop
            return thread.submit(lambda: asyncio.run(ask())).result()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)
