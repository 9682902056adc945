"""Label a run, train a model, score every frame, evaluate, write lists and reports."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.screening._choice import Expectation
from sklearn_sfx.screening._crop import describe_crop as describe_crop
from sklearn_sfx.screening._demo import run_demo as run_demo
from sklearn_sfx.screening._device import use_device as use_device
from sklearn_sfx.screening._estimator_model import as_screening_model as as_screening_model
from sklearn_sfx.screening._estimator_model import check_hit_finder as check_hit_finder
from sklearn_sfx.screening._estimator_model import load_hit_finder as load_hit_finder
from sklearn_sfx.screening._evaluation import Evaluation, evaluate, evaluation_table
from sklearn_sfx.screening._evaluation import confusion_in_words as confusion_in_words
from sklearn_sfx.screening._evaluation import confusion_table as confusion_table
from sklearn_sfx.screening._evaluation import percent as percent
from sklearn_sfx.screening._evaluation import weighted_proportion as weighted_proportion
from sklearn_sfx.screening._held_out import HeldOut
from sklearn_sfx.screening._hit_finder_cv import HitFinderCV, select_hit_finder
from sklearn_sfx.screening._hit_list import check_listable as check_listable
from sklearn_sfx.screening._hit_list import hit_line as hit_line
from sklearn_sfx.screening._hit_list import read_hits
from sklearn_sfx.screening._hit_rate import HitRate
from sklearn_sfx.screening._model import ScreeningModel, load_screening_model
from sklearn_sfx.screening._pages import require_page
from sklearn_sfx.screening._particle_finder import make_single_particle_finder
from sklearn_sfx.screening._parts import PART as PART
from sklearn_sfx.screening._parts import PartScores as PartScores
from sklearn_sfx.screening._parts import joined as joined
from sklearn_sfx.screening._parts import score_part as score_part
from sklearn_sfx.screening._parts import unread as unread
from sklearn_sfx.screening._report import write_report
from sklearn_sfx.screening._run_info import RunInfo, run_info
from sklearn_sfx.screening._run_picture import draw_run
from sklearn_sfx.screening._scores import Scores
from sklearn_sfx.screening._scores import hit_lines as hit_lines
from sklearn_sfx.screening._scores import table_head as table_head
from sklearn_sfx.screening._scores import table_rows as table_rows
from sklearn_sfx.screening._screen import as_scores as as_scores
from sklearn_sfx.screening._screen import check_frames as check_frames
from sklearn_sfx.screening._screen import checked_threshold as checked_threshold
from sklearn_sfx.screening._screen import decisions as decisions
from sklearn_sfx.screening._screen import screen
from sklearn_sfx.screening._screening import Screening
from sklearn_sfx.screening._seen_frames import SeenFrame
from sklearn_sfx.screening._train import hit_finder, train
from sklearn_sfx.screening._train_particles import train_single_particles
from sklearn_sfx.screening._training_frames import training_frames
from sklearn_sfx.screening._transfer import method_named as method_named
from sklearn_sfx.screening._untrained import untrained_model
from sklearn_sfx.screening.labelling._app import LABEL_ASSETS as LABEL_ASSETS
from sklearn_sfx.screening.labelling._app import label_app as label_app
from sklearn_sfx.screening.labelling._doubt import chances as chances
from sklearn_sfx.screening.labelling._doubt import draw as draw
from sklearn_sfx.screening.labelling._draw import ORDERS as ORDERS
from sklearn_sfx.screening.labelling._draw import names_of as names_of
from sklearn_sfx.screening.labelling._label_file import LabelFile
from sklearn_sfx.screening.labelling._label_frames import label_frames
from sklearn_sfx.screening.labelling._label_frames import labelling_of as labelling_of
from sklearn_sfx.screening.labelling._label_lines import FrameName, Label
from sklearn_sfx.screening.labelling._label_page import write_label_page

__all__ = [
    "Evaluation",
    "Expectation",
    "FrameName",
    "HeldOut",
    "HitFinderCV",
    "HitRate",
    "Label",
    "LabelFile",
    "RunInfo",
    "Scores",
    "Screening",
    "ScreeningModel",
    "SeenFrame",
    "draw_run",
    "evaluate",
    "evaluation_table",
    "hit_finder",
    "label_frames",
    "load_screening_model",
    "make_single_particle_finder",
    "read_hits",
    "require_page",
    "run_info",
    "screen",
    "select_hit_finder",
    "train",
    "train_single_particles",
    "training_frames",
    "untrained_model",
    "write_label_page",
    "write_report",
]

carry_the_face(__name__)
