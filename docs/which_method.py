"""Draw which method to take with how many labels: ``python docs/which_method.py``."""

from math import log10
from pathlib import Path

from matplotlib.figure import Figure

# What it is called, what it is, and from and to how many labels it is the one to take. The first
# colour is for what ``sfx screen`` and ``sfx train`` choose by themselves.
METHODS = (
    ("SpotCountClassifier", "six spots make a hit", 0, 10, True),
    ("PeakHeightClassifier", "knows simulated frames", 0, 100, True),
    ("HitFinderCV", "the best of several by your labels", 10, 3000, True),
    ("CNN1D", "on row-wise decomposition", 100, 3000, True),
    ("DANN", "labels of another experiment, none of yours", 0, 10, False),
    ("FineTuned", "the model of another experiment", 100, 1200, False),
    ("CNN2D", "on whole frames", 1000, 3000, False),
)
TICKS = (0, 1, 10, 100, 1000)


def place(n_labels: float) -> float:
    """Return where a number of labels is drawn: none at 0, and each power of ten a step."""
    return 0.0 if n_labels == 0 else 1 + log10(n_labels)


def draw() -> Figure:
    """Return the picture: a bar for each method."""
    figure = Figure(figsize=(10, 3.9), layout="constrained")
    ax = figure.subplots()
    for row, (_, _, least, most, is_of_the_command) in enumerate(METHODS):
        colour = "#c2410c" if is_of_the_command else "#1d4ed8"
        ax.barh(row, place(most) - place(least), left=place(least), color=colour, alpha=0.45)
    names = [f"{name}: {what}" for name, what, *_ in METHODS]
    ax.set_yticks(range(len(METHODS)), names)
    ax.set(xlim=(0, place(3000)), ylim=(len(METHODS) - 0.4, -0.6))
    ax.set_xticks([place(n) for n in TICKS], [f"{n:,}" if n else "none" for n in TICKS])
    ax.set_xlabel("labels of your own run; red: sfx screen and sfx train choose among these")
    ax.grid(axis="x", color="0.85")
    ax.set_axisbelow(True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    return figure


if __name__ == "__main__":
    draw().savefig(Path(__file__).parent / "images" / "which_method.png", dpi=110)
