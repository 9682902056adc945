"""What the verbs write of a run: under which names, and without harm to any other file."""

import argparse
import os
from pathlib import Path
from typing import Any

from sklearn_sfx._outputs import Outputs, name_of_run

__all__ = ["claim_report", "named_after_run", "outputs_of_run"]


def outputs_of_run(args: argparse.Namespace, frames: Any, *, verb: str = "") -> Outputs:
    """Return what refuses outputs that would harm an input, or what others wrote.

    What one verb writes another may replace, if it says that it is this one.
    """
    from sklearn_sfx.frames import expand_paths, files_of_mask

    held = _files_of(frames)
    inputs = {*expand_paths(args.run), *held, *_files_of(frames.mask)}
    if args.mask is not None:
        inputs |= files_of_mask(args.mask, dataset=args.mask_dataset)
    elif frames.mask is not None and held:
        inputs |= files_of_mask(sorted(held))  # that of the run may be a link
    read: tuple[str, ...] = ("labels", "model")
    if args.verb == "train":
        read = ("labels", "base", "source_labels")
        inputs.update(expand_paths(args.source) if args.source else ())
        inputs |= files_of_mask(args.source_mask) if args.source_mask else set()
    inputs.update(path for name in read if (path := vars(args).get(name)) is not None)
    run = [os.path.realpath(path) for path in held]
    return Outputs(f"sfx {verb or args.verb}", run, inputs, force=args.force)


def named_after_run(args: argparse.Namespace, end: str) -> Path:
    """Return the default name of an output, in this folder."""
    from sklearn_sfx.frames import expand_paths

    return Path(f"{name_of_run(expand_paths(args.run))}.{end}")


def claim_report(args: argparse.Namespace, outputs: Outputs, end: str) -> Path | None:
    """Return where the report goes, if one is asked for and can be made."""
    from sklearn_sfx.screening import require_page

    if args.report is None:
        return None
    path = named_after_run(args, end) if args.report is True else args.report
    report = outputs.claim(path)
    require_page()
    return report


def _files_of(frames: Any) -> set[str]:
    """Return the files that frames, or masks for each frame, come from."""
    return set(getattr(frames, "files", ()))
