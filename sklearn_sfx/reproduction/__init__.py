"""Every table and picture of the paper made again: what ``sfx reproduce`` does."""

from sklearn_sfx._intervals import wilson

from ._reproduce import reproduce
from ._splits import split

__all__ = ["reproduce", "split", "wilson"]
