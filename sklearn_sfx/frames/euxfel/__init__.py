"""Runs of European XFEL: the modules of a detector, a file each, as frames of all of them."""

from sklearn_sfx.frames.euxfel._format import Euxfel

__all__ = ["Euxfel"]
