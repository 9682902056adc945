"""Pickles of models, which joblib writes and which are for those who trust them."""

import os
from pathlib import Path
from typing import Any

import joblib

from sklearn_sfx._version import __version__
from sklearn_sfx.exceptions import InputError

__all__ = ["load_pickle", "model_file"]


def load_pickle(path: str | os.PathLike) -> Any:
    """Load what joblib wrote, and say in one sentence why it cannot be loaded.

    Parameters
    ----------
    path : path-like
        The file. A pickle can run code, so it has to be one that is trusted.

    Returns
    -------
    object
        Whatever it holds.

    Raises
    ------
    InputError
        The file is missing, is no pickle, is damaged, or holds what is not in this installation.
    """
    path = model_file(path)
    with open(path, "rb") as file:
        # zlib, numpy and pickle each have errors of their own for a file that is damaged, and what
        # is called in the name of a damaged file may raise anything.
        try:
            return joblib.load(file)
        except (InputError, Warning):  # a warning where the user made it an error
            raise
        except (AttributeError, ImportError) as error:
            raise InputError(
                f"{path}: this model needs what sklearn_sfx {__version__} and the packages here do "
                f"not have ({str(error)!a:.160}): it is of other versions, with which it can be "
                "loaded, or damaged; train it again."
            ) from error
        except Exception as error:
            raise InputError(
                f"{path}: this is not a model that 'sfx train' or joblib.dump wrote, or it is "
                "damaged."
            ) from error


def model_file(path: str | os.PathLike) -> Path:
    """Return the path, if there is a file."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; name a model file.")
    if not path.exists():
        raise InputError(f"{path}: there is no such model file.")
    if not path.is_file():  # reading a pipe or a device may never end
        raise InputError(f"{path}: this is not a file but a pipe or a device; name a model file.")
    return path
