"""What a run of frames is made of: where frames come from, and the steps run on each.

Three ideas meet in `sklearn_sfx.frames.Frames`, and each is a small protocol, so that none needs to
know another: a *source* gives the pixels of one frame, a *window* is the part of it that is read,
and *steps* are run, one after the other, on what was read. A fourth, the *format*, makes a source
of a path.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

__all__ = ["Format", "FrameOrigin", "FrameSource", "FrameStep", "StoredMask", "Window"]


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


class StoredMask(NamedTuple):
    """A mask as a file keeps it, before it is said which numbers mean usable.

    Parameters
    ----------
    values : ndarray of shape (height, width), or FrameSource
        One mask for all frames, or one for each. Of bools, where True means usable, or of numbers.
    where : str
        Where it lies, for the sentence of an error: ``dataset /mask of /data/run.h5``.
    good_bits, bad_bits : int, "any" or None
        The rule, as for `read_mask`, where the format itself defines what the numbers mean. It
        holds unless the user gives another.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import StoredMask
    >>> mask = StoredMask(np.zeros((2, 3), np.uint8), "dataset /mask of /data/run.h5")
    >>> mask.good_bits, mask.bad_bits  # the format does not say what 0 means
    (None, None)
    """

    values: np.ndarray | FrameSource
    where: str
    good_bits: int | None = None
    bad_bits: int | str | None = None


class Format(Protocol):
    """One format of files, or of folders: whether a path is in it, and what lies there.

    A format is a small class without state, in a module of its own, that inherits from `Format`
    and stands in a table. Nothing else knows it by name: who opens a path asks the formats of the
    table, in their order, and the first that knows it does the rest. Runs of several files are
    joined for all formats in one place, so a format thinks of one path only, unless its files are
    not one after the other but beside each other, a module of the detector each.

    `knows` and `open` are its work. The rest is there already, for formats whose files follow each
    other, and that have neither masks nor a word on being simulated.

    Attributes
    ----------
    name : str
        What users call it; it stands in the sentence that lists the formats that are known.
    may_be_mask : bool
        Whether what `open` gives may be a mask, where `find_mask` finds none: a file of an image
        says nowhere whether it is a frame or a mask.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.frames import Format, FrameOrigin
    >>> class NpySource:
    ...     def __init__(self, path):
    ...         pixels = np.load(path, mmap_mode="r")
    ...         self.path, self.shape, self.dtype = path, pixels.shape, pixels.dtype
    ...
    ...     def read(self, position, window, out):
    ...         out[...] = np.load(self.path, mmap_mode="r")[position][window.slices]
    ...
    ...     def origin(self, position):
    ...         return FrameOrigin(self.path, position, f"//{position}")
    ...
    ...     def metadata(self, positions):
    ...         return {}
    >>> class Npy(Format):
    ...     name = "NumPy's .npy"
    ...
    ...     def knows(self, path, head):
    ...         return head[1:6] == b"NUMPY"
    ...
    ...     def open(self, path, dataset=None):
    ...         return NpySource(path)

    Once it stands in the table, `open_frames` reads such files. What it says of a path:

    >>> npy, path = Npy(), "/data/run"
    >>> npy.knows(path, b".NUMPY"), npy.find_mask(path), npy.is_simulated(path)
    (True, None, False)
    >>> together = [path, "/data/run2"]  # one after the other
    >>> npy.open_together(together), npy.find_mask_together(together)
    (None, None)
    """

    name: str
    may_be_mask: bool = False

    @abstractmethod
    def knows(self, path: str, head: bytes) -> bool:
        """Tell from what lies there, never from the name alone, whether it is of this format.

        This is asked of every path that is opened, so it is quick, and imports no optional package.

        Parameters
        ----------
        path : str
            Absolute path of a file or folder that exists.
        head : bytes
            The first 4096 bytes of the file, for formats that begin with a few known ones; fewer
            where the file has fewer, none for a folder.

        Returns
        -------
        bool
            Whether `open` is to be asked. It may raise `InputError` where no other format can know
            the path and something is wrong with it: a file that was cut off.
        """

    @abstractmethod
    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Find the frames of a path that this format knows, without reading them.

        What is wrong with the file is an `InputError`: one sentence with the path that says what to
        do. An optional package comes by `sklearn_sfx._extras.require`.

        Parameters
        ----------
        path : str
            Absolute path of the file or folder.
        dataset : str, default=None
            Which of several stacks of images, as the user names it. A format without such names
            takes none.

        Returns
        -------
        FrameSource
            Its frames, one or more, of which `FrameSource.origin` names the path.
        """

    def open_together(self, paths: Sequence[str], dataset: str | None = None) -> FrameSource | None:
        """Find the frames of several paths that make one run otherwise than one after the other.

        Parameters
        ----------
        paths : sequence of str
            Absolute paths, two or more, in the order of the user and all of this format.
        dataset : str, default=None
            As for `open`.

        Returns
        -------
        FrameSource or None
            All their frames; None where each path is opened alone and they are joined.
        """
        return None

    def find_mask(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Find the mask that lies in a path that this format knows, beside frames or alone.

        Parameters
        ----------
        path : str
            Absolute path of the file or folder.
        dataset : str, default=None
            Which of several masks, as the user names it.

        Returns
        -------
        StoredMask or None
            The mask; None where files of this format have none.
        """
        return None

    def find_mask_together(
        self, paths: Sequence[str], dataset: str | None = None
    ) -> StoredMask | None:
        """Find the mask of several paths that `open_together` opens as one run.

        Parameters
        ----------
        paths : sequence of str
            Absolute paths, two or more, all of this format.
        dataset : str, default=None
            As for `find_mask`.

        Returns
        -------
        StoredMask or None
            The mask of the run; None where each path has its own, or none.
        """
        return None

    def is_simulated(self, path: str) -> bool:
        """Return whether a path that this format knows says that its frames are simulated.

        Parameters
        ----------
        path : str
            Absolute path of the file or folder.

        Returns
        -------
        bool
            True only where it says so itself.
        """
        return False


class FrameStep(Protocol):
    """One step of preprocessing that runs frame by frame: a frozen, picklable object.

    `Frames.append` asks it what to read and which steps to run from then on, so that a step can
    be fused with the ones before it, or move a crop into the reading. A step may also have
    ``on_tensors(X)``, which does the same to float32 torch tensors of shape (n, height, width):
    then it runs on the device of the network.

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
