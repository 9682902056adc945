"""What a watch is made of: a source of frames that arrive, and outputs that take what was scored.

A *source* yields frames as they come, and *notices*, lines on what happened to it. The watch keeps
them in a bounded queue, scores them, and hands what was scored to its *outputs*.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import ArraySource, Facts, FrameOrigin, Frames, ValueRule
from sklearn_sfx.screening import Scores, ScreeningModel

__all__ = [
    "LiveFrames",
    "LiveSource",
    "Notice",
    "Output",
    "ScoredFrames",
    "arrived_frames",
    "frame_name",
]


@dataclass(frozen=True)
class LiveFrames:
    """Frames that arrived together.

    Parameters
    ----------
    frames : Frames, shape (n_frames, height, width)
        As the source has them, with their mask, their values that are not to be used, their
        `sources` for the lists and what is known of each, their `metadata`. Those of a file are
        not read yet; `arrived_frames` makes them of arrays.
    arrived : ndarray of float64, shape (n_frames,)
        When the last byte of each was there, in seconds of `time.monotonic`.
    nbytes : int
        The memory that is held until they, or some of them, are scored; 0 for those that lie in a
        file.

    Examples
    --------
    >>> import time
    >>> import numpy as np
    >>> from sklearn_sfx.streams import LiveFrames, arrived_frames
    >>> frames = arrived_frames(np.zeros((3, 4, 5), np.uint16))
    >>> live = LiveFrames(frames, np.full(3, time.monotonic()), nbytes=120)
    >>> len(live), len(live[1:]), live[1:].nbytes
    (3, 2, 120)
    """

    frames: Frames
    arrived: np.ndarray
    nbytes: int = 0

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: slice | np.ndarray) -> LiveFrames:
        """Return some of the frames, which hold the memory of all."""
        return LiveFrames(self.frames[rows], self.arrived[rows], self.nbytes)


@dataclass(frozen=True)
class Notice:
    """What happened to a source, as a line that is told and counted.

    Parameters
    ----------
    kind : str
        One word by which they are counted: "start", "end", "restart", "lost" for frames that never
        came, "unreadable" for those that came and cannot be read, "misfit" for those to which what
        the user said of all does not fit, such as a mask of another shape: it ends a watch that
        could not decide on any frame yet, and else they are unreadable; "model" for another model
        that decides from its source on, "refused" for one that cannot.
    text : str
        The line, without a full stop: "series 7 starts: 1000 frames of 1024 x 1024 pixels".
    n_frames : int, default=0
        How many frames it stands for. Those that are unreadable count as received.
    sources : tuple of FrameOrigin
        Of unreadable frames, as far as they are known: each gets a row in the table.

    Examples
    --------
    >>> from sklearn_sfx.streams import Notice
    >>> Notice("lost", "series 7: images 12 to 14 never came", n_frames=3).n_frames
    3
    """

    kind: str
    text: str
    n_frames: int = 0
    sources: tuple[FrameOrigin, ...] = ()


class LiveSource(Protocol):
    """Something from which frames arrive: a file that grows, a folder, a stream.

    It runs in a thread of its own, one at a time.

    Attributes
    ----------
    name : str
        What users call it: a path, an address.

    Examples
    --------
    >>> import threading, time
    >>> import numpy as np
    >>> from sklearn_sfx.streams import LiveFrames, Notice, arrived_frames
    >>> class Noise:
    ...     name = "noise"
    ...
    ...     def arrivals(self, stop):
    ...         yield Notice("start", "noise starts")
    ...         while not stop.is_set():
    ...             frames = arrived_frames(np.random.default_rng(0).poisson(3, (1, 8, 8)))
    ...             yield LiveFrames(frames, np.array([time.monotonic()]), nbytes=512)
    >>> stop = threading.Event()
    >>> arrivals = Noise().arrivals(stop)
    >>> next(arrivals).text, len(next(arrivals))
    ('noise starts', 1)
    >>> stop.set()
    >>> list(arrivals)
    []
    """

    name: str

    def arrivals(self, stop: threading.Event) -> Iterator[LiveFrames | Notice]:
        """Yield frames as they arrive, and what happens meanwhile.

        It blocks while nothing comes. When a consumer is slow it is not asked for more; what it
        does then is its own: a file waits, a stream lets its peer wait or drop.

        Parameters
        ----------
        stop : threading.Event
            Once it is set, what was received is still yielded, and then it ends, within a second.
            A source that is over ends by itself.

        Yields
        ------
        LiveFrames or Notice
            In the order in which they came; frames of shape (n_frames, height, width) and any
            dtype.

        Raises
        ------
        InputError
            Nothing can be received, now or later: no such file, an address that is none. All else
            that goes wrong is a `Notice`.
        """


@dataclass(frozen=True)
class ScoredFrames:
    """Frames that arrived and were scored together.

    Parameters
    ----------
    frames : Frames, shape (n_frames, height, width)
        As they arrived; their pixels can be read while an output has them.
    scores : Scores
        One row for each.
    arrived : ndarray of float64, shape (n_frames,)
        When each was there, in seconds of `time.monotonic`.
    model : ScreeningModel, optional
        What scored them; None where none of them could be read.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.screening import Scores
    >>> from sklearn_sfx.streams import ScoredFrames, arrived_frames
    >>> frames = arrived_frames(np.zeros((2, 4, 5), np.uint16))
    >>> scores = Scores(frames.sources, np.array([0.9, 0.1]), np.array([True, False]), None, 0.5)
    >>> block = ScoredFrames(frames, scores, np.zeros(2))
    >>> len(block), len(block.hits.frames)
    (2, 1)
    """

    frames: Frames
    scores: Scores
    arrived: np.ndarray
    model: ScreeningModel | None = None

    def __len__(self) -> int:
        return len(self.arrived)

    @property
    def hits(self) -> ScoredFrames:
        """Those that are hits."""
        rows = np.flatnonzero(self.scores.decision)
        return replace(
            self, frames=self.frames[rows], scores=self.scores[rows], arrived=self.arrived[rows]
        )


class Output(Protocol):
    """Something that takes what was scored, block by block, in the thread that scores.

    An `OSError` or `InputError` that it raises is told, and the watch goes on with the next block.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.screening import Scores
    >>> from sklearn_sfx.streams import ScoredFrames, arrived_frames
    >>> class CountHits:
    ...     n = 0
    ...
    ...     def add(self, block):
    ...         self.n += len(block.hits)
    ...
    ...     def close(self):
    ...         print(self.n, "hits")
    >>> frames = arrived_frames(np.zeros((2, 4, 5), np.uint16))
    >>> scores = Scores(frames.sources, np.array([0.9, 0.1]), np.array([True, False]), None, 0.5)
    >>> output = CountHits()
    >>> output.add(ScoredFrames(frames, scores, np.zeros(2)))
    >>> output.close()
    1 hits
    """

    def add(self, block: ScoredFrames) -> None:
        """Take a block; when this returns what was made of it is whole, and never half there.

        Parameters
        ----------
        block : ScoredFrames, of frames of shape (n_frames, height, width)
            In the order in which frames were scored.
        """

    def close(self) -> None:
        """Finish what is open; nothing comes after it."""


def frame_name(origin: FrameOrigin) -> str:
    """Return what a frame is called where there is but one name: the file's own, or file and event.

    Parameters
    ----------
    origin : FrameOrigin
        Where it is from.
    """
    path, _, event, identifier = origin
    return identifier or f"{path or ''} {event}".strip()


def arrived_frames(
    array: np.ndarray,
    *,
    sources: Sequence[FrameOrigin] | None = None,
    metadata: Mapping[str, np.ndarray] | None = None,
    facts: Facts = Facts(),  # noqa: B008
    mask: np.ndarray | None = None,
    first: int = 0,
) -> Frames:
    """Return arrays that arrived as frames, with all that came with them.

    Parameters
    ----------
    array : ndarray of shape (n_frames, height, width)
        Pixels, of any numbers.
    sources : sequence of FrameOrigin, length n_frames, optional
        What the lists call each; the path is None for a frame of no file.
    metadata : mapping of str to ndarray of shape (n_frames,), any dtype, optional
        ``wavelength`` in angstrom, ``distance`` in mm, ``timestamp``, ``identifier`` as str.
    facts : Facts
        What is known of all frames; saturation and values of no data are not used.
    mask : ndarray of bool, shape (height, width), optional
        True where a pixel is usable.
    first : int
        The number of the first frame, where they have no names.

    Returns
    -------
    Frames
        Of the shape and dtype of the array; float32 with a mask.

    Raises
    ------
    InputError
        The array holds no frames, there is not one source for each, or the mask does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import FrameOrigin
    >>> from sklearn_sfx.streams import arrived_frames
    >>> origin = FrameOrigin(None, 12, "//12", "7:12")  # image 12 of series 7
    >>> frames = arrived_frames(
    ...     np.ones((1, 4, 5)), sources=[origin], metadata={"wavelength": np.array([1.3])}
    ... )
    >>> frames.sources[0].identifier, frames.metadata
    ('7:12', {'wavelength': array([1.3])})
    """
    source = _ArrivedSource(array, sources, metadata or {}, facts, first)
    values = ValueRule(facts.no_data, facts.lowest, facts.saturation)
    return Frames(source, mask=mask, values=values)


class _ArrivedSource(ArraySource):
    """Frames in memory that have names and metadata of their own."""

    def __init__(
        self,
        array: np.ndarray,
        sources: Sequence[FrameOrigin] | None,
        metadata: Mapping[str, np.ndarray],
        facts: Facts,
        first: int,
    ):
        super().__init__(array)
        if sources is not None and len(sources) != len(array):
            raise InputError(
                f"{len(array)} frames arrived with {len(sources)} names: give one for each."
            )
        self._origins, self._metadata, self.facts = sources, dict(metadata), facts
        self._first = first

    def origin(self, position: int) -> FrameOrigin:
        """Return what the frame is called."""
        if self._origins is None:
            return super().origin(self._first + position)
        return self._origins[position]

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return what came with the frames."""
        return {name: np.asarray(values)[positions] for name, values in self._metadata.items()}

    def narrowed(self, index: range | np.ndarray) -> tuple[_ArrivedSource, range | np.ndarray]:
        """Return itself: a block is small."""
        return self, index
