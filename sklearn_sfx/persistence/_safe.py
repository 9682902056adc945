"""Models on disk in a form that cannot run code, so that a file from a stranger may be loaded."""

import json
import os
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_sfx._extras import require
from sklearn_sfx._files import new_file, replacing
from sklearn_sfx._models import estimators
from sklearn_sfx._version import __version__
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.persistence._about import describe
from sklearn_sfx.persistence._formats import FORMAT, upgraded
from sklearn_sfx.persistence._pickles import model_file
from sklearn_sfx.persistence._trusted import SCHEMA, audited, listed, nodes, read_member

__all__ = ["load_model", "require_skops", "save_model"]

ABOUT = "sklearn_sfx.json"


def save_model(model: Any, path: str | os.PathLike) -> None:
    """Write a fitted model to a file that cannot run code when it is loaded.

    The file is a zip archive in the format of skops. Its member ``sklearn_sfx.json`` says what it
    holds: the number of the format, the versions of this package and of those below it, the class,
    the preprocessing, the frame shape and the classes (``unzip -p model.skops sklearn_sfx.json``).
    It holds no device and no optimizer, and the same model gives the same bytes.

    Parameters
    ----------
    model : fitted estimator or ScreeningModel
        A classifier or transformer of this package, a pipeline, a search or another meta-estimator
        of scikit-learn over them.
    path : path-like
        The file to write, by custom with the suffix ``.skops``. One that is there stays whole until
        the new one is complete.

    Raises
    ------
    InputError
        The model is not fitted, or holds something that `load_model` would refuse, such as a
        function of one's own; the folder does not exist; or skops is not installed.

    See Also
    --------
    load_model : Reads it.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_sfx import PeakCountClassifier, load_model, save_model
    >>> frames = np.random.default_rng(0).poisson(3.0, (20, 64, 64))
    >>> frames[10:, 10::20, 10:12] += 50
    >>> model = PeakCountClassifier().fit(frames, np.repeat(["miss", "hit"], 10))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/peaks.skops")
    ...     again = load_model(f"{folder}/peaks.skops")
    >>> bool((again.predict_proba(frames) == model.predict_proba(frames)).all())
    True
    """
    skops_io = require_skops()
    path = new_file(path)
    _check_savable(model)
    name = type(model).__name__
    try:
        content = _repack(skops_io.dumps(model), _about(model))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"This {name} holds what has no place in a safe file ({error}): leave it out, or keep "
            "the model for yourself with joblib.dump."
        ) from error
    _, refused = audited(skops_io, content)
    if refused:
        raise InputError(
            f"This {name} holds what load_model would refuse, {listed(refused)}: leave it out (of "
            "a search save best_estimator_), or keep the model for yourself with joblib.dump."
        )
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load_model(path: str | os.PathLike) -> Any:
    """Read a model that `save_model` wrote, without running any code that the file may hold.

    Parameters
    ----------
    path : path-like
        The model file.

    Returns
    -------
    model : fitted estimator or ScreeningModel
        It predicts what the saved one did. A network that was trained on a GPU is on the CPU where
        there is none. Frames of another shape than it was fitted on are refused when it predicts.

    Raises
    ------
    InputError
        The file is missing, was not written by `save_model`, is damaged, is of a newer format, or
        holds something else than estimators of this package and of scikit-learn, scores, numbers,
        texts and arrays; or skops is not installed.

    Warns
    -----
    NewerVersionWarning
        A newer version of this package wrote the file.

    See Also
    --------
    save_model : Writes it.

    Notes
    -----
    A pickle, which is what joblib and torch write, can run any code when it is loaded, and is never
    loaded here. What types a file may name is fixed: the classes of this package that are made to
    be stored, and a list of others. That keeps code out; it does not make a stranger's model right,
    or small.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_sfx import GCN, load_model, save_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(GCN().fit(np.ones((2, 8, 8))), f"{folder}/gcn.skops")
    ...     load_model(f"{folder}/gcn.skops").frame_shape_in_
    (8, 8)
    """
    skops_io = require_skops()
    path = model_file(path)
    content = path.read_bytes()
    # Zip, zlib, json, numpy and torch each have errors of their own for a file that is damaged, or
    # made to look like one: whatever they raise, the file is to blame.
    try:
        number = int(json.loads(read_member(content, ABOUT))["format"])
    except Exception as error:
        raise InputError(
            f"{path}: this is not a model that save_model wrote, or it is damaged; a pickle, which "
            "can run code, is not loaded here: if you trust it, use joblib.load."
        ) from error
    if number > FORMAT:
        raise InputError(
            f"{path}: this model is of format {number}, and sklearn_sfx {__version__} reads up to "
            f"format {FORMAT}: install a newer one."
        )
    try:
        content = upgraded(content, number)
        trusted, refused = audited(skops_io, content)
        if not refused:
            model = skops_io.loads(content, trusted=trusted)
            _check_is_fitted(model)
            return model
    except (InputError, Warning):  # a warning where the user made it an error
        raise
    except Exception as error:
        raise InputError(
            f"{path}: the model cannot be put together: the file is damaged, or was written by "
            "versions too different from these; unzip its sklearn_sfx.json to see which."
        ) from error
    raise InputError(
        f"{path}: this file is not safe to load, since it holds {listed(refused)}: ask for one "
        "without, or, if you trust whoever wrote it, load it with skops.io."
    )


def require_skops() -> ModuleType:
    """Return ``skops.io``, or say how to install it."""
    return require("skops.io", extra="safe", what="Safe model files")


# -- The file ----------------------------------------------------------------------------------


def _repack(content: bytes, about: dict) -> bytes:
    """Add what the file is about, and take out what differs each time the model is saved.

    skops tells objects apart by their address in memory, and arrays by that or by chance.
    """
    schema = json.loads(read_member(content, SCHEMA))
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    for node in nodes(schema):
        if node["__loader__"] == "JsonNode":  # whether two of these are one object is chance too
            node.pop("__id__", None)
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if "file" in node:
            name = f"{len(names) + 1}{Path(node['file']).suffix}"
            node["file"] = names.setdefault(node["file"], name)
        if node["__loader__"] == "DictNode":
            _repair_keys(node)
    members: dict[str, str | bytes] = {
        ABOUT: json.dumps(about, indent=2),
        SCHEMA: json.dumps(schema),
    }
    packed = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(packed, "w") as new:
        members |= {name: old.read(old_name) for old_name, name in names.items()}
        for name, member in members.items():
            new.writestr(ZipInfo(name), member, compress_type=ZIP_DEFLATED)
    return packed.getvalue()


def _repair_keys(node: dict) -> None:
    """Keep the keys of ``{False: 1, True: 5}`` apart: skops reads False as bool("false")."""
    kinds = [kind["__class__"] for kind in node["key_types"]["content"]]
    node["content"] = {
        "" if key == "false" and kind.startswith("bool") else key: value
        for kind, (key, value) in zip(kinds, node["content"].items(), strict=True)
    }


# -- The model ---------------------------------------------------------------------------------


def _check_is_fitted(model: Any) -> None:
    """Raise what scikit-learn does; of what is no estimator but made of some, all are asked."""
    is_made_of_them = hasattr(type(model), "__sfx_steps__") and not hasattr(model, "fit")
    for estimator in estimators(model) if is_made_of_them else [model]:
        check_is_fitted(estimator)


def _check_savable(model: Any) -> None:
    name = type(model).__name__
    try:
        _check_is_fitted(model)
    except NotFittedError:
        raise InputError(f"This {name} is not fitted: fit it before you save it.") from None
    except TypeError:
        got = " ".join(repr(model).split())
        raise InputError(f"save_model takes a fitted estimator, got {got:.80}.") from None


def _about(model: Any) -> dict:
    """Return what a reader may want to know before loading, as plain values."""
    packages = ("scikit-learn", "torch", "numpy", "skops")
    return {
        "format": FORMAT,
        "sklearn_sfx": __version__,
        "versions": {name: version(name) for name in packages},
        **describe(model),
    }
