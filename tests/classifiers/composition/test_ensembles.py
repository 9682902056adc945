"""Bagging, votes, stacks and self-training."""

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.metrics import log_loss
from sklearn.semi_supervised import SelfTrainingClassifier

from tests.classifiers.composition.cases import (
    ON_VECTORS,
    cases,
    check_probabilities,
    faint,
    linear,
    same,
    test_of,
    train_of,
)


@cases(ON_VECTORS)
def test_bagged_nets_differ_and_are_not_worse_together(case):
    X, y = train_of(case)
    X_test, y_test = test_of(case)
    bag = BaggingClassifier(case.make(), n_estimators=3, random_state=0).fit(X, y)
    each = [net.predict_proba(X_test) for net in bag.estimators_]
    together = bag.predict_proba(X_test)
    np.testing.assert_allclose(together, np.mean(each, axis=0), rtol=0, atol=1e-12)
    assert len({net.random_state for net in bag.estimators_}) == 3
    assert np.abs(each[0] - each[1]).max() > 0.1
    assert np.abs(each[1] - each[2]).max() > 0.1
    # No mean is worse than the mean of what each one loses; and 120 rows make a good net alone.
    assert log_loss(y_test, together) < np.mean([log_loss(y_test, one) for one in each])
    assert bag.score(X_test, y_test) >= case.make().fit(X, y).score(X_test, y_test) - 0.01


@cases()
def test_a_vote_is_the_mean_of_its_members(case):
    X, y = train_of(case)
    X_test, y_test = test_of(case)
    names = np.array(["MISS", "HIT"])
    members = [("net", case.make()), ("linear", linear(case))]
    vote = VotingClassifier(members, voting="soft", weights=[3, 1]).fit(X, names[y])
    assert vote.classes_.tolist() == ["HIT", "MISS"]
    net, other = (clone(member).fit(X, names[y]) for _, member in members)
    expected = (3 * net.predict_proba(X_test) + other.predict_proba(X_test)) / 4
    np.testing.assert_allclose(vote.predict_proba(X_test), expected, rtol=0, atol=1e-12)
    assert vote.score(X_test, names[y_test]) > 0.85


@cases()
def test_a_stack_listens_to_the_net_and_not_to_chance(case):
    X, y = train_of(case)
    X_test, y_test = test_of(case)
    chance = DummyClassifier(strategy="stratified", random_state=0)
    stack = StackingClassifier([("net", case.make()), ("chance", chance)], cv=3).fit(X, y)
    weight = dict(
        zip(stack.named_estimators_, np.abs(stack.final_estimator_.coef_[0]), strict=True)
    )
    assert weight["net"] > 4 * weight["chance"]
    check_probabilities(stack.predict_proba(X_test), len(y_test))
    net = case.make().fit(X, y)
    same(stack.named_estimators_["net"].predict_proba(X_test), net.predict_proba(X_test))
    assert stack.score(X_test, y_test) > net.score(X_test, y_test) - 0.03


@cases(ON_VECTORS)
def test_self_training_labels_more_rows_and_rightly(case):
    X, y = faint(case.frame_shape, 200, seed=12)
    known = np.arange(len(y)) < 60
    model = SelfTrainingClassifier(case.make(), threshold=0.9, max_iter=3)
    model.fit(X, np.where(known, y, -1))
    added = model.labeled_iter_ > 0
    assert not (added & known).any()
    assert added.sum() > 60
    assert np.mean(model.transduction_[added] == y[added]) > 0.9
    X_test, y_test = test_of(case)
    alone = case.make().fit(X[known], y[known])
    assert model.score(X_test, y_test) >= alone.score(X_test, y_test) - 0.01
