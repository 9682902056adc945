"""The classifier that starts from a network of another experiment."""

import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from skorch import NeuralNetClassifier
from skorch.history import History

from sklearn_sfx._labels import encode_labels
from sklearn_sfx._models import estimators
from sklearn_sfx._validation import as_values, check_frames
from sklearn_sfx._weights import left_in
from sklearn_sfx.classifiers._base import Material, TorchClassifier
from sklearn_sfx.classifiers._design import NetworkDesign
from sklearn_sfx.classifiers._other_network import open_base
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import FineTunedModule

__all__ = ["FineTuned"]


class FineTuned(TorchClassifier):
    """Network of another experiment, tuned with a few labels of one's own.

    The trained base of `base` gets a fresh head. Step 1 trains the head alone; step 2 also trains
    the top blocks of the base [1]_. What is frozen keeps its weights and the statistics of its
    batch norms, and `base` itself is never changed.

    Parameters
    ----------
    base : fitted estimator, ScreeningModel, or path
        A fitted `CNN1D`, `CNN2D`, `NetworkClassifier` or `DANN`; a fitted pipeline that ends in
        one; one of these in a `sklearn.frozen.FrozenEstimator`, a search, a threshold, a vote or a
        `HitFinderCV`; what `train` returned; or the path of one of them. A file is loaded as
        `load_model` does; one that is not ``.skops`` is a pickle, which can run code, and has to be
        trusted. It stays fitted in clones. In a parameter grid wrap it in a ``FrozenEstimator``,
        since scikit-learn clones what a grid holds.

        Of a pipeline the steps before the classifier come along: they are fitted anew on the frames
        that `fit` is given, and prepare them. Frames that have the shape which the classifier at
        its end reads count as prepared already.
    n_unfrozen_blocks : int, default=1
        Blocks at the top of the base that learn in step 2; 0 leaves out step 2. A base of your own
        without ``blocks`` has none.
    head_max_epochs : int, default=20
        Passes over the training frames in step 1.
    head_lr : float, default=0.005
        Highest learning rate in step 1.
    max_epochs : int, default=40
        Passes over the training frames in step 2.
    batch_size : int, default=32
        Frames per step; the batches of an epoch differ in size by one at most.
    lr : float, default=0.001
        Highest learning rate in step 2. In each step the rate rises over the first tenth and then
        falls to a hundredth, following a cosine.
    weight_decay : float, default=0.01
        Decay of the weights in AdamW.
    class_weight : dict, "balanced" or None, default="balanced"
        Weights of the classes in the loss. "balanced" makes few hits count as much as many misses.
    augment : bool, default=True
        Whether frames are changed at random while training, as the base's classifier does.
    early_stopping : bool, default=False
        Whether to hold labels back, to end each step after `patience` epochs without progress on
        them, and to keep the best epoch. Best is the highest mean over the classes of the recall of
        each, then the lowest loss.
    validation_fraction : float, default=0.2
        Share that `early_stopping` holds back: shuffled, the same of each class.
    patience : int, default=10
        See `early_stopping`.
    optimizer, criterion, callbacks, compile, mixed_precision : optional
        As `CNN1D` has them.
    device : str or torch.device, default="auto"
        Where torch computes: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1".
    warm_start : bool, default=False
        Whether `fit` goes on from the network of the last `fit`, of the same labels and frame
        shape, instead of from `base`. `history_` goes on too.
    random_state : int, RandomState instance or None, default=None
        Start of the head, order of the frames, dropout, augmentation, and what is held back.
        The same integer gives the same network, bit by bit on a CPU; global generators stay
        untouched.
    verbose : int, default=0
        Above 0, a line per epoch.

    Attributes
    ----------
    design_ : VectorDesign or FrameDesign
        Of what the network of `base` is made.
    network_shape_ : tuple of int
        What the network itself reads: the shape of frames that are prepared.
    prepare_ : Pipeline or None
        The steps of `base` before its classifier, fitted on X; None if X came prepared.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, of the dtype of y. They need not be those of `base`.
    n_features_in_ : int
        ``X.shape[1]`` in `fit`.
    frame_shape_in_ : tuple of int
        ``X.shape[1:]`` in `fit`.
    history_ : list of dict
        One entry per epoch, of step 1 and then of step 2: ``train_loss``, ``train_recall``, ``lr``,
        ``dur`` in seconds, ``n_unfrozen`` and, with `early_stopping`, ``valid_loss``,
        ``valid_recall``.
    preprocessing_ : str or None
        As `CNN1D` has it.
    net_ : skorch.NeuralNetClassifier
        The trained net; its module is ``net_.module_``.

    See Also
    --------
    DANN : For those who have no labels of their own.

    References
    ----------
    .. [1] Xie et al., "Weakly supervised learning for pattern classification in serial femtosecond
       crystallography", Optics Express 31(20), 32909 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import CNN1D, FineTuned
    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.gumbel(5, 1, (120, 100))
    >>> labels = np.tile([0, 1], 60)
    >>> vectors[labels == 1, 20:80:5] += 15
    >>> other = CNN1D(channels=(4, 8), lr=0.02, random_state=0).fit(vectors, labels)
    >>> mine = 2 * vectors + 5  # another detector
    >>> model = FineTuned(other, head_lr=0.02, random_state=0).fit(mine[:40], labels[:40])
    >>> model.score(mine[40:], labels[40:])
    1.0
    >>> model.set_params(head_lr=0.01).get_params()["head_lr"]
    0.01
    """

    _parameter_constraints: ClassVar[dict] = {
        **TorchClassifier._parameter_constraints,
        "base": [
            *(str, os.PathLike),
            *(HasMethods(["fit", "predict"]), HasMethods(["__sfx_steps__"])),
        ],
        "n_unfrozen_blocks": [Interval(Integral, 0, None, closed="left")],
        "head_max_epochs": [Interval(Integral, 1, None, closed="left")],
        "head_lr": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        base: BaseEstimator | str | os.PathLike,
        *,
        n_unfrozen_blocks: int = 1,
        head_max_epochs: int = 20,
        head_lr: float = 0.005,
        max_epochs: int = 40,
        batch_size: int = 32,
        lr: float = 0.001,
        weight_decay: float = 0.01,
        class_weight: dict | str | None = "balanced",
        augment: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        patience: int = 10,
        optimizer: Callable | None = None,
        criterion: Callable | None = None,
        callbacks: list | None = None,
        compile: bool = False,
        mixed_precision: bool = False,
        device: str | torch.device = "auto",
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.base = base
        self.n_unfrozen_blocks = n_unfrozen_blocks
        self.head_max_epochs = head_max_epochs
        self.head_lr = head_lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.augment = augment
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.optimizer = optimizer
        self.criterion = criterion
        self.callbacks = callbacks
        self.compile = compile
        self.mixed_precision = mixed_precision
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train a fresh head on the base of another network, then its top blocks too.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            What `base` reads; for a pipeline also what the classifier at its end reads.
        y : array-like of shape (n,)
            Labels: numbers or strings, two classes at least.
        sample_weight : array-like of float, shape (n,), default=None
            What each weighs in the loss, 0 or more; one that weighs 0 is left out.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            A `base` that is not fitted, is no network of this package, or was fitted on frames of
            another shape or prepared in another way; more unfrozen blocks than it has; and what
            `CNN1D.fit` refuses.

        Warns
        -----
        FewLabelsWarning
            A class has fewer than ten labels.
        NotLearnedWarning
            After ten epochs or more the frames trained on are ranked hardly better than by chance.
        """
        prepare, source = open_base(self.base)
        design, shape = source.design_, source.network_shape_
        X = check_frames(self, X, reset=True)
        self.prepare_ = None
        if prepare is not None and tuple(X.shape[1:]) != shape:
            self.prepare_ = clone(prepare).fit(X)
        X = self._as_network_reads(X, design, shape)
        source._check_preprocessing(X)
        X, y, sample_weight = left_in(self, X, y, sample_weight)
        classes, targets = encode_labels(self, X, y)
        return self._fit(X, design, classes, targets, sample_weight)

    # -- The base, which is never changed ------------------------------------------------------

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy with the same fitted base: a clone of it would be empty."""
        copy = super().__sklearn_clone__()
        copy.base = self.base
        return copy

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; those of the fitted base are not among them.

        Parameters
        ----------
        deep : bool, default=True
            Without effect.

        Returns
        -------
        params : dict
            Names and values.
        """
        return super().get_params(deep=False)

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of the fitted base cannot be set.

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        self : object
            This classifier, changed.

        Raises
        ------
        InputError
            A parameter of the base, which would change what was fitted with it.
        """
        for name in params:
            if name.startswith("base__"):
                raise InputError(
                    f"{name} cannot be set: the base of FineTuned is fitted, and stays as it is. "
                    "Fit another base with it and pass that."
                )
        return super().set_params(**params)

    # -- Frames on their way to the network ----------------------------------------------------

    def _check_frames(self, X: Any) -> Any:
        X = check_frames(self, X, reset=False)
        return self._as_network_reads(X, self.design_, self.network_shape_)

    def _as_network_reads(self, X: Any, design: NetworkDesign, wanted: tuple[int, ...]) -> Any:
        """Prepare checked X, unless it comes prepared."""
        if self.prepare_ is not None:
            X = self.prepare_.transform(X)
        if tuple(X.shape[1:]) != wanted:
            made = "these are" if self.prepare_ is None else "its preprocessing makes them"
            raise InputError(
                f"FineTuned: the base was fitted on frames of shape {wanted}, and {made} of shape "
                f"{tuple(X.shape[1:])}: prepare them as those were."
            )
        return design._as_read(as_values("FineTuned", X))

    # -- The training, in two steps ------------------------------------------------------------

    def _build_module(
        self, design: NetworkDesign, frame_shape: tuple[int, ...], n_classes: int
    ) -> FineTunedModule:
        base = design._checked_base(frame_shape)
        head = design.build_head(base.n_features, n_classes)
        return FineTunedModule(base, head, design.build_augmentation() if self.augment else None)

    def _train(self, module: Any, material: Material, history: History) -> NeuralNetClassifier:
        n_blocks = len(getattr(module.base, "blocks", ()))
        if self.n_unfrozen_blocks > n_blocks:
            raise InputError(
                f"n_unfrozen_blocks={self.n_unfrozen_blocks}, but the base has {n_blocks} blocks: "
                "unfreeze as many at most."
            )
        if not history:  # otherwise a warm start has brought its own
            _, source = open_base(self.base)
            module.base.load_state_dict(source.net_.module_.base.state_dict())
        steps = [(0, self.head_max_epochs, self.head_lr)]
        if self.n_unfrozen_blocks:
            steps.append((self.n_unfrozen_blocks, self.max_epochs, self.lr))
        for n_unfrozen, max_epochs, lr in steps:
            module.unfreeze(n_unfrozen)
            begun = len(history)
            net = self._run(module, material, history, max_epochs, lr)
            history = net.history
            for epoch in history[begun:]:
                epoch["n_unfrozen"] = n_unfrozen
        return net

    def __sfx_steps__(self) -> list[tuple[str | None, Any]]:
        """Return what prepares the frames, if anything does, and this classifier."""
        prepare = getattr(self, "prepare_", None)
        return [(None, self)] if prepare is None else [(None, prepare), (None, self)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if not isinstance(self.base, str | os.PathLike):
            tags.input_tags = get_tags(estimators(self.base)[0]).input_tags
            tags.input_tags.allow_nan = True
        return tags
