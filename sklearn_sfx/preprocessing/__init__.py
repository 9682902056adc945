"""Transformers of frames: masking, cropping, contrast, row-wise decomposition; and their peaks.

They take arrays, lazy `Frames` (and stay lazy) and torch tensors (and stay on their device), work
frame by frame, return float32 and mark pixels that are not to be used with NaN. One of your own is
made from `FrameTransformer` and `BaseStep`.
"""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.preprocessing._angular_variance import AngularVariance
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._contrast import GCN, LCN
from sklearn_sfx.preprocessing._counting import warn_if_scaled as warn_if_scaled
from sklearn_sfx.preprocessing._crop import CentralCrop
from sklearn_sfx.preprocessing._decomposition import RowWiseDecomposition
from sklearn_sfx.preprocessing._lit_pixels import LitPixels
from sklearn_sfx.preprocessing._mask import PackedMask as PackedMask
from sklearn_sfx.preprocessing._mask import PixelMask
from sklearn_sfx.preprocessing._particle_features import ParticleFeatures as ParticleFeatures
from sklearn_sfx.preprocessing._peak_step import PeakStep as PeakStep
from sklearn_sfx.preprocessing._peak_step import peaks_once as peaks_once
from sklearn_sfx.preprocessing._peaks import Peaks, count_peaks, find_peaks
from sklearn_sfx.preprocessing._peaks import peak_count_step as peak_count_step
from sklearn_sfx.preprocessing._radial import RadialProfile, RadialSpectrum
from sklearn_sfx.preprocessing._sphere_fit import SphereFit
from sklearn_sfx.preprocessing._spots import SpotCountStep as SpotCountStep
from sklearn_sfx.preprocessing._spots import count_spots, find_spots
from sklearn_sfx.preprocessing._step import BaseStep
from sklearn_sfx.preprocessing._strongest_peaks import StrongestPeaks

__all__ = [
    "GCN",
    "LCN",
    "AngularVariance",
    "BaseStep",
    "CentralCrop",
    "FrameTransformer",
    "LitPixels",
    "Peaks",
    "PixelMask",
    "RadialProfile",
    "RadialSpectrum",
    "RowWiseDecomposition",
    "SphereFit",
    "StrongestPeaks",
    "count_peaks",
    "count_spots",
    "find_peaks",
    "find_spots",
]

carry_the_face(__name__)
