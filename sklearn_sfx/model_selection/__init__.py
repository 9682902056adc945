"""Splitters that know rows without a label, and the threshold that reaches a wanted recall."""

from sklearn_sfx.model_selection._split import LabelledStratifiedKFold
from sklearn_sfx.model_selection._target_recall import TargetRecallClassifier

__all__ = ["LabelledStratifiedKFold", "TargetRecallClassifier"]
