"""What a model is made of: the estimators that frames go through, one after another.

A class of this package that is made of others says so by two methods, as scikit-learn's classes do
by theirs: ``__sfx_steps__`` gives its parts in order, each a pair of name and estimator (the name
None where it is that of the whole; the last part may be the object itself, which then prepares its
frames by those before), and ``__sfx_decision__`` gives the probability from which it decides for a
hit and its class of hits.
"""

from collections.abc import Iterator
from typing import Any

from sklearn import config_context
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

__all__ = ["decision", "estimators", "in_words", "named_estimators"]

THRESHOLDS = (FixedThresholdClassifier, TunedThresholdClassifierCV)


def named_estimators(model: Any, *, unfold: bool = True) -> list[tuple[str, Any]]:
    """Return name and estimator of all that frames go through, in order; at least one.

    Pipelines are opened, those inside of others too, and so is what is around one estimator: a
    search (its best one, once it is fitted), a threshold, a ``FrozenEstimator``. What combines
    several, such as a vote or a calibration, is one estimator.

    Parameters
    ----------
    model : object
        An estimator, fitted or not, or a `ScreeningModel`.
    unfold : bool, default=True
        Whether an estimator that prepares its frames itself is opened: these steps, and then it. To
        run what is before it, and then itself, leave it whole.

    Returns
    -------
    list of (str, object)
        A step of a pipeline has its name there, and a number after it where there are two of that
        name; any other estimator that of its class in small letters, as in `make_pipeline`.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_sfx import CNN1D, GCN, RowWiseDecomposition
    >>> from sklearn_sfx._models import named_estimators
    >>> model = make_pipeline(GCN(), RowWiseDecomposition(), CNN1D())
    >>> [name for name, _ in named_estimators(GridSearchCV(model, {}))]
    ['gcn', 'rowwisedecomposition', 'cnn1d']
    """
    found = list(_leaves(model, None, unfold))
    names = [name for name, _ in found]
    for place, (name, estimator) in enumerate(found):
        if names.count(name) > 1:
            found[place] = (f"{name}-{names[: place + 1].count(name)}", estimator)
    return found


def estimators(model: Any, *, unfold: bool = True) -> list[Any]:
    """Return the estimators of `named_estimators`, without their names."""
    return [estimator for _, estimator in named_estimators(model, unfold=unfold)]


def in_words(steps: list[Any]) -> list[str]:
    """Return each estimator as a line with all its parameters."""
    with config_context(print_changed_only=False):  # a default may be another one some day
        return [" ".join(repr(step).split()) for step in steps]


def decision(model: Any) -> tuple[float, Any]:
    """Return the probability from which a classifier decides for a class, and which class that is.

    Parameters
    ----------
    model : estimator
        A fitted classifier, or a model that ends in one.

    Returns
    -------
    threshold : float
        0.5 where nothing in it has another.
    label : object
        The label of that class, of hits where nothing else is named; None where it says none.
    """
    if hasattr(type(model), "__sfx_decision__"):
        return model.__sfx_decision__()
    if isinstance(model, TunedThresholdClassifierCV):
        scorer = getattr(model, "_curve_scorer", None)
        threshold, label = model.best_threshold_, scorer and scorer._get_pos_label()
    elif isinstance(model, FixedThresholdClassifier):
        threshold = 0.5 if model.threshold == "auto" else model.threshold
        label = model.pos_label
    if isinstance(model, THRESHOLDS):
        # A threshold on decision_function is not one on probabilities.
        return (0.5 if model.response_method == "decision_function" else threshold), label
    parts = _parts(model)
    if parts and parts[-1][1] is not model:
        return decision(parts[-1][1])
    return 0.5, None


def _leaves(model: Any, name: str | None, unfold: bool) -> Iterator[tuple[str, Any]]:
    parts = _parts(model)
    if not parts or (parts[-1][1] is model and not unfold):
        yield name or type(model).__name__.lower(), model
        return
    for own_name, part in parts:
        if part is model:
            yield name or type(model).__name__.lower(), model
        else:
            yield from _leaves(part, own_name or name, unfold)


def _parts(model: Any) -> list[tuple[str | None, Any]]:
    """Return what a model is made of, one level down; nothing of what does the work itself."""
    if hasattr(type(model), "__sfx_steps__"):
        return model.__sfx_steps__()
    if isinstance(model, Pipeline):
        return [(name, step) for name, step in model.steps if step not in (None, "passthrough")]
    if isinstance(model, FrozenEstimator):
        return [(None, model.estimator)]
    if isinstance(model, THRESHOLDS):
        return [(None, getattr(model, "estimator_", model.estimator))]
    if hasattr(model, "best_estimator_"):  # any search, those of other packages too
        return [(None, model.best_estimator_)]
    return [(None, model.estimator)] if isinstance(model, BaseSearchCV) else []
