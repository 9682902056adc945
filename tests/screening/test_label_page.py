"""The page to label on: the frames it shows, and the labels that a browser gets from it."""

import base64
import gzip
import json
import re
import shutil

import numpy as np
import pytest

from sklearn_sfx import InputError, make_sfx_frames, open_frames, read_mask, screen, train
from sklearn_sfx.datasets import match_labels, weight_in_labels, write_run
from sklearn_sfx.preprocessing import CentralCrop, PixelMask
from sklearn_sfx.screening import load_screening_model, write_label_page
from sklearn_sfx.screening.labelling._doubt import chances
from sklearn_sfx.serving import FramePicture

CROP = 120


@pytest.fixture(scope="module")
def run(run_folder):
    return open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))


@pytest.fixture(scope="module")
def page(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("label") / "label.html"
    write_label_page(path, run, n_frames=30, crop=CROP, random_state=0)
    return path.read_text()


def shown(page):
    return json.loads(re.search(r'<script id="shown"[^>]*>(.*?)</script>', page, re.S)[1])["frames"]


def test_frames_are_drawn_from_all_of_the_run_as_a_model_sees_them(page, run):
    frames = shown(page)
    numbers = [frame["number"] for frame in frames]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 30
    assert min(numbers) < 15
    assert max(numbers) > 75
    assert {frame["file"] for frame in frames} == {"run.h5"}
    chosen = run[np.array(numbers) - 1]
    masked = PixelMask(detect=True, invalid="auto").fit_transform(chosen)
    cropped = CentralCrop(CROP, center="beam").fit_transform(masked)
    for frame, expected in zip(frames, cropped, strict=True):
        codes = gzip.decompress(base64.b64decode(frame["codes"]))
        codes = np.frombuffer(codes, np.uint8).reshape(CROP, CROP)
        np.testing.assert_array_equal(codes == 0, np.isnan(expected))
        whole = FramePicture(expected).codes("local", 0)
        assert np.abs(codes.astype(int) - whole).max() <= 2  # at full resolution


def test_a_seed_draws_the_same_frames_and_a_short_run_is_taken_whole(run, page, tmp_path):
    write_label_page(tmp_path / "again.html", run, n_frames=30, crop=CROP, random_state=0)
    assert (tmp_path / "again.html").read_text() == page
    write_label_page(tmp_path / "all.html", run[:6], n_frames=30, crop=CROP)
    frames = shown((tmp_path / "all.html").read_text())
    assert [frame["number"] for frame in frames] == [1, 2, 3, 4, 5, 6]


def saved(page):
    """Return what the page gives as a text file."""
    with page.expect_download() as download:
        page.click("[data-do=end]")
    assert download.value.suggested_filename == "labels.txt"
    return download.value.path().read_text()


def test_keys_give_labels_that_belong_to_the_frames(page, run, tmp_path, open_page, press):
    (tmp_path / "label.html").write_text(page)
    opened = open_page((tmp_path / "label.html").as_uri())
    # The second is called a miss, and a hit on second thoughts; the fourth is passed over.
    press(opened, "h", "n", "ArrowLeft", "H", "m", "ArrowRight", "n", "x")
    numbers = [frame["number"] for frame in shown(page)]
    assert opened.text_content("#title") == f"run.h5 [{numbers[5]}]"
    assert opened.text_content("#counts") == "4 labelled: 2 HIT, 1 MAYBE, 1 MISS"
    (tmp_path / "labels.txt").write_text(saved(opened))
    positions, labels = match_labels(run, tmp_path / "labels.txt")
    assert [int(p) + 1 for p in positions] == [numbers[i] for i in (0, 1, 2, 4)]
    assert list(labels) == ["HIT", "HIT", "MAYBE", "MISS"]
    press(opened, "u")
    assert saved(opened).count("\n") == 3
    assert not opened.is_visible("[data-do=flag]")  # what takes a server


@pytest.fixture(scope="module")
def model(run):
    return train(run[:20], method="peaks", crop=CROP)  # without labels


@pytest.fixture(scope="module")
def doubtful(run, model, tmp_path_factory):
    """Return a page on which half of the frames are those of which a model is in doubt."""
    path = tmp_path_factory.mktemp("doubtful") / "label.html"
    assert write_label_page(path, run, n_frames=30, model=model, crop=CROP, random_state=0) == 30
    return path.read_text()


def test_with_a_model_each_frame_has_the_weight_of_its_chance(run, model, doubtful):
    frames, scores = shown(doubtful), screen(model, run, peaks=False)
    rows = [frame["number"] - 1 for frame in frames]
    assert len(set(rows)) == 30
    assert rows != sorted(rows)  # so that those labelled first are from all of the run
    chance = chances(scores.probability, model.threshold, 30)[rows]
    assert [frame["weight"] for frame in frames] == [weight_in_labels(w) for w in 1 / 3 / chance]
    assert "half where the model is in doubt" in doubtful
    for said in ("probability", "threshold", "score"):
        assert said not in doubtful


def test_with_a_model_a_page_is_the_same_for_a_seed(run, model, doubtful, tmp_path):
    options = {"n_frames": 30, "model": model, "crop": CROP}
    for seed, is_same in ((0, True), (1, False)):
        write_label_page(tmp_path / "l.html", run, **options, random_state=seed)
        assert ((tmp_path / "l.html").read_text() == doubtful) == is_same


def test_a_short_run_is_taken_whole_and_weighs_nothing(run, model, page, tmp_path):
    assert write_label_page(tmp_path / "l.html", run[:12], model=model, crop=CROP) == 12
    for text in ((tmp_path / "l.html").read_text(), page):  # and that without a model
        assert {frame["weight"] for frame in shown(text)} == {""}


def test_frames_that_taught_the_model_are_not_shown(run_folder, run, tmp_path):
    taught = load_screening_model(run_folder / "model.joblib")
    seen = {frame.position + 1 for frame in taught.trained_on}
    assert write_label_page(tmp_path / "l.html", run, model=taught, crop=CROP) == 30
    assert not seen & {frame["number"] for frame in shown((tmp_path / "l.html").read_text())}
    with pytest.raises(InputError, match="was trained on every frame that could be shown"):
        rows = np.array(sorted(seen)) - 1
        write_label_page(tmp_path / "none.html", run[rows], model=taught, crop=CROP)
    assert not (tmp_path / "none.html").exists()


def test_the_page_saves_the_weights(doubtful, run, tmp_path, open_page, press):
    (tmp_path / "label.html").write_text(doubtful)
    opened = open_page((tmp_path / "label.html").as_uri())
    press(opened, "n", "h")
    frames = shown(doubtful)[:2]
    lines = saved(opened).splitlines()
    assert lines == [
        f"run.h5 [{frame['number']}] {label}{frame['weight']}"
        for frame, label in zip(frames, ("MISS", "HIT"), strict=True)
    ]
    (tmp_path / "labels.txt").write_text("\n".join(lines))
    positions, _, weights = match_labels(run, tmp_path / "labels.txt", return_weights=True)
    by_position = dict(zip(positions.tolist(), weights.tolist(), strict=True))
    for frame in frames:
        assert by_position[frame["number"] - 1] == float(frame["weight"].partition("=")[2] or 1)


def test_a_browser_remembers_frames_by_what_is_in_them(
    page, run, run_folder, tmp_path, browser, open_page, press
):
    """A larger page goes on, a run that was renamed too, and another run starts anew."""
    context = browser.new_context()
    (tmp_path / "label.html").write_text(page)
    url = (tmp_path / "label.html").as_uri()
    press(open_page(url, context=context), "h", "m")
    numbers = {frame["number"] for frame in shown(page)[:2]}
    shutil.copy(run_folder / "run.h5", tmp_path / "renamed.h5")
    renamed = open_frames(tmp_path / "renamed.h5", mask=run.mask)
    for frames, name in ((run, "run.h5"), (renamed, "renamed.h5")):
        write_label_page(tmp_path / "label.html", frames, n_frames=30, crop=CROP, random_state=0)
        text = saved(open_page(url, context=context))
        assert re.findall(r"(\S+) \[(\d+)\] (\w+)", text) == [
            (name, str(number), label)
            for number, label in zip(sorted(numbers), ("HIT", "MAYBE"), strict=True)
        ]
    other = make_sfx_frames(90, frame_shape=(160, 160), random_state=9)
    write_run(tmp_path / "other.h5", other)
    write_label_page(tmp_path / "label.html", open_frames(tmp_path / "other.h5"), crop=CROP)
    opened = open_page(url, context=context)
    assert opened.text_content("#counts").startswith("0 labelled")


def test_names_are_escaped_and_nothing_is_loaded(run_folder, tmp_path):
    name = "two </script><b>&.h5"
    shutil.copy(run_folder / "run.h5", tmp_path / name.replace("/", "_"))
    run = open_frames(str(next(tmp_path.glob("two*"))))
    write_label_page(tmp_path / "label.html", run, n_frames=10, crop=CROP)
    page = (tmp_path / "label.html").read_text()
    assert shown(page)[0]["file"] == name.replace("/", "_")
    assert "<b>" not in page
    for loads in ("http:", "https:", "<link", "@import", "import(", " src=", "XMLHttpRequest"):
        assert loads not in page


def test_frames_that_no_label_can_name_are_refused(run, run_folder, tmp_path):
    with pytest.raises(InputError, match="no file"):
        write_label_page(tmp_path / "l.html", open_frames(np.zeros((12, 130, 130))), crop=CROP)
    (tmp_path / "a").mkdir()
    shutil.copy(run_folder / "run.h5", tmp_path / "a" / "run.h5")
    twice = open_frames([str(run_folder / "run.h5"), str(tmp_path / "a" / "run.h5")])
    with pytest.raises(InputError, match="two files of this run are called"):
        write_label_page(tmp_path / "l.html", twice, n_frames=180, crop=CROP)
    with pytest.raises(InputError, match="at least 400"):
        write_label_page(tmp_path / "l.html", run, crop=400)
    assert not (tmp_path / "l.html").exists()
