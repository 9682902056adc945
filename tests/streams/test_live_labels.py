"""Labels that are given while a watch runs, and what training makes of them."""

import os
import shutil
import threading
from dataclasses import replace

import h5py
import numpy as np
import pytest

from sklearn_sfx import make_sfx_frames, open_frames, screen, train
from sklearn_sfx.cli import main
from sklearn_sfx.datasets import match_labels, write_run
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.screening import load_screening_model
from sklearn_sfx.streams import ModelFile, watch
from sklearn_sfx.streams.live._app import live_app
from tests.asgi import Client
from tests.streams.conftest import SIDE
from tests.streams.live_pages import block, live_page, shown


def label(client, sitting, labels):
    """Give labels as the page to label on does; return what it says of the frames."""
    at = f"/label/{sitting}/api"
    said = [client.get(f"{at}/frames/{place}").json() for place in range(len(labels))]
    for place, name in enumerate(labels):
        assert client.post(f"{at}/frames/{place}", json={"label": name}).json()["label"] == name
    return said


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run in a file, and how many frames it has."""
    path = tmp_path_factory.mktemp("run") / "run.h5"
    made = make_sfx_frames(30, frame_shape=(SIDE, SIDE), hit_rate=0.5, random_state=1)
    write_run(path, made)
    os.utime(path, (0, 0))  # nobody writes to it any more
    return path, 30


def test_labels_of_a_run_are_found_in_it_and_trained_on(run, model, tmp_path):
    path, n_frames = run
    page, tally = live_page(labels=tmp_path / "run.label.txt")
    client = Client(live_app(page))
    stop, n_shown = threading.Event(), 0
    for one in watch(path, model, peaks=False, tally=tally, stop=stop):
        page.add(one)
        n_shown += len(one)
        if n_shown == n_frames:
            stop.set()
    assert page.snapshot()["simulated"]
    picked = page.snapshot()["doubtful"][0]
    sitting = client.post("/api/label", json={"frame": picked["number"]}).json()["sitting"]
    facts = client.get(f"/label/{sitting}/api/run").json()
    assert facts["n_places"] <= 21
    assert facts["simulated"]
    assert "the first one picked" in facts["order"]
    assert (facts["back"], facts["start"]) == ("/", 0)
    assert client.get(f"/label/{sitting}/").status_code == 200
    names = [client.get(f"/label/{sitting}/api/frames/{i}").json() for i in range(12)]
    assert f"run.h5 [{names[0]['number']}]" == picked["name"]
    given = ["HIT", "MISS", "MISS"] * 4
    label(client, sitting, given)
    frames = open_frames(path)
    positions, labels, weights = match_labels(frames, page.labels.path, return_weights=True)
    assert sorted(positions) == sorted(one["number"] - 1 for one in names)
    said = dict(zip([one["number"] - 1 for one in names], given, strict=True))
    assert labels.tolist() == [said[position] for position in positions.tolist()]
    assert len(set(weights)) > 1
    target = np.where(labels == "HIT", 1, 0)
    trained = train(
        frames[positions], target, sample_weight=weights, method="peaks", crop=SIDE, random_state=0
    )
    assert len(trained.trained_on) == 12
    now = page.snapshot()
    assert sum(now["labels"]["counts"].values()) == 12
    assert now["doubtful"][0]["label"] == given[0]


def test_a_model_is_trained_on_its_labels_and_taken_while_the_run_is_written(
    frames, tmp_path, capsys
):
    """Who labels, trains beside the watch, and goes on watching loses no frame."""
    path, model_file = tmp_path / "run.h5", tmp_path / "model.joblib"
    rng = np.random.default_rng(0)
    frames = rng.poisson(3, frames.shape).astype(np.uint16)
    for frame in frames[1::2]:
        for row, column in rng.integers(10, SIDE - 10, (8, 2)):
            frame[row : row + 2, column : column + 2] += 90
    many = np.concatenate([frames] * 2)
    first = train(open_frames(frames), method="peaks", crop=SIDE)
    replace(first, threshold=0.0).save(model_file)  # calls every frame a hit
    page, tally = live_page(labels=tmp_path / "run.label.txt")
    client, stop, notices = Client(live_app(page)), threading.Event(), []
    scored: dict[int, str] = {}

    def label_and_train():
        for row in range(20):
            sitting = client.post("/api/label", json={"frame": row + 1}).json()["sitting"]
            label(client, sitting, ["HIT" if row % 2 else "MISS"])
        options = ["--method", "peaks", "--crop", str(SIDE), "--model", str(model_file), "--force"]
        assert main(["train", str(path), "--labels", str(page.labels.path), *options]) == 0

    with h5py.File(path, "w", libver="latest") as file:
        shape = frames.shape[1:]
        data = file.create_dataset("data", (0, *shape), many.dtype, maxshape=(None, *shape))
        file.swmr_mode = True

        def write(n):
            data.resize(n, axis=0)
            data[len(scored) : n] = many[len(scored) : n]
            data.flush()

        write(len(frames))
        for one in watch(
            path, ModelFile(model_file), peaks=False, tally=tally, tell=notices.append, stop=stop
        ):
            page.add(one)
            for source, called in zip(one.scores.sources, one.scores.called, strict=True):
                assert source.position not in scored
                scored[source.position] = str(called)
            if len(scored) == len(frames):
                assert set(scored.values()) == {"hit"}
                label_and_train()
                write(len(many))
            elif len(scored) == len(many):
                stop.set()
    assert sorted(scored) == list(range(len(many)))
    (changed,) = (notice for notice in notices if notice.kind == "model")
    assert changed.text.endswith(f"run.h5 //{len(frames)} on")
    trained = load_screening_model(model_file)
    expected = screen(trained, open_frames(path)[len(frames) :], peaks=False).called
    assert [scored[row] for row in range(len(frames), len(many))] == expected.tolist()
    assert "20 labelled frames" in capsys.readouterr().out


def test_frames_of_no_file_are_written_to_one_before_they_are_labelled(tmp_path):
    page, tally = live_page(labels=tmp_path / "stream.label.txt")
    shown(page, tally, block(np.linspace(0.05, 0.95, 10)))
    client = Client(live_app(page))
    sitting = client.post("/api/label", json={"frame": 10}).json()["sitting"]
    said = label(client, sitting, ["HIT", "MISS"])
    assert said[0]["file"] == "stream.label-00001.cxi"
    frames = open_frames(tmp_path / "stream.label-00001.cxi")
    positions, labels = match_labels(frames, page.labels.path)
    assert positions.tolist() == [0, 1]
    assert labels.tolist() == ["HIT", "MISS"]
    assert frames.sources[0].identifier == "7:9"
    expected = np.asarray(block(np.linspace(0.05, 0.95, 10)).frames.as_stored())[9]
    np.testing.assert_array_equal(np.asarray(frames.as_stored())[0], expected)


def test_one_goes_on_with_what_is_not_labelled_yet(run, model, tmp_path):
    path = shutil.copy(run[0], tmp_path / "run.h5")
    page, _ = live_page(labels=tmp_path / "run.label.txt")
    frames = open_frames(path)
    scored = block(np.linspace(0.1, 0.9, 3))
    here = frames[:3]
    page.add(replace(scored, frames=here, scores=replace(scored.scores, sources=here.sources)))
    client = Client(live_app(page))
    first = client.post("/api/label", json={"frame": None}).json()["sitting"]
    label(client, first, ["MISS"])
    second = client.post("/api/label", json={}).json()["sitting"]
    assert client.get(f"/label/{second}/api/run").json()["n_places"] == 2
    label(client, second, ["HIT", "HIT"])
    answer = client.post("/api/label", json={})
    assert answer.status_code == 409
    assert "Every frame that is held is labelled" in answer.json()["error"]
    assert client.post("/api/label", json={"frame": 9}).json()["error"].startswith("This frame is")
    assert client.post("/api/label", json={"frame": "x"}).status_code == 409
    assert client.get("/label/77/").status_code == 404
    page.labels.path.write_text("something else\n")
    assert "Line 1" in page.snapshot()["labels"]["problem"]


def test_without_a_file_there_are_no_labels():
    page, tally = live_page()
    shown(page, tally, block([0.5]))
    client = Client(live_app(page))
    assert "Labels go nowhere" in client.post("/api/label", json={"frame": 1}).json()["error"]
    with pytest.raises(InputError, match="no longer held"):
        with_labels, _ = live_page(labels="none.txt")
        with_labels.begin_labelling(5)


def test_single_particles_have_their_own_words_labels_and_pictures(tmp_path):
    page, tally = live_page(labels=tmp_path / "run.label.txt", task="single-particle")
    client = Client(live_app(page))
    one = block([0.9, 0.6, 0.1])
    shown(page, tally, replace(one, scores=replace(one.scores, task="single-particle")))
    assert str(tally).startswith("2 singles of 3 frames")
    now = client.get("/api/live").json()
    assert now["words"]["many"] == "singles"
    assert set(now["labels"]["counts"]) == {"empty", "single", "multiple", "other"}
    assert client.get("/api/frames/1/picture").json()["layer"] == "counts"
    sitting = client.post("/api/label", json={"frame": 1}).json()["sitting"]
    facts = client.get(f"/label/{sitting}/api/run").json()
    assert "--task single-particle" in facts["then"]
    label(client, sitting, ["single"])
    assert " single" in (tmp_path / "run.label.txt").read_text()
