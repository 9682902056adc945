"""A base that learns by loops of its own beside the same base, step by step, in double."""

import copy

import torch


def with_norms_of_both_signs(make, *args, **kwargs):
    """Return a base in training and a generator for what it is given."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        base = make(*args, **kwargs).train()
    with torch.no_grad():
        for block in base.blocks:
            block.norm.weight.uniform_(-1, 1, generator=generator)
            block.norm.bias.uniform_(-1, 1, generator=generator)
    return base, generator


def exact(base):
    """Return the same base, which learns step by step."""
    return copy.deepcopy(base).double()


def outputs(base, x, above, seed=2):
    """Return what the base makes of x, and let it learn from the gradient above."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # of dropout
        found = base(x)
    found.backward(above.to(found.dtype))
    return found
