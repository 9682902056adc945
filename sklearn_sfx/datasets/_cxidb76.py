"""Load runs of CXIDB entry 76: five experiments at LCLS, labelled by an expert."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklearn_sfx.datasets._annotation import check_annotation, read_annotation, read_spot_counts
from sklearn_sfx.datasets._run_files import run_files
from sklearn_sfx.datasets._target import MAYBE_RULES, make_target
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames, open_frames, read_mask

__all__ = ["load_cxidb76"]

# Instrument, detector, height and width of the frames, number of HIT, MAYBE and MISS.
_SUBSETS = {
    "LN84": ("MFX", "Rayonix MX340, 4 x 4 binned", 1920, 1920, 806, 132, 1062),
    "LN83": ("MFX", "Rayonix MX340, 4 x 4 binned", 1920, 1920, 346, 63, 1591),
    "LO19": ("MFX", "Rayonix MX340, 4 x 4 binned", 1920, 1920, 730, 151, 1119),
    "LG36": ("not stated", "CSPAD by its frame size", 1765, 1765, 235, 57, 1708),
    "L498": ("CXI", "CSPAD, poor images", None, None, 148, 498, 1354),
}

_DESCR = """\
{subset} of CXIDB entry 76
{underline}
Frames of serial femtosecond crystallography from LCLS, instrument {instrument}, detector
{detector}{size}. The published run has 2000 frames, labelled by an expert: {n_hit} HIT
(ten or more Bragg spots), {n_maybe} MAYBE (four to nine) and {n_miss} MISS (three or fewer).

This bunch has {n_frames} frames{files}.
{maybe}: targets {targets}. Mask: {mask}. Spot counts: {spots}.

References
----------
https://cxidb.org/id-76.html; Ke et al., J. Synchrotron Rad. 25, 655 (2018).
"""


def load_cxidb76(
    path: str | Path | Sequence[str | Path],
    subset: str,
    *,
    annotation: str | Path | None = None,
    spots: str | Path | None = None,
    mask: str | Path | np.ndarray | Frames | None = None,
    maybe: str = "hit",
    return_X_y: bool = False,
) -> Any:  # as a union its tuple would forbid run.data
    """Load a labelled run of CXIDB entry 76; no frame is read.

    Parameters
    ----------
    path : path, list of paths, or glob pattern
        The run, as for `open_frames`: one file such as ``r0095_2000.h5``, or several.
    subset : {"LN83", "LN84", "LO19", "LG36", "L498"}
        The experiment; it is described in ``DESCR``.
    annotation : path, default=None
        Labels of all frames, one line each, as in ``r0095_2000.h5 [1] MISS``. By default the labels
        beside the run that have its name, as `write_run` writes them, ``r0095_2000.labels.txt``;
        where there are none, ``expert_annotation.txt``.
    spots : path, default=None
        What DIALS counted in each frame, ``dials_annotation.txt``; frames that it leaves out have
        0 spots.
    mask : path, bool ndarray of shape (height, width), or bool Frames, default=None
        True where a pixel is usable; a path is an HDF5 file with a bool mask.
    maybe : {"hit", "miss", "class", "drop"}, default="hit"
        What becomes of frames labelled MAYBE (four to nine spots): a hit, a miss, a third class, or
        no row at all.
    return_X_y : bool, default=False
        Return ``(data, target)`` and nothing else.

    Returns
    -------
    Bunch
        With these names, or only the first two, as a tuple, where `return_X_y` is true.

        data : Frames of shape (n_frames, height, width)
            The run, lazily.
        target : int64 ndarray of shape (n_frames,)
            0 for MISS, 1 for HIT; with ``maybe="class"`` 0 MISS, 1 MAYBE, 2 HIT.
        target_names : str ndarray
            Name of each value of the target.
        labels : str ndarray of shape (n_frames,)
            HIT, MAYBE or MISS, as the expert says.
        sample_weight : float64 ndarray of shape (n_frames,)
            What each label weighs, for `fit` and `evaluate`: 1 for a line that does not say.
        spot_count : int64 ndarray of shape (n_frames,), or None
            Spots found by DIALS.
        mask : bool ndarray of shape (height, width), bool Frames, or None
            True where a pixel is usable.
        DESCR : str
            What the data are.

    Raises
    ------
    InputError
        If a file is missing or is not what it should be, or if the labels do not belong to the
        frames: another number of them, another file name, another order.

    References
    ----------
    T.-W. Ke et al., "A convolutional neural network-based screening tool for X-ray serial
    crystallography", J. Synchrotron Rad. 25, 655 (2018). Data: https://cxidb.org/id-76.html

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from sklearn_sfx import load_cxidb76, write_cxidb76
    >>> from sklearn_sfx.datasets import write_annotation
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_cxidb76(folder / "run.h5", np.ones((3, 8, 8), dtype=np.uint16))
    >>> write_annotation(folder / "expert_annotation.txt", "run.h5", ["HIT", "MISS", "MAYBE"])
    >>> run = load_cxidb76(folder / "run.h5", "LN84")
    >>> run.data.shape, run.target
    ((3, 8, 8), array([1, 0, 1]))
    """
    if subset not in _SUBSETS:
        raise InputError(f"subset must be one of {', '.join(_SUBSETS)}, not {subset!r}.")
    if isinstance(mask, str | os.PathLike):
        mask = read_mask(mask)
    data = open_frames(path, mask=mask)
    origins = data.sources
    if annotation is None:
        first = Path(str(origins[0].path))
        own = run_files(first).labels
        annotation = own if own.exists() else first.with_name("expert_annotation.txt")
        if not annotation.exists():
            raise InputError(
                f"There are no labels beside the run: neither {own.name} nor {annotation.name} is "
                f"in {first.parent}; say where they are with annotation=..., or open the frames "
                "alone with open_frames."
            )
    found = read_annotation(annotation)
    labels, sample_weight = check_annotation(found, origins, annotation), found.weights
    spot_count = None if spots is None else read_spot_counts(spots, len(data))
    target, target_names, kept = make_target(labels, maybe)
    if not kept.all():
        data, labels, sample_weight = data[kept], labels[kept], sample_weight[kept]
        spot_count = None if spot_count is None else spot_count[kept]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=target_names,
        labels=labels,
        sample_weight=sample_weight,
        spot_count=spot_count,
        mask=data.mask,
        DESCR=_describe(subset, data, origins, maybe, target_names, spots),
    )


def _describe(
    subset: str, data: Frames, origins: list, maybe: str, target_names: Any, spots: Any
) -> str:
    instrument, detector, height, width, n_hit, n_maybe, n_miss = _SUBSETS[subset]
    files = sorted({os.path.basename(origin.path) for origin in origins})
    return _DESCR.format(
        subset=subset,
        underline="=" * len(f"{subset} of CXIDB entry 76"),
        instrument=instrument,
        detector=detector,
        size=f", {height} x {width} pixels" if height else "",
        n_hit=n_hit,
        n_maybe=n_maybe,
        n_miss=n_miss,
        n_frames=len(data),
        files=f" of {data.shape[1]} x {data.shape[2]} pixels from {', '.join(files)}",
        maybe=MAYBE_RULES[maybe],
        targets=", ".join(f"{target} {name}" for target, name in enumerate(target_names)),
        mask="none" if data.mask is None else "given, True = usable",
        spots="none" if spots is None else "from DIALS",
    )
