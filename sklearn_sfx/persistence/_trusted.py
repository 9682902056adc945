"""What a safe file may hold, under which loader, and what one holds that it may not."""

import inspect
import json
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from io import BytesIO
from pkgutil import iter_modules
from types import ModuleType
from typing import Any
from zipfile import ZipFile

import sklearn_sfx

__all__ = ["SCHEMA", "audited", "listed", "loader_of", "nodes", "read_member"]

SCHEMA = "schema.json"
OLDEST_PROTOCOL = 2  # of skops: what it read before was audited less strictly

# What of other packages may be in a file beside what skops trusts, under the loader that may make
# it: to trust a class is not to let a file call it, and no function stands here but scores.
OTHERS = {
    "ObjectNode": {
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.metrics._scorer._CurveScorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.model_selection._split.GroupKFold",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.ShuffleSplit",
        "sklearn.model_selection._split.StratifiedGroupKFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.model_selection._split.StratifiedShuffleSplit",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
    },
    "DictNode": {"sklearn.utils._bunch.Bunch"},
    "ConstructorFromReduceNode": {"pathlib.PosixPath", "pathlib._local.PosixPath"},
    "FunctionNode": {
        "sklearn.metrics._classification.accuracy_score",
        "sklearn.metrics._classification.balanced_accuracy_score",
        "sklearn.metrics._classification.f1_score",
        "sklearn.metrics._classification.fbeta_score",
        "sklearn.metrics._classification.log_loss",
        "sklearn.metrics._classification.matthews_corrcoef",
        "sklearn.metrics._classification.precision_score",
        "sklearn.metrics._classification.recall_score",
        "sklearn.metrics._ranking.average_precision_score",
        "sklearn.metrics._ranking.roc_auc_score",
    },
}
LOADER_OF = {name: loader for loader, names in OTHERS.items() for name in names}
LOADERS = {
    *OTHERS,
    *("BytesNode", "JsonNode", "ListNode", "LossNode", "MaskedArrayNode", "NdArrayNode"),
    *("RandomStateNode", "SetNode", "SliceNode", "TupleNode", "TypeNode"),
}
ROOMS = {module.name for module in iter_modules(sklearn_sfx.__path__) if module.ispkg}


@cache
def loader_of(name: str) -> str | None:
    """Return the loader that may make what is trusted beside what skops trusts; None of any other.

    Of this package a class is trusted that says it may be stored (`Stored`), by the name that the
    face of its room gives it. Only that face is imported to find out, and nothing is made.
    """
    package, _, rest = name.partition(".")
    room, _, last = rest.partition(".")
    if package != "sklearn_sfx" or room not in ROOMS:
        return LOADER_OF.get(name)
    face = f"{package}.{room}"
    found = vars(import_module(face)).get(last)
    if not inspect.isclass(found) or found.__module__ != face:
        return None
    if not getattr(found, "__sfx_stored__", False):
        return None
    return "TupleNode" if issubclass(found, tuple) else "ObjectNode"


def read_member(content: bytes, member: str) -> bytes:
    """Return one member of the zip archive that a model file is."""
    with ZipFile(BytesIO(content)) as archive:
        return archive.read(member)


def nodes(schema: Any) -> Iterator[dict]:
    """Yield whatever skops might make an object of, wherever it stands."""
    left = [schema]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            if "__loader__" in item:
                yield item
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)


def audited(skops_io: ModuleType, content: bytes) -> tuple[list[str], list[str]]:
    """Return what the file holds that skops has to be told to trust, and what it may not hold.

    Nothing is made to find out, and nothing is imported but the rooms of this package.
    """
    schema = json.loads(read_member(content, SCHEMA))
    if schema["protocol"] < OLDEST_PROTOCOL:
        return [], [f"a schema of skops protocol {schema['protocol']}"]
    trusted, refused = set(), set()
    for node in nodes(schema):
        loader, name = node["__loader__"], f"{node['__module__']}.{node['__class__']}"
        own_loader = loader_of(name)
        # skops lets what it is told to trust stand anywhere, and calls it in some places.
        if loader not in LOADERS or own_loader not in (None, loader):
            refused.add(f"{name} as {loader}")
        elif own_loader:
            trusted.add(name)
        # A pipeline with a cache unpickles what lies there as soon as it is fitted again.
        if loader == "DictNode":
            caches = (v for k, v in node["content"].items() if k.endswith("memory"))
            refused |= set() if all(map(_is_none, caches)) else {"a cache (memory=...)"}
    if not refused:
        refused = set(skops_io.get_untrusted_types(data=content)) - trusted
    return sorted(trusted), sorted(refused)


def _is_none(node: dict) -> bool:
    # With an __id__ it could stand for another node.
    return "__id__" not in node and (node["__loader__"], node["content"]) == ("JsonNode", "null")


def listed(names: list[str]) -> str:
    """Name the first few; they come from the file, and may be made to upset a terminal."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f"{name!a:.120}" for name in names[:5]) + more
