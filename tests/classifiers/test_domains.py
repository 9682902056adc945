"""Batches of source and target, and what is told of the two while they are trained on."""

import math

import numpy as np
import pytest
import torch
from skorch.callbacks import EarlyStopping

from sklearn_sfx.classifiers import CNN2D, DANN
from sklearn_sfx.classifiers._domains import MixedBatches
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.networks import AdversarialLoss, ClassLoss, domain_loss

TINY = {"channels": (4, 8), "n_hidden": 8, "max_epochs": 6, "lr": 0.02, "random_state": 0}


@pytest.mark.parametrize(("n_source", "n_target"), [(30, 100), (100, 30), (7, 7), (1, 40), (40, 1)])
@pytest.mark.parametrize("batch_size", [2, 3, 16, 1000])
def test_every_batch_holds_both_and_the_smaller_is_cycled_evenly(n_source, n_target, batch_size):
    targets = torch.tensor([0, 1] * 50)[:n_source]
    targets = torch.cat([targets, torch.full((n_target,), -1)])
    sampler = MixedBatches(targets, batch_size)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        batches, again = list(sampler), list(sampler)
    assert batches != again or n_source + n_target == 2
    assert len(batches) == len(sampler)
    for batch in batches:
        assert len(batch) <= max(batch_size, 2)
        of_source = int((targets[batch] >= 0).sum())
        assert 0 < of_source == len(batch) - of_source
    drawn = np.bincount(np.concatenate(batches), minlength=len(targets))
    for part in (drawn[:n_source], drawn[n_source:]):
        assert part.max() - part.min() <= 1
        assert part.sum() == max(n_source, n_target)


def test_the_target_is_left_out_where_nothing_learns_from_it():
    """Batches have as many of the source as beside a target, and an epoch shows it once."""
    targets = torch.tensor([0, 1] * 10 + [-1] * 50)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        alone = list(MixedBatches(targets, 8, leave_target=True))
        torch.manual_seed(0)
        first = next(iter(MixedBatches(targets, 8)))
    assert [len(batch) for batch in alone] == [4] * 5
    assert alone[0] == first[:4]
    assert sorted(np.concatenate(alone)) == list(range(20))


def test_a_callback_that_looks_at_the_domains_of_frames_is_told_where_they_are(spotted):
    frames, _, is_hit = spotted
    both = np.concatenate([frames, frames]), np.r_[is_hit, np.full(len(is_hit), -1)]
    watching = DANN(CNN2D(**TINY), max_epochs=2, callbacks=[EarlyStopping("domain_loss")])
    with pytest.raises(InputError, match=r"looks at domain_loss, .* set max_lambda above 0"):
        watching.fit(*both)
    watching.set_params(max_lambda=1.0).fit(*both)


def test_the_label_loss_does_not_see_the_target():
    loss = AdversarialLoss(ClassLoss(torch.ones(2)))
    labels = torch.randn(6, 2, requires_grad=True)
    loss((labels, torch.zeros(6)), torch.tensor([0, 1, -1, 1, -1, -1])).backward()
    moved = labels.grad.abs().sum(dim=1) > 0
    assert moved.tolist() == [True, True, False, True, False, False]


def test_the_share_of_hits_does_not_tell_the_domain():
    targets = torch.tensor([0] * 8 + [1] * 2 + [-1] * 10)
    is_hit = torch.tensor([0] * 8 + [1] * 2 + [0] * 4 + [1] * 6)  # 20 % and 60 %
    sure = 50 * torch.nn.functional.one_hot(is_hit, 2).float()
    by_class = torch.zeros(2, requires_grad=True)
    loss = domain_loss(sure.requires_grad_(), by_class[is_hit], targets)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    np.testing.assert_allclose(by_class.grad, 0, atol=1e-6)
    assert sure.grad is None
    # A class that the batch lacks, or is not sure of, makes no row outweigh all others.
    for labels in (torch.tensor([[50.0, 0.0]] * 20), torch.randn(20, 2)):
        logits = torch.zeros(20, requires_grad=True)
        domain_loss(labels, logits, targets).backward()
        assert logits.grad.abs().max() < 0.5
        np.testing.assert_allclose(logits.grad.sum(), 0, atol=1e-6)
