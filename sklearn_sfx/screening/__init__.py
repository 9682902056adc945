"""Label a run, train a model, score every frame, evaluate, write lists and reports."""

from ._evaluation import Evaluation, evaluate, evaluation_table
from ._label_page import write_label_page
from ._model import ScreeningModel, hit_finder, load_screening_model, train
from ._pages import require_page
from ._report import write_report
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
    "require_page",
    "screen",
    "train",
    "write_label_page",
    "write_report",
]
