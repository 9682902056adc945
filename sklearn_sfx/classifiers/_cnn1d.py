"""The classifier of RWD vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import nn

from sklearn_sfx.classifiers._design import VectorDesign, odd, positive_integers
from sklearn_sfx.classifiers._designed import DesignedClassifier
from sklearn_sfx.networks import Base1D, Head

__all__ = ["CNN1D", "CNN1DDesign"]


@dataclass(frozen=True, repr=False)
class CNN1DDesign(VectorDesign):
    """The network of `CNN1D`; the fields are its parameters."""

    channels: tuple[int, ...]
    kernel_size: int
    dropout: float
    n_hidden: int
    own_units: bool = False  # model files of older versions lack it

    def build_base(self, frame_shape: tuple[int, ...]) -> Base1D:
        return Base1D(self.channels, self.kernel_size, self.dropout, self.own_units)

    def build_head(self, n_features: int, n_outputs: int) -> nn.Module:
        return Head(n_features, self.n_hidden, n_outputs, self.dropout)

    def _for_any_detector(self) -> "CNN1DDesign":
        return replace(self, own_units=True)


class CNN1D(DesignedClassifier):
    """Convolutional network on 1-D signals: the vectors of row-wise decomposition.

    With about 200 labelled frames it finds hits as well as a network on whole frames does with
    1200 [1]_. It reads (n, length) of any length, so it follows `RowWiseDecomposition` in a
    pipeline. NaN reads as 0.

    Parameters
    ----------
    channels : sequence of int, default=(16, 32, 64, 64)
        Output channels of each block (convolution, batch norm, ReLU, pooling by two).
    kernel_size : int, default=7
        Length of the convolutions; odd.
    dropout : float, default=0.2
        Share of the values left out while training, in the top two blocks and in the head.
    n_hidden : int, default=64
        Units of the head's hidden layer.
    max_epochs : int, default=50
        Passes over the training frames.
    batch_size : int, default=32
        Frames per step; the batches of an epoch differ in size by one at most.
    lr : float, default=0.003
        Highest learning rate: it rises over the first tenth of the training and then falls to a
        hundredth, following a cosine.
    weight_decay : float, default=0.01
        Decay of the weights in AdamW.
    class_weight : dict, "balanced" or None, default="balanced"
        Weights of the classes in the loss. "balanced" makes few hits count as much as many misses.
    augment : bool, default=True
        Whether vectors are reversed, rolled by up to a tenth, scaled by up to 30 % while training.
    early_stopping : bool, default=False
        Whether to hold labels back, to stop after `patience` epochs without progress on them, and
        to keep the best epoch. Best is the highest mean over the classes of the recall of each,
        then the lowest loss: the recall of hits alone is highest for who calls everything a hit.
    validation_fraction : float, default=0.2
        Share that `early_stopping` holds back: shuffled, the same of each class.
    patience : int, default=10
        See `early_stopping`.
    optimizer : callable, default=None
        A class of torch's optimizers, or a partial of one, called with what learns, `lr` and
        `weight_decay`; None for ``torch.optim.AdamW``.
    criterion : callable, default=None
        A class of torch's losses of logits and class numbers, or a partial of one, called with
        ``reduction="none"``, since classes and samples weigh; None for
        ``torch.nn.CrossEntropyLoss``.
    callbacks : list, default=None
        Callbacks of skorch, or pairs of a name and one. Each training makes fresh ones of their
        parameters, which are in ``net_.callbacks_``. One named "schedule", and an `LRScheduler`
        under any name, takes the place of the schedule of the learning rate; one named "gradients"
        that of what scales down those of frames. None in its place leaves it out.
    compile : bool, default=False
        Whether `torch.compile` makes the base quicker to train; this takes a minute itself, and
        a C++ compiler.
    mixed_precision : bool, default=False
        Whether to train in bfloat16 where that is safe, as `torch.autocast` says: for a GPU.
    device : str or torch.device, default="auto"
        Where torch computes: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1".
    warm_start : bool, default=False
        Whether `fit` goes on from the network of the last `fit`, of the same labels and frame
        shape, instead of a fresh one. `history_` goes on too.
    random_state : int, RandomState instance or None, default=None
        Start of the weights, order of the frames, dropout, augmentation, and what is held back.
        The same integer gives the same network, bit by bit on a CPU; global generators stay
        untouched.
    verbose : int, default=0
        Above 0, a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, of the dtype of y.
    n_features_in_ : int
        Length of the vectors seen in `fit`.
    frame_shape_in_ : tuple of int
        ``(length,)``.
    network_shape_ : tuple of int
        ``frame_shape_in_``: what the network itself reads.
    design_ : VectorDesign
        Of what the network is made: the parameters that shape it, as they were in `fit`.
    history_ : list of dict
        One entry per epoch: ``train_loss``, ``train_recall``, ``lr``, ``dur`` in seconds and, with
        `early_stopping`, ``valid_loss``, ``valid_recall``. ``history_[:, "train_loss"]`` is a
        column. Recall is the mean over the classes.
    preprocessing_ : str or None
        How the `Frames` seen in `fit` were prepared; None for arrays, which do not know. `Frames`
        prepared in another way are refused.
    net_ : skorch.NeuralNetClassifier
        The trained net; its module is ``net_.module_``.

    See Also
    --------
    PeakCountClassifier : The classical baseline, on frames.

    References
    ----------
    .. [1] Xie et al., "Weakly supervised learning for pattern classification in serial femtosecond
       crystallography", Optics Express 31(20), 32909 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import CNN1D
    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.gumbel(5, 1, (60, 100))
    >>> labels = np.repeat(["miss", "hit"], 30)
    >>> vectors[labels == "hit", 20:80:5] += 15
    >>> model = CNN1D(channels=(4, 8), lr=0.02, random_state=0).fit(vectors[::2], labels[::2])
    >>> model.score(vectors[1::2], labels[1::2])
    1.0
    """

    _parameter_constraints: ClassVar[dict] = {
        **DesignedClassifier._parameter_constraints,
        "channels": ["array-like"],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "n_hidden": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        channels: Sequence[int] = (16, 32, 64, 64),
        kernel_size: int = 7,
        dropout: float = 0.2,
        n_hidden: int = 64,
        max_epochs: int = 50,
        batch_size: int = 32,
        lr: float = 0.003,
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
        self.channels = channels
        self.kernel_size = kernel_size
        self.dropout = dropout
        self.n_hidden = n_hidden
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

    def _make_design(self) -> CNN1DDesign:
        return CNN1DDesign(
            channels=positive_integers(self, "channels"),
            kernel_size=odd(self, "kernel_size"),
            dropout=float(self.dropout),
            n_hidden=int(self.n_hidden),
        )
