"""The classifier that learns from another experiment's labels and none of one's own."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils import Tags, check_consistent_length, column_or_1d, get_tags
from sklearn.utils._param_validation import Interval, StrOptions
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.history import History
from torch import nn

from sklearn_sfx._weights import left_in
from sklearn_sfx.classifiers._agreement import trained_on_frames
from sklearn_sfx.classifiers._base import Material, TorchClassifier
from sklearn_sfx.classifiers._cnn1d import CNN1D
from sklearn_sfx.classifiers._design import NetworkDesign, VectorDesign
from sklearn_sfx.classifiers._designed import DesignedClassifier, design_of
from sklearn_sfx.classifiers._domains import (
    SCHEDULES,
    AdversarialNet,
    DomainHeadAhead,
    DomainPerEpoch,
    ReversalSchedule,
    in_mixed_batches,
)
from sklearn_sfx.classifiers._frame_levels import NEEDED
from sklearn_sfx.classifiers._levels import bring_to_target, design_in_own_units
from sklearn_sfx.classifiers._source_and_target import encode_source, warn_without_target
from sklearn_sfx.networks import AdversarialLoss, AdversarialModule

__all__ = ["DANN"]

# Of row vectors and of frames: strengths of the gradient reversal, and highest learning rates.
STRENGTHS, RATES = (1.0, 0.0), (0.003, 0.005)
N_FEATURES = 16  # of vectors that both heads read; a base has many ways to tell two experiments


class DANN(TorchClassifier):
    """Domain-adversarial network: labels of another experiment, none of one's own.

    It is fitted on labelled frames of one experiment, the source, and unlabelled frames of another,
    the target. What every frame of a run has is of its detector: each place of the source's
    vectors, and each pixel of its frames where both runs have 32 or more, is given the level and
    the spread that it has in the target's. So what is fitted is for the target. Of frames that can
    do harm, so two networks are trained, with it and as they come, which is `CNN2D` of the source;
    kept is the one whose decisions on frames of the target change less when these are turned over.

    One base feeds two heads: one learns the labels of the source, the other learns to tell source
    from target, and its gradient is reversed on its way into the base [1]_. So the base learns what
    hits of both experiments have in common [2]_. Of row vectors both heads read a bottleneck of 16
    features. The domain's takes ten more steps after each step of the base, as the critic in [3]_,
    for only a good judge can be followed; and in its loss each class weighs the same in source and
    target, where a frame of the target counts by its predicted probability, after [4]_. Row vectors
    of another detector may be larger: the network of `CNN1D` divides each without values below 0 by
    its median. Of frames, batch norms learn from the source alone, and nothing is reversed unless
    `max_lambda` asks for it.

    Parameters
    ----------
    base : CNN1D, CNN2D, VectorDesign, FrameDesign or None, default=None
        Says the network and which input it reads; None for ``CNN1D()``. Only what shapes the
        network and holds the frames counts (`channels`, `kernel_size`, `dropout`, `n_hidden`,
        `cache_bytes`, ...); how it is trained is said here. Fitted weights of it are not used. A
        design of your own, or a `NetworkClassifier` of it, will do too.
    unlabelled : int, str or None, default=-1
        The label in y of a frame of the target. None where -1 is a label like any other: then
        `sample_domain` says which frames are of the target.
    max_lambda : float or "auto", default="auto"
        Strength of the gradient reversal at its greatest; 0 trains on the source alone, made like
        the target, and of frames leaves the target out of the batches. "auto" is 1 for row vectors,
        and 0 for frames, where the reversal gained on some pairs of experiments and lost on others
        at 0.1, and lost on six of six at 1. Above 0 frames are made like the target's in any case.
    lambda_schedule : {"ganin", "linear", "constant"}, default="ganin"
        How the strength grows with the progress p of the training, from 0 to 1: as
        ``2 / (1 + exp(-10 p)) - 1`` [1]_, as p, or not at all.
    max_epochs : int, default=50
        Passes over the larger of source and target; the smaller is repeated evenly. They are over
        the source where the target is left out.
    batch_size : int, default=64
        Frames per step, half of them of the source and half of the target; where that is left out
        a step has its half.
    lr : float or "auto", default="auto"
        Highest learning rate: it rises over the first tenth of the training and then falls to a
        hundredth, following a cosine. "auto" is 0.003 for row vectors and 0.005 for frames, as
        `CNN1D` and `CNN2D` have it.
    weight_decay : float, default=0.01
        Decay of the weights in AdamW.
    class_weight : dict, "balanced" or None, default="balanced"
        Weights of the classes in the loss. "balanced" makes few hits count as much as many misses.
    augment : bool, default=True
        Whether source and target are changed at random while training, as `base` does.
    early_stopping : bool, default=False
        Whether to hold labels of the source back, to stop after `patience` epochs without progress
        on them, and to keep the best epoch. It says nothing of the target.
    validation_fraction : float, default=0.2
        Share of the source that `early_stopping` holds back: shuffled, the same of each class.
    patience : int, default=10
        See `early_stopping`.
    optimizer, criterion, callbacks, compile, mixed_precision : optional
        As `CNN1D` has them.
    device : str or torch.device, default="auto"
        Where torch computes: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1".
    warm_start : bool, default=False
        Whether `fit` goes on from the network of the last `fit`, of the same labels and frame
        shape, instead of a fresh one. `history_` goes on too. Of frames made like the target's it
        goes on with such; else it tries both again.
    random_state : int, RandomState instance or None, default=None
        Start of the weights, order of the frames, dropout, augmentation, and what is held back.
        The same integer gives the same network, bit by bit on a CPU; global generators stay
        untouched.
    verbose : int, default=0
        Above 0, a line per epoch.

    Attributes
    ----------
    design_ : VectorDesign or FrameDesign
        Of what base and heads are made, as `base` says.
    classes_ : ndarray of shape (n_classes,)
        The labels of the source, sorted, of the dtype of y; `unlabelled` is none of them.
    n_features_in_ : int
        ``X.shape[1]`` in `fit`.
    frame_shape_in_ : tuple of int
        ``X.shape[1:]`` in `fit`.
    network_shape_ : tuple of int
        ``frame_shape_in_``: what the network itself reads.
    history_ : list of dict
        One entry per epoch: ``train_loss``, ``train_recall``, ``lr``, ``dur`` as `CNN1D` has them;
        ``label_loss`` and ``label_accuracy`` of the source; ``domain_loss`` and
        ``domain_accuracy`` of both together, with ``source_domain_...`` and ``target_domain_...``
        of each, unless the target is left out of the batches; and ``lambda``. All are taken while
        training. Trained is what shows a plateau in the label's and goes up and down in the
        domain's, where an accuracy of 0.5 means that source and target cannot be told apart.
    made_alike_ : bool
        Whether the source was made like the target.
    preprocessing_ : str or None
        As `CNN1D` has it.
    net_ : skorch.NeuralNetClassifier
        The trained net; its module is ``net_.module_``.

    See Also
    --------
    FineTuned : For those who have some labels of their own.
    SourceScorer, TargetEntropyScorer : Choose parameters without labels of the target.
    LabelledStratifiedKFold : Folds that never test an unlabelled frame.

    Notes
    -----
    With skada's own scorers, which ask for more than `predict` takes, put it into skada's pipeline:
    ``make_da_pipeline(DANN().set_fit_request(sample_domain=True))``. Importing skada turns
    metadata routing on for the whole process.

    Ensembles and calibration of scikit-learn take `unlabelled` for one more class. Inside them
    route `sample_domain`, and let y of the target hold any label of the source.

    On frames callbacks see both trainings, first that of the source as it comes; what one writes to
    disk may be of the network that is not kept.

    The target's labels are never used, whatever y says of its frames. The method rests on a base
    that finds many hits of the target from the start: what it takes for one is what is compared
    with hits of the source.

    References
    ----------
    .. [1] Ganin et al., "Domain-adversarial training of neural networks", J. Mach. Learn. Res. 17,
       1 (2016).
    .. [2] Xie et al., "Weakly supervised learning for pattern classification in serial femtosecond
       crystallography", Optics Express 31(20), 32909 (2023).
    .. [3] Shen et al., "Wasserstein distance guided representation learning for domain adaptation",
       AAAI (2018).
    .. [4] Tachet des Combes et al., "Domain adaptation with conditional distribution matching and
       generalized label shift", NeurIPS 33 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import CNN1D, DANN
    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.gumbel(5, 1, (120, 100))
    >>> labels = np.tile([0, 1], 60)
    >>> vectors[labels == 1, 20:80:5] += 15
    >>> vectors[60:] = 2 * vectors[60:] + 5  # another detector
    >>> known = np.where(np.arange(120) < 60, labels, -1)
    >>> base = CNN1D(channels=(4, 8))
    >>> model = DANN(base, max_epochs=100, lr=0.02, random_state=0).fit(vectors, known)
    >>> model.score(vectors[60:], labels[60:]) > 0.9
    True
    """

    _net_class = AdversarialNet
    _loader = staticmethod(in_mixed_batches)
    _parameter_constraints: ClassVar[dict] = {
        **TorchClassifier._parameter_constraints,
        "base": "no_validation",  # `design_of` says what may stand there
        "unlabelled": [Integral, str, None],
        "max_lambda": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "lambda_schedule": [StrOptions(set(SCHEDULES))],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    }

    def __init__(
        self,
        base: DesignedClassifier | NetworkDesign | None = None,
        *,
        unlabelled: int | str | None = -1,
        max_lambda: float | str = "auto",
        lambda_schedule: str = "ganin",
        max_epochs: int = 50,
        batch_size: int = 64,
        lr: float | str = "auto",
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
        self.unlabelled = unlabelled
        self.max_lambda = max_lambda
        self.lambda_schedule = lambda_schedule
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
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        sample_domain: ArrayLike | None = None,
    ) -> Self:
        """Train on labelled frames of the source and unlabelled frames of the target.

        Parameters
        ----------
        X : array-like or Frames, shape (n, ...)
            Frames of both, in any order, prepared alike; NaN reads as 0.
        y : array-like of shape (n,)
            Labels of the source, two classes at least, and `unlabelled` for the target.
        sample_weight : array-like of float, shape (n,), default=None
            What each weighs in both losses, 0 or more, beside others of its domain; one that weighs
            0 is left out.
        sample_domain : array-like of int, shape (n,), default=None
            0 or above for the source, below 0 for the target, whose y is then not looked at. By
            default the target is where y is `unlabelled`.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        InputError
            A `base` of another kind, labels of one class only, a frame of the source without a
            label, a `sample_domain` of another length, and what `CNN1D.fit` refuses.

        Warns
        -----
        NoTargetWarning
            No frame is of the target; or source or target has fewer than 32 frames, whose levels
            are then not known. What is trained is a plain network of the source.
        FewLabelsWarning
            A class has fewer than ten labels.
        NotLearnedWarning
            After ten epochs or more the frames trained on are ranked hardly better than by chance.
        """
        design = design_of(CNN1D() if self.base is None else self.base)
        X = design._check(self, X, reset=True)
        if sample_domain is not None:
            sample_domain = column_or_1d(sample_domain)
            check_consistent_length(X, sample_domain)
        weighed = left_in(self, X, y, sample_weight, sample_domain)
        X, y, sample_weight, sample_domain = weighed
        classes, targets = encode_source(self, X, y, sample_domain)
        needed = NEEDED if self._leaves_target(design) else 1
        warn_without_target(targets, self.unlabelled, needed)
        if not isinstance(self.base, NetworkDesign):
            design = design_in_own_units(design, X)
        self._fit(X, design, classes, targets, sample_weight)
        self.made_alike_ = bool(vars(self.net_).pop("made_alike", (targets < 0).any()))
        return self

    # -- How it is trained ---------------------------------------------------------------------

    def _make_loss(self, class_weight: np.ndarray) -> nn.Module:
        return AdversarialLoss(super()._make_loss(class_weight))

    def _said_or(self, value: float | str, usual: tuple[float, float]) -> float:
        """Return a parameter, or for "auto" what is usual of vectors or of frames."""
        on_frames = not isinstance(self.design_, VectorDesign)
        return usual[on_frames] if value == "auto" else float(value)

    def _highest_rate(self) -> float:
        return self._said_or(self.lr, RATES)

    def _leaves_target(self, design: NetworkDesign) -> bool:
        """Tell whether nothing would learn from the target: norms of frames do not."""
        return not isinstance(design, VectorDesign) and self.max_lambda in ("auto", 0)

    def _make_callbacks(self) -> list[tuple[str, Callback]]:
        strength = self._said_or(self.max_lambda, STRENGTHS)
        return [
            *super()._make_callbacks(),
            ("reversal", ReversalSchedule(strength, self.lambda_schedule)),
            ("domain", DomainPerEpoch()),
            ("domain_head", DomainHeadAhead(self._highest_rate(), self.weight_decay)),
        ]

    def _make_net(self, module: Any, device: torch.device, **kwargs: Any) -> NeuralNetClassifier:
        kwargs["iterator_train__leave_target"] = self._leaves_target(self.design_)
        return super()._make_net(module, device, **kwargs)

    def _build_module(
        self, design: NetworkDesign, frame_shape: tuple[int, ...], n_classes: int
    ) -> AdversarialModule:
        base = design._checked_base(frame_shape)
        on_vectors = isinstance(design, VectorDesign)
        n_features = min(N_FEATURES, base.n_features) if on_vectors else base.n_features
        head = design.build_head(n_features, n_classes)
        # Where it does nothing it takes no random numbers: this is the network of the source then.
        idle = self._leaves_target(design)
        with torch.random.fork_rng(devices=[]) if idle else nullcontext():
            domain_head = design.build_head(n_features, 1)
        augmentation = design.build_augmentation() if self.augment else None
        bottleneck = nn.Linear(base.n_features, n_features) if on_vectors else None
        return AdversarialModule(base, head, domain_head, augmentation, bottleneck)

    def _train_seeded(self, seed: int, material: Material, start: Any) -> NeuralNetClassifier:
        if isinstance(self.design_, VectorDesign):
            return super()._train_seeded(seed, material, start)
        train = partial(super()._train_seeded, seed, material, start)
        was_alike = start is not None and getattr(self, "made_alike_", True)
        in_any_case = was_alike or not self._leaves_target(self.design_)
        net, is_alike = trained_on_frames(material, train, in_any_case)
        net.made_alike = is_alike  # stays with this net, for another may be trained beside it
        return net

    def _train(self, module: Any, material: Material, history: History) -> NeuralNetClassifier:
        if isinstance(self.design_, VectorDesign):
            bring_to_target(material, by_median=getattr(module.base, "own_units", False))
        return super()._train(module, material, history)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(CNN1D() if self.base is None else self.base).input_tags
        tags.input_tags.allow_nan = True
        return tags
