"""Runs as the facilities write them, each holding the frames it is given."""

import h5py
import hdf5plugin
import numpy as np
import pytest


def text(value):
    return np.bytes_(value)


def group(file, path, nx_class, **attributes):
    made = file.require_group(path)
    made.attrs["NX_class"] = text(nx_class)
    for name, value in attributes.items():
        made.attrs[name] = text(value)
    return made


def number(parent, name, value, units=None):
    parent[name] = value
    if units is not None:
        parent[name].attrs["units"] = units


def data_files(path, frames, n_files=3, inner="entry/data/data"):
    """Write the frames to files beside the master; yield name and frames of each."""
    edges = np.linspace(0, len(frames), n_files + 1).astype(int)
    edges = [0, *(-(-len(frames) // n_files) * np.arange(1, n_files)), len(frames)]
    for i in range(n_files):
        part = frames[edges[i] : edges[i + 1]]
        name = f"{path.stem}_data_{i + 1:06d}.h5"
        with h5py.File(path.with_name(name), "w") as file:
            file.create_dataset(
                inner, data=part, chunks=(1, *frames.shape[1:]), **hdf5plugin.Bitshuffle()
            )
        yield name, part


def write_master(path, frames, *, links=True, virtual=True, in_entry=False, definition=True):
    """An NXmx master of a DECTRIS detector, with what it says of beam and detector."""
    n, height, width = frames.shape
    layout, start = h5py.VirtualLayout(frames.shape, frames.dtype), 0
    with h5py.File(path, "w", libver="latest") as file:
        group(file, "entry", "NXentry", default="data")
        file.attrs["default"] = text("entry")
        if definition:
            file["entry/definition"] = text("NXmx")
        data = group(file, "entry/data", "NXdata", signal="data")
        for i, (name, part) in enumerate(data_files(path, frames), start=1):
            source = h5py.VirtualSource(name, "entry/data/data", part.shape)
            layout[start : start + len(part)] = source
            start += len(part)
            if links:
                place = file["entry"] if in_entry else data
                place[f"data_{i:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
        if virtual:
            file.create_virtual_dataset("entry/data/data", layout)
        group(file, "entry/instrument", "NXinstrument")
        beam = group(file, "entry/instrument/beam", "NXbeam")
        number(beam, "incident_wavelength", 0.976, "angstrom")
        detector = group(file, "entry/instrument/detector", "NXdetector")
        number(detector, "x_pixel_size", 75e-6, "m")
        number(detector, "y_pixel_size", 75e-6, "m")
        number(detector, "beam_center_x", 2.5, "pixel")
        number(detector, "beam_center_y", 3.0, "pixel")
        number(detector, "detector_distance", 0.15, "m")
        number(detector, "saturation_value", 9000)
        number(detector, "bit_depth_image", 16)
        number(detector, "bit_depth_readout", 12)
        mask = np.zeros((height, width), np.uint32)
        mask[1, 2], mask[2, 3], mask[3, 3] = 1, 1 << 8, 1 << 31
        detector.create_dataset(
            "detectorSpecific/pixel_mask", data=mask, chunks=mask.shape, **hdf5plugin.Bitshuffle()
        )
        detector["pixel_mask"] = h5py.SoftLink("detectorSpecific/pixel_mask")
        detector["flatfield"] = np.ones((1, height, width), np.float32)
        detector["detectorSpecific/nimages"] = n
        detector["detectorSpecific/ntrigger"] = 1


def write_interleaved(path, frames):
    """Two writers that take turns, as Odin has them; one virtual dataset of both."""
    layout = h5py.VirtualLayout(frames.shape, frames.dtype)
    with h5py.File(path, "w", libver="latest") as file:
        group(file, "entry", "NXentry")["definition"] = "NXmx"
        for i in range(2):
            part = frames[i::2]
            with h5py.File(path.with_name(f"{path.stem}_{i}.h5"), "w") as other:
                other.create_dataset("data", data=part, chunks=(1, *part.shape[1:]))
            source = h5py.VirtualSource(f"{path.stem}_{i}.h5", "data", part.shape)
            layout[i::2] = source
        file.create_virtual_dataset("entry/data/data", layout)


def write_channels(path, frames):
    """DECTRIS's FileWriter 2 with two thresholds; the second is the first turned over."""
    with h5py.File(path, "w") as file:
        group(file, "entry", "NXentry", default="data")["definition"] = "NXmx"
        file.attrs["default"] = "entry"
        data = group(file, "entry/data", "NXdata", signal="data")
        data.attrs["axes"] = ["image_id", "channel", ".", "."]
        data["channel"] = ["threshold_1", "threshold_2"]
        both = np.stack([frames, frames[::-1]], axis=1)
        data.create_dataset("data", data=both, chunks=(1, *both.shape[1:]))
        group(file, "entry/instrument", "NXinstrument")
        group(file, "entry/instrument/detector", "NXdetector")


def write_sacla(path, frames):
    with h5py.File(path, "w") as file:
        for i, frame in enumerate(frames):
            tag = f"tag-{99 + i}"  # of two and three digits: not in the order of their names
            file.create_dataset(f"{tag}/data", data=frame, chunks=frame.shape, shuffle=True)
            file[f"{tag}/photon_energy_ev"] = 10000.0 + i
            file[f"{tag}/photon_wavelength_A"] = 12398.419843320026 / (10000.0 + i)
        mask = np.zeros(frames.shape[1:], np.uint8)
        mask[0, 1] = 1
        file["metadata/pixelmask"] = mask
        file["metadata/detector"] = "MPCCD"
        file["metadata/distance_in_mm"] = 51.5
        file["metadata/pixelsize_in_um"] = 50.0
        file["metadata/posx_in_um"] = np.zeros(frames.shape[1:])


def write_pal(path, frames):
    with h5py.File(path, "w") as file:
        file["R0042/scan_dat/raymx_data"] = frames
        file["R0042/scan_dat/N"] = np.arange(len(frames))
        file["R0042/scan_dat/raymx_header"] = np.zeros((len(frames), 10))
        file["R0042/header/detector_0_distance"] = 110.0


def write_swissfel(path, frames, *, top="data/"):
    at = f"{top}JF07T32V01"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            f"{at}/data", data=frames, chunks=(1, *frames.shape[1:]), **hdf5plugin.Bitshuffle()
        )
        file[f"{at}/pulse_id"] = np.arange(len(frames))[:, np.newaxis] + 1000
        file[f"{at}/frame_index"] = np.arange(len(frames))
        file[f"{at}/is_good_frame"] = np.ones((len(frames), 1), np.uint8)
        file[f"{at}/daq_rec"] = np.zeros(len(frames), np.int64)
        file["general/detector_name"] = "JF07T32V01"


def write_swissfel_corrected(path, frames):
    write_swissfel(path, frames)
    with h5py.File(path, "r+") as file:
        file["data/JF07T32V01/meta/conversion_factor"] = np.nan
        mask = np.ones(frames.shape[1:], bool)
        mask[4, 4] = False
        file["data/JF07T32V01/meta/pixel_mask"] = mask


def write_area_detector(path, frames, lead=None):
    with h5py.File(path, "w") as file:
        group(file, "entry", "NXentry")
        data = group(file, "entry/data", "NXdata")
        shape = (*(lead or frames.shape[:1]), *frames.shape[1:])
        made = data.create_dataset(
            "data", data=frames.reshape(shape), chunks=(*[1] * (len(shape) - 2), *shape[-2:])
        )
        made.attrs["signal"] = 1
        made.attrs["NDArrayNumDims"] = 2
        group(file, "entry/instrument", "NXinstrument")
        detector = group(file, "entry/instrument/detector", "NXdetector")
        detector["data"] = made  # a hard link
        detector["NDAttributes/ColorMode"] = np.zeros(len(frames), np.int32)
        file["entry/instrument/NDAttributes/NDArrayUniqueId"] = np.arange(len(frames))


def write_events(path, frames):
    """CXI with an entry for each frame, as Cheetah's and others' single events are put together."""
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 140
        for i, frame in enumerate(frames, start=1):
            detector = file.create_group(f"entry_{i}/instrument_1/detector_1")
            detector["data"] = frame
            number(detector, "distance", 0.1)
            file[f"entry_{i}/instrument_1/source_1/energy"] = (9000 + i) * 1.602176634e-19
            file[f"entry_{i}/data_1"] = h5py.SoftLink(f"/entry_{i}/instrument_1/detector_1")
            file[f"entry_{i}/experiment_identifier"] = f"shot {i}"


def write_entries(path, frames):
    """CXI with two entries of several frames each."""
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 160
        file["entry_1/data_1/data"] = frames[:3]
        file["entry_2/data_1/data"] = frames[3:]


def write_lima(path, frames):
    with h5py.File(path, "w") as file:
        file.attrs["creator"] = "LIMA-1.9.7"
        group(file, "entry_0000", "NXentry")
        group(file, "entry_0000/instrument", "NXinstrument")
        detector = group(file, "entry_0000/instrument/eiger4m", "NXdetector")
        detector["data"] = frames
        group(file, "entry_0000/measurement", "NXcollection")
        file["entry_0000/measurement/data"] = h5py.SoftLink("/entry_0000/instrument/eiger4m/data")


def write_lambda(path, frames):
    """One part; the detector writes no NXdata, and its flatfield has the shape of a frame."""
    with h5py.File(path, "w") as file:
        group(file, "entry", "NXentry")
        group(file, "entry/instrument", "NXinstrument")
        detector = group(file, "entry/instrument/detector", "NXdetector")
        detector["data"] = frames
        detector["flatfield"] = np.ones((1, *frames.shape[1:]), np.float32)
        mask = np.zeros((1, *frames.shape[1:]), np.uint32)
        mask[0, 5, 4] = 2
        detector["pixel_mask"] = mask
        detector["saturation_value"] = np.array([4095], np.uint32)
        detector["x_pixel_size"], detector["y_pixel_size"] = np.array([55.0]), np.array([55.0])
        for axis in "xy":
            detector[f"{axis}_pixel_size"].attrs["units"] = np.array([b"micrometer"])
        detector["collection/beam_energy"] = np.array([12000.0])
        detector["collection/beam_energy"].attrs["units"] = "eV"


def write_gda(path, frames):
    """Diamond's GDA: the data are linked, and older attributes say what is to be plotted."""
    with h5py.File(path, "w") as file:
        group(file, "entry1", "NXentry")
        group(file, "entry1/instrument", "NXinstrument")
        detector = group(file, "entry1/instrument/pil2M", "NXdetector")
        detector["data"] = frames
        detector["data"].attrs["signal"] = np.array([1])
        group(file, "entry1/pil2M", "NXdata")["data"] = h5py.SoftLink(
            "/entry1/instrument/pil2M/data"
        )
        file["entry1/sample/orientation_matrix"] = np.eye(3)[np.newaxis]
        file["entry1/thumbnails/raw"] = np.ones((2, 9, 9), np.uint16)
        number(file["entry1"], "instrument/monochromator/energy", 12.4, np.array([b"keV"]))


FACILITIES = {
    "nxmx-virtual-and-links": write_master,
    "nxmx-virtual": lambda path, frames: write_master(path, frames, links=False),
    "nxmx-links": lambda path, frames: write_master(path, frames, virtual=False),
    "dectris-2012": lambda path, frames: write_master(
        path, frames, virtual=False, in_entry=True, definition=False
    ),
    "odin": write_interleaved,
    "filewriter-2": write_channels,
    "sacla": write_sacla,
    "pal": write_pal,
    "swissfel": write_swissfel,
    "swissfel-old": lambda path, frames: write_swissfel(path, frames, top=""),
    "swissfel-corrected": write_swissfel_corrected,
    "area-detector": write_area_detector,
    "area-detector-scan": lambda path, frames: write_area_detector(path, frames, (1, len(frames))),
    "cxi-events": write_events,
    "cxi-entries": write_entries,
    "lima": write_lima,
    "lambda": write_lambda,
    "gda": write_gda,
}


@pytest.fixture(scope="session", params=list(FACILITIES))
def facility_file(request, pixels, tmp_path_factory):
    """One run per facility; name and suffix say nothing of it."""
    path = tmp_path_factory.mktemp(request.param) / "run.dat"
    FACILITIES[request.param](path, pixels)
    return path


@pytest.fixture
def facility(tmp_path, pixels):
    """Return a function that writes the pixels as a facility does, and returns the path."""

    def write_one(name, frames=pixels, **options):
        path = tmp_path / "run.h5"
        FACILITIES[name](path, frames, **options)
        return path

    return write_one
