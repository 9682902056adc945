"""The server of pages: where it listens, and how it ends."""

import os
import signal
import socket
import threading
import webbrowser
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from sklearn_sfx import InputError
from sklearn_sfx.serving import PageServer, opened_in_browser


def app():
    return Starlette(routes=[Route("/", lambda request: PlainTextResponse("a page"))])


def get(url):
    return httpx.get(url, trust_env=False, timeout=20)


def test_it_serves_its_page_and_ends_with_the_block():
    with PageServer(app(), port=0) as server:
        assert server.url.startswith(f"http://127.0.0.1:{server.port}/?token=")
        assert get(server.url).text == "a page"
        assert get(server.url[:-1]).status_code == 403
    with pytest.raises(httpx.ConnectError):
        get(server.url)


def test_a_port_that_is_taken_is_one_sentence_and_by_default_passed_over():
    with PageServer(app()) as one, PageServer(app()) as other:
        assert one.port != other.port
        with pytest.raises(InputError, match=f"port {one.port} is in use; name another"):
            PageServer(app(), port=one.port)
    with pytest.raises(InputError, match="from 0 to 65535"):
        PageServer(app(), port=70_000)
    with pytest.raises(InputError, match=r"203\.0\.113\.1.*not possible to listen"):
        PageServer(app(), host="203.0.113.1")


def test_clients_that_hang_keep_nobody_else_waiting_and_do_not_hold_up_the_end():
    with PageServer(app(), port=0) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        for one in silent[:10]:
            one.sendall(b"GET / HTTP/1.1\r\nHost: loc")  # and no more
        assert get(server.url).text == "a page"
    with pytest.raises(httpx.ConnectError):
        get(server.url)
    for one in silent:
        one.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_leaves_the_handlers_as_they_were(number):
    before = signal.getsignal(number)
    with PageServer(app(), port=0) as server:
        timer = threading.Timer(0.5, os.kill, (os.getpid(), number))
        timer.start()
        server.wait()
        assert get(server.url).text == "a page"  # until the block ends
    assert signal.getsignal(number) is before


def test_the_page_can_end_the_wait():
    with PageServer(app(), port=0) as server:
        waiting = threading.Thread(target=server.wait)
        waiting.start()
        server.stop()
        waiting.join(20)
        assert not waiting.is_alive()


def test_a_browser_is_opened_without_showing_the_token_to_other_users(monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    with opened_in_browser("http://127.0.0.1:1/?token=secret&x"):
        (address,) = opened
        assert "secret" not in address
        path = Path(address.removeprefix("file://"))
        assert "url=http://127.0.0.1:1/?token=secret&amp;x" in path.read_text()
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.exists()


def test_without_a_screen_no_browser_is_opened(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("a text browser"))
    with opened_in_browser("http://127.0.0.1:1/"):
        pass
