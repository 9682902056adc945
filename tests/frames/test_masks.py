"""Masks are read by a rule that is said, and True means usable."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_sfx import (
    InputError,
    PixelMask,
    SparseMaskWarning,
    open_frames,
    read_mask,
)


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


@pytest.mark.parametrize("dtype", [np.uint64, np.int64])
def test_all_64_bits_can_be_named(dtype):
    values = np.array([[0, 1, 2**63, 2**64 - 1]], np.uint64).view(dtype)
    for bits, usable in [
        (2**64 - 1, [True, False, False, False]),
        (2**63, [True, True, False, False]),
        (1, [True, False, True, False]),
    ]:
        assert read_mask(values, bad_bits=bits)[0].tolist() == usable
    assert read_mask(values, good_bits=2**63)[0].tolist() == [False, False, True, True]
    assert read_mask(values, bad_bits="any")[0].tolist() == [True, False, False, False]


@pytest.mark.parametrize("bits", [0, -1, 2**64, True, 1.0])
def test_bits_are_1_to_64(bits):
    with pytest.raises(InputError, match="a positive integer of up to 64 bits"):
        read_mask(np.zeros((2, 2), np.uint64), bad_bits=bits)


def test_bad_files(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_mask(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("x" * 1000)
    with pytest.raises(InputError, match="is not known"):
        read_mask(tmp_path / "text.h5")
    with pytest.raises(InputError, match=r"\(5,\)"):
        read_mask(np.ones(5, bool))


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


def test_numbers_that_a_float_rounds_have_no_bits():
    values = np.array([[0, 2**24, 2**32 - 1]], np.float32)
    with pytest.raises(InputError, match="numbers that float32 rounds"):
        read_mask(values, bad_bits=1)
    assert read_mask(values[:, :2], bad_bits=1).all()
    exact = np.array([[0, 2**24, 2**32 - 1]], float)
    assert read_mask(exact, bad_bits=1).tolist() == [[True, True, False]]
