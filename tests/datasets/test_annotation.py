"""The text files of labels and spot counts."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_sfx import InputError
from sklearn_sfx.datasets import read_annotation, read_spot_counts, write_annotation
from sklearn_sfx.datasets._annotation import check_annotation
from sklearn_sfx.frames import FrameOrigin

# HIT, MAYBE, MISS, and the part of HIT and MAYBE that DIALS calls a hit.
PUBLISHED = {
    "LN84": (806, 132, 1062, 0.699),
    "LN83": (346, 63, 1591, 0.858),
    "LO19": (730, 151, 1119, 0.806),
    "LG36": (235, 57, 1708, 0.777),
    "L498": (148, 498, 1354, 0.129),
}


@settings(deadline=None)
@given(labels=st.lists(st.sampled_from(["HIT", "MAYBE", "MISS"]), min_size=1, max_size=20))
def test_round_trip(labels, tmp_path_factory):
    path = tmp_path_factory.mktemp("labels") / "expert_annotation.txt"
    write_annotation(path, "/some where/r0095 2000.h5", labels)
    found = read_annotation(path)
    assert found.labels.tolist() == labels
    assert found.numbers.tolist() == list(range(1, len(labels) + 1))
    assert set(found.names) == {"r0095 2000.h5"}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@settings(deadline=None)
@given(weights=st.lists(st.floats(1e-6, 1e6) | st.just(1.0), min_size=1, max_size=20))
def test_weights_come_back_to_four_digits_and_those_of_1_are_not_written(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    write_annotation(path, "run.h5", ["HIT"] * len(weights), weights)
    np.testing.assert_allclose(read_annotation(path).weights, weights, rtol=5.1e-4)
    plain = path.with_name("plain.txt")
    write_annotation(plain, "run.h5", ["HIT"] * len(weights))
    assert (read_annotation(plain).weights == 1).all()
    kept = [line for line in path.read_text().splitlines() if "weight" not in line]
    assert set(kept) <= set(plain.read_text().splitlines())
    write_annotation(path, "run.h5", ["HIT"] * len(weights), np.ones(len(weights)))
    assert path.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize(
    "weight", ["0", "-1", "0.0", "1e-400", "nan", "inf", "1e999", "", "1,5", "1_0", "٣", "x", "0x1"]
)
def test_a_weight_that_is_none_is_refused(tmp_path, weight):
    path = tmp_path / "labels.txt"
    path.write_text(f"run.h5 [1] HIT weight=1.5\nrun.h5 [2] MISS weight={weight}\n")
    with pytest.raises(InputError, match=r"Line 2 of .* a weight is a positive number"):
        read_annotation(path)


@pytest.mark.parametrize("end", ["1.5", "weight 1.5", "Weight=1.5", "weight=1.5 x", "weight= 1"])
def test_what_stands_behind_a_label_and_is_no_weight_is_refused(tmp_path, end):
    path = tmp_path / "labels.txt"
    path.write_text(f"run.h5 [1] HIT {end}\n")
    with pytest.raises(InputError, match=r"Line 1 of .* a line of labels reads"):
        read_annotation(path)


@pytest.mark.parametrize("weights", [[1.0], [1, 0], [np.nan, 1], [-1, 1]])
def test_writing_other_weights_is_refused(tmp_path, weights):
    with pytest.raises(InputError, match="write_annotation needs"):
        write_annotation(tmp_path / "labels.txt", "run.h5", ["HIT", "MISS"], weights)
    assert not list(tmp_path.iterdir())


@settings(deadline=None)
@given(name=st.binary(min_size=1, max_size=30).map(os.fsdecode).filter(lambda n: "/" not in n))
def test_a_file_of_any_name_has_its_labels(name, tmp_path_factory):
    """Names with ends of lines, blanks at their ends, or bytes that are no UTF-8."""
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    if "\0" in name or not name.strip() or name != name.strip() or name in (".", ".."):
        return
    if name.startswith("\ufeff"):  # at the start of a file it says that the text is UTF-8
        return
    write_annotation(path, f"/data/{name}", ["HIT", "MISS"])
    assert len(path.read_bytes().splitlines()) == 2
    origins = [FrameOrigin(f"/data/{name}", i, f"//{i}") for i in range(2)]
    found = check_annotation(read_annotation(path), origins, path)
    assert found.tolist() == ["HIT", "MISS"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfrun.h5 [1] HIT\nrun.h5 [2] MISS\n",
        b"run.h5 [1] HIT\r\n\r\nrun.h5 [2] MISS\r\n",
        b"\xef\xbb\xbfrun.h5 [1] HIT\n\xef\xbb\xbfrun.h5 [2] MISS\n",
        b"\xef\xbb\xbf\r\nrun.h5 [1] HIT\r\nrun.h5\t[2]\tMISS",
    ],
)
def test_reads_what_windows_writes(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    found = read_annotation(tmp_path / "a.txt")
    assert found.names.tolist() == ["run.h5", "run.h5"]
    assert found.labels.tolist() == ["HIT", "MISS"]


def test_says_that_the_ends_of_lines_are_those_of_old_macs(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"run.h5 [1] HIT\rrun.h5 [2] MISS\r")
    with pytest.raises(InputError, match="end with CR alone"):
        read_annotation(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes(b"run.h5 [1] HIT\r")
    assert read_annotation(tmp_path / "a.txt").labels.tolist() == ["HIT"]


def test_refuses_what_would_never_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        with pytest.raises(InputError, match="no file but a folder, a pipe or a device"):
            read_annotation(path)


@pytest.mark.parametrize("number", ["9" * 19, "9" * 20, "9" * 5000])
def test_refuses_numbers_that_no_frame_has(tmp_path, number):
    (tmp_path / "a.txt").write_text(f"run.h5 [{number}] HIT\n")
    with pytest.raises(
        InputError, match=r"Line 1 of .* names frame \[9+(…9+)?\], which no run has"
    ):
        read_annotation(tmp_path / "a.txt")


def test_shows_no_more_than_the_ends_of_a_long_line(tmp_path):
    (tmp_path / "a.txt").write_text("x" * 10**6)
    with pytest.raises(InputError) as caught:
        read_annotation(tmp_path / "a.txt")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_refuses_to_write_other_labels(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(InputError, match="not 'hit'"):
        write_annotation(path, "run.h5", ["HIT", "hit"])
    assert not path.exists()


@pytest.mark.parametrize(
    "line", ["run.h5 1 HIT", "run.h5 [1] PERHAPS", "[1] HIT", "run.h5 [x] HIT", "run.h5 [1]", "HIT"]
)
def test_refuses_other_lines(tmp_path, line):
    path = tmp_path / "a.txt"
    path.write_text(f"run.h5 [1] HIT\n\n{line}\n")
    with pytest.raises(InputError, match=r"Line 3 of .*a\.txt"):
        read_annotation(path)


def test_refuses_files_that_are_no_text(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(InputError, match="no annotation file"):
        read_annotation(path)
    path.write_text("\n\n")
    with pytest.raises(InputError, match="is empty"):
        read_annotation(path)
    path.write_bytes(b"\xff\xfe\x00run")
    with pytest.raises(InputError, match="as text"):
        read_annotation(path)
    with pytest.raises(InputError, match="no spot count file"):
        read_spot_counts(tmp_path / "none.txt", 3)


def test_frames_without_spots_count_zero(tmp_path):
    path = tmp_path / "dials.txt"
    path.write_text("00005     2 Miss\n00002   229 Hit\n")
    assert read_spot_counts(path, 6).tolist() == [0, 229, 0, 0, 2, 0]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("00007 1 Miss", "run of 6 frames"),
        ("00000 1 Miss", "run of 6 frames"),
        ("00002 1 Miss", "twice"),
        ("00003 Miss", "reads"),
        ("x 1 Miss", "reads"),
        ("00003 -1 Miss", "reads"),
        ("00003 99999999999999999999 Hit", "reads"),
    ],
)
def test_refuses_other_counts(tmp_path, line, why):
    path = tmp_path / "dials.txt"
    path.write_text(f"00002   229 Hit\n{line}\n")
    with pytest.raises(InputError, match=f"Line 2 of .*{why}"):
        read_spot_counts(path, 6)


@pytest.mark.parametrize("subset", PUBLISHED)
def test_real_files_give_the_published_numbers(shared_data, subset):
    folder = shared_data / "cxidb76" / subset
    annotation = read_annotation(folder / "expert_annotation.txt")
    n_hit, n_maybe, n_miss, recall = PUBLISHED[subset]
    found = [np.count_nonzero(annotation.labels == name) for name in ("HIT", "MAYBE", "MISS")]
    assert found == [n_hit, n_maybe, n_miss]
    assert annotation.numbers.tolist() == list(range(1, 2001))
    counts = read_spot_counts(folder / "dials_annotation.txt", 2000)
    assert np.count_nonzero(counts == 0) >= {"L498": 64, "LN84": 198, "LN83": 309, "LO19": 30}.get(
        subset, 0
    )
    # DIALS decides by a threshold on the count; its recall is published.
    wanted = annotation.labels != "MISS"
    recalls = [np.mean(counts[wanted] >= threshold) for threshold in range(1, 300)]
    assert min(abs(value - recall) for value in recalls) < 0.01


PARTICLES = ["empty", "single", "multiple", "other"]


def test_labels_of_single_particles_come_back(tmp_path):
    path = tmp_path / "labels.txt"
    write_annotation(path, "run.h5", PARTICLES, [1, 0.5, 1, 1])
    assert path.read_text().splitlines()[1] == "run.h5 [2] single weight=0.5"
    assert read_annotation(path).labels.tolist() == PARTICLES


@pytest.mark.parametrize("wrong", ["singel", "HIT"])
def test_a_label_of_another_task_or_none_is_refused(tmp_path, wrong):
    path = tmp_path / "labels.txt"
    path.write_text(f"run.h5 [1] empty\nrun.h5 [2] {wrong}\n")
    with pytest.raises(InputError, match=r"Line 2 .* with empty, single, multiple or other, and"):
        read_annotation(path)
    path.write_text(f"run.h5 [2] {wrong}\nrun.h5 [1] empty\n")
    with pytest.raises(InputError, match=r"Line \d of "):
        read_annotation(path)
    with pytest.raises(InputError, match="A label is empty, single, multiple or other, not"):
        write_annotation(path, "run.h5", ["single", wrong])
