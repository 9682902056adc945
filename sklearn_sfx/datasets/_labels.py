"""Labels of some frames of a run, in whatever format they come, found by file and frame."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple, overload

import numpy as np

from sklearn_sfx._tasks import CRYSTALLOGRAPHY, Task, task_of_labels
from sklearn_sfx._text import counted
from sklearn_sfx.datasets._names_of_run import NamesOfRun
from sklearn_sfx.datasets._paths_of_labels import PathsOfLabels
from sklearn_sfx.datasets.label_files import FrameLabel, LabelFormat, label_format
from sklearn_sfx.datasets.label_files._format import (
    CUT_OFF,
    HIT,
    MISS,
    NO_LABEL,
    NOT_INDEXED,
    place,
)
from sklearn_sfx.exceptions import InputError, UnmatchedLabelsWarning
from sklearn_sfx.frames import Frames

__all__ = ["LabelRules", "MatchedLabels", "find_labels", "match_labels"]

RULES = {
    "not_indexed": {"unlabelled": NO_LABEL, "miss": MISS, "maybe": "MAYBE"},
    "absent": {"unlabelled": NO_LABEL, "miss": MISS},
}


class LabelRules(NamedTuple):
    """What frames are that a file does not call a hit; as for `match_labels`."""

    not_indexed: str = "unlabelled"
    absent: str = "unlabelled"
    hit_from: int | None = None
    miss_below: int | None = None

    def check(self) -> None:
        """Refuse rules that there are not."""
        for name, known in RULES.items():
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} has to be one of {', '.join(known)}, got {getattr(self, name)!r}."
                )
        if None not in (self.hit_from, self.miss_below) and self.miss_below > self.hit_from:  # type: ignore[operator]
            raise InputError(
                f"A frame with {self.hit_from} peaks would be a hit (hit_from) and a miss "
                f"(miss_below={self.miss_below}): give miss_below at the most as high as hit_from."
            )

    def of(self, said: FrameLabel) -> str:
        """Return the label of a frame; "" for none."""
        by_peaks = self.hit_from is not None or self.miss_below is not None
        if said.is_weak and by_peaks and said.n_peaks is not None:
            if self.hit_from is not None and said.n_peaks >= self.hit_from:
                return HIT
            if self.miss_below is not None and said.n_peaks < self.miss_below:
                return MISS
            if said.label != NOT_INDEXED:
                return NO_LABEL
        if said.label == NOT_INDEXED:
            return RULES["not_indexed"][self.not_indexed]
        return said.label


class MatchedLabels(NamedTuple):
    """The labelled frames of a run, and what was made of the file.

    Parameters
    ----------
    positions, labels, weights
        As `match_labels` returns them.
    task : Task
        That the labels are of.
    format : LabelFormat
        Of the file.
    n_unlabelled : int
        Frames of the run that it names and that have no label.
    n_absent : int
        Frames of the run that it does not name.
    problem : str
        A sentence on what could not be matched; empty where all was.
    """

    positions: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    task: Task
    format: LabelFormat
    n_unlabelled: int
    n_absent: int
    problem: str

    @property
    def said(self) -> str:
        """How many of each were taken, in words."""
        n = Counter(self.labels.tolist())
        labels = ", ".join(f"{n[label]} {label}" for label in self.task.labels)
        return (
            f"read as {self.format.name}: {labels}, {self.n_unlabelled} named without a label, "
            f"{self.n_absent} frames of the run not named"
        )


@overload
def match_labels(
    frames: Frames,
    path: str | Path,
    return_weights: Literal[False] = False,
    *,
    not_indexed: str = "unlabelled",
    absent: str = "unlabelled",
    hit_from: int | None = None,
    miss_below: int | None = None,
) -> tuple[np.ndarray, np.ndarray]: ...


@overload
def match_labels(
    frames: Frames,
    path: str | Path,
    return_weights: Literal[True],
    *,
    not_indexed: str = "unlabelled",
    absent: str = "unlabelled",
    hit_from: int | None = None,
    miss_below: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...


def match_labels(
    frames: Frames,
    path: str | Path,
    return_weights: bool = False,
    *,
    not_indexed: str = "unlabelled",
    absent: str = "unlabelled",
    hit_from: int | None = None,
    miss_below: int | None = None,
) -> tuple[np.ndarray, ...]:
    r"""Find the frames of a run that a file of labels names.

    Unlike `load_cxidb76`, which asks for a label for every frame, this takes labels of a few
    frames, in any order. The format is told from the content: lines such as
    ``r0095_2000.h5 [1] MISS``, as `read_annotation` reads them; a stream of CrystFEL, in which a
    frame that was indexed is a HIT; ``hit`` and ``nPeaks`` in HDF5, as Cheetah and OM write them;
    a list of hits; or a table with named columns, such as the ``frames.txt`` of OM.

    Parameters
    ----------
    frames : Frames of shape (n_frames, height, width)
        The run.
    path : path
        The file of labels. Streams are read in blocks, so they may be of any size.
    return_weights : bool, default=False
        Whether to return what each label weighs too: more or less than 1 where frames were drawn
        by ``sfx label --model``, and then `evaluate`, `train` and `Scores.hit_rate` need it.
    not_indexed : {"unlabelled", "miss", "maybe"}, default="unlabelled"
        What a frame of a stream is that was not indexed. It may well be a hit.
    absent : {"unlabelled", "miss"}, default="unlabelled"
        What a frame of the run is that the file does not name.
    hit_from, miss_below : int or None, default=None
        A frame with so many peaks, or with fewer, is a HIT, or a MISS: of frames that were not
        indexed, and of those whose label another program has made of their peaks. Those between
        have no label.

    Returns
    -------
    positions : int64 ndarray of shape (n_labels,)
        The labelled frames, in the order of the run.
    labels : str ndarray of shape (n_labels,)
        HIT, MAYBE or MISS for each; of single particles empty, single, multiple or other.
    weights : float64 ndarray of shape (n_labels,)
        1 for a line without. Only with ``return_weights=True``.

    Raises
    ------
    InputError
        The file is damaged, labels one frame in two ways or no frame of the run; a line of labels
        names a file or a frame that the run does not have, or two columns of a table name different
        ones; two files of the run have the same name, or two that are labelled have that of the
        run and neither its path; labels of crystals and of single particles are in it; or there is
        no such rule.

    Warns
    -----
    UnmatchedLabelsWarning
        A file of another format names frames that the run does not have, or is cut off.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from sklearn_sfx import open_frames, write_cxidb76
    >>> from sklearn_sfx.datasets import match_labels
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_cxidb76(folder / "run.h5", np.ones((4, 8, 8), dtype=np.uint16))
    >>> frames = open_frames(folder / "run.h5")
    >>> _ = (folder / "labels.txt").write_text("run.h5 [4] HIT\nrun.h5 [2] MISS\n")
    >>> match_labels(frames, folder / "labels.txt")
    (array([1, 3]), array(['MISS', 'HIT'], dtype='<U5'))
    >>> _ = (folder / "labels.txt").write_text("run.h5 [4] HIT weight=0.42\nrun.h5 [2] MISS\n")
    >>> *_, weights = match_labels(frames, folder / "labels.txt", return_weights=True)
    >>> weights
    array([1.  , 0.42])
    >>> _ = (folder / "hits.lst").write_text("run.h5 chunk_0000000//2\n")
    >>> match_labels(frames, folder / "hits.lst", absent="miss")[1]
    array(['MISS', 'MISS', 'HIT', 'MISS'], dtype='<U5')
    """
    rules = LabelRules(not_indexed, absent, hit_from, miss_below)
    found = find_labels(frames, path, rules)
    if found.problem:
        warnings.warn(found.problem, UnmatchedLabelsWarning, stacklevel=2)
    matched = found.positions, found.labels
    return (*matched, found.weights) if return_weights else matched


def find_labels(
    frames: Frames,
    path: str | Path,
    rules: LabelRules = LabelRules(),  # noqa: B008
) -> MatchedLabels:
    """Do what `match_labels` does, and say what was made of the file instead of a warning."""
    rules.check()
    run, known = NamesOfRun(frames), label_format(path)
    paths = PathsOfLabels(os.fsdecode(path), run.paths)
    by_path: dict[tuple[str, str], dict[int, tuple[str, float]]] = {}
    first_of: dict[tuple[str, str], FrameLabel] = {}
    n_of: Counter[tuple[str, str]] = Counter()
    counts: Counter[str] = Counter()
    first_unmatched = ""
    for said in known.read(os.fsdecode(path)):
        counts["said"] += 1
        if said.label == CUT_OFF:
            counts["cut off"] += 1
            continue
        (name, written), rows = run.rows(said)
        if not rows:
            if known.is_of_run:
                raise InputError(_no_such_frame(path, said, run))
            counts["unmatched"] += 1
            first_unmatched = first_unmatched or place(said)
            continue
        label, key = rules.of(said), (name, paths.first_like(name, written))
        first_of.setdefault(key, said)
        n_of[key] += 1
        for row in rows:
            _add(by_path.setdefault(key, {}), row, label, said, known, path)
    for key in paths.of_others():
        if known.is_of_run:
            raise InputError(_no_such_frame(path, first_of[key], run))
        del by_path[key]
        counts["unmatched"] += n_of[key]
        first_unmatched = first_unmatched or place(first_of[key])
    found = {row: label for labels in by_path.values() for row, label in labels.items()}
    if counts["said"] and not found:
        raise InputError(
            f"{path}, read as {known.name}, names {counted(counts['said'], 'frame')}, "
            f"and none of this run: the first is {first_unmatched or 'cut off'}, and the run has "
            f"{run.example()}; give the labels of this run."
        )
    if not counts["said"]:
        raise InputError(f"{path}, read as {known.name}, names no frame.")
    n_named = len(found)
    labelled = {row: label for row, label in found.items() if label[0] != NO_LABEL}
    if (word := RULES["absent"][rules.absent]) != NO_LABEL:
        labelled |= {row: (word, 1.0) for row in range(len(frames)) if row not in found}
    if not labelled:
        raise InputError(_no_label(path, known, n_named))
    order = sorted(labelled)
    words = [labelled[row][0] for row in order]
    task = _task(path, words)
    return MatchedLabels(
        np.array(order, np.int64),
        np.array(words, task.dtype),
        np.array([labelled[row][1] for row in order]),
        task,
        known,
        sum(label == NO_LABEL for label, _ in found.values()),
        len(frames) - n_named,
        _problem(path, counts, first_unmatched),
    )


def _add(
    found: dict[int, tuple[str, float]],
    row: int,
    label: str,
    said: FrameLabel,
    known: LabelFormat,
    path: str | Path,
) -> None:
    """Take a label, unless the frame has one already."""
    before = found.get(row)
    if before is None:
        found[row] = label, said.weight
        return
    twice = f"{path} labels {place(said)} twice"
    if known.is_of_run and before[0] == label:
        raise InputError(f"{twice}; leave one line.")
    if before == (label, said.weight):
        return
    if before[0] == label:
        weights = f"the weights {before[1]:g} and {said.weight:g}"
        raise InputError(f"{twice}, with {weights}; leave the right line.")
    if known.may_repeat and HIT in (label, before[0]):
        found[row] = HIT, said.weight  # it was indexed once
        return
    shown = [one or "without a label" for one in (before[0], label)]
    raise InputError(f"{twice}, as {shown[0]} and as {shown[1]}; leave the right line.")


def _task(path: str | Path, labels: list[str]) -> Task:
    task = task_of_labels(labels)
    if task is None:
        others = sorted(set(labels) - set(CRYSTALLOGRAPHY.labels))
        one = next(label for label in labels if label in CRYSTALLOGRAPHY.labels)
        raise InputError(
            f"{path} has labels of two tasks, {one} of crystals and {others[0]} of single "
            "particles: leave those of one."
        )
    return task


def _no_such_frame(path: str | Path, said: FrameLabel, run: NamesOfRun) -> str:
    return (
        f"{path} labels {place(said)}, and the run has no such frame "
        f"(files: {', '.join(sorted(run.paths))}; frames count from 1): give the labels of this "
        "run."
    )


def _no_label(path: str | Path, known: LabelFormat, n_named: int) -> str:
    return (
        f"{path}, read as {known.name}, names {counted(n_named, 'frame')} of this run and labels "
        "none: say from how many peaks on a frame is a hit, below how many a miss, or what one is "
        "that was not indexed (hit_from, miss_below, not_indexed; on the command line --hit-from "
        "and so on)."
    )


def _problem(path: str | Path, counts: Counter[str], first: str) -> str:
    parts = []
    if counts["unmatched"]:
        parts.append(
            f"{counts['unmatched']} of {counts['said']} frames that it names are not in this run, "
            f"such as {first}"
        )
    if counts["cut off"]:
        parts.append(f"{counted(counts['cut off'], 'frame')} in it cut off")
    return f"{path}: {'; '.join(parts)}; left out." if parts else ""
