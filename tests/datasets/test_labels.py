"""Labels of a few frames, matched by file and number; what a MAYBE counts as."""

import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames, write_cxidb76
from sklearn_sfx.datasets import MAYBE_RULES, make_target, match_labels
from sklearn_sfx.exceptions import UnmatchedLabelsWarning


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, n in (("a.h5", 3), ("b.h5", 4)):
        write_cxidb76(folder / name, np.zeros((n, 4, 4), np.uint16), chunk_size=2)
    return open_frames([folder / "a.h5", folder / "b.h5"])


def labels_file(tmp_path, text):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    return path


def test_some_labels_in_any_order(run, tmp_path):
    path = labels_file(tmp_path, "b.h5 [4] HIT\n\na.h5 [2] MAYBE\nb.h5 [1] MISS\n")
    positions, labels = match_labels(run, path)
    assert positions.tolist() == [1, 3, 6]
    assert labels.tolist() == ["MAYBE", "MISS", "HIT"]


def test_weights_belong_to_the_labels_and_are_1_where_there_are_none(run, tmp_path):
    path = labels_file(
        tmp_path, "b.h5 [4] HIT weight=0.25\na.h5 [2] MAYBE\nb.h5 [1] MISS weight=2\n"
    )
    positions, labels, weights = match_labels(run, path, return_weights=True)
    assert positions.tolist() == [1, 3, 6]
    assert labels.tolist() == ["MAYBE", "MISS", "HIT"]
    assert weights.tolist() == [1, 2, 0.25]
    assert len(match_labels(run, path)) == 2


def test_views_are_matched_by_origin_not_by_row(run, tmp_path):
    path = labels_file(tmp_path, "b.h5 [1] HIT\n")
    assert match_labels(run[[5, 3]], path)[0].tolist() == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c.h5 [1] HIT\n", r"frame \[1\] of c.h5, and the run has no such frame"),
        ("a.h5 [4] HIT\n", r"frame \[4\] of a.h5"),
        ("a.h5 [0] HIT\n", r"frames count from 1"),
        ("a.h5 [1] HIT\na.h5 [1] MISS\n", "twice, as HIT and as MISS; leave the right line"),
        ("a.h5 [1] HIT\na.h5 [1] HIT\n", "twice; leave one line"),
        ("a.h5 [1] HIT weight=2\na.h5 [1] HIT\n", "twice; leave one line"),
        ("a.h5 [1] HIT weight=0\n", r"Line 1 .* weight '0', but a weight is a positive number"),
        ("a.h5 1 HIT\n", "a line of labels reads"),
        ("", "empty"),
    ],
)
def test_labels_that_do_not_fit_are_refused(run, tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        match_labels(run, labels_file(tmp_path, text))


def test_two_files_of_one_name_are_refused(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_cxidb76(tmp_path / folder / "a.h5", np.zeros((1, 4, 4), np.uint16))
    run = open_frames([tmp_path / "one" / "a.h5", tmp_path / "two" / "a.h5"])
    with pytest.raises(InputError, match=r"two files of this run are called a\.h5"):
        match_labels(run, labels_file(tmp_path, "a.h5 [1] HIT\n"))


@pytest.mark.parametrize("event", ["//0", "//"])
def test_the_one_frame_of_a_run_is_not_the_first_of_its_file(tmp_path, event):
    write_cxidb76(tmp_path / "a.h5", np.zeros((10, 4, 4), np.uint16))
    (tmp_path / "run.lst").write_text("a.h5 chunk_0000000//7\n")
    table = labels_file(tmp_path, f"file,event,label\na.h5,{event},HIT\n")
    for frames in (open_frames(tmp_path / "a.h5")[7:8], open_frames(tmp_path / "run.lst")):
        with pytest.raises(InputError, match=f"none of this run: the first is {event} of a"):
            match_labels(frames, table)


@pytest.fixture
def namesake(tmp_path):
    """Return the second of two runs called alike."""
    for folder in ("r1", "r2"):
        (tmp_path / folder).mkdir()
        write_cxidb76(tmp_path / folder / "a.h5", np.zeros((4, 4, 4), np.uint16))
    return open_frames(tmp_path / "r2" / "a.h5")


@pytest.mark.parametrize("start", ["", "./", "{folder}/"])
def test_of_two_paths_the_run_s_own_is_taken(namesake, tmp_path, start):
    event, start = "chunk_0000000//", start.format(folder=tmp_path)
    names = [f"{start}r1/a.h5 {event}1", f"{start}r2/a.h5 {event}3", f"{start}r1/a.h5 {event}2"]
    path = labels_file(tmp_path, "\n".join([*names, f"r2/a.h5 {event}0"]))
    with pytest.warns(UnmatchedLabelsWarning, match=r"2 of 4 frames .* such as .*r1/a\.h5"):
        assert match_labels(namesake, path)[0].tolist() == [0, 3]


def test_two_paths_of_which_none_is_the_run_s_are_refused(namesake, tmp_path):
    lines = "/x/r1/a.h5 chunk_0000000//3\n/x/r2/a.h5 chunk_0000000//2\n"
    with pytest.raises(InputError, match=r"such as /x/r1/a\.h5 and /x/r2/a\.h5, and neither is"):
        match_labels(namesake, labels_file(tmp_path, lines))
    one = labels_file(tmp_path, lines.splitlines()[0])  # as ever: the run may have moved
    assert match_labels(namesake, one)[0].tolist() == [3]
    nul = labels_file(tmp_path, "file,frame,label\n/\0/a.h5,1,HIT\n/x/a.h5,2,HIT\n")
    with pytest.raises(InputError, match="neither is"):
        match_labels(namesake, nul)


@pytest.mark.parametrize(
    ("maybe", "target", "names", "kept"),
    [
        ("hit", [1, 1, 0, 1], ["MISS", "HIT"], [0, 1, 2, 3]),
        ("miss", [1, 0, 0, 0], ["MISS", "HIT"], [0, 1, 2, 3]),
        ("class", [2, 1, 0, 1], ["MISS", "MAYBE", "HIT"], [0, 1, 2, 3]),
        ("drop", [1, 0], ["MISS", "HIT"], [0, 2]),
    ],
)
def test_each_rule_for_maybe(maybe, target, names, kept):
    found, found_names, found_kept = make_target(np.array(["HIT", "MAYBE", "MISS", "MAYBE"]), maybe)
    assert found.dtype == np.int64
    assert (found.tolist(), found_names.tolist()) == (target, names)
    assert np.flatnonzero(found_kept).tolist() == kept
    assert MAYBE_RULES[maybe].startswith("MAYBE ")


def test_a_rule_that_is_none_is_refused():
    with pytest.raises(InputError, match="maybe must be one of hit, miss, class, drop, not 'no'"):
        make_target(np.array(["HIT"]), "no")
