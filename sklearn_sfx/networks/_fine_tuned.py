"""The network whose base comes from elsewhere, and is held fast in part."""

from typing import Any, Self

from torch import nn

from sklearn_sfx.networks._classifier import ClassifierModule

__all__ = ["FineTunedModule"]


class FineTunedModule(ClassifierModule):
    """A trained base of which only the top blocks learn on, and a fresh head.

    What is frozen keeps its weights, and the statistics of its batch norms too: it stays in
    ``eval`` mode while the rest trains.

    Parameters
    ----------
    base : nn.Module
        With `blocks`, bottom first, if some are to learn. All of it is frozen to begin with.
    head, augmentation
        As in `ClassifierModule`.

    Examples
    --------
    >>> from sklearn_sfx.networks import Base1D, FineTunedModule, Head
    >>> base = Base1D(channels=(4, 8))
    >>> module = FineTunedModule(base, Head(base.n_features, 8, 2)).train()
    >>> [block.training for block in module.base.blocks]
    [False, False]
    >>> module.unfreeze(1)
    >>> [block.training for block in module.base.blocks]
    [False, True]
    """

    def __init__(self, base: nn.Module, head: nn.Module, augmentation: nn.Module | None = None):
        super().__init__(base, head, augmentation)
        self.unfreeze(0)

    def unfreeze(self, n_blocks: int) -> None:
        """Let the top `n_blocks` blocks learn, and nothing else of the base."""
        self.n_unfrozen = n_blocks
        self.base.requires_grad_(False)
        for block in self._unfrozen():
            block.requires_grad_(True)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the training mode of all but what is frozen."""
        super().train(mode)
        self.base.eval()
        for block in self._unfrozen():
            block.train(mode)
        return self

    def _unfrozen(self) -> list[nn.Module]:
        blocks: list[Any] = list(getattr(self.base, "blocks", ()))
        return blocks[len(blocks) - self.n_unfrozen :]
