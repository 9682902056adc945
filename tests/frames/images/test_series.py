"""A series of single images, of which some are damaged."""

import numpy as np
import pytest
from fabio.tifimage import TifImage

from sklearn_sfx import InputError, open_frames
from sklearn_sfx.exceptions import RepeatedFramesWarning

N_IMAGES = 5


@pytest.fixture
def series(tmp_path):
    """Return the paths of five TIFF images, number i of which holds i everywhere."""
    paths = [tmp_path / f"image_{number}.tif" for number in range(N_IMAGES)]
    for number, path in enumerate(paths):
        TifImage(data=np.full((30, 40), number, np.uint16)).write(str(path))
    return paths


def empty(path):
    path.write_bytes(b"")


def cut_off(path):
    path.write_bytes(path.read_bytes()[:60])


@pytest.mark.parametrize("damage", [empty, cut_off])
@pytest.mark.parametrize("numbers", [(0,), (2, 4)])
def test_a_damaged_file_is_a_frame_that_cannot_be_read(series, damage, numbers):
    for number in numbers:
        damage(series[number])
    frames = open_frames(series, missing="nan")
    assert [(gone.start, gone.stop) for gone in frames.unreadable] == [(n, n + 1) for n in numbers]
    for number, gone in zip(numbers, frames.unreadable, strict=True):
        assert str(series[number]) in gone.reason
    expected = np.arange(N_IMAGES, dtype=float)
    expected[list(numbers)] = np.nan
    np.testing.assert_array_equal(np.asarray(frames).mean(axis=(1, 2)), expected)
    np.testing.assert_array_equal(np.asarray(frames[::2])[:, 3, 4], expected[::2])
    assert [source.path for source in frames.sources] == [str(path) for path in series]
    with pytest.raises(InputError, match=rf"{len(numbers)} of 5 frames .*{series[numbers[0]]}"):
        open_frames(series)


@pytest.mark.parametrize("damage", [empty, cut_off])
@pytest.mark.parametrize("event", ["", " //"])
@pytest.mark.parametrize("number", [0, 3])
def test_so_it_is_in_a_list(series, tmp_path, damage, event, number):
    damage(series[number])
    order = [4, number, 1, number, 2]
    listed = tmp_path / "images.lst"
    listed.write_text("".join(f"{series[i].name}{event}\n" for i in order))
    frames = open_frames(listed, missing="nan")
    assert [(gone.start, gone.stop) for gone in frames.unreadable] == [(1, 2), (3, 4)]
    np.testing.assert_array_equal(np.asarray(frames)[:, 3, 4], [4, np.nan, 1, np.nan, 2])
    assert [source.path for source in frames.sources] == [str(series[i]) for i in order]
    with pytest.raises(InputError, match=rf"2 of 5 frames .*Line 2 of .*{series[number].name}"):
        open_frames(listed)


def test_a_list_among_the_images_that_it_names_adds_no_frames(series, tmp_path):
    listed = tmp_path / "image_list.txt"
    listed.write_text("".join(f"{path}\n" for path in series))
    with pytest.warns(RepeatedFramesWarning, match=r"image_list\.txt leads to 5 files"):
        frames = open_frames(str(tmp_path / "image_*"))
    np.testing.assert_array_equal(np.asarray(frames)[:, 3, 4], range(N_IMAGES))
    listed.write_text(2 * f"{series[1]}\n")
    with pytest.raises(InputError, match=r"image_list\.txt leads to .*image_1\.tif.* only one"):
        open_frames(str(tmp_path / "image_*"))


@pytest.mark.parametrize("damage", [empty, cut_off])
def test_a_run_of_nothing_else_is_refused(series, damage):
    for path in series:
        damage(path)
    with pytest.raises(InputError, match=str(series[0])):
        open_frames(series, missing="nan")


def test_of_a_file_of_several_images_it_is_not_known_how_many_are_lost(series, tmp_path):
    empty(tmp_path / "empty.npy")
    np.save(tmp_path / "three.npy", np.ones((3, 30, 40), np.uint16))
    for others in ([tmp_path / "three.npy"], [tmp_path / "three.npy", *series]):
        with pytest.raises(InputError, match=r"empty\.npy"):
            open_frames([*others, tmp_path / "empty.npy"], missing="nan")


def test_another_file_among_the_images_is_no_lost_frame(series, tmp_path):
    (tmp_path / "notes.tif").write_text("the beam was lost at ten")
    with pytest.raises(InputError, match=r"notes\.tif is not known"):
        open_frames([*series, tmp_path / "notes.tif"], missing="nan")
    with pytest.raises(InputError, match=r"no file .*image_9\.tif"):
        open_frames([*series, tmp_path / "image_9.tif"], missing="nan")


def test_where_the_others_differ_that_is_said_and_not_the_damage(series):
    empty(series[1])
    TifImage(data=np.ones((20, 40), np.uint16)).write(str(series[3]))
    with pytest.raises(InputError, match=r"must have one shape.*image_3\.tif"):
        open_frames(series, missing="nan")
