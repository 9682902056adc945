"""The file of labels: whole at every moment, and never without what somebody else wrote."""

import multiprocessing
import os
import signal
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sklearn_sfx import InputError
from sklearn_sfx.datasets import read_annotation
from sklearn_sfx.screening import FrameName, Label, LabelFile

KINDS = ("HIT", "MAYBE", "MISS")
FRAMES = [FrameName("run.h5", n) for n in (1, 2, 3)] + [FrameName("other run é.h5", 2)]
frames = st.sampled_from(FRAMES)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("put"), frames, st.sampled_from(KINDS)),
        st.tuples(st.just("clear"), frames, st.none()),
        st.tuples(st.just("flag"), frames, st.booleans()),
        st.tuples(st.just("undo"), st.none(), st.none()),
        st.tuples(st.just("reopen"), st.none(), st.none()),
    ),
    max_size=15,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions)
def test_the_file_says_what_was_done(tmp_path_factory, done):
    """Whatever is done, and in whatever order, a dict does the same."""
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    file, labels, flags, history = LabelFile(path), {}, set(), []
    for what, frame, value in done:
        before = dict(labels), set(flags)
        if what == "put":
            file.put(frame, value, weight=1.5)
            labels[frame] = Label(value, 1.5)
        elif what == "clear":
            file.clear(frame)
            labels.pop(frame, None)
        elif what == "flag":
            file.flag(frame, value)
            (flags.add if value else flags.discard)(frame)
        elif what == "undo":
            undone = file.undo()
            assert (undone is None) == (not history)
            if history:
                labels, flags = history.pop()
        else:
            file, history = LabelFile(path), []
        if what in ("put", "clear", "flag") and before != (labels, flags):
            history.append(before)
        assert file.labels() == LabelFile(path).labels() == labels
        assert file.flags() == LabelFile(path).flags() == flags
        if labels:
            names, numbers, kinds, weights = read_annotation(path)
            assert set(zip(names, numbers, kinds, weights, strict=True)) == {
                (*frame, *label) for frame, label in labels.items()
            }
    assert {one.name for one in path.parent.iterdir()} <= {"labels.txt", "labels.flagged.txt"}


def test_what_another_program_writes_meanwhile_is_kept(tmp_path):
    path = tmp_path / "labels.txt"
    file = LabelFile(path)
    file.put(FRAMES[0], "HIT")
    path.write_text(path.read_text() + "run.h5 [7] MISS weight=1.23456789\nfar.cxi [1] MAYBE\n")
    file.put(FRAMES[1], "MISS")
    path.write_text(path.read_text().replace("[7] MISS", "[7] HIT"))
    file.put(FRAMES[0], "MAYBE")
    assert path.read_text() == (
        "run.h5 [1] MAYBE\nrun.h5 [7] HIT weight=1.23456789\nfar.cxi [1] MAYBE\nrun.h5 [2] MISS\n"
    )


def test_a_label_that_is_there_keeps_its_weight(tmp_path):
    (tmp_path / "labels.txt").write_text("run.h5 [1] HIT weight=0.25\n")
    file = LabelFile(tmp_path / "labels.txt")
    file.put(FRAMES[0], "MISS", weight=3)
    assert file.labels() == {FRAMES[0]: Label("MISS", 0.25)}


def test_lines_keep_the_folders_that_they_name(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("/data/a/run.h5 [3] HIT\nb/other.h5 [1] MISS\n")
    (tmp_path / "labels.flagged.txt").write_text("/data/a/run.h5 [3]\n")
    file = LabelFile(path)
    file.put(FrameName("run.h5", 5), "MISS")  # else it would be a run of the same name
    file.put(FrameName("run.h5", 3), "MAYBE")
    file.flag(FrameName("run.h5", 5), True)
    kept = "/data/a/run.h5 [3] MAYBE\nb/other.h5 [1] MISS\n/data/a/run.h5 [5] MISS\n"
    assert path.read_text() == kept
    assert file.flags_path.read_text() == "/data/a/run.h5 [3]\n/data/a/run.h5 [5]\n"
    path.write_text(kept + "run.h5 [7] HIT\n")
    with pytest.raises(InputError, match=r"several files called run\.h5, /data/a/run\.h5 and run"):
        LabelFile(path)
    assert path.read_text().startswith(kept)


def test_what_somebody_else_changed_is_not_undone(tmp_path):
    path = tmp_path / "labels.txt"
    file = LabelFile(path)
    file.put(FRAMES[0], "HIT")
    LabelFile(path).put(FRAMES[0], "MISS")
    with pytest.raises(InputError, match=r"run\.h5 \[1\] was changed .* by another program since"):
        file.undo()
    assert file.labels() == {FRAMES[0]: Label("MISS")}
    assert file.undo() is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run.h5 [1] HIT\nrun.h5 [1] MISS\n", r"labels frame \[1\] of run\.h5 twice"),
        ("run.h5 1 HIT\n", "Line 1 of"),
        ("a,b\n", "Line 1 of"),
    ],
)
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path, text, said):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        LabelFile(path)
    assert path.read_text() == text
    path.unlink()
    file = LabelFile(path)
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        file.put(FRAMES[2], "HIT")
    assert path.read_text() == text


def test_places_that_no_labels_can_go_to_are_refused(tmp_path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "labels.txt")
    for name, said in (
        (".", "folder"),
        ("none/labels.txt", "does not exist"),
        ("link.txt", "link"),
    ):
        with pytest.raises(InputError, match=said):
            LabelFile(tmp_path / name)
    with pytest.raises(InputError, match="HIT, MAYBE or MISS, not 'hit'"):
        LabelFile(tmp_path / "labels.txt").put(FRAMES[0], "hit")
    (tmp_path / "labels.flagged.txt").write_text("run.h5 [one]\n")
    with pytest.raises(InputError, match=r"Line 1 of .*labels\.flagged\.txt flags no frame"):
        LabelFile(tmp_path / "labels.txt")


def label_many(path, start, said):
    file = LabelFile(path)
    for number in range(start, start + 1000):
        file.put(FrameName("run.h5", number), KINDS[number % 3])
        os.write(said, f"{number}\n".encode())


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_two_programs_at_once_lose_nothing_and_a_kill_leaves_the_file_whole(tmp_path):
    path = tmp_path / "labels.txt"
    context = multiprocessing.get_context("fork")
    pipes = [os.pipe() for _ in range(2)]
    writers = [
        context.Process(target=label_many, args=(path, 1 + 5000 * i, pipes[i][1])) for i in range(2)
    ]
    for one in writers:
        one.start()
    time.sleep(1.5)
    for one in writers:
        os.kill(one.pid, signal.SIGKILL)
        one.join()
    acknowledged = set()
    for reading, writing in pipes:
        os.close(writing)
        with os.fdopen(reading) as said:
            acknowledged |= {int(line) for line in said}
    found = LabelFile(path).labels()
    assert {frame.number for frame in found} >= acknowledged
    assert min(acknowledged) == 1
    assert max(acknowledged) > 5000
    assert all(label.name == KINDS[frame.number % 3] for frame, label in found.items())
    LabelFile(path).put(FrameName("run.h5", 9999), "HIT")  # nobody holds a dead one's lock
    assert len(LabelFile(path).labels()) == len(found) + 1


def test_a_file_has_the_labels_of_one_task(tmp_path):
    path, frame = tmp_path / "labels.txt", FRAMES[0]
    particles = LabelFile(path, "single-particle")
    particles.put(frame, "multiple")
    assert path.read_text() == "run.h5 [1] multiple\n"
    with pytest.raises(InputError, match="A label is empty, single, multiple or other, not 'HIT'"):
        particles.put(frame, "HIT")
    with pytest.raises(InputError, match="the label multiple, which is none of the task crystal"):
        LabelFile(path)
    assert particles.labels() == {frame: Label("multiple")}
