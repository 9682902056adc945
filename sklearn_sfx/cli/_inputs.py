"""The run and the labels that the arguments name.

What takes long to import is imported where it is used, so that ``sfx --help`` is quick.
"""

import argparse
from typing import Any

from sklearn_sfx.exceptions import InputError

__all__ = ["labelled_frames", "open_run", "training_frames"]

N_FOR_DEFECTS = 200  # frames in which defective pixels are looked for


def open_run(args: argparse.Namespace) -> Any:
    from sklearn_sfx.frames import open_frames, read_mask

    mask = None
    if args.mask is not None:
        mask = read_mask(
            args.mask, dataset=args.mask_dataset, good_bits=args.good_bits, bad_bits=args.bad_bits
        )
    source = args.run[0] if len(args.run) == 1 else args.run
    return open_frames(source, dataset=args.dataset, mask=mask)


def labelled_frames(frames: Any, args: argparse.Namespace) -> tuple[Any, Any]:
    """Return the positions in the run that are labelled, and 0 or 1 for each."""
    from sklearn_sfx.datasets import make_target, match_labels

    positions, labels = match_labels(frames, args.labels)
    target, _, kept = make_target(labels, args.maybe)
    return positions[kept], target


def training_frames(frames: Any, args: argparse.Namespace) -> tuple[Any, Any]:
    """Return positions in the run, and 0, 1 or, for want of a label, -1 for each."""
    import numpy as np

    positions, target = np.arange(0), np.arange(0)
    if args.labels is not None:
        positions, target = labelled_frames(frames, args)
        positions, target = _choose(positions, target, args.n_labels, args.seed)
    if args.method == "peaks":  # defective pixels are found in more frames than have labels
        rest = np.setdiff1d(np.arange(len(frames)), positions)
        n_more = min(len(rest), max(0, N_FOR_DEFECTS - len(positions)))
        more = rest[np.linspace(0, len(rest) - 1, n_more).astype(int)]
        positions = np.concatenate([positions, more])
        target = np.concatenate([target, np.full(n_more, -1)])
    return positions, target


def _choose(positions: Any, target: Any, n_labels: int | None, seed: int) -> tuple[Any, Any]:
    """Draw so many labels, hits and misses in the proportion that they have."""
    if n_labels is None or n_labels == len(target):
        return positions, target
    if n_labels > len(target):
        raise InputError(f"--n-labels asks for {n_labels} labels, and there are {len(target)}.")
    from sklearn.model_selection import train_test_split

    few = min((target == 0).sum(), (target == 1).sum()) < 2
    chosen, _, target, _ = train_test_split(
        positions, target, train_size=n_labels, random_state=seed, stratify=None if few else target
    )
    return chosen, target
