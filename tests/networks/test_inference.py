"""The network that predicts gives what the trained one gives."""

import pytest
import torch
from torch import nn

from sklearn_sfx.networks import Base1D, Base2D, ClassifierModule, Head, for_inference

CASES = {
    "vectors": (lambda: Base1D(), (720,)),
    "odd lengths": (lambda: Base1D(channels=(3, 5, 7), kernel_size=5), (101,)),
    "own units": (lambda: Base1D(channels=(4, 8), own_units=True), (120,)),
    "one value": (lambda: Base1D(channels=(4, 8)), (1,)),
    "frames": (lambda: Base2D((120, 131)), (120, 131)),
    "one pixel": (lambda: Base2D((1, 1), channels=(4, 8)), (1, 1)),
    "one row": (lambda: Base2D((1, 40), channels=(4, 8), first_kernel_size=3), (1, 40)),
}


def trained(base):
    """Return a network whose batch norms have seen something, signs and all."""
    module = ClassifierModule(base, Head(base.n_features, 8, 3))
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.uniform_(-1, 1)
            layer.running_var.uniform_(0.3, 3)
            if layer.affine:
                layer.weight.data.uniform_(-1, 1)
                layer.bias.data.uniform_(-1, 1)
    return module.eval()


@pytest.mark.parametrize("case", CASES)
def test_same_output(case):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        make, shape = CASES[case]
        module, x = trained(make()), 3 * torch.randn(9, *shape)
    x[0].view(-1)[0] = torch.nan
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.inference_mode():
        quick = for_inference(module)
        torch.testing.assert_close(quick(x), module(x), rtol=0, atol=1e-5)
        torch.testing.assert_close(quick.features(x), module.features(x), rtol=1e-4, atol=1e-5)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_training_leaves_no_trace_of_it():
    module = trained(Base1D(channels=(4,))).train()
    for_inference(module)
    assert all(part.training for part in module.modules())


def test_a_base_of_another_kind_is_taken_as_it_is():
    class Mean(nn.Module):
        n_features = 1

        def forward(self, x):
            return x.mean(dim=1, keepdim=True)

    module = ClassifierModule(Mean(), Head(1, 4, 2)).eval()
    x = torch.randn(3, 5)
    assert torch.equal(for_inference(module)(x), module(x))
