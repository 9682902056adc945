"""What is looked for in a run: its labels, their keys, and the words, lists and pictures of it.

A task is described once, here; what reads labels, trains, lists, reports or shows frames asks it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sklearn_sfx.exceptions import InputError

__all__ = [
    "CRYSTALLOGRAPHY",
    "PARTICLE_HITS",
    "SINGLE_PARTICLE",
    "TASKS",
    "LabelClass",
    "Task",
    "Words",
    "refuse_other_task",
    "task_asked",
    "task_named",
    "task_of_labels",
]


class LabelClass(NamedTuple):
    """One of the labels of a task.

    Parameters
    ----------
    name : str
        As it stands in files of labels.
    key : str
        That gives it on the page to label on.
    button, hint : str
        What the button of the page says, and beside it when to press it.
    meaning : str
        The same in a few words, for the help of the page.
    is_hit : bool
        Whether it is one of those that are looked for.
    """

    name: str
    key: str
    button: str
    hint: str
    meaning: str
    is_hit: bool


class Words(NamedTuple):
    """What the frames that are kept are called, and the others.

    Parameters
    ----------
    one, many : str
        What is looked for: "hit", "hits".
    rest_one, rest_many : str
        All else: "miss", "misses".
    list_name : str
        How the name of the list of what is kept ends.
    for_whom : str
        What reads that list, in words.
    """

    one: str
    many: str
    rest_one: str
    rest_many: str
    list_name: str
    for_whom: str


@dataclass(frozen=True)
class Task:
    """What is looked for in a run.

    Parameters
    ----------
    name : str
        What a model file remembers.
    option : str
        What ``--task`` says.
    classes : tuple of LabelClass
        The labels, in the order in which they are listed.
    kept : int or str
        The class of a model whose frames are kept, where its classes are those of the task.
    words : Words
        What frames are called.
    scale : str
        How frames are drawn: "local", less the background around and in units of the noise there,
        so that spots are seen; or "log", on a logarithmic scale of all that is there.
    beside, counted, column : str
        The count that stands beside every model, what it counts, and its column in tables.
    untrained : str
        What is counted where no model is given.
    has_spots : bool
        Whether there are Bragg spots to be found.
    """

    name: str
    option: str
    classes: tuple[LabelClass, ...]
    kept: Any
    words: Words
    scale: str
    beside: str
    counted: str
    column: str
    untrained: str
    has_spots: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes."""
        return tuple(one.name for one in self.classes)

    @property
    def others(self) -> tuple[str, ...]:
        """The classes that a model tells apart beside the kept one; none if that is no label."""
        if self.kept not in self.labels:
            return ()
        return tuple(name for name in self.labels if name != self.kept)

    @property
    def sought(self) -> tuple[str, ...]:
        """The names of the classes that are looked for."""
        return tuple(one.name for one in self.classes if one.is_hit)

    @property
    def dtype(self) -> str:
        """Of an array of labels."""
        return f"<U{max(map(len, self.labels))}"

    @property
    def in_words(self) -> str:
        """The labels as a sentence names them: "HIT, MAYBE or MISS"."""
        return f"{', '.join(self.labels[:-1])} or {self.labels[-1]}"


CRYSTALLOGRAPHY = Task(
    name="crystallography",
    option="crystallography",
    classes=(
        LabelClass("HIT", "h", "hit", "ten spots or more", "ten Bragg spots or more", True),
        LabelClass("MAYBE", "m", "maybe", "four to nine", "four to nine", True),
        LabelClass("MISS", "n", "no hit", "three or fewer", "three or fewer", False),
    ),
    kept=1,
    words=Words("hit", "hits", "miss", "misses", "hits.lst", "the hits, for CrystFEL"),
    scale="local",
    beside="peak count",
    counted="peaks",
    column="peak_count",
    untrained="Bragg spots",
    has_spots=True,
)
SINGLE_PARTICLE = Task(
    name="single-particle",
    option="single-particle",
    classes=(
        LabelClass("empty", "e", "empty", "no particle", "no particle is seen", False),
        LabelClass("single", "s", "single", "exactly one", "exactly one particle", True),
        LabelClass("multiple", "m", "multiple", "two or more", "two particles or more", False),
        LabelClass("other", "o", "other", "droplet, shard", "a droplet, a shard, a flash", False),
    ),
    kept="single",
    words=Words("single", "singles", "non-single", "non-singles", "singles.lst", "the singles"),
    scale="log",
    beside="lit pixels",
    counted="lit pixels",
    column="lit_pixels",
    untrained="lit pixels",
    has_spots=False,
)
#: What can be said of single particles without any label: that something has lit a frame.
PARTICLE_HITS = replace(
    SINGLE_PARTICLE,
    name="particle-hits",
    classes=tuple(one._replace(is_hit=one.name != "empty") for one in SINGLE_PARTICLE.classes),
    kept=1,
    words=Words("hit", "hits", "miss", "misses", "hits.lst", "the hits, with one particle or more"),
)
_KNOWN = {task.name: task for task in (CRYSTALLOGRAPHY, SINGLE_PARTICLE, PARTICLE_HITS)}
#: What ``--task`` may say; the first is what is meant where nothing is said.
TASKS = {task.option: task for task in (CRYSTALLOGRAPHY, SINGLE_PARTICLE)}
_NO_TASK = f"task has to be one of {', '.join(TASKS)}, got {{!r}}."


def task_named(name: str) -> Task:
    """Return the task that a model file names, or say which there are."""
    if name not in _KNOWN:
        raise InputError(_NO_TASK.format(name))
    return _KNOWN[name]


def task_asked(option: str | None) -> Task:
    """Return the task that is asked for, that of crystals where none is; or say which there are."""
    if option is None:
        return CRYSTALLOGRAPHY
    if option not in TASKS:
        raise InputError(_NO_TASK.format(option))
    return TASKS[option]


def refuse_other_task(known: Task, option: str | None) -> None:
    """Refuse a model of a task where another one is asked for."""
    if option not in (None, known.option):
        raise InputError(
            f"The model is of the task {known.option}, and {option} is asked for: leave out the "
            "task, which the model knows, or take another model."
        )


def task_of_labels(labels: Iterable[str]) -> Task | None:
    """Return the task that labels are of; None where no task has all of them.

    Examples
    --------
    >>> from sklearn_sfx._tasks import task_of_labels
    >>> task_of_labels(["MISS", "HIT"]).name, task_of_labels(["single"]).name
    ('crystallography', 'single-particle')
    >>> task_of_labels(["HIT", "single"])
    """
    found = set(labels)
    return next((task for task in TASKS.values() if found <= set(task.labels)), None)
