"""Find the hits in serial femtosecond crystallography with few labels.

The public names stand here; each loads on first use, so that importing the package is quick and
touches neither torch nor h5py.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:  # the same names for type checkers, which run nothing
    from .classifiers import CNN1D as CNN1D
    from .classifiers import CNN2D as CNN2D
    from .classifiers import DANN as DANN
    from .classifiers import FineTuned as FineTuned
    from .classifiers import PeakCountClassifier as PeakCountClassifier
    from .classifiers import PeakHeightClassifier as PeakHeightClassifier
    from .datasets import load_cxidb76 as load_cxidb76
    from .datasets import make_sfx_frames as make_sfx_frames
    from .datasets import random_domains as random_domains
    from .datasets import write_cxidb76 as write_cxidb76
    from .exceptions import FewLabelsWarning as FewLabelsWarning
    from .exceptions import InputError as InputError
    from .exceptions import NoTargetWarning as NoTargetWarning
    from .exceptions import SlowFileWarning as SlowFileWarning
    from .exceptions import SparseMaskWarning as SparseMaskWarning
    from .exceptions import UnreadableFrame as UnreadableFrame
    from .frames import Frames as Frames
    from .frames import open_frames as open_frames
    from .frames import read_mask as read_mask
    from .inspection import FeatureEmbeddingDisplay as FeatureEmbeddingDisplay
    from .inspection import FrameDisplay as FrameDisplay
    from .inspection import LabelEfficiencyDisplay as LabelEfficiencyDisplay
    from .inspection import RecallThresholdDisplay as RecallThresholdDisplay
    from .inspection import RowProfileDisplay as RowProfileDisplay
    from .inspection import SaliencyDisplay as SaliencyDisplay
    from .inspection import TrainingHistoryDisplay as TrainingHistoryDisplay
    from .model_selection import LabelledStratifiedKFold as LabelledStratifiedKFold
    from .model_selection import SourceScorer as SourceScorer
    from .model_selection import TargetEntropyScorer as TargetEntropyScorer
    from .model_selection import TargetLabelScorer as TargetLabelScorer
    from .model_selection import TargetRecallClassifier as TargetRecallClassifier
    from .persistence import load_model as load_model
    from .persistence import save_model as save_model
    from .persistence import to_onnx as to_onnx
    from .preprocessing import GCN as GCN
    from .preprocessing import LCN as LCN
    from .preprocessing import CentralCrop as CentralCrop
    from .preprocessing import PixelMask as PixelMask
    from .preprocessing import RowWiseDecomposition as RowWiseDecomposition
    from .preprocessing import StrongestPeaks as StrongestPeaks
    from .screening import ScreeningModel as ScreeningModel
    from .screening import evaluate as evaluate
    from .screening import screen as screen
    from .screening import train as train

_PUBLIC = {
    "frames": ["Frames", "open_frames", "read_mask"],
    "datasets": ["load_cxidb76", "make_sfx_frames", "random_domains", "write_cxidb76"],
    "preprocessing": [
        "PixelMask",
        "CentralCrop",
        "GCN",
        "LCN",
        "RowWiseDecomposition",
        "StrongestPeaks",
    ],
    "classifiers": [
        "CNN1D",
        "CNN2D",
        "DANN",
        "FineTuned",
        "PeakCountClassifier",
        "PeakHeightClassifier",
    ],
    "model_selection": [
        "LabelledStratifiedKFold",
        "SourceScorer",
        "TargetEntropyScorer",
        "TargetLabelScorer",
        "TargetRecallClassifier",
    ],
    "persistence": ["load_model", "save_model", "to_onnx"],
    "inspection": [
        "FeatureEmbeddingDisplay",
        "FrameDisplay",
        "LabelEfficiencyDisplay",
        "RecallThresholdDisplay",
        "RowProfileDisplay",
        "SaliencyDisplay",
        "TrainingHistoryDisplay",
    ],
    "screening": ["ScreeningModel", "evaluate", "screen", "train"],
    "exceptions": [
        "FewLabelsWarning",
        "InputError",
        "NoTargetWarning",
        "SlowFileWarning",
        "SparseMaskWarning",
        "UnreadableFrame",
    ],
}
_HOME = {name: room for room, names in _PUBLIC.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
