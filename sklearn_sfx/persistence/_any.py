"""Models in files of either kind, told apart without running anything."""

import os
from pathlib import Path
from typing import Any

from sklearn_sfx.persistence._pickles import load_pickle, model_file
from sklearn_sfx.persistence._safe import load_model

__all__ = ["SAFE_SUFFIX", "load_any"]

SAFE_SUFFIX = ".skops"
ZIP = b"PK\x03\x04"


def load_any(path: str | os.PathLike) -> Any:
    """Load what `save_model` or joblib wrote.

    Parameters
    ----------
    path : path-like
        A file whose name ends in ``.skops``, or that is of that kind, is loaded by `load_model` and
        cannot run code. Any other is a pickle, which can: it has to be one that is trusted.

    Returns
    -------
    object
        Whatever it holds.

    Raises
    ------
    InputError
        The file is missing, cannot be read, is damaged, or of versions too different from these.
    """
    path = model_file(path)
    with open(path, "rb") as file:
        is_safe = file.read(len(ZIP)) == ZIP
    return load_model(path) if is_safe or Path(path).suffix == SAFE_SUFFIX else load_pickle(path)
