"""The lines of labels that come with CXIDB entry 76, and that people write by hand."""

import re
from collections.abc import Iterator

from sklearn_sfx._tasks import TASKS
from sklearn_sfx.datasets._annotation import read_annotation
from sklearn_sfx.datasets.label_files._format import FrameLabel, LabelFormat

__all__ = ["Lines"]

_LABELS = "|".join(label for task in TASKS.values() for label in task.labels)
_LINE = re.compile(rf"\S.*?\s\[[0-9]+\]\s+({_LABELS})\b.*".encode())


class Lines(LabelFormat):
    """``r0095_2000.h5 [1] HIT``."""

    name = "lines of labels"
    is_of_run = True

    def knows(self, path: str, head: bytes) -> bool:
        """Told by its first line; whatever no other format knows is read as this, too."""
        first = next((line for line in head.split(b"\n") if line.strip()), b"")
        return _LINE.fullmatch(first.strip()) is not None

    def read(self, path: str) -> Iterator[FrameLabel]:
        for name, number, label, weight in zip(*read_annotation(path), strict=True):
            yield FrameLabel(str(name), None, int(number) - 1, str(label), float(weight))
