"""Labels in files of other programs: one module for each format, and a table of them."""

from sklearn_sfx.datasets.label_files._format import FrameLabel, LabelFormat
from sklearn_sfx.datasets.label_files._formats import label_format

__all__ = ["FrameLabel", "LabelFormat", "label_format"]
