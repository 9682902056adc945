"""Frames with spots, small models fitted on them and their files, for the tests of model files."""

import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    RowWiseDecomposition,
    save_model,
)

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 4, "lr": 0.02, "random_state": 0}


def make_frames(n=48, side=40, seed=0):
    """Return noise, every second frame with nine spots, and whether it has them."""
    rng = np.random.default_rng(seed)
    frames, y = rng.poisson(4.0, (n, side, side)).astype(np.uint16), np.arange(n) % 2
    frames[y == 1, 8::12, 8::12] += 60
    frames[y == 1, 9::12, 8::12] += 60
    return frames, y


@pytest.fixture(scope="session")
def data():
    """Return frames (48, 40, 40), their vectors (48, 40) and labels y."""
    frames, y = make_frames()
    return SimpleNamespace(frames=frames, vectors=RowWiseDecomposition().fit_transform(frames), y=y)


@pytest.fixture(scope="session")
def make_model():
    """Return what makes a small pipeline from frames to a decision."""

    def make():
        steps = [PixelMask(detect=True), CentralCrop(36), GCN(), LCN(5), RowWiseDecomposition()]
        return make_pipeline(*steps, CNN1D(**TINY))

    return make


@pytest.fixture(scope="session")
def fitted(make_model, data):
    """Return such a pipeline, fitted."""
    return make_model().fit(data.frames, data.y)


@pytest.fixture(scope="session")
def stored(fitted, tmp_path_factory):
    """Return its safe file, which is not to be changed."""
    path = tmp_path_factory.mktemp("models") / "model.skops"
    save_model(fitted, path)
    return path


@pytest.fixture(scope="session")
def about():
    """Return what reads what a safe file says of itself."""

    def read(path):
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("sklearn_sfx.json"))

    return read


@pytest.fixture(scope="session")
def rewrite():
    """Return what writes a safe file anew, with some of its members replaced."""

    def write(path, **members):
        """Replace members by their name without the suffix ``.json``; None leaves one out."""
        with zipfile.ZipFile(path) as archive:
            content = {name: archive.read(name) for name in archive.namelist()}
        content |= {f"{name}.json": value for name, value in members.items()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, value in content.items():
                if value is not None:
                    archive.writestr(name, value if isinstance(value, bytes) else json.dumps(value))

    return write
