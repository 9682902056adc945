"""The whole job on a simulated run: what ``sfx demo`` does."""

import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from sklearn_sfx._outputs import Outputs
from sklearn_sfx.datasets import RunFiles, load_cxidb76, make_sfx_frames, run_files, write_run
from sklearn_sfx.frames import Frames
from sklearn_sfx.inspection import plot_overview
from sklearn_sfx.screening._evaluation import evaluation_table
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._report import write_report
from sklearn_sfx.screening._scores import Scores
from sklearn_sfx.screening._screen import decisions, screen
from sklearn_sfx.screening._train import train

__all__ = ["run_demo"]

N_LABELS = 200
SIDE = 724  # the central part that the method looks at
TITLE = "sfx demo: SIMULATED frames like LN84"
# Measured on two cores of a Xeon with 1200 frames.
BYTES_OF_A_FRAME = 0.63e6
SECONDS_OF_A_FRAME, SECONDS_OF_TRAINING = 0.2, 60


class Results(NamedTuple):
    """What is written beside the run."""

    model: Path
    hits: Path
    table: Path
    overview: Path
    report: Path


def run_demo(
    output: str | os.PathLike,
    *,
    n_frames: int = 1200,
    random_state: int = 0,
    force: bool = False,
) -> None:
    """Simulate a run, train on 200 labels, screen the rest, and print and draw the outcome.

    Parameters
    ----------
    output : path-like
        Folder for the run, its labels and mask, and ``run.model.joblib``, ``run.hits.lst``,
        ``run.scores.csv``, ``run.overview.png`` and ``run.report.html``. It is made where it is
        missing.
    n_frames : int
        Frames of the simulated run.
    random_state : int
        Seed of the simulation and of the training.
    force : bool
        Whether files are replaced that lie there and are not of the same demonstration.

    Raises
    ------
    InputError
        A file lies there that would have to be replaced, or nothing can be written there.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    outputs = Outputs("sfx demo", [f"{n_frames} {random_state}"], [], force=force)
    of_run, results = _claim(outputs, output)
    print(_what_it_takes(output, n_frames))
    run = _simulated(outputs, of_run, n_frames, random_state)
    seen, rest = train_test_split(
        np.arange(len(run.data)),
        train_size=N_LABELS,
        stratify=run.target,
        random_state=random_state,
    )
    model = _trained(outputs, results, run.data[seen], run.target[seen], random_state)
    frames, target = run.data[rest], run.target[rest]
    scores, rate = _screened(outputs, results, model, frames)
    _print_comparison(model, scores, target, rate)
    _write_pictures(outputs, results, model, frames, scores, target)
    order = (results.report, results.hits, results.table, results.model, results.overview)
    print(f"{output}: {', '.join(file.name for file in order)}")


def _what_it_takes(output: Path, n_frames: int) -> str:
    """Return in words how much is written, and how long it takes."""
    megabytes = BYTES_OF_A_FRAME * n_frames / 1e6
    minutes = (SECONDS_OF_TRAINING + SECONDS_OF_A_FRAME * n_frames) / 60
    return (
        f"writes {megabytes:.0f} MB to {output}; takes about {minutes:.0f} minutes on two cores, "
        "and longer the first time, when loops are compiled"
    )


def _claim(outputs: Outputs, folder: Path) -> tuple[RunFiles, Results]:
    """Return what is going to be written, once it is known that it can be."""
    of_run = run_files(folder / "run.h5")
    for file in of_run:
        outputs.claim(file)
    ends = ("model.joblib", "hits.lst", "scores.csv", "overview.png", "report.html")
    return of_run, Results(*(outputs.claim(folder / f"run.{end}") for end in ends))


def _simulated(outputs: Outputs, files: RunFiles, n_frames: int, random_state: int) -> Bunch:
    """Write a simulated run, and return it as it is read again."""
    print(f"1/4 simulating {n_frames} frames like LN84, the central {SIDE} x {SIDE} pixels")
    simulated = make_sfx_frames(
        n_frames, domain="LN84", frame_shape=(SIDE, SIDE), random_state=random_state
    )
    with outputs.replacing_all(files) as (temporary, *_):
        write_run(temporary, simulated, progress=True)
    return load_cxidb76(files.frames, subset="LN84", mask=files.mask)


def _trained(
    outputs: Outputs, results: Results, frames: Frames, target: np.ndarray, random_state: int
) -> ScreeningModel:
    """Train on the labelled frames, and keep the model."""
    print(f"2/4 training on {N_LABELS} labelled frames")
    began = time.perf_counter()
    model = train(
        frames, target, method="rows", crop=SIDE, random_state=random_state, progress=True
    )
    print(f"    {time.perf_counter() - began:.0f} s; a hit from probability {model.threshold:.3f}")
    with outputs.replacing(results.model) as temporary:
        model.save(temporary)
    return model


def _screened(
    outputs: Outputs, results: Results, model: ScreeningModel, frames: Frames
) -> tuple[Scores, float]:
    """Write the lists, and return the scores and how many frames were done in a second."""
    print(f"3/4 screening the other {len(frames)} frames")
    began = time.perf_counter()
    scores = screen(model, frames, progress=True)
    rate = len(frames) / (time.perf_counter() - began)
    with outputs.replacing(results.hits) as temporary:
        scores.write_hits(temporary)
    with outputs.replacing(results.table) as temporary:
        scores.write_csv(temporary)
    return scores, rate


def _print_comparison(
    model: ScreeningModel, scores: Scores, target: np.ndarray, rate: float
) -> None:
    """Print how the model and the peak count agree with the labels."""
    print("4/4 comparing with the labels: SIMULATED frames, MAYBE counted as hit, 95 % intervals\n")
    found = decisions(model, scores)
    by_name = {"RWD + CNN1D": found["model"], "peak count": found["peak count"]}
    print(evaluation_table(target, by_name))
    print(f"\n{rate:.0f} frames/s from file to decision, both methods together")


def _write_pictures(
    outputs: Outputs,
    results: Results,
    model: ScreeningModel,
    frames: Frames,
    scores: Scores,
    target: np.ndarray,
) -> None:
    """Draw the clearest hit and miss, and write the report."""
    hit = np.argmax(np.where(target == 1, scores.probability, -1))
    miss = np.argmin(np.where(target == 0, scores.probability, 2))
    pictures = np.asarray(model.prepare.transform(frames[np.array([hit, miss])]))
    profiles = model.classifier[:-1].transform(pictures)
    figure = plot_overview(
        pictures[0],
        pictures[1],
        profiles[0],
        profiles[1],
        scores.probability,
        target,
        threshold=scores.threshold,
        title=TITLE,
    )
    with outputs.replacing(results.overview) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Title": TITLE})
    with outputs.replacing(results.report) as temporary:
        write_report(
            temporary,
            model,
            frames,
            scores,
            target=target,
            note="SIMULATED frames like LN84; MAYBE counted as hit.",
            command="sfx demo",
            model_file=results.model,
        )
