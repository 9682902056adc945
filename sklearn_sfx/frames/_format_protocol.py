"""What a format of files says and does: whether it knows a path, and what lies there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._protocols import FrameSource

__all__ = ["DamagedFile", "Format", "NoSuchDataset", "StoredMask", "UnknownFormat"]


class DamagedFile(InputError):
    """A file of a run from which no frame can be read, since it is empty, cut off or damaged."""


class UnknownFormat(InputError):
    """A file that is there and readable, and in none of the formats: it holds no frames."""


class NoSuchDataset(InputError):
    """There is nothing in a file that has the name of the dataset that was asked for.

    One that is there and damaged, or a link to it that is dead, is another `InputError`.
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
    files : frozenset of str
        Absolute paths of the files behind it, where links or virtual datasets lead to others.

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
    files: frozenset[str] = frozenset()


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
    names_detectors : bool
        Whether what the user names as dataset is a detector, which has frames and a mask.
    holds_one_image : bool
        Whether most files are one frame each, so that a `DamagedFile` among them is one frame that
        cannot be read.

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
    >>> npy.knows(path, b".NUMPY"), npy.find_mask_beside(path), npy.is_simulated(path)
    (True, None, False)
    >>> npy.find_mask(path)  # of a file of masks
    >>> together = [path, "/data/run2"]  # one after the other
    >>> npy.open_together(together), npy.find_mask_together(together)
    (None, None)
    """

    name: str
    may_be_mask: bool = False
    names_detectors: bool = False
    holds_one_image: bool = False

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
        do. An optional package comes by ``sklearn_sfx._extras.require``.

        Parameters
        ----------
        path : str
            Absolute path of the file or folder.
        dataset : str, default=None
            Which of several stacks of images, as the user names it; where there is none of that
            name, `NoSuchDataset` says so. A format without such names takes none.

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

    def find_mask_beside(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Find the mask that lies beside frames, which `open` has found.

        Parameters
        ----------
        path : str
            Absolute path of the file or folder.
        dataset : str, default=None
            Which frames, as for `open`.

        Returns
        -------
        StoredMask or None
            The mask; None where they have none.
        """
        return self.find_mask(path, dataset if self.names_detectors else None)

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
