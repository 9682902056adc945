"""Training frames in half precision: read when they are needed, and kept as far as memory goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sklearn_sfx._validation import is_frames
from sklearn_sfx.classifiers._training import InMemory, fits_on, to_tensor
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import room_for
from sklearn_sfx.preprocessing import BaseStep

__all__ = ["CachedFrames", "Masked", "Packed", "PixelChange", "pack", "unpack"]

TOP = 15  # 2 ** 15 is the largest power of two in half precision


@dataclass(frozen=True)
class Packed:
    """Frames in half precision, each with the power of two that it was multiplied by."""

    half: torch.Tensor
    scale: torch.Tensor

    def __getitem__(self, rows: slice) -> "Packed":
        return Packed(self.half[rows], self.scale[rows])


def pack(frames: torch.Tensor) -> Packed:
    """Round frames (n, height, width) to 11 significant bits; NaN becomes 0.

    Each frame is multiplied by the power of two that takes its largest value close to the end
    of half precision, so that counts do not overflow and small values do not vanish.
    """
    if frames.device.type == "cpu" and len(frames) > 1:  # one after the other stays in the cache
        half = room_for(frames.shape, frames.device, torch.float16)
        scale = frames.new_empty(len(frames), 1, 1)
        for i, frame in enumerate(frames.split(1)):
            packed = pack(frame)
            half[i], scale[i] = packed.half[0], packed.scale[0]
        return Packed(half, scale)
    frames = torch.nan_to_num(frames, nan=0.0, posinf=torch.inf, neginf=-torch.inf)
    peak = frames.abs().amax(dim=(1, 2))
    if not peak.isfinite().all():
        raise InputError(
            "X contains infinity (inf); mark pixels that are not to be used with NaN instead."
        )
    exponent = torch.frexp(peak).exponent.cpu().numpy()
    # The power has to be a float32 itself, even for the smallest values that there are.
    scale = np.ldexp(np.float32(1), np.minimum(TOP - exponent, 127))
    scale = torch.from_numpy(scale.reshape(-1, 1, 1)).to(frames.device)
    return Packed((frames * scale).half(), scale)


def unpack(packed: Packed) -> torch.Tensor:
    """Return float32 frames of the values that `pack` rounded to."""
    return unpacked([packed])


def unpacked(parts: Sequence[Packed]) -> torch.Tensor:
    """Return float32 frames (n, height, width) of several parts, one after the other."""
    half = [frame for part in parts for frame in part.half.split(1)]
    scale = torch.cat([part.scale for part in parts])
    if scale.device.type != "cpu":
        return torch.cat(half).float().div_(scale)
    frames = room_for((len(half), *half[0].shape[1:]), scale.device)
    for i, frame in enumerate(half):  # stays in the cache
        torch.div(frame[0].float(), scale[i], out=frames[i])
    return frames


@dataclass(frozen=True)
class PixelChange:
    """What is done to each pixel of some of the frames, each float32 (height, width)."""

    rows: torch.Tensor  # bool (n,): which frames
    subtracted: torch.Tensor
    factor: torch.Tensor
    added: torch.Tensor

    def to(self, frames: torch.Tensor, rows: list[int]) -> torch.Tensor:
        """Change frames that were fetched of these rows, in place."""
        steps = (each.to(frames.device) for each in (self.subtracted, self.factor, self.added))
        subtracted, factor, added = steps
        for frame, row in zip(frames, rows, strict=True):
            if self.rows[row]:
                frame.sub_(subtracted).mul_(factor).add_(added)
        return frames


class CachedFrames(InMemory):
    """Samples for training from an array, a tensor, or `Frames` that stay where they are.

    All of them are rounded to half precision, so that what is trained does not depend on where the
    frames come from nor on which of them are kept. `Frames` are kept as they come while there is
    room. Each epoch wants every frame once, so one that is dropped for another would gain nothing.

    Parameters
    ----------
    X : ndarray, torch.Tensor or Frames, shape (n, height, width)
        The frames.
    targets : ndarray of int64, shape (n,)
        The number of the class of each.
    max_bytes : float
        The most that kept frames take together.
    sample_weight : ndarray of float, shape (n,), optional
        What each weighs.

    Attributes
    ----------
    change : PixelChange or None
        What is done to frames whenever they are fetched, after they are rounded.
    """

    change: PixelChange | None = None

    def __init__(
        self,
        X: Any,
        targets: np.ndarray,
        max_bytes: float,
        sample_weight: np.ndarray | None = None,
    ):
        super().__init__(X, targets, sample_weight)
        self.frame_bytes = 2 * int(np.prod(X.shape[1:]))
        self.room = int(max_bytes // self.frame_bytes)
        self.kept: dict[int, Packed] = {}
        self.device = torch.device("cpu")

    def move_to(self, device: torch.device) -> None:
        """Keep the frames where they are trained on, if that is a GPU and those to keep fit."""
        n_kept = min(len(self), self.room) if is_frames(self.X) else 2 * len(self)
        if fits_on(device, n_kept * self.frame_bytes):
            self.device = device
            self.X = self.X if is_frames(self.X) else to_tensor(self.X).to(device)

    def _fetch(self, rows: list[int]) -> torch.Tensor:
        frames = self._unchanged(rows)
        return frames if self.change is None else self.change.to(frames, rows)

    def _unchanged(self, rows: list[int]) -> torch.Tensor:
        if not is_frames(self.X):
            return unpack(pack(to_tensor(self.X[rows])))
        missing = [row for row in rows if row not in self.kept]
        found = {row: self.kept[row] for row in rows if row in self.kept}
        if missing:
            read = torch.from_numpy(np.asarray(self.X[missing], dtype=np.float32))
            packed = pack(read.to(self.device))
            for i, row in enumerate(missing):
                found[row] = packed[i : i + 1]
                if len(self.kept) < self.room:
                    # A copy, or one kept frame would hold on to its whole batch.
                    self.kept[row] = Packed(found[row].half.clone(), found[row].scale.clone())
        return unpacked([found[row] for row in rows])


@dataclass(frozen=True)
class Masked(BaseStep):
    """Makes unusable pixels NaN, where no step before has done so: for `Frames.append`."""

    description = ""

    def output_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, ...]:
        return frame_shape

    def __call__(self, frame: np.ndarray, usable: np.ndarray | None = None) -> np.ndarray:
        if usable is None:
            return frame
        return np.where(usable, frame, np.float32(np.nan))

    def on_tensors(self, X: torch.Tensor) -> torch.Tensor:
        """Do the same to frames on a device, where masks are applied as the frames arrive."""
        return X
