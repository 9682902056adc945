"""Labelled runs of CXIDB entry 76, written and loaded."""

import h5py
import numpy as np
import pytest
from joblib import parallel_config

from sklearn_sfx import Frames, InputError, load_cxidb76, open_frames, write_cxidb76
from sklearn_sfx.datasets import write_annotation
from sklearn_sfx.frames import ArraySource

LABELS = ["HIT", "MISS", "MAYBE", "MISS", "MAYBE"]


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 60_000, (5, 8, 10)).astype(np.uint16)


@pytest.fixture
def run(tmp_path, pixels):
    """A folder with a run of five frames, their labels and spot counts, and a mask."""
    path = tmp_path / "r0095_2000.h5"
    write_cxidb76(path, pixels, wavelength=1.3, distance=np.arange(5) + 100.0, chunk_size=2)
    write_annotation(tmp_path / "expert_annotation.txt", path, LABELS)
    (tmp_path / "dials_annotation.txt").write_text("00001    30 Hit\n00003     5 Miss\n")
    with h5py.File(tmp_path / "mask.h5", "w") as file:
        file["mask"] = np.arange(80).reshape(8, 10) % 7 > 0
    return path


# -- Loading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maybe", "target", "names"),
    [
        ("hit", [1, 0, 1, 0, 1], ["MISS", "HIT"]),
        ("miss", [1, 0, 0, 0, 0], ["MISS", "HIT"]),
        ("class", [2, 0, 1, 0, 1], ["MISS", "MAYBE", "HIT"]),
    ],
)
def test_what_becomes_of_maybe(run, pixels, maybe, target, names):
    bunch = load_cxidb76(run, "LN84", maybe=maybe)
    np.testing.assert_array_equal(bunch.target, np.array(target, dtype=np.int64), strict=True)
    assert bunch.target_names.tolist() == names
    assert bunch.labels.tolist() == LABELS
    assert (bunch.spot_count, bunch.mask) == (None, None)
    assert isinstance(bunch.data, Frames)
    np.testing.assert_array_equal(bunch.data, pixels)


def test_maybe_can_be_dropped(run, pixels):
    bunch = load_cxidb76(run, "LN84", maybe="drop", spots=run.with_name("dials_annotation.txt"))
    assert bunch.labels.tolist() == ["HIT", "MISS", "MISS"]
    assert bunch.target.tolist() == [1, 0, 0]
    assert bunch.spot_count.tolist() == [30, 0, 0]
    np.testing.assert_array_equal(bunch.data, pixels[[0, 1, 3]])
    assert [origin.position for origin in bunch.data.sources] == [0, 1, 3]


def test_spots_and_mask(run):
    mask_file = run.with_name("mask.h5")
    bunch = load_cxidb76(run, "LO19", spots=run.with_name("dials_annotation.txt"), mask=mask_file)
    assert bunch.spot_count.tolist() == [30, 0, 5, 0, 0]
    usable = np.arange(80).reshape(8, 10) % 7 > 0
    np.testing.assert_array_equal(bunch.mask, usable)
    np.testing.assert_array_equal(bunch.data.mask, usable)
    np.testing.assert_array_equal(load_cxidb76(run, "LO19", mask=usable).mask, usable)


def test_weights_of_labels_are_kept(run):
    labels = ["HIT", "MISS", "MAYBE", "MISS", "MISS"]
    assert load_cxidb76(run, "LN84").sample_weight.tolist() == [1, 1, 1, 1, 1]
    weighed = run.with_name("weighed.txt")
    write_annotation(weighed, run.name, labels, weights=[1, 2.5, 0.5, 1, 4])
    bunch = load_cxidb76(run, "LN84", annotation=weighed, maybe="drop")
    assert bunch.sample_weight.tolist() == [1, 2.5, 1, 4]


def test_return_x_y(run):
    data, target = load_cxidb76(run, "LN83", return_X_y=True, maybe="drop")
    assert isinstance(data, Frames)
    assert len(data) == len(target) == 3


@pytest.mark.parametrize(
    ("subset", "facts"),
    [
        ("LN84", ["806 HIT", "132 MAYBE", "1062 MISS", "Rayonix", "1920 x 1920"]),
        ("L498", ["498 MAYBE", "CSPAD"]),
    ],
)
def test_descr_says_what_it_is(run, subset, facts):
    text = load_cxidb76(run, subset, maybe="miss").DESCR
    for fact in [
        *facts,
        subset,
        "5 frames",
        "MAYBE counted as miss: targets 0 MISS, 1 HIT",
        "r0095_2000.h5",
        "cxidb.org",
    ]:
        assert fact in text


def test_several_files_are_labelled_in_turn(run, pixels):
    second = run.with_name("r0096.h5")
    write_cxidb76(second, pixels[:2])
    labels = run.with_name("both.txt")
    write_annotation(labels, second, ["MISS", "HIT"])
    both = run.with_name("expert_annotation.txt").read_text() + labels.read_text()
    labels.write_text(both)
    bunch = load_cxidb76([run, second], "LN84", annotation=labels)
    assert bunch.labels.tolist() == [*LABELS, "MISS", "HIT"]


def test_missing_labels_are_told(run):
    run.with_name("expert_annotation.txt").unlink()
    with pytest.raises(InputError, match=r"no labels beside the run: .*expert_annotation\.txt"):
        load_cxidb76(run, "LN84")


def replaced(text, number, line):
    lines = text.splitlines()
    lines[number] = line
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("r0095_2000", "r0018_2000"), "r0018_2000.h5.*r0095_2000.h5"),
        (lambda text: text + "r0095_2000.h5 [6] HIT\n", "6 labels, but the run has 5 frames"),
        (lambda text: text[: text.rindex("r0095")], "4 labels, but the run has 5 frames"),
        (lambda text: replaced(text, 2, "r0095_2000.h5 [2] HIT"), r"label 3 to frame \[2\]"),
        (lambda text: "\n".join(text.splitlines()[::-1]), "in the order of the frames"),
        (lambda text: replaced(text, 2, "r0095_2000.h5 [3] hit"), "Line 3"),
    ],
)
def test_labels_of_another_run_are_refused(run, change, why):
    labels = run.with_name("expert_annotation.txt")
    labels.write_text(change(labels.read_text()))
    with pytest.raises(InputError, match=f"expert_annotation.txt.*{why}|{why}.*expert_annotation"):
        load_cxidb76(run, "LN84")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"subset": "LN85"}, "LN83.*'LN85'"),
        ({"maybe": "both"}, "maybe must be one of hit, miss, class, drop"),
        ({"mask": np.ones((3, 3), bool)}, "mask has the shape"),
        ({"mask": np.ones((8, 10))}, "read_mask"),
        ({"annotation": "none.txt"}, r"no annotation file none\.txt"),
        ({"spots": "none.txt"}, r"no spot count file none\.txt"),
    ],
    ids=str,
)
def test_refuses_other_options(run, options, why):
    with pytest.raises(InputError, match=why):
        load_cxidb76(**{"path": run, "subset": "LN84", **options})


# -- Writing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["bitshuffle-lz4", None])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.dtype(">u2")])
@pytest.mark.parametrize("chunk_size", [1, 2, 5, 1000])
def test_round_trip(tmp_path, pixels, compression, dtype, chunk_size):
    values = pixels.astype(dtype)
    path = tmp_path / "run.h5"
    write_cxidb76(path, values, compression=compression, chunk_size=chunk_size)
    frames = open_frames(path)
    assert frames.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(np.asarray(frames), values)
    assert [file.name for file in tmp_path.iterdir()] == ["run.h5"]


def test_the_layout_is_the_real_one(tmp_path, pixels):
    path = tmp_path / "run.h5"
    write_cxidb76(
        path, pixels, wavelength=1.3, distance=150.0, timestamp=[f"t{i}" for i in range(5)],
        pixel_size=0.1771, beam_center=(1.0, 2.0), saturated_value=60_000, chunk_size=3,
    )  # fmt: skip
    with h5py.File(path) as file:
        assert file["metadata/idh5_version"][()] == b"idh5_v1.0"
        scalars = {name: np.ravel(item[()]).tolist() for name, item in file["metadata"].items()}
        del scalars["idh5_version"]
        assert scalars == {
            "SIZE1": [10], "SIZE2": [8], "PIXEL_SIZE": [0.1771], "BEAM_CENTER_X": [1.0],
            "BEAM_CENTER_Y": [2.0], "MIN_TRUSTED_VALUE": [-1], "SATURATED_VALUE": [60_000],
            "ACTIVE_AREAS": [0, 0, 10, 8],
        }  # fmt: skip
        assert list(file["data"]) == ["chunk_0000000", "chunk_0000001"]
        last = file["data/chunk_0000001"]
        assert last["images"].chunks == (1, 8, 10)
        assert last["wavelength"][()].tolist() == [1.3, 1.3]
        assert last["timestamp"][()].tolist() == [b"t3", b"t4"]
    known = open_frames(path).metadata
    assert known["distance"].tolist() == [150.0] * 5
    assert known["timestamp"].tolist() == ["t0", "t1", "t2", "t3", "t4"]


def test_the_real_file_has_the_same_names(shared_data, tmp_path):
    real = shared_data / "real" / "rayonix_mfx.h5"
    path = tmp_path / "copy.h5"
    write_cxidb76(path, open_frames(real), pixel_size=0.177083, beam_center=(169.9, 170.1))
    with h5py.File(real) as theirs, h5py.File(path) as ours:
        names = [[], []]
        theirs.visit(names[0].append)
        ours.visit(names[1].append)
        assert sorted(names[0]) == sorted(names[1])
        for name in names[0]:
            if isinstance(theirs[name], h5py.Dataset):
                assert theirs[name].shape == ours[name].shape, name
                assert theirs[name].dtype.kind == ours[name].dtype.kind, name
    np.testing.assert_array_equal(open_frames(path)[0], open_frames(real)[0])
    assert open_frames(path).metadata == open_frames(real).metadata  # carried over


def test_it_streams(tmp_path):
    """No more frames are held than fit into a block, however long the run."""
    held = []

    class Source(ArraySource):
        def read(self, position, window, out):
            held.append(out.base.nbytes)
            super().read(position, window, out)

    source = Source(np.broadcast_to(np.uint16(7), (3000, 128, 128)))
    write_cxidb76(tmp_path / "run.h5", Frames(source), chunk_size=1200)
    assert len(held) == 3000
    assert max(held) <= 64 * 128 * 128 * 2
    assert open_frames(tmp_path / "run.h5").shape == (3000, 128, 128)


def test_workers_change_nothing(tmp_path, pixels):
    with parallel_config("threading", n_jobs=2):
        write_cxidb76(tmp_path / "run.h5", pixels, chunk_size=2)
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5"), pixels)


def test_an_older_file_stays_until_the_new_one_is_complete(tmp_path, pixels):
    path = tmp_path / "run.h5"
    write_cxidb76(path, pixels)

    class Broken(ArraySource):
        def read(self, position, window, out):
            raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        write_cxidb76(path, Frames(Broken(pixels + 1)))
    np.testing.assert_array_equal(open_frames(path), pixels)
    assert [file.name for file in tmp_path.iterdir()] == ["run.h5"]


@pytest.mark.parametrize(
    ("frames", "options", "why"),
    [
        (np.ones((2, 3, 4)), {}, "holds integers"),
        (np.ones((2, 3, 4), int), {"wavelength": [1.0]}, "wavelength must have one value"),
        (np.ones((2, 3, 4), int), {"timestamp": ["a"] * 3}, "timestamp must have one value"),
        (np.ones((2, 3, 4), int), {"compression": "gzip"}, "compression must be"),
        (np.ones((2, 3, 4), int), {"chunk_size": 0}, "chunk_size"),
        (open_frames(np.ones((2, 3, 4), int))[:0], {}, "no frame"),
    ],
    ids=str,
)
def test_refuses_to_write(tmp_path, frames, options, why):
    with pytest.raises(InputError, match=why):
        write_cxidb76(tmp_path / "run.h5", frames, **options)
    assert list(tmp_path.iterdir()) == []
