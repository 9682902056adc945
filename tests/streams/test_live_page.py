"""The live page: what it says, who may ask it, the threshold that is moved, and what it holds."""

import os
import socket
import sys
from dataclasses import replace

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.screening import HeldOut
from sklearn_sfx.serving import kept_token
from sklearn_sfx.streams import LivePage, Notice, Tally, watch
from sklearn_sfx.streams.live import _kept
from sklearn_sfx.streams.live._app import live_app
from sklearn_sfx.streams.live._history import MOST_BINS, RateHistory, RecentScores
from tests.asgi import Client
from tests.streams.live_pages import block, live_page, shown


def test_it_says_what_was_found():
    page, tally = live_page()
    scores = np.r_[np.full(6, 0.95), 0.45, 0.02, np.nan, np.full(11, 0.01)]
    shown(page, tally, block(scores), block([0.6, 0.1], start=20))
    tally.receive(3)
    tally.skip(2)
    page.tell(Notice("start", "series 7 starts"))
    now = Client(live_app(page)).get("/api/live").json()
    counts = now["counts"]
    assert (counts["received"], counts["waiting"], counts["skipped"]) == (25, 1, 2)
    assert (now["rate"]["count"], now["rate"]["of"]) == (7, 21)
    assert now["rate"]["low"] < 1 / 3 < now["rate"]["high"]
    assert now["minute"] == now["rate"]
    assert sum(one["of"] for one in now["history"]["points"]) == 21
    assert sum(now["scores"]["counts"]) == now["scores"]["of"] == 21
    assert now["speed"] > 0
    assert [one["number"] for one in now["doubtful"][:2]] == [7, 21]  # from 1
    assert now["doubtful"][0]["name"] == "7:6"
    assert now["threshold"]["now"] == 0.5
    assert now["notices"][0][1:] == ["start", "series 7 starts"]
    assert (now["labels"], now["simulated"], now["name"]) == (None, False, "run 95")


def test_the_model_in_use_is_said_with_its_first_frame(model):
    page, tally = live_page()
    shown(page, tally, block([0.2, 0.9], model=model), block([0.9], start=2, model=model))
    assert page.snapshot()["model"]["since"] == 1
    other = replace(model, method="spots")
    shown(page, tally, block([0.3], start=3, model=other))
    now = page.snapshot()
    assert (now["model"]["since"], now["model"]["method"]) == (4, "spots")
    assert now["scores"]["of"] == 1  # the others are on another scale
    assert [one["number"] for one in now["doubtful"]] == [4]


def test_prometheus_reads_counts_that_add_up():
    page, tally = live_page()
    shown(page, tally, block([0.9, 0.1, np.nan, 0.2]))
    tally.receive(7)
    tally.skip(4)
    tally.notice(Notice("lost", "images 5 to 6 never came", 2))
    tally.notice(Notice("unreadable", "a message is no map", 1))
    answer = Client(live_app(page)).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {family.type for name, family in families.items() if "frames_" in name} == {
        "counter",
        "gauge",
    }
    samples = {}
    for family in families.values():
        assert family.documentation.endswith(".")
        for sample in family.samples:
            samples[(sample.name, *sample.labels.values())] = sample.value
    kinds = ("scored", "skipped", "unreadable")
    parts = [samples[(f"sfx_frames_{kind}_total",)] for kind in kinds]
    assert parts == [3, 4, 2]
    waiting = samples[("sfx_frames_waiting",)]
    assert samples[("sfx_frames_received_total",)] == sum(parts) + waiting == 12
    assert (samples[("sfx_hits_total",)], samples[("sfx_frames_lost_total",)]) == (1, 2)
    assert samples[("sfx_notices_total", "lost")] == 1
    assert samples[("sfx_threshold_ratio",)] == 0.5
    middle, most = (samples[("sfx_frame_latency_seconds", q)] for q in ("0.5", "0.99"))
    assert 0 < middle <= most


def test_who_has_no_token_is_refused():
    with LivePage(Tally(), port=0) as page:
        url, _, token = page.url.partition("?token=")
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            for path in ("/", "/api/live", "/metrics", "/label/1/", "/api/frames/1/picture"):
                assert client.get(path).status_code == 403
            assert client.post("/api/threshold", json={"threshold": 0.1}).status_code == 403
            assert page.chosen is None
            bearer = {"Authorization": f"Bearer {token}"}
            assert client.get("/metrics", headers=bearer).status_code == 200
            assert "charts.js" in client.get(f"/?token={token}").text
            assert client.get(f"/metrics?token={token}").status_code == 403


def test_a_threshold_that_is_chosen_decides_from_then_on(model, frames):
    page, tally = live_page()
    thresholds = []
    client = Client(live_app(page))

    def sending():
        yield frames[:10]
        while tally.scored < 10:
            pass
        assert client.post("/api/threshold", json={"threshold": 0.0}).status_code == 200
        yield frames[10:20]
        while tally.scored < 20:
            pass
        client.post("/api/threshold", json={"threshold": None})
        yield frames[20:]

    for one in watch(sending(), model, threshold=page.threshold, peaks=False, tally=tally):
        page.add(one)
        thresholds += [one.scores.threshold] * len(one)
        if one.scores.threshold == 0:
            assert one.scores.decision.all()
    assert thresholds == [model.threshold] * 10 + [0.0] * 10 + [model.threshold] * 10
    assert page.snapshot()["threshold"] | {"expected": None} == {
        "now": model.threshold,
        "own": model.threshold,
        "chosen": None,
        "expected": None,
        "knows_recall": False,
    }


def test_what_a_threshold_would_change(model):
    held_out = HeldOut(np.linspace(0.05, 0.95, 40), np.arange(40) >= 20)
    page, tally = live_page()
    shown(page, tally, block([0.9, 0.6, 0.3, 0.1], model=replace(model, held_out=held_out)))
    client = Client(live_app(page))
    found = client.get("/api/consequences?threshold=0.25").json()
    assert (found["kept"]["count"], found["now"]["count"], found["kept"]["of"]) == (3, 2, 4)
    recall = found["expected"]["recall"]
    assert recall["value"] == 1
    assert recall["low"] < 1
    asked = client.get("/api/consequences?recall=0.5").json()
    assert asked["threshold"] == pytest.approx(held_out.threshold_for(0.5))
    assert asked["expected"]["recall"]["value"] == 0.5
    assert asked["expected"]["n_labels"] == 40
    for wrong in ("threshold=2", "threshold=nan", "threshold=x", "recall=-1", ""):
        answer = client.get(f"/api/consequences?{wrong}")
        assert answer.status_code == 409
        assert "from 0 to 1" in answer.json()["error"]
    for sent in ({"threshold": "x"}, {"threshold": True}, {}, [], {"threshold": 7}):
        assert client.post("/api/threshold", json=sent).status_code == 409
    assert client.post("/api/threshold", content=b"[" * 5000).status_code == 409
    assert page.chosen is None
    page.choose(0.123456789)
    assert page.threshold() == 0.123457
    with pytest.raises(InputError, match="between 0 and 1"):
        page.choose(1.5)
    page._take_model(model, 5)
    assert client.get("/api/consequences?recall=0.5").status_code == 409
    assert client.get("/api/consequences?threshold=0.2").json()["expected"] is None


def test_pictures_are_made_of_what_is_held(monkeypatch):
    page, tally = live_page()
    client = Client(live_app(page))
    shown(page, tally, block([0.9, 0.1], shape=(500, 300)))
    picture = client.get("/api/frames/1/picture").json()
    assert (picture["view"]["height"], picture["view"]["width"]) == (125, 75)
    assert len(picture["codes"]) == 4 * -(-125 * 75 // 3)
    assert client.get("/api/frames/99/picture").status_code == 404
    monkeypatch.setattr("sklearn_sfx.streams.live._app._picture", lambda one: pytest.fail("again"))
    assert client.get("/api/frames/1/picture").json() == picture


def test_memory_is_bounded_and_no_frame_holds_its_block(monkeypatch):
    monkeypatch.setattr(_kept, "ROOM", 20 * 40 * 48 * 2)
    monkeypatch.setattr(_kept, "BETWEEN_HITS_S", -1.0)
    page, tally = live_page()
    rng = np.random.default_rng(0)
    for start in range(0, 2000, 50):
        shown(page, tally, block(rng.random(50), start=start))
    kept = page.kept
    assert (len(kept.hits), len(kept.doubtful), len(kept.sample)) == (12, 12, 20)
    held = [one.frames._source.array for one in kept]
    assert {len(one if one.base is None else one.base) for one in held} == {1}
    numbers = [one.number for one in kept.sample]
    assert 600 < np.mean(numbers) < 1400  # a sample of all
    assert all(abs(one.probability - 0.5) < 0.02 for one in kept.doubtful)
    page.add(block(rng.random(5), shape=(400, 480)))  # each is larger than there is room
    assert len(kept.doubtful) == 3


def test_history_and_scores_do_not_grow():
    history, scores = RateHistory(0.0), RecentScores()
    for second in range(0, 100_000, 7):
        history.add(float(second), 100, 3)
        scores.add(np.full(100, 0.25))
    width, points = history.points()
    assert len(points) <= MOST_BINS
    assert sum(one["of"] for one in points) == 100 * len(range(0, 100_000, 7))
    assert width * len(points) >= 100_000
    assert len(scores) == 20_000
    assert scores.kept(0.25)["count"] == 20_000
    assert history.speed(99_995.0) == pytest.approx(20, abs=10)


def test_few_frames_in_many_bins_are_put_together():
    history = RateHistory(0.0)
    for second in range(100):
        history.add(second + 0.5, 4, 1)
    width, points = history.points()
    assert width == 8
    assert [one["of"] for one in points] == [32] * 12 + [16]
    assert points[0]["at"] == 4


def test_a_client_that_hangs_delays_nothing_and_is_left_at_the_end():
    tally = Tally()
    with LivePage(tally, port=0) as page:
        shown(page, tally, block([0.9, 0.1]))
        url, _, token = page.url.partition("?token=")
        request = f"GET /api/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        hanging = []
        for n in range(20):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.connect(("127.0.0.1", page._server.port))
            one.sendall((f"{request}\r\n" * 50 if n % 2 else request).encode())  # never read
            hanging.append(one)
        for start in range(2, 200, 2):
            shown(page, tally, block([0.9, 0.1], start=start))
        bearer = {"Authorization": f"Bearer {token}"}
        now = httpx.get(f"{url}api/live", headers=bearer, trust_env=False, timeout=30).json()
        assert now["counts"]["scored"] == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.url, trust_env=False)
    for one in hanging:
        one.close()


@pytest.mark.parametrize("package", ["prometheus_client", "starlette", "uvicorn"])
def test_what_is_not_installed_is_said_with_its_extra(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"need {package}: pip install 'sklearn_sfx\[live\]'"):
        LivePage(Tally(), port=0)


def test_a_token_is_kept_for_the_next_watch_and_for_its_owner(tmp_path):
    path = tmp_path / "run.token"
    token = kept_token(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert kept_token(path) == token
    os.chmod(path, 0o644)  # others may have read it
    assert kept_token(path) != token
    path.write_text("short")
    assert len(kept_token(path)) >= 32
    path.write_bytes(b"\xff" * 40)
    assert kept_token(path).isascii()
