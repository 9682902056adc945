"""Random changes of the input that leave the label true."""

import torch
from torch import nn

from sklearn_sfx.networks._room import room_for

__all__ = ["FrameAugmentation", "VectorAugmentation"]


class VectorAugmentation(nn.Module):
    """Change RWD vectors while training: reversal, a roll, a scale.

    A crystal has no preferred orientation, so the frame upside down, or shifted by a few rows,
    shows the same number of spots; the intensity varies from shot to shot. In ``eval`` mode the
    input passes unchanged.

    Parameters
    ----------
    max_roll : float
        Largest roll, as a share of the vector's length.
    max_scale : float
        Largest change of brightness: vectors are multiplied by 1 - `max_scale` to 1 + `max_scale`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import VectorAugmentation
    >>> vectors = torch.rand(8, 720)
    >>> VectorAugmentation().train()(vectors).shape
    torch.Size([8, 720])
    >>> torch.equal(VectorAugmentation().eval()(vectors), vectors)
    True
    """

    def __init__(self, max_roll: float = 0.1, max_scale: float = 0.3):
        super().__init__()
        self.max_roll = max_roll
        self.max_scale = max_scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return vectors (n, length) of the same shape, each changed on its own."""
        if not self.training:
            return x
        n, length = x.shape
        most = int(self.max_roll * length)
        start = torch.randint(-most, most + 1, (n, 1), device=x.device)
        position = (torch.arange(length, device=x.device) + start) % length
        reverse = torch.rand(n, 1, device=x.device) < 0.5
        position = torch.where(reverse, length - 1 - position, position)
        scale = 1 + self.max_scale * (2 * torch.rand(n, 1, device=x.device) - 1)
        return scale * x.gather(1, position)


class FrameAugmentation(nn.Module):
    """Change frames while training: flips, quarter turns where they are square, a scale.

    A crystal has no preferred orientation, so the frame in a mirror or turned shows the same number
    of spots; the intensity varies from shot to shot. In ``eval`` mode the input passes unchanged.

    Parameters
    ----------
    max_scale : float
        Largest change of brightness: frames are multiplied by 1 - `max_scale` to 1 + `max_scale`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_sfx.networks import FrameAugmentation
    >>> frames = torch.rand(4, 16, 24)
    >>> FrameAugmentation().train()(frames).shape
    torch.Size([4, 16, 24])
    >>> torch.equal(FrameAugmentation().eval()(frames), frames)
    True
    """

    def __init__(self, max_scale: float = 0.3):
        super().__init__()
        self.max_scale = max_scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return frames (n, height, width) of the same shape, each changed on its own."""
        if not self.training:
            return x
        n, height, width = x.shape
        # The two flips and the transposition make all eight ways to lay down a square.
        chosen = (torch.rand(n, 3) < 0.5).tolist()
        out = room_for(x.shape, x.device) if x.dtype == torch.float32 else torch.empty_like(x)
        for frame, result, (upside_down, sideways, transposed) in zip(x, out, chosen, strict=True):
            if transposed and height == width:
                frame = frame.T
            sides = [side for side, flip in enumerate((upside_down, sideways)) if flip]
            result.copy_(frame.flip(sides))
        scale = 1 + self.max_scale * (2 * torch.rand(n, 1, 1, device=x.device) - 1)
        return out.mul_(scale)
