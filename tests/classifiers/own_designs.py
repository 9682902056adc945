"""Networks of one's own, as a user writes them: what is tested with them is that this is enough."""

import torch
from torch import nn

from sklearn_sfx.classifiers import FrameDesign, VectorDesign


class WideBase(nn.Module):
    """Dilated convolutions, and the most that each finds anywhere."""

    def __init__(self, width, n_blocks=2):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Conv1d(width if i else 1, width, 5, padding=2**i * 2, dilation=2**i)
            for i in range(n_blocks)
        )
        self.n_features = width

    def forward(self, x):
        x = torch.asinh(x).unsqueeze(1)
        for block in self.blocks:
            x = block(x).relu()
        return x.amax(dim=2)

    def write_graph(self, graph, frame_shape, x):
        x = graph.add("Asinh", graph.add("Unsqueeze", x, graph.constant(torch.tensor([1]))))
        for block in self.blocks:
            (pad,), (dilation,) = block.padding, block.dilation
            weights = graph.constant(block.weight), graph.constant(block.bias)
            x = graph.add("Conv", x, *weights, pads=[pad, pad], dilations=[dilation])
            x = graph.add("Relu", x)
        return graph.add("GlobalMaxPool", x)


class WideDesign(VectorDesign):
    def __init__(self, width=8):
        self.width = width

    def build_base(self, frame_shape):
        return WideBase(self.width)


class GridBase(nn.Sequential):
    """A base without blocks; that it is a Sequential is nobody's business."""

    def __init__(self, n_filters):
        super().__init__(
            nn.Unflatten(1, (1, -1)), nn.Conv2d(1, n_filters, 5, stride=3), nn.ReLU(), Highest()
        )
        self.n_features = n_filters


class Highest(nn.Module):
    def forward(self, x):
        return torch.asinh(x.amax(dim=(2, 3)))


class GridDesign(FrameDesign):
    def __init__(self, n_filters=8):
        self.n_filters = n_filters

    def build_base(self, frame_shape):
        return GridBase(self.n_filters)
