"""Each example of the gallery runs as a user would run it, and makes its picture."""

import functools
import re
import runpy
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import matplotlib
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
FOR_USERS = set(EXTRAS) - {"test", "bench", "lint", "docs"}


def brought(extras):
    """Return the distributions that pip installs for the package with these extras."""
    found = set()
    waiting = [*PROJECT["dependencies"], *(need for extra in extras for need in EXTRAS[extra])]
    while waiting:
        need = Requirement(waiting.pop())
        name = canonicalize_name(need.name)
        if name == "sklearn-sfx":
            waiting += [other for extra in need.extras for other in EXTRAS[extra]]
        elif name not in found and (need.marker is None or need.marker.evaluate({"extra": ""})):
            found.add(name)
            waiting += metadata.requires(name) or []
    return found


@functools.cache
def modules():
    """Return the distributions that each importable name comes from."""
    found = metadata.packages_distributions()
    return {name: {canonicalize_name(one) for one in from_} for name, from_ in found.items()}


def leave(extras, monkeypatch):
    """Make what only other extras name look as if it was not installed."""
    named = {
        canonicalize_name(Requirement(need).name) for extra in FOR_USERS for need in EXTRAS[extra]
    }
    gone = named - brought(extras) - {"sklearn-sfx"}
    missing = {name for name, from_ in modules().items() if from_ <= gone}
    for name in list(sys.modules):
        if name.partition(".")[0] in missing:
            monkeypatch.delitem(sys.modules, name)
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_makes_a_figure(example, monkeypatch, tmp_path, brief_trainings):
    monkeypatch.chdir(tmp_path)
    named = re.findall(r"pip install 'sklearn_sfx\[([a-z,]+)\]'", example.read_text())
    leave(named[0].split(",") if named else ["plot"], monkeypatch)
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.extend(map(plt.figure, plt.get_fignums())))
    try:
        runpy.run_path(str(example), run_name="__main__")
        assert shown
        for figure in shown:
            figure.canvas.draw()
            assert all(ax.has_data() for ax in figure.axes)
            words = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
            assert any("SIMULATED" in text for text in words)
    finally:
        plt.close("all")
    assert not list(tmp_path.iterdir())
