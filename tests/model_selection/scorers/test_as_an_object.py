"""Copies of a scorer, and what it says of itself."""

import copy

import numpy as np
from sklearn.base import clone
from sklearn.metrics import make_scorer, recall_score
from sklearn.model_selection import GridSearchCV

from sklearn_sfx.model_selection import SourceScorer
from tests.model_selection.scorers.cases import (
    Cut,
    all_three,
    fitted,
    pickle_round_trip,
    two_domains,
)


def test_copies_score_alike():
    X, y, domain = two_domains()
    marked = np.where(domain < 0, -1, y)
    for scorer in all_three(X, y, domain).values():
        for again in (copy.deepcopy(scorer), clone(scorer, safe=False), pickle_round_trip(scorer)):
            assert again(fitted(cut=0.3), X, marked) == scorer(fitted(cut=0.3), X, marked)
            assert repr(again) == repr(scorer)
        search = clone(GridSearchCV(Cut(), {"cut": [0.0]}, scoring=scorer))
        assert repr(search.scoring) == repr(scorer)


def test_a_search_says_what_its_score_was_made_from():
    X, y, domain = two_domains()
    scorers = all_three(X, y, domain)
    assert [scorer.uses for scorer in scorers.values()] == [
        "labels of the source frames, none of the target",
        "40 target frames, none of their labels",
        "6 target labels",
    ]
    for scorer in scorers.values():
        search = GridSearchCV(Cut(), {"cut": [0.0]}, scoring=scorer)
        assert scorer.uses in " ".join(repr(search).split())
        assert scorer.uses in repr(search.get_params())
        assert scorer.uses in search._repr_html_()
    search = GridSearchCV(Cut(), {"cut": [0.0]}, scoring=scorers, refit="source")
    for scorer in scorers.values():
        assert scorer.uses in " ".join(repr(search).split())
    assert repr(SourceScorer(make_scorer(recall_score, pos_label="hit"))).startswith(
        "<SourceScorer(make_scorer(recall_score, response_method='predict', pos_label=hit)) uses "
    )
