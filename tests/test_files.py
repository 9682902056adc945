"""Outputs are there whole or not at all."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sklearn_sfx import InputError
from sklearn_sfx._files import HIDDEN, hidden_folder, replacing, staging


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


# -- Killed at any moment

NAMES = ("frames", "labels", "mask")
KILLED = """
import os, pathlib, signal, sys
from sklearn_sfx._files import replacing_all

left = int(sys.argv[2])

def counted(function):
    def call(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

for name in ("replace", "mkdir", "write_text", "rmdir", "unlink"):
    setattr(pathlib.Path, name, counted(getattr(pathlib.Path, name)))
with replacing_all([pathlib.Path(sys.argv[1]) / name for name in sys.argv[3:]]) as temporaries:
    for temporary in temporaries:
        temporary.write_text("new")
"""


def test_a_kill_leaves_all_or_none_and_nothing_else(tmp_path):
    """Killed before each call that changes a folder, up to the end of the work."""
    codes, found = [], set()
    while not codes or codes[-1] != 0:
        for name in NAMES:
            (tmp_path / name).write_text("old")
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(len(codes)), *NAMES]
        codes.append(subprocess.run(command, check=False).returncode)
        with staging(tmp_path):  # of the next process
            pass
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
        texts = {(tmp_path / name).read_text() for name in NAMES}
        assert len(texts) == 1
        found |= texts
    assert found == {"old", "new"}
    assert codes[:-1] == [-signal.SIGKILL] * (len(codes) - 1)
    assert len(codes) > 12


def killed_between_renames(folder):
    """Kill a process that has renamed one of the files, and has to rename the others."""
    for left in range(50):
        for name in NAMES:
            (folder / name).unlink(missing_ok=True)
        command = [sys.executable, "-c", KILLED, str(folder), str(left), *NAMES]
        subprocess.run(command, check=False)
        if (folder / NAMES[0]).exists():
            return
        with staging(folder):
            pass
    raise AssertionError


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_file_put_there_since_a_kill_is_kept(name, tmp_path):
    """As `cp -p` and `mv` do it: older than the note of the process that was killed."""
    killed_between_renames(tmp_path)
    (tmp_path / name).write_text("of the user")
    os.utime(tmp_path / name, (10**9, 10**9))
    with staging(tmp_path):
        pass
    assert (tmp_path / name).read_text() == "of the user"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    assert [(tmp_path / other).read_text() for other in NAMES if other != name] == ["new", "new"]


def test_a_damaged_note_stops_nobody(tmp_path):
    killed_between_renames(tmp_path)
    (note,) = tmp_path.rglob("complete")
    note.write_text('{"labels": nul')
    with staging(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [NAMES[0]]


def test_a_link_to_nothing_stays_a_link(tmp_path):
    (tmp_path / "out.csv").symlink_to(tmp_path / "elsewhere.csv")
    refused = pytest.raises(InputError, match="a link to a file that does not exist")
    with refused, replacing(tmp_path / "out.csv"):
        pass
    assert (tmp_path / "out.csv").is_symlink()


def test_a_link_to_a_file_stays_a_link(tmp_path):
    (tmp_path / "elsewhere.csv").write_text("old")
    (tmp_path / "out.csv").symlink_to("elsewhere.csv")
    refused = pytest.raises(InputError, match=f"a link, .* name {tmp_path}/elsewhere.csv instead")
    with refused, replacing(tmp_path / "out.csv"):
        pass
    assert (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "elsewhere.csv").read_text() == "old"


def test_leftovers_of_a_process_that_still_runs_are_left(tmp_path):
    with replacing(tmp_path / "out.csv") as temporary:
        temporary.write_text("half")
        with replacing(tmp_path / "other.csv") as another:
            another.write_text("whole")
        assert temporary.read_text() == "half"
    assert (tmp_path / "out.csv").read_text() == "half"
    assert (tmp_path / "other.csv").read_text() == "whole"


def test_threads_that_write_in_one_folder_do_not_disturb_each_other(tmp_path):
    """Each removes the hidden folder once it is empty, while others look through it."""

    def write(number):
        for _ in range(60):
            with replacing(tmp_path / f"{number}.txt") as temporary:
                temporary.write_text(str(number))
            hidden_folder(tmp_path, f"of {number}", "parts").rmdir()
            (tmp_path / HIDDEN / f"of {number}").rmdir()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert sorted(path.name for path in tmp_path.glob("*.txt")) == [f"{i}.txt" for i in range(4)]
