"""Frames to RWD vectors, as one would write it: crop, GCN, LCN 5 x 5, row-wise decomposition."""

import cv2
import numpy as np
import torch
from scipy.ndimage import uniform_filter
from torch.nn.functional import avg_pool2d

CROP = (slice(598, 1322), slice(598, 1322))  # the central 724 x 724 of 1920 x 1920


def with_scipy(frames: np.ndarray) -> np.ndarray:
    """Compute in float64."""
    return np.array([one_with_scipy(frame) for frame in frames])


def one_with_scipy(frame: np.ndarray) -> np.ndarray:
    crop = frame[CROP].astype(np.float64)
    crop = (crop - crop.mean()) / crop.std()
    mean = uniform_filter(crop, 5)
    variance = uniform_filter(crop * crop, 5) - mean * mean
    contrast = (crop - mean) / np.maximum(np.sqrt(np.maximum(variance, 0)), 1)
    inner = contrast[2:-2, 2:-2]
    return inner.max(axis=1) - inner.min(axis=1)


def with_scipy_masked(frames: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Compute in float64, with sums over the usable pixels and their number."""
    good = usable[CROP]
    vectors = []
    for frame in frames:
        crop = frame[CROP].astype(np.float64)
        crop = np.where(good, (crop - crop[good].mean()) / crop[good].std(), 0)
        part = np.maximum(uniform_filter(good.astype(np.float64), 5), 1e-9)
        mean = uniform_filter(crop, 5) / part
        variance = uniform_filter(crop * crop, 5) / part - mean * mean
        contrast = (crop - mean) / np.maximum(np.sqrt(np.maximum(variance, 0)), 1)
        inner, seen = contrast[2:-2, 2:-2], good[2:-2, 2:-2]
        highest = np.where(seen, inner, -np.inf).max(axis=1)
        lowest = np.where(seen, inner, np.inf).min(axis=1)
        vectors.append(np.where(seen.any(axis=1), highest - lowest, 0))
    return np.array(vectors)


def with_opencv(frames: np.ndarray) -> np.ndarray:
    """Compute in float32, with OpenCV's filters and numpy between them."""
    vectors = []
    for frame in frames:
        crop = frame[CROP].astype(np.float32)
        mean, spread = cv2.meanStdDev(crop)
        crop = (crop - np.float32(mean.item())) / np.float32(spread.item())
        mean = cv2.blur(crop, (5, 5))
        variance = cv2.sqrBoxFilter(crop, cv2.CV_32F, (5, 5)) - mean * mean
        contrast = (crop - mean) / np.maximum(np.sqrt(np.maximum(variance, 0)), 1)
        inner = contrast[2:-2, 2:-2]
        vectors.append(inner.max(axis=1) - inner.min(axis=1))
    return np.array(vectors)


@torch.inference_mode()
def with_torch(frames: np.ndarray) -> np.ndarray:
    """Compute in float32, all frames in one batch."""
    crop = torch.from_numpy(frames[:, *CROP].astype(np.float32))
    spread, mean = torch.std_mean(crop, dim=(1, 2), correction=0, keepdim=True)
    crop = (crop - mean) / spread
    mean = avg_pool2d(crop, 5, stride=1)
    variance = avg_pool2d(crop * crop, 5, stride=1) - mean * mean
    contrast = (crop[:, 2:-2, 2:-2] - mean) / variance.clamp(min=1).sqrt()
    return (contrast.amax(dim=2) - contrast.amin(dim=2)).numpy()
