"""The torch modules for frames: shapes of any size, what training mode changes, the size."""

import pytest
import torch

from sklearn_sfx.networks import Base2D, ClassifierModule, FrameAugmentation, Head


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


SHAPES = [*((n, n) for n in range(1, 20)), (1, 50), (50, 1), (2, 3), (97, 31), (720, 720)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_base_reads_any_size(shape):
    base = Base2D(shape)
    for training in (True, False):
        out = base.train(training)(torch.rand(2, *shape))
        assert out.shape == (2, base.n_features)
        assert out.isfinite().all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (64, 64)])
def test_a_batch_of_one_trains_and_leaves_the_weights_finite(shape):
    base = Base2D(shape, channels=(2, 3)).train()
    base(torch.rand(1, *shape)).sum().backward()
    assert all(p.grad.isfinite().all() for p in base.parameters())
    assert all(b.isfinite().all() for b in base.buffers())


def test_default_base_is_that_of_ke_et_al():
    base = Base2D((720, 720), dropout=0.5)
    assert [tuple(block.conv.weight.shape) for block in base.blocks] == [
        (4, 1, 7, 7),
        (8, 4, 3, 3),
        (16, 8, 3, 3),
        (32, 16, 3, 3),
    ]
    assert {block.conv.stride for block in base.blocks} == {(2, 2)}
    assert [block.pool for block in base.blocks] == [3, 2, 2, 2]
    assert [block.drop.p for block in base.blocks] == [0.0, 0.0, 0.5, 0.5]
    x = torch.rand(1, 1, 720, 720)
    assert base.blocks(x).shape == (1, 32, 3, 3)
    assert base.n_features == 288


def test_architecture_is_settable():
    base = Base2D((40, 30), channels=(2, 5), first_kernel_size=5, kernel_size=1)
    assert [block.conv.kernel_size for block in base.blocks] == [(5, 5), (1, 1)]
    assert [block.conv.out_channels for block in base.blocks] == [2, 5]


def test_a_block_is_convolution_norm_relu_and_pooling():
    block = Base2D((9, 9), channels=(2,)).blocks[0].eval()
    with torch.no_grad():
        block.norm.weight.copy_(torch.tensor([-1.5, 2.0]))  # a negative gain turns order around
        block.norm.bias.copy_(torch.tensor([0.1, -0.2]))
    x = torch.randn(3, 1, 9, 9)
    expected = torch.nn.functional.max_pool2d(torch.relu(block.norm(block.conv(x))), 3, 2)
    torch.testing.assert_close(block(x), expected)


def test_default_base_costs_at_most_80_mflop():
    from torch.utils.flop_counter import FlopCounterMode

    base = Base2D((720, 720))
    module = ClassifierModule(base, Head(base.n_features, 64, 2)).eval()
    with FlopCounterMode(display=False) as counter:
        module(torch.rand(1, 720, 720))
    assert counter.get_total_flops() < 80e6


@pytest.mark.parametrize(("n_hidden", "n_layers"), [((), 1), (5, 2), ((5,), 2), ((7, 5), 3)])
def test_head_has_a_layer_per_entry_and_one_more(n_hidden, n_layers):
    head = Head(6, n_hidden, 3, dropout=0.9).eval()
    assert sum(isinstance(layer, torch.nn.Linear) for layer in head) == n_layers
    assert sum(isinstance(layer, torch.nn.Dropout) for layer in head) == n_layers
    assert head(torch.rand(4, 6)).shape == (4, 3)


def ways_to_lay(frame):
    """Return the flips and quarter turns of a frame, those that keep its shape."""
    turned = [torch.rot90(frame, k) for k in range(4)]
    ways = [way for each in turned for way in (each, each.flip(0))]
    return [way for way in ways if way.shape == frame.shape]


@pytest.mark.parametrize(("shape", "n_ways"), [((3, 3), 8), ((2, 4), 4), ((1, 4), 2), ((1, 1), 1)])
def test_augmentation_flips_and_turns_and_does_nothing_else(shape, n_ways):
    frame = torch.rand(shape) + 1
    x = frame.expand(400, *shape).clone()
    out = FrameAugmentation(max_scale=0.0).train()(x)
    assert torch.equal(x, frame.expand(400, *shape))
    ways = torch.stack(ways_to_lay(frame))
    same = (out[:, None] == ways).all(dim=(2, 3))
    assert same.any(dim=1).all()
    kinds, counts = out.flatten(1).unique(dim=0, return_counts=True)
    assert len(kinds) == n_ways
    assert counts.min() > 400 / n_ways / 2


def test_augmentation_scales_each_frame_by_one_factor():
    x = torch.rand(300, 4, 6) + 1
    out = FrameAugmentation(max_scale=0.2).train()(x)
    ratio = out.flatten(1).sort(dim=1).values / x.flatten(1).sort(dim=1).values
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-5, atol=0)
    assert 0.799 < ratio.min() < 0.82
    assert 1.18 < ratio.max() < 1.201


def test_augmentation_acts_while_training_only():
    x = torch.rand(5, 6, 6)
    assert torch.equal(FrameAugmentation().eval()(x), x)


def test_nan_reads_as_zero_and_infinity_stays():
    base = Base2D((12, 12), channels=(2,))
    module = ClassifierModule(base, Head(base.n_features, 4, 2)).eval()
    x = torch.rand(3, 12, 12)
    x[:, ::5] = torch.nan
    torch.testing.assert_close(module(x), module(x.nan_to_num(0.0)), rtol=0, atol=0)
    assert x.isnan().any()
    x[0, 0, 0] = torch.inf
    assert not module(x)[0].isfinite().all()
