"""The run, the labels and the workers that the options ask for.

What takes long to import is imported where it is used, so that ``sfx --help`` is quick.
"""

import argparse
import sys
from typing import Any

from sklearn_sfx.exceptions import InputError

__all__ = ["labelled_frames", "open_run", "workers"]


def open_run(args: argparse.Namespace) -> Any:
    """Return the frames of the run, behind their mask, and say in a line what is not used."""
    from sklearn_sfx.frames import describe_mask, open_frames, read_mask

    mask: Any = "auto"
    if args.no_mask:
        if args.mask is not None:
            raise InputError("--mask and --no-mask exclude each other: leave out one of them.")
        mask = False
    elif args.mask is not None:
        mask = read_mask(
            args.mask, dataset=args.mask_dataset, good_bits=args.good_bits, bad_bits=args.bad_bits
        )
    source = args.run[0] if len(args.run) == 1 else args.run
    frames = open_frames(
        source, dataset=args.dataset, mask=mask, geometry=args.geometry, missing=args.missing
    )
    print(describe_mask(frames), file=sys.stderr)
    return frames


def labelled_frames(frames: Any, args: argparse.Namespace) -> tuple[Any, Any]:
    """Return the positions in the run that are labelled, and 0 or 1 for each."""
    from sklearn_sfx.datasets import make_target, match_labels

    positions, labels = match_labels(frames, args.labels)
    target, _, kept = make_target(labels, args.maybe)
    return positions[kept], target


def workers(args: argparse.Namespace) -> Any:
    """Return a context in which so many threads read and prepare frames."""
    import joblib

    return joblib.parallel_config("threading", n_jobs=args.jobs or joblib.cpu_count())
