"""What the verbs write of a run: under which names, and without harm to any other file."""

import argparse
import os
from pathlib import Path
from typing import Any

from sklearn_sfx._outputs import Outputs, name_of_run
from sklearn_sfx.cli._options import NAMED_AFTER_RUN

__all__ = ["claim_report", "named_after_run", "outputs_of_run"]


def outputs_of_run(args: argparse.Namespace, frames: Any) -> Outputs:
    """Return what refuses outputs that would harm an input, or what others wrote."""
    held = {origin.path for origin in frames.sources} - {None}
    named = [vars(args).get(name) for name in ("mask", "model", "labels")]
    if args.verb == "train":  # which writes a model
        named = [args.mask, args.labels]
    inputs = [*_given(args.run), *held, *(path for path in named if path is not None)]
    run = [os.path.realpath(path) for path in held]
    return Outputs(f"sfx {args.verb}", run, inputs, force=args.force)


def named_after_run(args: argparse.Namespace, end: str) -> Path:
    """Return the default name of an output, in this folder."""
    return Path(f"{name_of_run(_given(args.run))}.{end}")


def claim_report(args: argparse.Namespace, outputs: Outputs, end: str) -> Path | None:
    """Return where the report goes, if one is asked for and can be made."""
    from sklearn_sfx.screening import require_page

    if args.report is None:
        return None
    named = args.report != NAMED_AFTER_RUN
    report = outputs.claim(args.report if named else named_after_run(args, end))
    require_page()
    return report


def _given(run: list[str]) -> list[str]:
    from sklearn_sfx.frames import expand_paths

    return expand_paths(run)
