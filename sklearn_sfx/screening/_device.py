"""Where the networks of a model are computed."""

from collections.abc import Iterator
from typing import Any

from sklearn.frozen import FrozenEstimator

from sklearn_sfx.classifiers import find_device
from sklearn_sfx.screening._hit_probability import HitProbability
from sklearn_sfx.screening._model import ScreeningModel

__all__ = ["use_device"]


def use_device(model: ScreeningModel, device: str) -> None:
    """Move the networks of a model that was loaded; what it says stays the same but for rounding.

    Parameters
    ----------
    model : ScreeningModel
        The model, which is changed; one without a network has nothing to move.
    device : str
        "cpu", "cuda", "cuda:1", or "auto" for a GPU where there is one.

    Raises
    ------
    InputError
        There is no such device here.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames, train
    >>> from sklearn_sfx.screening import use_device
    >>> run = make_sfx_frames(20, frame_shape=(160, 160), random_state=0)
    >>> use_device(train(run.data, method="peaks", crop=160), "cpu")
    """
    found = find_device(device)
    for network in _networks(model.classifier):
        network.net_.device = str(found)
        network.net_.module_.to(found)


def _networks(estimator: Any) -> Iterator[Any]:
    """Yield the fitted networks in an estimator, however deep they are."""
    if isinstance(estimator, FrozenEstimator | HitProbability):
        yield from _networks(estimator.estimator)
    elif hasattr(estimator, "net_"):
        yield estimator
    else:
        for name, part in estimator.get_params(deep=False).items():
            if name in ("steps", "estimators"):
                for _, step in part:
                    yield from _networks(step)
