"""What other rooms ask of the folder of geometries, imported when they do: it takes long."""

from __future__ import annotations

from typing import Any

from sklearn_sfx.frames._frames import Frames

__all__ = ["assembled_frames", "read_geometry"]


def read_geometry(path: str) -> Any:
    """Return the CrystFEL geometry in a file."""
    from sklearn_sfx.frames.geometry import read_geometry as read

    return read(path)


def assembled_frames(frames: Frames, geometry: Any) -> Frames:
    """Return stacked modules, in memory already, as frames put together by a geometry."""
    from sklearn_sfx.frames.geometry import assembled_frames as assembled

    return assembled(frames, geometry)
