"""Whether two domains have about the same shares of classes, told without labels of one of them."""

import numpy as np
import pytest
import torch
from skorch.history import History

from sklearn_sfx import CNN2D, DANN
from sklearn_sfx.classifiers._class_shares import ClassShares


class Net:
    """All that the callback looks at."""

    history = History()


def alike(source, target, sureness=4.0, n=600, n_batches=5):
    """Return what is told of a network that errs, of classes drawn with these shares."""
    rng = np.random.default_rng(0)
    callback = ClassShares()
    callback.on_train_begin(Net)
    callback.on_epoch_begin(Net)
    for _ in range(n_batches):
        classes = [rng.choice(len(source), n, p=shares) for shares in (source, target)]
        logits = torch.from_numpy(rng.normal(size=(2 * n, len(source))))
        logits += sureness * torch.nn.functional.one_hot(torch.from_numpy(np.concatenate(classes)))
        targets = torch.from_numpy(np.concatenate([classes[0], np.full(n, -1)]))
        order = torch.from_numpy(rng.permutation(2 * n))
        callback.on_batch_end(
            Net, batch=({}, targets[order]), training=True, y_pred=(logits[order], None, None)
        )
    callback.on_epoch_end(Net)
    return callback.are_alike_


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ((0.5, 0.5), (0.5, 0.5), True),
        ((0.5, 0.5), (0.8, 0.2), True),
        ((0.8, 0.2), (0.5, 0.5), True),
        ((0.5, 0.5), (0.95, 0.05), False),
        ((0.95, 0.05), (0.5, 0.5), False),
        ((0.4, 0.4, 0.2), (0.3, 0.45, 0.25), True),
        ((0.4, 0.4, 0.2), (0.55, 0.43, 0.02), False),
    ],
)
@pytest.mark.parametrize("sureness", [1.5, 4.0])
def test_shares_are_told_though_the_network_errs(source, target, expected, sureness):
    assert alike(source, target, sureness) is expected


def test_they_are_alike_until_something_is_known_of_the_target():
    callback = ClassShares()
    callback.on_train_begin(Net)
    callback.on_epoch_begin(Net)
    targets = torch.tensor([0, 1, 1])
    callback.on_batch_end(Net, batch=({}, targets), training=True, y_pred=(torch.eye(3)[:, :2],))
    callback.on_epoch_end(Net)
    assert callback.are_alike_


def test_a_network_that_says_the_same_of_all_stops_nothing():
    callback = ClassShares()
    callback.on_train_begin(Net)
    callback.on_epoch_begin(Net)
    targets = torch.tensor([0, 1, -1, -1])
    callback.on_batch_end(Net, batch=({}, targets), training=True, y_pred=(torch.zeros(4, 2),))
    callback.on_epoch_end(Net)
    assert isinstance(callback.are_alike_, bool)


def frames_of(n, hit_rate, seed):
    """Frames with a bright square where there is a hit."""
    rng = np.random.default_rng(seed)
    hits = np.arange(n) < round(hit_rate * n)
    frames = rng.normal(0, 1, (n, 20, 20)).astype(np.float32)
    frames[hits, 4:16, 4:16] += 6
    return frames, hits.astype(int)


@pytest.mark.parametrize(("hit_rate", "pulls"), [(0.5, True), (0.05, False)])
def test_the_adversary_of_frames_rests_where_the_target_has_few_hits(hit_rate, pulls):
    X, y = frames_of(60, 0.5, 0)
    Z, _ = frames_of(60, hit_rate, 1)
    both, known = np.concatenate([X, Z]), np.r_[y, np.full(60, -1)]
    base = CNN2D(channels=(4, 8), first_kernel_size=3, n_hidden=8)
    settings = {"max_epochs": 12, "batch_size": 16, "lr": 0.01, "random_state": 0}
    strengths = DANN(base, **settings).fit(both, known).history_[:, "lambda"]
    assert (strengths[-1] > 0.09) == pulls
    assert (strengths[-1] == 0) != pulls
    asked = DANN(base, max_lambda=0.1, **settings).fit(both, known)  # what is asked for is done
    assert asked.history_[-1, "lambda"] > 0.09
