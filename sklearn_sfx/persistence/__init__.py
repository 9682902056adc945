"""Models on disk: in a file that cannot run code, and as a network for other programs."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.persistence._any import SAFE_SUFFIX as SAFE_SUFFIX
from sklearn_sfx.persistence._any import load_any as load_any
from sklearn_sfx.persistence._onnx import to_onnx
from sklearn_sfx.persistence._pickles import load_pickle as load_pickle
from sklearn_sfx.persistence._safe import load_model, save_model
from sklearn_sfx.persistence._safe import require_skops as require_skops

__all__ = ["load_model", "save_model", "to_onnx"]

carry_the_face(__name__)
