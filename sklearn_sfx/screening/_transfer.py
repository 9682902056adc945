"""Training that starts from another experiment: from its model, or from its labelled frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator

from sklearn_sfx._methods import AUTO, METHODS, FrameNetwork, Method, Rows
from sklearn_sfx.classifiers import CNN1D, CNN2D, DANN, FineTuned, FrameDesign, open_base
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.preprocessing import CentralCrop, PixelMask
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._particle_finder import PARTICLE_METHODS
from sklearn_sfx.screening._seen_frames import seen_frames
from sklearn_sfx.screening._unreadable import readable_rows

__all__ = ["Adapted", "Transfer", "Tuned", "method_named", "open_transfer"]

UNLABELLED = -1
OWN_STEPS = "sklearn_sfx.preprocessing"  # which learn nothing, so they are made anew
KINDS = (Rows.name, FrameNetwork.name)


class Transfer(Method):
    """A method that has learned from another experiment.

    Attributes
    ----------
    trained_on : tuple of SeenFrame
        Frames of the other experiment that it has learned from, as far as they are known.
    """

    trained_on: tuple = ()


class Tuned(Transfer):
    """A network of another experiment, tuned with labels of one's own (`FineTuned`).

    Parameters
    ----------
    base : fitted estimator, ScreeningModel, or path
        As `FineTuned` takes it.
    kind : str
        "rows", "frames" or "auto": what it has to be.
    frame_shape : tuple of int
        (height, width) of one's own frames.

    Raises
    ------
    InputError
        There is no network in it, it is of another kind, or looks at larger frames.
    """

    name = "tuned"
    summary = "a network of another experiment, tuned with these labels"
    least_labels = 5
    taught_by = "a model of another experiment"

    def __init__(self, base: Any, kind: str, frame_shape: tuple[int, ...]):
        before, self._network = open_base(base)
        found = KINDS[isinstance(self._network.design_, FrameDesign)]
        if kind not in (AUTO, found):
            raise InputError(
                f"The model of the other experiment is of the method {found!r}, and {kind!r} is "
                f"asked for: leave the method out, or take {found!r}."
            )
        steps = [] if before is None else [step for _, step in before.steps]
        self.crop, self._steps = self._split(steps, tuple(frame_shape))
        if isinstance(base, ScreeningModel):
            self.trained_on = base.trained_on

    def _split(
        self, steps: list[Any], frame_shape: tuple[int, ...]
    ) -> tuple[int | None, list[Any]]:
        """Return the side of the crop that it looks at, and the steps that follow."""
        first = steps[0] if steps else self._network
        shape = tuple(getattr(first, "frame_shape_in_", frame_shape))
        side = None
        while steps and isinstance(steps[0], PixelMask | CentralCrop):
            side = getattr(steps[0], "size", None) or side
            steps = steps[1:]
        if side is None and shape != frame_shape and len(set(shape)) == 1:
            side = shape[0]  # it looked at whole frames, so at as much of these
        if side is not None and side > min(frame_shape):
            height, width = frame_shape
            raise InputError(
                f"The model of the other experiment looks at {side} x {side} pixels, and these "
                f"frames have {height} x {width}: take a model of frames as small, or train "
                "without one."
            )
        return side, steps

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        network = FineTuned(FrozenEstimator(self._network), random_state=random_state)
        if max_epochs is not None:
            network.set_params(max_epochs=max_epochs)
        return [*map(_as_it_was, self._steps), network]


def _as_it_was(step: Any) -> Any:
    """Return a step that does what it did there: what it has learned is kept."""
    is_own = type(step).__module__.startswith(OWN_STEPS)
    return clone(step) if is_own else FrozenEstimator(step)


class Adapted(Transfer):
    """A network on labels of another experiment and frames of one's own (`DANN`).

    Parameters
    ----------
    source : (Frames or ndarray, array-like of int)
        Frames of the other experiment, and their labels: 1, 0, and -1 for none.
    kind : str
        "rows", "frames" or "auto", which is "rows".

    Raises
    ------
    InputError
        There is no such kind, or the labels are not as many, of other values, or too few.
    """

    name = "adapted"
    summary = "a network taught by another experiment's labels, adapted to these frames"
    least_labels = 0
    without_labels = taught_by = "labelled frames of another experiment"
    target: Any = None  # all of one's own frames, masked, which `train` gives it

    def __init__(self, source: tuple[Any, ArrayLike], kind: str):
        if kind not in (AUTO, *KINDS):
            raise InputError(
                f"The method {kind!r} learns nothing from labels of another experiment: take "
                f"{' or '.join(map(repr, KINDS))}, or leave the source out."
            )
        self._kind = METHODS[Rows.name if kind == AUTO else kind]
        frames, labels = source
        labels = np.asarray(labels)
        if labels.shape != (len(frames),) or not np.isin(labels, (0, 1, UNLABELLED)).all():
            raise InputError(
                f"The source needs one label for each frame, 1 for a hit, 0 for a miss and -1 for "
                f"none: {len(frames)} frames, {labels.size} labels."
            )
        rows = np.flatnonzero(labels != UNLABELLED)
        frames, labels = frames[rows], labels[rows]
        self._kind.check_labels(int(labels.sum()), int((labels == 0).sum()))
        rows = readable_rows(frames, "the training")
        self._frames, self._labels = frames[rows], labels[rows]
        self.trained_on = seen_frames(self._frames)

    def side(self, frames: Any) -> int | None:
        """Return the side of the part that fits both experiments; None for whole frames."""
        shapes = tuple(frames.shape[1:]), tuple(self._frames.shape[1:])
        least = min(*shapes[0], *shapes[1])
        most = self._kind.crop or least
        return None if shapes[0] == shapes[1] and least < most else min(most, least)

    def prepared_source(self, crop: int | str | None, steps: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return frames of the other experiment as the network reads them, and their labels."""
        detect = len(self._frames) >= PixelMask.MIN_FRAMES
        masked = PixelMask(detect=detect, invalid="auto").fit_transform(self._frames)
        cropped = crop_for(masked, crop).fit_transform(masked)
        return np.asarray(clone(steps).fit_transform(cropped)), self._labels

    def steps(self, *, max_epochs: int | None, random_state: int | None) -> list[BaseEstimator]:
        *steps, _ = self._kind.steps(max_epochs=None, random_state=None)
        base = CNN2D() if self._kind.name == FrameNetwork.name else CNN1D()
        network = DANN(base, random_state=random_state)
        if max_epochs is not None:
            network.set_params(max_epochs=max_epochs)
        return [*steps, network]


def open_transfer(
    frames: Frames | np.ndarray, base: Any, source: tuple | None, method: str
) -> Transfer | None:
    """Return the method that starts from another experiment, if one is asked for.

    Raises
    ------
    InputError
        Both a model and a source are given; or what `Tuned` and `Adapted` refuse.
    """
    if base is not None and source is not None:
        raise InputError(
            "A model of another experiment and its labelled frames are two ways to start: give "
            "one of base and source (--from and --source on the command line)."
        )
    if base is not None:
        return Tuned(base, method, tuple(frames.shape[1:]))
    return None if source is None else Adapted(source, method)


def method_named(name: str) -> Method | type[Method]:
    """Return the method that a model goes by, for what is said of it."""
    others: tuple[type[Method], ...] = (Tuned, Adapted, *PARTICLE_METHODS.values())
    return next((one for one in others if one.name == name), None) or METHODS[name]
