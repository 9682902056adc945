"""From expected photons to what the detector writes: the compiled kernels of the simulator."""

from __future__ import annotations

import numba
import numpy as np

from sklearn_sfx.datasets.simulation._random import hash_key

__all__ = ["draw_spots", "expose", "read_out"]

_NORMAL_FROM = 32.0  # expected photons from which a Poisson number is made of a normal one
_LARGEST = 41  # pixels to a side that a spot is drawn on
_SINES = np.sin(2 * np.pi * np.arange(4096) / 4096).astype(np.float32)
_INVERSE = 1 / np.maximum(np.arange(256), 1)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def draw_spots(
    expected, panel, top, left, row, column, photons, covariance, spot_panel, tail, tail_radius
):
    """Add spots to a window of expected photons; all the light of a spot stays on its panel.

    `top` and `left` place the window in the coordinates of `row` and `column`. Each spot is a
    Gaussian of the given `covariance` (row-row, row-column, column-column), with the share `tail`
    of its light in wide tails.
    """
    core = np.empty((_LARGEST, _LARGEST))
    wide = np.zeros((_LARGEST, _LARGEST))
    for i in range(row.size):
        rr, rc, cc = covariance[i, 0], covariance[i, 1], covariance[i, 2]
        determinant = rr * cc - rc * rc
        reach = int(4.0 * np.sqrt(max(rr, cc))) + 1
        if tail > 0.0:
            reach = max(reach, int(4.0 * tail_radius))
        size = min(2 * reach + 1, _LARGEST)
        first_row = int(np.rint(row[i])) - size // 2
        first_column = int(np.rint(column[i])) - size // 2
        if first_row + size <= top or first_row >= top + expected.shape[0]:
            continue
        if first_column + size <= left or first_column >= left + expected.shape[1]:
            continue
        core_sum, tail_sum = 0.0, 1e-30
        for r in range(size):
            dr = first_row + r - row[i]
            for c in range(size):
                dc = first_column + c - column[i]
                form = (cc * dr * dr - 2.0 * rc * dr * dc + rr * dc * dc) / determinant
                core[r, c] = np.exp(-0.5 * form)
                core_sum += core[r, c]
                if tail > 0.0:
                    spread = 1.0 + (dr * dr + dc * dc) / tail_radius**2
                    wide[r, c] = 1.0 / (spread * np.sqrt(spread))
                    tail_sum += wide[r, c]
        in_core, in_tail = photons[i] * (1.0 - tail) / core_sum, photons[i] * tail / tail_sum
        for r in range(max(0, top - first_row), min(size, top + expected.shape[0] - first_row)):
            for c in range(
                max(0, left - first_column), min(size, left + expected.shape[1] - first_column)
            ):
                row_in, column_in = first_row + r - top, first_column + c - left
                if panel[row_in, column_in] == spot_panel[i]:
                    expected[row_in, column_in] += in_core * core[r, c] + in_tail * wide[r, c]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def expose(
    light,
    electronic,
    radius,
    azimuth,
    transmission,
    noise,
    profile,
    streak,
    sector,
    key,
    start,
    row_step,
):
    """Add the background to `light` (expected photons), then replace it by photons that arrived.

    `electronic` receives the readout noise in ADU. Pixel (r, c) draws its numbers from `key` and
    ``start + r * row_step + c``, its number in the whole frame.
    """
    for r in range(light.shape[0]):
        for c in range(light.shape[1]):
            mean = light[r, c]
            if transmission[r, c] > 0:
                index = radius[r, c]
                uneven = streak[index] * sector[azimuth[r, c]]
                mean += transmission[r, c] * (profile[index] + uneven)
            bits = hash_key(np.uint64(start + r * row_step + c), key)
            sigma = noise[r, c]
            length, turn = np.float32(0.0), np.int64(0)
            if mean >= _NORMAL_FROM or sigma > 0:
                # Box and Muller's two normal numbers: one for the photons, one for the readout
                uniform = np.float32((np.float64(bits >> np.uint64(32)) + 0.5) * 2.0**-32)
                length = np.sqrt(np.float32(-2.0) * np.log(uniform))
                turn = np.int64(bits & np.uint64(4095))
            if mean >= _NORMAL_FROM:
                # Cornish and Fisher's second term gives the normal number the skewness of Poisson's
                normal = length * _SINES[(turn + 1024) & 4095]
                skewed = (normal * normal - np.float32(1.0)) / np.float32(6.0)
                light[r, c] = max(np.float32(0.0), mean + np.sqrt(mean) * normal + skewed)
            elif mean > 0:
                again = hash_key(bits, key ^ np.uint64(0xA5A5A5A5A5A5A5A5))
                uniform64 = np.float64(again >> np.uint64(11)) * 2.0**-53
                term = np.exp(-np.float64(mean))
                total, count = term, 0
                while uniform64 >= total and count < 255:
                    count += 1
                    term *= mean * _INVERSE[count]
                    total += term
                light[r, c] = count
            else:
                light[r, c] = 0
            electronic[r, c] = sigma * length * _SINES[turn] if sigma > 0 else np.float32(0.0)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def read_out(light, electronic, top, left, gain, offset, panel, common, blur, low, high, out):
    """Turn photons into what the electronics write, integers of the dtype of `out`.

    `out` is the part of `light` that begins at (top, left); the maps are those of `light`. Beyond
    the rim of `light` the blur finds what is at the rim.
    """
    rows, columns = light.shape
    keep = np.float32(1.0 - 2.0 * blur)
    give = np.float32(blur)
    for r_out in range(out.shape[0]):
        r = r_out + top
        above, below = max(r - 1, 0), min(r + 1, rows - 1)
        for c_out in range(out.shape[1]):
            c = c_out + left
            value = light[r, c]
            if blur > 0:
                before, after = max(c - 1, 0), min(c + 1, columns - 1)
                value = keep * (keep * value + give * (light[above, c] + light[below, c]))
                sides = light[r, before] + light[r, after]
                corners = light[above, before] + light[above, after]
                corners += light[below, before] + light[below, after]
                value += give * (keep * sides + give * corners)
            number = panel[r, c]
            value = value * gain[r, c] + offset[r, c] + common[number] + electronic[r, c]
            out[r_out, c_out] = int(np.floor(min(max(value, low), high) + np.float32(0.5)))
