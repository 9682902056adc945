"""GCN, LCN and RWD by torch operations: their precision, their compiled form, tensors of counts."""

import numpy as np
import pytest
import torch
import torch._inductor.config
from sklearn.pipeline import make_pipeline

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import blocks_on_device, open_frames
from sklearn_sfx.preprocessing import GCN, LCN, CentralCrop, PixelMask, RowWiseDecomposition
from sklearn_sfx.preprocessing import _fused_step_on_tensors as on_tensors
from tests.conftest import needs_compiler

CPU = torch.device("cpu")
COUNTS = ["uint8", "int16", "uint16", "int32", "uint32"]


@pytest.fixture
def steep():
    """Return frames whose level changes by 60,000 counts, with the noise of photons."""
    rng = np.random.default_rng(0)
    level = np.linspace(50, 60_000, 200)[None, :, None] * np.ones((3, 1, 180))
    return rng.poisson(level).astype(np.uint16)


@pytest.mark.parametrize("floor", [0.0, 1.0, "mean"])
def test_a_steep_background_costs_no_precision(reference, steep, floor):
    result = LCN(5, floor).fit_transform(torch.from_numpy(steep.astype(np.int32))).numpy()
    for one, frame in zip(result, steep, strict=True):
        np.testing.assert_allclose(one, reference.lcn(frame, 5, floor), atol=2e-5)


@pytest.mark.parametrize("dtype", COUNTS)
def test_tensors_of_counts_are_taken_as_they_are(dtype):
    frames = np.random.default_rng(1).poisson(30, (4, 40, 44)).astype(dtype)
    steps = make_pipeline(CentralCrop(40), GCN(), LCN(5), RowWiseDecomposition())
    expected = steps.fit_transform(frames)
    result = steps.transform(torch.from_numpy(frames))
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-4)
    cropped = CentralCrop(3).fit_transform(torch.from_numpy(frames))
    assert cropped.dtype == torch.float32


def test_more_frames_than_fit_at_once_are_worked_on_in_parts(monkeypatch):
    frames = torch.from_numpy(np.random.default_rng(2).normal(10, 3, (7, 30, 31)))
    expected = LCN(3).fit_transform(frames)
    monkeypatch.setitem(on_tensors.PIXELS, "cpu", 2 * 30 * 31)
    assert torch.equal(LCN(3).fit_transform(frames), expected)


@pytest.mark.filterwarnings("default")  # compilers have much to say
@needs_compiler
def test_compiled_stages_give_the_same():
    frames = torch.from_numpy(np.random.default_rng(3).poisson(9, (3, 40, 44)).astype(np.int32))
    usable = torch.from_numpy(np.random.default_rng(4).random((40, 44)) > 0.05).expand(3, -1, -1)
    stages = True, (5, 5), 1.0, "row"
    run = torch.compile(on_tensors._run_stages, dynamic=False, fullgraph=True)
    for mask in (None, usable):
        expected = on_tensors._run_stages(frames, mask, *stages)
        # No processes that compile: each would take seconds to start.
        with torch._inductor.config.patch(compile_threads=1):
            found = run(frames, mask, *stages)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    torch.set_flush_denormal(False)  # which older torch sets, for all tests to come


def test_a_compiler_that_fails_is_done_without(monkeypatch):
    def broken(function, **options):
        def fail(*args):
            raise RuntimeError("no compiler")

        return fail

    monkeypatch.setattr(torch, "compile", broken)
    monkeypatch.setattr(on_tensors, "_compiled", on_tensors._compiled.__wrapped__)
    monkeypatch.setattr(on_tensors, "_not_compiled", set())
    frames = torch.arange(120.0).reshape(2, 6, 10)
    stages = True, (3, 3), 1.0, "row"
    expected = on_tensors._run_stages(frames, None, *stages)
    assert torch.equal(on_tensors._run_compiled(("a kind",), frames, None, *stages), expected)
    assert on_tensors._not_compiled == {("a kind",)}


@pytest.mark.parametrize("scale", [1e-25, 1e-12, 1e12, 1e20, 1e30])
def test_the_size_of_the_numbers_does_not_matter(scale):
    frames = np.random.default_rng(7).normal(0, 1, (2, 30, 31))
    steps = make_pipeline(GCN(), LCN(5), RowWiseDecomposition())
    expected = steps.fit_transform(torch.from_numpy(frames))
    found = steps.transform(torch.from_numpy((scale * frames).astype(np.float32)))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    alone = GCN().fit_transform(torch.from_numpy((scale * frames).astype(np.float32)))
    torch.testing.assert_close(alone.std(unbiased=False), torch.tensor(1.0))


def test_gradients_flow_through():
    frames = torch.rand(2, 12, 12, requires_grad=True)
    make_pipeline(GCN(), LCN(3), RowWiseDecomposition()).fit_transform(frames).sum().backward()
    assert frames.grad.abs().sum() > 0


# -- Runs in a tensor


def test_a_tensor_opens_as_a_run():
    frames = np.random.default_rng(5).poisson(30, (9, 40, 44)).astype(np.uint16)
    run = open_frames(torch.from_numpy(frames))
    np.testing.assert_array_equal(np.asarray(run), frames)
    steps = make_pipeline(CentralCrop(30), GCN(), LCN(5), RowWiseDecomposition())
    prepared = steps.fit_transform(run)
    sent = torch.cat(list(blocks_on_device(prepared, CPU, max_frames=4)))
    np.testing.assert_allclose(sent.numpy(), np.asarray(prepared), rtol=1e-5)


@pytest.mark.parametrize("odd", [torch.bfloat16, "sparse", "meta"])
def test_tensors_without_plain_numbers_are_refused(odd):
    tensor = torch.zeros(2, 4, 5)
    tensor = tensor.to(odd) if not isinstance(odd, str) else tensor
    tensor = {"sparse": tensor.to_sparse(), "meta": tensor.to("meta")}.get(odd, tensor)
    with pytest.raises(InputError, match="give a dense one of integers or float32"):
        open_frames(tensor)


def test_a_mask_may_be_a_tensor():
    usable = torch.ones(4, 5, dtype=torch.bool)
    usable[1, 2] = False
    run = open_frames(torch.zeros(2, 4, 5), mask=usable)
    assert np.isnan(np.asarray(run)[:, 1, 2]).all()


def test_bools_in_a_tensor_have_no_value_that_means_no_data():
    frames = torch.ones(2, 4, 5, dtype=torch.bool)
    assert torch.equal(PixelMask(invalid="auto").fit_transform(frames), frames.float())


def test_masks_of_a_run_and_of_each_frame_go_along():
    rng = np.random.default_rng(6)
    frames = rng.poisson(30, (9, 40, 44)).astype(np.uint16)
    frames[3, 20, 20:22] = 65535  # no count, by its type
    for mask in (rng.random((40, 44)) > 0.1, rng.random(frames.shape) > 0.1):
        run = open_frames(frames, mask=mask)
        steps = make_pipeline(PixelMask(invalid="auto"), GCN(), LCN(5), RowWiseDecomposition())
        prepared = steps.fit_transform(run)
        sent = torch.cat(list(blocks_on_device(prepared, CPU, max_frames=4)))
        np.testing.assert_allclose(sent.numpy(), np.asarray(prepared), rtol=1e-5)
