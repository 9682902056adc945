"""The torch modules: shapes for any length, what training mode changes, what the size costs."""

import pytest
import torch
from torch import nn

from sklearn_sfx.networks import Base1D, ClassifierModule, ClassLoss, Head, VectorAugmentation


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


@pytest.mark.parametrize("length", [*range(1, 11), 37, 720])
def test_base_reads_any_length(length):
    base = Base1D(channels=(2, 3, 4, 5), kernel_size=7)
    for training in (True, False):
        out = base.train(training)(torch.rand(4, length))
        assert out.shape == (4, base.n_features)
        assert out.isfinite().all()


@pytest.mark.parametrize("length", [1, 2, 720])
def test_a_batch_of_one_trains_and_leaves_the_weights_finite(length):
    base = Base1D(channels=(2, 3)).train()
    base(torch.rand(1, length)).sum().backward()
    assert all(p.grad.isfinite().all() for p in base.parameters())
    assert all(b.isfinite().all() for b in base.buffers())


def test_base_has_one_block_per_entry_of_channels():
    base = Base1D(channels=(2, 3, 4), dropout=0.5)
    assert [block.conv.out_channels for block in base.blocks] == [2, 3, 4]
    assert [block.drop.p for block in base.blocks] == [0.0, 0.5, 0.5]


def test_base_does_not_see_units():
    """After one pass of training the input's scale is known, so that gain and units cancel."""
    vectors = torch.rand(64, 100) * 5
    outputs = []
    for gain in (1.0, 1000.0):
        torch.default_generator.manual_seed(1)
        base = Base1D(channels=(4,)).train()
        outputs.append(base(gain * vectors))
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-3, atol=1e-3)


def test_default_base_costs_at_most_13_mflop():
    from torch.utils.flop_counter import FlopCounterMode

    base = Base1D()
    module = ClassifierModule(base, Head(base.n_features, 64, 2)).eval()
    with FlopCounterMode(display=False) as counter:
        module(torch.rand(1, 720))
    assert counter.get_total_flops() < 13.2e6


def test_nan_reads_as_zero_and_the_input_stays():
    base = Base1D(channels=(2,))
    module = ClassifierModule(base, Head(base.n_features, 4, 2)).eval()
    x = torch.rand(3, 50)
    x[:, ::7] = torch.nan
    before = x.clone()
    torch.testing.assert_close(module(x), module(x.nan_to_num(0.0)), rtol=0, atol=0)
    assert torch.equal(x.isnan(), before.isnan())


def test_head_gives_one_logit_per_class():
    head = Head(6, 5, 3, dropout=0.9).eval()
    x = torch.rand(4, 6)
    assert head(x).shape == (4, 3)
    assert torch.equal(head(x), head(x))  # no dropout outside training


def test_augmentation_keeps_the_values_up_to_one_scale():
    x = torch.rand(50, 40) + 1
    out = VectorAugmentation(max_roll=0.2, max_scale=0.1).train()(x)
    ratio = out.sort(dim=1).values / x.sort(dim=1).values
    assert ((ratio > 0.899) & (ratio < 1.101)).all()
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-5, atol=0)
    assert ratio[:, 0].std() > 0.03


def test_augmentation_reverses_about_half_and_rolls_a_little():
    ramp = torch.arange(100.0).expand(400, 100)
    out = VectorAugmentation(max_roll=0.05, max_scale=0.0).train()(ramp)
    falling = (out.diff(dim=1) < 0).sum(dim=1) > 50
    assert 140 < int(falling.sum()) < 260
    start = out[~falling, 0]
    assert set(start.int().tolist()) == {0, 1, 2, 3, 4, 5, 95, 96, 97, 98, 99}
    back = out[falling, -1]
    assert set(back.int().tolist()) <= {0, 1, 2, 3, 4, 5, 95, 96, 97, 98, 99}


def test_augmentation_acts_while_training_only():
    x = torch.rand(5, 30)
    base = Base1D(channels=(2,))
    module = ClassifierModule(base, Head(base.n_features, 4, 2), VectorAugmentation()).eval()
    assert torch.equal(module(x), module(x))
    assert torch.equal(VectorAugmentation().eval()(x), x)


def test_a_class_weighs_the_same_in_every_batch():
    """The loss of an epoch is that of all its rows, however they fall into batches."""
    logits, targets = torch.randn(60, 3), torch.randint(3, (60,))
    loss = ClassLoss(torch.tensor([0.5, 1.0, 4.0]))
    together = 60 * loss(logits, targets)
    order = targets.argsort()  # batches of one class, and mixed ones
    for rows in (torch.arange(60), order):
        batches = rows.split(16)
        one_by_one = sum(len(batch) * loss(logits[batch], targets[batch]) for batch in batches)
        torch.testing.assert_close(one_by_one, together)
    alone = loss(logits[targets == 2], targets[targets == 2])
    plain = nn.CrossEntropyLoss()(logits[targets == 2], targets[targets == 2])
    torch.testing.assert_close(alone, 4 * plain)
