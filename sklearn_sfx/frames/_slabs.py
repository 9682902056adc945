"""Shapes of frames that are known to be modules, stacked."""

from __future__ import annotations

__all__ = ["modules_of"]

# (height, width) of frames, as the detectors' own programs write them: how many modules of how many
# rows.
_SLABS = {
    (1480, 1552): (8, 185),  # CSPAD
    (5632, 384): (16, 352),  # ePix10k2M
    (4096, 1024): (8, 512),  # JUNGFRAU 4M
    (8192, 128): (16, 512),  # AGIPD 1M
    (4096, 128): (8, 512),  # AGIPD 500K
    (4096, 256): (16, 256),  # LPD
    (2048, 512): (16, 128),  # DSSC
}


def modules_of(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return how many modules of how many rows are stacked in frames of a shape, None for none.

    Parameters
    ----------
    shape : tuple of int
        (height, width), behind any other axes.
    """
    return _SLABS.get(tuple(shape[-2:]))  # type: ignore
