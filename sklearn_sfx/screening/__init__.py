"""Label a run, train a model, score every frame, evaluate, write lists and reports."""

from sklearn_sfx.screening._evaluation import Evaluation, evaluate, evaluation_table
from sklearn_sfx.screening._label_page import write_label_page
from sklearn_sfx.screening._model import ScreeningModel, hit_finder, load_screening_model, train
from sklearn_sfx.screening._pages import require_page
from sklearn_sfx.screening._report import write_report
from sklearn_sfx.screening._scores import Scores, read_hits
from sklearn_sfx.screening._screen import screen

__all__ = [
    "Evaluation",
    "Scores",
    "ScreeningModel",
    "evaluate",
    "evaluation_table",
    "hit_finder",
    "load_screening_model",
    "read_hits",
    "require_page",
    "screen",
    "train",
    "write_label_page",
    "write_report",
]
