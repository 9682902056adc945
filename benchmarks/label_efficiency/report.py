"""The results as tables and as a picture."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from .cells import LABELS_OF_OTHERS
from .methods import ACROSS, N_NETWORKS, UNLABELLED, WITHIN

BEST = "recall at precision 0.9"
BEST_OF_FEW, PRECISION_OF_FEW = f"{BEST}, 5 % hits", "precision, 5 % hits"


def as_page(rows: Sequence[dict], about: dict) -> str:
    """Return the page of the manual; what it means to a user stands in the results."""
    n_seeds = len({row["seed"] for row in rows})
    sizes = ", ".join(f"{name} {n}" for name, n in about["frames"].items())
    within, across = [r for r in rows if r["n_labels"]], [r for r in rows if not r["n_labels"]]
    parts = [
        "# How many labels",
        f"This page was written by `{about['command']} --write` on {about['date']}; "
        "do not edit it.",
        f"SIMULATED frames of five experiments on three kinds of detectors ({sizes} frames for "
        f"each of {n_seeds} seeds), defective pixels found by `PixelMask(detect=True)`, the "
        "central 724 x 724. Labels of simulated frames follow the height of spots above the local "
        "noise, which is what a peak finder measures; those of a person may not. Figures are the "
        "mean over the seeds and, in brackets, the lowest and highest.",
        "![Recall against the number of labels](images/label_efficiency.png)",
        "## Labels of the same run",
        "The labelled frames are drawn at random, at least two of each class; the rest of the run "
        f"is for testing. Recall at precision 0.9 is read off the curve of the test frames: it "
        "says how well frames are ranked, not what a threshold chosen beforehand gives. "
        f"Self-training sees {UNLABELLED} frames without labels; *of the others* means the other "
        f"four experiments, {LABELS_OF_OTHERS} labels of each; *pre-trained without labels* means "
        "that a network learned to tell frames of the run from the same with spots added; and "
        f"probabilities of {N_NETWORKS} networks are averaged.",
        as_table(within, WITHIN, BEST),
        "The same where 5 % of the frames to test are hits, by their weights (blank: not "
        "measured); the labels hold as many as before:",
        as_table(within, WITHIN, BEST_OF_FEW),
        "## No label of the run",
        f"Each method learns from {LABELS_OF_OTHERS} labelled frames of each of the four other "
        "experiments, and is tested on all frames of the fifth. DANN sees its frames as well; "
        "`PeakHeightClassifier` has seen the random experiments that come with the package, and "
        "none of these five.",
        as_table(across, ACROSS, BEST),
        "The same at a probability of 0.5, recall:",
        as_table(across, ACROSS, "recall"),
        "and precision:",
        as_table(across, ACROSS, "precision"),
        f"Where 5 % of the frames are hits, {BEST}:",
        as_table(across, ACROSS, BEST_OF_FEW),
        "and precision at a probability of 0.5:",
        as_table(across, ACROSS, PRECISION_OF_FEW),
    ]
    return "\n\n".join(parts) + "\n"


def as_table(rows: Sequence[dict], methods: dict, metric: str) -> str:
    """Return a row for each method and number of labels, a column for each experiment."""
    experiments = list(dict.fromkeys(row["experiment"] for row in rows))
    lines = [
        f"| method | labels | {' | '.join(experiments)} | mean |",
        f"|---|---|{'---|' * (len(experiments) + 1)}",
    ]
    for method in methods:
        for n_labels in sorted({row["n_labels"] for row in rows if row["method"] == method}):
            mine = [r for r in rows if (r["method"], r["n_labels"]) == (method, n_labels)]
            columns = [
                [r[metric] for r in mine if r["experiment"] == e and metric in r]
                for e in experiments
            ]
            mean = ""
            if all(columns):
                mean = f"{statistics.mean(statistics.mean(values) for values in columns):.3f}"
            cells = " | ".join(map(_spread, columns))
            lines.append(f"| {method} | {n_labels} | {cells} | {mean} |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{statistics.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}]"


def draw(rows: Sequence[dict], path: Path) -> None:
    """Draw recall against labels, a panel for each experiment whose own labels were used."""
    import matplotlib.pyplot as plt

    from sklearn_sfx.inspection import LabelEfficiencyDisplay

    own = list(dict.fromkeys(row["experiment"] for row in rows if row["n_labels"]))
    # Those with labels first, so that a method has the same colour with labels and without.
    rows = sorted(rows, key=lambda row: row["n_labels"] == 0)
    figure, axes = plt.subplots(
        1, len(own), figsize=(5.5 * len(own), 6), sharey=True, squeeze=False, layout="constrained"
    )
    for experiment, ax in zip(own, axes[0], strict=True):
        mine = [row for row in rows if row["experiment"] == experiment]
        columns = {name: [row[name] for row in mine] for name in ("method", "n_labels", "seed")}
        LabelEfficiencyDisplay.from_predictions(**columns, recall=[r[BEST] for r in mine], ax=ax)
        ax.set(ylabel=BEST, ylim=(-0.02, 1.02), title=f"SIMULATED frames like {experiment}")
        ax.label_outer()
        ax.get_legend().remove()
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    for suffix in (".png", ".svg"):
        figure.savefig(path.with_suffix(suffix), dpi=110)
    plt.close(figure)
