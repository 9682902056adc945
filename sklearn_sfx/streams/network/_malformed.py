"""What is wrong with a message, or with what was said of all messages."""

from sklearn_sfx.exceptions import InputError

__all__ = ["Malformed", "Unfitting"]


class Malformed(InputError):
    """A message that cannot be read; says why, as the end of a sentence."""


class Unfitting(Malformed):
    """A message that can be read, and that the mask, the geometry or an option does not fit."""
