"""Apply a model to a run: train it, score every frame, evaluate, write lists and reports."""

from ._evaluation import Evaluation, evaluate, evaluation_table
from ._model import ScreeningModel, hit_finder, load_screening_model, train
from ._report import require_report, write_report
from ._scores import Scores, read_hits
from ._screen import screen

__all__ = [
    "Evaluation",
    "Scores",
    "ScreeningModel",
    "evaluate",
    "evaluation_table",
    "hit_finder",
    "load_screening_model",
    "read_hits",
    "require_report",
    "screen",
    "train",
    "write_report",
]
