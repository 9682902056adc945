"""Several files are one run: their frames, one after the other, whatever wrote them."""

import pickle

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_sfx import Frames, InputError, open_frames
from sklearn_sfx.frames import ArraySource, FrameOrigin
from sklearn_sfx.frames._joined_source import JoinedSource, join_sources

PARTS = st.lists(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.float32]),
        st.tuples(st.integers(1, 4), st.just(2), st.just(3)),
        elements=st.integers(0, 100),
    ),
    min_size=1,
    max_size=5,
)


class Named:
    """Frames of a file that says of each what it is given."""

    def __init__(self, path, n_frames=1, advice="", **known):
        self.shape, self.dtype = (n_frames, 2, 3), np.dtype(np.uint16)
        self.path, self.advice, self.known = path, advice, known

    def read(self, position, window, out):
        out[...] = position

    def origin(self, position):
        return FrameOrigin(self.path, position, f"//{position}")

    def metadata(self, positions):
        return {name: np.asarray(values)[positions] for name, values in self.known.items()}


@given(PARTS, st.data())
def test_a_run_is_its_parts_one_after_the_other(parts, data):
    joined = Frames(join_sources([ArraySource(part) for part in parts]))
    whole = np.concatenate(parts)
    np.testing.assert_array_equal(np.asarray(joined), whole, strict=True)
    rows = st.integers(-len(whole), len(whole) - 1)
    index = data.draw(st.one_of(st.slices(len(whole)), st.lists(rows, max_size=9)))
    view = joined[index]
    wanted = whole[index] if isinstance(index, slice) else whole[np.array(index, int)]
    np.testing.assert_array_equal(np.asarray(view), wanted, strict=True)
    again = pickle.loads(pickle.dumps(view))
    np.testing.assert_array_equal(np.asarray(again), wanted, strict=True)


def test_a_source_alone_is_not_wrapped():
    source = Named("a")
    assert join_sources([source]) is source


def test_joined_sources_are_taken_apart():
    a, b, c = Named("a"), Named("b"), Named("c")
    joined = JoinedSource([JoinedSource([a, b]), JoinedSource([c, a])])
    assert [joined.origin(i).path for i in range(4)] == ["a", "b", "c", "a"]
    assert joined._parts == (a, b, c, a)


def test_metadata_are_joined_where_only_some_have_them():
    joined = JoinedSource(
        [
            Named("a", 2, wavelength=[1.0, 1.5], identifier=["x", "y"], centre=[[1, 2], [3, 4]]),
            Named("b", 1, wavelength=[2.0], number=[7]),
            Named("a", 1, wavelength=[3.0], identifier=["longer"], centre=[[5, 6]]),
        ]
    )
    known = joined.metadata(np.array([3, 0, 2, 1]))
    np.testing.assert_array_equal(known["wavelength"], [3.0, 1.0, 2.0, 1.5])
    assert known["identifier"].tolist() == ["longer", "x", "", "y"]
    np.testing.assert_array_equal(known["number"], [np.nan, np.nan, 7, np.nan])
    np.testing.assert_array_equal(known["centre"], [[5, 6], [1, 2], [np.nan, np.nan], [3, 4]])
    assert joined.metadata(np.array([2]))["number"].dtype.kind == "i"
    assert joined.metadata(np.array([], int)) == {}


def test_advice_is_that_of_a_part():
    assert JoinedSource([Named("a"), Named("b")]).advice == ""
    assert JoinedSource([Named("a"), Named("b", advice="Do."), Named("c")]).advice == "Do."


def test_a_long_list_of_files_pickles_what_a_view_needs():
    run = Frames(JoinedSource([Named(f"/data/{i}.cbf", 3) for i in range(10_000)]))
    one = len(pickle.dumps(Frames(JoinedSource([Named("/data/0.cbf", 3)]))))
    for view in (run[[29_999, 0, 15_000]], run[14_998:15_002], run[29_999:29_990:-4], run[:0]):
        pickled = pickle.dumps(view)
        assert len(pickled) < 5 * one
        again = pickle.loads(pickled)
        assert again.sources == view.sources
        assert again.shape == view.shape
    assert pickle.loads(pickle.dumps(run[::2999])).sources == run[::2999].sources


def test_shapes_differ():
    a, b = ArraySource(np.zeros((2, 4, 5))), ArraySource(np.zeros((2, 4, 6)))
    with pytest.raises(InputError, match=r"one shape.* 4 x 5 in an array .*and 4 x 6 in an array"):
        JoinedSource([a, b])


def test_shapes_of_files_differ(write, pixels, refused):
    first = write("psocake", name="a.h5")
    second = write("psocake", pixels[:, :4], name="b.h5")
    refused([first, second], first, second, "6 x 5", "4 x 5")


def test_shapes_differ_within_a_file(write, refused):
    path = write("cxidb76-by-hand")
    with h5py.File(path, "r+") as file:
        del file["data/chunk_0000001/images"]
        file["data/chunk_0000001/images"] = np.zeros((2, 3, 5))
    refused(path, path, "6 x 5", "chunk_0000000//0", "3 x 5", "chunk_0000001//0")


def test_a_list_of_files_is_one_run(write, pixels):
    first = write("cheetah-closed", name="b.cxi")
    second = write("cxidb76-bitshuffle", name="a.h5")
    run = open_frames([first, second, first], mask=False)
    assert len(run) == 21
    np.testing.assert_array_equal(np.asarray(run[[20, 8, 0]]), pixels[[6, 1, 0]])
    assert run.sources[8] == FrameOrigin(str(second), 1, "chunk_0000000//1", "")
    assert run.sources[20] == FrameOrigin(str(first), 6, "//6", "LCLS_6")
    by_name = open_frames(str(first.with_name("[ab].*")))
    assert [origin.path for origin in by_name.sources] == [str(second)] * 7 + [str(first)] * 7


def test_dtypes_of_a_run_are_promoted(write, pixels):
    shorts = write("psocake", name="a.h5")
    floats = write("psocake", pixels.astype(np.float32) / 2, name="b.h5")
    run = open_frames([shorts, floats])
    assert run.dtype == np.float32
    np.testing.assert_array_equal(run[0], pixels[0].astype(np.float32))
    np.testing.assert_array_equal(run[-1], pixels[-1] / np.float32(2))
    assert np.asarray(run[:2]).dtype == np.float32


def test_metadata_of_a_mixed_run(write):
    first, second = write("om-gzip", name="a.h5"), write("om-bitshuffle-zstd", name="b.h5")
    known = open_frames([first, second])[[0, 8]].metadata
    np.testing.assert_array_equal(known["distance"], [np.nan, 81.0])
    assert known["identifier"].tolist() == ["", "id-1"]
