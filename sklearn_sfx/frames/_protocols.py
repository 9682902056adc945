"""What a run of frames is made of: where frames come from, and the steps run on each.

Three ideas meet in `sklearn_sfx.frames.Frames`, and each is a small protocol, so that none needs to
know another: a *source* gives the pixels of one frame, a *window* is the part of it that is read,
and *steps* are run, one after the other, on what was read. What makes a source of a path is a
*format*, in `_format_protocol`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

__all__ = ["FrameOrigin", "FrameSource", "FrameStep", "Window"]


class Window(NamedTuple):
    """The part of each frame that is read, in pixels.

    Parameters
    ----------
    top, left : int
        First row and first column.
    height, width : int
        Number of rows and of columns.

    Examples
    --------
    >>> from sklearn_sfx.frames import Window
    >>> import numpy as np
    >>> np.arange(12).reshape(3, 4)[Window(top=1, left=2, height=2, width=1).slices]
    array([[ 6],
           [10]])
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The same window as two slices, for an array of shape (height, width)."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


class FrameOrigin(NamedTuple):
    """Where one frame comes from.

    Parameters
    ----------
    path : str or None
        The absolute path of the file; None for a frame that no file holds.
    position : int
        The 0-based number of the frame within its file.
    event : str
        The frame as CrystFEL names it in a list of events: ``//12``, or ``chunk_0000000//12``
        where the file has one dataset per chunk.
    identifier : str
        What the file itself calls the frame; empty where it has no name for it.

    Examples
    --------
    >>> from sklearn_sfx.frames import FrameOrigin
    >>> FrameOrigin("/data/run.cxi", 12, "//12").event
    '//12'
    """

    path: str | None
    position: int
    event: str
    identifier: str = ""


@runtime_checkable
class FrameSource(Protocol):
    """Something that gives frames one by one: files, an array, a simulator.

    A source is small, picklable and safe to read from several threads. It may have more:

    - ``narrowed(index) -> (source, index)``: the least source that still holds the frames at
      `index` (a range or an integer array), and their positions in it. Pickles use it to stay
      small.
    - ``advice``: a sentence on how the frames would be much quicker to read, "" where they would
      not. `open_frames` says it once, as a `SlowFileWarning`.
    - ``facts``: what the file says of all frames, as `Facts`.
    - ``files``: a frozenset of the absolute paths that it reads, where `origin` does not name all
      of them, as for links and virtual datasets.
    - ``unreadable``: a tuple of `Unreadable`, the frames that are known not to be readable before
      one of them is read. `open_frames` refuses such a run unless it is told what to do.

    Attributes
    ----------
    shape : tuple of int
        (n_frames, height, width).
    dtype : numpy.dtype
        Of the pixels, in the byte order of this machine.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import ArraySource, FrameSource, Window
    >>> source = ArraySource(np.arange(24).reshape(2, 3, 4))
    >>> isinstance(source, FrameSource)
    True
    >>> out = np.empty((1, 2), source.dtype)
    >>> source.read(1, Window(top=0, left=2, height=1, width=2), out)
    >>> out
    array([[14, 15]])
    >>> source.origin(1).event, source.metadata(np.arange(2))
    ('//1', {})
    """

    shape: tuple[int, int, int]
    dtype: np.dtype

    def read(self, position: int, window: Window, out: np.ndarray) -> None:
        """Read a part of one frame.

        Parameters
        ----------
        position : int
            Number of the frame, from 0.
        window : Window
            The part, in pixels.
        out : ndarray of shape (window.height, window.width)
            Filled with it; C-contiguous, of the source's dtype.

        Raises
        ------
        UnreadableFrame
            If this one frame cannot be read: its chunk is damaged, its file is gone.
        """

    def origin(self, position: int) -> FrameOrigin:
        """Say where one frame comes from.

        Parameters
        ----------
        position : int
            Number of the frame, from 0.

        Returns
        -------
        FrameOrigin
            File, position in it and names.
        """

    def metadata(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Return what is known of some frames beside their pixels.

        Parameters
        ----------
        positions : int ndarray of shape (n,)
            Numbers of the frames, from 0.

        Returns
        -------
        dict of str to ndarray of shape (n, ...)
            One row per frame, of any dtype, under each name.
        """


class FrameStep(Protocol):
    """One step of preprocessing that runs frame by frame: a frozen, picklable object.

    `Frames.append` asks it what to read and which steps to run from then on, so that a step can
    be fused with the ones before it, or move a crop into the reading. A step may also have

    - ``description``, a str by which steps with other parameters are told apart; without it the
      name of the class stands in `Frames.preprocessing`;
    - ``on_tensors(X)``, which returns the same of a float32 torch tensor (n, height, width), and
      leaves X as it is: then it runs on the device of the network. It may then have
      ``takes_integers = True`` if it takes the numbers of a file just as well, which are fewer
      bytes to move;
    - ``frees_gil = True``, if nearly all that it does is compiled and lets other threads run: then
      frames in memory are prepared by threads where the user asked for processes;
    - ``on_array(frames, positions, window, usable, out)``, which may do the same with the window of
      some frames of an array (n, height, width), row by row of `out`, and returns a bool for each,
      whether it has: then a thread does not wait for its turn in Python before each frame. It is
      asked where no frame holds a value that is not to be used; usable (height, width) may be None.

    Both are left alone where a class below the one that has them has a ``__call__`` of its own.

    `sklearn_sfx.preprocessing.BaseStep` is a start for a step that does nothing unusual.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> class Doubled:
    ...     def output_shape(self, frame_shape):
    ...         return frame_shape
    ...
    ...     def append_to(self, window, steps):
    ...         return window, (*steps, self)
    ...
    ...     def __call__(self, frame, usable):
    ...         return 2 * frame.astype(np.float32)
    >>> open_frames(np.arange(4).reshape(1, 2, 2)).append(Doubled())[0]
    array([[0., 2.],
           [4., 6.]], dtype=float32)
    """

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the result.

        Parameters
        ----------
        frame_shape : tuple of int
            Of the input: (height, width), or what the steps before make of it.

        Returns
        -------
        tuple of int
            Of the result.
        """

    def append_to(
        self, window: Window, steps: tuple[FrameStep, ...]
    ) -> tuple[Window, tuple[FrameStep, ...]]:
        """Say what is to be read and run once this step follows the others.

        Parameters
        ----------
        window : Window
            The part of each frame that is read so far.
        steps : tuple of FrameStep
            What is run on it so far.

        Returns
        -------
        window : Window
            The part that is read from then on.
        steps : tuple of FrameStep
            What is run on it from then on.
        """

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None) -> np.ndarray:
        """Run the step on one frame.

        Parameters
        ----------
        frame : ndarray of shape (height, width)
            C-contiguous; of the source's dtype for the first step and float32 for the others.
            It belongs to the reader, which uses the memory again for the next frame.
        usable : bool ndarray of shape (height, width), or None
            True where the pixel is usable; given to the first step only. Steps pass masked pixels
            on as NaN.

        Returns
        -------
        ndarray of float32
            C-contiguous.
        """
