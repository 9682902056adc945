"""Every table and picture of the paper made again: what ``sfx reproduce`` does."""

from sklearn_sfx._intervals import wilson
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.reproduction._reproduce import reproduce
from sklearn_sfx.reproduction._splits import split

__all__ = ["reproduce", "split", "wilson"]

carry_the_face(__name__)
