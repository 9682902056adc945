"""Labels that exist already: streams, results of Cheetah and OM, lists of hits, tables."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sklearn_sfx import InputError, open_frames, write_cxidb76
from sklearn_sfx.cli import main
from sklearn_sfx.datasets import LabelRules, find_labels, match_labels, write_annotation
from sklearn_sfx.datasets.label_files import label_format
from sklearn_sfx.datasets.label_files._formats import FORMATS
from sklearn_sfx.exceptions import UnmatchedLabelsWarning
from tests.datasets.label_writers import HEAD, chunk, write_cxi, write_frames_txt, write_stream

N = 12
ROWS = st.lists(
    st.tuples(st.integers(0, N - 1), st.booleans(), st.integers(0, 30)),
    min_size=1,
    unique_by=lambda row: row[0],
)
QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    write_cxidb76(folder / "run.h5", np.zeros((N, 8, 8), np.uint16), chunk_size=5)
    return open_frames(folder / "run.h5")


def event(run, row):
    return run.sources[row].event


def stream_rows(run, rows):
    return [("/else/run.h5", event(run, row), indexed, n) for row, indexed, n in rows]


def labels_of(run, path, **rules):
    """Return the label of each frame by its row, those without one left out."""
    positions, labels = match_labels(run, path, **rules)
    assert (np.diff(positions) > 0).all()
    return dict(zip(positions.tolist(), labels.tolist(), strict=True))


# -- What each format says ------------------------------------------------------------------------


@QUIET
@given(rows=ROWS, end=st.sampled_from(["\n", "\r\n"]))
def test_what_was_indexed_is_a_hit_and_the_rest_is_as_the_user_says(run, tmp_path, rows, end):
    path = tmp_path / "any name"
    write_stream(path, stream_rows(run, rows), end)
    hits = {row: "HIT" for row, indexed, _ in rows if indexed}
    misses = {row: "MISS" for row, indexed, _ in rows if not indexed}
    assert labels_of(run, path, not_indexed="miss") == hits | misses
    maybes = dict.fromkeys(misses, "MAYBE")
    assert labels_of(run, path, not_indexed="maybe") == hits | maybes
    absent = dict.fromkeys(set(range(N)) - {row for row, *_ in rows}, "MISS")
    if hits or absent:
        assert labels_of(run, path, absent="miss") == hits | absent
    if hits:
        assert labels_of(run, path) == hits
        found = find_labels(run, path)
        assert (found.n_unlabelled, found.n_absent) == (len(misses), N - len(rows))
        assert found.said.startswith(f"read as a CrystFEL stream: {len(hits)} HIT, 0 MAYBE, 0 MISS")
    else:
        with pytest.raises(InputError, match=r"labels none: say from how many peaks on"):
            match_labels(run, path)


@QUIET
@given(rows=ROWS, hit_from=st.integers(1, 30), miss_below=st.integers(1, 30))
def test_peaks_say_the_rest(run, tmp_path, rows, hit_from, miss_below):
    path = tmp_path / "run.stream"
    write_stream(path, stream_rows(run, rows))
    rules = {"hit_from": hit_from, "miss_below": miss_below}
    if miss_below > hit_from:
        with pytest.raises(InputError, match="would be a hit"):
            match_labels(run, path, **rules)
        return
    found = labels_of(run, path, absent="miss", **rules) | {}
    for row, indexed, n in rows:
        expected = "HIT" if indexed or n >= hit_from else "MISS" if n < miss_below else None
        assert found.get(row) == expected


@QUIET
@given(rows=ROWS)
def test_the_same_labels_in_every_format_are_the_same(run, tmp_path, rows):
    rows = [(0, True, 20), (1, False, 3), *(row for row in rows if row[0] > 1)]
    write_stream(tmp_path / "a", stream_rows(run, rows))
    oms = [(f"run.h5 // {row:05}", int(hit), "", -1, n) for row, hit, n in rows if row < 5]
    marks = {"a": {"not_indexed": "miss"}}
    names = [("run.h5", event(run, row), row, hit, n) for row, hit, n in rows]
    for key, mark in (("b", ","), ("c", ";"), ("d", "\t")):
        head = mark.join(["file", "event", "hit", "num_peaks"])
        lines = [f"{name}{mark}{at}{mark}{hit}{mark}{n}" for name, at, _, hit, n in names]
        (tmp_path / key).write_text("\n".join([head, *lines]))
        marks[key] = {}
    lines = [f'"run.h5",{row + 1},{"hit" if hit else "Miss"},' for _, _, row, hit, _ in names]
    (tmp_path / "e").write_text("\r\n".join(["Filename, Frame ,label,weight", *lines, ""]))
    marks["e"] = {}
    lines = [f"{row},{hit}" for _, _, row, hit, _ in names]
    (tmp_path / "f").write_text("\n".join(["position,is_hit", *lines]))  # of the one file there is
    marks["f"] = {}
    expected = {row: "HIT" if hit else "MISS" for row, hit, _ in rows}
    for key, rules in marks.items():
        assert labels_of(run, tmp_path / key, **rules) == expected, key
    hits = [f"/data/run.h5 {event(run, row)}" for row, hit, _ in rows if hit]
    (tmp_path / "g").write_text("\n".join(hits))
    assert labels_of(run, tmp_path / "g") == {row: "HIT" for row, hit, _ in rows if hit}
    assert len(oms) >= 2


@pytest.fixture
def cxi(tmp_path):
    write_cxi(tmp_path / "r1-class1.cxi", [1, 0, 1, 1, 0], [20, 1, 30, 15, 0])
    return open_frames(tmp_path / "r1-class1.cxi")


def test_cheetah_says_which_are_hits_or_how_many_peaks_there_are(cxi, tmp_path):
    path = tmp_path / "r1-class1.cxi"
    assert list(labels_of(cxi, path).values()) == ["HIT", "MISS", "HIT", "HIT", "MISS"]
    by_peaks = labels_of(cxi, path, hit_from=20, miss_below=1)
    assert by_peaks == {0: "HIT", 2: "HIT", 4: "MISS"}
    write_cxi(tmp_path / "peaks.cxi", None, [20, 1, 30])
    peaks = open_frames(tmp_path / "peaks.cxi")
    with pytest.raises(InputError, match="hit_from"):
        match_labels(peaks, tmp_path / "peaks.cxi")
    assert labels_of(peaks, tmp_path / "peaks.cxi", hit_from=15) == {0: "HIT", 2: "HIT"}


def test_what_is_padding_is_not_read(tmp_path):
    write_cxi(tmp_path / "open.cxi", [1, 0, 1, 0, 0], [20, 1, 30, 0, 0], n_events=3)
    frames = open_frames(tmp_path / "open.cxi")
    assert list(labels_of(frames, tmp_path / "open.cxi")) == [0, 1, 2]


def test_om_names_frames_by_event_or_by_the_file_it_wrote(cxi, tmp_path):
    path = tmp_path / "frames.txt"
    rows = [("raw.h5 // 00017", 1, "r1-class1.cxi.inprogress", 2, 30)]
    rows += [("r1-class1.cxi // 00004", 0, "", -1, 3)]
    write_frames_txt(path, rows)
    assert labels_of(cxi, path) == {2: "HIT", 4: "MISS"}
    assert labels_of(cxi, path, hit_from=10, miss_below=3) == {2: "HIT"}
    (tmp_path / "hits.lst").write_text("r1-class1.cxi // 00003\n")  # OM's, with a blank
    assert labels_of(cxi, tmp_path / "hits.lst") == {3: "HIT"}


def test_a_list_of_files_without_events_means_all_their_frames(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.h5").touch()
    (tmp_path / "files").write_text("run.h5\n")
    assert labels_of(run, tmp_path / "files") == dict.fromkeys(range(N), "HIT")


def test_a_single_frame_has_several_names(tmp_path):
    write_cxidb76(tmp_path / "one.h5", np.zeros((1, 8, 8), np.uint16))
    one = open_frames(tmp_path / "one.h5")
    for name in (None, "//", "//0", "chunk_0000000//0"):
        write_stream(tmp_path / "a.stream", [("one.h5", name, True, 20)])
        assert labels_of(one, tmp_path / "a.stream") == {0: "HIT"}, name


def test_a_frame_that_was_indexed_once_is_a_hit(run, tmp_path):
    rows = [("run.h5", event(run, 0), False, 20), ("run.h5", event(run, 0), True, 20)]
    for order in (rows, rows[::-1]):
        write_stream(tmp_path / "two.stream", order)  # two streams put together
        assert labels_of(run, tmp_path / "two.stream", not_indexed="miss") == {0: "HIT"}


def test_a_real_stream_of_crystfel(shared_data, tmp_path):
    write_cxidb76(tmp_path / "run.h5", np.zeros((60, 8, 8), np.uint16), chunk_size=2000)
    frames, path = open_frames(tmp_path / "run.h5"), shared_data / "crystfel" / "peaks_only.stream"
    found = find_labels(frames, path, LabelRules(hit_from=10, miss_below=3))
    assert (found.n_absent, found.problem) == (34, "")
    assert found.labels[found.positions == 4].tolist() == ["HIT"]  # of 21 peaks
    assert found.labels[found.positions == 0].tolist() == ["MISS"]  # of one
    with pytest.raises(InputError, match="names 26 frames of this run and labels none"):
        match_labels(frames, path)


# -- What does not fit ----------------------------------------------------------------------------


def test_frames_of_other_runs_are_left_out_and_said(run, tmp_path):
    rows = [("run.h5", event(run, 0), True, 9), ("r2.h5", "//3", True, 9), ("run.h5", "//99", 0, 1)]
    write_stream(tmp_path / "all.stream", rows)
    said = r"2 of 3 frames that it names are not in this run, such as //3 of r2\.h5; left out"
    with pytest.warns(UnmatchedLabelsWarning, match=said):
        assert labels_of(run, tmp_path / "all.stream") == {0: "HIT"}


@QUIET
@given(data=st.data())
def test_a_stream_that_is_cut_off_keeps_what_is_whole(run, tmp_path, data):
    """Wherever it ends: no frame has another label than in the whole stream."""
    rows = [("run.h5", event(run, row), row % 2 == 0, row) for row in range(6)]
    write_stream(tmp_path / "whole.stream", rows)
    text = (tmp_path / "whole.stream").read_bytes()
    whole = labels_of(run, tmp_path / "whole.stream", not_indexed="miss")
    end = data.draw(st.integers(len(HEAD) + 1, len(text) - 2))
    (tmp_path / "cut.stream").write_bytes(text[:end])
    n_whole = text[:end].count(b"----- End chunk -----")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if n_whole == 0:
            with pytest.raises(InputError, match=r"none of this run|names no frame"):
                match_labels(run, tmp_path / "cut.stream", not_indexed="miss")
            return
        found = labels_of(run, tmp_path / "cut.stream", not_indexed="miss")
    assert found.items() <= whole.items()
    assert len(found) == n_whole
    is_cut = text[:end].count(b"----- Begin chunk") > n_whole
    assert bool(caught) == is_cut


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + chunk("", "//1", True, 3), "Chunk 1 of .* has no 'Image filename:'"),
        (
            HEAD + chunk("run.h5", "//1", False, 3).replace("num_peaks = 3", "num_peaks = x3"),
            "Chunk 1 of .* says num_peaks = 'x3', which is no number",
        ),
        (
            HEAD + chunk("run.h5", "//1", True, 3).replace("Event", "Image filename: a\nEvent", 1),
            "Chunk 1 of .* has two lines 'Image filename:'",
        ),
        (HEAD, "read as a CrystFEL stream, names no frame"),
        (HEAD + chunk("other.h5", "//1", True, 3), "none of this run: the first is //1 of other"),
        ("file,frame,label\nrun.h5,1,HIT\nrun.h5,2\n", "Line 3 of .* has 2 columns, and the first"),
        ("file,frame,label\nrun.h5,1,good\n", "Line 2 of .* has the label 'good', and a label is"),
        ("file,frame,label\nrun.h5,one,HIT\n", "Line 2 of .* has 'one' for the number of a frame"),
        ("file,frame,label\nrun.h5,,HIT\n", "Line 2 of .* does not say which frame it is about"),
        ("file,frame,label\nrun.h5,1,\n", "names 1 frame of this run and labels none"),
        ("file,frame,label,weight\nrun.h5,1,HIT,0\n", "the weight '0', but a weight is a positive"),
        ("file,frame,label\nrun.h5,1,HIT\nrun.h5,1,MISS\n", "twice, as HIT and as MISS"),
        ("frame,label\n1,MISS\n1,HIT\n", "twice, as MISS and as HIT"),  # whatever the order
        ("frame,label\n1,\n1,HIT\n", "twice, as without a label and as HIT"),
        ("frame,label,weight\n1,HIT,2\n1,HIT,3\n", "twice, with the weights 2 and 3; leave the"),
        ('frame,label,why\n1,HIT,"weak\n2,MISS,\n', "Line 2 of .* a quote that is not closed"),
        ('frame,label,why\n1,HIT,\n2,HIT,"a\n3,MISS,\n4,HIT,"b\n', "Line 3 of .* quote that is"),
        ("file,frame,label\nx.h5,1,HIT\n", r"the first is frame \[1\] of x\.h5, and the run has"),
        ('file,frame,label\n"run.h5,1,HIT\n', "Line 2 of .* has 1 columns|is no line of a table"),
        (
            "index,frame,label\n0,3,HIT\n",
            "Line 2 of .* its index, from 0, is 0, and its frame, .* 3",
        ),
        (
            "frame,event,label\n2,//1,HIT\n5,//5,HIT\n",
            "Line 3 of .* frame, .* 5, and its event .*//5",
        ),
        (
            "index,event,label\n5,chunk_0000001//1,HIT\n",
            "Line 2 .* index, .* 5, and its event is ch",
        ),
        ("frame,label,Label\n1,HIT,MISS\n", "two columns of one kind, 'label' and 'Label'"),
        ("frame,label\n0,HIT\n", "Line 2 .* frame 0, and 'frame' counts from 1: .* 'index'"),
        ("File,Frame,Class\nrun.h5,1,HIT\n", "'File, Frame, Class', names no column of a label"),
        ("Image;Class\n1;HIT\n", "'Image, Class', names no column of the frame: .* 'index' .from"),
        ("run.h5,1,HIT\n", "'run.h5, 1, HIT', names no column of the frame"),
        ("run.h5 //1\nrun.h5 //2\nrun.h5", "Line 3 of .* all frames of run.h5, and other lines"),
        ("run.h5 // " + "0" * 5000, "read as|a line of labels reads"),
        ("file,frame,label\rrun.h5,one,HIT\r", "Line 2 of .* has 'one' for the number of a frame"),
        ("other.h5 //1\n", "read as a list of hits, names 1 frame, and none of this run"),
        ("run.h5 //1\n" + "x" * 70000, "Line 2 of .* and no line of a list of frames"),
        ("run.h5 1 HIT\n", "a line of labels reads"),
        ("\n\n", "is empty"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, tmp_path, content, message):
    path = tmp_path / "labels"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        match_labels(run, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_damaged_hdf5_file_is_one_sentence(cxi, tmp_path, share):
    whole = (tmp_path / "r1-class1.cxi").read_bytes()
    (tmp_path / "cut.cxi").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="cut off, damaged or still being"):
        match_labels(cxi, tmp_path / "cut.cxi")


def test_hdf5_files_without_labels_or_with_two_kinds(run, cxi, tmp_path):
    with pytest.raises(InputError, match="no dataset called 'hit' or 'nPeaks'"):
        match_labels(run, run.sources[0].path)
    import h5py

    with h5py.File(tmp_path / "r1-class1.cxi", "a") as file:
        file["other/hit"] = np.zeros(5, int)
    with pytest.raises(InputError, match="several datasets of labels, which differ"):
        match_labels(cxi, tmp_path / "r1-class1.cxi")
    with h5py.File(tmp_path / "holes.h5", "w") as file:
        file["hit"] = [1, np.nan]
    with pytest.raises(InputError, match=r"/hit of .* does not hold whole numbers"):
        match_labels(run, tmp_path / "holes.h5")


@QUIET
@given(
    content=st.binary(max_size=300),
    start=st.sampled_from(
        [
            b"",
            b"CrystFEL stream format",
            b"\x89HDF\r\n\x1a\n",
            b"file,frame,label\n",
            b"run.h5 //1\n",
        ]
    ),
)
def test_whatever_the_bytes_labels_are_refused_in_a_sentence(run, tmp_path, content, start):
    path = tmp_path / "hostile"
    path.write_bytes(start + content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnmatchedLabelsWarning)
        try:
            positions, labels = match_labels(run, path)
        except InputError:
            return
    assert len(positions) == len(labels) > 0


@pytest.mark.parametrize("content", [b"\0\r\0", b"a,\0\rb", b'file,"label\r,x'])
def test_what_is_no_table_is_refused_in_a_sentence(run, tmp_path, content):
    (tmp_path / "odd").write_bytes(content)
    with pytest.raises(InputError):
        match_labels(run, tmp_path / "odd")


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("index,frame,event,label", "6,7,chunk_0000001//1,HIT"),  # in the second chunk, of 5
        ("index,event,label", "6,6,HIT"),
        ("index,frame,label", "-1,7,HIT"),
        ("\tframe\tlabel", "0\t7\tHIT"),  # as pandas writes it, with a column without a name
    ],
)
def test_columns_that_agree_are_read(run, tmp_path, head, line):
    (tmp_path / "table").write_text(f"{head}\n{line}\n")
    assert labels_of(run, tmp_path / "table") == {6: "HIT"}


def test_lines_of_labels_are_told_from_lists_and_tables(run, tmp_path):
    write_annotation(tmp_path / "a.lst", "run, file//1.h5", ["HIT"])
    assert label_format(tmp_path / "a.lst").is_of_run
    (tmp_path / "b.txt").write_text("run.h5 //3\n")
    assert label_format(tmp_path / "b.txt").name == "a list of hits"
    assert len({known.name for known in FORMATS}) == len(FORMATS)


def test_rules_that_are_none_are_refused(run, tmp_path):
    with pytest.raises(InputError, match="not_indexed has to be one of unlabelled, miss, maybe"):
        match_labels(run, tmp_path / "a", not_indexed="hit")


# -- The command ----------------------------------------------------------------------------------


def test_the_command_trains_and_evaluates_on_a_stream(run_folder, tmp_path, capsys):
    run = open_frames(run_folder / "run.h5")
    _, labels = match_labels(run, run_folder / "run.labels.txt")
    rows = [("run.h5", run.sources[i].event, labels[i] == "HIT", 20) for i in range(len(run))]
    write_stream(tmp_path / "run.stream", [*rows, ("run2.h5", "//0", True, 20)])
    options = ["--labels", str(tmp_path / "run.stream"), "--not-indexed", "miss"]
    model = ["--model", str(tmp_path / "m.joblib"), "--n-labels", "40", "--crop", "160"]
    path = str(run_folder / "run.h5")
    assert main(["train", path, *options, *model, "--method", "count"]) == 0
    said = capsys.readouterr()
    n_hits = int((labels == "HIT").sum())
    assert f"read as a CrystFEL stream: {n_hits} HIT, 0 MAYBE, {90 - n_hits} MISS" in said.err
    assert "1 of 91 frames that it names are not in this run, such as //0 of run2.h5" in said.err
    assert "40 labelled frames" in said.out
    assert main(["evaluate", path, *options, "--model", model[1]]) == 0
    assert capsys.readouterr().out.startswith("50 labelled frames")
    assert main(["train", path, *options[:2], *model[:2], "--force"]) == 2  # hits alone
    assert "0 misses" in capsys.readouterr().err


def test_a_table_may_label_single_particles_and_not_crystals_too(run, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("frame,label\n1,empty\n3,Single\n4,\n")
    positions, labels = match_labels(run, path)
    assert positions.tolist() == [0, 2]
    assert labels.tolist() == ["empty", "single"]
    path.write_text("frame,label\n1,empty\n3,hit\n")
    with pytest.raises(InputError, match="labels of two tasks, HIT of crystals and empty of"):
        match_labels(run, path)
