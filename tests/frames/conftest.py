"""Files as the tools of the field write them, each holding the frames it is given."""

import h5py
import hdf5plugin
import numpy as np
import pytest

from sklearn_sfx import InputError, open_frames
from sklearn_sfx.datasets import write_cxidb76

ENERGY_EV = 9500.0
WAVELENGTH = 12398.419843320026 / ENERGY_EV


def write_cxidb76_by_hand(path, frames):
    """Two chunks whose keys are not written in their order, one without wavelength."""
    half = len(frames) // 2
    with h5py.File(path, "w") as file:
        file["metadata/idh5_version"] = "idh5_v1.0"
        file["data/chunk_0000001/images"] = frames[half:]
        file["data/chunk_0000000/images"] = frames[:half]
        file["data/chunk_0000000/wavelength"] = np.full(half, 1.3)
        for key, part in (("chunk_0000000", frames[:half]), ("chunk_0000001", frames[half:])):
            file[f"data/{key}/distance"] = np.full(len(part), 150.0)
            file[f"data/{key}/timestamp"] = np.full(len(part), b"2018-12-13T15:51Z34.902")


def write_cheetah(path, frames, *, closed=True):
    n, height, width = frames.shape
    extent = n if closed else n + 5
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 140
        data = file.create_dataset(
            "entry_1/instrument_1/detector_1/detectorCorrected/data",
            (extent, height, width),
            frames.dtype,
            maxshape=(None, height, width),
            chunks=(1, height, width),
            compression=3,
        )
        data[:n] = frames
        # Closed: the count. Not closed: the position of the slice written last, here one more
        # than the frames that are known to be complete.
        data.attrs["numEvents"] = np.int32(n)
        file["entry_1/instrument_1/detector_1/data"] = h5py.SoftLink(data.name)
        file["entry_1/data_1"] = h5py.SoftLink("/entry_1/instrument_1/detector_1")
        mask = file.create_dataset(
            "entry_1/instrument_1/detector_1/mask", (extent, height, width), np.uint16
        )
        mask[:n, 0, 0] = 8  # dead
        mask[1, 2, 1] = 1  # invalid
        mask[:n, 1, 1] = 32  # a peak, usable
        for name in ("mask_shared", "mask_shared_max", "mask_shared_min"):
            file[f"entry_1/instrument_1/detector_1/{name}"] = np.zeros((height, width), np.uint16)
        names = np.zeros(extent, "S128")
        names[:n] = [f"LCLS_{i}".encode() for i in range(n)]
        file["entry_1/experiment_identifier"] = names
        energy = np.zeros(extent)
        energy[:n] = ENERGY_EV
        file["LCLS/photon_energy_eV"] = energy
        file["LCLS/detector_1/EncoderValue"] = np.full(extent, -450.0)
        file["entry_1/result_1/peakXPosRaw"] = np.zeros((extent, 20), np.float32)


def write_cheetah_unclosed(path, frames):
    write_cheetah(path, frames, closed=False)


def write_om(path, frames):
    n = len(frames)
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "entry_1/data_1/data",
            data=frames,
            chunks=(1, *frames.shape[1:]),
            **hdf5plugin.Bitshuffle(cname="zstd", clevel=3),
        )
        file["entry_1/result_1/nPeaks"] = np.arange(n)
        file["entry_1/event_id"] = [f"id-{i}" for i in range(n)]
        file["entry_1/timestamp"] = np.arange(n) + 0.5
        file["entry_1/beam_energy"] = np.full(n, ENERGY_EV)
        file["entry_1/detector_distance"] = np.full(n, 81.0)


def write_om_elsewhere(path, frames):
    """The same with gzip, at a path of the user's choice."""
    with h5py.File(path, "w") as file:
        file.create_dataset("my/raw", data=frames, chunks=(1, *frames.shape[1:]), compression=4)
        file["my/peaks/fs"] = np.zeros((len(frames), 1024), np.float32)


def write_psocake(path, frames):
    with h5py.File(path, "w") as file:
        file.create_dataset("entry_1/data_1/data", data=frames, chunks=(1, *frames.shape[1:]))
        file["entry_1/data_1/mask"] = np.zeros(frames.shape[1:])
        file["entry_1/data_1/powderHits"] = np.zeros(frames.shape[1:])
        file["entry_1/result_1/nPeaks"] = np.zeros(len(frames), np.int64)
        file["LCLS/photon_energy_eV"] = np.full(len(frames), ENERGY_EV)
        file["entry_1/instrument_1/detector_1/distance"] = np.full(len(frames), 0.12)


def write_extra_data(path, frames):
    """Modules as a virtual dataset over one file per module."""
    n, height, width = frames.shape
    modules = frames.reshape(n, 2, height // 2, width)
    layout = h5py.VirtualLayout((n, 2, height // 2, width), frames.dtype)
    for number in range(2):
        part = path.with_name(f"{path.stem}-module{number}.h5")
        with h5py.File(part, "w") as file:
            file["raw"] = modules[:, number]
        layout[:, number] = h5py.VirtualSource(part.name, "raw", modules[:, number].shape)
    with h5py.File(path, "w", libver="latest") as file:
        file["cxi_version"] = 150
        file.create_virtual_dataset("entry_1/instrument_1/detector_1/data", layout)
        file["entry_1/data_1"] = h5py.SoftLink("/entry_1/instrument_1/detector_1")
        mask = np.zeros(modules.shape, np.uint32)
        mask[1, 1, 0, 0] = 0xFFFFFFFF
        file["entry_1/instrument_1/detector_1/mask"] = mask
        file["entry_1/instrument_1/detector_1/gain"] = np.zeros(modules.shape, np.uint8)
        file["entry_1/experiment_identifier"] = [f"100:{i}".encode() for i in range(n)]


def write_zstd(path, frames):
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=frames, chunks=(1, *frames.shape[1:]), **hdf5plugin.Zstd())


def write_chunks_of_three(path, frames):
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=frames, chunks=(3, 2, 2), compression="lzf")


def write_big_endian(path, frames):
    with h5py.File(path, "w") as file:
        file["images"] = frames.astype(frames.dtype.newbyteorder(">"))
        file["link"] = h5py.SoftLink("/images")
        file["broken"] = h5py.SoftLink("/nowhere")


WRITERS = {
    "cxidb76-by-hand": write_cxidb76_by_hand,
    "cxidb76-plain": lambda path, frames: write_cxidb76(path, frames, compression=None),
    "cxidb76-bitshuffle": lambda path, frames: write_cxidb76(path, frames, chunk_size=3),
    "cheetah-closed": write_cheetah,
    "cheetah-unclosed": write_cheetah_unclosed,
    "om-bitshuffle-zstd": write_om,
    "om-gzip": write_om_elsewhere,
    "psocake": write_psocake,
    "extra-data-modules": write_extra_data,
    "zstd": write_zstd,
    "chunks-of-three": write_chunks_of_three,
    "big-endian": write_big_endian,
}


@pytest.fixture(scope="session")
def pixels():
    """Seven frames of 6 x 5 pixels, no two values alike; never changed."""
    values = np.arange(7 * 6 * 5, dtype=np.int16).reshape(7, 6, 5) - 20
    values.setflags(write=False)
    return values


@pytest.fixture(scope="session", params=list(WRITERS))
def run_file(request, pixels, tmp_path_factory):
    """One file per layout; its name and suffix say nothing of it."""
    path = tmp_path_factory.mktemp(request.param) / "run.dat"
    WRITERS[request.param](path, pixels)
    return path


@pytest.fixture
def write(tmp_path, pixels):
    """Return a function that writes the pixels in a layout, and returns the path."""

    def write_one(layout, frames=pixels, name="run.h5"):
        path = tmp_path / name
        WRITERS[layout](path, frames)
        return path

    return write_one


@pytest.fixture
def sentence():
    """Return a function that asserts that an error is one sentence that says each of the parts."""

    def check(error, *parts):
        text = str(error.value)
        for part in parts:
            assert str(part) in text, f"{part!r} is not said in: {text}"
        assert text.endswith(".")
        assert "\n" not in text

    return check


@pytest.fixture
def refused(sentence):
    """Return a function that asserts that a source is refused, and in which words."""

    def check(source, *parts, **options):
        with pytest.raises(InputError) as error:
            open_frames(source, **options)
        sentence(error, *parts)

    return check


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


# Of session scope, so that property-based tests may use them too.


@pytest.fixture(scope="session")
def write_part():
    """Return a function that writes one dataset to a file of its own."""

    def write(path, values, name="data", **options):
        with h5py.File(path, "w") as file:
            file.create_dataset(name, data=values, **options)

    return write


@pytest.fixture(scope="session")
def write_virtual():
    """Return a function that writes a virtual dataset to a file of its own."""

    def write(path, layout, name="entry/data/data", **options):
        with h5py.File(path, "w", libver="latest") as file:
            file.create_virtual_dataset(name, layout, **options)

    return write


@pytest.fixture(scope="session")
def ramp():
    """Return a function that makes n frames of uint16, no two values alike."""

    def make(n, height=6, width=5, start=0):
        return np.arange(n * height * width, dtype=np.uint16).reshape(n, height, width) + start

    return make


@pytest.fixture
def halves(tmp_path, write_part, write_virtual, ramp):
    """Return the path and the values of a virtual run of eight frames, four each of two files."""
    values = ramp(8)
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    for i in (0, 1):
        write_part(tmp_path / f"part{i}.h5", values[4 * i : 4 * i + 4], chunks=(1, 6, 5))
        layout[4 * i : 4 * i + 4] = h5py.VirtualSource(f"part{i}.h5", "data", (4, 6, 5))
    write_virtual(tmp_path / "run.h5", layout)
    return tmp_path / "run.h5", values


@pytest.fixture(scope="session")
def gone():
    """Return a function that gives first and end of the frames known not to be readable."""
    return lambda frames: [(known.start, known.stop) for known in frames.unreadable]
