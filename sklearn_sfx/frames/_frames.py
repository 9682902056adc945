"""A run of frames as one lazy array."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import EllipsisType
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike

from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._blocks import Workers, block_length, work_ahead, workers_for
from sklearn_sfx.frames._carried_mask import fit_mask, pack_mask, unpack_mask
from sklearn_sfx.frames._exits import as_dask, as_xarray
from sklearn_sfx.frames._facts import Facts, Unreadable, unreadable_rows
from sklearn_sfx.frames._index import picked, rows_of_key
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, FrameStep, Window
from sklearn_sfx.frames._reading import OneMask, prepare_into, read_into, read_whole
from sklearn_sfx.frames._value_rule import ValueRule, rule_of_type
from sklearn_sfx.frames._words import as_html, in_few_words

__all__ = ["Frames"]


class Frames:
    """A run of frames that looks like an array of shape (n_frames, height, width).

    Nothing is read until pixels are asked for: by ``np.asarray(frames)``, by an integer index, by
    iteration, or by `blocks`. A slice, a list, an integer array or a boolean array gives another
    `Frames`, in any order and with repeats, so scikit-learn's splitters and searches take it as
    ``X``. A pickle holds paths and positions, neither handles nor pixels.

    Parameters
    ----------
    source : FrameSource
        Where the pixels come from; `open_frames` finds it for files and arrays.
    mask : bool ndarray of shape (height, width) or (n_frames, height, width), or bool Frames
        True where a pixel is usable. Masked frames read as float32, NaN where a pixel is not
        usable; `as_stored` gives what the file has. Of module masks, shape
        (n_modules, height / n_modules, width), the modules are stacked as those of the frames are.
    values : ValueRule
        Values that are not to be used; they become NaN once the frames are masked or prepared.
    mask_origin : str
        Where it comes from.

    Raises
    ------
    InputError
        If the mask is not bool or does not fit the frames.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> frames = open_frames(np.arange(24, dtype=np.uint16).reshape(4, 2, 3))
    >>> frames[[3, 0]].shape
    (2, 2, 3)
    >>> frames[1]
    array([[ 6,  7,  8],
           [ 9, 10, 11]], dtype=uint16)
    >>> np.asarray(frames[::-2])[:, 0, 0]
    array([18,  6], dtype=uint16)
    >>> frames.ndim, frames.dtype, frames.mask, frames.metadata, frames.steps
    (3, dtype('uint16'), None, {}, ())
    >>> frames.sources[2].position, frames.facts.beam_center, frames.unreadable, frames.filled
    (2, None, (), False)
    >>> frames.files, frames.values.no_data, frames.window.height  # of an array
    (frozenset(), (), 2)
    >>> from sklearn_sfx import GCN
    >>> GCN().fit_transform(frames).preprocessing
    'GCN'
    """

    _values = ValueRule()  # of pickles from before there was one
    _needs_some = False  # whether a frame without a pixel to be used is refused
    mask_origin = ""

    def __init__(
        self,
        source: FrameSource,
        *,
        mask: np.ndarray | Frames | None = None,
        values: ValueRule = ValueRule(),  # noqa: B008
        mask_origin: str = "",
    ):
        self._source = source
        self._values = values
        self.mask_origin = mask_origin
        self._index: range | np.ndarray = range(source.shape[0])
        self._window: Window | None = None  # None: the file's own values and dtype
        self._steps: tuple[FrameStep, ...] = ()
        self._as_stored = False  # whether the window is given without mask and steps
        self._mask = None if mask is None else fit_mask(mask, source.shape)
        if isinstance(self._mask, np.ndarray) and self._mask.ndim == 3:
            self._mask = Frames(ArraySource(self._mask.copy()))

    # -- What it looks like --------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_frames, height, width), or what the appended steps make of it."""
        frame_shape: tuple[int, ...] = (self.window.height, self.window.width)
        for step in self._steps:
            frame_shape = tuple(step.output_shape(frame_shape))
        return (len(self), *frame_shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions: 3 for frames, 2 for vectors."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """The file's dtype; float32 once masked or a step is appended (masks stay bool)."""
        is_mask = not self._steps and self._source.dtype == bool
        return np.dtype(np.float32 if self._is_prepared and not is_mask else self._source.dtype)

    @property
    def mask(self) -> np.ndarray | Frames | None:
        """True where a pixel is usable, within the window that is read; None without a mask.

        A read-only bool ndarray of shape (height, width), or bool Frames with one mask per frame.
        """
        if self._mask is None or self._window is None:
            return self._mask
        if isinstance(self._mask, Frames):
            return self._mask._view(_window=self._window)
        return self._mask[self._window.slices]

    @property
    def values(self) -> ValueRule:
        """Values that are not to be used, wherever in a frame they occur."""
        return self._values

    @property
    def facts(self) -> Facts:
        """What the files say of all their frames; of whole frames, whatever is cropped."""
        return getattr(self._source, "facts", Facts())

    @property
    def files(self) -> frozenset[str]:
        """Absolute paths of all that is read, behind links and virtual datasets too."""
        named = (self._source.origin(int(position)).path for position in self._index)
        return frozenset(p for p in named if p) | getattr(self._source, "files", frozenset())

    @property
    def filled(self) -> bool:
        """Whether what cannot be read is NaN, as with ``missing="nan"``, and raises no error."""
        return getattr(self._source, "gives_nan", False)

    @property
    def beam_center(self) -> tuple[float, float] | None:
        """Row and column of the beam, from the centre of the first pixel, where it is known."""
        center, window = self.facts.beam_center, self.window
        return None if center is None else (center[0] - window.top, center[1] - window.left)

    @property
    def window(self) -> Window:
        """The part of the whole frames that is read, in pixels."""
        return self._window or Window(0, 0, *self._source.shape[1:])

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Which of these frames cannot be read, and why, as far as it is known.

        Of some the files tell beforehand; with ``missing="nan"`` there are those met since, too.
        """
        return unreadable_rows(getattr(self._source, "unreadable", ()), self._index)

    @property
    def metadata(self) -> dict[str, np.ndarray]:
        """What the files say of each frame, one row per frame; only the names that they have.

        ``wavelength`` in angstrom, ``distance`` in mm, ``timestamp`` as in the file,
        ``identifier`` as str. Read anew each time.
        """
        return self._source.metadata(np.asarray(self._index, dtype=np.int64))

    @property
    def sources(self) -> list[FrameOrigin]:
        """The file and position of each frame, from which lists of hits are written."""
        origins = [self._source.origin(int(position)) for position in self._index]
        identifiers = self.metadata.get("identifier")
        if identifiers is None:
            return origins
        pairs = zip(origins, identifiers, strict=True)
        return [origin._replace(identifier=str(name)) for origin, name in pairs]

    @property
    def preprocessing(self) -> str:
        """The appended steps in words, but for what is cropped and masked; "" without any."""
        named = (getattr(step, "description", type(step).__name__) for step in self._steps)
        return ", ".join(name for name in named if name)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"<Frames: {'; '.join(in_few_words(self))}>"

    # -- Views ---------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int | np.integer) -> np.ndarray: ...

    @overload
    def __getitem__(self, key: slice | Sequence | np.ndarray | EllipsisType) -> Frames: ...

    def __getitem__(self, key: Any) -> np.ndarray | Frames:
        """One frame as an ndarray for an integer, otherwise a view that has read nothing."""
        rows = rows_of_key(key, len(self))
        if isinstance(rows, np.ndarray) and rows.ndim == 0:
            return self._take(slice(int(rows), int(rows) + 1))._read()[0]
        return self._take(rows)

    def append(self, step: FrameStep) -> Frames:
        """Return a view that runs `step` after the steps it already has.

        Parameters
        ----------
        step : FrameStep
            One step of preprocessing; the transformers of `sklearn_sfx.preprocessing` bring theirs.

        Returns
        -------
        Frames
            Of shape (n_frames, ...) as the step makes it; float32, NaN where a pixel is masked.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx import CentralCrop, open_frames
        >>> frames = open_frames(np.arange(32).reshape(2, 4, 4))
        >>> CentralCrop(2).fit_transform(frames).shape  # calls frames.append
        (2, 2, 2)
        """
        window, steps = step.append_to(self.window, self._steps)
        as_stored = self._as_stored and not steps
        return self._view(_window=Window(*window), _steps=tuple(steps), _as_stored=as_stored)

    @property
    def steps(self) -> tuple[FrameStep, ...]:
        """What is run on each frame once it is read, masked first where there is a mask."""
        return self._steps

    def as_stored(self) -> Frames:
        """Return the same frames without the steps, for whoever runs them in another place.

        Returns
        -------
        Frames
            Of shape (n_frames, height, width) and the file's dtype, cropped where a crop comes
            first. What is still to be masked, its mask and values tell; a step that is appended
            masks it, but for a crop.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx import GCN, CentralCrop, open_frames
        >>> frames = open_frames(np.arange(32, dtype=np.uint16).reshape(2, 4, 4))
        >>> prepared = GCN().fit_transform(CentralCrop(2).fit_transform(frames))
        >>> np.asarray(prepared.as_stored())[0]
        array([[ 5,  6],
               [ 9, 10]], dtype=uint16)
        """
        return self._view(_steps=(), _as_stored=True)

    def mask_no_data(self) -> Frames:
        """Return a view in which numbers that can be no counts, by their type, are not used either.

        Returns
        -------
        Frames
            Of the shape and dtype of these; the same where steps changed the numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx import open_frames
        >>> frames = open_frames(np.zeros((1, 2, 2), np.uint32))
        >>> frames.mask_no_data().values.no_data[0]
        4294967295.0
        """
        if self._steps:
            return self
        dtype = getattr(self._source, "stored_dtype", self._source.dtype)
        return self._view(_values=self._values | rule_of_type(np.dtype(dtype)))

    def _view(self, **changes: Any) -> Frames:
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view.__dict__.update(changes)
        return view

    def _take(self, rows: slice | np.ndarray) -> Frames:
        mask = self._mask._take(rows) if isinstance(self._mask, Frames) else self._mask
        return self._view(_index=picked(self._index, rows), _mask=mask)

    @property
    def _is_prepared(self) -> bool:
        """Whether frames are not given as the file has them, but masked, cropped or more."""
        return not self._as_stored and (self._window is not None or self._mask is not None)

    to_dask, to_xarray, _repr_html_ = as_dask, as_xarray, as_html

    # -- Reading -------------------------------------------------------------------------------

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        """Read every frame into one new array."""
        if copy is False:
            raise ValueError("Frames cannot become an array without a copy: they have to be read.")
        values = self._read()
        return values if dtype is None else values.astype(dtype, copy=False)

    def __iter__(self) -> Iterator[np.ndarray]:
        """One frame after the other; only one is held."""
        return (self[row] for row in range(len(self)))

    def blocks(self, *, max_bytes: int = 64 * 2**20, max_frames: int = 64) -> Iterator[np.ndarray]:
        """Read in consecutive blocks, so that memory does not grow with the number of frames.

        The work is done by threads, one unless a `joblib.parallel_config` says otherwise; with
        another backend (processes, a cluster) each task is a small pickled slice. Frames in memory
        are not sent to processes, unless a step holds the GIL. With more than one worker the next
        blocks are read while those that were yielded are used.

        Parameters
        ----------
        max_bytes : int, default=64 MiB
            What the blocks that are held at the same time may take, all together; a block has at
            least one frame.
        max_frames : int, default=64
            The most frames in a block.

        Yields
        ------
        ndarray of shape (n_frames_in_block, ...)
            Of the dtype of these `Frames`.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_sfx import open_frames
        >>> frames = open_frames(np.ones((5, 4, 4)))
        >>> [len(block) for block in frames.blocks(max_frames=2)]
        [2, 2, 1]
        """
        workers = self._workers
        frame_bytes = self.dtype.itemsize * max(1, math.prod(self.shape[1:]))
        length = block_length(len(self), frame_bytes, workers.n, max_bytes, max_frames)
        tasks = [self._take(slice(i, i + length)) for i in range(0, len(self), length)]
        yield from work_ahead(Frames._read_here, tasks, workers)

    @property
    def _workers(self) -> Workers:
        return workers_for(isinstance(self._source, ArraySource), self._steps)

    def _read(self) -> np.ndarray:
        """Read everything, on the workers that the caller has configured."""
        if self._workers.n == 1 or len(self) == 1:
            return self._read_here()
        out, start = np.empty(self.shape, self.dtype), 0
        for block in self.blocks():
            out[start : start + len(block)] = block
            start += len(block)
        return out

    def _read_here(self, out: np.ndarray | None = None) -> np.ndarray:
        """Read everything in this thread: window, steps, row of the output, frame by frame."""
        out = np.empty(self.shape, self.dtype) if out is None else out
        where = (out, self._source, self._index, self.window)
        masks: Any = self._mask
        if isinstance(self._mask, Frames):
            masks = (OneMask(self._mask._source, int(place)) for place in self._mask._index)
        if self._is_prepared:
            prepare_into(*where, masks, self._values, self._needs_some, self._steps)
        elif self._window is None:
            read_whole(*where)
        else:
            read_into(*where, masks, self._values, self._needs_some)
        return out

    # -- Pickling ------------------------------------------------------------------------------

    def __getstate__(self) -> dict:
        """Only the files that the view needs, and the mask packed."""
        state = self.__dict__.copy()
        if hasattr(self._source, "narrowed"):
            state["_source"], state["_index"] = self._source.narrowed(self._index)
        if isinstance(self._mask, np.ndarray):
            state["_mask"] = pack_mask(self._mask)
        return state

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        if isinstance(self._mask, tuple):
            self._mask = unpack_mask(*self._mask)
