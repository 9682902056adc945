"""The mask that a run brings is used, and values that are no counts reach no network."""

import h5py
import numpy as np
import pytest
import torch
from sklearn.preprocessing import FunctionTransformer

from sklearn_sfx import GCN, InputError, PixelMask, open_frames
from sklearn_sfx.frames import ValueRule, describe_mask


@pytest.fixture
def cxi(tmp_path):
    values = np.random.default_rng(0).poisson(5, (12, 6, 8)).astype(np.uint16)
    mask = np.zeros((6, 8), np.uint16)
    mask[2, 3] = 1
    with h5py.File(tmp_path / "run.cxi", "w") as file:
        file["cxi_version"] = 140
        file["entry_1/data_1/data"] = values
        file["entry_1/data_1/mask"] = mask
    return tmp_path / "run.cxi", values, mask == 0


def test_a_mask_of_the_format_is_used_and_said(cxi):
    path, values, usable = cxi
    frames = open_frames(path)
    expected = np.where(usable, values, np.nan).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(frames), expected)
    assert "mask of" in describe_mask(frames)
    assert "2.1 % of the pixels" in describe_mask(frames)
    raw = open_frames(path, mask=False)
    np.testing.assert_array_equal(np.asarray(raw), values, strict=True)
    assert describe_mask(raw) == "mask: none"
    np.testing.assert_array_equal(np.asarray(frames.as_stored()), values, strict=True)


def test_a_list_of_some_frames_has_their_masks(cxi, tmp_path):
    path, values, usable = cxi
    (tmp_path / "hits.lst").write_text(f"{path} //7\n{path} //2\n")
    expected = np.where(usable, values, np.nan).astype(np.float32)[[7, 2]]
    np.testing.assert_array_equal(np.asarray(open_frames(tmp_path / "hits.lst")), expected)


def test_a_step_of_somebody_else_gets_nan(cxi):
    path, _, usable = cxi
    found = FunctionTransformer(np.log1p).fit_transform(open_frames(path))
    np.testing.assert_array_equal(np.isnan(found[0]), ~usable)


def test_numbers_of_unknown_meaning_are_left_and_said(tmp_path):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"] = np.ones((12, 6, 8), np.uint16)
        file["mask"] = np.ones((6, 8), np.uint8)
    frames = open_frames(tmp_path / "run.h5")
    assert frames.mask is None
    assert "not known what its numbers mean" in describe_mask(frames)


@pytest.mark.parametrize("name", ["/d", "d"])
def test_frames_of_bools_are_not_their_own_mask(tmp_path, name):
    lit = np.random.default_rng(0).random((3, 6, 5)) < 0.5
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["d"] = lit
    frames = open_frames(tmp_path / "run.h5", dataset=name)
    assert (frames.mask, frames.mask_origin) == (None, "")


def test_a_mask_may_be_a_file(tmp_path):
    usable = np.array([[True, False], [True, True]])
    with h5py.File(tmp_path / "mask.h5", "w") as file:
        file["mask"] = usable
    for path in (tmp_path / "mask.h5", str(tmp_path / "mask.h5")):
        frames = open_frames(np.zeros((3, 2, 2), np.uint16), mask=path)
        np.testing.assert_array_equal(frames.mask, usable)
        assert describe_mask(frames) == describe_mask(
            open_frames(np.zeros((3, 2, 2), np.uint16), mask=usable)
        )


def test_what_a_masked_array_masks_is_masked():
    values = np.arange(40, dtype=np.int16).reshape(2, 4, 5)
    array = np.ma.masked_where(values % 20 == 7, values)
    frames = open_frames(array)
    assert (frames.dtype, frames.mask_origin) == (np.float32, "the masked array")
    np.testing.assert_array_equal(np.isnan(frames), values % 20 == 7)
    np.testing.assert_array_equal(frames.as_stored(), values)
    usable = np.ones((4, 5), bool)
    usable[0, 0] = False
    both = np.isnan(open_frames(array, mask=usable))
    np.testing.assert_array_equal(both, (values % 20 == 7) | (values % 20 == 0))
    np.testing.assert_array_equal(open_frames(array, mask=False), values)
    assert open_frames(np.ma.array(values)).mask is None
    with pytest.raises(InputError, match="shape"):
        open_frames(array, mask=usable[1:])


def test_what_is_no_mask_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        open_frames(np.zeros((1, 2, 2)), mask="mask.h5")
    with h5py.File(tmp_path / "bits.h5", "w") as file:
        file["mask"] = np.ones((2, 2), np.uint16)
    with pytest.raises(InputError, match="whose meaning differs"):
        open_frames(np.zeros((1, 2, 2)), mask=tmp_path / "bits.h5")
    with pytest.raises(InputError, match="says nothing"):
        open_frames(np.zeros((1, 2, 2)), mask=True)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        *[("u4", 2**32 - 1), ("u4", 2**32 - 2), ("i4", -(2**31)), ("u2", 65535), ("i2", -(2**15))],
        *[("f4", 2**32 - 1), ("f4", -(2**31)), ("f8", 2**32 - 2), ("f8", 2**31 - 1)],
        *[("i8", 2**32 - 1), ("i8", -(2**31)), ("i8", 2**63 - 1), ("u8", 2**32 - 2)],
    ],
)
def test_no_counts_are_told_by_their_type(dtype, value):
    values = np.random.default_rng(0).poisson(5, (12, 16, 16)).astype(dtype)
    value = values.dtype.type(value)
    for number, frame in enumerate(values):
        frame[number, number] = value
    values[0, 4:12, :] = value  # a lost module
    expected = np.where(values == value, np.nan, values.astype(np.float32))
    masking = PixelMask(invalid="auto").fit(values)
    np.testing.assert_array_equal(masking.transform(values), expected)
    np.testing.assert_array_equal(np.asarray(masking.transform(open_frames(values))), expected)
    if dtype[0] != "u":  # of which torch has few
        tensor = torch.from_numpy(values)
        np.testing.assert_array_equal(masking.transform(tensor).numpy(), expected)
        assert tensor.isnan().sum() == 0
    prepared = GCN().fit_transform(masking.transform(open_frames(values)))
    assert np.nanmax(np.abs(prepared)) < 20
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(PixelMask().fit(values).transform(values), expected)


def test_counts_of_64_bits_are_rounded_as_float32_has_them():
    values = np.ones((12, 4, 4), np.int64)
    values[:, 1, 1] = 2**40 + 1
    frames = open_frames(values)
    assert frames[0][1, 1] == 2**40 + 1
    masked = PixelMask(invalid="auto").fit_transform(frames)
    assert masked[0][1, 1] == np.float32(2**40 + 1)
    np.testing.assert_array_equal(PixelMask(invalid="auto").fit_transform(values), masked)


def test_a_saturated_spot_stays():
    frame = np.full((20, 20), 30, np.uint16)
    frame[4:7, 4:7] = 25000
    frame[5, 5] = 65535  # the top of a spot
    frame[15, 15] = 65535  # alone
    bad = ValueRule(highest=65535).not_usable(frame)
    assert np.argwhere(bad).tolist() == [[15, 15]]
    spot = PixelMask(invalid="auto").fit_transform(frame[None])[0]
    assert spot[5, 5] == 65535


def test_missing_frames_do_not_hide_the_type(tmp_path):
    values = np.ones((12, 6, 8), np.uint32)
    values[3, 2, 2] = 2**32 - 1
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"] = values
    frames = open_frames(tmp_path / "run.h5", missing="nan")
    masked = PixelMask(invalid="auto").fit(frames).transform(frames)
    assert np.isnan(masked[3][2, 2])


def test_real_gaps_of_pilatus(shared_data):
    frames = open_frames(shared_data / "real" / "native" / "pilatus2m.cbf")
    assert "values below 0" in describe_mask(frames)
    assert np.nanmin(PixelMask().fit_transform(frames)[0]) >= 0
