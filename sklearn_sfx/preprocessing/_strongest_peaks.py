"""The heights of a frame's strongest peaks as a short vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._peak_kernels import Found
from sklearn_sfx.preprocessing._peak_pixels import Pixels
from sklearn_sfx.preprocessing._peak_step import AnywherePeakStep, PeakSettings

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

    from sklearn_sfx.preprocessing._peaks_on_tensors import FoundOnTensors

__all__ = ["StrongestPeaks"]


class StrongestPeaks(FrameTransformer):
    """Turn each frame into the signal-to-noise of its strongest peaks.

    Value k is the height of the peak of rank k, the first being the strongest, above its local
    background and in units of the local noise, as ``arcsinh``: like a logarithm for strong peaks.
    It is 0 where a frame has fewer peaks. So a threshold on one value is a count: "the tenth peak
    stands out by 7" says that there are ten peaks or more that do.

    A peak is measured against its own surroundings, and where it lies is not kept. So the values
    mean the same on every detector, and a linear classifier on them needs few labels. Put
    `PixelMask` with ``detect=True`` before it, since a defective pixel can pass for a peak; GCN and
    LCN are not needed.

    Parameters
    ----------
    ranks : sequence of int, default=(1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100)
        Which peaks to keep, by strength; 1 and above, rising.
    min_snr : float, default=4.0
        Weaker peaks are not looked for.
    min_pixels, max_pixels : int, default=2, 200
        A peak has at least and at most so many pixels.
    background_radius : int, default=8
        How far the window reaches that gives level and noise around a peak, in pixels.
    noise_floor : float, default=1.0
        The least noise, in the units of the frames.

    Attributes
    ----------
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        ``X.shape[1]`` of the X seen in `fit`.

    Raises
    ------
    InputError
        In `fit`, if `ranks` are not rising numbers from 1 up; later, if frames are of another
        shape.

    See Also
    --------
    RowWiseDecomposition : A vector that keeps the rows, for a `CNN1D`.
    count_peaks : The number of peaks, and nothing else of them.

    References
    ----------
    .. [1] Barty et al., "Cheetah: software for high-throughput reduction and analysis of serial
       femtosecond X-ray diffraction data", J. Appl. Cryst. 47, 1118 (2014): the peak finder by
       local signal-to-noise whose terms are used here.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import StrongestPeaks
    >>> frames = np.random.default_rng(0).poisson(10.0, (2, 100, 100))
    >>> frames[1, 40:43, 70:73] += 60
    >>> StrongestPeaks(ranks=(1, 2)).fit_transform(frames).round(1)
    array([[0. , 0. ],
           [3.7, 0. ]], dtype=float32)
    >>> StrongestPeaks(ranks=(1, 2)).fit(frames).get_feature_names_out()
    array(['peak1', 'peak2'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict] = {
        "ranks": ["array-like"],
        "min_snr": [Interval(Real, 0, None, closed="neither")],
        "min_pixels": [Interval(Integral, 1, None, closed="left")],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "background_radius": [Interval(Integral, 2, None, closed="left")],
        "noise_floor": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        ranks: Sequence[int] = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100),
        *,
        min_snr: float = 4.0,
        min_pixels: int = 2,
        max_pixels: int = 200,
        background_radius: int = 8,
        noise_floor: float = 1.0,
    ):
        self.ranks = ranks
        self.min_snr = min_snr
        self.min_pixels = min_pixels
        self.max_pixels = max_pixels
        self.background_radius = background_radius
        self.noise_floor = noise_floor

    @property
    def _value_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(f"peak{rank}" for rank in self.ranks)

    def _make_step(self) -> StrongestPeaksStep:
        ranks = np.asarray(self.ranks)
        rising = ranks.ndim == 1 and ranks.dtype.kind in "iu" and (np.diff(ranks) > 0).all()
        if not rising or ranks.size == 0 or ranks[0] < 1:
            raise InputError(
                f"StrongestPeaks needs ranks that rise from 1 or more, got {self.ranks!r}."
            )
        settings = PeakSettings(
            float(self.min_snr),
            int(self.min_pixels),
            int(self.max_pixels),
            int(self.background_radius),
            float(self.noise_floor),
        )
        return StrongestPeaksStep(tuple(ranks.tolist()), settings)


@dataclass(frozen=True)
class StrongestPeaksStep(AnywherePeakStep):
    """What `StrongestPeaks` does to one frame."""

    ranks: tuple[int, ...]
    settings: PeakSettings

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of ranks, whatever the shape of the frames."""
        return (len(self.ranks),)

    def of_peaks(self, pixels: Pixels, found: Found) -> np.ndarray:
        """Return the heights of these ranks, float32."""
        heights = np.sort(found.table[:, 4])[::-1]
        out = np.zeros(len(self.ranks), np.float32)
        kept = np.array(self.ranks) - 1
        kept = kept[kept < len(heights)]
        out[: len(kept)] = np.arcsinh(heights[kept])
        return out

    def of_peaks_on_tensors(self, found: FoundOnTensors, n_frames: int) -> Tensor:
        """Return the heights of these ranks in each frame, float32 (n_frames, n_ranks)."""
        import torch

        snr, order = found.snr.sort(descending=True)
        frame, by_frame = found.frame[order].sort(stable=True)
        n_before = frame.bincount(minlength=n_frames).cumsum(0) - frame.bincount(minlength=n_frames)
        rank = torch.arange(1, len(frame) + 1, device=frame.device) - n_before[frame]
        ranks = torch.tensor(self.ranks, device=frame.device)
        column = torch.searchsorted(ranks, rank).clamp(max=len(ranks) - 1)
        is_asked = ranks[column] == rank
        out = torch.zeros(n_frames, len(ranks), device=frame.device)
        out[frame[is_asked], column[is_asked]] = snr[by_frame][is_asked].arcsinh()
        return out
