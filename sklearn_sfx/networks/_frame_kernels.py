"""Loops of the blocks for frames: the first convolution, batch norm, ReLU and pooling.

Values are float32 of shape (n, channels, height, width). Each function works on the frames from
``start`` to ``stop``, so that threads can share a batch, and what is summed over a batch is given
for each frame by itself, so that the sum does not depend on who did which.
"""

import numpy as np

from sklearn_sfx._compiled import compiled

__all__ = [
    "STRIDE",
    "convolve",
    "gradient_below",
    "gradient_sums",
    "moments",
    "normalize_and_pool",
    "weight_gradients",
]

ANY_ORDER = {"reassoc", "contract", "nsz"}  # of a sum; NaN and infinity stay what they are
STRIDE = 2  # of convolutions and of pooling
SIDE = 3  # the longest side of a window to pool
NOWHERE = np.uint8(255)  # the place of the largest value, where ReLU lets nothing pass
TAPS = 4  # that are worked on together
AT_ONCE = 32  # values that a loop works on at once: a multiple leaves no rest
ZERO = np.float32(0)

_compile = compiled(fastmath=ANY_ORDER)
_inlined = compiled(fastmath=ANY_ORDER, forceinline=True)


@_compile
def convolve(frames, start, stop, weight, y):
    """Write the convolution of frames (n, height, width), zeros around them, with stride 2."""
    size = weight.shape[1]
    ring, line = _ring_for(frames, size), np.empty(_wide(y.shape[3]), np.float32)
    weights = np.zeros((len(weight), _whole_taps(size)), np.float32)
    weights[:, : size * size] = weight.reshape(len(weight), -1)
    starts = np.zeros(_whole_taps(size), np.uintp)
    for i in range(start, stop):
        for row in range(y.shape[2]):
            _load_rows(frames[i], row, size, ring)
            _find_taps(row, size, ring, starts)
            for channel in range(y.shape[1]):
                _convolve_row(ring, starts, weights[channel], line)
                y[i, channel, row] = line[: y.shape[3]]


@_compile
def moments(y, start, stop, mean, squares):
    """Write mean and summed squares from it of each channel of each frame (n, channels)."""
    for i in range(start, stop):
        for channel in range(y.shape[1]):
            total = 0.0
            for row in range(y.shape[2]):
                part = ZERO
                for k in range(y.shape[3]):
                    part += y[i, channel, row, k]
                total += part
            middle = np.float32(total / (y.shape[2] * y.shape[3]))
            total = 0.0
            for row in range(y.shape[2]):
                part = ZERO
                for k in range(y.shape[3]):
                    part += (y[i, channel, row, k] - middle) * (y[i, channel, row, k] - middle)
                total += part
            mean[i, channel], squares[i, channel] = middle, total


@_compile
def normalize_and_pool(y, start, stop, scale, shift, window, pooled, places):
    """Write the largest value of each window, scaled and shifted, or 0, and its place in it."""
    largest, at = np.empty(y.shape[3], np.float32), np.empty(y.shape[3], np.uint8)
    for i in range(start, stop):
        for channel in range(y.shape[1]):
            for row in range(pooled.shape[2]):
                _largest_down(y, i, channel, STRIDE * row, window[0], scale, shift, largest, at)
                _largest_along(largest, at, window[1], pooled, places, i, channel, row)


@_compile
def gradient_sums(y, start, stop, places, above, mean, plain, with_y):
    """Write the sums of the gradient at the normalized values, alone and times y - mean."""
    for i in range(start, stop):
        for channel in range(y.shape[1]):
            middle, total, total_with_y = mean[channel], 0.0, 0.0
            for row in range(places.shape[2]):
                for k in range(places.shape[3]):
                    place = places[i, channel, row, k]
                    if place != NOWHERE:
                        down, right = STRIDE * row + place // SIDE, STRIDE * k + place % SIDE
                        passed = np.float64(above[i, channel, row, k])
                        total += passed
                        total_with_y += passed * (y[i, channel, down, right] - middle)
            plain[i, channel], with_y[i, channel] = total, total_with_y


@_compile
def gradient_below(y, start, stop, places, above, scale, mean, slope, level, below):
    """Write the gradient at y: through the pooled values, and that through mean and variance.

    That is ``slope * (y - mean) + level`` for each value.

    ``below`` has room for as many frames, from the first one on.
    """
    for i in range(start, stop):
        for channel in range(y.shape[1]):
            middle, m, t = mean[channel], slope[channel], level[channel]
            for row in range(y.shape[2]):
                for k in range(y.shape[3]):
                    below[i - start, channel, row, k] = m * (y[i, channel, row, k] - middle) + t
            for row in range(places.shape[2]):
                for k in range(places.shape[3]):
                    place = places[i, channel, row, k]
                    if place != NOWHERE:
                        down, right = STRIDE * row + place // SIDE, STRIDE * k + place % SIDE
                        passed = above[i, channel, row, k] * scale[channel]
                        below[i - start, channel, down, right] += passed


@_compile
def weight_gradients(frames, y, start, stop, places, above, scale, mean, slope, level, of_weight):
    """Write the gradient at the weights of `convolve` by each frame (n, channels, size, size)."""
    size = of_weight.shape[2]
    ring, line = _ring_for(frames, size), np.zeros(_wide(y.shape[3]), np.float32)
    starts = np.zeros(_whole_taps(size), np.uintp)
    sums = np.empty((y.shape[1], starts.size))
    below = np.empty((1, *y.shape[1:]), np.float32)
    for i in range(start, stop):
        gradient_below(y, i, i + 1, places, above, scale, mean, slope, level, below)
        sums[:] = 0
        for row in range(y.shape[2]):
            _load_rows(frames[i], row, size, ring)
            _find_taps(row, size, ring, starts)
            for channel in range(y.shape[1]):
                line[: y.shape[3]] = below[0, channel, row]
                _add_products(ring, starts, line, sums[channel])
        of_weight[i] = sums[:, : size * size].copy().reshape(of_weight[i].shape)


# -- One row


@_compile
def _ring_for(frames, size):
    """Return zeros for the rows that a row of the convolution meets.

    Even columns and odd ones are apart, inside the margins, (2, size + 1, half the width).
    """
    width = _wide((frames.shape[2] + 1) // 2) + size - 1
    return np.zeros((2, size + 1, width), np.float32)


@_compile
def _wide(width):
    """Return the next number that is worked on all at once."""
    return (width + AT_ONCE - 1) // AT_ONCE * AT_ONCE


@_compile
def _whole_taps(size):
    """Return how many taps are worked on: as many as there are, and 0 for what is left."""
    return (size * size + TAPS - 1) // TAPS * TAPS


@_inlined
def _load_rows(frame, row, size, ring):
    """Load what a row of the convolution meets and the one before it did not."""
    margin, n = size // 2, ring.shape[1]
    first = 0 if row == 0 else max(size - STRIDE, 0)
    even, odd = margin % 2, (margin + 1) % 2
    n_even, n_odd = (frame.shape[1] + 1) // 2, frame.shape[1] // 2
    for down in range(first, size):
        i = STRIDE * row + down
        place, source = i % n, i - margin
        if source < 0 or source >= frame.shape[0]:
            ring[:, place] = ZERO
        else:
            for k in range(n_even):
                ring[even, place, margin // 2 + k] = frame[source, 2 * k]
            for k in range(n_odd):
                ring[odd, place, (margin + 1) // 2 + k] = frame[source, 2 * k + 1]


@_inlined
def _find_taps(row, size, ring, starts):
    """Write where in all of the ring the values begin that each tap meets.

    Those beyond the last tap are as the first. Unsigned, or each place would be tested.
    """
    _, n, width = ring.shape
    for down in range(size):
        place = (STRIDE * row + down) % n
        for right in range(size):
            starts[down * size + right] = ((right % 2) * n + place) * width + right // 2
    starts[size * size :] = starts[0]


@_inlined
def _convolve_row(ring, starts, weights, line):
    """Add up four taps at a time: to go over a row takes longer than to multiply."""
    values = ring.ravel()
    line[:] = ZERO
    for tap in range(0, starts.size, TAPS):
        a, b, c, d = weights[tap], weights[tap + 1], weights[tap + 2], weights[tap + 3]
        at_a, at_b, at_c, at_d = starts[tap], starts[tap + 1], starts[tap + 2], starts[tap + 3]
        for k in range(np.uintp(line.size)):
            line[k] += (a * values[at_a + k] + b * values[at_b + k]) + (
                c * values[at_c + k] + d * values[at_d + k]
            )


@_inlined
def _add_products(ring, starts, line, sums):
    """Add the products of a row of gradients with what four taps at a time meet."""
    values = ring.ravel()
    for tap in range(0, starts.size, TAPS):
        at_a, at_b, at_c, at_d = starts[tap], starts[tap + 1], starts[tap + 2], starts[tap + 3]
        a = b = c = d = ZERO
        for k in range(np.uintp(line.size)):
            a += line[k] * values[at_a + k]
            b += line[k] * values[at_b + k]
            c += line[k] * values[at_c + k]
            d += line[k] * values[at_d + k]
        sums[tap] += a
        sums[tap + 1] += b
        sums[tap + 2] += c
        sums[tap + 3] += d


@_inlined
def _largest_down(y, i, channel, row, height, scale, shift, largest, at):
    """Write the largest of each column of a window, normalized, and in which row it is."""
    a, b = scale[channel], shift[channel]
    for k in range(largest.size):
        largest[k] = y[i, channel, row, k] * a + b
    at[:] = 0
    for down in range(1, height):
        for k in range(largest.size):
            value = y[i, channel, row + down, k] * a + b
            is_larger = (value > largest[k]) | (value != value)  # a NaN is, and stays
            largest[k] = value if is_larger else largest[k]
            at[k] = np.uint8(SIDE * down) if is_larger else at[k]


@_inlined
def _largest_along(largest, at, width, pooled, places, i, channel, row):
    """Write the largest of some columns, the first in the order of rows among equal ones."""
    for k in range(pooled.shape[3]):
        pooled[i, channel, row, k] = largest[STRIDE * k]
        places[i, channel, row, k] = at[STRIDE * k]
    for right in range(1, width):
        for k in range(pooled.shape[3]):
            value, place = largest[STRIDE * k + right], at[STRIDE * k + right]
            best, place_of_best = pooled[i, channel, row, k], places[i, channel, row, k]
            is_first = (value == best) & (place < place_of_best // SIDE * SIDE)
            is_larger = (value > best) | (value != value) | is_first
            pooled[i, channel, row, k] = value if is_larger else best
            places[i, channel, row, k] = np.uint8(place + right) if is_larger else place_of_best
    for k in range(pooled.shape[3]):
        is_none = pooled[i, channel, row, k] <= ZERO
        pooled[i, channel, row, k] = ZERO if is_none else pooled[i, channel, row, k]
        places[i, channel, row, k] = NOWHERE if is_none else places[i, channel, row, k]
