"""The live page in a real browser, beside a stream that runs."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from sklearn_sfx.screening import HeldOut
from sklearn_sfx.streams import LivePage, Tally
from tests.conftest import ready
from tests.streams.conftest import SIDE
from tests.streams.live_pages import block

WIDTHS = {"phone": (390, 844), "desktop": (1280, 800), "wall": (1920, 1080)}
# None of a canvas that is being replaced by that of a newer frame.
COLOURS = """selector => {
  const canvas = document.querySelector(selector);
  if (!canvas) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const some = new Set();
  for (let i = 0; i < data.length; i += 4) some.add(data[i] + 256 * data[i + 1]);
  return some.size;
}"""


def until(is_so):
    """Wait for something; the page lets nobody evaluate what the browser itself could wait for."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


class _Running:
    """A stream of frames that are scored, and the page beside it."""

    def __init__(self, page, tally, model):
        self.page, self._tally, self._model = page, tally, model
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        rng, start = np.random.default_rng(0), 0
        while not self._over.wait(0.02):
            threshold = self.page.threshold()
            one = block(
                rng.beta(0.3, 1.0, 4),
                start=start,
                threshold=0.5 if threshold is None else threshold,
                model=self._model,
                shape=(SIDE, SIDE),
            )
            self._tally.receive(4)
            self.page.add(one)
            self._tally.add(one)
            start += 4

    def end(self):
        self._over.set()
        self._thread.join()


@pytest.fixture
def running(model, tmp_path):
    held_out = HeldOut(np.linspace(0.02, 0.98, 60), np.arange(60) >= 30)
    model = replace(model, threshold=0.5, held_out=held_out)
    tally = Tally()
    page = LivePage(tally, name="run 95", model="m.joblib", labels=tmp_path / "l.txt", port=0)
    with page:
        stream = _Running(page, tally, model)
        yield stream
        stream.end()


@pytest.mark.parametrize("name", WIDTHS)
def test_all_of_it_fits_and_goes_on(name, running, open_page, tmp_path):
    width, height = WIDTHS[name]
    page = open_page(running.page.url, width=width, height=height)
    page.wait_for_selector("#hits .frame[data-drawn]", timeout=60_000)
    assert page.text_content("#state") == "live"
    assert "m.joblib" in page.text_content("#model")
    before = page.text_content("#received")
    until(lambda: page.text_content("#received") != before)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for one in ("#history", "#scores", "#hits .frame[data-drawn] canvas"):
        # What is drawn is seen with the browser's next picture of the page.
        until(lambda one=one: page.evaluate(COLOURS, one) > 2)
    for one in ("#minute", "#rate", "#speed", "#latency", "#slider", "#history"):
        box = page.locator(one).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert name == "phone" or box["y"] + box["height"] <= height
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)


def test_a_threshold_is_looked_at_and_then_used(running, open_page):
    page = open_page(running.page.url)
    page.wait_for_selector("#would:has-text('recall')", timeout=60_000)
    assert page.is_disabled("[data-do=use]")
    page.fill("#recall", "80")
    page.click("[data-do=find]")
    page.wait_for_selector("#would:has-text('instead of')", timeout=60_000)
    assert "recall 80.0 %" in page.text_content("#would")
    assert running.page.chosen is None
    page.click("[data-do=use]")
    page.wait_for_selector("#would:has-text('by hand')", timeout=60_000)
    chosen = running.page.chosen
    assert 0.5 < chosen < 0.7
    page.click("[data-do=own]")
    page.wait_for_selector("#would:has-text('model’s own')", timeout=60_000)
    assert running.page.chosen is None
    page.locator("#slider").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-do=use]:not([disabled])")


def test_a_frame_is_labelled_by_keys_and_one_comes_back(running, open_page):
    page = open_page(running.page.url)
    page.wait_for_selector("#doubtful .frame", timeout=60_000)
    running.end()  # so that the frame stays there
    page.click("#doubtful .frame >> nth=0")
    page.wait_for_url("**/label/1/**", timeout=60_000)
    ready(page)
    for key in ("h", "n", "m"):
        page.keyboard.press(key)
        ready(page)
    found = running.page.labels.path.read_text().splitlines()
    assert [line.split()[2] for line in found] == ["HIT", "MISS", "MAYBE"]
    assert found[0].startswith("l-00001.cxi [1] HIT")
    page.click("[data-do=end]")
    assert "sfx train RUN --labels" in page.text_content("#summary")
    page.click("[data-do=stop]")
    page.wait_for_selector("#labels:has-text('1 HIT')", timeout=60_000)


def test_a_watch_that_is_over_is_said(running, open_page):
    page = open_page(running.page.url)
    running.end()
    running.page.close()
    page.wait_for_selector("#alert:not([hidden])", timeout=60_000)
    assert "does not answer" in page.text_content("#alert")
    assert page.text_content("#received") != "–"
    assert time.time() > running.page.snapshot()["last_at"]
