"""What every display promises: its own figure or the given axes, and one sentence for a mistake."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    FeatureEmbeddingDisplay,
    FrameDisplay,
    LabelEfficiencyDisplay,
    PixelMask,
    RecallThresholdDisplay,
    RowProfileDisplay,
    RowWiseDecomposition,
    SaliencyDisplay,
    TrainingHistoryDisplay,
)
from sklearn_sfx.exceptions import InputError

FRAME = np.arange(30.0).reshape(5, 6)
DISPLAYS = [
    FrameDisplay(frame=FRAME),
    RowProfileDisplay(profiles=FRAME, y=[0, 1, 0, 1, 2]),
    FeatureEmbeddingDisplay(embedding=FRAME[:, :2]),
    RecallThresholdDisplay(
        threshold=[0.1, 0.9], n_found=[2, 1], n_kept=[4, 1], n_hits=2, n_frames=4
    ),
    LabelEfficiencyDisplay(
        method=["a"], n_labels=[50], mean=[0.8], lowest=[0.7], highest=[0.9], n_seeds=[2]
    ),
    SaliencyDisplay(frame=FRAME, saliency=FRAME[:, 0], axis="row", probability=0.9),
    SaliencyDisplay(frame=FRAME, saliency=FRAME[0], axis="column", probability=0.9),
    SaliencyDisplay(frame=FRAME, saliency=FRAME - 9, axis="pixel", probability=0.9),
]
NAMES = [type(display).__name__ for display in DISPLAYS]


@pytest.mark.parametrize("display", DISPLAYS, ids=NAMES)
def test_a_figure_of_its_own_or_the_given_axes(display):
    assert display.plot() is display
    assert isinstance(display.ax_, Axes)
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_xlabel()
    assert display.ax_.get_ylabel()
    display.figure_.canvas.draw()  # what cannot be laid out warns

    figure, ax = plt.subplots()
    n_figures = len(plt.get_fignums())
    display.plot(ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert len(plt.get_fignums()) == n_figures


def test_a_history_takes_two_axes():
    display = TrainingHistoryDisplay(history={"train_loss": [0.7, 0.2], "train_recall": [0.5, 1]})
    figure, axes = plt.subplots(1, 2)
    display.plot(axes)
    assert display.figure_ is figure
    assert display.ax_.tolist() == list(axes)
    assert len(display.plot().figure_.axes) == 2
    with pytest.raises(InputError, match="takes two axes"):
        display.plot(axes[0])


@pytest.mark.parametrize("display", DISPLAYS, ids=NAMES)
def test_without_matplotlib_one_sentence_says_what_to_install(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install 'sklearn_sfx\[plot\]'"):
        display.plot()


def frame(**mistake):
    steps = make_pipeline(PixelMask(detect=True), GCN(), RowWiseDecomposition(), CNN1D())
    return FrameDisplay.from_estimator(steps, np.ones((3, 20, 20)), **{"step": "gcn", **mistake})


def threshold(y=(0, 1, 1), score=(0.1, 0.2, 0.3), **more):
    return RecallThresholdDisplay.from_predictions(y, score, **more)


def efficiency(n_labels=(50, 50), seed=(0, 1)):
    columns = {"method": ["a", "a"], "n_labels": n_labels, "seed": seed, "recall": [0.7, 0.8]}
    return LabelEfficiencyDisplay.from_predictions(**columns)


LOGISTIC = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
MISTAKES = [
    (lambda: frame(step="lcn"), "no step 'lcn' in the pipeline: choose among"),
    (lambda: frame(index=3), "no frame 3: X holds 3, counted from 0"),
    (lambda: frame(), "'pixelmask' has to learn from frames"),
    (lambda: FrameDisplay.from_frames(np.ones((4, 4))), r"\(n_frames, height, width\)"),
    (
        lambda: FrameDisplay.from_estimator(
            RowWiseDecomposition(), np.ones((1, 9, 9)), step="rowwisedecomposition"
        ),
        "leaves no frame to draw",
    ),
    (
        lambda: RowProfileDisplay.from_estimator(GCN(), np.ones((2, 9, 9)), [0, 1]),
        "no RowWiseDecomposition",
    ),
    (
        lambda: RowProfileDisplay.from_estimator(RowWiseDecomposition(), np.ones((2, 9, 9)), [0]),
        "2 frames and labels of shape",
    ),
    (lambda: TrainingHistoryDisplay.from_estimator(CNN1D()), "CNN1D has no history"),
    (lambda: TrainingHistoryDisplay.from_history([{"dur": 1.0}]), "holds no loss"),
    (lambda: FeatureEmbeddingDisplay.from_features(np.ones((4, 2))), "5 frames at least"),
    (
        lambda: FeatureEmbeddingDisplay.from_features(np.ones((9, 2)), [0, 1]),
        "y has 2 entries for 9 frames",
    ),
    (lambda: FeatureEmbeddingDisplay.from_estimator(LOGISTIC, [[0.0]]), "has no features"),
    (lambda: threshold(y=(0, 1, -1)), "leave out frames without a label"),
    (lambda: threshold(y=("hit", "miss", "hit")), "Name the class that counts as a hit"),
    (lambda: threshold(score=(0.1, 0.2, np.nan)), "1 of them not finite"),
    (lambda: RecallThresholdDisplay.from_estimator(GCN(), None, None), "GCN gives no probability"),
    (lambda: efficiency(n_labels=[50]), "columns of one table"),
    (lambda: efficiency(seed=(0, 0)), "Seed 0 is there twice for a with 50 labels"),
    (lambda: SaliencyDisplay.from_estimator(LOGISTIC, FRAME), "has no trained network"),
]


@pytest.mark.parametrize(("make", "why"), MISTAKES, ids=[why for _, why in MISTAKES])
def test_a_mistake_is_told_in_one_sentence(make, why):
    with pytest.raises(InputError, match=why) as error:
        make()
    assert len(str(error.value).split(". ")) == 1
    assert not plt.get_fignums()
