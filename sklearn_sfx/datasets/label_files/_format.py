"""What a format of labels says and does: whether it knows a file, and what that says of frames."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import NamedTuple, Protocol

__all__ = [
    "CUT_OFF",
    "HIT",
    "MISS",
    "NOT_INDEXED",
    "NO_LABEL",
    "FrameLabel",
    "LabelFormat",
    "place",
]

HIT, MAYBE, MISS = "HIT", "MAYBE", "MISS"
NOT_INDEXED = "not indexed"
NO_LABEL = ""
CUT_OFF = "cut off"  # what is there of a frame says nothing


class FrameLabel(NamedTuple):
    """What a file says of one frame, or of all frames of a file.

    Parameters
    ----------
    name : str
        Of the file of the frame, as it stands there; empty where it is the only one of the run.
    event : str or None
        As CrystFEL names the frame.
    position : int or None
        Number of the frame in its file, from 0. All frames of the file without this and `event`.
    label : str
        HIT, MAYBE or MISS, or that of another task; "not indexed", "" for none, or "cut off".
    weight : float
        What the label weighs.
    n_peaks : int or None
        Peaks that were found in the frame.
    is_weak : bool
        Whether the label follows from the peaks, so that other numbers of them may take its place.
    other : (str, str) or None
        Another file and event of the same frame, where it was copied; or of the same file, which
        then has to be the same frame.
    where : str
        What says `position`, in words, where `other` says it too.
    """

    name: str
    event: str | None
    position: int | None
    label: str
    weight: float = 1.0
    n_peaks: int | None = None
    is_weak: bool = False
    other: tuple[str, str] | None = None
    where: str = ""


class LabelFormat(Protocol):
    """A format of labels: a small class without state, in a module of its own and in the table.

    Attributes
    ----------
    name : str
        What users call it.
    is_of_run : bool
        Whether each line has to be of the run that is labelled; else a file may name others too.
    may_repeat : bool
        Whether a frame may be named again, and is a hit where it is one once; else what says two
        things of a frame is refused, in whatever order.
    """

    name: str
    is_of_run: bool = False
    may_repeat: bool = False

    @abstractmethod
    def knows(self, path: str, head: bytes) -> bool:
        """Tell from the first 64 KiB of a file, never from its name alone, whether it is one."""

    @abstractmethod
    def read(self, path: str) -> Iterator[FrameLabel]:
        """Yield what it says, frame by frame, in bounded memory; or raise `InputError`."""


def place(label: FrameLabel) -> str:
    """Return in words which frame is meant."""
    if label.event is not None:
        return f"{label.event} of {label.name}"
    if label.position is None:
        return label.name
    return f"frame [{label.position + 1}] of {label.name or 'the run'}"
