"""Blocks for frames that learn on a processor against the same, step by step, in double."""

import copy

import pytest
import torch

from sklearn_sfx.networks import Base2D
from sklearn_sfx.networks._learning_2d import learn_blocks, learns_here
from tests.networks.conftest import exact, outputs, with_norms_of_both_signs


def made(shape, channels=(3, 4), first_kernel_size=7, dropout=0.0):
    """Frames, and a base whose norms have weights of both signs."""
    base, generator = with_norms_of_both_signs(
        Base2D, shape[1:], channels, first_kernel_size, dropout=dropout
    )
    return 5 * torch.rand(shape, generator=generator), base


def assert_near(mine, other):
    size = float(other.detach().abs().max())
    torch.testing.assert_close(mine.double(), other.double(), rtol=1e-4, atol=2e-5 * size + 1e-6)


def assert_learned_alike(base, double):
    for mine, other in zip(base.parameters(), double.parameters(), strict=True):
        assert_near(mine.grad, other.grad)
    for mine, other in zip(base.buffers(), double.buffers(), strict=True):
        assert_near(mine, other)


CASES = [
    ((6, 90, 75), (4, 8, 16), 7, 0.5),
    ((3, 64, 64), (2, 3), 5, 0.0),
    ((2, 31, 200), (3, 2), 9, 0.0),
    ((5, 2, 3), (4, 3), 3, 0.0),
    ((4, 1, 1), (2,), 1, 0.0),
    ((2, 133, 130), (1, 1, 1, 1), 7, 0.0),
]


@pytest.mark.parametrize(("shape", "channels", "first_kernel_size", "dropout"), CASES)
def test_values_gradients_and_what_norms_know_are_those_of_double(
    shape, channels, first_kernel_size, dropout
):
    x, base = made(shape, channels, first_kernel_size, dropout)
    double = exact(base)
    assert learns_here(x, base.blocks)
    above = torch.linspace(-1, 2, len(x) * base.n_features).reshape(len(x), -1)
    assert_near(outputs(base, x, above), outputs(double, x.double(), above))
    assert_learned_alike(base, double)


def test_norms_that_do_not_learn_are_constants():
    """As those of a target's frames in an adversarial training."""
    x, base = made((4, 40, 40))
    base(x.sqrt())  # so that they know something
    for block in base.blocks:
        block.norm.eval()
    double, above = exact(base), torch.ones(4, base.n_features)
    assert_near(outputs(base, x, above), outputs(double, x.double(), above))
    assert_learned_alike(base, double)


def test_regions_without_data_are_equal_values_and_change_nothing():
    x, base = made((3, 60, 60))
    x[:, 10:40, 20:] = 0
    double, above = exact(base), torch.ones(3, base.n_features)
    assert_near(outputs(base, x, above), outputs(double, x.double(), above))
    assert_learned_alike(base, double)


@pytest.mark.parametrize("what", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_hidden(what):
    x, base = made((4, 40, 40))
    x[1, 5, 8] = what
    assert learn_blocks(x, base.blocks).isnan().any()


@pytest.mark.parametrize("place", [(5, 5), (0, 0), (20, 33)])
def test_nan_goes_where_it_does_step_by_step(place):
    x, base = made((3, 40, 40), channels=(3,), first_kernel_size=3)
    base.blocks[0].norm.eval()
    x[1][place] = float("nan")
    expected = base.blocks(x.unsqueeze(1)).isnan()
    assert expected.any()
    assert torch.equal(learn_blocks(x, base.blocks).isnan(), expected)


def test_a_variance_beyond_float32_is_infinite_and_stays_so():
    x, base = made((3, 40, 40), channels=(3,))
    other = copy.deepcopy(base)
    for _ in range(3):
        base(x * 1e20), other.blocks(x.unsqueeze(1) * 1e20)
    assert base.blocks[0].norm.running_var.isinf().all()
    assert torch.equal(base.blocks[0].norm.running_var, other.blocks[0].norm.running_var)


def test_equal_frames_teach_no_weight():
    x, base = made((4, 40, 40), channels=(3,))
    outputs(base, torch.zeros_like(x), torch.ones(4, base.n_features))
    assert float(base.blocks[0].conv.weight.grad.abs().max()) == 0.0


def test_frames_and_gradient_from_above_stay_as_they_were():
    x, base = made((4, 30, 30))
    kept = x.clone()
    found = learn_blocks(x, base.blocks)
    above = torch.ones_like(found)
    found.backward(above)
    assert torch.equal(x, kept)
    assert torch.equal(above, torch.ones_like(above))


@pytest.mark.parametrize("frozen", ["norm", "upper"])
def test_what_does_not_learn_gets_no_gradient(frozen):
    x, base = made((4, 40, 40))
    if frozen == "norm":
        base.blocks[0].norm.requires_grad_(False)
    else:
        base.blocks[1].requires_grad_(False)
    double = exact(base)
    base(x).square().sum().backward()
    double(x.double()).square().sum().backward()
    for mine, other in zip(base.parameters(), double.parameters(), strict=True):
        assert (mine.grad is None) == (other.grad is None)
        if mine.grad is not None:
            assert_near(mine.grad, other.grad)


@pytest.mark.parametrize(
    "state", ["frozen", "double", "no gradient", "half precision", "one frame", "even", "of pixels"]
)
def test_elsewhere_blocks_go_step_by_step(state):
    x, base = made((4, 20, 20), first_kernel_size=6 if state == "even" else 7)
    if state == "frozen":
        base.blocks[0].requires_grad_(False)
    elif state == "double":
        x, base = x.double(), base.double()
    elif state == "one frame":
        x = x[:1]
    elif state == "of pixels":
        x.requires_grad_()
    with (
        torch.set_grad_enabled(state != "no gradient"),
        torch.autocast("cpu", torch.bfloat16, enabled=state == "half precision"),
    ):
        assert not learns_here(x, base.blocks)
        base(x)


@pytest.mark.parametrize("n_threads", [2, 3])
def test_the_same_bit_by_bit_whatever_the_number_of_threads(n_threads, monkeypatch):
    x, base = made((7, 50, 50), channels=(4,))
    other = copy.deepcopy(base)
    results = []
    for n, network in ((1, base), (n_threads, other)):
        # Torch's own number is left alone: setting it changes what is computed later.
        monkeypatch.setattr(torch, "get_num_threads", lambda n=n: n)
        results.append(outputs(network, x, torch.ones(7, base.n_features)))
    assert torch.equal(*results)
    for one, two in zip(base.parameters(), other.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)
