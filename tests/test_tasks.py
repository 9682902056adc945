"""What a task says goes together with what it is used for."""

import pytest

from sklearn_sfx import InputError
from sklearn_sfx._tasks import PARTICLE_HITS, TASKS, task_named, task_of_labels


@pytest.mark.parametrize("task", [*TASKS.values(), PARTICLE_HITS], ids=lambda task: task.name)
def test_a_task_is_whole(task):
    assert task_named(task.name) is task
    assert task.option in TASKS
    keys = [one.key for one in task.classes]
    assert len(set(keys)) == len(keys)
    # Of the other keys of the page only that of the colours, "s", may be taken.
    assert not set(keys) & set("fcujklwp0123456789?[]")
    assert {one.is_hit for one in task.classes} == {True, False}


def test_labels_belong_to_one_task():
    labels = [label for task in TASKS.values() for label in task.labels]
    assert len(set(labels)) == len(labels)
    for task in TASKS.values():
        assert task_of_labels(task.labels) is task
    assert task_of_labels(["HIT", "single"]) is None


def test_no_other_task_is_known():
    with pytest.raises(InputError, match="one of crystallography, single-particle, got 'spi'"):
        task_named("spi")
