"""The table and the list: whole at any moment, on a full disk and after a kill."""

import errno
import os
import shutil

import numpy as np
import pytest

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import FrameOrigin
from sklearn_sfx.screening import Scores
from sklearn_sfx.streams import Record, ScoredFrames, arrived_frames
from tests.streams.conftest import rows


def block(start, n=4, path="/data/run.h5"):
    """Scores of which every second one is a hit."""
    sources = [FrameOrigin(path, i, f"//{i}") for i in range(start, start + n)]
    probability = np.arange(start, start + n) % 2 * 0.9
    scores = Scores(sources, probability, probability > 0.5, None, 0.5)
    frames = arrived_frames(np.zeros((n, 4, 5), np.uint16), sources=sources)
    return ScoredFrames(frames, scores, np.zeros(n))


@pytest.fixture
def places(tmp_path):
    return tmp_path / "scores.csv", tmp_path / "hits.lst"


def hits(path):
    return [line.split("//")[1] for line in path.read_text().splitlines()]


def test_rows_are_appended_and_remembered(places):
    for start in (0, 4):
        record = Record(*places)
        assert (record.n_frames, record.n_hits) == (start, start // 2)
        record.add(block(start))
        record.close()
    assert [row[1] for row in rows(places[0])] == [str(i) for i in range(8)]
    assert hits(places[1]) == ["1", "3", "5", "7"]
    assert Record(*places).seen.new_rows(block(6).scores.sources) == [2, 3]


def test_wherever_a_kill_cuts_the_files_they_are_mended(places):
    record = Record(*places)
    record.add(block(0))
    record.close()
    table, listing = (place.read_bytes() for place in places)
    for cut in range(len(table) + 1):
        places[0].write_bytes(table[:cut])
        places[1].write_bytes(listing if cut > len(table) // 2 else listing[: len(listing) // 3])
        if cut == 0:
            places[1].write_bytes(b"")
        record = Record(*places)
        new = record.seen.new_rows(block(0).scores.sources)
        assert new == list(range(4 - len(new), 4)) if new else True
        part = block(4 - len(new), len(new)) if new else None
        if part:
            record.add(part)
        record.close()
        assert places[0].read_bytes() == table
        assert places[1].read_bytes() == listing


def test_a_full_disk_is_waited_for(places, monkeypatch):
    record = Record(*places)
    record.add(block(0))
    before = [place.read_bytes() for place in places]
    whole, n_left = os.write, 40

    def write(number, data):
        if n_left < len(data):
            whole(number, data[:n_left])
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(number, data)

    monkeypatch.setattr(os, "write", write)
    for start in (4, 8):
        with pytest.raises(OSError, match="No space"):
            record.add(block(start))
        assert [place.read_bytes() for place in places] == before
    assert record.n_held == 8
    n_left = 2**20
    record.add(block(12))
    record.close()
    assert [row[1] for row in rows(places[0])] == [str(i) for i in range(16)]
    assert len(hits(places[1])) == 8


def test_only_one_watch_writes_to_a_table(places):
    record = Record(*places)
    with pytest.raises(InputError, match="another watch"):
        Record(*places)
    record.close()
    Record(*places).close()


def test_only_one_watch_writes_to_a_list(places):
    """Nor does it when no hit is in it yet; with force it cuts no table before it knows."""
    other, mine = places[0].with_name("other.csv"), places[1].with_name("other.lst")
    record, earlier = Record(*places), Record(other, mine)
    earlier.close()
    there = other.read_bytes()
    for force in (False, True):
        with pytest.raises(InputError, match="writing to this list; name another by --hits"):
            Record(other, places[1], force=force)
    assert other.read_bytes() == there
    record.close()
    Record(other, mine).close()


def test_what_others_wrote_is_left_alone(places):
    places[1].write_text("run.h5 //1\n")
    with pytest.raises(InputError, match="already"):
        Record(*places)
    assert places[1].read_text() == "run.h5 //1\n"
    places[0].write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no table of scores"):
        Record(*places)
    assert places[0].read_text() == "a,b\n1,2\n"
    Record(*places, force=True).close()
    assert len(places[0].read_text().splitlines()) == 1
    assert places[1].read_text() == ""


def test_frames_of_no_file_are_in_the_table_alone(places):
    record = Record(*places)
    record.add(block(0, path=None))
    record.close()
    assert len(rows(places[0])) == 4
    assert places[1].read_text() == ""
    assert Record(*places).seen.new_rows(block(0, path=None).scores.sources) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "wrong", ["1\n2\n3\n4\n5\n", "/data/run.h5 //3\n/data/run.h5 //1\n", "{}x"]
)
def test_a_list_that_is_not_of_the_table_is_left_alone(places, wrong):
    record = Record(*places)
    record.add(block(0))
    record.close()
    table, listing = (place.read_bytes() for place in places)
    other = places[0].with_name("precious.lst")
    for foreign in (other, places[1]):
        text = wrong.format(listing.decode())
        foreign.write_text(text)
        with pytest.raises(InputError, match="not the list of the hits"):
            Record(places[0], foreign)
        assert foreign.read_text() == text
        assert places[0].read_bytes() == table
    Record(*places, force=True).close()
    assert places[1].read_text() == ""


def test_hits_without_rows_are_cut_from_no_list_but_that_of_the_table(places):
    Record(*places).close()
    killed = b"/data/run.h5 //1\n/data/run.h5 /"
    other = places[0].with_name("precious.lst")
    other.write_bytes(killed)
    with pytest.raises(InputError, match="not the list of the hits"):
        Record(places[0], other)
    assert other.read_bytes() == killed
    places[1].write_bytes(killed)
    Record(*places).close()
    assert places[1].read_bytes() == b""


def test_rows_of_something_else_are_not_gone_on_with(places):
    about = {"model": "a", "threshold": "0.5"}
    record = Record(*places, about=about)
    assert record.is_known
    record.add(block(0))
    record.close()
    before = places[0].read_bytes()
    with pytest.raises(InputError, match=r"another threshold, 0\.5, and now it is 0\.7"):
        Record(*places, about={**about, "threshold": "0.7"})
    assert places[0].read_bytes() == before
    record = Record(*places, about=about)
    record.note({"model": "b"})
    record.close()
    with pytest.raises(InputError, match="another model, b, "):
        Record(*places, about=about)
    record = Record(*places, about=about, force=True)
    assert record.is_known
    record.close()


def test_rows_of_which_nothing_is_noted_are_gone_on_with(places):
    record = Record(*places, about={"model": "a"})
    record.add(block(0))
    record.close()
    shutil.rmtree(places[0].parent / ".sfx")
    record = Record(*places, about={"model": "b"})
    assert not record.is_known
    assert record.n_frames == 4
    record.close()
