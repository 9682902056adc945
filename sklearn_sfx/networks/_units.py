"""Vectors measured in units that another detector's have too."""

from typing import Any

import torch
from torch import nn

__all__ = ["VectorUnits"]

NEEDED = 64  # values of which to judge a place: of its neighbours too, if there are few vectors
ENOUGH = 2000  # vectors of which a run is judged
LEAST_UNIT = 0.1  # of the usual one: a place where nothing happens is not blown up


class VectorUnits(nn.Module):
    """Measure row vectors by their own median, and each place by what is usual there.

    A gain makes a vector larger, and dividing by its median undoes that. What is left of another
    detector, a level that is added or a ring that is bright, is in each of its vectors at the same
    place: `level` is the lower quartile of a place over the vectors of one run, `unit` their
    median distance from it. Spots, which lie above both and at one place in some of the hits
    only, hardly change either.

    Parameters
    ----------
    by_median : bool
        Whether each vector is divided by its median; by the mean of its sizes where that is 0.
    length : int, optional
        Length of the vectors, if they are also measured by `level` and `unit`.

    Attributes
    ----------
    level, unit : Tensor of shape (length,), float32
        Only with a length; 0 and 1 until `learn` sets them.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import VectorUnits
    >>> here = torch.distributions.Gumbel(5.0, 1.0).sample((80, 50))
    >>> there = 30 * (2 * here + 5)
    >>> units = VectorUnits(by_median=False, length=50)
    >>> torch.allclose(units.learn(there)(there), units.learn(here)(here), atol=1e-4)
    True
    """

    level: torch.Tensor
    unit: torch.Tensor

    def __init__(self, by_median: bool, length: int | None = None):
        super().__init__()
        self.by_median = by_median
        self.by_place = length is not None
        if length is not None:
            self.register_buffer("level", torch.zeros(length))
            self.register_buffer("unit", torch.ones(length))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return vectors (n, length), measured."""
        x = self._by_median(x)
        return (x - self.level) / self.unit if self.by_place else x

    def learn(self, x: torch.Tensor) -> "VectorUnits":
        """Take `level` and `unit` from vectors (n, length) of one run; return itself."""
        rows = torch.linspace(0, len(x) - 1, min(len(x), ENOUGH)).long()
        x = self._by_median(torch.nan_to_num(x[rows]))
        level = _quantile_by_place(x, 0.25)
        unit = _quantile_by_place((x - level).abs(), 0.5)
        unit = unit.clamp(min=LEAST_UNIT * float(unit.median()))
        self.level.copy_(level)
        self.unit.copy_(torch.where(unit > 0, unit, 1.0))
        return self

    def _by_median(self, x: torch.Tensor) -> torch.Tensor:
        if not self.by_median:
            return x
        size = x.abs()
        median, mean = size.median(dim=1, keepdim=True).values, size.mean(dim=1, keepdim=True)
        unit = torch.where(median > 0, median, mean)
        return x / torch.where(unit > 0, unit, 1.0)

    def write_graph(self, graph: Any, frame_shape: tuple[int, ...], x: str) -> str:
        """Add the same to an ONNX graph; return the name of what is measured."""
        if self.by_median:
            x = _write_by_median(graph, frame_shape[0], x)
        if self.by_place:
            x = graph.add("Sub", x, graph.constant(self.level))
            x = graph.add("Div", x, graph.constant(self.unit))
        return x


def _quantile_by_place(x: torch.Tensor, q: float) -> torch.Tensor:
    """Return a quantile of each place of vectors (n, length), float32 (length,)."""
    n, length = x.shape
    half = min((NEEDED - 1) // (2 * n) if n < NEEDED else 0, (length - 1) // 2)
    if half:
        reflected = nn.functional.pad(x[None], (half, half), mode="reflect")[0]
        windows = reflected.unfold(1, 2 * half + 1, 1)  # (n, length, 2 half + 1)
        x = windows.permute(0, 2, 1).reshape(-1, length)
    # Not torch.quantile, which refuses more than 16 million values.
    return x.kthvalue(1 + int(q * (len(x) - 1)), dim=0).values


def _write_by_median(graph: Any, length: int, x: str) -> str:
    """Add the division by the median."""
    zero, one = (graph.constant(torch.tensor(value)) for value in (0.0, 1.0))
    size = graph.add("Abs", x)
    # The lower of two medians, as torch has it: the largest of the lower half.
    lower = graph.constant(torch.tensor([(length + 1) // 2]))
    smallest = graph.add("TopK", size, lower, axis=1, largest=0, n_unused=1)
    unit = graph.add("ReduceMax", smallest, axes=[1])
    for otherwise in (graph.add("ReduceMean", size, axes=[1]), one):
        unit = graph.add("Where", graph.add("Greater", unit, zero), unit, otherwise)
    return graph.add("Div", x, unit)
