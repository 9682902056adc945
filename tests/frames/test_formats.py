"""A format is its module and a place in the table: everything else asks the table."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import sklearn_sfx
from sklearn_sfx import Frames, InputError, read_mask
from sklearn_sfx.exceptions import SlowFileWarning
from sklearn_sfx.frames import (
    ArraySource,
    Format,
    FrameOrigin,
    StoredMask,
    are_simulated,
    hdf5,
)
from sklearn_sfx.frames._formats import FORMATS
from sklearn_sfx.frames._recognize import open_paths

# The numbers as they are; masks have tests of their own.
open_frames = partial(sklearn_sfx.open_frames, mask=False)

PACKAGE = Path(sklearn_sfx.__file__).parent


class OneImage:
    """The frame of a file with one image, and what the file says of it."""

    advice = "These files are slow."

    def __init__(self, path):
        self.path = path
        self.shape, self.dtype = (1, *np.load(path).shape), np.load(path).dtype

    def read(self, position, window, out):
        out[...] = np.load(self.path)[window.slices]

    def origin(self, position):
        return FrameOrigin(self.path, position, "//")

    def metadata(self, positions):
        return {"wavelength": np.full(len(positions), 1.25)}


class Image(Format):
    """One image a file; what is not 0 in a mask is bad."""

    name = "image"

    def knows(self, path, head):
        return head[1:6] == b"NUMPY"

    def open(self, path, dataset=None):
        return OneImage(path)

    def find_mask(self, path, dataset=None):
        values = np.load(path)
        where = f"image {path}"
        return StoredMask(values if values.ndim == 2 else ArraySource(values), where, bad_bits=1)

    def is_simulated(self, path):
        return "simulated" in path


class Listed(Format):
    """Text that names other files, of whatever formats."""

    name = "list of files"

    def knows(self, path, head):
        return head.startswith(b"files:")

    def open(self, path, dataset=None):
        names = Path(path).read_text().split()[1:]
        return open_paths([str(Path(path).parent / name) for name in names], dataset)


class Folder(Format):
    """A folder that holds a run."""

    name = "run folder"

    def knows(self, path, head):
        return not head and (Path(path) / "run.txt").is_file()

    def open(self, path, dataset=None):
        return open_paths([str(file) for file in sorted(Path(path).glob("*.npy"))], dataset)


class Beside(Image):
    """Files that hold a half of each frame, the left or the right."""

    name = "half"

    def knows(self, path, head):
        return Path(path).name.startswith("half")

    def open_together(self, paths, dataset=None):
        if dataset == "apart":
            return None
        return ArraySource(np.concatenate([np.load(path) for path in paths], axis=2))

    def find_mask_together(self, paths, dataset=None):
        bad = np.concatenate([np.load(path)[0] < 0 for path in paths], axis=1)
        return None if dataset == "apart" else StoredMask(~bad, "both halves")


@pytest.fixture(autouse=True)
def table(monkeypatch):
    """Put three formats before the others, and return a function that sets the whole table."""

    def set_table(*formats):
        monkeypatch.setattr("sklearn_sfx.frames._formats.FORMATS", formats)

    set_table(Image(), Listed(), Folder(), *FORMATS)
    return set_table


@pytest.fixture
def image(tmp_path, pixels):
    """Return a function that writes an image and returns its path."""

    def write_one(values=pixels[0], name="image"):
        with open(tmp_path / name, "wb") as file:  # the name says nothing
            np.save(file, values)
        return tmp_path / name

    return write_one


@pytest.mark.filterwarnings("ignore:These files are slow")
def test_files_of_several_formats_are_one_run(image, write, pixels):
    paths = [image(pixels[3].astype(np.float32)), write("psocake"), image(name="other")]
    run = open_frames(paths)
    assert (run.shape, run.dtype) == ((9, 6, 5), np.float32)
    np.testing.assert_array_equal(np.asarray(run), pixels[[3, *range(7), 0]])
    assert [origin.path for origin in run[[0, 1, 8]].sources] == [str(path) for path in paths]
    np.testing.assert_allclose(run.metadata["wavelength"][[0, 8]], 1.25)


@pytest.mark.filterwarnings("ignore:These files are slow")
def test_a_list_of_files_is_a_format(tmp_path, image, write, pixels):
    names = [image().name, write("cheetah-closed").name]
    path = tmp_path / "files.h5"
    path.write_text("files: " + " ".join(names))
    run = open_frames([path, image(name="last")])
    np.testing.assert_array_equal(np.asarray(run), pixels[[0, *range(7), 0]])
    assert run.sources[7].event == "//6"


@pytest.mark.filterwarnings("ignore:These files are slow")
def test_a_folder_is_a_format(tmp_path, image, pixels, refused):
    for i in range(3):
        image(pixels[i], f"{i}.npy")
    refused(tmp_path, tmp_path, "is a folder")
    (tmp_path / "run.txt").touch()
    np.testing.assert_array_equal(np.asarray(open_frames(tmp_path)), pixels[:3])


def test_advice_is_a_warning(image):
    with pytest.warns(SlowFileWarning, match="These files are slow") as caught:
        open_frames([image(), image(name="other")])
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_the_first_that_knows_a_path_opens_it(table, write, refused):
    path = write("cheetah-closed")

    class Deaf(Image):
        name = "nothing"

        def knows(self, path, head):
            return False

    class Greedy(Image):
        def knows(self, path, head):
            return True

        def open(self, path, dataset=None):
            raise InputError(f"{dataset} of {path} is asked for.")

    table(Deaf(), Greedy(), *FORMATS)
    refused(path, "a/b of", dataset="a/b")
    table(Deaf(), *FORMATS, Greedy())
    open_frames(path)
    table(Deaf(), Listed())
    refused(path, path, "none of nothing and list of files;")


def test_formats_are_shown_how_a_file_begins(table, write, tmp_path):
    seen = []

    class Watching(Image):
        def knows(self, path, head):
            seen.append((path, head))
            return False

    table(Watching(), *FORMATS)
    path = write("cheetah-closed")
    open_frames(path)
    with pytest.raises(InputError):
        open_frames(tmp_path)
    assert seen == [(str(path), path.read_bytes()[:4096]), (str(tmp_path), b"")]
    assert path.stat().st_size > 4096


def test_masks_come_from_the_format(image, write, tmp_path):
    bad = np.zeros((6, 5), np.uint8)
    bad[2, 3] = 3
    path = image(bad)
    np.testing.assert_array_equal(read_mask(path), bad == 0)  # the format's rule
    np.testing.assert_array_equal(read_mask(path, good_bits=2), bad == 3)  # the user's
    per_frame = image(np.stack([bad, 0 * bad]), name="several")
    run = read_mask([per_frame, write("cheetah-closed"), per_frame], bad_bits=8)
    assert isinstance(run, Frames)
    assert run.shape == (11, 6, 5)
    assert run[0].all()
    assert not run[2][0, 0]
    np.testing.assert_array_equal(read_mask([per_frame, per_frame])[2], bad == 0)
    text = tmp_path / "list.txt"
    text.write_text("files: several")
    with pytest.raises(InputError, match=r"list\.txt holds no mask: .* list of files have none"):
        read_mask(text)


def test_files_may_lie_beside_each_other(table, image, write, pixels):
    table(Beside(), *FORMATS)
    halves = [image(pixels[..., :2], "half1"), image(pixels[..., 2:], "half2")]
    np.testing.assert_array_equal(np.asarray(open_frames(halves)), pixels)
    np.testing.assert_array_equal(np.asarray(open_frames([*halves, halves[0]])), pixels)
    joined = open_frames([write("psocake"), *halves, write("om-gzip", name="last.h5")])
    np.testing.assert_array_equal(np.asarray(joined), np.tile(pixels, (3, 1, 1)))
    np.testing.assert_array_equal(read_mask(halves), pixels[0] >= 0)
    with pytest.raises(InputError, match="one shape"):  # one after the other
        open_frames(halves, dataset="apart")


def test_what_is_simulated_is_said_by_the_format(write, image, tmp_path):
    real, simulated = write("cheetah-closed"), image(name="simulated")
    origins = [FrameOrigin(str(path), 0, "//0") for path in (real, simulated)]
    assert not are_simulated(origins[:1])
    assert are_simulated(origins)
    assert not are_simulated([FrameOrigin(None, 0, "//0")])
    simulated.write_text("not simulated any more, and of no known format")
    assert not are_simulated(origins)
    simulated.unlink()
    assert not are_simulated(origins)


def test_the_table_asks_the_general_layout_of_hdf5_last():
    assert [known.name for known in hdf5.FORMATS][-1] == "HDF5 with one stack of images"
    assert len({known.name for known in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("layout", ["cxidb76-by-hand", "cheetah-closed", "zstd"])
def test_a_layout_is_told_from_the_content(write, layout):
    path = write(layout)
    found = next(k for k in FORMATS if k.knows(str(path), path.read_bytes()[:4096]))
    expected = {"cxidb76-by-hand": "CXIDB-76", "cheetah-closed": "CXI"}
    assert found.name == expected.get(layout, "HDF5 with one stack of images")


@pytest.mark.parametrize("size", [512, 2048])
def test_a_user_block_may_come_first(tmp_path, size):
    import h5py

    path = tmp_path / "run.mat"
    with h5py.File(path, "w", userblock_size=size) as file:
        file["frames"] = np.ones((2, 6, 5), np.int16)
    path.write_bytes(b"MATLAB 7.3" + path.read_bytes()[10:])
    np.testing.assert_array_equal(open_frames(path), np.ones((2, 6, 5)))


def test_arrays_leave_hdf5_alone():
    code = """if True:
        import sys
        import numpy as np
        import sklearn_sfx.frames
        from sklearn_sfx import open_frames, read_mask
        open_frames(np.ones((2, 3, 4)), mask=read_mask(np.ones((3, 4), bool)))
        print([m for m in ("h5py", "hdf5plugin", "numba", "torch") if m in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_rooms_enter_by_the_face():
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] != "frames":
            assert "sklearn_sfx.frames." not in path.read_text(), path.name


def test_hdf5_is_known_to_its_folder_alone():
    for path in (PACKAGE / "frames").glob("*.py"):
        imports = [line for line in path.read_text().splitlines() if "import " in line]
        assert not any("h5py" in line.partition("#")[0] for line in imports), path.name
        may = path.name in ("_formats.py", "_through_hdf5.py", "__init__.py")
        assert may or not any("hdf5" in line for line in imports), path.name
