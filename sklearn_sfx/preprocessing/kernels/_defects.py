"""What defective pixels are compared with: neighbours, lines through them, rims of regions."""

import numpy as np

from sklearn_sfx.preprocessing.kernels._compiling import elementwise

__all__ = ["lit_alone", "raise_to_lines", "stuck_regions"]


@elementwise
def raise_to_lines(padded, down, right, reach, highest):
    """Raise ``highest`` to the fourth lowest of the six pixels on a line through each pixel.

    The line goes so many rows down and columns to the right per step; ``padded`` reaches ``reach``
    pixels farther than the image to all sides, and is inf where there is no usable pixel.
    """
    width = highest.shape[1]
    first = reach - 3 * right
    for i in range(highest.shape[0]):
        top = i + reach
        _raise_row(
            padded[top - 3 * down, first : first + width],
            padded[top - 2 * down, first + right : first + right + width],
            padded[top - down, first + 2 * right : first + 2 * right + width],
            padded[top + down, first + 4 * right : first + 4 * right + width],
            padded[top + 2 * down, first + 5 * right : first + 5 * right + width],
            padded[top + 3 * down, first + 6 * right : first + 6 * right + width],
            highest[i],
        )


@elementwise
def _sorted_three(a, b, c):
    low, high = (a, b) if a < b else (b, a)
    middle, high = (high, c) if high < c else (c, high)
    return (low, middle, high) if low < middle else (middle, low, high)


@elementwise
def _raise_row(a, b, c, d, e, f, highest):
    for j in range(highest.size):
        low, middle, high = _sorted_three(
            a[j] if a[j] < np.inf else f[j],
            b[j] if b[j] < np.inf else e[j],
            c[j] if c[j] < np.inf else d[j],
        )
        lower, centre, upper = _sorted_three(
            d[j] if d[j] < np.inf else c[j],
            e[j] if e[j] < np.inf else b[j],
            f[j] if f[j] < np.inf else a[j],
        )
        # The fourth of two sorted triples: the least of the greater ends of all splits into four.
        fourth = min(max(low, upper), max(middle, centre), max(high, lower))
        better = fourth > highest[j] and fourth < np.inf
        highest[j] = fourth if better else highest[j]


@elementwise
def stuck_regions(constant, changes, n_frames, least_surprise):
    """Return the connected regions of constant pixels that live pixels surround.

    The pixels at the rim of a region say how often a live one changes there. Around a region that
    is only quiet they hardly change either; around a gap, a dead module or a stuck pixel they do.
    """
    height, width = constant.shape
    stuck = np.zeros((height, width), dtype=np.bool_)
    seen = np.zeros((height, width), dtype=np.bool_)
    region = np.empty((height * width, 2), dtype=np.int32)
    for i in range(height):
        for j in range(width):
            if seen[i, j] or not constant[i, j]:
                continue
            seen[i, j] = True
            region[0, 0], region[0, 1] = i, j
            done, size, n_rim, changed = 0, 1, 0, 0.0
            while done < size:
                y0, x0 = region[done]
                done += 1
                for y in range(max(y0 - 1, 0), min(y0 + 2, height)):
                    for x in range(max(x0 - 1, 0), min(x0 + 2, width)):
                        if constant[y, x]:
                            if not seen[y, x]:
                                seen[y, x] = True
                                region[size, 0], region[size, 1] = y, x
                                size += 1
                        elif changes[y, x] == changes[y, x]:
                            n_rim += 1
                            changed += changes[y, x]
            if n_rim >= 3:
                surprise = -n_frames * np.log(max(1 - changed / n_rim, 1e-3))
                if surprise > least_surprise:
                    for k in range(size):
                        stuck[region[k, 0], region[k, 1]] = True
    return stuck


@elementwise
def lit_alone(lit, often, times):
    """Say which of the pixels that are lit often are so ``times`` as often as what is beside them.

    That is, as their eight neighbours; as those to the left and right, of which one on either side
    may be lit as well; and as those above and below. Three bool (height, width).
    """
    height, width = lit.shape
    alone = np.zeros((3, height, width), np.bool_)
    near = np.zeros((5, 5), lit.dtype)
    for i in range(height):
        for j in range(width):
            if not often[i, j]:
                continue
            for y in range(5):
                for x in range(5):
                    v, u = i + y - 2, j + x - 2
                    inside = 0 <= v < height and 0 <= u < width
                    near[y, x] = lit[v, u] if inside else 0
            least = near[2, 2] / times
            near[2, 2] = 0
            alone[0, i, j] = least >= near[1:4, 1:4].max()
            across, down = near[2], near[:, 2]
            beside = max(min(across[0], across[1]), min(across[3], across[4]))
            alone[1, i, j] = least >= beside
            beside = max(min(down[0], down[1]), min(down[3], down[4]))
            alone[2, i, j] = least >= beside
    return alone
