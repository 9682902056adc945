"""Apply a model to a run: train it, score every frame, write hit lists and tables, evaluate."""

from ._evaluation import Evaluation, evaluate, evaluation_table
from ._model import ScreeningModel, hit_finder, load_screening_model, train
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
    "screen",
    "train",
]
