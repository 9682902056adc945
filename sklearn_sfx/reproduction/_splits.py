"""Which frames train, which are held out for choices, and which test."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split

from sklearn_sfx.exceptions import InputError

__all__ = ["ENOUGH", "FEW", "SEQUENTIAL", "Split", "shares", "split"]

ENOUGH = (0.6, 0.2, 0.2)  # 1200 / 400 / 400 of 2000
FEW = (0.1, 0.1, 0.8)  # 200 / 200 / 1600
SEQUENTIAL = (0.5, 0.2, 0.3)  # of Ke et al., where there are enough labels


class Split(NamedTuple):
    """Row numbers, sorted: they train, validate and test."""

    train: np.ndarray
    validate: np.ndarray
    test: np.ndarray


def shares(few: bool, sequential: bool) -> tuple[float, float, float]:
    """Return the shares of a run that train, validate and test."""
    if few:
        return FEW
    return SEQUENTIAL if sequential else ENOUGH


def split(target: ArrayLike, *, few: bool, sequential: bool = False, seed: int = 0) -> Split:
    """Split a run as the paper does, or as Ke et al. do.

    Parameters
    ----------
    target : array-like of int, shape (n_frames,)
        0 for a miss, 1 for a hit.
    few : bool
        Whether few labels train: 200 / 200 / 1600 of 2000 frames, instead of 1200 / 400 / 400.
        Runs of another length are split in these proportions.
    sequential : bool
        Whether frames are taken in the order of the run instead of stratified and shuffled. Then
        enough labels are 50 / 20 / 30 %, as Ke et al. have it; few are 10 / 10 / 80 %.
    seed : int
        Of the shuffling.

    Returns
    -------
    Split
        ``train``, ``validate`` and ``test``: row numbers, sorted, each row in one of them.

    Raises
    ------
    InputError
        There are too few frames of a class.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.reproduction import split
    >>> target = np.tile([0, 1], 1000)
    >>> [len(rows) for rows in split(target, few=True)]
    [200, 200, 1600]
    >>> split(target, few=False, sequential=True).test[[0, -1]]
    array([1400, 1999])
    """
    target = np.asarray(target)
    rows = np.arange(len(target))
    n_train, n_validate, _ = sizes(len(target), few=few, sequential=sequential)
    if sequential:
        edges = [n_train, n_train + n_validate]
        found = Split(*np.split(rows, edges))
    else:
        try:
            train, rest = train_test_split(
                rows, train_size=n_train, stratify=target, random_state=seed
            )
            validate, test = train_test_split(
                rest, train_size=n_validate, stratify=target[rest], random_state=seed
            )
        except ValueError as error:
            raise InputError(f"A run of {len(rows)} frames cannot be split: {error}") from error
        found = Split(np.sort(train), np.sort(validate), np.sort(test))
    if len(np.unique(target[found.train])) < 2:
        raise InputError(
            f"The {len(found.train)} frames that train are all of one class: take more frames, or "
            "split them shuffled."
        )
    return found


def sizes(n_frames: int, *, few: bool, sequential: bool) -> tuple[int, int, int]:
    """Return how many of so many frames train, validate and test."""
    train, validate, _ = (round(share * n_frames) for share in shares(few, sequential))
    return train, validate, n_frames - train - validate
