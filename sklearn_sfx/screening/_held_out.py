"""What a method said of labelled frames that it had not learned from, for other thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_sfx._stored import Stored
from sklearn_sfx.screening._choice import Expectation, best_threshold, expectation_of

__all__ = ["HeldOut"]


@dataclass(frozen=True, eq=False)
class HeldOut(Stored):
    """What a method said of labelled frames, each by a model that had not learned from it.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_labels,)
        Of a hit.
    is_hit : ndarray of bool, shape (n_labels,)
        The labels.
    weight : ndarray of float64, shape (n_labels,), optional
        What each label weighs, of mean 1; None where each counts 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx.screening import HeldOut
    >>> held_out = HeldOut(np.array([0.9, 0.7, 0.4, 0.2, 0.1]), np.arange(5) < 3)
    >>> held_out.threshold_for(1.0)
    0.3...
    >>> expected = held_out.at(0.5)
    >>> expected.found, expected.lost, expected.kept, expected.left
    (2, 1, 0, 2)
    """

    probability: np.ndarray
    is_hit: np.ndarray
    weight: np.ndarray | None = None

    def at(self, threshold: float) -> Expectation:
        """Return what to expect of another threshold than that of the model.

        Parameters
        ----------
        threshold : float
            Chosen without these labels; of one that they have set it says a little too much.

        Returns
        -------
        Expectation
            By the labelled frames.
        """
        return expectation_of(self.probability >= threshold, self.is_hit, self.weight)

    def threshold_for(self, recall: float) -> float:
        """Return the highest threshold that keeps so many of the labelled hits.

        Parameters
        ----------
        recall : float in (0, 1]
            The share of the hits to keep.

        Returns
        -------
        float
            Midway between two probabilities that occur.
        """
        return best_threshold(self.probability, self.is_hit, recall, self.weight)
