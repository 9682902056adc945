"""The labelling of a run: its frames in an order, their labels, and how far it has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.screening.labelling._label_file import LabelFile
from sklearn_sfx.screening.labelling._label_lines import FrameName
from sklearn_sfx.screening.labelling._shown import ShownFrames

__all__ = ["ENOUGH", "Labelling"]

ENOUGH = 20  # hits, and misses, from which on what is learned is no longer chance


class Labelling:
    """What is labelled, by the place of each frame on the page.

    Parameters
    ----------
    shown : ShownFrames
        The frames in the order of the page.
    names : sequence of FrameName
        Of each of them.
    weights : sequence of float
        What the label of each weighs.
    labels : LabelFile
        Where labels go.
    facts : dict
        What the page says of the run.
    n_wanted : int
        How many labels are wanted.
    stop : callable
        Called when labelling is over.
    """

    def __init__(
        self,
        shown: ShownFrames,
        names: Sequence[FrameName],
        weights: Sequence[float],
        labels: LabelFile,
        *,
        facts: dict[str, Any],
        n_wanted: int,
        stop: Callable[[], None],
    ):
        self.shown = shown
        self.names = names
        self.labels = labels
        self.facts = facts
        self.stop = stop
        self._weights = weights
        self._n_wanted = n_wanted
        self._places = {name: place for place, name in enumerate(names)}

    def frame(self, place: int) -> dict[str, Any]:
        """Return what there is to know of a frame, and how far labelling has come."""
        name = self.names[place]
        given = self.labels.labels().get(name)
        unreadable = self.shown.unreadable(place)
        picture = None if unreadable else self.shown.picture(place)
        return {
            "place": place,
            "file": name.file,
            "number": name.number,
            "label": given.name if given else None,
            "flagged": name in self.labels.flags(),
            "unreadable": unreadable,
            "counts_range": picture and picture.counts_range,
            "scales": picture and picture.scales("local"),
            "progress": self.progress(),
        }

    def progress(self) -> dict[str, Any]:
        """Return how many frames of this run are labelled, and whether they are enough."""
        labels, flags = self.labels.labels(), self.labels.flags()
        counts = Counter(label.name for name, label in labels.items() if name in self._places)
        classes = self.labels.task.classes
        n_hits = sum(counts[one.name] for one in classes if one.is_hit)
        n_misses = sum(counts[one.name] for one in classes if not one.is_hit)
        return {
            "counts": {one.name: counts[one.name] for one in classes},
            "labelled": n_hits + n_misses,
            "wanted": self._n_wanted,
            "flagged": sum(name in self._places for name in flags),
            "enough": min(n_hits, n_misses) >= ENOUGH,
        }

    def next_unlabelled(self, after: int) -> int | None:
        """Return the place of the next frame to label, behind one or from the start again."""
        labels = self.labels.labels()
        n = len(self.names)
        for place in (*range(after + 1, n), *range(min(after + 1, n))):
            if self.names[place] not in labels and not self.shown.unreadable(place):
                return place
        return None

    def change(self, place: int, what: str, value: Any) -> dict[str, Any]:
        """Change the "label" or the "flag" of a frame, and return it with the next to label."""
        if what == "flag":
            self.labels.flag(self.names[place], bool(value))
        else:
            self._label(place, value)
        return self.frame(place) | {"next": self.next_unlabelled(place)}

    def _label(self, place: int, name: str | None) -> None:
        """Give a frame a label, or take it away; raise `InputError` if it cannot be read."""
        frame = self.names[place]
        if name is None:
            self.labels.clear(frame)
        elif reason := self.shown.unreadable(place):
            raise InputError(f"A frame that cannot be read has no label: {reason}")
        else:
            self.labels.put(frame, name, weight=self._weights[place])

    def undo(self) -> int | None:
        """Undo the last change; return the place of its frame, None if there was nothing."""
        frame = self.labels.undo()
        return None if frame is None else self._places[frame]
