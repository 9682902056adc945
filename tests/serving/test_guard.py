"""Who may ask a server of pages."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from sklearn_sfx.serving import Asset, Guard, assets, new_token, read_asset
from tests.asgi import Client

TOKEN = "a-token"
ASSET = Asset("sklearn_sfx.serving", "page.css")


@pytest.fixture
def client():
    """Return what asks a server that answers with the path."""

    def answer(request):
        return PlainTextResponse(request.url.path)

    routes = [Route("/", answer), Route("/api/run", answer), *assets([ASSET])]
    app = Guard(Starlette(routes=routes), TOKEN, "127.0.0.1")
    return Client(app)


def bearer(token=TOKEN):
    return {"Authorization": f"Bearer {token}"}


def test_the_page_needs_the_token_of_its_address(client):
    assert client.get(f"/?token={TOKEN}").text == "/"
    for query in ("", "?token=", "?token=a-toke", "?token=a-token-", "?token=%C3%A9", "?token=%FF"):
        refused = client.get(f"/{query}")
        assert refused.status_code == 403
        assert "open the whole address" in refused.text
        assert TOKEN not in refused.text


def test_what_the_page_asks_for_needs_it_in_a_header(client):
    assert client.get("/api/run", headers=bearer()).text == "/api/run"
    assert client.get("/", headers=bearer()).status_code == 200
    for headers in ({}, bearer(""), bearer("other"), {"Cookie": f"token={TOKEN}"}):
        assert client.get("/api/run", headers=headers).status_code == 403
    assert client.get(f"/api/run?token={TOKEN}").status_code == 403  # it would be in logs


def test_no_cookie_is_set_and_nothing_may_be_loaded_from_elsewhere(client):
    answer = client.get(f"/?token={TOKEN}")
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert client.get("/").headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:9000", "LOCALHOST", "[::1]:8765", "192.168.0.7:80"]
)
def test_a_server_answers_to_its_own_names(client, host):
    assert client.get("/api/run", headers={**bearer(), "Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8765", "", "[", "a b"],
)
def test_another_name_is_refused_whatever_the_token(client, host):
    assert client.get("/api/run", headers={**bearer(), "Host": host}).status_code == 421


def test_a_server_for_others_answers_to_the_name_of_its_machine(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "beamline")
    monkeypatch.setattr("socket.getfqdn", lambda: "beamline.facility.example")
    for_others = Guard(None, new_token(), "0.0.0.0")
    assert for_others.is_named("beamline.facility.example:8765")
    assert for_others.is_named("Beamline")
    assert not for_others.is_named("other.facility.example")
    assert not Guard(None, new_token(), "127.0.0.1").is_named("beamline")


def test_files_of_the_package_are_open_and_no_others(client):
    assert client.get("/static/page.css").text == read_asset(ASSET)
    assert client.get("/static/page.css").headers["content-type"].startswith("text/css")
    for path in ("../page.css", "..%2f..%2f_guard.py", "%2e%2e/_guard.py", "page.js", ""):
        assert client.get(f"/static/{path}").status_code in (403, 404)


def test_tokens_are_long_and_never_the_same():
    assert len({new_token() for _ in range(50)}) == 50
    assert min(len(new_token()) for _ in range(50)) >= 32
