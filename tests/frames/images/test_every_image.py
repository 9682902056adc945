"""What holds for every format of images: values, windows, packing, damage, and silence."""

import builtins
import logging
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress

import numpy as np
import pytest

from benchmarks.damage.cases import CASES
from sklearn_sfx import InputError, open_frames, read_mask
from sklearn_sfx.exceptions import SlowFileWarning, UnreadableFrame
from sklearn_sfx.frames import FrameOrigin, Window, images
from sklearn_sfx.frames.images import _format
from tests.frames.images.cases import IMAGES

NOT_PACKED = [name for name in IMAGES if not CASES[name].suffix.endswith((".gz", ".bz2"))]


def test_values_are_those_that_were_written_and_that_others_read(image):
    path, values, read = image
    frames = open_frames(path)
    assert frames.shape == values.shape
    np.testing.assert_array_equal(np.asarray(frames), values)
    np.testing.assert_array_equal(np.asarray(frames), np.reshape(read(path), values.shape))
    assert frames.dtype == np.asarray(frames).dtype


def test_a_window_is_a_part_of_the_frame(image):
    path, values, _ = image
    source = open_frames(path)._source
    window = Window(top=3, left=5, height=20, width=7)
    out = np.empty((20, 7), source.dtype)
    source.read(len(values) - 1, window, out)
    np.testing.assert_array_equal(out, values[-1][window.slices])


def test_the_content_tells_the_format(image, tmp_path):
    path, values, _ = image
    renamed = tmp_path / "of no suffix"
    shutil.copy(path, renamed)
    np.testing.assert_array_equal(np.asarray(open_frames(renamed)), values)
    assert open_frames(renamed).facts.format in {known.name for known in images.FORMATS}


@pytest.mark.parametrize("image", NOT_PACKED, indirect=True)
def test_packed_with_gzip(image, packed):
    path, values, _ = image
    several = len(values) > 1
    with pytest.warns(SlowFileWarning, match="gunzip") if several else nullcontext():
        frames = open_frames(packed(path))
    np.testing.assert_array_equal(np.asarray(frames), values)
    assert frames.facts.compression == "gzip"


def test_a_pickle_holds_no_pixels(image):
    path, values, _ = image
    text = pickle.dumps(open_frames(path))
    assert len(text) < 4000
    np.testing.assert_array_equal(np.asarray(pickle.loads(text)), values)


def test_threads_read_the_same(image):
    path, values, _ = image
    frames = open_frames([path] * 6)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(frames.__getitem__, range(len(frames))))
    np.testing.assert_array_equal(np.stack(read), np.tile(values, (6, 1, 1)))


def test_each_image_knows_its_file(image):
    path, values, _ = image
    sources = open_frames([path, path]).sources
    assert len(sources) == 2 * len(values)
    last = len(values) - 1
    assert sources[-1] == FrameOrigin(str(path), last, f"//{last}" if last else "//")


def test_a_file_that_is_cut_off_is_refused(image, tmp_path):
    path, values, _ = image
    data = path.read_bytes()
    cut = tmp_path / path.name
    for length in (len(data) // 2, len(data) - 3):
        cut.write_bytes(data[:length])
        read, said = None, ""
        try:
            read = np.asarray(open_frames(cut))
        except InputError as error:
            said = str(error)
        if read is None:
            assert str(cut) in said
            assert "\n" not in said
        else:  # what was cut off was padding
            np.testing.assert_array_equal(read, values)


def test_a_file_that_changes_is_one_unreadable_frame(image, files, tmp_path):
    path, _, _ = image
    other, _, _ = files("tiff" if "tiff" not in path.name else "smv")
    changing = tmp_path / "changing"
    shutil.copy(path, changing)
    frames = open_frames(changing)
    shutil.copy(other, changing)
    with pytest.raises(UnreadableFrame, match=r"Frame \[1\] of .*changing cannot be read"):
        frames[0]
    changing.unlink()
    with pytest.raises(UnreadableFrame, match=r"There is no file .*changing"):
        frames[0]


def test_nothing_is_said_elsewhere(image, tmp_path, capfd, caplog):
    path, _, _ = image
    damaged = tmp_path / path.name
    data = bytearray(path.read_bytes())
    data[-2000:-1000] = bytes(1000)
    damaged.write_bytes(data)
    for file in (path, damaged):
        with suppress(InputError):
            np.asarray(open_frames(file))
    if "lzw" not in path.name:  # of which the C library that unpacks it says something itself
        assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    logger = logging.getLogger("fabio")
    assert logger.propagate
    assert logger.handlers == []


def test_an_image_may_be_a_mask(image):
    path, values, _ = image
    mask = read_mask(path, bad_bits=4)
    np.testing.assert_array_equal(np.asarray(mask), np.squeeze((values & 4) == 0))
    with pytest.raises(InputError, match="good_bits"):
        read_mask(path)


def test_there_are_no_datasets(image, refused):
    refused(image[0], image[0], "no datasets", dataset="data")


def test_without_fabio_the_sentence_says_how_to_get_it(image, monkeypatch, refused):
    path, values, _ = image
    real = builtins.__import__

    def without_fabio(name, *rest, **options):
        if name.partition(".")[0] == "fabio":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr("sklearn_sfx._extras.import_module", without_fabio)
    monkeypatch.setattr(builtins, "__import__", without_fabio)
    known = next(k for k in images.FORMATS if k.knows(str(path), path.read_bytes()[:4096]))
    if known.needs_fabio:
        refused(path, f"{known.name} files need fabio", "pip install 'sklearn_sfx[images]'")
    elif "lzw" not in path.name:
        np.testing.assert_array_equal(np.asarray(open_frames(path)), values)


def test_images_of_different_shapes_are_no_run(files, cbf_with, refused):
    path, _, _ = files("cbf")
    refused([path, cbf_with()], "one shape", "64 x 64", "3 x 4")


def test_only_headers_are_read_to_open_a_run(cbf_with, tmp_path, monkeypatch):
    first = cbf_with("Wavelength 1.0 A")
    paths = [tmp_path / f"image_{i}.cbf" for i in range(50)]
    for path in paths:
        shutil.copy(first, path)

    def read_image(*args):
        raise AssertionError("pixels were read")

    monkeypatch.setattr(_format.ImageSource, "read", read_image)
    run = open_frames(str(tmp_path / "image_*.cbf"))
    assert run.shape == (50, 3, 4)
    assert [source.path for source in run.sources] == [str(path) for path in paths]
    np.testing.assert_allclose(run.metadata["wavelength"], 1.0)
    assert run.facts.wavelength == 1.0
