"""Masks are read by a rule that is said, and True means usable."""

import warnings

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_sfx import (
    Frames,
    InputError,
    PixelMask,
    SparseMaskWarning,
    open_frames,
    read_mask,
)


@pytest.fixture
def mask_file(tmp_path):
    """Return a function that writes datasets to a file."""

    def write(**datasets):
        path = tmp_path / "mask.h5"
        with h5py.File(path, "w") as file:
            for name, values in datasets.items():
                file[name] = values
        return path

    return write


@settings(deadline=None)
@given(
    values=hnp.arrays(st.sampled_from([np.uint16, np.int32, np.uint32, np.float64]), (3, 4),
                      elements=st.integers(0, 32767)),
    good=st.integers(1, 2**16), bad=st.integers(1, 2**16),
)  # fmt: skip
def test_the_rule_is_that_of_bits(values, good, bad):
    usable = read_mask(values, good_bits=good, bad_bits=bad)
    for found, value in zip(usable.flat, values.flat, strict=True):
        assert found == ((int(value) & good) == good and (int(value) & bad) == 0)
    np.testing.assert_array_equal(read_mask(values, bad_bits="any"), values == 0)


def test_bools_need_no_rule(mask_file):
    usable = np.array([[True, False, True]])
    np.testing.assert_array_equal(read_mask(usable), usable)
    np.testing.assert_array_equal(read_mask(mask_file(anything=usable)), usable)
    np.testing.assert_array_equal(read_mask(usable, bad_bits="any"), ~usable)


def test_numbers_need_a_rule(mask_file):
    path = mask_file(mask=np.zeros((3, 4), np.uint8))
    with pytest.raises(InputError, match=r"mask of .*mask\.h5 has numbers .*good_bits.*bad_bits"):
        read_mask(path)
    with pytest.raises(InputError, match="the array has numbers"):
        read_mask(np.zeros((3, 4), int))


@pytest.mark.parametrize(
    "options",
    [{"good_bits": 0}, {"bad_bits": -1}, {"bad_bits": "all"}, {"good_bits": "any"},
     {"bad_bits": 1.0}, {"good_bits": True}],
    ids=str,
)  # fmt: skip
def test_refuses_other_rules(options):
    with pytest.raises(InputError, match=next(iter(options))):
        read_mask(np.zeros((2, 2), int), **options)


@pytest.mark.parametrize("values", [np.array([[0.5]]), np.array([[np.nan]])])
def test_fractions_have_no_bits(values):
    with pytest.raises(InputError, match="no bits"):
        read_mask(values, bad_bits="any")


def test_which_dataset(mask_file):
    one, two = np.ones((2, 3), bool), np.zeros((2, 3), bool)
    np.testing.assert_array_equal(read_mask(mask_file(a=two, mask=one)), one)
    np.testing.assert_array_equal(read_mask(mask_file(a=two, mask=one), dataset="a"), two)
    with pytest.raises(InputError, match=r"mask\.h5 has no dataset called .*dataset="):
        read_mask(mask_file(a=two, b=one))
    with pytest.raises(InputError, match=r"several masks: /entry/mask, /mask; .*dataset="):
        read_mask(mask_file(mask=one, **{"entry/mask": two}))
    with pytest.raises(InputError, match=r"no dataset c for a mask; it has /a, /b"):
        read_mask(mask_file(a=two, b=one), dataset="c")
    with pytest.raises(InputError, match=r"shape \(6,\)"):
        read_mask(mask_file(mask=np.ones(6, bool)))
    with pytest.raises(InputError, match="no dataset called"):  # frames are not a mask
        read_mask(mask_file(images=np.ones((3, 4, 5), int)), bad_bits="any")
    with pytest.raises(InputError, match="no number"):
        read_mask(mask_file(mask=np.full((2, 2), b"x")))


def test_bad_files(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_mask(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("x" * 1000)
    with pytest.raises(InputError, match="not an HDF5 file"):
        read_mask(tmp_path / "text.h5")
    with pytest.raises(InputError, match=r"\(5,\)"):
        read_mask(np.ones(5, bool))


@pytest.mark.parametrize("layout", ["cheetah-closed", "cheetah-unclosed"])
def test_masks_per_frame_of_cheetah(write, pixels, layout):
    path = write(layout)
    mask = read_mask(path, bad_bits=0b1001)
    assert isinstance(mask, Frames)
    assert (mask.shape, mask.dtype) == (pixels.shape, bool)
    usable = np.ones(pixels.shape, bool)
    usable[:, 0, 0] = usable[1, 2, 1] = False
    np.testing.assert_array_equal(np.asarray(mask), usable)
    frames = open_frames(path, mask=mask)
    np.testing.assert_array_equal(frames[[1, 0]].mask, usable[[1, 0]])
    shared = read_mask(path, dataset="/entry_1/data_1/mask_shared", bad_bits="any")
    assert shared.shape == pixels.shape[1:]


def test_masks_per_frame_of_several_files(write, pixels):
    paths = [write("cheetah-closed", name=name) for name in ("a.cxi", "b.cxi")]
    mask = read_mask(paths, bad_bits=1)
    assert mask.shape == (14, 6, 5)
    assert not mask[8][2, 1]
    assert open_frames(paths, mask=mask).mask[[8]][0][2, 2]


def test_one_mask_is_not_a_list(write, mask_file):
    path = mask_file(mask=np.ones((6, 5), bool))
    with pytest.raises(InputError, match=r"one mask of shape \(6, 5\): give that file alone"):
        read_mask([path, path])


def test_masks_of_modules_are_stacked(write, pixels, tmp_path):
    path = write("extra-data-modules")
    mask = read_mask(path, bad_bits="any")
    usable = np.ones(pixels.shape, bool)
    usable[1, 3, 0] = False
    np.testing.assert_array_equal(np.asarray(mask), usable)
    open_frames(path, mask=mask)
    arrays = read_mask(usable.reshape(7, 2, 3, 5))
    np.testing.assert_array_equal(np.asarray(arrays), usable)
    with h5py.File(path, "r+") as file:
        del file["entry_1/instrument_1/detector_1/mask"]
        file["entry_1/instrument_1/detector_1/mask"] = usable[1].reshape(2, 3, 5)
    np.testing.assert_array_equal(read_mask(path), usable[1])


def test_psocake_masks_are_floats(write):
    mask = read_mask(write("psocake"), bad_bits="any")
    assert mask.shape == (6, 5)
    assert mask.all()


def test_real_masks(shared_data):
    path = shared_data / "real" / "thaumatin_grid.cxi"
    mask = read_mask(path, bad_bits="any")
    frames = open_frames(path, mask=mask)
    gaps = frames[0] < 0
    assert not mask[gaps].any()
    assert 0.9 < mask.mean() < 1
    rayonix = read_mask(shared_data / "real" / "rayonix_mfx_mask.h5")
    run = open_frames(shared_data / "real" / "rayonix_mfx.h5", mask=rayonix)
    assert run.mask.shape == (1920, 1920)
    with pytest.raises(InputError, match="shape"):
        open_frames(path, mask=rayonix)


@pytest.mark.parametrize(("share", "asked"), [(0.4, True), (0.6, False)])
def test_a_mask_that_leaves_few_pixels_is_asked_about(share, asked):
    mask = np.arange(100).reshape(10, 10) < 100 * share
    frames = np.ones((12, 10, 10), np.uint16)
    for use in (lambda: open_frames(frames, mask=mask), lambda: PixelMask(mask).fit(frames)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            use()
        assert [w.category for w in caught] == [SparseMaskWarning] * asked
        assert all("leaves 40.0% of the pixels" in str(w.message) for w in caught)
