"""DANN on frames: made like the target's where a network agrees more with itself by it."""

import itertools
import warnings

import numpy as np
import pytest
import torch

from sklearn_sfx import CNN2D, DANN
from sklearn_sfx.classifiers._agreement import agreement, trained_on_frames
from sklearn_sfx.classifiers._base import Material
from sklearn_sfx.classifiers._cache import CachedFrames
from sklearn_sfx.exceptions import NoTargetWarning

SHAPE = {"channels": (4, 8), "first_kernel_size": 3, "n_hidden": 8}
QUICK = {"max_epochs": 15, "lr": 0.01, "random_state": 0}


def spotted(n, seed):
    """Return frames of noise with six spots at random where there is a hit, and the labels."""
    rng = np.random.default_rng(seed)
    frames, y = rng.normal(size=(n, 20, 24)).astype(np.float32), np.arange(n) % 2
    for row in np.flatnonzero(y):
        frames[row, rng.integers(2, 18, 6), rng.integers(2, 22, 6)] += 9
    return frames, y


@pytest.fixture(scope="module")
def runs():
    return spotted(160, 0), spotted(160, 1), spotted(160, 2)


def of_both(source, target):
    X, y = source
    return np.concatenate([X, target]), np.r_[y, np.full(len(target), -1)]


def adapted(source, target, **parameters):
    model = DANN(CNN2D(**SHAPE), batch_size=32, **QUICK | parameters)
    return model.fit(*of_both(source, target))


def test_where_runs_are_alike_it_is_the_network_of_the_source_bit_by_bit(runs):
    source, (Z, _), (Q, _) = runs
    model = adapted(source, Z)
    assert not model.made_alike_
    alone = CNN2D(batch_size=16, **SHAPE, **QUICK).fit(*source)
    np.testing.assert_array_equal(model.predict_proba(Q), alone.predict_proba(Q))
    names = ["train_loss", "train_recall", "lr"]
    assert [[e[k] for k in names] for e in model.history_] == [
        [e[k] for k in names] for e in alone.history_
    ]


@pytest.mark.parametrize("offset", [0.7, 1.4, 4])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_offset_of_all_pixels_is_made_up_for(runs, offset, early_stopping):
    """A network adds up what its pixels have in common, so less than the noise of one is much."""
    source, (Z, _), (Q, q) = runs
    model = adapted(source, Z + offset, early_stopping=early_stopping)
    assert model.made_alike_
    assert model.score(Q + offset, q) > 0.9
    assert CNN2D(batch_size=16, **SHAPE, **QUICK).fit(*source).score(Q + offset, q) < 0.8


def test_what_would_do_harm_is_left(runs):
    """Noise that is far less, and rows that shine now and then: much in units of that noise."""
    source = runs[0]

    def of_quiet_detector(frames):
        low = np.where(frames > 5, frames, 0.01 * frames)
        low[np.arange(0, len(low), 3), 9] += 0.5
        return low

    (Z, _), (Q, q) = ((of_quiet_detector(X), y) for X, y in runs[1:])
    model = adapted(source, Z)
    alone = CNN2D(batch_size=16, **SHAPE, **QUICK).fit(*source)
    assert model.score(Q, q) >= alone.score(Q, q)


def test_with_the_reversal_frames_are_made_alike_in_any_case(runs):
    source, (Z, _), _ = runs
    assert adapted(source, Z, max_lambda=1.0, max_epochs=2).made_alike_


def test_a_warm_start_goes_on_as_it_began(runs):
    source, (Z, _), _ = runs
    for target, wanted in ((Z, False), (Z + 4, True)):
        model = adapted(source, target, warm_start=True)
        assert model.made_alike_ is wanted
        model.set_params(max_epochs=1).fit(*of_both(source, target))
        assert model.made_alike_ is wanted
        assert len(model.history_) == QUICK["max_epochs"] + 1


def test_a_warm_start_makes_alike_what_it_could_not_before(runs):
    """Where the frames were too few, and where the target was another one."""
    source, (Z, _), (Q, q) = runs
    for first in (Z[:20] + 4, Z):
        model = DANN(CNN2D(**SHAPE), batch_size=32, warm_start=True, **QUICK)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoTargetWarning)
            model.fit(*of_both(source, first))
        assert not model.made_alike_
        model.fit(*of_both(source, Z + 4))
        assert model.made_alike_
        assert model.score(Q + 4, q) > 0.9


def test_with_the_reversal_a_warm_start_makes_alike_in_any_case(runs):
    source, (Z, _), _ = runs
    model = adapted(source, Z, warm_start=True)
    assert not model.made_alike_
    model.set_params(max_lambda=1.0, max_epochs=1).fit(*of_both(source, Z))
    assert model.made_alike_


def test_labels_of_the_target_and_order_of_what_is_equal_change_nothing(runs):
    (X, y), (Z, _), (Q, _) = runs
    both, known = of_both((X, y), Z + 4)
    domain = np.where(known >= 0, 0, -1)
    model = DANN(CNN2D(**SHAPE), batch_size=32, **QUICK).fit(both, known)
    other = DANN(CNN2D(**SHAPE), batch_size=32, **QUICK)
    other.fit(both, np.where(known >= 0, known, 1), sample_domain=domain)
    np.testing.assert_array_equal(model.predict_proba(Q), other.predict_proba(Q))


# -- The agreement of a network with itself --------------------------------------------------------


class Scored(torch.nn.Module):
    """Logits by what is asked for."""

    def __init__(self, score):
        super().__init__()
        self.score = score
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        z = self.score(x)
        return torch.stack([-z, z], dim=1)


@pytest.fixture
def target():
    frames = np.random.default_rng(0).normal(size=(300, 12, 10)).astype(np.float32)
    return CachedFrames(frames, np.r_[np.zeros(50, int), np.full(250, -1)], 1e9)


def test_agreement_is_one_for_what_does_not_depend_on_how_a_frame_lies(target):
    assert agreement(Scored(lambda x: x.amax(dim=(1, 2)) - 2.5), target) == pytest.approx(1)


def test_agreement_is_chance_for_what_depends_on_where(target):
    corner = Scored(lambda x: x[:, :4, :4].mean(dim=(1, 2)))
    assert abs(agreement(corner, target)) < 0.1


@pytest.mark.parametrize("value", [0.0, 3.0, float("nan"), float("inf")])
def test_what_says_the_same_of_all_agrees_in_nothing(target, value):
    assert agreement(Scored(lambda x: torch.full((len(x),), value)), target) == 0


def test_who_calls_everything_a_hit_is_held_to_agree_by_the_ranks_only(target):
    assert agreement(Scored(lambda x: x.amax(dim=(1, 2)) + 100), target) == pytest.approx(0.5)


def test_only_frames_of_the_target_are_asked_about(target):
    seen = []

    def score(x):
        seen.append(x)
        return x.amax(dim=(1, 2))

    agreement(Scored(score), target)
    of_source = target.X[:50]
    for frame in torch.cat(seen).numpy():
        assert not any(np.array_equal(frame, other) for other in of_source)


@pytest.mark.parametrize(
    ("agreements", "wanted"), [((0.5, 0.6), 1), ((0.5, 0.54), 0), ((0.6, 0.5), 0)]
)
def test_frames_are_left_as_the_net_that_is_kept_has_seen_them(monkeypatch, agreements, wanted):
    frames = np.random.default_rng(0).normal(size=(80, 6, 6)).astype(np.float32)
    frames[40:] += 5
    samples = CachedFrames(frames, np.r_[np.arange(40) % 2, np.full(40, -1)], 1e9)
    nets = [type("Net", (), {"module_": k, "change": None}) for k in range(2)]
    trained = iter(nets)

    def train():
        net = next(trained)
        net.change = samples.change
        return net

    monkeypatch.setattr(
        "sklearn_sfx.classifiers._agreement.agreement", lambda module, samples: agreements[module]
    )
    kept, is_alike = trained_on_frames(Material(samples, None, torch.device("cpu")), train, False)
    assert (kept, is_alike) == (nets[wanted], bool(wanted))
    assert samples.change is kept.change
    assert [net.change is None for net in nets] == [True, False]


def test_turned_over_along_either_side_and_both():
    frames = np.zeros((40, 2, 3), np.float32)
    frames[:, 0, 0] = np.arange(40)
    samples = CachedFrames(frames, np.full(40, -1), 1e9)
    seen = []

    def score(x):
        seen.append(x.clone())
        return x[:, 0, 0]

    agreement(Scored(score), samples)
    places = {tuple(x[1].nonzero()[0].tolist()) for x in seen[:4]}
    assert places == set(itertools.product((0, 1), (0, 2)))
