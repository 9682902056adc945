"""Open files or arrays as one run of frames."""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sklearn_sfx.exceptions import InputError, SlowFileWarning, SparseMaskWarning
from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._frames import Frames

__all__ = ["expand_paths", "open_frames", "warn_of_sparse"]

LEAST_USABLE = 0.5  # of the pixels; a mask that leaves fewer is rare, an inverted one is not
LARGE_FRAME = 2**20  # pixels; below, nobody waits for a frame


def open_frames(
    source: str | Path | Sequence[str | Path] | np.ndarray,
    *,
    dataset: str | None = None,
    mask: np.ndarray | Frames | None = None,
) -> Frames:
    """Open a run of frames, without reading them.

    The format is told from the content: CXIDB-76 (``idh5_v1.0``), CXI as Cheetah, OM, psocake and
    EXtra-data write it, or any HDF5 file with one 3-D numeric dataset. Modules, shape
    (n, modules, height, width), are stacked along the slow axis to (n, modules * height, width).
    Of a CXI file that was not closed, the padding behind the frames is left out.

    Parameters
    ----------
    source : path, list of paths, glob pattern, ndarray, or h5py.Dataset
        One file; or files that make one run, in the order of the list, or sorted by name for a
        pattern; or frames of shape (n_frames, height, width). Of an h5py dataset only the names of
        the file and the dataset are taken.
    dataset : str, default=None
        Path of the dataset of images in each file; needed where a file has several.
    mask : bool ndarray of shape (height, width) or (n_frames, height, width), or bool Frames
        True where a pixel is usable. For a mask in a file, and for masks made of bits, see
        `read_mask`.

    Returns
    -------
    Frames
        The run, of shape (n_frames, height, width) and the file's dtype.

    Raises
    ------
    InputError
        If a file cannot be opened, holds no images, or several datasets that could be; if frames
        have different shapes; if the mask does not fit.

    Warns
    -----
    SlowFileWarning
        If frames of a megapixel or more are compressed with gzip.
    SparseMaskWarning
        If the mask leaves fewer than half of the pixels, as an inverted one does.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> open_frames(np.zeros((3, 4, 5), dtype=np.int16)).shape
    (3, 4, 5)
    """
    if isinstance(source, np.ndarray):
        frames = Frames(ArraySource(source), mask=mask)
        warn_of_sparse(frames.mask)
        return frames
    # h5py takes long to import, and arrays do without it.
    import h5py

    from sklearn_sfx.frames._hdf5_source import Hdf5Source
    from sklearn_sfx.frames._layouts import find_segments

    if isinstance(source, h5py.Dataset):
        source, dataset = source.file.filename, source.name
    paths = expand_paths(source)
    found = {path: find_segments(path, dataset) for path in dict.fromkeys(paths)}
    segments = [segment for path in paths for segment in found[path]]
    source = Hdf5Source(segments)
    large = source.shape[1] * source.shape[2] >= LARGE_FRAME
    if large and any(segment.compression == "gzip" for segment in segments):
        warnings.warn(
            "These frames are compressed with gzip, which takes ten to twenty times as long to "
            "read as bitshuffle-LZ4: if they are read more than once, write them anew with "
            "hdf5plugin.Bitshuffle().",
            SlowFileWarning,
            stacklevel=2,
        )
    frames = Frames(source, mask=mask)
    warn_of_sparse(frames.mask)
    return frames


def expand_paths(source: str | Path | Sequence[str | Path]) -> list[str]:
    """Return the absolute paths of the files that a path, a pattern or a list of them means."""
    if isinstance(source, str | os.PathLike):
        items: Sequence = [source]
    elif isinstance(source, list | tuple):
        items = source
    else:
        raise InputError(
            "Frames are opened from a path, a list of paths, a glob pattern or an array of shape "
            f"(n_frames, height, width), not from {type(source).__name__}."
        )
    if not items:
        raise InputError("The list of files is empty: give at least one path.")
    paths: list[str] = []
    for item in items:
        if not isinstance(item, str | os.PathLike):
            raise InputError(
                f"A list of files holds paths, but one item is a {type(item).__name__}."
            )
        path = os.path.abspath(os.fspath(item))
        if glob.has_magic(path) and not os.path.exists(path):
            matches = sorted(glob.glob(path))
            if not matches:
                raise InputError(f"No file matches the pattern {os.fspath(item)}.")
            paths += matches
        else:
            paths.append(path)
    return paths


def warn_of_sparse(mask: np.ndarray | Frames | None) -> None:
    """Ask whether a mask for all frames that leaves few pixels is the other way round."""
    if not isinstance(mask, np.ndarray):
        return
    share = np.count_nonzero(mask) / mask.size
    if share < LEAST_USABLE:
        warnings.warn(
            f"This mask leaves {share:.1%} of the pixels to be used. If it is the other way round, "
            "turn it over with ~mask, or say good_bits or bad_bits to read_mask.",
            SparseMaskWarning,
            stacklevel=3,
        )
