"""Frames that arrive over the network, and hits that leave over it."""

from sklearn_sfx.streams.network._dectris import DectrisSource

__all__ = ["DectrisSource"]
