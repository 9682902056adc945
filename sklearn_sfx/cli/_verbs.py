"""The verbs of ``sfx``, each over the public API."""

import argparse
import os
from typing import Any

from sklearn_sfx._files import new_file
from sklearn_sfx.cli._inputs import labelled_frames, open_run, training_frames
from sklearn_sfx.exceptions import InputError

__all__ = ["demo", "evaluate", "label", "reproduce", "screen", "simulate", "train"]

SIMULATED = "SIMULATED frames"


def simulate(args: argparse.Namespace) -> None:
    """Write a simulated run, its labels and its mask."""
    from sklearn_sfx.datasets import make_sfx_frames, write_run

    folder = new_file(args.run).parent
    bunch = make_sfx_frames(
        args.n_frames,
        domain=args.domain,
        frame_shape=args.frame_shape,
        hit_rate=args.hit_rate,
        random_state=args.seed,
    )
    write_run(args.run, bunch, progress=True)
    counts = {name: int((bunch.labels == name).sum()) for name in ("HIT", "MAYBE", "MISS")}
    print(f"{args.run}: {len(bunch.data)} {SIMULATED} like {args.domain}, {_counted(counts)}")
    print(f"{folder / 'expert_annotation.txt'}: their labels")
    print(f"{folder / 'mask.h5'}: the mask, True = usable")


def label(args: argparse.Namespace) -> None:
    """Write a page to label frames on in a browser, one key to a frame."""
    from sklearn_sfx.screening import write_label_page

    frames = open_run(args)
    n_frames = min(args.n_frames, len(frames))
    with _workers(args):
        write_label_page(
            args.page,
            frames,
            n_frames=n_frames,
            crop=args.crop,
            random_state=args.seed,
            progress=True,
        )
    print(f"{args.page}: {n_frames} of {len(frames)} frames, drawn at random")
    print(
        "Open it in a browser; H, M and N label a frame, and it gives labels.txt for 'sfx train'."
    )


def train(args: argparse.Namespace) -> None:
    """Train a model on the labelled frames of a run."""
    from sklearn_sfx.datasets import MAYBE_RULES
    from sklearn_sfx.screening import train

    if new_file(args.model).suffix == ".skops":
        from sklearn_sfx.persistence import require_skops

        require_skops()  # what is missing is said before the training, not after it
    if args.labels is None and args.method != "peaks":
        raise InputError("--labels is missing; '--method peaks' can do without.")
    frames = open_run(args)
    positions, target = training_frames(frames, args)
    with _workers(args):
        model = train(
            frames[positions],
            target,
            method=args.method,
            crop=args.crop,
            max_epochs=args.epochs,
            random_state=args.seed,
            progress=True,
        )
    model.save(args.model)
    n_labels, n_hits = int((target >= 0).sum()), int((target == 1).sum())
    learned = f"{n_labels} labelled frames, {n_hits} of them hits ({MAYBE_RULES[args.maybe]})"
    if args.method == "peaks":
        simulated = "the simulated frames that come with the package"
        learned = f"{simulated} and {learned}" if n_labels else f"{simulated}, with no label"
    print(f"{args.model}: trained on {learned}; a hit from probability {model.threshold:.3f}")


def screen(args: argparse.Namespace) -> None:
    """Score every frame of a run and write the hit list and the table."""
    from sklearn_sfx.screening import load_screening_model, require_page, screen, write_report

    new_file(args.hits), new_file(args.scores)
    if args.report:
        require_page(args.report)
    model = load_screening_model(args.model)
    frames = open_run(args)
    with _workers(args):
        scores = screen(
            model, frames, threshold=args.threshold, peaks=not args.no_peaks, progress=True
        )
    scores.write_csv(args.scores)
    scores.write_hits(args.hits)
    n_hits = int(scores.decision.sum())
    print(f"{n_hits} of {len(frames)} frames are hits at threshold {scores.threshold:.3f}")
    print(f"{args.hits}: the hits, for CrystFEL\n{args.scores}: every frame")
    if args.report:
        write_report(args.report, model, frames, scores, command=args.command)
        print(f"{args.report}: the report")


def evaluate(args: argparse.Namespace) -> None:
    """Compare a model with labels that it was not trained on."""
    from sklearn_sfx.datasets import MAYBE_RULES
    from sklearn_sfx.screening import (
        evaluation_table,
        load_screening_model,
        require_page,
        screen,
        write_report,
    )

    if args.report:
        require_page(args.report)
    model = load_screening_model(args.model)
    frames = open_run(args)
    positions, target = labelled_frames(frames, args)
    seen = set(model.trained_on)
    new = [
        i
        for i, p in enumerate(positions)
        if (os.path.basename(frames.sources[p].path), frames.sources[p].position) not in seen
    ]
    if not new:
        raise InputError(
            f"{args.labels}: the model was trained on every frame that is labelled here; "
            "label some others, or train with a smaller --n-labels."
        )
    positions, target = positions[new], target[new]
    frames = frames[positions]
    with _workers(args):
        scores = screen(model, frames, threshold=args.threshold, progress=True)
    counts: Any = scores.peak_count
    by_count = counts >= model.baseline.threshold_
    print(
        f"{len(target)} labelled frames that the model was not trained on, "
        f"{MAYBE_RULES[args.maybe]}; 95 % intervals"
    )
    print(evaluation_table(target, {"model": scores.decision, "peak count": by_count}))
    if args.report:
        note = f"{MAYBE_RULES[args.maybe]} in the labels."
        about = {"target": target, "note": note, "command": args.command}
        write_report(args.report, model, frames, scores, **about)
        print(f"{args.report}: the report")


def demo(args: argparse.Namespace) -> None:
    """Do the whole job on a simulated run."""
    from sklearn_sfx.screening._demo import run_demo

    with _workers(args):
        run_demo(args.output, n_frames=args.n_frames, random_state=args.seed)


def reproduce(args: argparse.Namespace) -> None:
    """Make the tables and pictures of the paper again, on real runs or on simulated ones."""
    from sklearn_sfx.reproduction import reproduce

    report = reproduce(
        args.output,
        data=args.data,
        quick=args.quick,
        sequential_split=args.sequential_split,
        maybe=args.maybe,
        n_seeds=args.seeds,
        n_jobs=args.jobs,
        only=args.only,
        progress=True,
    )
    print(f"{report}: the report, on {'real' if args.data else 'SIMULATED'} frames")


def _workers(args: argparse.Namespace) -> Any:
    import joblib

    return joblib.parallel_config("threading", n_jobs=args.jobs or joblib.cpu_count())


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())
