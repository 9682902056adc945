"""The names of classes in files: the path of a room's face, whatever module they are written in."""

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import ForwardRef, get_type_hints

__all__ = ["OLD_NAMES", "carry_the_face", "written_in"]

# What files of model format 1 call each class, and what it is called now. A name stays here for as
# long as files of that format can be read: a class that is renamed gets its new name on the right.
OLD_NAMES = {
    "sklearn_sfx.classifiers._cnn1d.CNN1D": "sklearn_sfx.classifiers.CNN1D",
    "sklearn_sfx.classifiers._cnn2d.CNN2D": "sklearn_sfx.classifiers.CNN2D",
    "sklearn_sfx.classifiers._dann.DANN": "sklearn_sfx.classifiers.DANN",
    "sklearn_sfx.classifiers._fine_tuned.FineTuned": "sklearn_sfx.classifiers.FineTuned",
    "sklearn_sfx.classifiers._peak_count.PeakCountClassifier": (
        "sklearn_sfx.classifiers.PeakCountClassifier"
    ),
    "sklearn_sfx.classifiers._peak_heights.PeakHeightClassifier": (
        "sklearn_sfx.classifiers.PeakHeightClassifier"
    ),
    "sklearn_sfx.model_selection._scorers.SourceScorer": "sklearn_sfx.model_selection.SourceScorer",
    "sklearn_sfx.model_selection._scorers.TargetEntropyScorer": (
        "sklearn_sfx.model_selection.TargetEntropyScorer"
    ),
    "sklearn_sfx.model_selection._scorers.TargetLabelScorer": (
        "sklearn_sfx.model_selection.TargetLabelScorer"
    ),
    "sklearn_sfx.model_selection._split.LabelledStratifiedKFold": (
        "sklearn_sfx.model_selection.LabelledStratifiedKFold"
    ),
    "sklearn_sfx.model_selection._target_recall.TargetRecallClassifier": (
        "sklearn_sfx.model_selection.TargetRecallClassifier"
    ),
    "sklearn_sfx.preprocessing._contrast.GCN": "sklearn_sfx.preprocessing.GCN",
    "sklearn_sfx.preprocessing._contrast.LCN": "sklearn_sfx.preprocessing.LCN",
    "sklearn_sfx.preprocessing._crop.CentralCrop": "sklearn_sfx.preprocessing.CentralCrop",
    "sklearn_sfx.preprocessing._decomposition.RowWiseDecomposition": (
        "sklearn_sfx.preprocessing.RowWiseDecomposition"
    ),
    "sklearn_sfx.preprocessing._mask.PackedMask": "sklearn_sfx.preprocessing.PackedMask",
    "sklearn_sfx.preprocessing._mask.PixelMask": "sklearn_sfx.preprocessing.PixelMask",
    "sklearn_sfx.preprocessing._strongest_peaks.StrongestPeaks": (
        "sklearn_sfx.preprocessing.StrongestPeaks"
    ),
    "sklearn_sfx.screening._model.ScreeningModel": "sklearn_sfx.screening.ScreeningModel",
}

_written_in: dict[type | Callable, str] = {}


def carry_the_face(face: str) -> None:
    """Let the classes and functions of a face say that they are of that face; its last line.

    Pickles and safe model files name a class by ``__module__``, so what is written behind a face
    can be moved and split without a file noticing. Pickles with old names load too: where the
    module of an old name is gone, or has lost the class, the name is put there again.

    Parameters
    ----------
    face : str
        ``__name__`` of a room.
    """
    module = sys.modules[face]
    for name, item in vars(module).items():
        is_named = (inspect.isclass(item) or inspect.isfunction(item)) and item.__name__ == name
        if is_named and item.__module__.startswith(f"{face}."):
            if inspect.isclass(item):
                _resolve_hints(item)
                _hide_the_line(item)
            _written_in[item] = written_in(item)
            item.__module__ = face
    for old, new in OLD_NAMES.items():
        path, _, name = old.rpartition(".")
        new_path, _, new_name = new.rpartition(".")
        if new_path != face:
            continue
        try:
            old_module = import_module(path)
        except ModuleNotFoundError:
            old_module = sys.modules[path] = ModuleType(path, "Where old pickles look.")
        if not hasattr(old_module, name):
            setattr(old_module, name, getattr(module, new_name))


def _resolve_hints(cls: type) -> None:
    """Replace types of attributes that are text: they would be looked up where the face is."""
    own = vars(cls).get("__annotations__", {})
    if any(isinstance(hint, str | ForwardRef) for hint in own.values()):
        hints = get_type_hints(cls, include_extras=True)
        cls.__annotations__ = {name: hints[name] for name in own}


def _hide_the_line(cls: type) -> None:
    """Let nobody look for the source in the face, where Python 3.13 would show other lines."""
    line = "__firstlineno__"
    if line in vars(cls):
        delattr(cls, line)


def written_in(item: type | Callable) -> str:
    """Return the module in which a class or function is written, behind its face."""
    return _written_in.get(item, item.__module__)
