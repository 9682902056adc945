"""Pictures of frames, profiles, trainings and results; they need matplotlib, the extra ``plot``."""

from ._feature_embedding import FeatureEmbeddingDisplay
from ._frame import FrameDisplay
from ._label_efficiency import LabelEfficiencyDisplay
from ._overview import plot_overview
from ._recall_threshold import RecallThresholdDisplay
from ._row_profile import RowProfileDisplay
from ._saliency import SaliencyDisplay
from ._training_history import TrainingHistoryDisplay

__all__ = [
    "FeatureEmbeddingDisplay",
    "FrameDisplay",
    "LabelEfficiencyDisplay",
    "RecallThresholdDisplay",
    "RowProfileDisplay",
    "SaliencyDisplay",
    "TrainingHistoryDisplay",
    "plot_overview",
]
