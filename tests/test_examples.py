"""Each example of the gallery runs as a user would run it, and makes its picture."""

import runpy
from pathlib import Path

import matplotlib
import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_makes_a_figure(example, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
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
