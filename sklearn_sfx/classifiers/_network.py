"""The classifier of any design: it trains a base of one's own."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from sklearn.utils import Tags, get_tags

from sklearn_sfx.classifiers._design import NetworkDesign
from sklearn_sfx.classifiers._designed import DesignedClassifier

__all__ = ["NetworkClassifier"]


class NetworkClassifier(DesignedClassifier):
    """Classifier on a network of one's own, trained as `CNN1D` and `CNN2D` are.

    The design says of what the network is made: derive a class from `VectorDesign` or `FrameDesign`
    with one method, `build_base`. What is trained here is cloned, searched, stored and tuned like
    any classifier of this package.

    Parameters
    ----------
    design : VectorDesign or FrameDesign
        An instance of a class of your own. Its parameters are searched as ``design__...``.
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
        Whether the input is changed at random while training, as the design says.
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
        ``X.shape[1]`` in `fit`.
    frame_shape_in_ : tuple of int
        ``X.shape[1:]`` in `fit`.
    network_shape_ : tuple of int
        ``frame_shape_in_``: what the network itself reads.
    design_ : VectorDesign or FrameDesign
        The copy of `design` that built the network.
    history_ : list of dict
        As `CNN1D` has it.
    preprocessing_ : str or None
        As `CNN1D` has it.
    net_ : skorch.NeuralNetClassifier
        The trained net; its module is ``net_.module_``.

    See Also
    --------
    VectorDesign, FrameDesign : What to derive a design from, with an example.

    Notes
    -----
    `save_model` and `load_model` know the classes of this package, and no design of your own: keep
    such a model with ``joblib.dump``. `to_onnx` writes it if the base has a method ``write_graph``.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_sfx.classifiers import NetworkClassifier, VectorDesign
    >>> class Highest(torch.nn.Module):
    ...     def __init__(self, n_highest):
    ...         super().__init__()
    ...         self.n_features = n_highest
    ...
    ...     def forward(self, x):  # (n, length) to (n, n_features)
    ...         x = x - x.median(dim=1, keepdim=True).values
    ...         return torch.asinh(x).topk(self.n_features).values
    >>> class HighestDesign(VectorDesign):
    ...     def __init__(self, n_highest=4):
    ...         self.n_highest = n_highest
    ...
    ...     def build_base(self, frame_shape):
    ...         return Highest(self.n_highest)
    >>> rng = np.random.default_rng(0)
    >>> vectors, labels = rng.gumbel(5, 1, (60, 100)), np.tile([0, 1], 30)
    >>> vectors[labels == 1, 20:80:5] += 15
    >>> model = NetworkClassifier(HighestDesign(), max_epochs=20, lr=0.02, random_state=0)
    >>> search = GridSearchCV(model, {"design__n_highest": [1, 12]}, cv=2).fit(vectors, labels)
    >>> search.predict(vectors[:4])
    array([0, 1, 0, 1])
    """

    _parameter_constraints: ClassVar[dict] = {
        **DesignedClassifier._parameter_constraints,
        "design": [NetworkDesign],
    }

    def __init__(
        self,
        design: NetworkDesign,
        *,
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
        self.design = design
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

    def _make_design(self) -> NetworkDesign:
        return self.design._copy()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if isinstance(self.design, NetworkDesign):
            tags.input_tags = get_tags(self.design).input_tags
            tags.input_tags.allow_nan = True
        return tags
