"""What a safe file may hold, under which loader, and what one holds that it may not."""

import json
from collections.abc import Iterator
from io import BytesIO
from types import ModuleType
from typing import Any
from zipfile import ZipFile

from sklearn_sfx.persistence._about import SCREENING_MODEL

__all__ = ["SCHEMA", "TRUSTED", "TRUSTED_NAMES", "listed", "nodes", "read_member", "refused_in"]

SCHEMA = "schema.json"
OLDEST_PROTOCOL = 2  # of skops: what it read before was audited less strictly

# What may be in a file beside what skops trusts, under the loader that may make it: to trust a
# class is not to let a file call it, and no function stands here but scores.
TRUSTED = {
    "ObjectNode": {
        "sklearn_sfx.classifiers._cnn1d.CNN1D",
        "sklearn_sfx.classifiers._cnn1d.CNN1DDesign",
        "sklearn_sfx.classifiers._cnn2d.CNN2D",
        "sklearn_sfx.classifiers._cnn2d.CNN2DDesign",
        "sklearn_sfx.classifiers._dann.DANN",
        "sklearn_sfx.classifiers._fine_tuned.FineTuned",
        "sklearn_sfx.classifiers._network.NetworkClassifier",
        "sklearn_sfx.classifiers._peak_count.PeakCountClassifier",
        "sklearn_sfx.classifiers._peak_heights.PeakHeightClassifier",
        "sklearn_sfx.model_selection._scorers.SourceScorer",
        "sklearn_sfx.model_selection._scorers.TargetEntropyScorer",
        "sklearn_sfx.model_selection._scorers.TargetLabelScorer",
        "sklearn_sfx.model_selection._split.LabelledStratifiedKFold",
        "sklearn_sfx.model_selection._target_recall.TargetRecallClassifier",
        "sklearn_sfx.preprocessing._contrast.GCN",
        "sklearn_sfx.preprocessing._contrast.LCN",
        "sklearn_sfx.preprocessing._crop.CentralCrop",
        "sklearn_sfx.preprocessing._decomposition.RowWiseDecomposition",
        "sklearn_sfx.preprocessing._mask.PixelMask",
        "sklearn_sfx.preprocessing._strongest_peaks.StrongestPeaks",
        SCREENING_MODEL,
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
    "TupleNode": {"sklearn_sfx.preprocessing._mask.PackedMask"},
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
TRUSTED_NAMES = sorted(set().union(*TRUSTED.values()))
LOADERS = {
    *TRUSTED,
    *("BytesNode", "JsonNode", "ListNode", "LossNode", "MaskedArrayNode", "NdArrayNode"),
    *("RandomStateNode", "SetNode", "SliceNode", "TypeNode"),
}


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


def refused_in(skops_io: ModuleType, content: bytes) -> list[str]:
    """Return what the file holds and may not; nothing is imported or made to find out."""
    schema = json.loads(read_member(content, SCHEMA))
    if schema["protocol"] < OLDEST_PROTOCOL:
        return [f"a schema of skops protocol {schema['protocol']}"]
    refused = set()
    for node in nodes(schema):
        loader, name = node["__loader__"], f"{node['__module__']}.{node['__class__']}"
        # skops lets what it is told to trust stand anywhere, and calls it in some places.
        if loader not in LOADERS or (name in TRUSTED_NAMES and name not in TRUSTED.get(loader, ())):
            refused.add(f"{name} as {loader}")
        # A pipeline with a cache unpickles what lies there as soon as it is fitted again.
        if loader == "DictNode":
            caches = (v for k, v in node["content"].items() if k.endswith("memory"))
            refused |= set() if all(map(_is_none, caches)) else {"a cache (memory=...)"}
    if not refused:
        refused = set(skops_io.get_untrusted_types(data=content)) - set(TRUSTED_NAMES)
    return sorted(refused)


def _is_none(node: dict) -> bool:
    # With an __id__ it could stand for another node.
    return "__id__" not in node and (node["__loader__"], node["content"]) == ("JsonNode", "null")


def listed(names: list[str]) -> str:
    """Name the first few; they come from the file, and may be made to upset a terminal."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f"{name!a:.120}" for name in names[:5]) + more
