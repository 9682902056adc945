"""Some frames of a source, in an order of their own."""

from __future__ import annotations

import numpy as np

from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, Window

__all__ = ["PickedSource"]


class PickedSource:
    """The frames of a source at some positions.

    Parameters
    ----------
    source : FrameSource
        All frames.
    positions : int ndarray of shape (n,)
        Which of them, in which order; the same may come twice.
    """

    def __init__(self, source: FrameSource, positions: np.ndarray):
        self._source, self._positions = source, positions
        self.shape = (len(positions), *source.shape[1:])
        self.dtype = source.dtype

    @property
    def advice(self) -> str:
        """What the source advises."""
        return getattr(self._source, "advice", "")

    @property
    def facts(self) -> Facts:
        """What the source says of all its frames."""
        return getattr(self._source, "facts", Facts())

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The picked frames that the source knows not to be readable."""
        found: list[Unreadable] = []
        for known in getattr(self._source, "unreadable", ()):
            inside = (self._positions >= known.start) & (self._positions < known.stop)
            edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
            found += [
                known._replace(start=int(start), stop=int(stop))
                for start, stop in edges.reshape(-1, 2)
            ]
        return tuple(sorted(found))

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Write the `window` of frame `position` to `out`."""
        self._source.read(int(self._positions[position]), window, out)

    def origin(self, position: int) -> FrameOrigin:
        """Return where frame `position` comes from, as the source says."""
        return self._source.origin(int(self._positions[position]))

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the source says of the frames at `positions`."""
        return self._source.metadata(self._positions[positions])

    def narrowed(self, index: range | np.ndarray) -> tuple[FrameSource, range | np.ndarray]:
        """Return the least source that still holds the frames at `index`."""
        picked = self._positions[np.asarray(index, dtype=np.int64)]
        if not hasattr(self._source, "narrowed"):
            return self._source, picked
        return self._source.narrowed(picked)
