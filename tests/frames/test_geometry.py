"""Modules are put together as a geometry says: nearest pixel, gaps and bad pixels masked."""

import re

import h5py
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_sfx import CentralCrop, InputError, open_frames
from sklearn_sfx.frames.geometry import AssembledSource, Geometry, Panel, read_geometry
from sklearn_sfx.frames.geometry._gather import find_tiles, gather, gather_tiles
from sklearn_sfx.frames.geometry._turn import SIDE

pytest.importorskip("cfelpyutils")

HEAD = "photon_energy = 9500 eV\nclen = 0.182\nres = 5000\nadu_per_photon = 1\ndata = /data\n"
HEAD += "dim0 = %\ndim2 = ss\ndim3 = fs\n"
DIRECTIONS = [("x", "y"), ("-y", "x"), ("+0.999x +0.02y", "-0.02x +0.999y"), ("-x", "-y")]
CORNERS = [(-35.2, -22.1), (3.4, 40.0), (-30.0, 4.0), (30.0, -5.0)]


def panel(number, extra=""):
    (x, y), (fs, ss) = CORNERS[number], DIRECTIONS[number]
    lines = f"dim1 = {number}\nmin_fs = 0\nmax_fs = 29\nmin_ss = 0\nmax_ss = 19\n"
    lines += f"corner_x = {x}\ncorner_y = {y}\nfs = {fs}\nss = {ss}\n{extra}"
    return "".join(f"p{number}/{line}\n" for line in lines.splitlines())


@pytest.fixture
def run(tmp_path):
    frames = np.random.default_rng(0).integers(1, 1000, (3, 4, 20, 30)).astype(np.uint16)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["data"] = frames
    return tmp_path / "run.h5", frames


@pytest.fixture
def geom(tmp_path):
    def write(extra="", of_panel=""):
        text = HEAD + "".join(panel(number, of_panel) for number in range(4)) + extra
        (tmp_path / "det.geom").write_text(text)
        return tmp_path / "det.geom"

    return write


def naive(geometry, modules, height, width, beam):
    """Look for the nearest pixel of each place by comparing it with all."""
    image = np.full((height, width), np.nan)
    rows, columns = np.mgrid[:height, :width]
    y, x = rows - beam[0], columns - beam[1]
    for one in geometry.panels:
        values = modules[one.module or 0]
        ss, fs = np.mgrid[: one.height, : one.width] + 0.5
        px = one.corner[0] + fs * one.fs[0] + ss * one.ss[0]
        py = one.corner[1] + fs * one.fs[1] + ss * one.ss[1]
        away = np.hypot(x[..., None] - px.ravel(), y[..., None] - py.ravel())
        nearest = away.argmin(axis=-1)
        (a, b), (c, d) = one.fs, one.ss
        local_x, local_y = x - one.corner[0], y - one.corner[1]
        u = (d * local_x - c * local_y) / (a * d - b * c)
        v = (a * local_y - b * local_x) / (a * d - b * c)
        inside = (u >= 0) & (u < one.width) & (v >= 0) & (v < one.height)
        image[inside] = values.ravel()[nearest[inside]]
    return image


def test_each_place_has_the_nearest_pixel_and_gaps_are_nan(run, geom):
    path, modules = run
    frames = open_frames(path, geometry=geom())
    expected = naive(read_geometry(str(geom())), modules[1], *frames.shape[1:], frames.beam_center)
    np.testing.assert_array_equal(frames[1], expected.astype(np.float32))
    assert 0.1 < np.isnan(frames[1]).mean() < 0.9
    assert (frames.facts.distance, frames.facts.pixel_size) == (182.0, 0.2)
    assert frames.facts.modules is None
    assert frames.facts.wavelength == pytest.approx(1.3051, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-20, 20), st.floats(-20, 20), st.floats(0, 6.28)),
        min_size=1,
        max_size=3,
    )
)
@example([(0.0, 0.0, 0.0), (0.0, 1.5, 0.0)])
def test_assembling_is_looking_for_the_nearest(places):
    panels = tuple(
        Panel(
            f"p{number}",
            number,
            0,
            0,
            4,
            6,
            (x + 60 * number, y),
            (np.cos(angle), np.sin(angle)),
            (-np.sin(angle), np.cos(angle)),
            1000.0,
        )
        for number, (x, y, angle) in enumerate(places)
    )
    geometry = Geometry("det.geom", panels)
    modules = np.arange(1, 24 * len(panels) + 1, dtype=np.int32).reshape(-1, 4, 6)
    stacked = open_frames(modules.reshape(1, -1, 6))
    source = AssembledSource(stacked._source, geometry, 4)
    image = np.empty(source.shape[1:], np.int32)
    source.read(0, stacked.window._replace(height=image.shape[0], width=image.shape[1]), image)
    row, column = source.facts.beam_center
    found = [  # on the very edge between two pixels, each of them is the nearest
        np.nan_to_num(naive(geometry, modules, *image.shape, (row + down, column + right)))
        for down in (-1e-6, 0, 1e-6)
        for right in (-1e-6, 0, 1e-6)
    ]
    assert np.any([image == expected for expected in found], axis=0).all()


@settings(max_examples=50, deadline=None)
@given(
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=90),
    st.tuples(*[st.floats(-2, 2)] * 4),
    st.integers(0, 40),
    st.sampled_from([np.uint16, np.float32, bool]),
)
def test_tiles_give_what_an_index_gives(shape, turn, gap, dtype):
    height, width = 40, 100  # of the pixels, a panel that is turned and squeezed
    y, x = np.mgrid[: shape[0], : shape[1]]
    row, column = np.floor([turn[0] * y + turn[1] * x, turn[2] * y + turn[3] * x]).astype(int)
    inside = (row >= 0) & (row < height) & (column >= gap) & (column < width)
    index = np.where(inside, row * width + column, height * width).astype(np.int32)
    pixels = np.random.default_rng(0).integers(0, 60000, height * width + 1)
    pixels = (pixels > 30000 if dtype is bool else pixels).astype(dtype)
    tiles = find_tiles(index, index.size)
    expected, image = np.empty(shape, dtype), np.empty(shape, dtype)
    gather(pixels, index, expected)
    gather_tiles(pixels, tiles, image)
    np.testing.assert_array_equal(image, expected)
    assert (tiles[:, 2] * tiles[:, 3]).sum() == index.size
    assert len(find_tiles(index, len(tiles) - 1)) == 0


@pytest.mark.parametrize("dtype", [bool, np.int16, np.float32, np.float64])
@pytest.mark.parametrize(("down", "across"), [(1, 37), (-1, 37), (1, -37), (-1, -37)])
def test_modules_turned_by_90_degrees_are_copied_block_by_block(dtype, down, across):
    height, width = 4 * SIDE + 5, 37  # of the module, of which some is left beside whole blocks
    pixels = np.random.default_rng(0).integers(0, 2**15, height * width + 1)
    module = (pixels % 2 if dtype is bool else pixels).astype(dtype)
    expected = module[:-1].reshape(height, width)[:: np.sign(across), ::down].T
    index = np.arange(height * width, dtype=np.int32).reshape(height, width)
    index = np.ascontiguousarray(index[:: np.sign(across), ::down].T)
    tiles = find_tiles(index, index.size)
    assert set(tiles[:, 5]) == {down}
    assert set(tiles[:, 6]) == {across}
    image = np.zeros(index.shape, dtype)
    gather_tiles(module, tiles, image)
    np.testing.assert_array_equal(image, expected)


def test_directions_are_those_of_crystfel(geom):
    panels = read_geometry(str(geom())).panels
    assert [(one.fs, one.ss) for one in panels] == [
        ((1, 0), (0, 1)),
        ((0, -1), (1, 0)),
        ((0.999, 0.02), (-0.02, 0.999)),
        ((-1, 0), (0, -1)),
    ]


def test_a_crop_reads_what_the_whole_has(run, geom):
    path, _ = run
    frames = open_frames(path, geometry=geom())
    crop = CentralCrop(16, center="beam").fit(frames)
    top, left = (round(place - 7.5) for place in frames.beam_center)
    expected = np.asarray(frames)[:, top : top + 16, left : left + 16]
    np.testing.assert_array_equal(np.asarray(crop.transform(frames)), expected)


def test_without_a_geometry_nothing_is_cropped_across_modules(run):
    frames = open_frames(run[0])
    with pytest.raises(InputError, match=r"4 modules of 20 rows.*--geometry"):
        CentralCrop(18).fit(frames)
    assert CentralCrop(None).fit_transform(frames).shape == frames.shape
    assert CentralCrop(10, center=(9, 15)).fit_transform(frames).shape == (3, 10, 10)


def test_masks_of_a_geometry_apply(run, geom, tmp_path):
    path, _ = run
    n_whole = np.isfinite(open_frames(path, geometry=geom())[0]).sum()

    def n_lost(extra="", of_panel="", **options):
        frames = open_frames(path, geometry=geom(extra, of_panel), **options)
        return n_whole - np.isfinite(frames[0]).sum()

    assert n_lost(of_panel="no_index = 0") == 0
    assert n_lost("p0/no_index = 1\n") == pytest.approx(600, abs=40)
    assert n_lost("p0/mask_edge_pixels = 2\n") == pytest.approx(184, abs=20)
    region = "bad1/panel = p1\nbad1/min_fs = 0\nbad1/max_fs = 9\nbad1/min_ss = 0\nbad1/max_ss = 4\n"
    assert n_lost(region) == pytest.approx(50, abs=6)
    assert n_lost(region, mask=False) == 0
    place = "bad1/min_x = -36\nbad1/max_x = -26\nbad1/min_y = -100\nbad1/max_y = -18\n"
    assert n_lost(place) > 20
    mask = np.zeros((4, 20, 30), np.uint16)
    mask[2, :10] = 4
    with h5py.File(tmp_path / "mask.h5", "w") as file:
        file["m"] = mask
    named = "mask0_data = /m\nmask0_file = mask.h5\nmask0_badbits = 0x4\n"
    assert n_lost(of_panel=named) == pytest.approx(300, abs=20)
    frames = open_frames(run[0], geometry=geom(of_panel=named))
    held = {str(tmp_path / "mask.h5"), str(geom(of_panel=named))}
    assert held < frames.files
    assert held < frames[:1].files
    assert n_lost(of_panel="flag_lessthan = 500") == pytest.approx(n_whole / 2, rel=0.1)
    user = np.ones((80, 30), bool)
    user[:20] = False
    assert n_lost(mask=user) == pytest.approx(600, abs=40)


def test_it_is_said_which_masks_apply(run, geom):
    path, _ = run
    with h5py.File(path, "r+") as file:
        file["mask"] = np.zeros((4, 20, 30), np.uint16)
    origin = open_frames(path, geometry=geom()).mask_origin
    assert re.fullmatch(r".*\.geom; dataset /mask of .* is not used, since .* numbers mean", origin)
    named = geom(of_panel="mask0_data = /mask\nmask0_badbits = 0x4\n")
    assert open_frames(path, geometry=named).mask_origin == str(named)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("nothing", "no CrystFEL geometry"),
        (HEAD + panel(0).replace("max_ss = 19", "max_ss = 40"), "outside of the frames"),
        (HEAD + panel(0).replace("dim1 = 0", "dim1 = 7"), "outside of the frames"),
        ("clen = 1 furlong\n" + panel(0), "furlong"),
        (re.sub(r"/fs = .*", "/fs = +0.0x +0.0y", HEAD + panel(0)), "Panel .*singular"),
        (HEAD + "\0" + panel(0), "no text"),
        (
            HEAD + panel(0) + "p0/mask0_data = /m\np0/mask0_badbits = 1\n",
            r"bad\.geom names.*no dataset /m;.*--no-mask",
        ),
    ],
)
def test_refuses_other_geometries(run, tmp_path, text, part):
    (tmp_path / "bad.geom").write_text(text)
    with pytest.raises(InputError, match=part):
        open_frames(run[0], geometry=tmp_path / "bad.geom")
    with pytest.raises(InputError, match="cannot be read"):
        open_frames(run[0], geometry=tmp_path / "none.geom")


def test_a_real_geometry(shared_data, tmp_path):
    path = shared_data / "crystfel" / "ln84_like.geom"
    text = path.read_text().replace("mask0_data", ";")
    (tmp_path / "det.geom").write_text(text)
    values = np.arange(724 * 724, dtype=np.int32).reshape(1, 724, 724)
    frames = open_frames(values, geometry=tmp_path / "det.geom")
    np.testing.assert_array_equal(np.asarray(frames), values.astype(np.float32))
    assert frames.beam_center == (361.5, 361.5)


def test_the_dataset_that_it_names_is_read(tmp_path, geom):
    modules = np.ones((3, 4, 20, 30), np.uint16)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["entry/data/data"], file["data"] = modules, 2 * modules
    assert (
        open_frames(tmp_path / "run.h5", dataset="/entry/data/data").facts.dataset[:6] == "/entry"
    )
    run = open_frames(tmp_path / "run.h5", geometry=geom())
    assert run.facts.dataset == "/data"
    assert np.nanmax(run[0]) == 2
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        del file["data"]
    assert open_frames(tmp_path / "run.h5", geometry=geom()).facts.dataset == "/entry/data/data"
    with h5py.File(tmp_path / "run.h5", "r+") as file:  # nor has the group behind a link one
        file["linked"] = h5py.SoftLink("/entry")
    other = geom()
    other.write_text(other.read_text().replace("data = /data", "data = /linked/images"))
    assert open_frames(tmp_path / "run.h5", geometry=other).facts.dataset == "/entry/data/data"
    np.save(tmp_path / "run.npy", modules.reshape(3, 80, 30))
    np.savez(tmp_path / "run.npz", frames=modules.reshape(3, 80, 30))
    for name in ("run.npy", "run.npz"):
        assert len(open_frames(tmp_path / name, geometry=geom())) == 3


def test_of_datasets_that_it_names_by_a_placeholder_one_has_to_be_chosen(tmp_path, geom, refused):
    path = geom()
    path.write_text(path.read_text().replace("data = /data", "data = /entry/%/data"))
    with h5py.File(tmp_path / "run.h5", "w") as file:
        for number in range(2):
            file[f"entry/chunk_{number}/data"] = np.full((3, 4, 20, 30), number + 1, np.uint16)
    refused(tmp_path / "run.h5", "chunk_0/data", "name one of them", geometry=path)
    refused(tmp_path / "run.h5", "no dataset /%/data", "chunk_1/data", dataset="/%/data")
    one = open_frames(tmp_path / "run.h5", geometry=path, dataset="/entry/chunk_1/data")
    assert (len(one), np.nanmax(one[0])) == (3, 2)
    with h5py.File(tmp_path / "run.h5", "w") as file:  # the name of no event
        file["entry/50%/data"] = np.ones((3, 4, 20, 30), np.uint16)
    path.write_text(path.read_text().replace("/entry/%/data", "/entry/50%/data"))
    assert len(open_frames(tmp_path / "run.h5", geometry=path)) == 3


def test_another_is_not_read_where_the_one_that_it_names_is_dead(tmp_path, geom):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["entry/data/data"] = np.ones((3, 4, 20, 30), np.uint16)
        file["data"] = h5py.ExternalLink("gone.h5", "/data")
    with pytest.raises(InputError, match=r"no dataset /data that can be read: .*gone.h5"):
        open_frames(tmp_path / "run.h5", geometry=geom())
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        del file["data"]
        file["data"] = np.ones((3, 4, 20, 30), np.uint16)
        header = h5py.h5o.get_info(file["data"].id).addr
    damaged = bytearray((tmp_path / "run.h5").read_bytes())
    damaged[header : header + 8] = b"\xff" * 8
    (tmp_path / "run.h5").write_bytes(damaged)
    with pytest.raises(InputError, match=r"no dataset /data that can be read: .*cannot be opened"):
        open_frames(tmp_path / "run.h5", geometry=geom())


def test_a_mask_is_taken_for_the_dataset_that_it_names(tmp_path, geom):
    bad = np.zeros((4, 20, 30), np.uint16)
    bad[2] = 1
    with h5py.File(tmp_path / "run.cxi", "w") as file:
        file["cxi_version"] = 150
        file["data"] = np.ones((3, 4, 20, 30), np.uint16)
        for number in (1, 2):  # other detectors, of which the file does not say which is meant
            file[f"entry_1/instrument_1/detector_{number}/data"] = np.ones((3, 6, 7), np.uint16)
        file["mask"] = bad
    run = open_frames(tmp_path / "run.cxi", geometry=geom())
    assert run.mask_origin.startswith("dataset /mask of")
    whole = open_frames(tmp_path / "run.cxi", geometry=geom(), mask=False)
    n_lost = np.isfinite(whole[0]).sum() - np.isfinite(run[0]).sum()
    assert n_lost == pytest.approx(600, abs=40)
