"""Figures 5 to 10 of the paper, from the outcomes of the cells; needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sklearn_sfx._files import replacing
from sklearn_sfx.datasets import MAYBE_RULES
from sklearn_sfx.inspection import (
    DOMAIN_COLOURS,
    FeatureEmbeddingDisplay,
    RowProfileDisplay,
    TrainingHistoryDisplay,
    draw_frame,
)
from sklearn_sfx.reproduction._cells import Cell
from sklearn_sfx.reproduction._outcomes import Report
from sklearn_sfx.reproduction._pictures import CLASSES, PAIR

__all__ = ["Picture", "draw_figures"]

DRAWN = "Of each block of pixels the highest is drawn; masked ones are light blue."
BOX = DOMAIN_COLOURS["source"]


class Picture(NamedTuple):
    """A picture on disk, and what it shows."""

    name: str
    png: Path
    svg: Path
    caption: str


def draw_figures(report: Report, folder: Path) -> list[Picture]:
    """Draw figures 5 to 10 into a folder, each as PNG and as SVG."""
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    cell = Cell("examples", (), 0)
    about = report.outcomes[cell]
    with np.load(report.study.cell_path(*cell).with_suffix(".npz")) as stored:
        shown = dict(stored)
    pictures = []
    # Text stays text, so that it can be searched, and the same picture is the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "sklearn_sfx"}):
        for number, draw in DRAWING.items():
            figure, what = draw(report, about, shown)
            figure.suptitle(f"Figure {number}. {report.mark}", fontsize="small")
            paths = {end: folder / f"figure_{number}.{end}" for end in ("png", "svg")}
            for end, path in paths.items():
                with replacing(path) as temporary:
                    metadata = {"Date": None} if end == "svg" else None
                    figure.savefig(temporary, dpi=110, metadata=metadata)
            caption = f"Figure {number}. {what} {report.kind}. {MAYBE_RULES[report.study.maybe]}."
            caption += report.size
            pictures.append(Picture(f"figure_{number}", paths["png"], paths["svg"], caption))
    return pictures


def _new(n_rows: int, n_columns: int, height: float = 3.4) -> tuple[Any, np.ndarray]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * n_columns, height * n_rows + 0.4), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def _show(ax: Any, frame: np.ndarray, title: str) -> None:
    draw_frame(ax, frame)
    ax.set(title=title, xlabel="", ylabel="", xticks=[], yticks=[])


def _classes(report: Report, about: dict, shown: dict) -> tuple[Any, str]:
    figure, axes = _new(1, 3)
    for ax, label, letter in zip(axes[0], CLASSES, "abc", strict=True):
        if label in about["frames"]:
            title = f"({letter}) {label}, frame {about['frames'][label]}"
            _show(ax, shown[f"crop_{label}"], title)
        else:
            ax.set(title=f"({letter}) no {label} here", xticks=[], yticks=[])
    half = max(shown["gcn"].shape) / 80
    for row, column in shown.get("peaks_MAYBE", ()):
        box = {"fill": False, "edgecolor": BOX, "linewidth": 0.8}
        axes[0][1].add_patch(_rectangle(column - half, row - half, 2 * half, box))
    return figure, (
        f"Frames of {about['run']} labelled HIT, MAYBE and MISS, the central part, each with as "
        "many peaks as is typical of its class. Boxes mark what the peak count finds in the MAYBE. "
        + DRAWN
    )


def _rectangle(left: float, top: float, side: float, style: dict) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), side, side, **style)


def _crop(report: Report, about: dict, shown: dict) -> tuple[Any, str]:
    whole, crop = shown["whole"], report.study.scale.crop
    top, left = ((side - crop) // 2 for side in whole.shape)
    figure, axes = _new(1, 2, height=3.6)
    _show(axes[0][0], whole, f"(a) {whole.shape[0]} x {whole.shape[1]}")
    style = {"fill": False, "edgecolor": BOX, "linewidth": 1.2}
    axes[0][0].add_patch(_rectangle(left, top, crop, style))
    _show(axes[0][1], whole[top : top + crop, left : left + crop], f"(b) {crop} x {crop}")
    return figure, f"The central crop, on a hit of {about['run']}. {DRAWN}"


def _contrast(report: Report, about: dict, shown: dict) -> tuple[Any, str]:
    figure, axes = _new(1, 3)
    raw = next(shown[f"crop_{label}"] for label in CLASSES if f"crop_{label}" in shown)
    _show(axes[0][0], raw, "(a) raw")
    _show(axes[0][1], shown["gcn"], "(b) GCN")
    _show(axes[0][2], shown["lcn"], "(c) GCN and LCN")
    return figure, f"What contrast normalization does to a hit of {about['run']}. {DRAWN}"


def _curves(report: Report, about: dict, shown: dict) -> tuple[Any, str]:
    figure, axes = _new(1, 3, height=2.6)
    highest = max(shown[name].max() for name in shown if name.startswith("vectors"))
    for ax, label in zip(axes[0], CLASSES, strict=True):
        curves = shown.get(f"vectors_{label}", ())
        if len(curves):
            RowProfileDisplay(profiles=curves, y=[label] * len(curves)).plot(ax, lw=0.6)
        ax.set(title=label, ylabel="", ylim=(0, 1.05 * highest))
    axes[0][0].set_ylabel("largest - smallest value")
    return figure, f"Row-wise decomposition: up to three frames of {about['run']} of each class."


def _embedding(report: Report, about: dict, shown: dict) -> tuple[Any, str]:
    found = report.outcomes[Cell("embedding", PAIR, 0)]
    figure, axes = _new(2, 3, height=2.8)
    letters = iter("abcdef")
    for row, name in zip(axes, ("DANN", "CNN2D"), strict=True):
        for ax, label in zip(row, reversed(CLASSES), strict=True):
            rows = [np.asarray(labels) == label for labels in found["labels"]]
            source, target = (
                np.asarray(plane)[some] for plane, some in zip(found[name], rows, strict=True)
            )
            FeatureEmbeddingDisplay(
                embedding=np.concatenate([source, target]),
                sample_domain=np.repeat([0, -1], [len(source), len(target)]),
            ).plot(ax, s=6)
            ax.set(title=f"({next(letters)}) {name}, {label}", xlabel="", ylabel="")
    return figure, (
        f"t-SNE of the features that DANN of strength 1 ({PAIR[0]}, the source, to {PAIR[1]}, the "
        f"target) and the CNN2D of {PAIR[0]} alone make of both runs, one embedding for each "
        "network. The more red and blue mix, the more of what the network sees is common to both."
    )


def _history(report: Report, about: dict, shown: dict) -> tuple[Any, str]:
    history = report.outcomes[Cell("reversal", PAIR, 0)]["history"]
    figure, axes = _new(1, 2, height=2.8)
    TrainingHistoryDisplay(history=history).plot(axes[0])
    return figure, (
        f"Loss and accuracy of the label of the source and of the domain while DANN of strength 1 "
        f"trains, {PAIR[0]} to {PAIR[1]}; the paper shows them on validation frames."
    )


DRAWING: dict[int, Callable] = {
    5: _classes,
    6: _crop,
    7: _contrast,
    8: _curves,
    9: _embedding,
    10: _history,
}
