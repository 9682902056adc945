"""Blocks that learn on a processor against the same blocks, step by step, in double precision."""

import pytest
import torch

from sklearn_sfx.networks import Base1D
from sklearn_sfx.networks._learning_1d import learn_blocks, learns_here
from tests.networks.conftest import exact, outputs, with_norms_of_both_signs


@pytest.fixture(autouse=True, params=["AVX512", "AVX2"])
def registers(request, monkeypatch):
    """Both ways of convolutions, whatever the processor has."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: request.param)


def made(shape, channels=(16, 4), kernel_size=7, dropout=0.0):
    """Vectors, and a base whose norms have weights of both signs."""
    base, generator = with_norms_of_both_signs(Base1D, channels, kernel_size, dropout)
    return 5 * torch.rand(shape, generator=generator), base


CASES = [
    ((32, 720), (16, 32, 64, 64), 7, 0.2),
    ((5, 37), (2, 3, 4), 5, 0.5),
    ((1, 16), (3, 2), 7, 0.0),
    ((7, 101), (8,), 3, 0.0),
    ((2, 4), (1, 1), 9, 0.0),
]


@pytest.mark.parametrize(("shape", "channels", "kernel_size", "dropout"), CASES)
def test_values_gradients_and_what_norms_know_are_those_of_double(
    shape, channels, kernel_size, dropout
):
    x, base = made(shape, channels, kernel_size, dropout)
    double, y = exact(base), x.double().requires_grad_()
    x.requires_grad_()
    assert learns_here(x.unsqueeze(1), base.blocks)
    above = torch.linspace(-1, 2, len(x) * base.n_features).reshape(len(x), -1)
    torch.testing.assert_close(
        outputs(base, x, above).double(), outputs(double, y, above), rtol=1e-4, atol=1e-5
    )
    pairs = [(x.grad, y.grad)]
    pairs += [
        (mine.grad, other.grad)
        for mine, other in zip(base.parameters(), double.parameters(), strict=True)
    ]
    pairs += list(zip(base.buffers(), double.buffers(), strict=True))
    for mine, other in pairs:
        size = float(other.abs().max())
        torch.testing.assert_close(
            mine.double(), other.double(), rtol=1e-4, atol=2e-5 * size + 1e-6
        )


def test_means_of_all_batches_are_learned_where_a_norm_has_them():
    x, base = made((4, 20))
    base.blocks[0].norm.momentum = None
    double = exact(base)
    for k in (1, 2, 3):
        base(k * x.sqrt()), double(k * x.sqrt().double())
    for mine, other in zip(base.buffers(), double.buffers(), strict=True):
        torch.testing.assert_close(mine.double(), other.double())


@pytest.mark.parametrize("what", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_hidden(what):
    x, base = made((4, 1, 24))
    x[1, 0, 5] = what
    assert learn_blocks(x, base.blocks).isnan().any()


def test_input_and_gradient_from_above_stay_as_they_were():
    x, base = made((4, 1, 21))
    kept = x.clone()
    found = learn_blocks(x.requires_grad_(), base.blocks)
    above = torch.ones_like(found)
    found.backward(above)
    assert torch.equal(x, kept)
    assert torch.equal(above, torch.ones_like(above))


@pytest.mark.parametrize("frozen", ["conv", "norm", "all"])
def test_what_does_not_learn_gets_no_gradient(frozen):
    x, base = made((4, 20))
    for block in base.blocks:
        for name in ("conv", "norm") if frozen == "all" else (frozen,):
            getattr(block, name).requires_grad_(False)
    double, y = exact(base), x.double().requires_grad_()
    base(x.requires_grad_()).square().sum().backward()
    double(y).square().sum().backward()
    torch.testing.assert_close(x.grad.double(), y.grad, rtol=1e-3, atol=1e-4)
    for mine, other in zip(base.parameters(), double.parameters(), strict=True):
        assert (mine.grad is None) == (other.grad is None)


@pytest.mark.parametrize(
    "state",
    ["deciding", "one norm decides", "double", "no gradient", "half precision", "short", "even"],
)
def test_elsewhere_blocks_go_step_by_step(state):
    x, base = made((4, 20), kernel_size=6 if state == "even" else 7)
    if state == "deciding":
        base.eval()
    elif state == "one norm decides":
        base.blocks[1].norm.eval()
    elif state == "double":
        x, base = x.double(), base.double()
    elif state == "short":
        x = x[:, :3]
    with (
        torch.set_grad_enabled(state != "no gradient"),
        torch.autocast("cpu", torch.bfloat16, enabled=state == "half precision"),
    ):
        assert not learns_here(x.unsqueeze(1), base.blocks)


def test_the_same_twice_is_the_same_bit_by_bit():
    results = []
    for _ in range(2):
        x, base = made((32, 181), (16, 32), dropout=0.2)
        found = outputs(base, x, torch.ones(32, base.n_features))
        results.append([found, *(each.grad for each in base.parameters())])
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
