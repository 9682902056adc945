"""The guide of the manual: its code runs, its commands exist, its messages are the real ones."""

import re
import runpy
import shlex
import shutil
import subprocess
import tomllib
import warnings
from pathlib import Path

import h5py
import joblib
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.pipeline import make_pipeline

import sklearn_sfx as sfx
from sklearn_sfx._outputs import Outputs
from sklearn_sfx.cli import build_parser
from sklearn_sfx.datasets import match_labels, write_annotation, write_run
from sklearn_sfx.frames._formats import FORMATS
from sklearn_sfx.preprocessing import SphereFit
from sklearn_sfx.screening import _demo, as_screening_model, train_single_particles
from sklearn_sfx.streams import HitPublisher, open_source, watch
from tests.datasets.label_writers import write_stream
from tests.frames import odd_geometries as odd

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = [DOCS / "getting_started.md", *sorted((DOCS / "guide").glob("*.md"))]
NAMES = [page.stem for page in PAGES]
EXTRAS = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
SIDE = 160  # the pages crop to 724 pixels; so small a run takes seconds


def steps():
    return [sfx.CentralCrop(SIDE), sfx.GCN(), sfx.LCN(5), sfx.RowWiseDecomposition()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with what the pages name: simulated runs, labels, masks, a model."""
    folder = tmp_path_factory.mktemp("guide")
    run = sfx.make_sfx_frames(60, frame_shape=(SIDE, SIDE), hit_rate=0.5, random_state=0)
    other = sfx.make_sfx_frames(
        60, domain="LO19", frame_shape=(SIDE, SIDE), hit_rate=0.5, random_state=0
    )
    write_run(folder / "r0095_2000.h5", run)
    (folder / "r0095_2000.mask.h5").rename(folder / "mask.h5")
    (folder / "r0095_2000.labels.txt").rename(folder / "expert_annotation.txt")
    (folder / "other").mkdir()
    write_run(folder / "other" / "r0020_2000.h5", other)
    with h5py.File(folder / "bits.h5", "w") as file:
        file["mask"] = (~run.mask).astype(np.uint16)
    rows = [("r0095_2000.h5", f"chunk_0000000//{i}", i % 3 == 0, i % 7) for i in range(60)]
    write_stream(folder / "r0095.stream", rows)
    network = sfx.CNN1D(max_epochs=2, random_state=0)
    model = make_pipeline(*steps(), network).fit(other.data, other.target)
    sfx.save_model(model, folder / "other.skops")
    frames = sfx.open_frames(folder / "r0095_2000.h5")
    counting = sfx.train(frames[:40], run.target[:40], method="peaks", crop=SIDE)
    counting.save(folder / "model.joblib")
    return folder


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_runs(page, folder, monkeypatch, brief_trainings):
    monkeypatch.chdir(folder)
    namespace = {}
    for block in blocks(page, "python"):
        exec(compile(block.replace("724", str(SIDE)), page.name, "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_exist(page):
    for block in blocks(page, ""):
        for line in block.splitlines():
            if line.startswith("sfx "):
                build_parser().parse_args(shlex.split(line, comments=True)[1:])


def test_every_format_has_a_row():
    rows = [line for line in (DOCS / "guide" / "data.md").read_text().splitlines() if "|" in line]
    first = [row.split("|")[1] for row in rows if row.startswith("|")]
    for known in FORMATS:
        assert any(known.name in cell for cell in first), f"say what is read of {known.name}"
    for extra in re.findall(r"\| \(?`([a-z]+)`\)? \|$", "\n".join(rows), re.MULTILINE):
        assert extra in EXTRAS


# Names of facilities, detectors, data sets and formats, and words of the code.
NO_ABBREVIATION = re.compile(
    "DECTRIS|SACLA|PAL|OM|DIALS|CSPAD|LN83|LN84|LO19|LG36|L498|CBF|EDF|SMV|TIFF|LZ4|CUDA|GB|MB|"
    "BSD|CITATION|CONTRIBUTING|VERB|RUN|TABLE|CSV|CPUS"
)


@pytest.mark.parametrize("page", [DOCS.parent / "README.md", PAGES[0]], ids=lambda page: page.stem)
def test_abbreviations_of_the_first_pages_are_explained(page):
    words = (DOCS / "guide" / "words.md").read_text()
    explained = set(re.findall(r"\b[A-Z][A-Za-z0-9]+\b", words))
    used = set(re.findall(r"\b[A-Z][A-Z0-9]+\b", page.read_text()))
    assert {word for word in used - explained if not NO_ABBREVIATION.fullmatch(word)} == set()
    assert "guide/words.md" in page.read_text()


def test_the_picture_of_methods_names_those_of_the_page():
    drawn = runpy.run_path(str(DOCS / "which_method.py"))
    names = [name for name, *_ in drawn["METHODS"]]
    page = (DOCS / "guide" / "choose.md").read_text()
    assert all(hasattr(sfx, name) and f".{name}`" in page for name in names if "Spot" not in name)
    (ax,) = drawn["draw"]().axes
    assert [text.get_text().split(":")[0] for text in ax.get_yticklabels()] == names
    assert "images/which_method.png" in page
    assert (DOCS / "images" / "which_method.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_of_the_readme_is_that_of_the_demonstration():
    with Image.open(DOCS / "images" / "overview.png") as picture:
        assert picture.info["Title"] == _demo.TITLE


def test_one_line_leads_from_python_to_a_hit_list():
    guide = "\n".join(page.read_text() for page in PAGES)
    examples = [path.read_text() for path in (DOCS.parent / "examples").glob("plot_*.py")]
    line = re.compile(r"screen\(\w+, [\w.]+\)\.write_hits\(")
    assert line.search((DOCS.parent / "README.md").read_text())
    assert line.search(guide)
    assert sum(bool(line.search(example)) for example in examples) >= 3


def test_the_first_page_comes_to_labels_last():
    page = PAGES[0].read_text()
    steps = ["sfx info ", "sfx screen ", "report.html", "## 3. Label"]
    assert sorted(steps, key=page.index) == steps


def test_each_tool_that_the_readme_names_is_compared_by_pages_of_its_own():
    rows = (DOCS / "guide" / "other_tools.md").read_text()
    for tool in ("Cheetah", "OM", "CrystFEL", "DIALS", "PeakNet"):
        assert tool in (DOCS.parent / "README.md").read_text()
        (row,) = re.findall(rf"^\| {tool}\b.*$", rows, re.MULTILINE)
        assert "](https://" in row


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_what_the_demonstration_takes_is_said_before_it_is_done():
    told = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "demo"],
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    first = told.stdout.splitlines()[:2]
    assert all(line.startswith("echo ") for line in first)
    assert re.search(r"GB .* disk", first[0])
    assert "minutes" in first[1]


@pytest.mark.parametrize("name", ["12_gpu", "13_cluster", "14_own_files"])
def test_notebooks_say_what_a_fresh_install_needs(name):
    text = (DOCS.parent / "examples" / f"plot_{name}.py").read_text()
    (extras,) = re.findall(r"pip install 'sklearn_sfx\[([a-z,]+)\]'", text)
    assert set(extras.split(",")) <= set(EXTRAS)
    assert ("dask" in extras) == ("from distributed" in text)


def few(n_hits, n_misses):
    """Return vectors and labels, the misses first."""
    target = np.repeat([0, 1], [n_misses, n_hits])
    return np.random.default_rng(0).random((len(target), 20)), target


def put_together(text, data, **options):
    """Open modules by a geometry."""
    with h5py.File("run.h5", "w") as file:
        for name, values in data.items():
            file[name] = values
    Path("det.geom").write_text(odd.HEAD + text)
    return sfx.open_frames("run.h5", geometry="det.geom", **options)


def mistakes(folder):
    """Yield what a user may do wrong, one call for each message of the page."""
    run = sfx.open_frames(folder / "r0095_2000.h5")
    labels = sfx.load_cxidb76(folder / "r0095_2000.h5", "LN84")
    write_annotation("other.txt", "r0018_2000.h5", labels.labels)
    write_annotation("short.txt", "r0095_2000.h5", labels.labels[:50])
    Path("bad.txt").write_text("r0095_2000.h5 1 HIT\n")
    Path("mixed.txt").write_text("r0095_2000.h5 [1] HIT\nr0095_2000.h5 [2] single\n")
    Path("labels.txt").write_text("r0095_2000.h5 [1] HIT\n")
    Path("quote.csv").write_text('frame,label,why\n1,HIT,"weak\n2,MISS,\n')
    Path("twice.csv").write_text("file,frame,label\nr0095_2000.h5,1,MISS\nr0095_2000.h5,1,HIT\n")
    with h5py.File("two.h5", "w") as file:
        file["a"], file["b"] = np.zeros((2, 8, 8)), np.zeros((2, 8, 8))
    with h5py.File("gzip.h5", "w") as file:
        pixels = np.ones((1, 1024, 1024), np.uint16)
        file.create_dataset("frames", data=pixels, chunks=True, compression="gzip")
    larger = np.zeros((2, 200, 200), np.uint16)
    network = sfx.CNN1D(max_epochs=1)
    prepare = make_pipeline(*steps()).fit(run)
    model = sfx.train(
        run[:40], labels.target[:40], method="rows", crop=SIDE, max_epochs=2, random_state=0
    )
    joblib.dump(model, "ln84.joblib")
    blind = np.zeros(run.shape, np.float32)

    yield lambda: sfx.read_mask("bits.h5")
    yield lambda: sfx.open_frames(folder / "r0095_2000.h5", mask=np.ones((80, 80), bool))
    few_usable = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 10 == 0
    yield lambda: sfx.open_frames(folder / "r0095_2000.h5", mask=few_usable)
    with h5py.File("two.cxi", "w") as file:
        for number in (1, 2):
            file[f"entry_1/image_{number}/data"] = np.ones((2, 8, 8))
        file["entry_1/image_1/mask"] = np.zeros((8, 8), np.uint16)
    yield lambda: sfx.open_frames("two.cxi", dataset="entry_1/image_2/data")
    masked = odd.STACKED.replace("data = ", "mask0_data = /deep/bad\nmask0_badbits = 0x4\ndata = ")
    bad = np.zeros(odd.FRAMES.shape, np.uint16)
    yield lambda: put_together(masked, {"data": odd.FRAMES, "deep/bad": bad})
    yield lambda: match_labels(run, "other.txt")
    yield lambda: sfx.load_cxidb76("r0095_2000.h5", "LN84", annotation="other.txt")
    yield lambda: sfx.load_cxidb76("r0095_2000.h5", "LN84", annotation="short.txt")
    yield lambda: match_labels(run, "bad.txt")
    yield lambda: match_labels(run, "quote.csv")
    yield lambda: match_labels(run, "twice.csv")
    yield lambda: as_screening_model(model, run, task="single-particle")
    yield lambda: match_labels(run, "mixed.txt")
    yield lambda: train_single_particles(run, np.full(len(run), "empty"))
    yield lambda: sfx.train(run[:23], few(3, 20)[1], method="rows", crop=SIDE)
    yield lambda: network.fit(*few(3, 20))
    # a network that cannot move
    stuck = sfx.CNN1D(max_epochs=10, lr=1e-9, random_state=0)
    yield lambda: stuck.fit(*few(20, 20))
    yield lambda: sfx.TargetRecallClassifier(network).fit(*few(20, 20))
    yield lambda: sfx.HitFinderCV().fit(run[:3], ["empty", "multiple", "single"])
    yield lambda: sfx.HitFinderCV(task="single-particle").fit(run[:2], ["single", ""])
    yield lambda: sfx.screen(model, sfx.open_frames(larger))
    yield lambda: prepare.transform(larger)
    yield lambda: sfx.CentralCrop().fit(run)
    yield lambda: SphereFit().fit(np.ones((1, 8, 8)))
    yield lambda: sfx.train(sfx.open_frames(blind), labels.target, crop=SIDE, max_epochs=1)
    yield lambda: prepare.transform(np.ones((SIDE, SIDE)))
    yield lambda: prepare.transform(np.full((1, SIDE, SIDE), np.inf))
    yield lambda: sfx.open_frames("gzip.h5")
    before = "data = /data\ndim1 = %\ndim2 = ss\ndim3 = fs\n" + odd.panels("dim0")
    yield lambda: put_together(before, {"data": odd.FRAMES[:2]})
    two = odd.STACKED.replace("data = /data\n", "") + "p0/data = /a\np1/data = /b\n"
    yield lambda: put_together(two, {"a": odd.FRAMES, "b": odd.FRAMES}, dataset="/a")
    yield lambda: sfx.open_frames("two.h5")
    yield lambda: sfx.open_frames("labels.txt")
    yield lambda: open_source("tcp://localhost:31001")
    yield lambda: open_source("karabo://localhost:4545?sock=SUB")
    yield lambda: list(watch([larger], model))
    yield lambda: HitPublisher("nowhere")
    training = Outputs("sfx train", ["r0095_2000.h5"], ["r0095_2000.h5"])
    yield lambda: training.claim("r0095_2000.h5")
    yield lambda: training.claim("ln84.joblib")
    (folder / "run.hits.lst").symlink_to(folder / "labels.txt")
    yield lambda: training.claim("run.hits.lst")
    behind = sfx.open_frames("r0095_2000.h5", mask=sfx.read_mask("mask.h5"))
    yield lambda: sfx.screen(model, behind)
    if not torch.cuda.is_available():
        yield lambda: network.set_params(device="cuda").fit(*few(20, 20))
    yield lambda: sfx.load_model("ln84.joblib")


def message_of(do):
    """Return what the user is told, by an error or a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            do()
        except sfx.InputError as error:
            return str(error)
    (warning,) = caught
    return str(warning.message)


def test_messages_are_those_that_the_package_prints(folder, monkeypatch):
    pytest.importorskip("cfelpyutils", reason="needs the extra [geometry]")
    monkeypatch.chdir(folder)
    page = (DOCS / "guide" / "trouble.md").read_text()
    quoted = [
        " ".join(quote.replace("\n> ", " ").removeprefix("> ").split())
        for quote in re.findall(r"^(?:> .*\n)+", page, re.MULTILINE)
    ]
    said = [message_of(do).replace(f"{folder}/", "") for do in mistakes(folder)]
    if torch.cuda.is_available():
        quoted = [quote for quote in quoted if not quote.startswith("device=")]
    assert len(quoted) == len(said)
    for quote, message in zip(
        quoted, said, strict=True
    ):  # in a quote … stands for what is left out
        assert re.fullmatch(re.escape(quote).replace("…", ".+"), message), (quote, message)
