"""The served page in a real browser: keys, pictures, two widths, and a server that is killed."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from sklearn_sfx import make_sfx_frames, open_frames, read_mask
from sklearn_sfx.datasets import read_annotation, write_run
from sklearn_sfx.screening import FrameName, LabelFile
from sklearn_sfx.screening.labelling._label_frames import label_server
from tests.conftest import ready

OPTIONS = {"n_frames": 30, "model": None, "order": "number", "crop": 120, "random_state": 0}
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}
# What a canvas shows: the share of its pixels that are dark, and that are the colour of a mask.
SEEN = """() => {
  const canvas = document.getElementById("frame");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let dark = 0, masked = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] < 60 && data[i + 2] < 60) dark++;
    if (data[i] === 156 && data[i + 1] === 201 && data[i + 2] === 240) masked++;
  }
  return { dark: dark / data.length * 4, masked: masked / data.length * 4 };
}"""

# Lets the body of the next answer from a path break off.
BREAK_OFF = """path => {
  const json = Response.prototype.json;
  Response.prototype.json = function () {
    if (!new URL(this.url).pathname.endsWith(path)) return json.call(this);
    Response.prototype.json = json;
    return Promise.reject(new TypeError("Failed to fetch"));
  };
}"""
# Lets no request to a path be answered, until `ANSWER`.
NO_ANSWER = """path => {
  const fetch = window.fetch;
  window.answer = () => { window.fetch = fetch; };
  window.fetch = (address, ...options) => new URL(address, location).pathname.endsWith(path)
    ? Promise.reject(new TypeError("Failed to fetch")) : fetch(address, ...options);
}"""
ANSWER = "() => window.answer()"
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
MAGNIFIED = """least => {
  const words = document.getElementById("over").textContent.split(" ");
  return Number(words.at(-2)) > least;
}"""


@pytest.fixture(scope="module")
def run(run_folder):
    return open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))


@pytest.fixture
def served(run, tmp_path):
    """Return the address of a page, and what is labelled on it."""
    options = {**OPTIONS, "host": "127.0.0.1", "port": 0, "progress": False}
    server, labelling = label_server(run, tmp_path / "labels.txt", **options)
    with server:
        yield server.url, labelling


def seen(page):
    page.wait_for_timeout(150)  # until it is drawn
    return page.evaluate(SEEN)


def test_keys_label_and_each_label_is_saved(served, open_page, press):
    url, labelling = served
    page = open_page(url)
    press(page, "h", "n", "m", "ArrowLeft", "f", "ArrowLeft", "c")
    assert page.text_content("#title") == "run.h5 [2]"
    assert page.text_content("#counts") == "2 labelled: 1 HIT, 1 MAYBE, 0 MISS"
    assert labelling.labels.path.read_text() == "run.h5 [1] HIT\nrun.h5 [3] MAYBE\n"
    assert labelling.labels.flags() == {FrameName("run.h5", 3)}
    press(page, "u", "j")
    assert labelling.labels.labels()[FrameName("run.h5", 2)].name == "MISS"
    assert page.text_content("#title") == "run.h5 [4]"
    labelling.labels.put(FrameName("run.h5", 5), "HIT")  # somebody else
    press(page, "h")
    assert page.text_content("#title") == "run.h5 [6]"
    assert "3 HIT, 1 MAYBE, 1 MISS" in page.text_content("#counts")
    again = open_page(url)
    assert again.text_content("#title") == "run.h5 [6]"


def test_the_picture_follows_wheel_drag_keys_and_choices(served, open_page, press):
    url, _ = served
    page = open_page(url)
    part = page.text_content("#over")
    press(page, "w")
    assert page.text_content("#over") != part
    whole = seen(page)
    assert whole["masked"] > 0
    press(page, "k")
    assert seen(page)["masked"] < whole["masked"] / 10
    press(page, "k", "l")
    assert seen(page)["masked"] == pytest.approx(whole["masked"], rel=0.2)
    press(page, "l")
    for _ in range(8):
        press(page, "]")
    assert seen(page)["dark"] > 2 * whole["dark"]
    page.mouse.move(640, 400)
    page.mouse.wheel(0, -500)
    page.mouse.down()
    page.mouse.move(700, 440)
    page.mouse.up()
    page.wait_for_timeout(150)
    zoomed = page.text_content("#over")
    assert float(zoomed.split()[-2]) > 200
    view = "[window.sfxView.left, window.sfxView.top, window.sfxView.scale]"
    left, top, scale = page.evaluate(f"() => {view}")
    page.mouse.down()
    page.mouse.move(600, 400)
    page.mouse.up()
    moved = page.evaluate(f"() => {view}")
    assert moved == pytest.approx([left + 100 / scale, top + 40 / scale, scale], abs=0.5)
    press(page, "0", "p", "s", "?")
    assert page.is_visible("dialog#help")


@pytest.mark.parametrize("name", WIDTHS)
def test_all_of_it_fits(name, served, open_page, tmp_path):
    """Nothing is wider than the screen, and what labels a frame is on it."""
    url, _ = served
    width, height = WIDTHS[name]
    page = open_page(url, width=width, height=height)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [page.locator(f"[data-label={one}]").bounding_box() for one in ("HIT", "MAYBE", "MISS")]
    boxes += [page.locator("#frame").bounding_box(), page.locator("#status").bounding_box()]
    for box in boxes:
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    assert boxes[3]["height"] > 0.4 * height
    assert seen(page)["masked"] > 0
    page.screenshot(path=tmp_path / f"{name}.png")


def test_fingers_label_and_pinch(served, open_page, browser):
    url, labelling = served
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = open_page(url, context=context)
    before = float(page.text_content("#over").split()[-2])
    session = context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), ("touchMove", 80), ("touchMove", 120), ("touchEnd", 0)):
        points = [{"x": 195 - apart, "y": 350}, {"x": 195 + apart, "y": 350}] if apart else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.evaluate(DRAWN)  # or several moves become one
    page.wait_for_function(MAGNIFIED, arg=2 * before)
    page.tap("[data-label=MISS]")
    ready(page)
    assert labelling.labels.path.read_text() == "run.h5 [1] MISS\n"


def test_the_page_says_that_it_is_enough_and_ends(served, open_page, press):
    url, labelling = served
    for number in range(2, 42):
        labelling.labels.put(FrameName("run.h5", number), "HIT" if number % 2 else "MISS")
    page = open_page(url)
    press(page, "h")
    assert "21 hits and 20 misses: enough for now" in page.text_content("#enough")
    page.click("[data-do=end]")
    page.click("[data-do=stop]")
    page.wait_for_selector(".ended")
    assert "41 labels are saved in" in page.text_content(".ended")


@pytest.fixture
def served_particles(particle_folder, tmp_path):
    """Return the address of a page to label single particles on, and what is labelled on it."""
    mask = read_mask(particle_folder / "run.mask.h5")
    frames = open_frames(particle_folder / "run.h5", mask=mask)
    options = {**OPTIONS, "crop": "auto", "host": "127.0.0.1", "port": 0, "progress": False}
    options["task"] = "single-particle"
    server, labelling = label_server(frames, tmp_path / "labels.txt", **options)
    with server:
        yield server.url, labelling


def test_single_particles_have_keys_and_a_scale_of_their_own(
    served_particles, particle_run, open_page, press
):
    url, labelling = served_particles
    page = open_page(url)
    press(page, "e", "s", "m", "o", "h", "n")  # the last two are keys of crystals
    assert labelling.labels.path.read_text().split() == [
        *("run.h5", "[1]", "empty", "run.h5", "[2]", "single"),
        *("run.h5", "[3]", "multiple", "run.h5", "[4]", "other"),
    ]
    assert page.text_content("#counts") == "4 labelled: 1 empty, 1 single, 1 multiple, 1 other"
    assert page.is_hidden("[data-do=spots]")
    dark, at = {}, 4
    for label in ("empty", "single"):
        place = int(np.flatnonzero(particle_run.labels == label)[0])
        press(page, *["ArrowRight" if place > at else "ArrowLeft"] * abs(place - at))
        dark[label], at = seen(page)["dark"], place
    # On one scale for all frames, an empty one stays light.
    assert dark["single"] > 2 * dark["empty"]
    log = dark["single"]
    page.evaluate("window.sfxView.set({ isLog: false })")
    assert seen(page)["dark"] < log


# -- Killed at random ------------------------------------------------------------------------------

SERVE = """
import sys
from sklearn_sfx import open_frames
from sklearn_sfx.screening import label_frames
run, labels = sys.argv[1:]
say = lambda url: print(url, flush=True)
label_frames(open_frames(run), labels, crop=120, random_state=0, port=0, browser=False, say=say)
"""


def test_what_was_acknowledged_outlives_every_kill(tmp_path, open_page):
    """Frames at a key each, while the server is killed and started anew."""
    n = 80
    write_run(tmp_path / "run.h5", make_sfx_frames(n, frame_shape=(140, 140), random_state=0))
    rng, path = np.random.default_rng(0), tmp_path / "labels.txt"
    acknowledged, kinds, n_kills = {}, {"h": "HIT", "m": "MAYBE", "n": "MISS"}, 0
    while len(acknowledged) < n:
        command = [sys.executable, "-c", SERVE, str(tmp_path / "run.h5"), str(path)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            page = open_page(server.stdout.readline().strip())
            killing = None
            if n_kills < 3:
                killing = threading.Timer(
                    rng.uniform(0.5, 3), os.kill, (server.pid, signal.SIGKILL)
                )
                killing.start()
            while len(acknowledged) < n and server.poll() is None:
                name, key = page.text_content("#title"), str(rng.choice(list(kinds)))
                page.keyboard.press(key)
                until = "body:not([data-busy]), #alert:not([hidden])"
                page.wait_for_selector(until, timeout=60_000, state="attached")
                if page.is_visible("#alert"):
                    assert "Trying again" in page.text_content("#alert")
                    break
                acknowledged[name] = kinds[key]
            if killing:
                killing.join()
                n_kills += 1
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
        found = {str(frame): label.name for frame, label in LabelFile(path).labels().items()}
        assert acknowledged.items() <= found.items()
        # One may have been saved, of which the page was not told.
        assert len(found) <= len(acknowledged) + 1
        acknowledged = found
    assert n_kills == 3
    assert len(read_annotation(path).labels) == n
    assert not list(tmp_path.glob(".sfx/*")), "what a killed one leaves the next removes"


def test_an_answer_that_breaks_off_is_asked_for_again(served, open_page):
    url, labelling = served
    page = open_page(url)
    page.evaluate(BREAK_OFF, "/api/frames/0")
    page.keyboard.press("h")
    page.wait_for_selector("#alert:not([hidden])")
    assert "not saved yet. Trying again" in page.text_content("#alert")
    ready(page)
    assert page.is_hidden("#alert")
    assert labelling.labels.path.read_text() == "run.h5 [1] HIT\n"


def test_an_undo_whose_answer_breaks_off_is_not_done_twice(served, open_page, press):
    url, labelling = served
    page = open_page(url)
    press(page, "h", "m", "n")
    page.evaluate(BREAK_OFF, "/api/undo")
    page.keyboard.press("u")
    page.wait_for_selector("#alert:not([hidden])")
    assert "not known whether a label was undone" in page.text_content("#alert")
    ready(page)
    assert labelling.labels.path.read_text() == "run.h5 [1] HIT\nrun.h5 [2] MAYBE\n"


def test_a_server_that_stops_answering_is_said_and_waited_for(served, open_page):
    url, labelling = served
    page = open_page(url)
    page.evaluate(NO_ANSWER, "/api/frames/0")
    page.keyboard.press("h")
    page.wait_for_selector("#alert:not([hidden])")
    assert "not saved yet. Trying again" in page.text_content("#alert")
    page.keyboard.press("n")  # not taken
    assert not labelling.labels.path.exists()
    page.evaluate(ANSWER)
    ready(page)
    assert page.is_hidden("#alert")
    assert labelling.labels.path.read_text() == "run.h5 [1] HIT\n"
    assert page.text_content("#title") == "run.h5 [2]"
