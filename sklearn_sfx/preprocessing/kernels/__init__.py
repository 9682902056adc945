"""Compiled loops over the pixels of one frame, which is in the cache while they run.

A frame is loaded first: converted to float32, unusable pixels set to NaN, mean and standard
deviation taken on the way (``_loading``). Everything else works on the loaded frame: local contrast
(``_contrast``, from sums in ``_windows`` and ``_windows_of_counts``), ranges of rows and columns
(``_ranges``). How defective pixels stand out is another matter (``_defects``,
``_over_time``).
"""

from sklearn_sfx.preprocessing.kernels._contrast import (
    NEAR,
    column_ranges_of_contrast,
    contrast,
    contrast_while_loading,
    mean_deviation,
    row_ranges_of_contrast,
    row_ranges_of_counts,
    row_ranges_of_many_counts,
    row_ranges_while_loading,
)
from sklearn_sfx.preprocessing.kernels._defects import lit_alone, raise_to_lines, stuck_regions
from sklearn_sfx.preprocessing.kernels._keys import GREATEST, LEAST, key_of, value_of_key
from sklearn_sfx.preprocessing.kernels._loading import (
    load_frame,
    load_lowered,
    lower,
    moments_of_counts,
    reference_of_counts,
    standardize,
)
from sklearn_sfx.preprocessing.kernels._over_time import (
    medians_of_squares,
    sorting_network,
    summarize_rows,
    times_above,
)
from sklearn_sfx.preprocessing.kernels._ranges import column_ranges, row_ranges
from sklearn_sfx.preprocessing.kernels._scratch import new_work

__all__ = [
    "GREATEST",
    "LEAST",
    "NEAR",
    "column_ranges",
    "column_ranges_of_contrast",
    "contrast",
    "contrast_while_loading",
    "key_of",
    "lit_alone",
    "load_frame",
    "load_lowered",
    "lower",
    "mean_deviation",
    "medians_of_squares",
    "moments_of_counts",
    "new_work",
    "raise_to_lines",
    "reference_of_counts",
    "row_ranges",
    "row_ranges_of_contrast",
    "row_ranges_of_counts",
    "row_ranges_of_many_counts",
    "row_ranges_while_loading",
    "sorting_network",
    "standardize",
    "stuck_regions",
    "summarize_rows",
    "times_above",
    "value_of_key",
]
