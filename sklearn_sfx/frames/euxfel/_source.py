"""Frames of all modules of a detector, read from the files of its modules."""

from __future__ import annotations

import os

import numpy as np

from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._protocols import FrameOrigin, Window
from sklearn_sfx.frames.euxfel._layout import Layout

__all__ = ["EuxfelSource"]


class EuxfelSource:
    """The frames of a layout; of a module that is missing, no value but `missing`.

    Parameters
    ----------
    layout : Layout
        Where the modules of the frames are.
    shape : tuple of int
        (n_modules, rows, columns) of a frame, whose modules are stacked along the slow axis.
    dtype : str
        Of the pixels.
    missing : float
        What stands for a missing module.
    facts : Facts
        What holds for all frames.
    """

    def __init__(
        self,
        layout: Layout,
        shape: tuple[int, int, int],
        dtype: str,
        missing: float,
        facts: Facts,
    ):
        self._layout, self._modules, self._missing = layout, shape, missing
        n_modules, self._rows, columns = shape
        self.shape = (layout.n_frames, n_modules * self._rows, columns)
        self.dtype = np.dtype(dtype)
        self.facts = facts

    def __reduce__(self) -> tuple:
        """Pickle where the frames are."""
        state = (self._layout, self._modules, self.dtype.str, self._missing, self.facts)
        return EuxfelSource, state

    @property
    def advice(self) -> str:
        """What the datasets of the modules advise."""
        return next(
            (advice for part in self._layout.parts if (advice := getattr(part, "advice", ""))), ""
        )

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`, from the modules that it crosses."""
        layout, rows = self._layout, self._rows
        train, number = layout.locate(position)
        row, cell = divmod(number, layout.per_row)
        bottom = window.top + window.height
        for module in range(window.top // rows, -(-bottom // rows)):
            top = max(window.top, module * rows)
            height = min(bottom, (module + 1) * rows) - top
            target = out[top - window.top : top - window.top + height]
            part = layout.part[train, module]
            if part < 0:
                target[...] = self._missing
                continue
            source = layout.parts[part]
            # Cells, and signal and gain of raw data, are stacked like modules there.
            inside = Window(cell * rows + top - module * rows, window.left, height, window.width)
            first = int(layout.first[train, module])
            if source.dtype == out.dtype:
                source.read(first + row, inside, target)
                continue
            values = np.empty(target.shape, source.dtype)
            source.read(first + row, inside, values)
            target[...] = values

    def origin(self, position: int) -> FrameOrigin:
        """Return the folder of the run, the number in it, and train and pulse as the event."""
        layout = self._layout
        train, number = layout.locate(position)
        event = f"{layout.train[position]}/{layout.name[position]}//"
        in_folder = int(layout.in_folder[train]) + number
        return FrameOrigin(os.fspath(layout.folder[train]), in_folder, event)

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return train, pulse and cell, and the first two as EXtra-data names a frame."""
        layout = self._layout
        train, name = layout.train[positions], layout.name[positions]
        pairs = zip(train.tolist(), name.tolist(), strict=True)
        return {
            "identifier": np.array([f"{t}:{p}" for t, p in pairs], dtype=str),
            "trainId": train,
            "pulseId": layout.pulse[positions],
            "cellId": layout.cell[positions],
        }

    def narrowed(self, index: range | np.ndarray) -> tuple[EuxfelSource, range | np.ndarray]:
        """Return a source with the trains alone that hold the frames at `index`."""
        if len(index) == 0:
            index = np.zeros(0, np.int64)
            layout, _ = self._layout.narrowed(np.zeros(1, np.int64))
        else:
            layout, index = self._layout.narrowed(np.asarray(index, dtype=np.int64))
        if layout is self._layout:
            return self, index
        return EuxfelSource(layout, *self.__reduce__()[1][1:]), index
