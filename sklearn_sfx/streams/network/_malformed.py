"""What is wrong with a message."""

__all__ = ["Malformed"]


class Malformed(Exception):
    """A message that cannot be read; says why, as the end of a sentence."""
