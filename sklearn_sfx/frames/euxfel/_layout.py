"""Where each module of each frame lies in the files of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sklearn_sfx.frames._protocols import FrameSource

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """The frames of a detector, train by train; one frame is one pulse.

    Parameters
    ----------
    parts : sequence of FrameSource
        The datasets, one for each module of each file.
    part : int ndarray of shape (n_trains, n_modules)
        Which of the parts has a module of a train; -1 where none has.
    first : int ndarray of shape (n_trains, n_modules)
        Row of its first frame there.
    start : int ndarray of shape (n_trains + 1,)
        Number of the first frame of each train, and of all frames.
    folder : sequence of str, length n_trains
        Where the files of each train are.
    in_folder : int ndarray of shape (n_trains,)
        Number of the first frame of each train among those of its folder.
    train, pulse, cell : int ndarray of shape (n_frames,)
        What each frame is called.
    name : int ndarray of shape (n_frames,)
        The pulse, or where pulses have no numbers of their own the place in the train.
    per_row : int
        How many frames are in a row of a dataset: the memory cells of a JUNGFRAU; otherwise 1.
    """

    parts: Sequence[FrameSource]
    part: np.ndarray
    first: np.ndarray
    start: np.ndarray
    folder: Sequence[str]
    in_folder: np.ndarray
    train: np.ndarray
    pulse: np.ndarray
    cell: np.ndarray
    name: np.ndarray
    per_row: int

    @property
    def n_frames(self) -> int:
        """How many frames there are."""
        return int(self.start[-1])

    def locate(self, position: int) -> tuple[int, int]:
        """Return the train of a frame, and its place in the train, both counted from 0."""
        train = int(np.searchsorted(self.start, position, side="right")) - 1
        return train, position - int(self.start[train])

    def narrowed(self, index: np.ndarray) -> tuple[Layout, np.ndarray]:
        """Return the trains that hold the frames at `index`, and where these are among them."""
        trains = np.searchsorted(self.start, index, side="right") - 1
        kept = np.unique(trains)
        if len(kept) == len(self.part):
            return self, index
        counts = np.diff(self.start)[kept]
        start = np.concatenate([[0], np.cumsum(counts)])
        frames = np.repeat(self.start[kept] - start[:-1], counts) + np.arange(start[-1])
        used, part = np.unique(self.part[kept], return_inverse=True)
        used, shift = (used[1:], 1) if used[0] < 0 else (used, 0)
        layout = replace(
            self,
            parts=tuple(self.parts[number] for number in used),
            part=part.reshape(len(kept), -1) - shift,
            first=self.first[kept],
            start=start,
            folder=tuple(self.folder[train] for train in kept),
            in_folder=self.in_folder[kept],
            **{name: getattr(self, name)[frames] for name in ("train", "pulse", "cell", "name")},
        )
        moved = start[np.searchsorted(kept, trains)] + index - self.start[trains]
        return layout, moved
