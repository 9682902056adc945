"""What a network is made of, whoever trains it: the input it reads, its base, its head."""

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags
from torch import nn

from sklearn_sfx._stored import Stored
from sklearn_sfx._validation import check_frames, is_frames
from sklearn_sfx.classifiers._cache import CachedFrames, Masked
from sklearn_sfx.classifiers._training import InMemory
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import FrameAugmentation, Head, VectorAugmentation

__all__ = ["FrameDesign", "NetworkDesign", "VectorDesign", "odd", "positive_integers"]


class NetworkDesign(Stored, BaseEstimator, ABC):
    """What `VectorDesign` and `FrameDesign` share: a network is a base, and a head on it."""

    _parameter_constraints: ClassVar[dict] = {}
    _prediction_batch: ClassVar[int]
    _largest_gradient: ClassVar[float | None] = None  # the norm to which larger ones are cut
    _starts_anew: ClassVar[bool] = False  # once, where a training ends at chance

    def build_base(self, frame_shape: tuple[int, ...]) -> nn.Module:
        """Return a fresh base; this is the method that a design has to have.

        Parameters
        ----------
        frame_shape : tuple of int
            (length,) of the vectors or (height, width) of the frames that the network reads.

        Returns
        -------
        base : nn.Module
            Called with float32 (n, ...) it gives features, float32 (n, n_features); it has the
            attribute ``n_features`` and may have more, as `VectorDesign` says.

        Raises
        ------
        InputError
            The class has no such method of its own.
        """
        raise InputError(
            f"{type(self).__name__} has no method build_base(frame_shape), which returns the base: "
            "give it one."
        )

    def build_head(self, n_features: int, n_outputs: int) -> nn.Module:
        """Return a fresh head: one hidden layer of 64 units, unless a design says otherwise.

        Parameters
        ----------
        n_features : int
            Length of what the base gives, or of the bottleneck of `DANN`.
        n_outputs : int
            Number of classes; 1 for the domain's head of `DANN`.

        Returns
        -------
        head : nn.Module
            Features, float32 (n, n_features), to logits, float32 (n, n_outputs).
        """
        return Head(n_features, 64, n_outputs, 0.2)

    @abstractmethod
    def build_augmentation(self) -> nn.Module:
        """Return what changes the input at random while training.

        Returns
        -------
        augmentation : nn.Module
            From float32 (n, ...) to the same shape; in ``eval`` mode the input passes unchanged.
        """

    # -- How it is used ------------------------------------------------------------------------

    def _copy(self) -> Self:
        """Return a copy that nobody else can change, once its parameters are checked."""
        self._validate_params()
        return clone(self)

    def _for_any_detector(self) -> Self:
        """Return the design of a network for input that may be larger by any factor."""
        return self

    @abstractmethod
    def _check(self, estimator: BaseEstimator, X: Any, *, reset: bool) -> Any:
        """Check X as `check_frames` does for `estimator`, and return it as the network reads it."""

    def _as_read(self, X: Any) -> Any:
        """Return checked X as the network reads it."""
        return X

    @abstractmethod
    def _make_dataset(
        self, X: Any, targets: np.ndarray, share: float, sample_weight: np.ndarray | None
    ) -> InMemory:
        """Return samples, targets and weights; `share` is their part of all `fit` was given."""

    def _checked_base(self, frame_shape: tuple[int, ...]) -> Any:
        """Return a fresh base, and say what is wrong with one that cannot be used."""
        base = self.build_base(frame_shape)
        n_features = getattr(base, "n_features", None)
        if not isinstance(base, nn.Module) or not isinstance(n_features, Integral):
            raise InputError(
                f"{type(self).__name__}.build_base has to return a torch module with n_features, "
                f"the length of its output, an int; this {type(base).__name__} is none."
            )
        return base


class VectorDesign(NetworkDesign):
    """Design of a network on 1-D signals: derive a class from it for a base of your own.

    The class has one method, `build_base`, and its parameters are those of its ``__init__``, as in
    any scikit-learn estimator. `NetworkClassifier` trains it, `DANN` takes it as `base`, and
    `FineTuned` takes what was trained. `build_head` and `build_augmentation` may be replaced too.

    See Also
    --------
    FrameDesign : The same for whole frames.
    NetworkClassifier : Trains the network of a design.

    Notes
    -----
    The base that ``build_base(frame_shape)`` returns is a torch module from (n, length) to
    (n, n_features), both float32; masked values come to it as 0. It has

    - ``n_features``, the length of its output, an int;
    - ``blocks``, a sequence of modules, bottom first, if `FineTuned` is to unfreeze some of them;
    - ``write_graph(graph, frame_shape, x)``, if `to_onnx` is to write it. This adds what the base
      computes outside of training to an ONNX graph: ``graph.add(op, *inputs, **attributes)`` adds
      a node and ``graph.constant(array)`` a constant, and both return a name. `x` is the name of
      the input; that of the features is returned.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn_sfx.classifiers import NetworkClassifier, VectorDesign
    >>> class WideBase(torch.nn.Module):
    ...     def __init__(self, width):
    ...         super().__init__()
    ...         self.conv = torch.nn.Conv1d(1, width, 15, padding=7)
    ...         self.n_features = width
    ...
    ...     def forward(self, x):  # (n, length) to (n, n_features)
    ...         return self.conv(torch.asinh(x).unsqueeze(1)).relu().amax(dim=2)
    >>> class WideDesign(VectorDesign):
    ...     def __init__(self, width=32):
    ...         self.width = width
    ...
    ...     def build_base(self, frame_shape):
    ...         return WideBase(self.width)
    >>> rng = np.random.default_rng(0)
    >>> vectors, labels = rng.gumbel(5, 1, (60, 100)), np.repeat(["miss", "hit"], 30)
    >>> vectors[labels == "hit", 20:80:5] += 15
    >>> model = NetworkClassifier(WideDesign(width=8), lr=0.02, random_state=0)
    >>> model.fit(vectors[::2], labels[::2]).score(vectors[1::2], labels[1::2])
    1.0
    >>> WideDesign().build_head(32, 2)(torch.rand(5, 32)).shape
    torch.Size([5, 2])
    >>> WideDesign().build_augmentation()
    VectorAugmentation()
    """

    _prediction_batch = 64  # larger batches leave the processor's cache and are slower

    def build_augmentation(self) -> nn.Module:
        """Return what changes vectors at random while training: `networks.VectorAugmentation`.

        Returns
        -------
        augmentation : nn.Module
            From float32 (n, length) to the same shape; in ``eval`` mode the input passes unchanged.
        """
        return VectorAugmentation()

    def _check(self, estimator: BaseEstimator, X: Any, *, reset: bool) -> Any:
        return self._as_read(check_frames(estimator, X, reset=reset, allow_3d=False))

    def _make_dataset(
        self, X: Any, targets: np.ndarray, share: float, sample_weight: np.ndarray | None
    ) -> InMemory:
        return InMemory(np.asarray(X) if is_frames(X) else X, targets, sample_weight)


class FrameDesign(NetworkDesign):
    """Design of a network on whole frames: derive a class from it for a base of your own.

    All is as with `VectorDesign`. `Frames` are trained on where they are, and kept in half
    precision as far as ``cache_bytes`` goes, an attribute of the class or of the design: 2**30.
    Gradients are scaled down to a norm of 1, unless an optimizer is given, and a fresh training of
    ten epochs or more that ends hardly better than chance begins anew once, from other weights.

    See Also
    --------
    VectorDesign : The same for 1-D signals, with an example that is trained.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.classifiers import FrameDesign, NetworkClassifier
    >>> class Highest(torch.nn.Module):
    ...     n_features = 1
    ...
    ...     def forward(self, x):  # (n, height, width) to (n, n_features)
    ...         return torch.asinh(x).amax(dim=(1, 2))[:, None]
    >>> class HighestDesign(FrameDesign):
    ...     def build_base(self, frame_shape):
    ...         return Highest()
    >>> NetworkClassifier(HighestDesign())
    NetworkClassifier(design=HighestDesign())
    >>> HighestDesign().build_head(1, 2)(torch.rand(5, 1)).shape
    torch.Size([5, 2])
    >>> HighestDesign().build_augmentation()
    FrameAugmentation()
    """

    cache_bytes: int = 2**30
    _prediction_batch = 8
    # A rare hit can throw the head's units out of reach, and the training then stays at chance.
    _largest_gradient = 1.0
    _starts_anew = True

    def build_augmentation(self) -> nn.Module:
        """Return what changes frames at random while training: `networks.FrameAugmentation`.

        Returns
        -------
        augmentation : nn.Module
            From float32 (n, height, width) to the same shape; in ``eval`` mode the input passes
            unchanged.
        """
        return FrameAugmentation()

    def _check(self, estimator: BaseEstimator, X: Any, *, reset: bool) -> Any:
        return self._as_read(check_frames(estimator, X, reset=reset, allow_2d=False))

    def _as_read(self, X: Any) -> Any:
        return X.append(Masked()) if is_frames(X) else X

    def _make_dataset(
        self, X: Any, targets: np.ndarray, share: float, sample_weight: np.ndarray | None
    ) -> InMemory:
        return CachedFrames(X, targets, self.cache_bytes * share, sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


# -- Parameters that shape a network -----------------------------------------------------------


def positive_integers(
    estimator: BaseEstimator, name: str, *, may_be_empty: bool = False
) -> tuple[int, ...]:
    """Return the parameter `name`, a number or a sequence of them, as a tuple."""
    value = getattr(estimator, name)
    numbers = tuple(int(number) for number in np.atleast_1d(value))
    if any(number < 1 for number in numbers) or not (numbers or may_be_empty):
        raise InputError(f"{name}={value!r} needs one positive number per layer.")
    return numbers


def odd(estimator: BaseEstimator, name: str) -> int:
    """Return the parameter `name`, the size of a kernel."""
    value = int(getattr(estimator, name))
    if value % 2 == 0:
        raise InputError(f"{name}={value} is even; take an odd number.")
    return value
