"""Links are followed from where they are, and one that leads nowhere is told of."""

import h5py
import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames
from sklearn_sfx.exceptions import UnreadableFrame


def test_the_dataset_behind_a_link_is_read_from_its_own_file(tmp_path, write_part):
    """Not that of the same path in the file of another link, or in the master itself."""
    for i in (1, 2):
        write_part(tmp_path / f"{i}.h5", np.full((4, 6, 5), i, "u2"), "entry/data/data")
    with h5py.File(tmp_path / "master.h5", "w") as file:
        for i in (1, 2):
            file[f"entry/data/data_{i:06d}"] = h5py.ExternalLink(f"{i}.h5", "/entry/data/data")
        layout = h5py.VirtualLayout((8, 6, 5), "u2")
        for i in (1, 2):
            source = h5py.VirtualSource(f"{i}.h5", "entry/data/data", (4, 6, 5))
            layout[4 * i - 4 : 4 * i] = source
        file.create_virtual_dataset("entry/data/data", layout)
    second = open_frames(tmp_path / "master.h5", dataset="/entry/data/data_000002")
    assert np.unique(second).tolist() == [2]
    run = open_frames(tmp_path / "master.h5")
    assert np.asarray(run)[:, 0, 0].tolist() == [1] * 4 + [2] * 4


def test_links_are_followed_from_where_they_are(tmp_path, write_part, ramp):
    (tmp_path / "deep").mkdir()
    write_part(tmp_path / "deep" / "a.h5", ramp(3), "frames")
    with h5py.File(tmp_path / "deep" / "link.h5", "w") as file:
        file["group/far"] = h5py.ExternalLink("a.h5", "/frames")
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"] = h5py.ExternalLink("deep/link.h5", "/group/far")
        file["soft"] = h5py.SoftLink("/data")
    np.testing.assert_array_equal(open_frames(tmp_path / "run.h5"), ramp(3))


def test_a_change_of_the_file_behind_a_link_is_noticed(tmp_path, sentence, write_part, ramp):
    write_part(tmp_path / "a.h5", ramp(3), "frames")
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"] = h5py.ExternalLink("a.h5", "/frames")
    frames = open_frames(tmp_path / "run.h5")
    np.testing.assert_array_equal(frames[1], ramp(3)[1])
    write_part(tmp_path / "a.h5", ramp(3, start=500), "frames")
    np.testing.assert_array_equal(frames[1], ramp(3, start=500)[1])
    write_part(tmp_path / "a.h5", ramp(3)[:, :5], "frames")
    with pytest.raises(InputError, match=r"a\.h5 has changed"):
        frames[1]
    (tmp_path / "a.h5").unlink()
    with pytest.raises(UnreadableFrame) as error:
        frames[1]
    sentence(error, "Frame [2]", tmp_path / "run.h5", "There is no file", tmp_path / "a.h5")


@pytest.mark.parametrize("before", ["nxmx-virtual", "nxmx-links", "nxmx-virtual-and-links"])
@pytest.mark.parametrize("after", ["nxmx-virtual", "nxmx-links", "nxmx-virtual-and-links"])
def test_a_run_that_is_written_anew_is_read_anew(facility, pixels, before, after):
    """HDF5 would follow a link into a data file that is open already, as it was before."""
    np.testing.assert_array_equal(open_frames(facility(before), mask=False), pixels)
    others = (pixels + 1).astype(np.uint32)
    frames = open_frames(facility(after, others), mask=False)
    assert frames.dtype == np.uint32
    np.testing.assert_array_equal(frames, others)


def test_a_dead_link_where_frames_belong_is_told_of(tmp_path, refused):
    path = tmp_path / "run.cxi"
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 150
        file["entry_1/data_1/data"] = h5py.ExternalLink("moved_away.h5", "/data")
        file["entry_1/result_1/powder_sums"] = np.ones((3, 16, 16), "f4")
        file["entry_1/result_1/others"] = np.ones((3, 16, 16), "f4")
    refused(path, "/entry_1/data_1/data", tmp_path / "moved_away.h5", "not there")
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        file["exp/data"] = h5py.ExternalLink("moved_away.h5", "/data")
        file["exp/others"] = np.ones((3, 16, 16), "f4")
    refused(path, "/exp/data", "moved_away.h5", "not there", "/exp/others", "as dataset")
    assert len(open_frames(path, dataset="exp/others")) == 3


@pytest.mark.parametrize("name", ["run.h5", "."])
def test_a_link_to_itself_is_told_of_once(tmp_path, name):
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        soft = h5py.SoftLink("/entry/data/data")
        file["entry/data/data"] = soft if name == "." else h5py.ExternalLink(name, soft.path)
    with pytest.raises(InputError, match="leads to itself") as error:
        open_frames(path)
    assert str(error.value).count("the link") == 1


def test_real_dead_links(shared_data, refused):
    native = shared_data / "real" / "native"
    refused(native / "dls_i16_image_link_dead.nxs", "538039.hdf, which is not there")
    refused(
        native / "dls_nxmx_master_without_data.h5",
        *("240 of 240 frames", "xrc_209_000001.h5, which is not there"),
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_data_file_of_a_master_that_is_gone(facility, number, refused, pixels, gone):
    path = facility("nxmx-links")
    path.with_name(f"run_data_{number:06d}.h5").unlink()
    n_gone = (3, 3, 1)[number - 1]
    refused(path, f"{n_gone} of 7 frames", f"run_data_{number:06d}.h5", "--strict")
    frames = open_frames(path, missing="nan")
    assert gone(frames) == [((0, 3), (3, 6), (6, 7))[number - 1]]
    there = ~np.isnan(np.asarray(frames)).any(axis=(1, 2))
    np.testing.assert_array_equal(np.asarray(frames)[there], pixels[there])
    with h5py.File(path, "r+") as file:
        del file["entry/instrument/detector/detectorSpecific/nimages"]
    refused(path, "1 of 3 datasets", "not there", "as a list", missing="nan")


@pytest.mark.parametrize("content", [b"", b"no frames", None])
def test_a_data_file_of_a_master_that_is_damaged(facility, content, refused, pixels, gone):
    path = facility("nxmx-links")
    part = path.with_name("run_data_000002.h5")
    part.write_bytes(part.read_bytes()[:-100] if content is None else content)
    refused(path, "3 of 7 frames", "data_000002", part)
    frames = open_frames(path, missing="nan")
    assert gone(frames) == [(3, 6)]
    there = ~np.isnan(np.asarray(frames)).any(axis=(1, 2))
    np.testing.assert_array_equal(np.asarray(frames)[there], pixels[there])
