"""Hit lists that CrystFEL reads, and the table of all frames."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_sfx import InputError
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import Scores, read_hits


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


@given(
    st.lists(
        st.tuples(
            st.text(
                st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")),
                min_size=1,
                max_size=40,
            ).filter(lambda name: "/" not in name and name.strip() == name),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)
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
