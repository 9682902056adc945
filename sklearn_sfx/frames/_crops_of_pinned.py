"""Part of each of many frames, copied out of pinned memory by the device itself.

CUDA's copies in three dimensions skip what is not wanted, so the processor need not gather it;
torch has none, and its driver is asked.
"""

from __future__ import annotations

import ctypes
import functools
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn_sfx.frames._protocols import Window

if TYPE_CHECKING:  # torch takes long to import
    from torch import Tensor

__all__ = ["can_copy_crops", "copy_crops"]

HOST, DEVICE = 1, 2  # CUmemorytype
_SIDE = [
    ("x_in_bytes", ctypes.c_size_t),
    ("y", ctypes.c_size_t),
    ("z", ctypes.c_size_t),
    ("lod", ctypes.c_size_t),
    ("memory_type", ctypes.c_uint),
    ("host", ctypes.c_void_p),
    ("device", ctypes.c_ulonglong),
    ("array", ctypes.c_void_p),
    ("reserved", ctypes.c_void_p),
    ("pitch", ctypes.c_size_t),
    ("height", ctypes.c_size_t),
]


class _Copy3D(ctypes.Structure):
    """CUDA_MEMCPY3D of the driver's interface."""

    _fields_: ClassVar[list] = [
        *((f"source_{name}", kind) for name, kind in _SIDE),
        *((f"target_{name}", kind) for name, kind in _SIDE),
        ("width_in_bytes", ctypes.c_size_t),
        ("rows", ctypes.c_size_t),
        ("depth", ctypes.c_size_t),
    ]


@functools.cache
def _copy_3d() -> Any:
    """Return the function of the driver; None where there is none."""
    try:
        return ctypes.CDLL("libcuda.so.1").cuMemcpy3DAsync_v2
    except (OSError, AttributeError):
        return None


def can_copy_crops(frames: Tensor) -> bool:
    """Whether these frames lie in pinned memory, one regularly behind another.

    Parameters
    ----------
    frames : Tensor of shape (n_frames, height, width)
        On the host.
    """
    each, row, pixel = frames.stride()
    regular = pixel == 1 and row >= frames.shape[2] and each >= row and each % row == 0
    return regular and frames.is_pinned() and _copy_3d() is not None


def copy_crops(frames: Tensor, window: Window, device: Any) -> Tensor:
    """Begin to copy a part of each frame to a device, on its current stream.

    Parameters
    ----------
    frames : Tensor of shape (n_frames, height, width)
        Of which `can_copy_crops` is true; has to stay until the copy is done.
    window : Window
        The part.
    device : torch.device
        Of CUDA.

    Returns
    -------
    Tensor of shape (n_frames, window.height, window.width)
    """
    import torch

    size, (each, row, _) = frames.element_size(), frames.stride()
    out = frames.new_empty((len(frames), window.height, window.width), device=device)
    copy = _Copy3D(
        source_memory_type=HOST,
        source_host=frames.data_ptr(),
        source_x_in_bytes=window.left * size,
        source_y=window.top,
        source_pitch=row * size,
        source_height=each // row,
        target_memory_type=DEVICE,
        target_device=out.data_ptr(),
        target_pitch=window.width * size,
        target_height=window.height,
        width_in_bytes=window.width * size,
        rows=window.height,
        depth=len(frames),
    )
    with torch.cuda.device(device):
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        failed = _copy_3d()(ctypes.byref(copy), stream)
    if failed:
        raise RuntimeError(f"CUDA could not copy frames to {device} (error {failed}).")
    return out
