"""Runs as arrays of dask and xarray, and as a notebook shows them."""

import sys

import h5py
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    GCN,
    LCN,
    CentralCrop,
    Frames,
    InputError,
    RowWiseDecomposition,
    open_frames,
)
from sklearn_sfx.frames import ArraySource, Facts, Unreadable
from sklearn_sfx.frames._exits import MAX_FRAMES

PIXELS = np.random.default_rng(0).poisson(20, (70, 12, 16)).astype(np.uint16)
FACTS = Facts("CXI", "/data", beam_center=(5.5, 7.25), distance=120.5, no_data=(65535.0,))


class Counting(ArraySource):
    """Frames that say how often one was read."""

    n_read = 0

    def read(self, position, window, out):
        Counting.n_read += 1
        super().read(position, window, out)

    def metadata(self, positions):
        return {"wavelength": 1.0 + np.asarray(positions) / 1000}


@pytest.fixture
def frames():
    Counting.n_read = 0
    source = Counting(PIXELS)
    source.facts = FACTS
    mask = np.ones(PIXELS.shape[1:], bool)
    mask[:, 3] = False
    return Frames(source, mask=mask)


# -- dask and xarray


def test_dask_reads_what_frames_read_and_only_that(frames):
    pytest.importorskip("dask.array", reason="needs the extra [dask]")
    array = frames.to_dask()
    assert Counting.n_read == 0
    assert (array.shape, array.dtype) == (frames.shape, frames.dtype)
    assert max(array.chunks[0]) <= MAX_FRAMES
    last = array[66:].compute(scheduler="synchronous")
    assert Counting.n_read == 70 - MAX_FRAMES
    np.testing.assert_array_equal(last, np.asarray(frames[66:]))
    np.testing.assert_array_equal(array.compute(), np.asarray(frames))


def test_dask_reads_in_other_processes(tmp_path):
    pytest.importorskip("dask.array", reason="needs the extra [dask]")
    np.save(tmp_path / "run.npy", PIXELS)
    array = open_frames(tmp_path / "run.npy").to_dask()
    read = array[60:].sum().compute(scheduler="processes", num_workers=1)
    assert read == PIXELS[60:].sum()


def test_dask_runs_the_steps(frames):
    pytest.importorskip("dask.array", reason="needs the extra [dask]")
    for steps in ([CentralCrop(8)], [CentralCrop(8), GCN(), LCN(3), RowWiseDecomposition()]):
        prepared = make_pipeline(*steps).fit_transform(frames[::-2])
        array = prepared.to_dask()
        assert (array.shape, array.dtype) == (prepared.shape, np.float32)
        np.testing.assert_array_equal(array.compute(), np.asarray(prepared))


def test_no_frames_are_an_empty_array(frames):
    pytest.importorskip("xarray", reason="needs the extra [xarray]")
    assert frames[:0].to_dask().compute().shape == (0, 12, 16)
    assert frames[:0].to_xarray().sizes == {"frame": 0, "y": 12, "x": 16}


def test_xarray_names_what_there_is(frames):
    pytest.importorskip("xarray", reason="needs the extra [xarray]")
    array = CentralCrop(8).fit_transform(frames[10:20]).to_xarray()
    assert Counting.n_read == 0
    assert array.dims == ("frame", "y", "x")
    np.testing.assert_array_equal(array.y, np.arange(2, 10))  # rows of the whole frame
    np.testing.assert_array_equal(array.x, np.arange(4, 12))
    np.testing.assert_array_equal(array.wavelength, 1.0 + np.arange(10, 20) / 1000)
    assert array.wavelength.units == "angstrom"
    assert array.attrs == {
        "format": "CXI",
        "dataset": "/data",
        "beam_center": (5.5, 7.25),
        "distance": 120.5,
        "no_data": (65535.0,),
    }
    whole = frames.to_xarray()
    assert not whole.usable.sel(x=3).any()
    assert whole.usable.sum() == 12 * 15
    brightest = whole.isel(frame=4).where(whole.usable)
    assert float(brightest.max()) == PIXELS[4][frames.mask].max()


def test_xarray_of_vectors_and_of_a_mask_for_each_frame(frames):
    pytest.importorskip("xarray", reason="needs the extra [xarray]")
    vectors = make_pipeline(GCN(), LCN(3), RowWiseDecomposition()).fit_transform(frames)
    array = vectors.to_xarray()
    assert array.dims == ("frame", "feature")
    assert "LCN" in array.preprocessing
    each = Frames(ArraySource(PIXELS), mask=PIXELS < 25).to_xarray()
    np.testing.assert_array_equal(each.usable.compute(), PIXELS < 25)


@pytest.mark.parametrize(("method", "package"), [("to_dask", "dask"), ("to_xarray", "xarray")])
def test_without_the_package_it_is_said_how_to_get_it(frames, monkeypatch, method, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.array", None)
    with pytest.raises(InputError, match=rf"pip install 'sklearn_sfx\[{package}\]'"):
        getattr(frames, method)()


# -- Notebooks


def test_a_notebook_shows_a_table_and_one_frame(frames):
    html = frames._repr_html_()
    assert Counting.n_read == 1
    for said in ("70 x 12 x 16 float32", "masked", "row 5.5, column 7.25", "120.5 mm", "65535"):
        assert said in html
    assert html.count("data:image/png;base64,") == 1
    assert "saturated" not in html  # of which the file says nothing


def test_steps_are_named_and_not_run(frames):
    class Slow:
        def output_shape(self, shape):
            return (3,)

        def append_to(self, window, steps):
            return window, (*steps, self)

        def __call__(self, frame, usable):
            raise AssertionError("a step was run")

    html = frames.append(Slow())._repr_html_()
    assert "70 x 3 float32" in html
    assert "steps Slow" in html
    assert "data:image/png" in html


def test_without_matplotlib_it_is_text(frames, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    html = frames._repr_html_()
    assert "<img" not in html
    assert "no picture" not in html
    assert "row 5.5" in html
    assert Counting.n_read == 0


def test_names_are_escaped(tmp_path):
    path = tmp_path / "<script>alert(1)&.h5"
    with h5py.File(path, "w") as file:
        file["<b>"] = PIXELS[:2]
    html = open_frames(path)._repr_html_()
    assert "&lt;script&gt;alert(1)&amp;.h5" in html
    assert "/&lt;b&gt;" in html
    assert "<script>" not in html
    assert "<b>" not in html


def broken(frames):
    class Broken(ArraySource):
        facts = property(lambda self: 1 / 0)

        def read(self, position, window, out):
            raise RuntimeError("<no> pixels")

    return Frames(Broken(PIXELS))


def partly_gone(frames):
    frames._source.unreadable = (Unreadable(0, 3, "the file a.h5 is <gone>"),)
    return frames


SHOWN = {
    "broken": (broken, "no picture: &lt;no&gt; pixels"),
    "partly gone": (partly_gone, "frames [1] to [3]: the file a.h5 is &lt;gone&gt;"),
    "no frames": (lambda frames: frames[:0], "0 x 12 x 16"),
    "NaN": (lambda frames: open_frames(np.full((1, 3, 4), np.nan)), "1 x 3 x 4 float64"),
    "infinity": (lambda frames: open_frames(np.full((1, 3, 4), np.inf)), "data:image/png"),
    "large numbers": (lambda frames: open_frames(np.full((1, 3, 4), 1e300)), "data:image/png"),
    "one value": (lambda frames: open_frames(np.full((1, 3, 4), 2**40)), "data:image/png"),
    "mask for each": (lambda _: open_frames(PIXELS, mask=PIXELS < 25), "masked"),
    "bools": (lambda frames: open_frames(PIXELS < 20), "bool"),
}


@pytest.mark.parametrize("case", SHOWN)
def test_it_never_fails(frames, case):
    make, said = SHOWN[case]
    html = make(frames)._repr_html_()
    assert said in html
    assert html.startswith("<div>")
    assert html.endswith("</div>")


def test_a_run_whose_file_is_gone_is_still_shown(tmp_path):
    path = tmp_path / "run.npy"
    np.save(path, PIXELS)
    frames = open_frames(path)
    path.unlink()
    html = frames._repr_html_()
    assert "no picture" in html
    assert "70 x 12 x 16" in html
