"""Pictures of frames, row profiles and scores; needs matplotlib, the extra ``plot``."""

from ._overview import plot_overview

__all__ = ["plot_overview"]
