"""Beside a running beam: frames as they arrive, scored, and what is written of them."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.streams._protocols import (
    LiveFrames,
    LiveSource,
    Notice,
    Output,
    ScoredFrames,
    arrived_frames,
)

__all__ = ["LiveFrames", "LiveSource", "Notice", "Output", "ScoredFrames", "arrived_frames"]

carry_the_face(__name__)
