"""A look at blocks of LZ4 for what its decoder lets pass: matches that copy from where they are.

The format [1]_ has no such thing. The decoder fills them with zeros, so that damaged bytes would
become pixels.

.. [1] https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
"""

import numpy as np

from sklearn_sfx._compiled import compiled

__all__ = ["end_of_blocks"]

MOST = 15  # of a length in a token; more follows in bytes of their own
_compiled = compiled(error_model="numpy")


@_compiled
def end_of_blocks(data, at, block, n_bytes, may_be_stored):
    """Return where blocks end; -1 if they end early, or a match in them has the offset 0.

    Parameters
    ----------
    data : uint8 ndarray
        Blocks, each behind its length in four bytes.
    at : int
        Where the first of them begins.
    block, n_bytes : int
        Bytes of a decoded block, and of all.
    may_be_stored : bool
        Whether a block that is as long as what it holds is not coded.
    """
    for done in range(0, n_bytes, block):
        if at + 4 > data.size:
            return -1
        length = 0
        for byte in data[at : at + 4]:
            length = length << 8 | np.int64(byte)
        at += 4
        end = at + length
        is_stored = may_be_stored and length == min(block, n_bytes - done)
        if end > data.size or not (is_stored or _has_no_zero(data, at, end)):
            return -1
        at = end
    return at


@_compiled
def _has_no_zero(data, at, end):
    while at < end:
        token = np.int64(data[at])
        at += 1
        literals = token >> 4
        if literals == MOST:
            more = 255
            while more == 255 and at < end:
                more = np.int64(data[at])
                literals += more
                at += 1
        at += literals
        if at + 2 > end:
            return True
        if data[at] == 0 and data[at + 1] == 0:
            return False
        at += 2
        if token & MOST == MOST:
            more = 255
            while more == 255 and at < end:
                more = np.int64(data[at])
                at += 1
    return True
