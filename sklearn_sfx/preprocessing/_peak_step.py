"""Steps that say something of a frame's peaks; several of them find those peaks once."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from sklearn.utils.metaestimators import available_if

from sklearn_sfx._tensors import lies_on_gpu
from sklearn_sfx.frames import FrameStep, Window
from sklearn_sfx.preprocessing._fused_step import FusedStep
from sklearn_sfx.preprocessing._peak_kernels import Found, find_all
from sklearn_sfx.preprocessing._peak_pixels import Pixels, pixels_of
from sklearn_sfx.preprocessing._step import BaseStep, run_through_numpy

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

    from sklearn_sfx.preprocessing._peaks_on_tensors import FoundOnTensors

__all__ = ["AnywherePeakStep", "PeakSettings", "PeakStep", "peaks_once"]


class PeakSettings(NamedTuple):
    """What counts as a peak; the fields are the settings of `find_peaks`."""

    min_snr: float
    min_pixels: int
    max_pixels: int
    background_radius: int
    noise_floor: float


class PeakStep(BaseStep):
    """Base class for what turns the peaks of a frame into a short vector.

    Behind a mask it takes the frame as it was read, and the mask, so that no masked copy is made.
    """

    settings: PeakSettings
    bright: ClassVar[float] = np.inf  # pixels above this are told, in units of the local noise
    frees_gil: ClassVar[bool] = True

    def append_to(
        self, window: Window, steps: tuple[FrameStep, ...]
    ) -> tuple[Window, tuple[FrameStep, ...]]:
        """Follow the other steps, or take the place of one that only masks."""
        return _append(PeaksOnce((self,)), window, steps)

    def pixels(self, pixels: Pixels) -> Pixels:
        """Return the pixels that it finds peaks in, of those of a frame."""
        return pixels

    @abstractmethod
    def of_peaks(self, pixels: Pixels, found: Found) -> np.ndarray:
        """Return the vector, float32, for what was found with its settings."""

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (height, width) of any real dtype; float32."""
        return PeaksOnce((self,))(frame, usable)


class AnywherePeakStep(PeakStep):
    """Base class for a step that asks no more of a frame than its peaks, and so runs on a GPU too.

    On a processor the compiled peak finder takes tensors as well: there it is much faster.
    """

    takes_integers: ClassVar[bool] = True  # as tensors

    @abstractmethod
    def of_peaks_on_tensors(self, found: FoundOnTensors, n_frames: int) -> Tensor:
        """Return the vectors (n_frames, ...), float32, for what was found with its settings."""

    def on_tensors(self, X: Tensor) -> Tensor:
        """Run on frames (n, height, width) of any real dtype on their device; float32."""
        return PeaksOnce((self,)).on_tensors(X)


def peaks_once(steps: Sequence[PeakStep]) -> PeaksOnce:
    """Return one step that gives what these do, one after the other in one vector."""
    return PeaksOnce(tuple(steps))


@dataclass(frozen=True, eq=False)
class PeaksOnce(BaseStep):
    """Several steps on one frame, which is looked at once for all that look alike."""

    steps: tuple[PeakStep, ...]
    mask: np.ndarray | None = None
    takes_integers: ClassVar[bool] = True  # as tensors
    frees_gil: ClassVar[bool] = True

    @property
    def description(self) -> str:
        """Those of the steps; the mask is another one on each detector."""
        return ", ".join(step.description for step in self.steps)

    def append_to(
        self, window: Window, steps: tuple[FrameStep, ...]
    ) -> tuple[Window, tuple[FrameStep, ...]]:
        """Follow the other steps, or take the place of one that only masks."""
        return _append(self, window, steps)

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return how many numbers there are of all steps."""
        return (sum(step.output_shape(frame_shape)[0] for step in self.steps),)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (height, width) of any real dtype; float32."""
        if self.mask is not None:
            usable = self.mask if usable is None else self.mask & usable
        as_read = pixels_of(frame, usable)
        pixels = [step.pixels(as_read) for step in self.steps]
        alike = defaultdict(list)  # those that find peaks in the same pixels, by the same windows
        for k, (step, (_, _, least, values)) in enumerate(zip(self.steps, pixels, strict=True)):
            *_, radius, floor = step.settings
            alike[least, values.tobytes(), radius, floor].append(k)
        out: list[np.ndarray] = [np.empty(0, np.float32)] * len(self.steps)
        for group in alike.values():
            of_group = [self.steps[k] for k in group]
            looks = [step.settings for step in of_group]
            bright = min(step.bright for step in of_group)
            for k, found in zip(group, find_all(pixels[group[0]], looks, bright), strict=True):
                out[k] = self.steps[k].of_peaks(pixels[k], found)
        return out[0] if len(out) == 1 else np.concatenate(out)

    @available_if(lambda self: all(isinstance(step, AnywherePeakStep) for step in self.steps))
    def on_tensors(self, X: Tensor) -> Tensor:
        """Run on frames (n, height, width) of any real dtype on their device; float32."""
        if not lies_on_gpu(X):
            return run_through_numpy(self, X)
        import torch

        from sklearn_sfx.preprocessing._peaks_on_tensors import find_on_tensors

        alike = defaultdict(list)
        for k, step in enumerate(self.steps):
            alike[step.settings[3:]].append(k)
        out: list[Tensor] = [torch.empty(0)] * len(self.steps)
        for group in alike.values():
            looks = [self.steps[k].settings for k in group]
            for k, found in zip(group, find_on_tensors(X, looks, self.mask), strict=True):
                out[k] = self.steps[k].of_peaks_on_tensors(found, len(X))  # type: ignore[attr-defined]
        return torch.cat(out, 1)


def _append(
    peaks: PeaksOnce, window: Window, steps: tuple[FrameStep, ...]
) -> tuple[Window, tuple[FrameStep, ...]]:
    last = steps[-1] if steps else None
    rule = last.rule if isinstance(last, FusedStep) and last.only_masks else None
    if rule is None or rule.looks_at_values or rule.values:
        return window, (*steps, peaks)
    return window, (*steps[:-1], PeaksOnce(peaks.steps, rule.mask))
