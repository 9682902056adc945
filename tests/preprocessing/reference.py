"""The formulas of preprocessing for one frame, in float64 and written for clarity only."""

import warnings

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def masked(frame, usable=None, saturation=None, invalid=()):
    out = np.array(frame, dtype=np.float64)
    unusable = np.isin(out, list(invalid))
    if usable is not None:
        unusable |= ~usable
    if saturation is not None:
        unusable |= out >= saturation
    out[unusable] = np.nan
    return out


def central_crop(frame, size):
    starts = [(side - size) // 2 for side in frame.shape]
    return frame[tuple(slice(start, start + size) for start in starts)].astype(np.float64)


def gcn(frame):
    frame = frame.astype(np.float64)
    usable = ~np.isnan(frame)
    if not usable.any() or np.ptp(frame[usable]) == 0:
        return np.where(usable, 0.0, np.nan)
    return (frame - frame[usable].mean()) / frame[usable].std()


def lcn(frame, kernel_size, floor):
    frame = frame.astype(np.float64)
    windows = sliding_window_view(frame, (kernel_size,) * frame.ndim)
    windows = windows.reshape(*windows.shape[: frame.ndim], -1)
    centre = windows[..., windows.shape[-1] // 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # windows without a usable pixel
        deviation = centre - np.nanmean(windows, axis=-1)
        std = np.nanstd(windows, axis=-1)
        flat = np.nanmax(windows, axis=-1) == np.nanmin(windows, axis=-1)
    deviation[flat & ~np.isnan(centre)] = 0
    std[flat] = 0
    if floor == "mean":
        counted = std[~np.isnan(deviation)]
        floor = counted.mean() if counted.size else 0.0
    divisor = np.maximum(std, floor)
    divisor[divisor == 0] = 1  # flat, where the deviation is 0
    return deviation / divisor


def rwd(frame, axis="row"):
    lines = frame if axis == "row" else frame.T
    usable = [line[~np.isnan(line)] for line in lines]
    return np.array([line.max() - line.min() if line.size else 0.0 for line in usable])
