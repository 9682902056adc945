"""The whole job on a simulated run: what ``sfx demo`` does."""

import os
import time
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_sfx._outputs import Outputs
from sklearn_sfx.datasets import load_cxidb76, make_sfx_frames, run_files, write_run
from sklearn_sfx.inspection import plot_overview
from sklearn_sfx.screening._evaluation import evaluation_table
from sklearn_sfx.screening._report import write_report
from sklearn_sfx.screening._screen import screen
from sklearn_sfx.screening._train import train

__all__ = ["run_demo"]

N_LABELS = 200
SIDE = 724  # the central part that the method looks at


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
    files = run_files(output / "run.h5")
    path = files.frames
    for file in files:
        outputs.claim(file)
    ends = ("model.joblib", "hits.lst", "scores.csv", "overview.png", "report.html")
    model_file, hits, table, overview, report = (
        outputs.claim(output / f"run.{end}") for end in ends
    )
    print(f"1/4 simulating {n_frames} frames like LN84, the central {SIDE} x {SIDE} pixels")
    simulated = make_sfx_frames(
        n_frames, domain="LN84", frame_shape=(SIDE, SIDE), random_state=random_state
    )
    with outputs.replacing_all(files) as (temporary, *_):
        write_run(temporary, simulated, progress=True)

    run = load_cxidb76(path, subset="LN84", mask=files.mask)
    seen, rest = train_test_split(
        np.arange(len(run.data)),
        train_size=N_LABELS,
        stratify=run.target,
        random_state=random_state,
    )
    print(f"2/4 training on {N_LABELS} labelled frames")
    began = time.perf_counter()
    model = train(
        run.data[seen], run.target[seen], crop=SIDE, random_state=random_state, progress=True
    )
    print(f"    {time.perf_counter() - began:.0f} s; a hit from probability {model.threshold:.3f}")
    with outputs.replacing(model_file) as temporary:
        model.save(temporary)

    print(f"3/4 screening the other {len(rest)} frames")
    began = time.perf_counter()
    scores = screen(model, run.data[rest], progress=True)
    rate = len(rest) / (time.perf_counter() - began)
    with outputs.replacing(hits) as temporary:
        scores.write_hits(temporary)
    with outputs.replacing(table) as temporary:
        scores.write_csv(temporary)

    print("4/4 comparing with the labels: SIMULATED frames, MAYBE counted as hit, 95 % intervals\n")
    target = run.target[rest]
    by_count = np.asarray(scores.peak_count) >= model.baseline.threshold_
    print(evaluation_table(target, {"RWD + CNN1D": scores.decision, "peak count": by_count}))
    print(f"\n{rate:.0f} frames/s from file to decision, both methods together")

    hit = rest[np.argmax(np.where(target == 1, scores.probability, -1))]
    miss = rest[np.argmin(np.where(target == 0, scores.probability, 2))]
    pictures = np.asarray(model.prepare.transform(run.data[[hit, miss]]))
    profiles = model.classifier[:-1].transform(pictures)
    figure = plot_overview(
        pictures[0],
        pictures[1],
        profiles[0],
        profiles[1],
        scores.probability,
        target,
        threshold=scores.threshold,
        title="sfx demo: SIMULATED frames like LN84",
    )
    with outputs.replacing(overview) as temporary:
        figure.savefig(temporary, dpi=110)
    with outputs.replacing(report) as temporary:
        write_report(
            temporary,
            model,
            run.data[rest],
            scores,
            target=target,
            note="SIMULATED frames like LN84; MAYBE counted as hit.",
            command="sfx demo",
        )
    print(
        f"{output}: {', '.join(file.name for file in (report, hits, table, model_file, overview))}"
    )
