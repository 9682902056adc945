"""Infinity in frames as a source hands them over."""

import numpy as np
import pytest

from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames._array_source import ArraySource
from sklearn_sfx.frames._finite import refuse_infinity


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_infinity_in_half_precision_is_told_in_either_byte_order(byte_order):
    frame = np.zeros((4, 6), f"{byte_order}f2")
    small = b"\x00\x7c"  # whose bytes are those of infinity in the other order
    frame[1, 2] = np.frombuffer(small[:: 1 if byte_order == ">" else -1], frame.dtype)[0]
    source = ArraySource(np.zeros((1, 4, 6)))
    refuse_infinity(frame, None, source, 0)
    frame[1, 2] = -np.inf
    with pytest.raises(UnreadableFrame, match="contains infinity"):
        refuse_infinity(frame, None, source, 0)
    refuse_infinity(frame, frame == 0, source, 0)  # masked
