"""A method with the crop that it looks at: fitted once, judged by folds, each frame read once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_sfx._methods import METHODS, Method
from sklearn_sfx.classifiers import (
    FindingClassifier,
    find_in,
    find_together,
    fit_found,
    held_out_probability,
    probability_of_found,
    takes_long,
)
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.preprocessing import CentralCrop
from sklearn_sfx.screening._crop import crop_for
from sklearn_sfx.screening._transfer import Adapted

__all__ = ["Candidate", "find_for_all", "make_candidate"]


class Candidate:
    """A method with the crop that it looks at, and what it has found in the labelled frames."""

    def __init__(self, method: Method, crop: CentralCrop, steps: list):
        self.method = method
        self._whole = make_pipeline(crop, *steps)
        self._found: np.ndarray | None = None
        self._held_out: np.ndarray | None = None
        self._is_fitted = False

    @property
    def parts(self) -> tuple[str, CentralCrop, Pipeline]:
        """Its name, its crop, and the classifier of what is cropped."""
        return self.method.name, self._whole[0], self._whole[1:]

    def held_out(
        self, X: Any, y: np.ndarray, folds: list, own: Callable[[], object] | None = None
    ) -> np.ndarray:
        """Return the probability of a hit by models that have not learned from the frame.

        This process does `own` while others learn.
        """
        if self._held_out is None:
            found = self._find(X)
            self._held_out = held_out_probability(
                self._whole, found, y, folds, own, self.method.pos_label
            )
        return self._held_out

    def fit(self, X: Any, y: np.ndarray | None) -> Pipeline:
        """Learn from all labels, or from none, and return what is fitted: the crop and the rest."""
        if y is None:
            self._whole.fit(X[:1])  # without labels only the shape is looked at
        elif not self._is_fitted:
            fit_found(self._whole, X, self._find(X), y)
            self._is_fitted = True
        return self._whole

    def probability(self, X: Any) -> np.ndarray:
        """Return the probability of a hit that the fitted model gives."""
        return probability_of_found(self._whole[-1], self._find(X), self.method.pos_label)

    def found_in_crop(self, crop: CentralCrop) -> np.ndarray | None:
        """Return what it has found in the labelled frames, if it was in just that part of them."""
        return self._found if self._whole[0].get_params() == crop.get_params() else None

    def learns_long(self, n_frames: int) -> bool:
        """Whether it learns by itself, and so long that other processes help."""
        return len(self._whole) > 1 and takes_long(self._whole[-1], n_frames)

    @property
    def steps(self) -> list[tuple[type, dict]]:
        """What makes of the crop what it learns from: each a class and its parameters."""
        parts = list(self._whole[:-1]) if len(self._whole) > 2 else []
        return [(type(part), part.get_params()) for part in parts]

    @property
    def finds_in_crop(self) -> bool:
        """Whether it decides by what is found in the crop itself, and has not yet found it."""
        return (
            self._found is None
            and len(self._whole) == 2
            and isinstance(self._whole[-1], FindingClassifier)
        )

    def _find(self, X: Any) -> np.ndarray:
        if self._found is None:  # so the frames are read once
            self._found = find_in(self._whole, X)
        return self._found


class _Average(Candidate):
    """A method that averages others, each with its own crop, whose work it shares."""

    def __init__(self, method: Method, averaged: list[Candidate]):
        super().__init__(method, CentralCrop(None), [])
        self._averaged = averaged

    def held_out(
        self, X: Any, y: np.ndarray, folds: list, own: Callable[[], object] | None = None
    ) -> np.ndarray:
        if own is not None:
            own()
        return np.mean([part.held_out(X, y, folds) for part in self._averaged], axis=0)

    def fit(self, X: Any, y: np.ndarray | None) -> Pipeline:
        fitted = [(part.method.name, FrozenEstimator(part.fit(X, y))) for part in self._averaged]
        vote = VotingClassifier(fitted, voting="soft")
        self._whole = make_pipeline(CentralCrop(None), vote).fit(X, y)  # frozen: nothing is read
        return self._whole

    def probability(self, X: Any) -> np.ndarray:
        return np.mean([part.probability(X) for part in self._averaged], axis=0)


class _Adapted(Candidate):
    """A method that learns from labels of another experiment, and from these frames without any."""

    def __init__(self, method: Adapted, X: Any, crop: int | str | None, steps: list):
        side = method.side(X) if crop == "auto" else crop
        super().__init__(method, crop_for(X, side), steps)
        self._source, self._side = method, side

    def held_out(
        self, X: Any, y: np.ndarray, folds: list, own: Callable[[], object] | None = None
    ) -> np.ndarray:
        """Return what it says of these frames: it learns from the label of none of them."""
        self.fit(X, y)
        if own is not None:
            own()
        return self.probability(X)

    def fit(self, X: Any, y: np.ndarray | None) -> Pipeline:
        if self._is_fitted:
            return self._whole
        target = np.asarray(self._whole[:-1].fit_transform(self._source.target))
        source, labels = self._source.prepared_source(self._side, self._whole[1:-1])
        if source.shape[1:] != target.shape[1:]:
            raise InputError(
                f"Prepared frames of the other experiment have the shape {source.shape[1:]}, and "
                f"these {target.shape[1:]}: give a crop that fits both."
            )
        known = np.concatenate([labels, np.full(len(target), -1)])
        self._whole[-1].fit(np.concatenate([source, target]), known)
        self._is_fitted = True
        return self._whole


def make_candidate(
    method: Method,
    X: Any,
    crop: int | str | None,
    settings: dict[str, int | None],
    device: str,
    known: dict[str, Candidate],
) -> Candidate:
    """Return the candidate of a method; one that is known already is not made again."""
    if method.name not in known and method.averaged:
        parts = [
            make_candidate(METHODS[name], X, crop, settings, device, known)
            for name in method.averaged
        ]
        known[method.name] = _Average(method, parts)
    elif method.name not in known:
        steps = _steps(method, settings, device)
        if isinstance(method, Adapted):
            known[method.name] = _Adapted(method, X, crop, steps)
        else:
            known[method.name] = Candidate(method, crop_for(X, crop, method.crop), steps)
    return known[method.name]


def find_for_all(candidates: Iterable[Candidate], X: Any) -> None:
    """Let those that go by the peaks of one part of the frames find them together.

    So the frames are read once for all of them, and the peaks that several look for found once.
    What is made of the frames by the same steps is made once too.
    """
    candidates = list(candidates)
    made: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.steps:
            first = made.setdefault(repr(candidate.steps), candidate)
            if first is not candidate:
                candidate._found = first._find(X)
    if not isinstance(X, Frames | np.ndarray):  # of tensors each looks for its own
        return
    alike = defaultdict(list)
    for candidate in candidates:
        if candidate.finds_in_crop:
            _, crop, _ = candidate.parts
            alike[repr(crop.get_params())].append(candidate)
    for group in alike.values():
        _, crop, _ = group[0].parts
        deciders = [candidate.parts[2][-1] for candidate in group]
        together = find_together(deciders, crop.fit_transform(X))
        for candidate, found in zip(group, together, strict=True):
            candidate._found = found


def _steps(method: Method, settings: dict[str, int | None], device: str) -> list:
    """Return the steps of a method, with its network where it is to be computed."""
    steps = method.steps(**settings)
    if "device" in steps[-1].get_params():
        steps[-1].set_params(device=device)
    return steps
