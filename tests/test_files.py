"""Outputs are there whole or not at all."""

import pytest

from sklearn_sfx._files import replacing


def test_the_file_appears_when_the_block_ends(tmp_path):
    with replacing(tmp_path / "out.csv") as temporary:
        temporary.write_text("new")
        assert not (tmp_path / "out.csv").exists()
        assert temporary.suffix == ".csv"
    assert (tmp_path / "out.csv").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(RuntimeError), replacing(tmp_path / "out.csv") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "out.csv").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
