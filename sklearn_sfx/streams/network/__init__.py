"""Frames that arrive over the network, and hits that leave over it."""

from sklearn_sfx.streams.network._dectris import DectrisSource
from sklearn_sfx.streams.network._karabo import KaraboSource

__all__ = ["DectrisSource", "KaraboSource"]
