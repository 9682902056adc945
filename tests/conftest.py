"""Fixtures that every test folder shares."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from sklearn_sfx import make_spi_frames, open_frames, read_mask, train
from sklearn_sfx.classifiers._base import TorchClassifier
from sklearn_sfx.cli import main
from sklearn_sfx.datasets import write_run
from sklearn_sfx.datasets.single_particles import PARTICLE_DOMAINS, Camera
from sklearn_sfx.screening import train_single_particles
from tests.damaged_runs import SIDE, write_runs
from tests.simulated import in_memory

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
settings.load_profile("untimed")

# On a processor torch compiles with it, and a bare machine has none.
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="torch.compile needs a C++ compiler here"
)

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here"),
    ),
]

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """Return the folder with real frames, labels and masks, which lies beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real frames and labels in ../shared/data, which are not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """Return a folder with a small simulated run, its labels, its mask and a model of it."""
    folder, side = tmp_path_factory.mktemp("run"), "160"
    arguments = ["--n-frames", "90", "--frame-shape", side, side, "--seed", "3"]
    assert main(["simulate", str(folder / "run.h5"), *arguments]) == 0
    train = ["train", str(folder / "run.h5"), "--labels", str(folder / "run.labels.txt")]
    train += ["--method", "rows"]  # so that there is a network in what is screened
    options = ["--n-labels", "60", "--crop", side, "--mask", str(folder / "run.mask.h5")]
    model = ["--model", str(folder / "model.joblib"), "--epochs", "12"]
    assert main([*train, *options, *model]) == 0
    return folder


@pytest.fixture(scope="session")
def particle_run():
    """Return a small simulated run of single particles."""
    camera = Camera((64, 64), pixel_size=1.2)
    domain = replace(PARTICLE_DOMAINS["virus"], name="small", camera=camera)
    return in_memory(make_spi_frames(160, domain=domain, shares=(0.25, 0.15, 0.1), random_state=0))


@pytest.fixture(scope="session")
def particle_folder(particle_run, tmp_path_factory):
    """Return a folder with that run, its labels, its mask and a model of it."""
    folder = tmp_path_factory.mktemp("particles")
    write_run(folder / "run.h5", particle_run)
    frames = open_frames(folder / "run.h5", mask=read_mask(folder / "run.mask.h5"))
    model = train_single_particles(frames[:100], particle_run.labels[:100], random_state=0)
    model.save(folder / "model.joblib")
    return folder


@pytest.fixture(scope="session")
def damaged_folder(tmp_path_factory):
    """Return a folder with run.h5, of which three frames are damaged, whole.h5, and a model."""
    folder = tmp_path_factory.mktemp("damaged")
    write_runs(folder, 80, gone=(3, 33, 70))
    model = train(open_frames(folder / "whole.h5")[:20], method="peaks", crop=SIDE)
    model.save(folder / "model.joblib")
    return folder


# -- A browser that opens pages


@pytest.fixture(scope="module")
def browser():
    """Return a browser that playwright drives."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs a browser to open the page: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Return what opens an address at a width; errors of its scripts fail the test."""
    contexts, errors = [], []

    def open_it(url, *, width=1280, height=800, context=None):
        context = context or browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(url)
        ready(page)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert errors == []


def ready(page):
    """Wait until a page takes keys."""
    page.wait_for_selector("body:not([data-busy])", timeout=120_000)


@pytest.fixture
def press(open_page):
    """Return what presses keys on a page, one after the other is done."""

    def press_them(page, *keys):
        for key in keys:
            page.keyboard.press(key)
            ready(page)

    return press_them


# -- Trainings


@pytest.fixture
def brief_trainings(monkeypatch):
    """Let no network train for more than three epochs: nothing is asked of what it has learned."""
    whole = TorchClassifier._run

    def brief(self, module, material, history, max_epochs, lr):
        return whole(self, module, material, history, min(max_epochs, 3), lr)

    monkeypatch.setattr(TorchClassifier, "_run", brief)
