"""Open files or arrays as one run of frames."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_sfx._tensors import is_tensor
from sklearn_sfx.exceptions import InputError, SlowFileWarning
from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._carried_mask import fit_mask
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._filled_source import FilledSource, all_unreadable, refuse_unreadable
from sklearn_sfx.frames._format_protocol import NoSuchDataset
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._joined_source import join_sources
from sklearn_sfx.frames._masks import read_mask, warn_of_sparse
from sklearn_sfx.frames._own_mask import find_own_mask
from sklearn_sfx.frames._paths import expand_paths
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames._recognize import Part, open_parts
from sklearn_sfx.frames._repeated import without_repeated
from sklearn_sfx.frames._tensor_source import source_of_tensor
from sklearn_sfx.frames._value_rule import ValueRule, rule_of_facts

if TYPE_CHECKING:
    from sklearn_sfx.frames.geometry import Geometry

__all__ = ["open_frames"]


def open_frames(
    source: str | Path | Sequence[str | Path] | np.ndarray | Any,
    *,
    dataset: str | None = None,
    mask: np.ndarray | Frames | str | Path | bool | None = "auto",
    geometry: str | Path | None = None,
    missing: str = "raise",
) -> Frames:
    """Open a run of frames, without reading them.

    The format is told from the content, whatever the name: NXmx and the masters of DECTRIS
    detectors, CXI, CXIDB-76, SACLA, PAL-XFEL, SwissFEL, LImA, areaDetector, other NeXus files, or
    any HDF5 file with one stack of images; runs of European XFEL; images (CBF, TIFF, MarCCD,
    mar345, SMV, EDF, Bruker, CrysAlis, Nonius); NumPy's files; or a CrystFEL list of any of them.
    The guide says what is read of each. Links and virtual datasets are followed to the files that
    hold the frames. Modules, shape (n, modules, height, width), are stacked along the slow axis to
    (n, modules * height, width). Of a CXI file that was not closed, the padding behind the frames
    is left out.

    Parameters
    ----------
    source : path, list of paths, glob pattern, ndarray, torch.Tensor, or h5py.Dataset
        One file or folder; or files that make one run, in the order of the list, or for a pattern
        sorted by name, numbers in it as numbers; or frames of shape (n_frames, height, width), in
        pinned memory or on a GPU too. Of an h5py dataset only the names of the file and the dataset
        are taken. What a masked array of NumPy masks is masked, beside what `mask` says.
    dataset : str, default=None
        Path of the dataset of images in each file, name of the array, or of the detector of a run
        of European XFEL; needed where there are several.
    mask : "auto", False, path, bool ndarray, or bool Frames, default="auto"
        True where a pixel is usable, of shape (height, width) or (n_frames, height, width); the
        path is that of a file with such a mask, as `read_mask` reads it without further arguments:
        call that for a mask made of bits and for one of several. "auto" takes the mask that
        the files bring, where it is known what its numbers mean. With False, or None, no pixel is
        masked, and values that the files call unusable, as below, are taken as they are.
    geometry : path, default=None
        A CrystFEL geometry file (extra ``geometry``), by which stacked modules are put together to
        the image that the detector sees: each pixel is the nearest one of a module, gaps are
        masked. Its masks, bad regions and flags apply as `mask` does, and may be turned off with
        it; it says where the beam is.
    missing : {"raise", "on_read", "nan"}, default="raise"
        What becomes of frames that cannot be read, since the file that holds them is not there, or
        they were never written, or are damaged. "raise": an error, when the run is opened as far
        as that can be known then, or when such a frame is read. "on_read": an error only then;
        `sklearn_sfx.screen`, `sklearn_sfx.train` and the label page go on without these frames,
        whatever is said here. "nan": all frames are read as float32, and they are NaN, as is a
        value that is infinite. `Frames.unreadable` says which they are, and why.

    Returns
    -------
    Frames
        The run, of shape (n_frames, height, width) and the file's dtype, or float32 where there is
        a mask or ``missing`` is "nan". Values that the files say to be unusable, as below the least
        trusted one, from saturation on (but for the tops of spots), or in a gap, become NaN once
        the frames are masked or prepared; ``frames.values`` has them.

    Raises
    ------
    InputError
        If a file cannot be opened, holds no images, or several datasets that could be; if frames
        are known not to be readable, and no way is said to go on; if frames have different shapes;
        if the mask does not fit.

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
    if missing not in ("raise", "on_read", "nan"):
        raise InputError(f'missing must be "raise", "on_read" or "nan", not {missing!r}.')
    if is_tensor(mask):
        mask = mask.numpy(force=True)  # type: ignore[union-attr]
    if isinstance(mask, Path) or (isinstance(mask, str) and mask != "auto"):
        mask = read_mask(mask)
    if mask is True:
        raise InputError('mask=True says nothing: "auto" takes the mask of the files.')
    found = None
    if geometry is not None:
        from sklearn_sfx.frames.geometry import assemble, read_geometry

        found = read_geometry(os.path.abspath(geometry))
    opened: FrameSource
    parts: list[Part] = []
    unmasked = None
    if isinstance(source, np.ma.MaskedArray):
        source, unmasked = source.data, ~np.ma.getmaskarray(source)
    if isinstance(source, np.ndarray):
        opened = ArraySource(source)
    elif is_tensor(source):
        opened = source_of_tensor(source)  # type: ignore[arg-type]
    else:
        source, dataset = _names_in(source, dataset)
        paths = expand_paths(source)
        named = None if found is None else found.dataset
        parts, dataset = _open_parts(paths, dataset, named)
        parts = without_repeated(parts)
        opened = join_sources([part.source for part in parts])
    if advice := getattr(opened, "advice", ""):
        warnings.warn(advice, SlowFileWarning, stacklevel=2)
    if missing == "raise" or all_unreadable(opened):
        refuse_unreadable(opened)
    elif missing == "nan":
        opened = FilledSource(opened)
    is_masked = mask is not False and mask is not None
    origin = "as given" if is_masked else ""
    values = rule_of_facts(getattr(opened, "facts", Facts())) if is_masked else ValueRule()
    if mask is False:
        mask = None
    elif isinstance(mask, str):
        mask, origin = find_own_mask(parts, dataset, missing)
    if is_masked and unmasked is not None and not unmasked.all():
        mask = unmasked if mask is None else unmasked & np.asarray(fit_mask(mask, opened.shape))
        origin = origin or "the masked array"
    warn_of_sparse(mask)  # before the gaps are masked too
    if found is not None:
        origin = _origin_with(found, mask, origin)
        run = tuple(dict.fromkeys(part.paths[0] for part in parts))
        opened, mask = assemble(opened, mask, found, use_masks=is_masked, run=run)
        values = values | found.values if is_masked else values
    return Frames(opened, mask=mask, values=values, mask_origin=origin)


def _origin_with(geometry: Geometry, mask: Any, origin: str) -> str:
    """Return where the masks lie, a geometry's too; without a mask the origin is why there is none.

    That is not so of one whose rule the geometry has.
    """
    if mask is not None:
        return f"{origin} and {geometry.path}"
    named = (f"dataset {name} of " for name in geometry.masks_of_run)
    if not origin or origin.startswith(tuple(named)):
        return geometry.path
    return f"{geometry.path}; {origin}"


def _open_parts(
    paths: list[str], dataset: str | None, named: str | None
) -> tuple[list[Part], str | None]:
    """Return the parts of a run, and their dataset: that of the geometry, if nobody says another.

    A geometry that was made for another file of the detector may name one that is not there.
    """
    if dataset is None and named is not None:
        with contextlib.suppress(NoSuchDataset):
            return open_parts(paths, named), named
    return open_parts(paths, dataset), dataset


def _names_in(source: Any, dataset: str | None) -> tuple[Any, str | None]:
    """Return path and dataset; of an open dataset, as of h5py, only its names are taken."""
    path = getattr(getattr(source, "file", None), "filename", None)
    if path is None or not hasattr(source, "shape"):
        return source, dataset
    return path, source.name
