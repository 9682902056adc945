"""The classifier of whole frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from torch import nn

from sklearn_sfx.classifiers._design import FrameDesign, odd, positive_integers
from sklearn_sfx.classifiers._designed import DesignedClassifier
from sklearn_sfx.networks import Base2D, Head

__all__ = ["CNN2D", "CNN2DDesign"]


@dataclass(frozen=True, repr=False)
class CNN2DDesign(FrameDesign):
    """The network of `CNN2D`; the fields are its parameters."""

    channels: tuple[int, ...]
    first_kernel_size: int
    kernel_size: int
    dropout: float
    n_hidden: tuple[int, ...]
    cache_bytes: int

    def build_base(self, frame_shape: tuple[int, ...]) -> Base2D:
        height, width = frame_shape
        sizes = self.first_kernel_size, self.kernel_size
        return Base2D((height, width), self.channels, *sizes, self.dropout)

    def build_head(self, n_features: int, n_outputs: int) -> nn.Module:
        return Head(n_features, self.n_hidden, n_outputs, self.dropout)


class CNN2D(DesignedClassifier):
    """Convolutional network on whole frames.

    The network of Ke et al. [1]_: by default four blocks of convolution, batch norm, ReLU and
    pooling, each of which makes a frame about four times smaller along each side, and a head on
    what is left. It reads (n, height, width) of any size, and expects what `CentralCrop`, `GCN`
    and `LCN` give. It wants about 1200 labelled frames [2]_; with 200, `CNN1D` after
    `RowWiseDecomposition` finds more. NaN, and what the mask of `Frames` calls unusable, read as 0.

    `Frames` are trained on where they are: a batch is read when it is its turn. Gradients are
    scaled down to a norm of 1, unless an `optimizer` is given. A fresh training of ten epochs or
    more that ends hardly better than chance begins anew once, from other weights.

    Parameters
    ----------
    channels : sequence of int, default=(4, 8, 16, 32)
        Output channels of each block.
    first_kernel_size : int, default=7
        Side of the convolution of the first block; odd.
    kernel_size : int, default=3
        Side of the convolutions of the other blocks; odd.
    dropout : float, default=0.2
        Share of the values left out while training, in the top two blocks and in the head.
    n_hidden : int or sequence of int, default=64
        Units of the head's hidden layer; of each of them for a sequence, such as ``(64, 32)``.
    max_epochs : int, default=50
        Passes over the training frames.
    batch_size : int, default=16
        Frames per step; the batches of an epoch differ in size by one at most.
    lr : float, default=0.005
        Highest learning rate: it rises over the first tenth of the training and then falls to a
        hundredth, following a cosine.
    weight_decay : float, default=0.01
        Decay of the weights in AdamW.
    class_weight : dict, "balanced" or None, default="balanced"
        Weights of the classes in the loss. "balanced" makes few hits count as much as many misses.
    augment : bool, default=True
        Whether frames are flipped, turned by quarters where they are square, and scaled by up to
        30 % while training.
    cache_bytes : int, default=2**30
        Memory for training on `Frames`, in bytes: that much of them is kept after the first epoch,
        preprocessed and in half precision (about 1000 frames of 720 x 720 for each GiB); the rest
        is read again in each epoch. It changes the time and not the result; 0 keeps nothing. All
        training frames, those in arrays too, are rounded to half precision (11 significant bits).
    early_stopping : bool, default=False
        Whether to hold labels back, to stop after `patience` epochs without progress on them, and
        to keep the best epoch. Best is the highest mean over the classes of the recall of each,
        then the lowest loss: the recall of hits alone is highest for who calls everything a hit.
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
        Height of the frames seen in `fit`, in pixels.
    frame_shape_in_ : tuple of int
        ``(height, width)``, in pixels.
    network_shape_ : tuple of int
        ``frame_shape_in_``: what the network itself reads.
    design_ : FrameDesign
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
    CNN1D : For few labels, on the vectors of `RowWiseDecomposition`.
    PeakCountClassifier : The classical baseline.

    References
    ----------
    .. [1] Ke et al., "A convolutional neural network-based screening tool for X-ray serial
       crystallography", J. Synchrotron Rad. 25, 655 (2018).
    .. [2] Xie et al., "Weakly supervised learning for pattern classification in serial femtosecond
       crystallography", Optics Express 31(20), 32909 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.classifiers import CNN2D
    >>> rng = np.random.default_rng(0)
    >>> frames = rng.normal(size=(60, 24, 24))
    >>> labels = np.repeat(["miss", "hit"], 30)
    >>> frames[labels == "hit", 4::5, 4::5] += 8
    >>> model = CNN2D(channels=(4, 8), lr=0.02, max_epochs=10, random_state=0)
    >>> model.fit(frames[::2], labels[::2]).score(frames[1::2], labels[1::2])
    1.0
    """

    _parameter_constraints: ClassVar[dict] = {
        **DesignedClassifier._parameter_constraints,
        "channels": ["array-like"],
        "first_kernel_size": [Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "n_hidden": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "cache_bytes": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        channels: Sequence[int] = (4, 8, 16, 32),
        first_kernel_size: int = 7,
        kernel_size: int = 3,
        dropout: float = 0.2,
        n_hidden: int | Sequence[int] = 64,
        max_epochs: int = 50,
        batch_size: int = 16,
        lr: float = 0.005,
        weight_decay: float = 0.01,
        class_weight: dict | str | None = "balanced",
        augment: bool = True,
        cache_bytes: int = 2**30,
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
        self.first_kernel_size = first_kernel_size
        self.kernel_size = kernel_size
        self.dropout = dropout
        self.n_hidden = n_hidden
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.class_weight = class_weight
        self.augment = augment
        self.cache_bytes = cache_bytes
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

    def _make_design(self) -> CNN2DDesign:
        return CNN2DDesign(
            channels=positive_integers(self, "channels"),
            first_kernel_size=odd(self, "first_kernel_size"),
            kernel_size=odd(self, "kernel_size"),
            dropout=float(self.dropout),
            n_hidden=positive_integers(self, "n_hidden", may_be_empty=True),
            cache_bytes=int(self.cache_bytes),
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags
