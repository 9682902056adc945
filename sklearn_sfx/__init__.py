"""Find the hits in serial femtosecond crystallography with few labels.

The public names stand here; each loads on first use, so that importing the package is quick and
touches neither torch nor h5py.
"""

from importlib import import_module

from ._version import __version__ as __version__

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
    "exceptions": ["FewLabelsWarning", "InputError", "NoTargetWarning", "SlowFileWarning"],
}
_HOME = {name: room for room, names in _PUBLIC.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_HOME])
