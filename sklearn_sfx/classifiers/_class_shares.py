"""What share of the target each class has, as a network in training says without its labels."""

from typing import Any

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

__all__ = ["ClassShares"]

ALIKE = 1 / 3  # of the larger of two shares, at the least


class ClassShares(Callback):
    """Tell after each epoch whether source and target have about the same shares of classes.

    What the network says on the mean of the target is a mixture of what it says on the mean of
    each class of the source [1]_; the mixture is solved for.

    Attributes
    ----------
    are_alike_ : bool
        Whether each class has in one of the two a third of its share in the other, or more. True
        before the first epoch ends, and where there is no target.

    References
    ----------
    .. [1] Lipton, Wang and Smola, "Detecting and correcting for label shift with black box
       predictors", ICML (2018).
    """

    def on_train_begin(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        self.are_alike_ = True

    def on_epoch_begin(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        self.sums_: Any = 0

    def on_batch_end(
        self, net: NeuralNetClassifier, batch: Any, training: bool, y_pred: Any, **kwargs: Any
    ) -> None:
        if not training:
            return
        said = y_pred[0].detach().float().softmax(dim=1)
        n_classes = said.shape[1]
        # The last row is of the target, the last column counts.
        row = torch.where(batch[1] < 0, n_classes, batch[1]).to(said.device)
        sums = said.new_zeros(n_classes + 1, n_classes + 1)
        self.sums_ += sums.index_add_(0, row, torch.cat([said, said.new_ones(len(row), 1)], 1))

    def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        counts, sums = self.sums_[:, -1].cpu(), self.sums_[:, :-1].cpu()
        del self.sums_  # a tensor on a GPU has no place in a saved net
        if (counts == 0).any():
            return
        said = sums / counts[:, None]
        of_target = torch.linalg.lstsq(said[:-1].T, said[-1:].T, driver="gelsd").solution[:, 0]
        of_target = of_target.clamp(min=0)
        ratio = of_target / of_target.sum() * counts[:-1].sum() / counts[:-1]
        self.are_alike_ = bool(torch.minimum(ratio, 1 / ratio).min() >= ALIKE)
