"""Models on disk: in a file that cannot run code, and as a network for other programs."""

from sklearn_sfx._names import carry_the_face
from sklearn_sfx.persistence._onnx import to_onnx
from sklearn_sfx.persistence._pickles import load_pickle
from sklearn_sfx.persistence._safe import load_model, require_skops, save_model

__all__ = ["load_model", "save_model", "to_onnx"]

carry_the_face(__name__)
