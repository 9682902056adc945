"""Lists of files and events as CrystFEL reads them, and as its hits are written here."""

import os
import pickle

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_sfx import open_frames, read_mask
from sklearn_sfx.frames import are_simulated
from sklearn_sfx.frames._crystfel_list import split_line
from sklearn_sfx.screening import Scores


@pytest.fixture
def listed(tmp_path, write, pixels, monkeypatch):
    """Write two runs, and return a function that writes a list of them, from another folder."""
    write("om-bitshuffle-zstd", name="a run.cxi")
    write("cxidb76-by-hand", name="b.h5")
    np.save(tmp_path / "one.npy", pixels[4])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def write_list(text, name="hits.lst"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_list


def test_events_are_frames_in_their_order(listed, pixels):
    lines = [
        "a run.cxi //5",
        "b.h5 chunk_0000001//0",
        "a run.cxi //0",
        "a run.cxi //5",
        "one.npy //",
    ]
    frames = open_frames(listed("\n".join(lines)))
    np.testing.assert_array_equal(np.asarray(frames), pixels[[5, 3, 0, 5, 4]])
    assert [source.event for source in frames.sources] == [
        "//5", "chunk_0000001//0", "//0", "//5", "//",
    ]  # fmt: skip
    assert frames.metadata["identifier"].tolist() == ["id-5", "", "id-0", "id-5", ""]
    view = frames[[4, 1, 1]]
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(view))), pixels[[4, 3, 3]])


def test_a_line_without_event_is_a_whole_file(listed, pixels):
    frames = open_frames(listed("b.h5\na run.cxi //2\nb.h5"))
    np.testing.assert_array_equal(np.asarray(frames), pixels[[*range(7), 2, *range(7)]])


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfb.h5 chunk_0000001//2\r\n\r\na run.cxi //1\r\n",
        b"\n  \nb.h5\tchunk_0000001//2\n\na run.cxi  //1  ",
        b"b.h5 chunk_0000001//2\na run.cxi // 00001\n",  # as OM writes it
    ],
)
def test_the_same_lines_written_otherwise(listed, pixels, text):
    np.testing.assert_array_equal(np.asarray(open_frames(listed(text))), pixels[[5, 1]])


def test_the_name_of_the_list_says_nothing(listed, pixels):
    frames = open_frames(listed("a run.cxi //3\n", name="frames.txt"))
    np.testing.assert_array_equal(np.asarray(frames), pixels[[3]])


def test_the_two_names_of_an_only_frame(listed, pixels):
    frames = open_frames(listed("one.npy //0\none.npy //\none.npy"))
    np.testing.assert_array_equal(np.asarray(frames), pixels[[4, 4, 4]])


def test_hits_are_a_run(listed, tmp_path, pixels):
    run = open_frames([tmp_path / "a run.cxi", tmp_path / "b.h5"])
    keep = np.arange(14) % 3 == 0
    scores = Scores(run.sources, np.zeros(14), keep, None, 0.5)
    scores.write_hits(tmp_path / "own.lst")
    hits = open_frames(tmp_path / "own.lst")
    np.testing.assert_array_equal(np.asarray(hits), np.concatenate([pixels, pixels])[keep])
    assert hits.sources == run[keep].sources


def test_names_are_looked_for_where_one_works_and_beside_the_list(
    listed, tmp_path, pixels, refused
):
    path = listed("b.h5 chunk_0000000//0\n")
    os.chdir(tmp_path)
    assert len(open_frames(path)) == 1
    os.chdir(tmp_path / "elsewhere")
    with h5py.File("b.h5", "w") as file:
        file["data"] = pixels
    refused(path, path, "Line 1", "absolute path")
    os.unlink("b.h5")
    os.symlink(tmp_path / "b.h5", "b.h5")  # the same file
    assert len(open_frames(path)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a run.cxi //0\ngone.h5 //3", ["Line 2", "no file gone.h5", "looked for in"]),
        ("a run.cxi //0\n\n/gone.h5", ["Line 3", "no file /gone.h5."]),
        ("a run.cxi //7", ["Line 1", "no event //7", "//0 to //6"]),
        ("b.h5 //0", ["no event //0", "chunk_0000000//0 to chunk_0000001//3"]),
        ("one.npy //1", ["no event //1", "are //"]),
        ("hits.lst", ["Line 1", "a list itself"]),
        ("a run.cxi\nsmall.npy", ["Line 2", "one shape"]),
        ("a run.cxi\nempty", ["Line 2", "is empty"]),
        ("\n\n", ["lists no frame"]),
    ],
)
def test_what_is_wrong_is_said_with_its_line(listed, tmp_path, text, said, refused):
    np.save(tmp_path / "small.npy", np.zeros((2, 2)))
    (tmp_path / "empty").touch()
    path = listed(text)
    refused(path, path, *said)


def test_frames_of_one_name_cannot_be_told_apart(listed, monkeypatch, refused):
    from sklearn_sfx.frames import FrameOrigin
    from sklearn_sfx.frames._npy import NumpySource

    monkeypatch.setattr(NumpySource, "origin", lambda self, i: FrameOrigin("x", i, "same//"))
    np.save("three.npy", np.zeros((3, 4, 5)))
    refused(listed("three.npy same//"), "several frames", "same//")


def test_no_other_text_is_a_list(listed, refused):
    refused(listed("photon_energy = 9500\nadu_per_eV = 0.001\n", name="x.geom"), "not known")
    refused(listed("b.h5 [1] HIT\n", name="labels.txt"), "not known")
    refused(listed(b"\0\1\2\3 //3\n"), "not known")


def test_mask_and_simulation_are_those_of_the_files(tmp_path, mask_file, pixels):
    usable = np.ones((6, 5), bool)
    usable[2, 3] = False
    path = mask_file(data=pixels, mask=usable)
    (tmp_path / "x.lst").write_text("mask.h5 //3\nmask.h5 //4\n")
    np.testing.assert_array_equal(read_mask(tmp_path / "x.lst"), usable)
    assert not are_simulated(open_frames(tmp_path / "x.lst").sources)
    with h5py.File(path, "r+") as file:
        file.attrs["simulated"] = True
    assert are_simulated(open_frames(tmp_path / "x.lst").sources)


@pytest.mark.parametrize("n_masked", [0, 1, 2])
def test_a_named_dataset_is_that_of_the_frames_and_not_of_their_mask(tmp_path, pixels, n_masked):
    usable = np.ones(pixels.shape[1:], bool)
    usable[2, 3] = False
    for i in range(2):
        with h5py.File(tmp_path / f"{i}.h5", "w") as file:
            file["a/data"], file["b/data"] = pixels + 1, pixels
            if i < n_masked:
                file["b/mask"] = usable
    (tmp_path / "x.lst").write_text("0.h5 //1\n1.h5 //2\n")
    expected = pixels[[1, 2]].astype(np.float32)
    expected[:n_masked, 2, 3] = np.nan
    np.testing.assert_array_equal(open_frames(tmp_path / "x.lst", dataset="/b/data"), expected)
    alone = open_frames(tmp_path / "0.h5", dataset="/b/data")
    assert np.isnan(alone[1][2, 3]) == (n_masked > 0)


NAMES = st.text(st.characters(exclude_characters="\n\r\t", codec="utf-8"), min_size=1).map(
    str.strip
)


@given(NAMES.filter(lambda name: name and "//" not in name), st.integers(0, 10**6))
def test_lines_are_taken_apart_as_they_are_written(name, number):
    assert split_line(1, f"{name} //{number}") == (1, name, f"//{number}")
    assert split_line(1, f"{name} a/b//{number}/2") == (1, name, f"a/b//{number}/2")
    assert split_line(1, name) == (1, name, None)
