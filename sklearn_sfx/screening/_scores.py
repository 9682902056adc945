"""What a model said of each frame, and the files in which others read it."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx._files import replacing
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, task_named
from sklearn_sfx._text import one_line
from sklearn_sfx._weights import weights_of_labels
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening._choice import Expectation
from sklearn_sfx.screening._hit_list import hit_line
from sklearn_sfx.screening._hit_rate import HitRate, estimate_hit_rate, expected_hit_rate
from sklearn_sfx.screening._shown import Shown

__all__ = ["Scores", "hit_lines", "table_head", "table_rows"]

FORMULA = re.compile(r"\s*([=@]|[+-](?![\d.]+\Z))")  # how what a spreadsheet would run begins
COLUMNS = ("file", "position", "event", "identifier", "probability", "decision", "peak_count")
COLUMNS += ("status", "reason")


@dataclass(frozen=True, repr=False)
class Scores(Shown):
    r"""The decision of a model on each frame of a run.

    Parameters
    ----------
    sources : sequence of FrameOrigin, length n_frames
        Which frame each row is about.
    probability : ndarray of float64, shape (n_frames,)
        Probability of the positive class; NaN for a frame that cannot be read.
    decision : ndarray of bool, shape (n_frames,)
        True for a hit: a probability at or above the threshold.
    peak_count : ndarray of int64, shape (n_frames,), or None
        Peaks that the classical peak finder counts on the same pixels; None if they were not
        counted, -1 for a frame that cannot be read.
    threshold : float
        The probability from which a frame is called a hit.
    reason : ndarray of str, shape (n_frames,), optional
        Why a frame, or a part of it, cannot be read; empty for all others.
    expected : Expectation, optional
        What to expect of these decisions; None where the model does not know it, or the threshold
        is not its own.
    of_others : ndarray of float64, shape (n_frames, n_others), optional
        Probability of each of the task's other classes, of a model that tells more than hits from
        misses: of empty, multiple and other beside single. NaN of a class that it does not know,
        and of all of them where the model is an estimator that `train` did not make.
    task : str, default="crystallography"
        What was looked for, as `ScreeningModel.task` says; then a hit is a "single", say, and what
        is counted lit pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import FrameOrigin
    >>> from sklearn_sfx.screening import Scores
    >>> scores = Scores(
    ...     sources=[FrameOrigin("run.cxi", 0, "//0"), FrameOrigin("run.cxi", 1, "//1")],
    ...     probability=np.array([0.9, 0.1]),
    ...     decision=np.array([True, False]),
    ...     peak_count=np.array([31, 0]),
    ...     threshold=0.5,
    ... )
    >>> scores
    Scores
      frames: 2
      hits: 1 (50.0 %)
      threshold: 0.5
      probability: 0.100 to 0.900
      peaks: 0 to 31
    >>> int(scores.decision.sum()), scores.is_read.tolist(), scores.called.tolist()
    (1, [True, True], ['hit', 'miss'])
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> scores.write_hits(folder / "hits.lst")
    >>> (folder / "hits.lst").read_text().split("/")[-3:]
    ['run.cxi ', '', '0\n']
    >>> scores.write_csv(folder / "scores.csv")
    >>> (folder / "scores.csv").read_text().splitlines()[2]
    'run.cxi,1,//1,,0.100000,miss,0,read,'
    """

    sources: Sequence[FrameOrigin]
    probability: np.ndarray
    decision: np.ndarray
    peak_count: np.ndarray | None
    threshold: float
    reason: np.ndarray | None = None
    expected: Expectation | None = None
    of_others: np.ndarray | None = None
    task: str = CRYSTALLOGRAPHY.name

    @property
    def called(self) -> np.ndarray:
        """What each frame is called, shape (n_frames,): hit or miss, or the class of the task.

        Raises
        ------
        InputError
            If no task has that name.
        """
        about = task_named(self.task)
        others = np.full(len(self.decision), about.words.rest_one)
        if about.others and self.of_others is not None:
            likeliest = np.nan_to_num(self.of_others, nan=-1.0).argmax(axis=1)
            is_known = np.isfinite(self.of_others).any(axis=1)
            others = np.where(is_known, np.array(about.others)[likeliest], others)
        return np.where(self.decision, about.words.one, others)

    @property
    def is_read(self) -> np.ndarray:
        """Which frames could be read, shape (n_frames,): all others are neither hit nor miss."""
        return ~np.isnan(self.probability)

    def _facts(self) -> dict[str, str]:
        read = self.is_read
        n, n_lost = int(read.sum()), int((~read).sum())
        facts = {"frames": f"{len(read)}, of which {n_lost} cannot be read" if n_lost else f"{n}"}
        n_hits = int(self.decision[read].sum())
        about = task_named(self.task)
        facts[about.words.many] = f"{n_hits} ({n_hits / n:.1%})".replace("%", " %") if n else "0"
        facts["threshold"] = f"{self.threshold:.3g}"
        if n:
            found = self.probability[read]
            facts["probability"] = f"{found.min():.3f} to {found.max():.3f}"
        if n and self.peak_count is not None:
            counts = self.peak_count[read]
            facts[about.counted] = f"{counts.min()} to {counts.max()}"
        if self.expected is not None:
            facts["expected"] = self.expected.in_words(about.words.many)
        return facts

    def __getitem__(self, rows: np.ndarray) -> Scores:
        """Return the scores of some of the frames."""
        kept = np.arange(len(self.probability))[rows]
        return replace(
            self,
            sources=[self.sources[row] for row in kept],
            probability=self.probability[kept],
            decision=self.decision[kept],
            peak_count=None if self.peak_count is None else self.peak_count[kept],
            reason=None if self.reason is None else self.reason[kept],
            of_others=None if self.of_others is None else self.of_others[kept],
        )

    def hit_rate(
        self, target: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> HitRate:
        """Return which share of the run are hits, with an interval that holds though scores err.

        Parameters
        ----------
        target : array-like of int, shape (n_frames,), optional
            1 for a hit, 0 for a miss, -1 for a frame without a label, as `match_labels` gives it.
            The labelled frames have to be chosen at random, from the whole run or from frames
            called hits and others, or come with weights, and the model has not been trained on
            them. Without labels the
            rate follows from what is `expected` of the model: that holds for hits and misses like
            those it has learned from, whatever their share.
        sample_weight : array-like of float, shape (n_frames,), optional
            What each label weighs where frames were drawn with different chances, as
            `match_labels` returns it; what stands with a frame without a label is not looked at.

        Returns
        -------
        HitRate
            The rate of the frames that could be read, by the labels of those called hits and of
            the others, each weighed by how many there are; and a 95 % interval.

        Raises
        ------
        InputError
            There is no label of a frame that could be read, not one value or weight for each
            frame, or another value; a weight is not positive and finite; there are no labels, and
            nothing is expected of the model.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx.frames import FrameOrigin
        >>> from sklearn_sfx.screening import Scores
        >>> probability = np.repeat([0.9, 0.1], [50, 950])
        >>> sources = [FrameOrigin("run.cxi", i, f"//{i}") for i in range(1000)]
        >>> scores = Scores(sources, probability, probability > 0.5, None, 0.5)
        >>> target = np.full(1000, -1)
        >>> target[:10], target[100:290] = 1, 0  # who labelled agrees with the model
        >>> print(scores.hit_rate(target))
        5.0 % (3.6 to 6.9 %), by 200 labels
        """
        decision = self.decision[self.is_read]
        if target is None:
            if self.expected is None:
                raise InputError(
                    "Without labels of this run the hit rate takes a model that train made with "
                    "five labels of each kind or more, at its own threshold: give labels of some "
                    "frames."
                )
            return expected_hit_rate(decision, self.expected)
        target = np.asarray(target)
        if target.shape != self.decision.shape:
            raise InputError(
                "hit_rate needs one label for each frame, -1 where there is none: "
                f"{len(self.decision)} frames, {target.size} labels."
            )
        weight, read = weights_of_labels(sample_weight, target != -1, "hit_rate"), self.is_read
        return estimate_hit_rate(decision, target[read], None if weight is None else weight[read])

    def write_hits(self, path: str | os.PathLike) -> None:
        """Write the hits as a list that CrystFEL reads: one ``file event`` to a line.

        Parameters
        ----------
        path : path-like
            The list to write, replaced as a whole. File names in it are absolute, since CrystFEL
            takes relative ones from the folder it is started in.

        Raises
        ------
        InputError
            What `check_listable` refuses of the hits.
        """
        with replacing(path) as temporary:
            temporary.write_bytes(hit_lines(self))

    def write_csv(self, path: str | os.PathLike) -> None:
        r"""Write one row for each frame, hit or not.

        Parameters
        ----------
        path : path-like
            The table to write, replaced as a whole, with the columns file, position (of the frame
            in its file, from 0), event, identifier, probability, decision (hit or miss),
            peak_count, empty if the peaks were not counted, status and reason. The status is
            "read"; or "unreadable", and then probability, decision and peak_count are empty and
            the reason says why; or "partly read", and then the reason says what is missing. Of
            single particles the decision is the class, lit_pixels stands for peak_count, the
            probability is that of single, and probability_of_empty, probability_of_multiple and
            probability_of_other follow, empty of a class without labels and of an estimator that
            `train` did not make.

        Raises
        ------
        InputError
            The table cannot be written there.

        Notes
        -----
        The table is UTF-8, and a row is one line, whatever names and identifiers hold: what cannot
        be read stands as an escape, as in ``\\n``. What a spreadsheet would take for a formula has
        an apostrophe before it.
        """
        with replacing(path) as temporary:
            temporary.write_bytes(table_head(self.task) + table_rows(self))


def hit_lines(scores: Scores) -> bytes:
    """Return the lines of the hits for a list that CrystFEL reads, as `Scores.write_hits` says."""
    pairs = zip(scores.sources, scores.decision, strict=True)
    return b"".join(hit_line(source) for source, keep in pairs if keep)


def table_rows(scores: Scores) -> bytes:
    """Return the rows of a table, as `Scores.write_csv` says."""
    empty = [""] * len(scores.sources)
    counts = empty if scores.peak_count is None else scores.peak_count
    reasons = empty if scores.reason is None else scores.reason
    n_others = len(task_named(scores.task).others)
    of_others = scores.of_others
    if of_others is None:
        of_others = np.full((len(empty), n_others), np.nan)
    columns = (scores.sources, scores.probability, scores.called, counts, scores.is_read, reasons)
    rows = []
    for *columns_of_one, rest in zip(*columns, of_others, strict=True):
        source, probability, called, count, is_read, reason = columns_of_one
        found = (f"{probability:.6f}", called, count)
        rows.append(
            (
                _cell(source.path or ""),
                source.position,
                _cell(source.event),
                _cell(source.identifier),
                *(found if is_read else ("", "", "")),
                ("partly read" if reason else "read") if is_read else "unreadable",
                _cell(str(reason)),
                *("" if np.isnan(value) else f"{value:.6f}" for value in rest[:n_others]),
            )
        )
    return _as_csv(rows)


def _as_csv(rows: Iterable[Sequence]) -> bytes:
    with io.StringIO(newline="") as text:
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode("utf-8")


def table_head(task: str) -> bytes:
    """Return the first row of a table, as `Scores.write_csv` says."""
    about = task_named(task)
    names = [about.column if name == "peak_count" else name for name in COLUMNS]
    return _as_csv([[*names, *(f"probability_of_{name}" for name in about.others)]])


def _cell(text: str) -> str:
    """Return text that is one line of a cell, and no formula."""
    text = one_line(text)
    return f"'{text}" if FORMULA.match(text) else text
