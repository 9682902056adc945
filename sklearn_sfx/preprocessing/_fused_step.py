"""Mask, GCN, LCN and RWD as one step, which works through a frame once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameStep, ValueRule, Window
from sklearn_sfx.preprocessing import kernels
from sklearn_sfx.preprocessing._step import BaseStep, described

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

__all__ = ["FusedStep", "PixelRule", "step_of_sample"]

LOADED_AS_THEY_ARE = (np.uint16, np.int16, np.int32, np.float32)
COUNTS = frozenset(map(np.dtype, (np.uint16, np.int16, np.int32)))
WIDE = frozenset(map(np.dtype, (np.int32, np.uint32, np.int64, np.uint64, np.float64)))
NARROW = COUNTS - WIDE
LARGE = 2.0**21  # sums of five whole numbers up to it are exact in float32
FINE = 2.0**10  # floors; float32 still tells a thousandth of one at so many
SAMPLED_ROWS = 64
ALL_USABLE = np.zeros((0, 0), dtype=bool)
RANGES: dict = {"row": kernels.row_ranges, "column": kernels.column_ranges}
CONTRAST: dict = {
    None: kernels.contrast,
    "row": kernels.row_ranges_of_contrast,
    "column": kernels.column_ranges_of_contrast,
}
WHILE_LOADING: dict = {
    None: kernels.contrast_while_loading,
    "row": kernels.row_ranges_while_loading,
}


@dataclass(frozen=True, eq=False)
class PixelRule:
    """Which pixels are not to be used: by place, by saturation, by an agreed value, by a rule."""

    mask: np.ndarray | None = None
    saturation: float | None = None
    invalid: tuple[float, ...] = ()
    values: ValueRule = field(default_factory=ValueRule)

    @property
    def looks_at_values(self) -> bool:
        """Whether more than the place of a pixel counts."""
        return self.saturation is not None or bool(self.invalid)

    def cropped(self, window: Window) -> PixelRule:
        """Return the rule for a part of the frame."""
        mask = None if self.mask is None else self.mask[window.slices].copy()
        return replace(self, mask=mask)


@dataclass(frozen=True, eq=False)
class FusedStep(BaseStep):
    """Mask, GCN, LCN and RWD of one frame, whichever are asked for, in this order and at once.

    Nothing but the frame itself is held in memory between them: GCN divides by the global
    deviation S, so GCN followed by LCN is (x - m) / max(s, floor * S) on the frame as it was read.

    Parameters
    ----------
    rule : PixelRule or None
        Pixels to mask first.
    normalize : bool
        Global contrast normalization.
    kernel_size : int or None
        Side of the window of the local contrast normalization; None to leave it out.
    floor : float or "mean"
        The smallest divisor of the local contrast normalization.
    axis : {"row", "column"} or None
        Take max - min along every row, or column; None to leave it out.
    """

    rule: PixelRule | None = None
    normalize: bool = False
    kernel_size: int | None = None
    floor: float | str = 1.0
    axis: str | None = None

    takes_integers: ClassVar[bool] = True  # as tensors
    frees_gil: ClassVar[bool] = True

    @property
    def description(self) -> str:
        """The stages but for the mask, which is another one on each detector."""
        lcn = f"LCN({self.kernel_size}, floor={self.floor})"
        stages = [
            "GCN" if self.normalize else "",
            lcn if self.kernel_size is not None else "",
            f"RowWiseDecomposition({self.axis})" if self.axis is not None else "",
        ]
        return ", ".join(stage for stage in stages if stage)

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the result, and refuse a frame that is too small."""
        shape = tuple(frame_shape)
        if self.kernel_size is not None:
            if min(shape) < self.kernel_size:
                raise InputError(
                    f"LCN(kernel_size={self.kernel_size}) needs at least {self.kernel_size} pixels "
                    f"along each side of a frame, or values in a signal; got {described(shape)}: "
                    "choose a smaller kernel_size."
                )
            shape = tuple(side - self.kernel_size + 1 for side in shape)
        if self.axis is not None:
            if len(shape) != 2:
                raise InputError(
                    f"RowWiseDecomposition needs frames (height, width), got {described(shape)}."
                )
            shape = (shape[0 if self.axis == "row" else 1],)
        return shape

    def append_to(
        self, window: Window, steps: tuple[FrameStep, ...]
    ) -> tuple[Window, tuple[FrameStep, ...]]:
        """Become one step with the last one, where the order of the stages allows it."""
        if steps and isinstance(steps[-1], FusedStep) and steps[-1]._last_stage < self._first_stage:
            return window, (*steps[:-1], steps[-1]._then(self))
        return super().append_to(window, steps)

    @property
    def only_masks(self) -> bool:
        """Whether a crop that comes later may as well come first."""
        return self._last_stage == 0

    def cropped(self, window: Window) -> FusedStep:
        """Return the step for a part of the frame, where it only masks."""
        return self if self.rule is None else replace(self, rule=self.rule.cropped(window))

    @property
    def _stages(self) -> list[bool]:
        return [
            self.rule is not None,
            self.normalize,
            self.kernel_size is not None,
            self.axis is not None,
        ]

    @property
    def _first_stage(self) -> int:
        return self._stages.index(True)

    @property
    def _last_stage(self) -> int:
        return 3 - self._stages[::-1].index(True)

    def _then(self, later: FusedStep) -> FusedStep:
        changes: dict[str, Any] = {
            "normalize": self.normalize or later.normalize,
            "axis": later.axis,
        }
        if later.kernel_size is not None:
            changes |= {"kernel_size": later.kernel_size, "floor": later.floor}
        return replace(self, **changes)

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        """Run on one frame (h, w), or one signal (n,); float32."""
        frame = np.asarray(frame)
        if frame.dtype in WIDE and (self.normalize or self.kernel_size or self.axis):
            level = _large_level(frame)
            if level:
                usable = self._usable_by_value(frame, usable)
                frame = (frame - np.float64(level)).astype(np.float32)
                return replace(self, rule=None)(frame, usable)
        if self._takes_counts and frame.dtype in COUNTS and frame.flags.carray:
            out = self._ranges_of_counts(frame, usable)
            if out is not None:
                return out
        shape = self.output_shape(frame.shape)
        if self.rule is not None and self.rule.values:
            bad = self.rule.values.not_usable(frame)
            if bad is not None:
                usable = ~bad if usable is None else usable & ~bad
        if self.kernel_size is not None:
            window = (1 if frame.ndim == 1 else self.kernel_size, self.kernel_size)
            out = np.empty(shape, dtype=np.float32)
            grid = out if self.axis is not None else np.atleast_2d(out)
            self._contrast(np.atleast_2d(frame), usable, window, grid)
            return out
        loaded, _, mean, std = self._load(np.atleast_2d(frame), usable)
        if self.axis is None:
            if self.normalize:
                kernels.standardize(loaded, mean, std)
            return loaded.reshape(shape)
        out = np.empty(shape, dtype=np.float32)
        RANGES[self.axis](loaded, out)
        if self.normalize:
            out *= np.float32(1 / std if std > 0 else 0)
        return out

    def on_tensors(self, X: Tensor) -> Tensor:
        """Do the same to frames (n, h, w), or signals (n, length), on their device; float32."""
        from sklearn_sfx.preprocessing._fused_step_on_tensors import run

        return run(self, X)

    def on_array(
        self,
        frames: np.ndarray,
        positions: np.ndarray,
        window: Window,
        usable: np.ndarray | None,
        out: np.ndarray,
    ) -> np.ndarray:
        """Run on frames of an array in one compiled call, where there is one; say which are done.

        frames (n, height, width); positions (m,) int64; usable (window.height, window.width) bool
        or None; out (m, ...) float32, of which the rows that are done are filled.
        """
        size, is_narrow = self.kernel_size or 1, frames.dtype in NARROW
        top, left, height, width = window
        lies_within = 0 <= top <= top + height <= frames.shape[1]
        lies_within &= 0 <= left <= left + width <= frames.shape[2]
        fits = lies_within and min(height, width) >= size
        if not (fits and is_narrow and self._takes_counts and frames.flags.carray):
            return np.zeros(len(positions), dtype=bool)
        place = ALL_USABLE if usable is None and self.rule is None else self._usable(usable)
        how = (size, size), float(self.floor), self.normalize
        return kernels.row_ranges_of_many_counts(frames, positions, window, place, *how, out)

    @cached_property
    def _takes_counts(self) -> bool:
        """Whether one compiled call may do all of it, for frames of counts: the usual case."""
        return (
            self.kernel_size is not None
            and self.floor != "mean"
            and self.axis == "row"
            and (self.rule is None or not (self.rule.looks_at_values or self.rule.values))
        )

    def _ranges_of_counts(self, frame: np.ndarray, usable: np.ndarray | None) -> np.ndarray | None:
        """Return the ranges of one frame; None where it takes more than one call."""
        (height, width), size = frame.shape, self.kernel_size or 1
        if height < size or width < size:
            return None
        place = ALL_USABLE if usable is None and self.rule is None else self._usable(usable)
        out = np.empty(height - size + 1, dtype=np.float32)
        window, floor = (size, size), float(self.floor)
        done = kernels.row_ranges_of_counts(frame, place, window, floor, self.normalize, out)
        return out if done else None

    def _contrast(
        self,
        frame: np.ndarray,
        usable: np.ndarray | None,
        window: tuple[int, int],
        out: np.ndarray,
    ) -> None:
        """Fill ``out`` with the local contrast of one frame (h, w), or with its ranges."""
        counts, std = self._as_counts(frame, usable)
        row_by_row = counts is not None and self.axis in WHILE_LOADING
        loaded = None
        if counts is None:
            loaded, std = self._loaded(frame, usable)
        elif self.floor == "mean" or not row_by_row:  # which take all rows at once
            loaded = _load_counts(counts)
        work = kernels.new_work(frame.shape[1])
        if self.floor == "mean":
            floor = kernels.mean_deviation(loaded, window, work)
        else:
            floor = float(self.floor) * (std if self.normalize else 1.0)
        fill, pixels = (WHILE_LOADING, counts) if row_by_row else (CONTRAST, loaded)
        fill[self.axis](pixels, window, floor, work, out)

    def _as_counts(
        self, frame: np.ndarray, usable: np.ndarray | None
    ) -> tuple[tuple[np.ndarray, np.ndarray, np.float32] | None, float]:
        """Return a frame of counts as kernels load it, and its std; None if it has to be now.

        Counts are taken less a whole number near their mean, which changes no contrast.
        """
        if frame.dtype.kind not in "iu" or (self.rule and self.rule.looks_at_values):
            return None, 0.0
        frame = _as_kernels_take_it(frame)
        mask = self._usable(usable)
        reference = kernels.reference_of_counts(frame, mask)
        mean, std = kernels.moments_of_counts(frame, mask, reference)
        if abs(mean) > kernels.NEAR * std:
            return None, std
        return (frame, mask, reference), std

    def _loaded(
        self, frame: np.ndarray, usable: np.ndarray | None
    ) -> tuple[tuple[np.ndarray, np.ndarray, float, bool], float]:
        """Return a loaded frame, with a number near its mean or near most of it, and its std."""
        loaded, masked_rows, mean, std = self._load(frame, usable)
        floor = 0.0 if isinstance(self.floor, str) else self.floor * (std if self.normalize else 1)
        if std > FINE * floor:
            mean = _level(loaded)
        are_counts = frame.dtype.kind in "iu"
        if are_counts:
            reference = np.float32(np.round(mean))
            kernels.lower(loaded, reference)
            mean = float(mean - reference)
        return (loaded, masked_rows, mean, are_counts), std

    def _load(
        self, frame: np.ndarray, usable: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Return the frame as float32, NaN where not usable, its rows with NaN, mean and std."""
        rule = self.rule or PixelRule()
        loaded = np.empty(frame.shape, dtype=np.float32)
        masked_rows = np.empty(frame.shape[0], dtype=bool)
        _, mean, std = kernels.load_frame(
            _as_kernels_take_it(frame),
            self._usable(usable),
            np.float32(np.inf if rule.saturation is None else rule.saturation),
            np.array(rule.invalid, dtype=np.float32),
            loaded,
            masked_rows,
        )
        return loaded, masked_rows, mean, std

    def _usable_by_value(self, frame: np.ndarray, usable: np.ndarray | None) -> np.ndarray | None:
        """Return which pixels are usable by all that the rule says, of a frame as it was read."""
        if self.rule is None:
            return usable
        good = np.ones(frame.shape, dtype=bool)
        for mask in (usable, self.rule.mask):
            good &= True if mask is None else mask
        if self.rule.saturation is not None:
            good &= frame < self.rule.saturation
        good &= ~np.isin(frame, self.rule.invalid)
        bad = self.rule.values.not_usable(frame) if self.rule.values else None
        return good if bad is None else good & ~bad

    def _usable(self, usable: np.ndarray | None) -> np.ndarray:
        """Return which pixels are usable by their place, as the kernels take it."""
        of_rule = None if self.rule is None else self.rule.mask
        masks = [mask for mask in (usable, of_rule) if mask is not None]
        mask = ALL_USABLE if not masks else masks[0] if len(masks) == 1 else masks[0] & masks[1]
        return np.require(mask, requirements=["C", "W"])


def step_of_sample(n_pixels: int) -> int:
    """Return how far apart pixels are of which four thousand tell a level; odd, as widths are not.

    So the sample is none of a few columns.
    """
    return max(1, n_pixels // 4096) | 1


def _large_level(frame: np.ndarray) -> float:
    """Return the level of a frame, whole, if it takes digits of its pixels to round them; else 0.

    To take it away before changes nothing else: contrast and range do not know it.
    """
    if frame.dtype.kind != "f" and abs(frame[::SAMPLED_ROWS].mean(dtype=np.float64)) < LARGE:
        return 0.0
    return float(np.rint(_level(frame)))


def _level(frame: np.ndarray) -> float:
    """Return a number near most usable pixels of a frame, told by some of them.

    It is the lower quartile by size, as the mean, or even the median, may be that of pixels which
    hold 2**32 - 1 because they cannot be used.
    """
    some = np.ravel(frame)[:: step_of_sample(frame.size)]
    if frame.dtype.kind == "f":
        some = some[np.isfinite(some)]
    if some.size == 0:
        return 0.0
    place = some.size // 4
    return float(some[np.argpartition(np.abs(some.astype(np.float64)), place)[place]])


def _as_kernels_take_it(frame: np.ndarray) -> np.ndarray:
    """Spare a kernel from compiling anew for another dtype, a read-only frame or a strided one."""
    if frame.dtype not in LOADED_AS_THEY_ARE:
        frame = frame.astype(np.float32)
    return np.require(frame, requirements=["C", "W"])


def _load_counts(
    counts: tuple[np.ndarray, np.ndarray, np.float32],
) -> tuple[np.ndarray, np.ndarray, float, bool]:
    """Load all of a frame of counts, where it is not enough to do so row by row."""
    frame, mask, reference = counts
    loaded = np.empty(frame.shape, dtype=np.float32)
    masked_rows = np.empty(len(frame), dtype=bool)
    kernels.load_lowered(frame, mask, reference, loaded, masked_rows)
    return loaded, masked_rows, 0.0, True
