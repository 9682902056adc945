"""Geometries of odd layouts: put together as an independent reading of them does, or refused."""

import h5py
import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames, read_mask
from tests.frames.odd_geometries import COLUMNS, FRAMES, HEAD, PLACES, ROWS, STACKED, panels

pytest.importorskip("cfelpyutils")


def picture(modules, shape, beam_center):
    """Ask of each place of the image, one after the other, in which pixel of which panel it is."""
    image = np.full(shape, np.nan, np.float32)
    for row, column in np.ndindex(*shape):
        y, x = row - beam_center[0], column - beam_center[1]
        for values, (corner, fs, ss) in zip(modules, PLACES.values(), strict=True):
            step = np.array([fs, ss]).T
            along, down = np.linalg.solve(step, np.array([x, y]) - corner)
            if 0 <= along < COLUMNS and 0 <= down < ROWS:
                image[row, column] = values[int(down), int(along)]
    return image


@pytest.fixture
def opened(tmp_path):
    def open_with(text, data=None, head=HEAD, **options):
        with h5py.File(tmp_path / "run.h5", "w") as file:
            for name, values in (data or {"data": FRAMES}).items():
                file[name] = values
        (tmp_path / "det.geom").write_text(head + text)
        return open_frames(tmp_path / "run.h5", geometry=tmp_path / "det.geom", **options)

    return open_with


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (STACKED, None),
        (STACKED.replace("\n", "\r\n").replace(" = ", "\t=  "), None),
        (
            "data = /data\ndim0 = %\ndim1 = ss\ndim2 = fs\n" + panels(None, ROWS),
            {"data": FRAMES.reshape(3, -1, COLUMNS)},
        ),
        (
            "data = /%/data\ndim0 = ss\ndim1 = fs\n" + panels(None, ROWS),
            {f"tag-{n}/data": frame.reshape(-1, COLUMNS) for n, frame in enumerate(FRAMES)},
        ),
        ("data = /data\ndim0 = %\ndim2 = ss\ndim3 = fs\n" + panels(ends="+0.1z"), None),
        (STACKED + "rigid_group_q0 = p0\nrigid_group_q1 = p1\n", None),
        (STACKED + "rigid_group_collection_all = q0\nrigid_group_q0 = p0,p1\n", None),
        (STACKED + "group_all = p0,p1\npeak_list = /result\nbandwidth = 1e-3\n", None),
        (STACKED + "p0/max_adu = 10\np1/max_adu = 20\n; no_index = 1\n", None),
    ],
)
def test_each_layout_is_put_together_as_place_by_place(opened, text, data):
    run = opened(text, data)
    images = np.asarray(run)
    for image, modules in zip(images, FRAMES, strict=True):
        expected = picture(modules, image.shape, run.beam_center)
        np.testing.assert_array_equal(image, expected)
    assert 0.2 < np.isfinite(images).mean() < 0.9


@pytest.mark.parametrize(
    ("text", "data", "part"),
    [
        # As many modules as frames, so that no shape would tell one axis from the other.
        (
            "data = /data\ndim1 = %\ndim2 = ss\ndim3 = fs\n" + panels("dim0"),
            {"data": FRAMES[:2]},
            "axes 0, %, ss, fs: read are frames",
        ),
        (
            "data = /data\ndim0 = %\ndim1 = ss\ndim3 = fs\n" + panels("dim2"),
            None,
            "axes %, ss, 0, fs",
        ),
        ("data = /data\ndim0 = %\ndim2 = fs\ndim3 = ss\n" + panels(), None, "fs before ss"),
        (STACKED + "p1/res = 0\n", None, "p1/res is 0 pixels per metre"),
        (STACKED + "bad1/panel = p7\nbad1/min_fs = 0\nbad1/max_fs = 1\n", None, "panel p7"),
        (STACKED + "bad1/min_x = 0\nbad1/max_x = 1\n", None, "bad1 has no least and largest x"),
        (STACKED + "detector_shift_x = /shift mm\n", None, "only a number in m or mm"),
        (STACKED.replace("+0.98x -0.03y", "-0.04x -1.98y"), None, "no CrystFEL geom"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(opened, text, data, part):
    with pytest.raises(InputError, match=part) as caught:
        opened(text, data)
    assert len(str(caught.value)) < 400


def test_panels_of_several_datasets_are_not_taken_for_modules_of_one(opened):
    text = STACKED.replace("data = /data\n", "") + "p0/data = /a\np1/data = /b\n"
    data = {"a": FRAMES, "b": FRAMES}
    with pytest.raises(InputError, match="several datasets, /a, /b"):
        opened(text, data, dataset="/a")


def test_a_shift_of_the_detector_moves_the_beam(opened):
    row, column = opened(STACKED).beam_center
    run = opened(STACKED + "detector_shift_x = 1.0 mm\ndetector_shift_y = -0.0005\n")
    assert run.beam_center == pytest.approx((row + 5, column - 10))


@pytest.mark.parametrize("wavelength", ["1.5 A", "1.5e-10 m"])
def test_a_wavelength_may_be_given_as_one(opened, wavelength):
    run = opened("wavelength = " + wavelength + "\n" + STACKED, head=HEAD.partition("\n")[2])
    assert run.facts.wavelength == pytest.approx(1.5)


def test_a_distance_or_an_energy_behind_a_path_is_not_known(opened):
    head = HEAD.replace("9000 eV", "/LCLS/photon_energy_eV eV")
    head = head.replace("clen = 0.1", "clen = /LCLS/EncoderValue mm\ncoffset = 0.58")
    run = opened(STACKED, head=head)
    assert (run.facts.distance, run.facts.wavelength) == (None, None)


def test_a_mask_of_each_frame_is_not_lost(opened, tmp_path):
    bad = np.zeros(FRAMES.shape, np.uint16)
    bad[0, 0] = bad[2, 1, :3] = 4
    text = STACKED.replace("data = ", "mask0_data = /deep/bad\nmask0_badbits = 0x4\ndata = ")
    data = {"data": FRAMES, "deep/bad": bad}
    with pytest.raises(InputError, match=r"another one for each frame: give it.*bad_bits=0x4"):
        opened(text, data)
    whole = opened(text, data, mask=False)
    mask = read_mask(tmp_path / "run.h5", dataset="/deep/bad", bad_bits=4)
    run = opened(text, data, mask=mask)
    lost = np.isfinite(np.asarray(whole)).sum((1, 2)) - np.isfinite(np.asarray(run)).sum((1, 2))
    assert lost[1] == 0
    assert lost[0] == pytest.approx(ROWS * COLUMNS, abs=4)
    assert lost[2] == pytest.approx(3 * COLUMNS, abs=5)


MASKED = STACKED.replace("data = ", "mask0_data = /bad\nmask0_badbits = 0x4\ndata = ")


def test_a_mask_in_the_file_of_frames_that_are_in_memory_is_asked_for(opened, tmp_path):
    bad = np.zeros((2 * ROWS, COLUMNS), np.uint16)
    bad[0, :3] = 4
    whole = opened(MASKED, {"data": FRAMES, "bad": bad})
    geometry, stacked = tmp_path / "det.geom", FRAMES.reshape(len(FRAMES), *bad.shape)
    with pytest.raises(InputError, match=r"/bad, which .* lies in the file of the frames.*mask="):
        open_frames(stacked, geometry=geometry)
    mask = read_mask(tmp_path / "run.h5", dataset="/bad", bad_bits=4)
    given = open_frames(stacked, geometry=geometry, mask=mask)
    np.testing.assert_array_equal(np.asarray(given), np.asarray(whole))
    everything = open_frames(stacked, geometry=geometry, mask=False)
    assert np.isfinite(np.asarray(everything)).sum() > np.isfinite(np.asarray(whole)).sum()


def test_masks_of_files_that_differ_are_not_taken_for_each_other(opened, tmp_path):
    bad = np.zeros((2 * ROWS, COLUMNS), np.uint16)
    opened(MASKED, {"data": FRAMES, "bad": bad})
    (tmp_path / "run.h5").rename(tmp_path / "first.h5")
    both = [tmp_path / "first.h5", tmp_path / "run.h5"]
    opened(MASKED, {"data": FRAMES + 1, "bad": bad})
    assert len(open_frames(both, geometry=tmp_path / "det.geom")) == 6
    bad[0, :3] = 4
    opened(MASKED, {"data": FRAMES, "bad": bad})
    with pytest.raises(InputError, match=r"is one in .*first\.h5 and another in .*run\.h5"):
        open_frames(both, geometry=tmp_path / "det.geom")


def test_modules_that_a_geometry_does_not_name_are_said(opened):
    one = STACKED.partition("p1/")[0]
    assert opened(one).facts.note == "the geometry has 1 of 2 modules"
    assert opened(STACKED).facts.note == ""
