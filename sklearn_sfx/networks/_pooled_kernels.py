"""Loops of batch norm, ReLU and pooling by two, over rows that lie in wider ones.

Values are float32 of shape (channels, n, width), of which the first `length` of each row count.
"""

import numpy as np

from sklearn_sfx._compiled import compiled

__all__ = ["channel_statistics", "gradient_below", "gradient_sums", "normalize_and_pool"]

ANY_ORDER = {"reassoc", "contract", "nsz"}  # of a sum; NaN and infinity stay what they are
ZERO = np.float32(0)


@compiled(fastmath=ANY_ORDER)
def channel_statistics(x, length, mean, variance):
    """Write the mean and the variance of each channel."""
    n_channels, n, _ = x.shape
    for channel in range(n_channels):
        total = 0.0
        for i in range(n):
            row, part = x[channel, i], ZERO
            for k in range(length):
                part += row[k]
            total += part
        mean[channel] = total / (n * length)
        middle, total = np.float32(mean[channel]), 0.0
        for i in range(n):
            row, part = x[channel, i], ZERO
            for k in range(length):
                part += (row[k] - middle) * (row[k] - middle)
            total += part
        variance[channel] = total / (n * length)


@compiled(fastmath=ANY_ORDER)
def normalize_and_pool(x, length, scale, shift, pooled, start):
    """Write the larger of two neighbours, scaled and shifted, or 0, from `start` of a row on."""
    for channel in range(len(x)):
        a, b = scale[channel], shift[channel]
        for i in range(x.shape[1]):
            row, to = x[channel, i], pooled[channel, i, start:]
            for k in range(length // 2):
                first, second = row[2 * k] * a + b, row[2 * k + 1] * a + b
                most = first if first >= second else second
                to[k] = ZERO if most <= ZERO else most  # a NaN stays


@compiled(fastmath=ANY_ORDER)
def gradient_sums(x, length, scale, shift, mean, above, start, plain, with_x):
    """Write the sums of the gradient at the normalized values, alone and times x - mean."""
    for channel in range(len(x)):
        a, b, middle = scale[channel], shift[channel], mean[channel]
        total, total_with_x = 0.0, 0.0
        for i in range(x.shape[1]):
            row, of_row = x[channel, i], above[channel, i, start:]
            part, part_with_x = ZERO, ZERO
            for k in range(length // 2):
                first, second = row[2 * k], row[2 * k + 1]
                at_first, at_second = first * a + b, second * a + b
                is_first = at_first >= at_second
                most = at_first if is_first else at_second
                chosen = first if is_first else second
                passed = ZERO if most <= ZERO else of_row[k]
                part += passed
                part_with_x += passed * (chosen - middle)
            total += part
            total_with_x += part_with_x
        plain[channel], with_x[channel] = total, total_with_x


@compiled(fastmath=ANY_ORDER)
def gradient_below(x, length, scale, shift, mean, slope, level, above, start, below):
    """Write the gradient at x: through the pooled value, and that through mean and variance.

    That is ``slope * (x - mean) + level`` for each value. What lies beyond `length` gets 0.
    """
    n_pairs = length // 2
    for channel in range(len(x)):
        a, b, middle = scale[channel], shift[channel], mean[channel]
        m, t = slope[channel], level[channel]
        for i in range(x.shape[1]):
            row, of_row, to = x[channel, i], above[channel, i, start:], below[channel, i]
            for k in range(n_pairs):
                first, second = row[2 * k], row[2 * k + 1]
                at_first, at_second = first * a + b, second * a + b
                is_first = at_first >= at_second
                most = at_first if is_first else at_second
                passed = ZERO if most <= ZERO else of_row[k] * a
                to[2 * k] = (passed if is_first else ZERO) + m * (first - middle) + t
                to[2 * k + 1] = (ZERO if is_first else passed) + m * (second - middle) + t
            if length > 2 * n_pairs:
                to[length - 1] = m * (row[length - 1] - middle) + t
            to[length:] = ZERO
