"""Splitters that know rows without a label, a threshold for a wanted recall, and scorers."""

from sklearn_sfx._names import carry_the_face
from sklearn_sfx.model_selection._source_scorer import SourceScorer
from sklearn_sfx.model_selection._split import LabelledStratifiedKFold
from sklearn_sfx.model_selection._target_recall import TargetRecallClassifier
from sklearn_sfx.model_selection._target_scorers import TargetEntropyScorer, TargetLabelScorer

__all__ = [
    "LabelledStratifiedKFold",
    "SourceScorer",
    "TargetEntropyScorer",
    "TargetLabelScorer",
    "TargetRecallClassifier",
]

carry_the_face(__name__)
