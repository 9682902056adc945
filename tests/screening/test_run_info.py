"""What a run is said to be: known answers on small runs."""

import json

import h5py
import numpy as np
import pytest

from sklearn_sfx import GCN, CentralCrop, Frames, InputError, UnreadableFrame, open_frames
from sklearn_sfx._methods import METHODS
from sklearn_sfx.frames import ArraySource, Facts, Unreadable, Window
from sklearn_sfx.screening import draw_run, run_info

HIGH = 65535


class Told(ArraySource):
    """Frames of which a file would say something."""

    facts = Facts("CXI", "/data", saturation=1000.0, lowest=2.0, no_data=(-1.0, 7.0))

    def metadata(self, positions):
        return {"wavelength": 1.0 + 0.25 * np.asarray(positions), "distance": positions * np.nan}


@pytest.fixture
def pixels():
    pixels = np.full((4, 10, 20), 10, np.uint16)
    pixels[:, 0, 0] = 7  # no data, says the file
    pixels[:, 0, 1] = HIGH  # no data, says the type of the numbers
    pixels[:, 0, 2:4] = 1000  # saturated
    pixels[:, 0, 4] = 1  # below the least
    pixels[2, 5, 5] = 500
    pixels[1, 6, 6] = 3
    return pixels


def test_values_are_told_apart(pixels):
    sample = run_info(Frames(Told(pixels)), crop=10).sample
    assert (sample.n_frames, sample.lowest, sample.highest) == (4, 3.0, 500.0)
    used = pixels[(pixels >= 2) & (pixels < 1000) & (pixels != 7)]
    assert sample.mean == pytest.approx(used.mean())
    assert sample.no_data == ((-1.0, 0.0), (7.0, 1 / 200), (float(HIGH), 1 / 200))
    assert (sample.saturated, sample.below, sample.not_finite) == (2 / 200, 1 / 200, 0.0)
    assert sample.usable is None


def test_only_what_the_mask_leaves_counts(pixels):
    mask = np.ones((10, 20), bool)
    mask[0] = False
    info = run_info(Frames(Told(pixels), mask=mask), crop=10)
    assert info.sample.usable == 0.9
    assert info.sample.saturated == info.sample.below == 0
    assert dict(info.sample.no_data)[HIGH] == 0
    assert "leaves 90.0% of the pixels" in str(info)
    each = np.broadcast_to(mask, pixels.shape).copy()
    each[3, 5:] = False
    assert run_info(Frames(Told(pixels), mask=each), crop=10).sample.usable == (3 * 180 + 80) / 800


def test_the_ends_of_types_and_nan():
    signed = np.array([[[0, -(2**31), 2**31 - 1, 5]]], np.int32)
    sample = run_info(open_frames(signed), crop=1).sample
    assert (sample.lowest, sample.highest) == (0.0, 5.0)
    assert sample.no_data == ((2.0**31 - 1, 0.25), (-(2.0**31), 0.25))
    floats = np.array([[[np.nan, np.inf, 1.5, 65535.0]]])
    sample = run_info(open_frames(floats), crop=1).sample
    assert (sample.lowest, sample.highest, sample.no_data) == (1.5, 65535.0, ())
    assert sample.not_finite == 0.5
    sample = run_info(open_frames(np.full((1, 2, 2), np.nan)), crop=1).sample
    assert sample.lowest is sample.mean is sample.highest is None


def test_a_value_that_the_type_cannot_hold_is_not_found(pixels):
    source = ArraySource(np.full((1, 4, 4), HIGH, np.uint16))
    source.facts = Facts(no_data=(-1.0, 0.5, 2.0**32 - 1))
    shares = dict(run_info(Frames(source), crop=4).sample.no_data)
    assert shares == {-1.0: 0.0, 0.5: 0.0, 2.0**32 - 1: 0.0, float(HIGH): 1.0}


def test_what_is_known_of_the_run(pixels):
    info = run_info(Frames(Told(pixels)), crop=10)
    assert (info.n_frames, info.frame_shape, info.dtype) == (4, (10, 20), "uint16")
    assert info.facts is Told.facts
    assert info.wavelength == (1.0, 1.75)
    assert info.distance is None  # NaN for every frame
    assert info.files == ()
    assert info.unreadable == ()
    assert {part.method for part in info.looked_at} == set(METHODS)
    for part in info.looked_at:
        assert part.window == Window(0, 5, 10, 10)
        assert part.share == 0.5
    too_large = run_info(Frames(Told(pixels)), crop=11)
    assert all(part.window is None and part.reason for part in too_large.looked_at)


def test_steps_are_not_run_and_few_frames_are_read(pixels):
    class Counting(Told):
        read_rows = ()

        def read(self, position, window, out):
            Counting.read_rows += (position,)
            super().read(position, window, out)

    frames = Frames(Counting(np.concatenate([pixels] * 5)))
    info = run_info(GCN().fit_transform(CentralCrop(8).fit_transform(frames)), n_frames=3, crop=8)
    assert Counting.read_rows == (0, 9, 19)
    assert info.frame_shape == (8, 8)
    assert info.dtype == "uint16"


def test_frames_that_cannot_be_read_are_told(pixels):
    class Damaged(Told):
        unreadable = (Unreadable(2, 4, "the file b.h5 is gone"),)

        def read(self, position, window, out):
            if position != 1:
                raise UnreadableFrame(f"Frame {position} is gone.")
            super().read(position, window, out)

    info = run_info(Frames(Damaged(pixels)), crop=10)
    assert info.sample.n_frames == 1
    assert info.unreadable == (
        Unreadable(0, 1, "Frame 0 is gone"),
        Unreadable(2, 4, "the file b.h5 is gone"),
    )
    assert "frames [3] to [4]: the file b.h5 is gone" in str(info)


def test_frames_of_nan_do_not_count_as_values(tmp_path):
    for name in "ab":
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["data"] = np.full((2, 16, 16), 3, np.uint32)
    layout = h5py.VirtualLayout((4, 16, 16), np.uint32)
    for i, name in enumerate("ab"):
        layout[2 * i : 2 * i + 2] = h5py.VirtualSource(f"{name}.h5", "data", (2, 16, 16))
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    (tmp_path / "b.h5").unlink()
    info = run_info(open_frames(tmp_path / "run.h5", missing="nan"), crop=4)
    assert (info.dtype, info.n_frames, info.sample.n_frames) == ("uint32", 4, 2)
    assert info.sample.not_finite == 0
    assert info.sample.no_data == ((2.0**32 - 1, 0.0),)
    assert [row for gone in info.unreadable for row in range(gone.start, gone.stop)] == [2, 3]
    assert all("b.h5" in gone.reason for gone in info.unreadable)


def test_json_holds_all_of_it(pixels):
    info = run_info(Frames(Told(pixels)), crop=10)
    read = json.loads(json.dumps(info.to_dict(), allow_nan=False))
    assert read["facts"]["saturation"] == 1000
    assert read["facts"]["beam_center"] is None
    assert read["sample"]["no_data"][1] == {"value": 7.0, "share": 0.005}
    assert read["looked_at"][0]["window"] == {"top": 0, "left": 5, "height": 10, "width": 10}
    assert read["wavelength"] == [1.0, 1.75]
    assert set(read) == set(vars(info))


@pytest.mark.parametrize("frames", [[], np.zeros((2, 3, 4)), open_frames(np.zeros((2, 3, 4)))[:0]])
def test_no_run_is_refused(frames):
    with pytest.raises(InputError, match="open_frames"):
        run_info(frames)


def test_fewer_than_one_frame_is_refused(pixels):
    with pytest.raises(InputError, match="n_frames"):
        run_info(Frames(Told(pixels)), n_frames=0)


# -- The picture


def test_the_picture_shows_centre_and_part(pixels):
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")
    source = Told(pixels)
    source.facts = Facts(beam_center=(4.0, 9.0), no_data=(7.0,))
    frames = Frames(source)
    (ax,) = draw_run(frames, run_info(frames, crop=10)).axes
    (cross,) = ax.lines
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (9.0, 4.0)
    (box,) = ax.patches  # one for both methods
    assert box.get_bbox().bounds == (3.5, -0.5, 10.0, 10.0)  # about the beam, within the frame
    assert box.get_label() == f"looked at by {', '.join(METHODS)}"
    drawn = ax.images[0].get_array()
    assert drawn.mask[0, 0]  # no data
    assert drawn.mask[0, 1]
    assert not drawn.mask[5, 5]


def test_the_picture_is_of_a_frame_that_can_be_read(pixels):
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")

    class Damaged(Told):
        def read(self, position, window, out):
            if position < self.n_gone:
                raise UnreadableFrame(f"Frame {position} is gone.")
            super().read(position, window, out)

    source = Damaged(pixels)
    source.n_gone, frames = 2, Frames(source)
    (ax,) = draw_run(frames, run_info(frames, crop=10)).axes
    assert ax.get_title() == "frame [3]"
    source.n_gone = 4
    with pytest.raises(InputError, match="No frame"):
        draw_run(frames, run_info(frames, crop=10))
