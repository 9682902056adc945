"""Frames that arrive over the network, and hits that leave over it."""

from sklearn_sfx.streams.network._addresses import STREAMS, open_stream
from sklearn_sfx.streams.network._dectris import DectrisSource
from sklearn_sfx.streams.network._karabo import KaraboSource
from sklearn_sfx.streams.network._publisher import HitPublisher

__all__ = ["STREAMS", "DectrisSource", "HitPublisher", "KaraboSource", "open_stream"]
