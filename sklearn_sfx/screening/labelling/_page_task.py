"""What the page to label on has to know of the task."""

from __future__ import annotations

from typing import Any

from sklearn_sfx._tasks import Task, refuse_other_task, task_asked
from sklearn_sfx.screening._model import ScreeningModel

__all__ = ["labelled_task", "task_facts"]


def labelled_task(model: ScreeningModel | None, task: str | None) -> Task:
    """Return what is labelled: what is asked for, or the task of the model; refuse two."""
    if model is None:
        return task_asked(task)
    refuse_other_task(model.about, task)
    return task_asked(model.about.option)


def task_facts(task: Task) -> dict[str, Any]:
    """Return what the scripts of the page go by."""
    return {
        "labels": [{"name": one.name, "key": one.key, "hit": one.is_hit} for one in task.classes],
        "hits": task.words.many,
        "misses": task.words.rest_many,
        "log": task.scale == "log",
        "spots": task.has_spots,
    }
