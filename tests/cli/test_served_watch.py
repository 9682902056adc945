"""``sfx watch --serve``: where the page is, and how a threshold is noted that was moved there."""

import argparse
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_sfx.cli import main
from sklearn_sfx.cli._live_page import ServedWatch
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.streams import Record
from tests.streams.live_pages import block

ABOUT = {"model": "abc", "threshold": "that of the model"}


def test_a_threshold_that_was_moved_is_noted_with_its_first_row(tmp_path, capsys):
    table = tmp_path / "run.scores.csv"
    record, page = Record(table, about=ABOUT), SimpleNamespace(threshold=lambda: None)
    args = argparse.Namespace(verb="watch", threshold=None)
    served = ServedWatch(args, record, page)
    for start, chosen in ((0, None), (2, 0.25), (4, 0.25), (6, None)):
        page.threshold = lambda chosen=chosen: chosen
        assert served.threshold() == chosen
        served.note()
        record.add(block(np.array([0.9, 0.1]), start=start))
    record.close()
    assert capsys.readouterr().err.count("chosen on the page") == 2
    note = json.loads((tmp_path / ".sfx/watched/run.scores.csv.json").read_text())
    assert note["about"] == ABOUT
    moved = [(2, {"threshold": "0.25"}), (6, {"threshold": "that of the model"})]
    record = Record(table, about=ABOUT)
    assert record.changes == moved
    record.note({"threshold": "0.25"})
    record.close()
    with pytest.raises(InputError, match=r"another threshold, 0\.25, and now it is that of"):
        Record(table, about=ABOUT)
    Record(table, about=ABOUT | {"threshold": "0.25"}).close()


def test_the_address_is_said_and_its_token_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shift").mkdir()
    tokens = []
    for _ in range(2):
        assert main(["watch", "shift", "--serve", "0", "--end-after", "0.1", "--json"]) == 0
        said = capsys.readouterr()
        assert json.loads(said.out)["received"] == 0
        tokens.append(re.search(r"live page at http://127\.0\.0\.1:\d+/\?token=(\S+)", said.err)[1])
    kept = (tmp_path / ".sfx/served/shift.scores.csv.token").read_text()
    assert tokens == [kept, kept]
    assert main(["watch", "shift", "--serve", "70000", "--end-after", "0.1"]) == 2
    assert "A port is a number" in capsys.readouterr().err
