"""Pictures of frames, profiles, trainings and results; they need matplotlib, the extra ``plot``."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.inspection._drawing import HIT_COLOUR as HIT_COLOUR
from sklearn_sfx.inspection._drawing import MISS_COLOUR as MISS_COLOUR
from sklearn_sfx.inspection._drawing import draw_frame as draw_frame
from sklearn_sfx.inspection._drawing import masked_patch as masked_patch
from sklearn_sfx.inspection._feature_embedding import DOMAIN_COLOURS as DOMAIN_COLOURS
from sklearn_sfx.inspection._feature_embedding import FeatureEmbeddingDisplay
from sklearn_sfx.inspection._feature_embedding import embedded as embedded
from sklearn_sfx.inspection._frame import FrameDisplay
from sklearn_sfx.inspection._label_efficiency import LabelEfficiencyDisplay
from sklearn_sfx.inspection._overview import plot_overview
from sklearn_sfx.inspection._recall_threshold import RecallThresholdDisplay
from sklearn_sfx.inspection._row_profile import RowProfileDisplay
from sklearn_sfx.inspection._saliency import SaliencyDisplay
from sklearn_sfx.inspection._spot_contrast import CONTRAST as CONTRAST
from sklearn_sfx.inspection._spot_contrast import above_background as above_background
from sklearn_sfx.inspection._training_history import TrainingHistoryDisplay

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

carry_the_face(__name__)
