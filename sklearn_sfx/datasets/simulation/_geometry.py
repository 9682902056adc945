"""Where the pixels of a frame are in space, and on which pixel a ray lands.

The laboratory frame has its origin where the beam meets the plane of the detector: x runs along the
columns of an assembled frame, y along its rows, z along the beam; all in mm.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sklearn_sfx.datasets.simulation._domain import Detector, Domain
from sklearn_sfx.exceptions import InputError

__all__ = ["Panels", "make_panels", "pixel_positions", "project"]

# upper left corners of the quadrants in pixels, clockwise, each turned by 90 degrees more
_CSPAD_QUADS = ((95, 20), (20, 855), (850, 935), (930, 95))
_CSPAD_QUAD_SIZE = 820


class Panels(NamedTuple):
    """The sensors of a detector: rectangles of the frame with a place in space.

    The centre of the pixel (row, column) of panel i is at
    ``origin[i] + (row - top[i]) * slow[i] + (column - left[i]) * fast[i]``, as (x, y) in mm.
    """

    top: np.ndarray
    left: np.ndarray
    height: np.ndarray
    width: np.ndarray
    origin: np.ndarray
    slow: np.ndarray
    fast: np.ndarray

    @property
    def number(self) -> int:
        """How many panels there are."""
        return len(self.top)


def make_panels(domain: Domain) -> Panels:
    """Place the panels of a domain's detector."""
    detector = domain.detector
    rows, columns = detector.shape
    if detector.layout == "single":
        boxes = [(0, 0, rows, columns)]
    elif detector.layout == "grid":
        boxes = _grid(detector)
    elif detector.layout in ("cspad", "cspad-slab"):
        return _cspad(domain, assembled=detector.layout == "cspad")
    else:
        raise InputError(
            f"The detector layout {detector.layout!r} of domain {domain.name!r} is not known: use "
            "'single', 'grid', 'cspad' or 'cspad-slab'."
        )
    corners = [(top, left) for top, left, _, _ in boxes]
    upright = [((1, 0), (0, 1))] * len(boxes)
    return _place(domain, boxes, corners, upright, detector.shape)


def _grid(detector: Detector) -> list[tuple[int, int, int, int]]:
    (height, width), (gap_rows, gap_columns) = detector.module_shape, detector.gap
    rows, columns = detector.shape
    return [
        (top, left, min(height, rows - top), min(width, columns - left))
        for top in range(0, rows, height + gap_rows)
        for left in range(0, columns, width + gap_columns)
    ]


def _cspad(domain: Domain, *, assembled: bool) -> Panels:
    """64 tiles of 185 x 194: four quadrants of eight sensors of two tiles.

    A quadrant is a square of four pairs of sensors, upright ones and lying ones in turn. In the
    slab each quadrant is a block of 388 columns, and each of its sensors 185 rows of it.
    """
    boxes: list[Any] = []
    corners: list[Any] = []
    axes: list[Any] = []
    for quadrant, (quad_top, quad_left) in enumerate(_CSPAD_QUADS):
        for sensor in range(8):
            block_row, block_column, second = sensor // 4, sensor // 2 % 2, sensor % 2
            lying = block_row != block_column
            top, left = 425 * block_row, 425 * block_column
            top, left = (top + 210 * second, left) if lying else (top, left + 210 * second)
            for tile in range(2):
                along = 197 * tile
                box = (top, left + along, 185, 194) if lying else (top + along, left, 194, 185)
                first = np.array(box[:2])
                slow, fast = np.array([(1, 0), (0, 1)] if lying else [(0, 1), (1, 0)])
                for _ in range(quadrant):  # a quarter turn: (row, column) to (column, -row)
                    box = (box[1], _CSPAD_QUAD_SIZE - box[0] - box[2], box[3], box[2])
                    first = np.array([first[1], _CSPAD_QUAD_SIZE - 1 - first[0]])
                    slow, fast = (np.array([axis[1], -axis[0]]) for axis in (slow, fast))
                if assembled:
                    boxes.append((quad_top + box[0], quad_left + box[1], *box[2:]))
                    corners.append(boxes[-1][:2])
                    axes.append(((1, 0), (0, 1)))
                else:
                    boxes.append((185 * sensor, 388 * quadrant + 194 * tile, 185, 194))
                    corners.append((quad_top + first[0], quad_left + first[1]))
                    axes.append((slow, fast))
    return _place(domain, boxes, corners, axes, (1765, 1765))


def _place(domain, boxes, corners, axes, assembled_shape) -> Panels:
    """Panels from corners (row, column) of an assembled frame of which the centre is known."""
    pixel = domain.detector.pixel_size
    middle = (np.array(assembled_shape) - 1) / 2
    row_column = (np.array(corners, dtype=float) - middle) * pixel - np.array(domain.beam_centre)
    top, left, height, width = np.array(boxes).T
    axes = np.array(axes, dtype=float)[..., ::-1] * pixel  # (row, column) -> (x, y)
    return Panels(top, left, height, width, row_column[:, ::-1], axes[:, 0], axes[:, 1])


def pixel_positions(panels: Panels, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """x, y (mm, float32) and panel number (uint8) of every pixel; no panel is their number."""
    x, y = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    number = np.full(shape, panels.number, np.uint8)
    for i in range(panels.number):
        height, width = panels.height[i], panels.width[i]
        box = np.s_[panels.top[i] : panels.top[i] + height, panels.left[i] : panels.left[i] + width]
        row, column = np.arange(height)[:, None], np.arange(width)[None, :]
        x[box] = panels.origin[i, 0] + row * panels.slow[i, 0] + column * panels.fast[i, 0]
        y[box] = panels.origin[i, 1] + row * panels.slow[i, 1] + column * panels.fast[i, 1]
        number[box] = i
    return x, y, number


def project(panels: Panels, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Row and column (floats; pixel centres are whole) and panel of each point of the plane.

    The panel is -1 where the point lies on none.
    """
    squared = (panels.slow**2).sum(axis=1)
    from_origin = np.stack([x, y], axis=-1)[:, None, :] - panels.origin[None]
    row = (from_origin * panels.slow).sum(axis=-1) / squared
    column = (from_origin * panels.fast).sum(axis=-1) / squared
    inside = (row >= -0.5) & (row < panels.height - 0.5)
    inside &= (column >= -0.5) & (column < panels.width - 0.5)
    panel = np.where(inside.any(axis=1), inside.argmax(axis=1), -1)
    points = np.arange(len(panel))
    return row[points, panel] + panels.top[panel], column[points, panel] + panels.left[panel], panel
