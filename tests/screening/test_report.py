"""The report as a reader sees it: its figures, its frames, its pictures in a browser."""

import base64
import html
import json
import re
import shutil
from io import BytesIO

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from scipy.stats import beta

from sklearn_sfx import InputError, __version__, evaluate, open_frames, read_mask, screen
from sklearn_sfx.frames import ArraySource, Frames
from sklearn_sfx.screening import Scores, _report_pictures, load_screening_model, write_report
from sklearn_sfx.screening._report_frames import choose
from sklearn_sfx.screening._report_pictures import rate_in_bins, thumbnail

NAMES = ("one.h5", "two <b>&.h5")
LOST, ALARMS = 13, 4


@pytest.fixture(scope="module")
def model(run_folder):
    return load_screening_model(run_folder / "model.joblib")


@pytest.fixture(scope="module")
def made(run_folder, model, tmp_path_factory):
    """Return frames of two files in any order, scores and labels made up for them, and the page."""
    folder = tmp_path_factory.mktemp("report")
    for name in NAMES:
        shutil.copy(run_folder / "run.h5", folder / name)
    rng = np.random.default_rng(0)
    mask = read_mask(run_folder / "run.mask.h5")
    frames = open_frames([folder / name for name in NAMES], mask=mask)[rng.permutation(180)[:100]]
    probability = rng.permutation(np.linspace(0, 1, 100))
    decision = probability >= 0.4
    target = decision.astype(int)
    target[rng.choice(np.flatnonzero(decision), ALARMS, replace=False)] = 0
    target[rng.choice(np.flatnonzero(~decision), LOST, replace=False)] = 1
    scores = Scores(frames.sources, probability, decision, rng.integers(0, 40, 100), 0.4)
    path = folder / "report.html"
    write_report(path, model, frames, scores, target=target, note="a <note>", command="sfx <me>")
    return frames, scores, target, path


@pytest.fixture(scope="module")
def page(made):
    return made[-1].read_text()


def tiles(page):
    return dict(re.findall("<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", page))


def shown(page):
    """Return title, and picture, path, event and caption of the frames, of each group."""
    group = r'<section><h3>([^<]*)</h3>\n<p class="quiet">(.*?)</section>'
    figure = (
        r'<img src="(\S*)" alt="[^"]+"></button>\s*<figcaption title="(.*?) (\S*//\d+)">(.*?)</fig'
    )
    return {
        title: [tuple(map(html.unescape, found)) for found in re.findall(figure, rest, re.S)]
        for title, rest in re.findall(group, page, re.S)
    }


def rows_of(frames, figures):
    """Return which rows of the frames are shown, by file and event."""
    where = {(source.path, source.event): row for row, source in enumerate(frames.sources)}
    return [where[path, event] for _, path, event, _ in figures]


def test_figures_are_those_of_the_scores(made, page):
    _, scores, target, _ = made
    said = tiles(page)
    n_hits = int(scores.decision.sum())
    assert (said["frames"], said["called hits"]) == ("100", str(n_hits))
    assert said["called misses"] == str(100 - n_hits)
    assert said["share called hits"] == f"{n_hits:.1f}%"
    low, high = beta.ppf(0.025, n_hits, 101 - n_hits), beta.ppf(0.975, n_hits + 1, 100 - n_hits)
    assert said["its 95 % interval"] == f"{100 * low:.1f} – {100 * high:.1f}%"
    assert said["labelled hits"] == str(target.sum())


def test_recall_and_precision_stand_beside_the_peak_count(made, model, page):
    _, scores, target, _ = made
    by_count = scores.peak_count >= model.baseline.threshold_
    for name, decision in (("model", scores.decision), ("peak count", by_count)):
        line = re.search(f"<tr><th>{name}</th>(<td>.*)</tr>", page)[1]
        recall, precision, *counts = re.findall("<td>(.*?)</td>", line)
        result = evaluate(target, decision)
        (left, kept), (lost, found) = result.confusion
        assert f"recall {recall}   precision {precision}   " in str(result)
        assert [int(count) for count in counts] == [found, lost, kept, left]
    assert f"calls {by_count.sum()} frames hits" in page
    assert f"on {(by_count == scores.decision).sum()} of 100" in page


def test_each_picture_is_the_frame_that_is_named(made, model, page, run_folder):
    _, scores, target, _ = made
    mask = read_mask(run_folder / "run.mask.h5")
    files = set()
    for title, figures in shown(page).items():
        for row, (picture, path, _, caption) in zip(
            rows_of(made[0], figures), figures, strict=True
        ):
            name, number = re.match(r"(.*) \[(\d+)\]<br>", caption).groups()
            assert path.endswith(f"/{name}")
            files.add(name)
            assert f"<strong>{scores.probability[row]:.3f}</strong>" in caption, title
            assert ("labelled hit" in caption) == (target[row] == 1)
            frame = open_frames(path, mask=mask)[[int(number) - 1]]
            assert picture == thumbnail(model.prepare.transform(frame)[0])
    assert files == set(NAMES)


def test_frames_that_are_shown_are_those_that_tell_something(made, page):
    frames, scores, target, _ = made
    groups = {name: rows_of(frames, figures) for name, figures in shown(page).items() if figures}
    assert list(groups) == ["Hits lost", "False alarms", "Hits", "Misses", "Least certain"]
    probability, decision = scores.probability, scores.decision
    assert [len(rows) for rows in groups.values()] == [10, ALARMS, 10, 10, 20]
    assert all(target[row] and not decision[row] for row in groups["Hits lost"])
    assert f"10 of {LOST}, the lowest scores first" in page
    assert all(decision[row] and not target[row] for row in groups["False alarms"])
    assert decision[groups["Hits"]].all()
    assert not decision[groups["Misses"]].any()
    distance = np.abs(probability - scores.threshold)
    doubtful = groups["Least certain"]
    assert distance[doubtful].max() <= np.delete(distance, doubtful).min()


def test_a_report_without_labels_peaks_or_hits_says_so(made, model, tmp_path):
    frames, scores, _, _ = made
    none = Scores(scores.sources, np.full(100, 0.1), np.zeros(100, bool), None, 0.4)
    write_report(tmp_path / "r.html", model, frames, none)
    page = (tmp_path / "r.html").read_text()
    assert tiles(page)["called hits"] == "0"
    assert "Recall" not in page
    assert "labelled hit" not in page
    assert "Peaks were not counted" in page
    assert {name: len(figures) for name, figures in shown(page).items() if figures} == {
        "Misses": 10,
        "Least certain": 20,
    }
    assert '<section><h3>Hits</h3>\n<p class="quiet">none</p>' in page


def test_text_is_escaped_and_nothing_is_loaded(page):
    bare = re.sub('src="data:image/png;base64,[A-Za-z0-9+/=]+"', "", page)
    assert "two &lt;b&gt;&amp;.h5" in bare
    assert "a &lt;note&gt;" in bare
    assert "sfx &lt;me&gt;" in bare
    assert "<b>" not in bare
    for loads in ("http", "src=", "href=", "url(", "<script ", "<link", "@import"):
        assert loads not in bare


def test_only_the_frames_that_are_drawn_are_read(made, model, tmp_path):
    class Counting(ArraySource):
        read_rows = ()

        def read(self, position, window, out):
            self.read_rows = (*self.read_rows, position)
            super().read(position, window, out)

    _, scores, target, _ = made
    source = Counting(np.zeros((100, 160, 160), np.uint16))
    write_report(tmp_path / "r.html", model, Frames(source), scores, target=target)
    drawn = np.concatenate([group.rows for group in choose(scores, target)])
    assert sorted(source.read_rows) == sorted(set(drawn.tolist()))


def pixels(picture):
    return imread(BytesIO(base64.b64decode(picture.partition(",")[2])))[:, :, :3]


def test_a_thumbnail_keeps_a_spot_of_one_pixel_and_colours_what_is_masked():
    frame = np.random.default_rng(0).normal(100, 5, (1003, 800)).astype(np.float32)
    frame += np.linspace(0, 500, 800, dtype=np.float32)  # a background that would hide it
    frame[403, 99] += 150
    frame[800:840, 500:540] = np.nan
    frame[10, 10] = np.nan  # one pixel of a block that has others
    drawn = pixels(thumbnail(frame))
    assert drawn.shape == (251, 200, 3)
    assert np.unravel_index(drawn.sum(axis=2).argmin(), (251, 200)) == (100, 24)
    coloured = np.ptp(drawn, axis=2) > 0.1
    assert coloured[200:210, 125:135].all()
    assert coloured.sum() == 100


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_a_thumbnail_of_nothing_is_blank(value):
    assert np.ptp(pixels(thumbnail(np.full((30, 40), value))), axis=(0, 1)).max() == 0


def test_bins_cover_the_run():
    decision = np.r_[np.ones(300, bool), np.zeros(300, bool)]
    middle, rate, low, high = rate_in_bins(decision)
    np.testing.assert_array_equal(middle, np.arange(9.5, 600, 20))
    np.testing.assert_array_equal(rate, np.repeat([1, 0], 15))
    assert low[0] == pytest.approx(0.025 ** (1 / 20))  # the rule of three
    assert high[-1] == pytest.approx(1 - low[0])
    assert rate_in_bins(decision[:3]).shape == (4, 1)


def test_scores_or_labels_of_other_frames_are_refused(made, model, tmp_path):
    frames, scores, target, _ = made
    for some, labels, message in (
        (frames[:9], None, "9 frames and 100 scores"),
        (frames, target[:9], "for each of the 100 frames"),
        (frames, np.full(100, -1), "without a label"),
    ):
        with pytest.raises(InputError, match=message):
            write_report(tmp_path / "r.html", model, some, scores, target=labels)
    assert list(tmp_path.iterdir()) == []


def test_the_head_names_run_model_command_and_version(model, run_folder, tmp_path):
    frames = open_frames(run_folder / "run.h5", mask=read_mask(run_folder / "run.mask.h5"))[:12]
    about = {"command": "sfx screen run.h5", "model_file": "ln84.joblib"}
    write_report(tmp_path / "r.html", model, frames, screen(model, frames), **about)
    head = (tmp_path / "r.html").read_text().split('<dl class="tiles">')[0]
    for said in (f"{run_folder}/run.h5", "ln84.joblib: ", "sfx screen run.h5", __version__):
        assert said in head
    assert re.search(r"<dd>\d{4}-\d\d-\d\d \d\d:\d\d, by sklearn_sfx", head)


@pytest.mark.parametrize("kind", ["hit_rate", "score_histogram", "recall_and_precision"])
def test_a_legend_covers_nothing(monkeypatch, kind):
    figures = []
    monkeypatch.setattr(_report_pictures, "_as_png", figures.append)
    rng = np.random.default_rng(0)
    target, probability = rng.integers(0, 2, 90), rng.random(90)
    {
        "hit_rate": lambda: _report_pictures.hit_rate(target == 1),
        "score_histogram": lambda: _report_pictures.score_histogram(probability, 0.5, target),
        "recall_and_precision": lambda: _report_pictures.recall_and_precision(
            target, probability, 0.5
        ),
    }[kind]()
    (figure,) = figures
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    assert ax.get_legend() is None
    legend = figure.legends[0].get_window_extent()
    assert not legend.overlaps(ax.get_window_extent())
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= legend.y0 < legend.y1 <= figure.bbox.y1


# -- In a browser

LOOK = """<script>
addEventListener("load", () => {
  document.body.textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, images = [...page.images];
    return {
      width: page.defaultView.innerWidth,
      needs: page.documentElement.scrollWidth,
      images: images.length,
      decoded: images.filter(image => image.complete && image.naturalWidth > 0).length,
      smallest: Math.min(...images.map(image => image.getBoundingClientRect().width)),
    };
  }));
});
</script>"""


def test_browser_shows_every_picture_and_needs_no_scrolling_sideways(page, open_page, tmp_path):
    # In frames, since a window of chromium is wider than a phone.
    frames = "".join(
        f'<iframe style="width:{width}px;border:0" srcdoc="{html.escape(page)}"></iframe>'
        for width in (390, 1280)
    )
    path = tmp_path / "framed.html"
    path.write_text(f'<meta charset="utf-8"><body>{frames}{LOOK}</body>', encoding="utf-8")
    seen = json.loads(open_page(path.as_uri()).inner_text("body"))
    assert [look["width"] for look in seen] == [390, 1280]
    for look in seen:
        assert look["needs"] <= look["width"]
        assert look["images"] == look["decoded"] == 3 + sum(map(len, shown(page).values()))
        assert look["smallest"] >= 150


def test_a_click_enlarges_a_picture_and_another_closes_it(page, open_page, tmp_path):
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    shown = open_page((tmp_path / "report.html").as_uri(), width=390)
    small = shown.locator(".frames button").first
    width = small.bounding_box()["width"]
    name = small.locator("img").get_attribute("alt")
    small.focus()
    shown.keyboard.press("Enter")
    large = shown.locator("dialog img")
    assert large.get_attribute("alt") == name
    assert large.bounding_box()["width"] > 1.5 * width
    large.click()
    assert not shown.locator("dialog").is_visible()
