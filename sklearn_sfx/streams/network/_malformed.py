"""What is wrong with a message."""

from sklearn_sfx.exceptions import InputError

__all__ = ["Malformed"]


class Malformed(InputError):
    """A message that cannot be read; says why, as the end of a sentence."""
