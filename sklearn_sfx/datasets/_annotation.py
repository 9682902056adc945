"""The text files of labels and of spot counts that come with CXIDB entry 76."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sklearn_sfx._files import replacing
from sklearn_sfx._tasks import CRYSTALLOGRAPHY, TASKS, Task, task_of_labels
from sklearn_sfx._text import one_line, shortened
from sklearn_sfx._weights import check_weights
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin

__all__ = [
    "Annotation",
    "check_annotation",
    "name_in_labels",
    "read_annotation",
    "read_spot_counts",
    "weight_in_labels",
    "write_annotation",
]

LABELS = {label for task in TASKS.values() for label in task.labels}
_LINE = re.compile(
    r"(?P<name>\S.*?)\s+\[(?P<number>[0-9]+)\]\s+(?P<label>\S+)(?:\s+weight=(?P<weight>\S*))?"
)
_WEIGHT = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOM = b"\xef\xbb\xbf"
_DIGITS = 18  # of the number of a frame, at the most
_SHOWN = 120  # characters of a line that cannot be read


class Annotation(NamedTuple):
    """One row per frame: name of the file, number of the frame in it from 1, label, and weight."""

    names: np.ndarray
    numbers: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def read_annotation(path: str | Path) -> Annotation:
    """Read labels, one line per frame: ``r0095_2000.h5 [1] MISS``.

    A line may end in a weight, as in ``r0095_2000.h5 [12] HIT weight=1.37``: so many frames of the
    run the label stands for, in proportion to others, where frames were not drawn with the same
    chance.

    Parameters
    ----------
    path : path
        A text file; blank lines are passed over.

    Returns
    -------
    Annotation
        Named arrays: names : str ndarray of shape (n_frames,); numbers : int64 ndarray, from 1;
        labels : str ndarray of HIT, MAYBE or MISS, or, of single particles, of empty, single,
        multiple or other; weights : float64 ndarray, 1 for a line without.

    Raises
    ------
    InputError
        If the file cannot be read, is empty, a line is not of this form, a weight is not positive
        and finite, or labels of both kinds are in it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklearn_sfx.datasets import read_annotation, write_annotation
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "expert_annotation.txt"
    >>> write_annotation(path, "r0095_2000.h5", ["MISS", "HIT"])
    >>> read_annotation(path).labels
    array(['MISS', 'HIT'], dtype='<U5')
    """
    names, numbers, labels, weights = [], [], [], []
    lines = [(number, line, _LINE.fullmatch(line)) for number, line in _lines(path, "annotation")]
    task = _task_of_lines(match for _, _, match in lines)
    for number, line, match in lines:
        if match is None or match["label"] not in task.labels:
            raise InputError(
                f"Line {number} of {path} is {shortened(line, _SHOWN)!r}, but a line of labels "
                f"reads 'r0095_2000.h5 [1] {task.labels[0]}', with {task.in_words}, and a weight, "
                "if it has one, as 'weight=1.5' behind it."
            )
        if len(match["number"]) > _DIGITS:
            raise InputError(
                f"Line {number} of {path} names frame [{shortened(match['number'], 24)}], which no "
                "run has: frames count from 1."
            )
        weights.append(_read_weight(match["weight"], f"Line {number} of {path}"))
        names.append(match["name"])
        numbers.append(int(match["number"]))
        labels.append(match["label"])
    if not labels:
        raise InputError(f"{path} is empty: it has no line of labels.")
    return Annotation(
        np.array(names),
        np.array(numbers, np.int64),
        np.array(labels, task.dtype),
        np.array(weights),
    )


def _task_of_lines(matches: Iterable[re.Match | None]) -> Task:
    """Return the task of the first label that one has."""
    labels = (match["label"] for match in matches if match is not None)
    tasks = (task_of_labels([label]) for label in labels if label in LABELS)
    return next(tasks, None) or CRYSTALLOGRAPHY


def write_annotation(
    path: str | Path,
    file_name: str | Path,
    labels: Iterable[str],
    weights: ArrayLike | None = None,
) -> None:
    r"""Write labels in the form that `read_annotation` reads.

    Parameters
    ----------
    path : path
        The text file to write; it appears when it is complete.
    file_name : path
        The run's file, of which only the name is written.
    labels : sequence of str of shape (n_frames,)
        HIT, MAYBE or MISS, in the order of the frames; or empty, single, multiple or other.
    weights : array-like of float, shape (n_frames,), optional
        What each label weighs, written to four digits, and not at all where it is 1.

    Raises
    ------
    InputError
        If a label is another word, labels of both kinds are given, or a weight is not positive and
        finite.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklearn_sfx.datasets import write_annotation
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "expert_annotation.txt"
    >>> write_annotation(path, "/data/run.h5", ["HIT"])
    >>> path.read_text()
    'run.h5 [1] HIT\n'
    >>> write_annotation(path, "/data/run.h5", ["HIT", "MISS"], weights=[1.37, 1])
    >>> path.read_text()
    'run.h5 [1] HIT weight=1.37\nrun.h5 [2] MISS\n'
    """
    labels = list(labels)
    task = task_of_labels(labels[:1]) or CRYSTALLOGRAPHY
    for label in labels:
        if label not in task.labels:
            raise InputError(f"A label is {task.in_words}, not {label!r}.")
    name = one_line(Path(file_name).name)
    said = map(weight_in_labels, check_weights(weights, len(labels), "write_annotation"))
    rows = enumerate(zip(labels, said, strict=True), start=1)
    text = "".join(f"{name} [{number}] {label}{weight}\n" for number, (label, weight) in rows)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def weight_in_labels(weight: float) -> str:
    """Return what stands behind a label that has a weight; nothing for one of 1."""
    written = f"{weight:.4g}"
    return "" if written == "1" else f" weight={written}"


def _read_weight(text: str | None, line: str) -> float:
    """Return the weight that a line of labels gives."""
    if text is None:
        return 1.0
    weight = float(text) if _WEIGHT.fullmatch(text) else math.nan
    if not 0 < weight < math.inf:
        raise InputError(
            f"{line} gives its label the weight {shortened(text, 24)!r}, but a weight is a "
            "positive number, such as weight=1.37."
        )
    return weight


def name_in_labels(path: str | None) -> str:
    """Return what labels call a file: its name, on one line."""
    return one_line(os.path.basename(path or ""))


def check_annotation(
    annotation: Annotation, origins: list[FrameOrigin], path: str | Path
) -> np.ndarray:
    """Return the labels, once name, number and order agree with those of the frames.

    Parameters
    ----------
    annotation : Annotation
        As read from `path`.
    origins : list of FrameOrigin
        Of all frames of the run.
    path : path
        Named in messages.

    Returns
    -------
    str ndarray of shape (n_frames,)

    Raises
    ------
    InputError
        If they disagree.
    """
    if len(annotation.labels) != len(origins):
        raise InputError(
            f"{path} has {len(annotation.labels)} labels, but the run has {len(origins)} frames: "
            "the labels must be those of this run, one line per frame."
        )
    pairs = zip(annotation.names, annotation.numbers, origins, strict=True)
    for line, (name, number, origin) in enumerate(pairs, start=1):
        file_name = name_in_labels(origin.path)
        if name_in_labels(name) != file_name:
            raise InputError(
                f"{path} labels frames of {name} (label {line}), but the run's file is called "
                f"{file_name}: give the labels of this run."
            )
        if number != origin.position + 1:
            raise InputError(
                f"{path} gives label {line} to frame [{number}] of {name}, where the run has frame "
                f"[{origin.position + 1}]: labels must be in the order of the frames, counted "
                "from 1."
            )
    return annotation.labels


def read_spot_counts(path: str | Path, n_frames: int) -> np.ndarray:
    r"""Read how many spots DIALS found in each frame: ``00002   229 Hit``.

    Parameters
    ----------
    path : path
        A text file, each line with the number of the frame from 1, the count, and a verdict that is
        not used. Frames without any spot have no line, and count as 0.
    n_frames : int
        Number of frames in the run.

    Returns
    -------
    int64 ndarray of shape (n_frames,)
        Spots in each frame.

    Raises
    ------
    InputError
        If a line is not of this form, or names a frame twice or one that the run does not have.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklearn_sfx.datasets import read_spot_counts
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "dials_annotation.txt"
    >>> _ = path.write_text("00001    12 Hit\n00003     2 Miss\n")
    >>> read_spot_counts(path, n_frames=4)
    array([12,  0,  2,  0])
    """
    counts = np.zeros(n_frames, np.int64)
    seen = np.zeros(n_frames, bool)
    for line_number, line in _lines(path, "spot count"):
        words = line.split()
        if len(words) != 3 or not all(re.fullmatch(f"[0-9]{{1,{_DIGITS}}}", w) for w in words[:2]):
            raise InputError(
                f"Line {line_number} of {path} is {shortened(line, _SHOWN)!r}, but a line of spot "
                "counts reads '00002   229 Hit'."
            )
        number = int(words[0])
        if not 1 <= number <= n_frames or seen[number - 1]:
            why = "named twice" if 1 <= number <= n_frames else f"not in a run of {n_frames} frames"
            raise InputError(
                f"Line {line_number} of {path} counts the spots of frame {number}, which is {why}: "
                "give the counts of this run."
            )
        seen[number - 1] = True
        counts[number - 1] = int(words[1])
    return counts


def _lines(path: str | Path, what: str) -> list[tuple[int, str]]:
    """Return the lines that are not blank, each with its number."""
    path = Path(path)
    if path.exists() and not path.is_file():  # reading a pipe or a device may never end
        raise InputError(f"The {what} file {path} is no file but a folder, a pipe or a device.")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no {what} file {path}.") from error
    except OSError as error:
        raise InputError(f"The {what} file {path} cannot be read: {error.strerror}.") from error
    if b"\0" in data:
        raise InputError(
            f"The {what} file {path} cannot be read as text: it has zero bytes; "
            "save it as plain text, in UTF-8."
        )
    if b"\r" in data.strip() and b"\n" not in data:
        raise InputError(
            f"The lines of the {what} file {path} end with CR alone, as on old Macs: save it with "
            "the line ends LF or CR LF."
        )
    data = b"\n".join(
        line.removeprefix(_BOM) for line in data.split(b"\n")
    )  # of files put together
    text = os.fsdecode(data)  # as the names of files are, which it holds
    lines = enumerate(text.split("\n"), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]
