"""Runs of European XFEL with files that do not belong together, are damaged, or are others."""

import shutil
from functools import partial

import h5py
import numpy as np
import pytest

import sklearn_sfx

extra_data = pytest.importorskip("extra_data", reason="needs the extra [euxfel]")
from extra_data.tests.mockdata import write_file  # noqa: E402
from extra_data.tests.mockdata.basler_camera import BaslerCamera  # noqa: E402
from extra_data.tests.mockdata.xgm import XGM  # noqa: E402

from tests.frames.euxfel.writers import fill, jungfrau, write_module, write_run  # noqa: E402

# The numbers as they are; masks have tests of their own.
open_frames = partial(sklearn_sfx.open_frames, mask=False)


def test_several_detectors_are_chosen_by_name(tmp_path, refused):
    folder = write_run(tmp_path / "run", "AGIPD", modules=[0], sequences=[0])
    jungfrau(folder, [1, 2], "SPB_IRDA_JF1M")
    refused(folder, folder, "SPB_DET_AGIPD1M-1, SPB_IRDA_JF1M", "dataset=")
    assert open_frames(folder, dataset="SPB_IRDA_JF1M").shape == (2, 1024, 1024)
    assert open_frames(folder, dataset="SPB_DET_AGIPD1M-1").shape == (4, 8192, 128)
    refused(folder, "no detector LPD", "SPB_IRDA_JF1M", dataset="LPD")
    refused(folder, folder, "is a folder", "name the detector", dataset="/INSTRUMENT/data")


def test_other_files_of_a_run_do_no_harm(tmp_path, refused):
    folder = write_run(tmp_path / "run", "AGIPD", modules=[0], sequences=[0])
    camera = folder / "CORR-R0001-DA01-S00000.h5"
    devices = [
        XGM("SA1_XTD2_XGM/DOOCS/MAIN"),
        BaslerCamera("SPB_IRU_CAM/CAM/SIDEMIC", sensor_size=(30, 20)),
    ]
    write_file(str(camera), devices, ntrains=4, chunksize=2, format_version="1.0")
    fill(camera, "image/pixels")
    assert open_frames(folder).shape == (4, 8192, 128)
    (folder / "overview.h5").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("nothing")
    assert open_frames(folder).shape == (4, 8192, 128)
    dataset = "/INSTRUMENT/SPB_IRU_CAM/CAM/SIDEMIC:daqOutput/data/image/pixels"
    assert open_frames(camera, dataset=dataset).shape[0] == 4
    only = tmp_path / "only"
    only.mkdir()
    shutil.copy(camera, only)
    refused(only, only, "no detector of several modules")


def scrambled(data):
    found = np.frombuffer(data, np.uint8).copy()
    found[2000::37] ^= 0x5A
    return found.tobytes()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: data[: len(data) // 2], "is truncated"),
        (lambda data: b"the beam was lost", "is no HDF5 file"),
        (scrambled, "is damaged"),
    ],
)
def test_of_a_damaged_run_the_file_is_named(tmp_path, damage, said, refused):
    for module in range(3):
        write_module(tmp_path, "AGIPD", module, 0)
    *_, last = sorted(tmp_path.iterdir())
    last.write_bytes(damage(last.read_bytes()))
    refused(tmp_path, last, said, "give the other files instead of the folder")


def test_one_module_by_the_path_of_its_dataset(agipd):
    file = agipd / "CORR-R0001-AGIPD05-S00000.h5"
    dataset = "/INSTRUMENT/SPB_DET_AGIPD1M-1/DET/5CH0:xtdf/image/data"
    module = open_frames(file, dataset=dataset)
    assert module.shape == (4, 512, 128)
    np.testing.assert_array_equal(module[1], open_frames(agipd)[1][5 * 512 : 6 * 512])


@pytest.mark.parametrize("change", ["count", "twice", "pulse", "rows", "cut off"])
def test_what_does_not_belong_together_is_not_put_together(tmp_path, change, refused):
    folder = write_run(tmp_path / "run", "AGIPD", modules=[0, 1], sequences=[0])
    path = folder / "CORR-R0001-AGIPD01-S00000.h5"
    group = "SPB_DET_AGIPD1M-1/DET/1CH0:xtdf/image"
    if change == "cut off":
        path.write_bytes(path.read_bytes()[:-5000])
        refused(folder, path)
        return
    if change == "twice":
        shutil.copy(path, folder / "CORR-R0001-AGIPD01-S00001.h5")
    with h5py.File(path, "r+") as file:
        if change == "count":
            file[f"INDEX/{group}/count"][1] = 1
        elif change == "pulse":
            file[f"INSTRUMENT/{group}/pulseId"][2] = 9
        elif change == "rows":
            file[f"INDEX/{group}/first"][1] = 3
    said = {"count": "cannot be put together", "twice": "same train ID in different files"}
    said |= {"pulse": "name the frames of train 10001 differently", "rows": "row 4"}
    refused(folder, said[change])


def test_without_extra_data_the_sentence_says_how_to_get_it(agipd, monkeypatch, refused):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("sklearn_sfx._extras.import_module", missing)
    refused(agipd, "need extra_data", "pip install 'sklearn_sfx[euxfel]'", "dataset=")
    file = agipd / "CORR-R0001-AGIPD05-S00000.h5"
    refused(file, "pip install 'sklearn_sfx[euxfel]'")
    dataset = "/INSTRUMENT/SPB_DET_AGIPD1M-1/DET/5CH0:xtdf/image/data"
    assert open_frames(file, dataset=dataset).shape == (4, 512, 128)


def test_other_folders_are_no_runs(tmp_path, refused):
    refused(tmp_path, tmp_path, "is a folder")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.zeros((2, 3, 4))
    refused(tmp_path, tmp_path, "is a folder")
