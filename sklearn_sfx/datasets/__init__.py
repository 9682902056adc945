"""Runs of frames with labels: the CXIDB-76 files, and a simulator."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.datasets._annotation import Annotation as Annotation
from sklearn_sfx.datasets._annotation import name_in_labels as name_in_labels
from sklearn_sfx.datasets._annotation import read_annotation, read_spot_counts, write_annotation
from sklearn_sfx.datasets._annotation import weight_in_labels as weight_in_labels
from sklearn_sfx.datasets._cxidb76 import load_cxidb76
from sklearn_sfx.datasets._cxidb76_writer import write_cxidb76
from sklearn_sfx.datasets._labels import LabelRules as LabelRules
from sklearn_sfx.datasets._labels import find_labels as find_labels
from sklearn_sfx.datasets._labels import match_labels
from sklearn_sfx.datasets._make import make_sfx_frames
from sklearn_sfx.datasets._make_spi import make_spi_frames
from sklearn_sfx.datasets._run_files import RunFiles as RunFiles
from sklearn_sfx.datasets._run_files import run_files as run_files
from sklearn_sfx.datasets._run_files import write_run
from sklearn_sfx.datasets._target import MAYBE_RULES as MAYBE_RULES
from sklearn_sfx.datasets._target import make_target
from sklearn_sfx.datasets.simulation import random_domains

__all__ = [
    "load_cxidb76",
    "make_sfx_frames",
    "make_spi_frames",
    "make_target",
    "match_labels",
    "random_domains",
    "read_annotation",
    "read_spot_counts",
    "write_annotation",
    "write_cxidb76",
    "write_run",
]

carry_the_face(__name__)
