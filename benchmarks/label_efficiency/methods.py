"""The methods that are compared. Each gets a `Case` and returns a fitted estimator."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from scipy.special import expit
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_sfx import CNN1D, DANN, FineTuned, PeakHeightClassifier
from sklearn_sfx._files import replacing
from sklearn_sfx.classifiers._peak_heights import learn_from_heights

PERCENTILES = [5, 25, 50, 75, 85, 90, 95, 97, 99, 99.6, 100]
PRETRAINING_EPOCHS = 25
UNLABELLED = 400  # frames without labels that self-training may take, at the most
N_NETWORKS = 3
FEW = (20, 200)  # numbers of labels for the methods that take long
UP_TO_200 = (10, 20, 50, 100, 200)
ALL = (*UP_TO_200, 1200)


@dataclass(frozen=True)
class Case:
    """What there is to learn from.

    Attributes
    ----------
    X, y : ndarray
        The labelled frames of the run, as the method reads them; none where it needs none.
    frames, unlabelled : ndarray
        The first frames of the run, and those that are not among the labelled ones; no method sees
        labels of them.
    other_X, other_y : ndarray
        Labelled frames of the other experiments.
    seed : int
    folder : Path
        Keeps networks that are the same for any number of labels.
    """

    X: np.ndarray
    y: np.ndarray
    frames: np.ndarray
    unlabelled: np.ndarray
    other_X: np.ndarray
    other_y: np.ndarray
    seed: int
    folder: Path

    def kept(self, make: Callable) -> CNN1D:
        """Return ``make(self)``, from disk if it is there."""
        path = self.folder / f"{make.__name__}.joblib"
        if not path.exists():
            network = make(self)
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                joblib.dump(network, temporary)
        return joblib.load(path)


@dataclass(frozen=True)
class Method:
    """What a method reads ("rwd", "peaks" or "count"), how it learns, and from how many labels."""

    reads: str
    fit: Callable
    n_labels: tuple[int, ...]


def linear(*before):
    return make_pipeline(*before, StandardScaler(), LogisticRegression(class_weight="balanced"))


def percentiles(vectors):
    return np.arcsinh(np.percentile(vectors, PERCENTILES, axis=1).T)


def fit_count(case):
    return linear(FunctionTransformer(np.log1p)).fit(case.X, case.y)


def fit_count_of_others(case):
    return linear(FunctionTransformer(np.log1p)).fit(case.other_X, case.other_y)


def fit_percentiles(case):
    return linear(FunctionTransformer(percentiles)).fit(case.X, case.y)


def fit_peaks(case):
    return linear().fit(case.X, case.y)


def fit_peaks_of_others(case):
    return linear().fit(case.other_X, case.other_y)


@dataclass(frozen=True)
class PeakHeights:
    """`PeakHeightClassifier` for frames whose heights are known already."""

    coef: np.ndarray
    intercept: float

    def predict_proba(self, heights):
        """Return the probability of a miss and of a hit."""
        hit = expit(heights @ self.coef + self.intercept)
        return np.column_stack([1 - hit, hit])


def fit_peak_heights(case):
    """Learn from the simulated frames of the package and from the labels, as many as there are."""
    given = (case.X, case.y == 1) if len(case.y) else (None, None)
    settings = PeakHeightClassifier().get_params()
    return PeakHeights(*learn_from_heights(*given, **settings))


def fit_network_plain(case):
    return CNN1D(augment=False, random_state=case.seed).fit(case.X, case.y)


def fit_network(case):
    return CNN1D(random_state=case.seed).fit(case.X, case.y)


def fit_network_of_others(case):
    network = CNN1D(max_epochs=PRETRAINING_EPOCHS, random_state=case.seed)
    return network.fit(case.other_X, case.other_y)


def fit_fine_tuned(case):
    base = case.kept(fit_network_of_others)
    return FineTuned(base, random_state=case.seed).fit(case.X, case.y)


def fit_pretrained_without_labels(case):
    """Tune a network that has learned to tell frames from the same with spots added."""
    base = case.kept(learn_spots)
    return FineTuned(base, random_state=case.seed).fit(case.X, case.y)


def learn_spots(case):
    rng = np.random.default_rng(case.seed)
    vectors = case.frames
    X = np.concatenate([vectors, with_spots(vectors, rng)])
    y = np.repeat([0, 1], len(vectors))
    return CNN1D(max_epochs=PRETRAINING_EPOCHS // 2, random_state=case.seed).fit(X, y)


def with_spots(vectors, rng):
    """Raise rows of each RWD vector as spots of random heights would: three rows for each."""
    raised = vectors.copy()
    n_frames, length = vectors.shape
    noise = np.median(vectors, axis=1)
    for i in range(n_frames):
        n_spots = rng.integers(3, 40)
        rows = rng.integers(1, length - 1, n_spots)
        heights = noise[i] * (1 + rng.exponential(2.0, n_spots))
        for offset, share in ((-1, 0.6), (0, 1.0), (1, 0.6)):
            np.maximum.at(raised[i], rows + offset, (share * heights).astype(raised.dtype))
    return raised


def fit_self_training(case):
    """Take the network's own confident decisions on unlabelled frames for labels, once."""
    more = case.unlabelled[:UNLABELLED]
    X, y = np.concatenate([case.X, more]), np.concatenate([case.y, np.full(len(more), -1)])
    network = CNN1D(random_state=case.seed)
    return SelfTrainingClassifier(network, threshold=0.95, max_iter=1).fit(X, y)


def fit_ensemble(case):
    networks = [
        (f"network {i}", CNN1D(random_state=N_NETWORKS * case.seed + i)) for i in range(N_NETWORKS)
    ]
    return VotingClassifier(networks, voting="soft").fit(case.X, case.y)


def fit_dann(case):
    X = np.concatenate([case.other_X, case.unlabelled])
    y = np.concatenate([case.other_y, np.full(len(case.unlabelled), -1)])
    return DANN(CNN1D(), max_epochs=10, random_state=case.seed).fit(X, y)


WITHIN = {
    "peak count": Method("count", fit_count, ALL),
    "RWD percentiles, linear": Method("rwd", fit_percentiles, ALL),
    "RWD, CNN1D without augmentation": Method("rwd", fit_network_plain, UP_TO_200),
    "RWD, CNN1D": Method("rwd", fit_network, ALL),
    "RWD, CNN1D of the others, fine-tuned": Method("rwd", fit_fine_tuned, UP_TO_200),
    "RWD, CNN1D pre-trained without labels": Method("rwd", fit_pretrained_without_labels, FEW),
    "RWD, CNN1D, self-training": Method("rwd", fit_self_training, FEW),
    "RWD, CNN1D, three networks": Method("rwd", fit_ensemble, FEW),
    "StrongestPeaks, linear": Method("peaks", fit_peaks, ALL),
    "PeakHeightClassifier": Method("peaks", fit_peak_heights, ALL),
}
# No label of the run itself; those of the other experiments.
ACROSS = {
    "peak count": Method("count", fit_count_of_others, (0,)),
    "RWD, CNN1D": Method("rwd", fit_network_of_others, (0,)),
    "RWD, DANN": Method("rwd", fit_dann, (0,)),
    "StrongestPeaks, linear": Method("peaks", fit_peaks_of_others, (0,)),
    "PeakHeightClassifier": Method("peaks", fit_peak_heights, (0,)),
}
