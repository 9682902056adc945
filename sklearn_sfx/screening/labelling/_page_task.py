"""What the page to label on has to know of the task."""

from __future__ import annotations

from typing import Any

from sklearn_sfx._tasks import CRYSTALLOGRAPHY, TASKS, Task, task_named
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.screening._model import ScreeningModel

__all__ = ["labelled_task", "task_facts"]


def labelled_task(model: ScreeningModel | None, task: str | None) -> Task:
    """Return what is labelled: what is asked for, or the task of the model; refuse two."""
    if model is not None and task not in (None, model.about.option):
        raise InputError(
            f"The model is of the task {model.about.option}, and {task} is to be labelled: leave "
            "out the task, which the model knows, or take another model."
        )
    if model is not None:
        return TASKS[model.about.option]
    asked = task_named(CRYSTALLOGRAPHY.name if task is None else task)
    return TASKS[asked.option]


def task_facts(task: Task) -> dict[str, Any]:
    """Return what the scripts of the page go by."""
    return {
        "labels": [{"name": one.name, "key": one.key, "hit": one.is_hit} for one in task.classes],
        "hits": task.words.many,
        "misses": task.words.rest_many,
        "log": task.scale == "log",
        "spots": task.has_spots,
    }
