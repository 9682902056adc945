"""What the served page asks its server, and what it is told."""

import gzip
import json
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames, read_mask, train
from sklearn_sfx.datasets import match_labels
from sklearn_sfx.preprocessing import find_spots
from sklearn_sfx.screening import LabelFile, label_frames
from sklearn_sfx.screening.labelling._app import label_app
from sklearn_sfx.screening.labelling._doubt import chances
from sklearn_sfx.screening.labelling._draw import at_random, by_doubt
from sklearn_sfx.screening.labelling._label_frames import label_server
from tests.asgi import Client
from tests.damaged_runs import SIDE

CROP = 120
OPTIONS = {
    "n_frames": 30,
    "model": None,
    "order": "auto",
    "crop": CROP,
    "random_state": 0,
    "host": "127.0.0.1",
    "port": 0,
    "progress": False,
}


@pytest.fixture(scope="module")
def run(run_folder):
    return open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))


@pytest.fixture
def start(run, tmp_path):
    """Return what starts labelling, and gives a client and what is labelled."""
    servers = []

    def start_it(frames=run, **options):
        server, labelling = label_server(frames, tmp_path / "labels.txt", **{**OPTIONS, **options})
        servers.append(server)
        return Client(label_app(labelling)), labelling

    yield start_it
    for server in servers:
        server._socket.close()


def test_the_run_and_its_frames_are_told(start, run):
    client, _ = start()
    facts = client.get("/api/run").json()
    assert (facts["view"]["height"], facts["view"]["width"]) == run.shape[1:]
    assert (facts["window"]["height"], facts["window"]["width"]) == (CROP, CROP)
    assert (facts["n_run"], facts["n_places"], facts["start"]) == (90, 90, 0)
    assert facts["simulated"]
    assert facts["labels"].endswith("labels.txt")
    frame = client.get("/api/frames/0").json()
    assert frame["file"] == "run.h5"
    assert frame["label"] is None
    assert frame["progress"]["labelled"] == 0
    assert client.get("/api/frames/90").status_code == 404
    assert client.get("/api/frames/-1").status_code == 404


def test_tiles_are_the_pixels_behind_the_mask_and_without_it(start, run):
    client, labelling = start()
    row = labelling.names[3].number - 1
    facts = client.get("/api/run").json()["view"]
    for layer in ("local", "counts"):
        masked, stored = (
            np.frombuffer(client.get(f"/api/frames/3/{layer}/0/0/0?mask={m}").content, np.uint8)
            for m in (1, 0)
        )
        assert masked.size == facts["height"] * facts["width"]
        usable = np.isfinite(run[row]).ravel()
        assert (masked[~usable] == 0).all()
        assert (masked[usable] == 0).mean() < 0.01  # what is found defective
        assert (stored > 0).all()
    assert client.get("/api/frames/3/local/0/0/0").headers["content-encoding"] == "gzip"
    for wrong in ("local/9/0/0", "other/0/0/0", "local/0/-1/0"):
        assert client.get(f"/api/frames/3/{wrong}").status_code == 404
    assert client.get("/api/frames/3/local/0/7/7").content == b""  # off the frame


def test_spots_are_those_of_find_spots(start, run):
    client, labelling = start()
    for place in range(5):
        found = client.get(f"/api/frames/{place}/spots").json()["spots"]
        expected = find_spots(labelling.shown._read(place))
        np.testing.assert_allclose(
            np.reshape(found, (-1, 2)), np.transpose([expected.row, expected.column]), atol=0.06
        )


def test_labels_are_in_the_file_when_the_answer_comes(start, run):
    client, labelling = start()
    path, place = labelling.labels.path, 0
    for label in ("HIT", "MISS", "MAYBE"):
        answer = client.post(f"/api/frames/{place}", json={"label": label}).json()
        assert answer["label"] == label
        assert str(labelling.names[place]) in path.read_text()
        place = answer["next"]
    assert place == 3
    positions, labels = match_labels(run, path)
    given = dict(zip(positions.tolist(), labels.tolist(), strict=True))
    numbers = [name.number - 1 for name in labelling.names[:3]]
    assert [given[number] for number in numbers] == ["HIT", "MISS", "MAYBE"]
    assert answer["progress"]["counts"] == {"HIT": 1, "MAYBE": 1, "MISS": 1}
    assert client.post("/api/undo").json() == {"place": 2}
    assert client.post("/api/frames/0", json={"label": None}).json()["label"] is None
    assert client.post("/api/frames/1", json={"flag": True}).json()["flagged"]
    assert client.get("/api/frames/0").json()["progress"]["labelled"] == 1
    assert client.get("/api/frames/1/next").json() == {"place": 2}


def test_labelling_goes_on_where_it_was_left_and_with_what_others_wrote(start, run):
    client, labelling = start()
    client.post("/api/frames/0", json={"label": "HIT"})
    other = LabelFile(labelling.labels.path)
    other.put(labelling.names[1], "MISS")
    other.put(labelling.names[0]._replace(file="of another run.h5"), "MISS")
    again, _ = start()
    for one in (client, again):
        assert one.get("/api/run").json()["start"] == 2
        assert one.get("/api/frames/1").json()["label"] == "MISS"
        assert one.get("/api/frames/0").json()["progress"]["labelled"] == 2


def test_what_is_no_label_is_refused_and_nothing_is_written(start):
    client, labelling = start()
    wrong = ({"label": "hit"}, {"label": 3}, {"label": "HIT\nrun.h5 [2] HIT"}, {}, [], {"x": 1})
    for sent in wrong:
        answer = client.post("/api/frames/0", json=sent)
        assert answer.status_code in (400, 409)
        assert answer.json()["error"]
    both = client.post("/api/frames/0", json={"label": "HIT", "flag": True})
    long = client.post("/api/frames/0", content=b"[" * 100_000)
    none = client.post("/api/frames/0", content=b"no json")
    assert [a.status_code for a in (both, long, none)] == [400, 413, 400]
    assert not labelling.labels.path.exists()


def test_a_label_that_cannot_be_written_is_said_and_not_acknowledged(start, monkeypatch):
    client, labelling = start()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sklearn_sfx.screening.labelling._label_file.replacing", full)
    answer = client.post("/api/frames/0", json={"label": "HIT"})
    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["error"]
    monkeypatch.undo()
    assert client.get("/api/frames/0").json()["label"] is None
    labelling.labels.path.write_text("something else\n")
    answer = client.post("/api/frames/0", json={"label": "HIT"})
    assert answer.status_code == 409
    assert "Line 1" in answer.json()["error"]


def test_frames_that_cannot_be_read_are_shown_as_such_and_skipped(damaged_folder, start):
    frames = open_frames(damaged_folder / "run.h5", missing="on_read")
    client, labelling = start(frames, order="number", crop=SIDE, n_frames=80)
    assert client.post("/api/frames/2", json={"label": "MISS"}).json()["next"] == 4
    gone = client.get("/api/frames/3").json()
    assert gone["unreadable"]
    assert gone["scales"] is None
    assert client.get("/api/frames/3/local/0/0/0").status_code == 409
    assert client.get("/api/frames/3/spots").status_code == 409
    answer = client.post("/api/frames/3", json={"label": "HIT"})
    assert answer.status_code == 409
    assert "cannot be read" in answer.json()["error"]
    assert set(labelling.labels.labels()) == {labelling.names[2]}


def test_the_order_is_random_by_number_or_by_doubt(start, run):
    _, drawn = start(order="random")
    rng = np.random.RandomState(0)
    first = [name.number - 1 for name in drawn.names[:30]]
    assert first == at_random(run, 30, rng).rows.tolist()
    assert len(set(drawn.names)) == 90
    _, numbered = start(order="number")
    assert [name.number for name in numbered.names] == list(range(1, 91))
    model = train(run[:20], method="peaks", crop=CROP)  # without labels
    client, doubtful = start(model=model)
    rows, weights = by_doubt(run, 30, model, np.random.RandomState(0), False)
    assert [name.number - 1 for name in doubtful.names] == rows.tolist()
    assert len(set(weights)) > 1
    for place in range(3):
        client.post(f"/api/frames/{place}", json={"label": "HIT"})
    positions, _, kept = match_labels(run, doubtful.labels.path, return_weights=True)
    given = dict(zip(rows[:3], weights[:3], strict=True))
    assert kept == pytest.approx([given[row] for row in positions], rel=1e-3)
    said = client.get("/api/run").text + client.get("/api/frames/0").text
    for word in ("probability", "threshold", "score"):
        assert word not in said
    assert min(chances(np.array([0.5, 0.1]), 0.5, 1)) > 0


def test_enough_is_said_by_hits_and_misses(start):
    client, labelling = start(order="number")
    for place in range(40):
        labelling.labels.put(labelling.names[place], "HIT" if place % 2 else "MISS")
        progress = client.get("/api/frames/0").json()["progress"]
        assert progress["enough"] == (place == 39)
    assert progress["wanted"] == 30


def test_the_page_has_all_it_needs_and_names_are_escaped(start, tmp_path):
    client, labelling = start()
    labelling.facts["title"] = "Labels: <b>&.txt"
    page = client.get("/").text
    assert "<title>Labels: &lt;b&gt;&amp;.txt</title>" in page
    assert "http" not in page
    assert "<script>" not in page
    assert "<style>" not in page
    for path in {*_between(page, 'src="', '"'), *_between(page, 'href="/', '"')}:
        assert client.get(f"/{path.lstrip('/')}").status_code == 200
    assert client.get("/static/alone.js").status_code == 404
    assert client.get("/static/..%2f_app.py").status_code == 404


def _between(text, start, end):
    return [part.partition(end)[0] for part in text.split(start)[1:]]


def test_the_page_ends_the_call_and_the_labels_are_counted(run, tmp_path):
    """The whole of it, over a real socket."""
    said, counts = [], []
    options = {"crop": CROP, "random_state": 0, "port": 0, "browser": False, "say": said.append}
    path = tmp_path / "labels.txt"
    labelling = threading.Thread(
        target=lambda: counts.append(label_frames(run, path, n_frames=5, **options))
    )
    labelling.start()
    while not said and labelling.is_alive():
        labelling.join(0.05)
    url, _, token = said[0].partition("/?token=")

    def ask(path, sent=None):
        data = None if sent is None else json.dumps(sent).encode()
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(url + path, data, headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            body = answer.read()
            return gzip.decompress(body) if answer.headers["Content-Encoding"] else json.loads(body)

    assert len(ask("/api/frames/0/local/0/0/0")) == 160 * 160
    assert ask("/api/frames/0", {"label": "HIT"})["next"] == 1
    assert ask("/api/stop", {}) == {"stopped": True}
    labelling.join(20)
    assert counts == [{"HIT": 1, "MAYBE": 0, "MISS": 0}]
    assert Path(path).read_text().endswith(" HIT\n")


def test_what_cannot_be_labelled_is_refused_in_a_sentence(start, run, tmp_path):
    with pytest.raises(InputError, match="no file"):
        start(open_frames(np.zeros((12, 130, 130))))
    with pytest.raises(InputError, match="'doubt' is that of a model"):
        start(order="doubt")
    with pytest.raises(InputError, match="order has to be auto"):
        start(order="size")
    with pytest.raises(InputError, match="at least 400"):
        start(crop=400)
    with pytest.raises(InputError, match="1 or more"):
        start(n_frames=0)
