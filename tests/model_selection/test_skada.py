"""Splitters and scorers of skada, with DANN.

Importing skada turns metadata routing on for the whole process, so this file runs itself in a
process of its own, which prints what came out, and the tests look at that.
"""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_validate

from sklearn_sfx import CNN1D, DANN, SourceScorer, TargetEntropyScorer

SPLITTERS = {
    "SourceTargetShuffleSplit": {"n_splits": 2},
    "StratifiedDomainShuffleSplit": {"n_splits": 2},
    "DomainShuffleSplit": {"n_splits": 2},
    "LeaveOneDomainOut": {},
}
SCORERS = [
    "SupervisedScorer",
    "PredictionEntropyScorer",
    "ImportanceWeightedScorer",
    "SoftNeighborhoodDensity",
    "DeepEmbeddedValidation",
    "CircularValidation",
    "MixValScorer",
    "MaNoScorer",
]


# -- In a process of its own -------------------------------------------------------------------


def two_runs(n=24):
    """Return vectors of two runs, of which the second is brighter, labels, and the run of each."""
    X = np.random.default_rng(0).gumbel(5.0, 1.0, (2 * n, 60)).astype(np.float32)
    y = np.tile([0, 1], n)
    X[y == 1, 5:55:5] += 15.0
    X[n:] = 2.0 * X[n:] + 5.0
    return X, y, np.repeat([1, 2], n)


def small_dann(max_epochs=12):
    base = CNN1D(channels=(4, 8), n_hidden=8)
    model = DANN(base, max_epochs=max_epochs, lr=0.02, random_state=0)
    return model.set_fit_request(sample_domain=True).set_score_request(sample_weight=True)


def rows_of(X, model):
    return [len(X), len(model.predict(X)), len(model.predict_proba(X))]


def try_splitters(skada):
    """Score the target of each fold by accuracy, with its labels hidden from y and not."""
    for name, arguments in SPLITTERS.items():
        X, y, run = two_runs()
        domain = np.where(run == 2, -2, 1)
        if name == "LeaveOneDomainOut":  # takes each run both as a source and as a target
            X, y, domain = np.vstack([X, X]), np.tile(y, 2), np.concatenate([run, -run])
        # Asking for target_labels makes this scorer forget that it asks for sample_domain.
        scorer = skada.metrics.SupervisedScorer().set_score_request(
            sample_domain=True, target_labels=True
        )
        splitter = getattr(skada.model_selection, name)(test_size=0.4, random_state=0, **arguments)

        def scores(y_given, cv, X=X, y=y, domain=domain, scorer=scorer):
            return cross_validate(
                small_dann(),
                X,
                y_given,
                cv=cv,
                scoring=scorer,
                params={"sample_domain": domain, "target_labels": y},
                return_estimator=True,
                return_indices=True,
                error_score="raise",
            )

        found = scores(np.where(domain < 0, -1, y), splitter)
        train, tests = found["indices"].values()
        told = scores(y, list(zip(train, tests, strict=True)))
        models = found["estimator"]
        by_hand, alike = [], []
        for model, other, test in zip(models, told["estimator"], tests, strict=True):
            rows = test[domain[test] < 0]
            by_hand.append(float(np.mean(model.predict(X[rows]) == y[rows])))
            alike.append(bool((model.predict_proba(X) == other.predict_proba(X)).all()))
        yield (
            name,
            {
                "scores": found["test_score"].tolist(),
                "by_hand": by_hand,
                "alike": alike,
                "rows": [rows_of(X, model) for model in models],
                "classes": [model.classes_.tolist() for model in models],
            },
        )


def try_scorers(skada):
    """Search by each score, in skada's pipeline, which keeps the domain from `predict`."""
    X, y, run = two_runs()
    domain = np.where(run == 2, -2, 1)
    for name in SCORERS:
        search = GridSearchCV(
            skada.make_da_pipeline(small_dann(max_epochs=12)),
            {"dann__max_lambda": [0.0, 1.0], "dann__base__dropout": [0.3]},
            cv=skada.model_selection.SourceTargetShuffleSplit(
                n_splits=2, test_size=0.4, random_state=0
            ),
            scoring=getattr(skada.metrics, name)(),
            error_score="raise",
        )
        params = {"target_labels": y} if name == "SupervisedScorer" else {}
        search.fit(X, np.where(domain < 0, -1, y), sample_domain=domain, **params)
        scores = search.cv_results_["mean_test_score"]
        yield (
            name,
            {
                "scores": scores.tolist(),
                "best": search.best_score_,
                "rows": rows_of(X, search),
            },
        )


def try_entropy(skada):
    """Compute skada's entropy of each fold by hand, and ours."""
    X, y, run = two_runs()
    domain = np.where(run == 2, -2, 1)
    found = cross_validate(
        skada.make_da_pipeline(small_dann()),
        X,
        np.where(domain < 0, -1, y),
        cv=skada.model_selection.SourceTargetShuffleSplit(n_splits=3, random_state=0),
        scoring=skada.metrics.PredictionEntropyScorer(),
        params={"sample_domain": domain},
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    by_hand, ours = [], []
    for model, test in zip(found["estimator"], found["indices"]["test"], strict=True):
        target = X[test[domain[test] < 0]]
        p = model[-1].get_estimator().predict_proba(target)
        by_hand.append(float(np.mean(p * np.log(p + 1e-7))))
        ours.append(TargetEntropyScorer(target)(model))
    return {"skada": found["test_score"].tolist(), "by_hand": by_hand, "ours": ours}


def try_our_scorer(skada):
    """Score the source of skada's folds by our scorer."""
    X, y, run = two_runs()
    domain = np.where(run == 2, -2, 1)
    found = cross_validate(
        small_dann(),
        X,
        y,
        cv=skada.model_selection.StratifiedDomainShuffleSplit(
            n_splits=2, test_size=0.4, random_state=0
        ),
        scoring=SourceScorer().set_score_request(sample_domain=True),
        params={"sample_domain": domain},
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    by_hand = []
    for model, test in zip(found["estimator"], found["indices"]["test"], strict=True):
        hits = test[(domain[test] > 0) & (y[test] == 1)]
        by_hand.append(float(np.mean(model.predict(X[hits]) == 1)))
    return {"scores": found["test_score"].tolist(), "by_hand": by_hand}


def main():
    """Print as JSON what came out."""
    import skada

    print(
        json.dumps(
            {
                "splitters": dict(try_splitters(skada)),
                "scorers": dict(try_scorers(skada)),
                "entropy": try_entropy(skada),
                "our_scorer": try_our_scorer(skada),
            }
        )
    )


# -- The tests ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcome():
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", SPLITTERS)
def test_splitter(outcome, name):
    found = outcome["splitters"][name]
    assert len(found["scores"]) == 2
    assert found["scores"] == found["by_hand"]
    assert found["alike"] == [True, True]  # whether y holds labels of the target or not
    assert all(len(set(rows)) == 1 for rows in found["rows"])
    assert found["classes"] == [[0, 1], [0, 1]]


@pytest.mark.parametrize("name", SCORERS)
def test_scorer(outcome, name):
    found = outcome["scorers"][name]
    assert len(found["scores"]) == 2
    assert np.isfinite(found["scores"]).all()
    assert found["best"] == max(found["scores"])
    assert len(set(found["rows"])) == 1


def test_entropy_is_the_one_by_hand_and_ours(outcome):
    found = outcome["entropy"]
    np.testing.assert_allclose(found["skada"], found["by_hand"], rtol=1e-6)
    # skada's mean is over rows and classes, in units of e; ours over rows, of the most there is.
    np.testing.assert_allclose(np.array(found["skada"]) * 2 / np.log(2), found["ours"], rtol=1e-4)


def test_our_scorer_on_its_folds(outcome):
    found = outcome["our_scorer"]
    assert found["scores"] == found["by_hand"]


def test_importing_the_package_turns_nothing_on():
    code = "import sklearn, sklearn_sfx; sklearn_sfx.DANN; print(sklearn.get_config())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'enable_metadata_routing': False" in done.stdout
    assert "skada" not in sys.modules


if __name__ == "__main__":
    main()
