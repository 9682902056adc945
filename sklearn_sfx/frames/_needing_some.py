"""A view of frames for whoever has to decide on each."""

from sklearn_sfx.frames._frames import Frames

__all__ = ["needing_some"]


def needing_some(frames: Frames) -> Frames:
    """Return a view in which a frame without a pixel to be used is one that cannot be read.

    Parameters
    ----------
    frames : Frames, shape (n_frames, ...)
        Of which a decision is wanted: who looks at nothing finds nothing, and that is no miss.
    """
    return frames._view(_needs_some=True)
