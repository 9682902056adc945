"""The network of a classifier as a file for onnxruntime, which needs none of this package."""

import json
import os
from typing import Any

from sklearn_sfx._extras import require
from sklearn_sfx._files import new_file, replacing
from sklearn_sfx._models import estimators, in_words
from sklearn_sfx._version import __version__
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import ClassifierModule
from sklearn_sfx.persistence._about import plain
from sklearn_sfx.persistence._graph import OPSET, network_graph

__all__ = ["to_onnx"]

IR_VERSION = 8  # of the file, from the same time as OPSET


def to_onnx(estimator: Any, path: str | os.PathLike) -> None:
    """Write the network of a fitted classifier as an ONNX file, for onnxruntime and its like.

    Of a pipeline, or of a `FineTuned` that prepares its frames, the network alone is written: the
    preprocessing is not in the file, and who runs it prepares the frames in the same way.

    Parameters
    ----------
    estimator : fitted estimator or ScreeningModel
        A `CNN1D`, `CNN2D`, `FineTuned` or `DANN`, or a pipeline, a search, a threshold or a
        ``FrozenEstimator`` around one. A threshold is not in the file either.
    path : path-like
        The file to write, by custom with the suffix ``.onnx``. One that is there stays whole until
        the new one is complete.

    Raises
    ------
    InputError
        The estimator holds no trained network of this package; the folder does not exist; or onnx
        is not installed.

    See Also
    --------
    save_model : Writes all of a model, for this package.

    Notes
    -----
    The input "X" is float32, (n, length) or (n, height, width), for any n; NaN reads as 0. The
    output "probability" is float32, (n, n_classes): what `predict_proba` gives, to about 1e-6.
    The metadata of the file hold JSON: "classes" (the columns of the output), "frame_shape" (one
    frame of X), "preprocessing" (the attribute ``preprocessing_`` of the classifier), "steps" (the
    estimators before it) and "sklearn_sfx" (the version of this package). The same network gives
    the same bytes.

    Examples
    --------
    >>> import json, tempfile
    >>> import numpy as np
    >>> import onnxruntime
    >>> from sklearn_sfx import CNN1D, to_onnx
    >>> vectors = np.random.default_rng(0).gumbel(5, 1, (60, 100)).astype("float32")
    >>> labels = np.repeat(["miss", "hit"], 30)
    >>> vectors[labels == "hit", 20:80:5] += 15
    >>> model = CNN1D(channels=(4, 8), max_epochs=5, random_state=0).fit(vectors, labels)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_onnx(model, f"{folder}/hits.onnx")
    ...     session = onnxruntime.InferenceSession(f"{folder}/hits.onnx")
    >>> (probability,) = session.run(["probability"], {"X": vectors})
    >>> np.allclose(probability, model.predict_proba(vectors), atol=1e-5)
    True
    >>> json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    ['hit', 'miss']
    """
    onnx: Any = require("onnx", extra="onnx", what="ONNX files")
    path = new_file(path)
    *before, network = estimators(estimator)
    module = getattr(getattr(network, "net_", None), "module_", None)
    if not isinstance(module, ClassifierModule):
        raise InputError(
            "to_onnx takes a trained network, a fitted CNN1D, CNN2D, FineTuned or DANN or a "
            f"pipeline that ends in one, and this {type(network).__name__} is none."
        )
    about = {
        "sklearn_sfx": __version__,
        "classes": plain(network.classes_),
        "frame_shape": list(network.network_shape_),
        "preprocessing": network.preprocessing_,
        "steps": in_words(before),
    }
    model = onnx.helper.make_model(
        network_graph(onnx, module, network.network_shape_),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="sklearn_sfx",
        producer_version=__version__,
    )
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in about.items()})
    content = model.SerializeToString(deterministic=True)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
