"""Hit lists that CrystFEL reads, and the table of all frames."""

import csv
import os
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_sfx import InputError
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import Scores, check_listable, read_hits


def make_scores(paths, decision):
    n = len(paths)
    return Scores(
        sources=[FrameOrigin(path, i, f"chunk//{i}", f"shot {i}") for i, path in enumerate(paths)],
        probability=np.linspace(0, 1, n),
        decision=np.asarray(decision, dtype=bool),
        peak_count=np.arange(n),
        threshold=0.5,
    )


def test_hit_list_names_the_hits_in_order(tmp_path):
    scores = make_scores([str(tmp_path / f"run {i}.h5") for i in range(4)], [1, 0, 1, 1])
    scores.write_hits(tmp_path / "hits.lst")
    lines = [f"{tmp_path}/run {i}.h5 chunk//{i}\n" for i in (0, 2, 3)]
    assert (tmp_path / "hits.lst").read_text() == "".join(lines)
    assert read_hits(tmp_path / "hits.lst") == [
        (str(tmp_path / f"run {i}.h5"), f"chunk//{i}") for i in (0, 2, 3)
    ]


def test_hit_list_paths_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_scores(["run.h5"], [1]).write_hits("hits.lst")
    assert read_hits("hits.lst") == [(str(tmp_path / "run.h5"), "chunk//0")]


# Names of files may be any bytes; those that are no UTF-8 are halves of characters in Python.
any_name = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
any_name |= st.binary(min_size=1, max_size=40).map(os.fsdecode)
file_name = any_name.filter(lambda name: not re.search("[/\\n\\r\\0]|^[.]{1,2}$", name))


@given(st.lists(st.tuples(file_name, st.booleans()), min_size=1, max_size=8))
def test_hit_list_round_trip(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("list") / "hits.lst"
    scores = make_scores([f"/data/{name}" for name, _ in rows], [keep for _, keep in rows])
    scores.write_hits(path)
    wanted = [
        (s.path, s.event) for s, keep in zip(scores.sources, scores.decision, strict=True) if keep
    ]
    assert read_hits(path) == wanted


def test_line_too_long_for_crystfel_is_refused_and_the_old_list_stays(tmp_path):
    (tmp_path / "hits.lst").write_text("old\n")
    with pytest.raises(InputError, match="1022 characters"):
        make_scores(["/" + "a" * 1020], [1]).write_hits(tmp_path / "hits.lst")
    assert (tmp_path / "hits.lst").read_text() == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["hits.lst"]


def test_frames_of_no_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="come from no file"):
        make_scores([None], [1]).write_hits(tmp_path / "hits.lst")


def test_table_has_a_row_for_every_frame(tmp_path):
    scores = make_scores(["/data/a,b.h5", None, "/data/c.h5"], [0, 0, 1])
    scores.write_csv(tmp_path / "scores.csv")
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["/data/a,b.h5", "", "/data/c.h5"]
    assert [row["decision"] for row in rows] == ["miss", "miss", "hit"]
    assert [row["position"] for row in rows] == ["0", "1", "2"]
    assert [row["identifier"] for row in rows] == ["shot 0", "shot 1", "shot 2"]
    assert [float(row["probability"]) for row in rows] == [0, 0.5, 1]
    assert [row["peak_count"] for row in rows] == ["0", "1", "2"]


# -- What names and identifiers may hold


@pytest.mark.parametrize("path", ["/data/a\nb.h5", "/data/a\rb.h5"])
def test_a_name_that_would_forge_a_line_is_refused(tmp_path, path):
    with pytest.raises(InputError, match="has an end of line in it"):
        make_scores([path], [1]).write_hits(tmp_path / "hits.lst")
    with pytest.raises(InputError, match="has an end of line in it"):
        check_listable(make_scores(["/data/a.h5", path], [0, 0]).sources)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("event", ["a b//3", "a\n/data/c.h5 x//3", "x\t//3", "x\u2028//3", "3", ""])
def test_an_event_that_would_be_read_as_another_is_refused(event):
    with pytest.raises(InputError, match="could not read the name of a frame"):
        check_listable([FrameOrigin("/data/a.h5", 3, event)])


text = st.text(st.characters(exclude_categories=()), max_size=12)


@given(st.lists(st.tuples(text, text, text), min_size=1, max_size=5))
def test_a_row_of_the_table_is_a_line_whatever_it_holds(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "scores.csv"
    n = len(rows)
    sources = [FrameOrigin(path, i, *names) for i, (path, *names) in enumerate(rows)]
    Scores(sources, np.zeros(n), np.zeros(n, bool), None, 0.5).write_csv(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) == n + 1
    with open(path, newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [row["position"] for row in read] == [str(i) for i in range(n)]
    for row in read:
        for name in ("file", "event", "identifier"):
            assert not re.match(r"\s*[=@]|\s*[+-](?![\d.]+$)", row[name])


@pytest.mark.parametrize(
    ("given_name", "cell"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+1+2", "'+1+2"),
        (" @SUM(A1)", "' @SUM(A1)"),
        ("-2", "-2"),
        ("+3.5", "+3.5"),
        ("=5", "'=5"),
        ("20260101-4\r/data/x.h5,1", "20260101-4\\r/data/x.h5,1"),
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_a_cell_is_no_formula(tmp_path, given_name, cell):
    sources = [FrameOrigin("/data/a.h5", 0, "//0", given_name)]
    scores = Scores(sources, np.zeros(1), np.zeros(1, bool), None, 0.5)
    scores.write_csv(tmp_path / "scores.csv")
    with open(tmp_path / "scores.csv", newline="", encoding="utf-8") as file:
        assert [row["identifier"] for row in csv.DictReader(file)] == [cell]


def test_a_list_of_windows_is_read(tmp_path):
    (tmp_path / "hits.lst").write_bytes(b"\xef\xbb\xbfa b.h5 //3\r\nc.h5\r\n\r\n")
    assert read_hits(tmp_path / "hits.lst") == [("a b.h5", "//3"), ("c.h5", None)]


def test_what_is_shown_are_a_few_facts():
    scores = make_scores(["a.h5"] * 200, np.arange(200) >= 150)
    shown = repr(scores)
    assert len(shown.splitlines()) < 10
    assert "hits: 50 (25.0 %)" in shown
    probability = scores.probability.copy()
    probability[:2] = np.nan
    partly = repr(replace(scores, probability=probability, peak_count=None))
    assert "200, of which 2 cannot be read" in partly
    assert "peaks" not in partly
    assert "hits: 0" in repr(replace(scores, probability=np.full(200, np.nan)))


def test_a_notebook_shows_them_as_a_table():
    (table,) = ElementTree.fromstring(
        f"<p>{make_scores(['a.h5'] * 4, [1, 0, 1, 1])._repr_html_()}</p>"
    )
    rows = [[cell.text for cell in row] for row in table.iter("tr")]
    assert table.find("caption").text == "Scores"
    assert rows[:2] == [["frames", "4"], ["hits", "3 (75.0 %)"]]
