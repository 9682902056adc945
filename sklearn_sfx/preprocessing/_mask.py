"""Masking of pixels that are not to be used."""

from __future__ import annotations

import zlib
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from sklearn_sfx._stored import stored
from sklearn_sfx._tensors import is_tensor
from sklearn_sfx._validation import is_frames
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import ValueRule, rule_of_type, warn_of_sparse
from sklearn_sfx.preprocessing._base import FrameTransformer
from sklearn_sfx.preprocessing._defects import MIN_FRAMES, find_defects
from sklearn_sfx.preprocessing._fused_step import FusedStep, PixelRule

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

__all__ = ["PixelMask"]

MAX_FRAMES = 200
MAX_SAMPLE_BYTES = 512 * 2**20
NO_RULE = ValueRule()


@stored
class PackedMask(NamedTuple):
    """A bool array as it is stored: eight pixels to a byte, compressed."""

    shape: tuple[int, ...]
    packed: bytes


class PixelMask(FrameTransformer):
    """Set pixels that are not to be used to NaN.

    Pixels are named by a mask, by being saturated, by holding a value that stands for "no value",
    or, with ``detect=True``, by how they behave in the frames given to `fit`. Frames that carry a
    mask of their own keep it: a pixel has to be usable by all of these.

    Parameters
    ----------
    mask : bool array-like of shape (height, width), default=None
        True where a pixel is usable. Masks with another rule are read by
        `read_mask`.
    detect : bool, default=False
        Whether `fit` also finds dead, hot, noisy, stuck and flickering pixels, from up to 200
        frames spread evenly over X (fewer where they would take more than 512 MiB, but at least
        16). No labels are used. See Notes.
    saturation : float, default=None
        Pixels with this value or more are not used.
    invalid : "auto" or array-like of float, shape (n_values,), default=()
        Values that stand for "no value", such as -1 or 65535. "auto" tells them from the type of
        the numbers: of 32 bits or more the largest ones, and of signed types the least one, are no
        counts. The largest of 8 and of 16 bits, to which a CCD counts too, is not used but in a
        spot, beside a bright pixel. Numbers of 64 bits and floats keep those of 32 bits.

    Attributes
    ----------
    MIN_FRAMES : int
        The fewest frames that ``detect=True`` can be fitted on: 10.
    mask_ : bool ndarray of shape (height, width)
        True where a pixel is usable: ``mask`` without the defects found. What Frames say of
        themselves is not in it.
    n_defects_ : int
        How many pixels were found defective in `fit`; 0 without ``detect``.
    frame_shape_in_ : tuple of int
        Shape of the frames seen in `fit`: (height, width), in pixels.
    n_features_in_ : int
        The height of the frames seen in `fit`.

    Raises
    ------
    InputError
        If the mask is not bool or of another shape than the frames, if there are fewer than 10
        frames to find defects in, or if X is not made of frames.

    Notes
    -----
    A pixel is *hot* or *dead* if its median over time stands out of its neighbourhood by more than
    five times the noise and a tenth of the level there, and *noisy* if its spread over time is
    five times that of its neighbours. It is compared with the lines of pixels through it in eight
    directions, so that what is drawn out, a ring, a jet streak, the edge of a module, is spared; a
    Bragg spot is spared because it is there in few frames. *Stuck* are pixels, and whole regions,
    that never changed although those around them changed too often for that to be chance. Where
    hardly a photon arrives a dead pixel cannot be told from a quiet one, and is left alone. So is
    a dead or hot line of pixels, and a spot that stays where it is in half of the frames is taken
    for a hot pixel. A pixel, or a stretch of a row or column, that *flickers* is far above its
    usual value in three frames at least and one in twenty, four times as often as its neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.preprocessing import PixelMask
    >>> frames = np.random.default_rng(0).poisson(100, (20, 16, 16)).astype(np.uint16)
    >>> frames[:, 3, 4] = 40000
    >>> masking = PixelMask(detect=True, invalid=[65535]).fit(frames)
    >>> masking.n_defects_
    1
    >>> np.isnan(masking.transform(frames)[0, 3, 3:6])
    array([False,  True, False])
    """

    MIN_FRAMES: ClassVar[int] = MIN_FRAMES

    _parameter_constraints: ClassVar[dict] = {
        "mask": ["array-like", None],
        "detect": ["boolean"],
        "saturation": [Real, None],
        "invalid": [StrOptions({"auto"}), "array-like"],
    }

    def __init__(
        self,
        mask: ArrayLike | None = None,
        *,
        detect: bool = False,
        saturation: float | None = None,
        invalid: str | ArrayLike = (),
    ):
        self.mask = mask
        self.detect = detect
        self.saturation = saturation
        self.invalid = invalid

    def _learn(self, X: Any) -> None:
        self.mask_ = _checked_mask(self.mask, self.frame_shape_in_)
        self.n_defects_ = 0
        if self.detect:
            defects = find_defects(self._sample(X)) & self.mask_
            self.mask_ &= ~defects
            self.n_defects_ = int(np.count_nonzero(defects))

    def _sample(self, X: Any) -> np.ndarray:
        """Return frames spread evenly over X, float32, with NaN where a pixel is not usable."""
        if len(X) < MIN_FRAMES:
            raise InputError(
                f"PixelMask(detect=True) got n_samples={len(X)}, but needs at least {MIN_FRAMES} "
                "frames to find defective pixels in: fit it on more frames, or leave detect=False."
            )
        frame_bytes = 4 * int(np.prod(self.frame_shape_in_))
        n = min(len(X), MAX_FRAMES, max(16, MAX_SAMPLE_BYTES // frame_bytes))
        positions = np.linspace(0, len(X) - 1, n).round().astype(int)
        X, step = self._prepare(X, X)
        if is_frames(X):
            return np.asarray(X[positions].append(step))
        sample = np.empty((n, *self.frame_shape_in_), dtype=np.float32)
        for row, position in zip(sample, positions, strict=True):
            frame = X[int(position)]
            row[...] = step(frame.cpu().numpy() if is_tensor(frame) else frame)
        return sample

    def __getstate__(self) -> dict:
        """Pack the masks, so that models stay small on disk."""
        state = super().__getstate__().copy()
        for name in ("mask", "mask_"):
            mask = state.get(name)
            if isinstance(mask, np.ndarray) and mask.dtype == bool:
                packed = zlib.compress(np.packbits(mask).tobytes(), 1)
                state[name] = PackedMask(mask.shape, packed)
        return state

    def __setstate__(self, state: dict) -> None:
        state = state.copy()
        for name in ("mask", "mask_"):
            if isinstance(state.get(name), PackedMask):
                shape, packed = state[name]
                bits = np.frombuffer(zlib.decompress(packed), dtype=np.uint8)
                state[name] = np.unpackbits(bits, count=np.prod(shape)).astype(bool).reshape(shape)
        super().__setstate__(state)

    def _make_step(self, by_type: ValueRule = NO_RULE) -> FusedStep:
        mask = None if self.mask_.all() else self.mask_
        values = () if isinstance(self.invalid, str) else np.asarray(self.invalid).ravel()
        invalid = tuple(float(value) for value in values)
        return FusedStep(rule=PixelRule(mask, self.saturation, invalid, by_type))

    def _prepare(self, given: Any, X: Any) -> tuple[Any, FusedStep]:
        """Tell by their type which numbers are no counts, as long as they have that type."""
        step = self._make_step()
        if not isinstance(self.invalid, str):
            return X, step
        if is_frames(X):
            return X.mask_no_data(), step
        values = rule_of_type(_type_of(given))
        if not values:
            return X, step
        if is_tensor(X):
            return _without(values, X), step
        return X, self._make_step(values)


def _type_of(given: Any) -> np.dtype:
    """Return the type of the numbers of an array, a list or a tensor."""
    if is_tensor(given):
        name = str(given.dtype).removeprefix("torch.")
        known = "int" in name or name in ("float64", "bool")
        return np.dtype(name if known else np.float32)
    return np.asarray(given).dtype


def _without(values: ValueRule, X: Tensor) -> Tensor:
    """Return frames as floats, NaN where a value is not to be used."""
    import torch

    if X.is_floating_point():  # on their device
        no_data = X.new_tensor(values.no_data)
        return X.masked_fill(torch.isin(X, no_data), torch.nan)
    bad = [values.not_usable(frame) for frame in X.cpu().numpy()]
    out = X.to(torch.float32, copy=True)
    for row, one in zip(out, bad, strict=True):
        if one is not None:
            row[torch.from_numpy(one).to(X.device)] = torch.nan
    return out


def _checked_mask(mask: ArrayLike | None, frame_shape: tuple[int, ...]) -> np.ndarray:
    if mask is None:
        return np.ones(frame_shape, dtype=bool)
    mask = np.array(mask)
    if mask.dtype != bool:
        raise InputError(
            f"PixelMask needs a bool mask, True where a pixel is usable, got {mask.dtype}: read it "
            "with read_mask and say which bits are good or bad."
        )
    if mask.shape != frame_shape:
        raise InputError(
            f"PixelMask has a mask of shape {mask.shape} for frames of shape {frame_shape}: give "
            "the mask of this detector, as large as its frames."
        )
    warn_of_sparse(mask)
    return mask
