"""What is appended to a run: it tells its parameters apart, and runs wherever the pixels are."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_sfx import CNN1D
from sklearn_sfx.classifiers._cache import Masked
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import blocks_on_device, can_run_on_device, open_frames
from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    AngularVariance,
    BaseStep,
    CentralCrop,
    FrameTransformer,
    LitPixels,
    PixelMask,
    RadialProfile,
    RadialSpectrum,
    RowWiseDecomposition,
    SphereFit,
    StrongestPeaks,
)
from sklearn_sfx.preprocessing._angular_variance import AngularVarianceStep
from sklearn_sfx.preprocessing._crop import CropStep
from sklearn_sfx.preprocessing._fused_step import FusedStep, PixelRule
from sklearn_sfx.preprocessing._lit_pixels import LitPixelsStep
from sklearn_sfx.preprocessing._particle_features import ParticleFeaturesStep
from sklearn_sfx.preprocessing._peak_step import PeakSettings, PeaksOnce
from sklearn_sfx.preprocessing._peaks import CountStep
from sklearn_sfx.preprocessing._radial import RadialProfileStep
from sklearn_sfx.preprocessing._sphere_fit import SphereFitStep
from sklearn_sfx.preprocessing._strongest_peaks import StrongestPeaksStep

# -- A transformer as a user writes one


class Root(FrameTransformer):
    """Square root of the counts, which makes their noise the same at every level."""

    def __init__(self, offset=1.0):
        self.offset = offset

    def _make_step(self):
        return RootStep(float(self.offset))


@dataclasses.dataclass(frozen=True)
class RootStep(BaseStep):
    offset: float

    def output_shape(self, frame_shape):
        return frame_shape

    def __call__(self, frame, usable=None):
        frame = frame.astype(np.float32)
        if usable is not None:
            frame[~usable] = np.nan
        return np.sqrt(frame + self.offset)


class RootAnywhere(Root):
    """The same for one who has a GPU."""

    def _make_step(self):
        return RootAnywhereStep(float(self.offset))


@dataclasses.dataclass(frozen=True)
class RootAnywhereStep(RootStep):
    def on_tensors(self, X):
        return torch.sqrt(X + self.offset)


@dataclasses.dataclass(frozen=True)
class GainStep(RootStep):
    gain: np.ndarray


@pytest.fixture
def run():
    rng = np.random.default_rng(0)
    frames = rng.poisson(30, (5, 40, 44)).astype(np.uint16)
    frames[2, 10:12, 20:23] += 400
    return open_frames(frames, mask=rng.random((40, 44)) > 0.05)


TRANSFORMERS = [
    PixelMask(saturation=300, invalid=[31]),
    CentralCrop(20),
    GCN(),
    LCN(3),
    LCN(5, floor="mean"),
    RowWiseDecomposition(),
    RowWiseDecomposition("column"),
    make_pipeline(CentralCrop(30), GCN(), LCN(), RowWiseDecomposition()),
    make_pipeline(LCN(3), GCN(), CentralCrop(20), LCN(3)),
    StrongestPeaks((1, 2)),
    LitPixels(threshold=20),
    RadialProfile(),
    RadialProfile(center=(3, 40), width=2.5, statistic="variance"),
    SphereFit(photon=5.0),
    AngularVariance(center=(3, 40), photon=5.0),
    make_pipeline(RadialProfile(), RadialSpectrum()),
    Root(),
    RootAnywhere(),
]
of_each = pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)


def test_a_transformer_without_a_step_is_refused_when_it_is_made():
    class NoStep(FrameTransformer):
        pass

    with pytest.raises(TypeError, match=r"NoStep.*_make_step"):
        NoStep()


# -- Where they run


@of_each
def test_arrays_runs_tensors_and_devices_agree(transformer, run):
    marked = np.where(run.mask, np.asarray(run), np.float32(np.nan))
    fitted = clone(transformer).fit(marked)
    expected = fitted.transform(marked)
    lazy = fitted.transform(run)
    np.testing.assert_allclose(np.asarray(lazy), expected, rtol=1e-4, atol=1e-4)

    tensor = torch.from_numpy(marked)
    kept = tensor.clone()
    result = fitted.transform(tensor)
    assert (result.dtype, result.device) == (torch.float32, tensor.device)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(tensor.nan_to_num(-1), kept.nan_to_num(-1))
    if not can_run_on_device(lazy):
        np.testing.assert_array_equal(result.numpy(), expected)
        return
    sent = torch.cat(list(blocks_on_device(lazy, torch.device("cpu"), max_frames=2)))
    np.testing.assert_allclose(sent.numpy(), result.numpy(), rtol=1e-5, atol=1e-6)


def test_one_step_that_knows_no_tensors_keeps_a_run_off_the_device(run):
    for transformer in TRANSFORMERS:
        unknown = (
            AngularVariance,
            LitPixels,
            RadialProfile,
            Root,
            SphereFit,
        )
        knows = type(getattr(transformer, "steps", [[0, transformer]])[0][1]) not in unknown
        assert can_run_on_device(clone(transformer).fit_transform(run)) == knows
    assert can_run_on_device(run)
    assert not can_run_on_device(GCN().fit_transform(Root().fit_transform(run)))


# -- What they say of themselves

SETTING = PeakSettings(5.0, 2, 200, 8, 1.0)
OTHER = PeakSettings(3.0, 3, 90, 9, 0.5)
SETTINGS = [SETTING, *(SETTING._replace(**{name: getattr(OTHER, name)}) for name in OTHER._fields)]
SOME_GAIN = np.ones((40, 44), np.float32)
OTHER_GAIN = SOME_GAIN.copy()
OTHER_GAIN[20, 20] = 2
DIFFERENT = {
    FusedStep: [
        FusedStep(normalize=True),
        *(FusedStep(kernel_size=k, floor=f) for k in (3, 5) for f in (0.0, 1.0, "mean")),
        *(FusedStep(normalize=n, axis=a) for n in (False, True) for a in ("row", "column")),
        FusedStep(normalize=True, kernel_size=5),
        FusedStep(kernel_size=5, axis="row"),
    ],
    StrongestPeaksStep: [
        StrongestPeaksStep((1, 2, 3), SETTING),
        *(StrongestPeaksStep((1, 2), settings) for settings in SETTINGS),
    ],
    LitPixelsStep: [LitPixelsStep(0.5, 1.0), LitPixelsStep(1.0, 1.0), LitPixelsStep(0.5, 2.0)],
    SphereFitStep: [SphereFitStep(1.0, (1.0, 1.0), width, 1.0) for width in (1.0, 2.0)],
    ParticleFeaturesStep: [
        ParticleFeaturesStep(level, (1.0, 1.0), width)
        for level in (1.0, 2.0)
        for width in (1.0, 2.0)
    ],
    AngularVarianceStep: [AngularVarianceStep(1.0, (1.0, 1.0), width) for width in (1.0, 2.0)],
    RadialProfileStep: [
        RadialProfileStep((1.0, 1.0), width, statistic)
        for width in (1.0, 2.0)
        for statistic in ("mean", "variance")
    ],
    CountStep: [CountStep(settings) for settings in SETTINGS],
    PeaksOnce: [
        *(PeaksOnce((CountStep(settings),)) for settings in SETTINGS),
        PeaksOnce((CountStep(SETTING), CountStep(OTHER))),
    ],
    RootStep: [RootStep(1.0), RootStep(2.0)],
    RootAnywhereStep: [RootAnywhereStep(1.0), RootAnywhereStep(2.0)],
    GainStep: [
        *(GainStep(1.0, gain) for gain in (SOME_GAIN, OTHER_GAIN, SOME_GAIN.T, 2 * SOME_GAIN)),
        GainStep(2.0, SOME_GAIN),
    ],
}
# Of a crop the shape says all, and a mask is another one on each detector.
SILENT = {
    CropStep: [CropStep(20), CropStep(30)],
    Masked: [Masked()],
    FusedStep: [FusedStep(PixelRule(mask)) for mask in (SOME_GAIN > 0, OTHER_GAIN > 1)],
}


def test_every_description_of_a_step_s_own_is_looked_at_here():
    left, found = [BaseStep], set()
    while left:
        more = left.pop().__subclasses__()
        left += more
        found |= {step for step in more if "description" in vars(step)}
    assert found <= {*DIFFERENT, *SILENT}


@pytest.mark.parametrize("steps", DIFFERENT.values(), ids=lambda steps: type(steps[0]).__name__)
def test_other_parameters_are_another_description(steps):
    said = [step.description for step in steps]
    assert len(set(said)) == len(said)
    assert all(said)
    assert [pickle.loads(pickle.dumps(step)).description for step in steps] == said


@pytest.mark.parametrize("steps", SILENT.values(), ids=lambda steps: type(steps[0]).__name__)
def test_masks_and_crops_are_left_out(steps):
    assert {step.description for step in steps} == {""}


def test_what_a_saved_network_compares_reads_as_before(run):
    prepared = make_pipeline(PixelMask(), CentralCrop(30), GCN(), LCN(), RowWiseDecomposition())
    said = prepared.fit_transform(run).preprocessing
    assert said == "GCN, LCN(5, floor=1.0), RowWiseDecomposition(row)"
    assert Root(2).fit_transform(run).preprocessing == "Root(offset=2.0)"


# -- One of a user's own


def test_a_network_refuses_frames_of_another_offset():
    run = open_frames(np.random.default_rng(0).poisson(9, (20, 40, 44)).astype(np.uint16))
    one, other = (
        make_pipeline(Root(offset), RowWiseDecomposition()).fit_transform(run) for offset in (1, 2)
    )
    network = CNN1D(max_epochs=1, random_state=0).fit(one, np.arange(20) % 2)
    assert len(network.predict(one)) == 20
    with pytest.raises(InputError, match=r"Root\(offset=1\.0\).*Root\(offset=2\.0\)"):
        network.predict(other)


def test_a_step_that_does_not_say_its_shape_cannot_be_made():
    @dataclasses.dataclass(frozen=True)
    class Shapeless(BaseStep):
        def __call__(self, frame, usable=None):
            return frame

    with pytest.raises(TypeError, match="output_shape"):
        Shapeless()
