"""A screening that outlives its process: done in parts, by one process or many."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_sfx._text import counted, listed
from sklearn_sfx.exceptions import InputError, UnfinishedScreening
from sklearn_sfx.frames import Frames
from sklearn_sfx.screening._cluster import score_parts_on_cluster
from sklearn_sfx.screening._estimator_model import as_screening_model
from sklearn_sfx.screening._journal import Journal, screening_key
from sklearn_sfx.screening._parts import PartScores, joined, parts_of, unread
from sklearn_sfx.screening._scores import Scores
from sklearn_sfx.screening._screen import (
    as_scores,
    check_frames,
    checked_threshold,
    progress_bar,
    refuse_unreadable,
    score_parts,
    warn_of_rows,
)

__all__ = ["Screening"]


class Screening:
    """A screening that is kept on disk part by part, and goes on where it was.

    `screen` does the same in one go. Here what is done is kept in ``.sfx/parts`` in a folder, in
    parts of 256 frames, until `remove`. So a process that is killed loses one part, and several
    processes, also on several machines that see this folder, can share the work. The result is
    the same, bit by bit, however it came about, on processors of one kind.

    Parameters
    ----------
    model : ScreeningModel or fitted estimator
        What `train` returned, or any other that `screen` takes.
    frames : Frames, shape (n_frames, height, width)
        The run, from files.
    folder : path-like
        Where it is kept: best beside the results. What another model or version has found, or this
        one in a run that has changed since, is told apart.
    peaks : bool
        Whether to count the peaks of each frame too.
    strict : bool
        Whether to stop at a frame that cannot be read.
    pos_label : int, float, bool or str, default=None
        The class of hits of an estimator, as for `screen`.

    Raises
    ------
    InputError
        The frames come from no file, or are of another shape than those the model was trained on;
        or what `screen` refuses of an estimator.

    See Also
    --------
    sklearn_sfx.screen : In one go.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_sfx import make_sfx_frames, open_frames, train
    >>> from sklearn_sfx.datasets import write_run
    >>> from sklearn_sfx.screening import Screening
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_run(folder / "run.h5", make_sfx_frames(300, frame_shape=(160, 160), random_state=0))
    >>> run = open_frames(folder / "run.h5")
    >>> model = train(run[:20], method="peaks", crop=160)
    >>> screening = Screening(model, run, folder)
    >>> screening.run(shard=(1, 2))  # every second part
    >>> screening.n_done, screening.n_parts, len(screening.scores_so_far().sources)
    (1, 2, 256)
    >>> screening.missing_parts, screening.others
    ([2], '')
    >>> other = Screening(model, run, folder)  # in another process, or later
    >>> other.run()
    >>> other.scores().probability.shape
    (300,)
    >>> other.scores().write_csv(folder / "scores.csv")
    >>> other.note_written({"table": folder / "scores.csv"})
    >>> other.remove()
    >>> screening.is_written({"table": folder / "scores.csv"})
    True
    >>> screening.is_written({"table": folder / "scores.csv"}, threshold=0.9)
    False
    """

    def __init__(
        self,
        model: Any,
        frames: Frames,
        folder: str | os.PathLike,
        *,
        peaks: bool = True,
        strict: bool = False,
        pos_label: Any = None,
    ):
        model = as_screening_model(model, frames, pos_label)
        check_frames(model, frames)
        self.model, self.frames = model, frames
        self._peaks, self._strict = peaks, strict
        self._rows = parts_of(len(frames))
        self._journal = Journal(folder, screening_key(model, frames, peaks=peaks))

    @property
    def n_parts(self) -> int:
        """How many parts the run has."""
        return len(self._rows)

    @property
    def n_done(self) -> int:
        """How many of them are done, by whichever process."""
        return self.n_parts - len(self.missing_parts)

    @property
    def missing_parts(self) -> list[int]:
        """The numbers of the parts that are not done, from 1, as `run` counts shares."""
        return [number + 1 for number in range(self.n_parts) if self._read(number) is None]

    @property
    def others(self) -> str:
        """A sentence on parts of other screenings that are kept beside these; "" without any.

        They are of another run, model or mask, or of other options: so are those of a share that
        was not given the same ones.
        """
        n_others = self._journal.n_other_parts()
        if not n_others:
            return ""
        return (
            f"{counted(n_others, 'part')} of screenings with another run, model, mask or option "
            f"{'is' if n_others == 1 else 'are'} kept there too: give all shares the same."
        )

    def run(
        self,
        *,
        shard: tuple[int, int] = (1, 1),
        cluster: str | None = None,
        progress: bool = False,
    ) -> None:
        """Do the parts that are not done yet.

        Parameters
        ----------
        shard : (int, int)
            Number of the share, from 1, and of how many: (3, 16) does the third of every 16 parts.
        cluster : str, optional
            Address of the scheduler of a dask cluster that does the parts. Its workers open the
            files themselves; what they find is kept here.
        progress : bool
            Whether to show a progress bar with a rate, on work of more than two seconds.

        Raises
        ------
        InputError
            There is no such share, no cluster at the address, or its workers do not see the files;
            with `strict`, a frame cannot be read.
        """
        number, of = shard
        if not 1 <= number <= of:
            raise InputError(f"shard has to be one of 1/{of} to {of}/{of}, got {number}/{of}.")
        mine = range(number - 1, self.n_parts, of)
        with progress_bar(sum(map(self._length, mine)), progress) as bar:
            todo = []
            for part in mine:
                found = self._read(part)
                if found is None:
                    todo.append(part)
                else:
                    self._take(found, bar)
            for part, found in self._score(todo, cluster):
                self._journal.write(part, found)
                self._take(found, bar)

    def scores(self, threshold: float | None = None) -> Scores:
        """Return the result, once all parts are done.

        Parameters
        ----------
        threshold : float in [0, 1], optional
            The probability from which a frame is called a hit; by default the model's own.

        Returns
        -------
        Scores
            One row for each frame, in the order of the run.

        Raises
        ------
        UnfinishedScreening
            Parts are still to be done; or the parts were removed, by who has written the results.
        InputError
            The threshold is not between 0 and 1, or not one frame can be read; with `strict`, a
            frame cannot be read.

        Warns
        -----
        UnreadableFramesWarning
            Some frames cannot be read.
        """
        scores = self.scores_so_far(threshold)
        n_left = len(self.frames) - len(scores.sources)
        if n_left:
            raise UnfinishedScreening(self._why_unfinished(n_left))
        warn_of_rows(scores)
        return scores

    def scores_so_far(self, threshold: float | None = None) -> Scores:
        """Return the result of the parts that are done.

        Parameters
        ----------
        threshold : float in [0, 1], optional
            As in `scores`.

        Returns
        -------
        Scores
            One row for each frame of these parts, in the order of the run.

        Raises
        ------
        InputError
            The threshold is not between 0 and 1; with `strict`, a frame cannot be read.
        """
        threshold = checked_threshold(self.model, threshold)
        rows, parts = [np.arange(0)], [unread([], self.model.about)]
        for number, part in enumerate(self._rows):
            found = self._read(number)
            if found is not None:
                rows.append(np.arange(part.start, part.stop))
                parts.append(found)
        found = joined(parts)
        if self._strict:
            refuse_unreadable(found)
        done = self.frames[np.concatenate(rows)]
        return as_scores(self.model, done.sources, found, threshold, self._peaks)

    def note_written(
        self, outputs: Mapping[str, Path | None], threshold: float | None = None
    ) -> None:
        """Note that the results are written, for other processes that share the work.

        Parameters
        ----------
        outputs : mapping of str to path or None
            Where they are, by what it is: {"table": path}; None for standard output.
        threshold : float in [0, 1], optional
            As in `scores`.

        Raises
        ------
        InputError
            The threshold is not between 0 and 1.
        OSError
            A file is not there.
        """
        self._journal.note(checked_threshold(self.model, threshold), outputs)

    def is_written(
        self, outputs: Mapping[str, Path | None], threshold: float | None = None
    ) -> bool:
        """Whether some process has noted these outputs, and they are as it left them.

        Parameters
        ----------
        outputs : mapping of str to path or None
            As in `note_written`.
        threshold : float in [0, 1], optional
            As in `scores`.

        Returns
        -------
        bool
            False too where they were written at another threshold, or by another model.

        Raises
        ------
        InputError
            The threshold is not between 0 and 1.
        """
        return self._journal.has_noted(checked_threshold(self.model, threshold), outputs)

    def remove(self) -> None:
        """Remove what is kept on disk; the results are to be written, and noted, before."""
        self._journal.remove()

    def _why_unfinished(self, n_left: int) -> str:
        missing = self.missing_parts
        numbers = f"{'part' if len(missing) == 1 else 'parts'} {listed(missing)} of {self.n_parts}"
        text = (
            f"{n_left} of {len(self.frames)} frames are still to be screened, {numbers}: screen "
            "the run with the same options, which does nothing twice."
        )
        return " ".join(filter(None, [text, self.others]))

    def _length(self, number: int) -> int:
        rows = self._rows[number]
        return rows.stop - rows.start

    def _read(self, number: int) -> PartScores | None:
        return self._journal.read(number, self._length(number))

    def _score(self, numbers: list[int], cluster: str | None) -> Any:
        if cluster is None:
            # Another process may have done one of them meanwhile.
            left = (number for number in numbers if self._read(number) is None)
            return score_parts(self.model, self.frames, left, self._peaks)
        return score_parts_on_cluster(cluster, self.model, self.frames, numbers, self._peaks)

    def _take(self, found: PartScores, bar: Any) -> None:
        if self._strict:
            refuse_unreadable(found)
        bar.update(len(found.probability))
