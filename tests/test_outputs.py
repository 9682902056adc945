"""What a command may write, and what it may never."""

import os
import socket

import pytest

from sklearn_sfx import InputError
from sklearn_sfx._files import HIDDEN
from sklearn_sfx._outputs import Outputs, name_of_run


@pytest.fixture
def outputs(tmp_path):
    """Return what makes the outputs of a run in a folder, as each start of a command does."""
    (tmp_path / "run.h5").write_bytes(b"pixels")

    def make(command="sfx screen", of=("run.h5",), **options):
        return Outputs(command, of, [tmp_path / "run.h5"], **options)

    return make


def write(outputs, path, text):
    with outputs.replacing(outputs.claim(path)) as temporary:
        temporary.write_text(text)


def seen(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != HIDDEN)


# -- What is refused before any work


def ways_to(path):
    """Return names by which the same file can be reached."""
    folder = path.parent
    (folder / "folder").mkdir()
    (folder / "link.h5").symlink_to(path)
    (folder / "chain.h5").symlink_to("link.h5")
    os.link(path, folder / "hard.h5")
    (folder / "elsewhere").symlink_to(folder, target_is_directory=True)
    names = ["run.h5", "link.h5", "chain.h5", "hard.h5", "elsewhere/run.h5", "folder/../run.h5"]
    return [folder / name for name in names]


@pytest.mark.parametrize("force", [False, True])
def test_an_input_is_refused_by_whatever_path(outputs, tmp_path, monkeypatch, force):
    for path in ways_to(tmp_path / "run.h5"):
        with pytest.raises(InputError, match="is an input of the command"):
            outputs(force=force).claim(path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is an input of the command"):
        outputs(force=force).claim("run.h5")
    assert (tmp_path / "run.h5").read_bytes() == b"pixels"


@pytest.mark.parametrize(
    "twin", ["hits.lst", "./hits.lst", "folder/../hits.lst", "elsewhere/hits.lst", "link.lst"]
)
def test_two_outputs_that_are_one_are_refused(outputs, tmp_path, twin):
    (tmp_path / "folder").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "link.lst").symlink_to("hits.lst")  # which is not there yet
    claimed = outputs()
    claimed.claim(tmp_path / "hits.lst")
    with pytest.raises(InputError, match="two outputs cannot go to one file"):
        claimed.claim(f"{tmp_path}/{twin}")


def test_hard_links_are_one_file(outputs, tmp_path):
    (tmp_path / "a").write_text("old")
    os.link(tmp_path / "a", tmp_path / "b")
    claimed = outputs(force=True)
    claimed.claim(tmp_path / "a")
    with pytest.raises(InputError, match="two outputs cannot go to one file"):
        claimed.claim(tmp_path / "b")


def test_what_is_no_file_is_refused(outputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket has to be short
    os.mkfifo("pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        for name in (
            "pipe",
            "socket",
            "link",
            "/dev/null",
            "/dev/full",
            "/dev/stdout",
            "/dev/fd/1",
        ):
            with pytest.raises(InputError, match=r"pipe or a device; name a file\.$"):
                outputs(force=True).claim(name)
    with pytest.raises(InputError, match="this is a folder"):
        outputs(force=True).claim(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        outputs(force=True).claim(tmp_path / "none" / "hits.lst")


def test_a_folder_that_cannot_be_written_to_is_refused(outputs, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(InputError, match="no permission to write to the folder"):
        outputs().claim(tmp_path / "hits.lst")


def test_a_full_disk_is_found_out_first(outputs, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        outputs().claim(tmp_path / "hits.lst")
    assert seen(tmp_path) == ["run.h5"]


# -- What stands there already


def test_its_own_file_is_replaced_and_that_of_others_is_not(outputs, tmp_path):
    path = tmp_path / "hits.lst"
    write(outputs(), path, "first")
    write(outputs(), path, "second")
    assert path.read_text() == "second"
    for other in ({"of": ["another.h5"]}, {"command": "sfx label"}):
        with pytest.raises(InputError, match="this file is there already"):
            outputs(**other).claim(path)
    path.write_text("changed by hand")
    with pytest.raises(InputError, match="this file is there already"):
        outputs().claim(path)
    write(outputs(force=True), path, "third")
    write(outputs(), path, "fourth")
    assert path.read_text() == "fourth"


def test_a_file_that_was_there_before_is_kept(outputs, tmp_path):
    (tmp_path / "labels.txt").write_text("an hour of work")
    with pytest.raises(InputError, match="--force"):
        outputs().claim(tmp_path / "labels.txt")
    assert (tmp_path / "labels.txt").read_text() == "an hour of work"


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"command": 1}', b"\xff\0"])
def test_a_damaged_note_means_that_nothing_is_known(outputs, tmp_path, damage):
    path = tmp_path / "hits.lst"
    write(outputs(), path, "first")
    (note,) = (tmp_path / HIDDEN / "written").iterdir()
    note.write_bytes(damage)
    with pytest.raises(InputError, match="this file is there already"):
        outputs().claim(path)


def test_files_that_belong_together_are_written_together(outputs, tmp_path):
    claimed = outputs()
    paths = [claimed.claim(tmp_path / name) for name in ("names", "complete", "files")]
    with pytest.raises(RuntimeError), claimed.replacing_all(paths) as temporaries:
        temporaries[0].write_text("half")
        raise RuntimeError
    assert seen(tmp_path) == ["run.h5"]
    with claimed.replacing_all(paths) as temporaries:
        for temporary in temporaries:
            temporary.write_text(temporary.name)
    assert [path.read_text() for path in paths] == ["names", "complete", "files"]


def test_names_of_files_may_be_any_bytes(outputs, tmp_path):
    for name in (b"caf\xe9.lst", b"two\nlines.lst", b"names"):
        path = tmp_path / os.fsdecode(name)
        write(outputs(of=[str(path)]), path, "first")
        write(outputs(of=[str(path)]), path, "second")
        assert path.read_text() == "second"


# -- Standard output


def test_one_output_can_go_to_standard_output(outputs, tmp_path, capfdbinary):
    claimed = outputs()
    assert not claimed.to_stdout
    write(claimed, "-", "a list\n")
    assert claimed.to_stdout
    with pytest.raises(InputError, match="two outputs cannot both go to standard output"):
        claimed.claim("-")
    assert capfdbinary.readouterr().out == b"a list\n"
    assert seen(tmp_path) == ["run.h5"]


# -- Default names


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (["/d/r0095_2000.h5"], "r0095_2000"),
        (["/d/r0095.v2.h5"], "r0095.v2"),
        (["/d/r0095-1.cxi", "/d/r0095-2.cxi"], "r0095"),
        (["/d/r0095_09.cxi", "/d/r0095_10.cxi"], "r0095"),
        (["/d/r0095.cxi", "/d/r0095_2.cxi"], "r0095"),
        (["/a/run.h5", "/b/run.h5"], "run"),
        (["/d/x.h5", "/d/y.h5"], "x_and_1_more"),
        (["/"], "run"),
    ],
)
def test_a_run_has_a_name(paths, name):
    assert name_of_run(paths) == name


def test_a_folder_has_its_whole_name(tmp_path):
    (tmp_path / "r0095.proc").mkdir()
    assert name_of_run([tmp_path / "r0095.proc"]) == "r0095.proc"
