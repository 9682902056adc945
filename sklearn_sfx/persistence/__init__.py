"""Models on disk: in a file that cannot run code, and as a network for other programs."""

from sklearn_sfx.persistence._onnx import to_onnx
from sklearn_sfx.persistence._safe import FORMAT, load_model, require_skops, save_model
from sklearn_sfx.persistence._trusted import TRUSTED

__all__ = ["FORMAT", "TRUSTED", "load_model", "require_skops", "save_model", "to_onnx"]
