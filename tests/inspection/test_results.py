"""Pictures of thresholds, of label efficiency, of trainings and of features."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve, precision_score, recall_score
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sfx import (
    DANN,
    FeatureEmbeddingDisplay,
    LabelEfficiencyDisplay,
    RecallThresholdDisplay,
    TargetRecallClassifier,
    TrainingHistoryDisplay,
)
from sklearn_sfx._intervals import wilson


@pytest.fixture(scope="module")
def scored():
    """Return labels and scores with many ties."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    return y, np.clip(0.3 * y + rng.random(200), 0, 1).round(2)


def test_curves_are_those_of_scikit_learn(scored):
    y, score = scored
    display = RecallThresholdDisplay.from_predictions(y, score)
    precision, recall, threshold = precision_recall_curve(y, score)
    np.testing.assert_array_equal(display.threshold, threshold)
    np.testing.assert_allclose(display.recall, recall[:-1])
    np.testing.assert_allclose(display.precision, precision[:-1])
    np.testing.assert_allclose(display.kept, [np.mean(score >= value) for value in threshold])
    for name in ("recall", "precision", "kept"):
        low, high = display.intervals[name]
        value = getattr(display, name)
        assert ((low <= value) & (value <= high)).all()
    np.testing.assert_allclose(
        np.transpose(display.intervals["recall"])[5], wilson(recall[5] * y.sum(), y.sum())
    )


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.505, 1.0, 1.1])
def test_the_chosen_point_is_what_that_threshold_does(scored, threshold):
    y, score = scored
    display = RecallThresholdDisplay.from_predictions(y, score, threshold=threshold)
    point, kept = display.at(threshold), score >= threshold
    assert point["recall"] == pytest.approx(recall_score(y, kept))
    assert point["kept"] == kept.mean()
    expected = precision_score(y, kept, zero_division=np.nan)
    assert point["precision"] == pytest.approx(expected, nan_ok=True)
    marked = [
        tuple(line.get_xydata()[0]) for line in display.ax_.lines if len(line.get_xydata()) == 1
    ]
    np.testing.assert_allclose(marked, [(threshold, value) for value in point.values()])


def test_a_classifier_brings_its_threshold_and_what_a_hit_is():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))
    y = np.where(X[:, 0] + rng.normal(size=200) > 0, "hit", "miss")
    target = TargetRecallClassifier(LogisticRegression(), pos_label="hit", random_state=0)
    model = make_pipeline(StandardScaler(), target).fit(X, y)
    display = RecallThresholdDisplay.from_estimator(model, X, y)
    assert display.chosen == model[-1].threshold_
    assert display.at(display.chosen)["recall"] == recall_score(
        y, model.predict(X), pos_label="hit"
    )

    number = (y == "hit").astype(int)
    tuned = TunedThresholdClassifierCV(LogisticRegression(), random_state=0).fit(X, number)
    assert RecallThresholdDisplay.from_estimator(tuned, X, number).chosen == tuned.best_threshold_
    fixed = FixedThresholdClassifier(LogisticRegression(), threshold=0.3, pos_label="hit")
    display = RecallThresholdDisplay.from_estimator(fixed.fit(X, y), X, y)
    assert display.chosen == 0.3
    assert display.at(0.3)["kept"] == np.mean(fixed.predict(X) == "hit")
    plain = LogisticRegression().fit(X, number)
    display = RecallThresholdDisplay.from_estimator(plain, X, number)
    assert display.at(display.chosen)["kept"] == plain.predict(X).mean()


def test_efficiency_is_mean_and_range_over_the_seeds():
    table = {
        "method": ["b", "a", "a", "a", "a", "b"],
        "n_labels": [200, 50, 200, 50, 50, 0],
        "seed": [0, 0, 0, 1, 2, 0],
        "recall": [0.6, 0.7, 0.95, 0.8, 0.9, 0.5],
    }
    display = LabelEfficiencyDisplay.from_predictions(**table)
    assert list(zip(display.method, display.n_labels, strict=True)) == [
        ("b", 0),
        ("b", 200),
        ("a", 50),
        ("a", 200),
    ]
    np.testing.assert_allclose(display.mean, [0.5, 0.6, 0.8, 0.95])
    np.testing.assert_allclose(display.lowest, [0.5, 0.6, 0.7, 0.95])
    np.testing.assert_allclose(display.highest, [0.5, 0.6, 0.9, 0.95])
    assert display.n_seeds.tolist() == [1, 1, 3, 1]
    legend = display.ax_.get_legend()
    assert legend.get_title().get_text() == "mean and range of 1 to 3 seeds"
    assert {text.get_text() for text in legend.get_texts()} == {"a", "b", "b, no labels"}
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["50", "200"]


def test_a_training_shows_loss_and_recall_of_each_epoch(by_rows):
    display = TrainingHistoryDisplay.from_estimator(by_rows)
    history = by_rows[-1].history_
    assert set(display.history) == {"train_loss", "train_recall"}
    for ax, name in zip(display.ax_, ("train_loss", "train_recall"), strict=True):
        (line,) = ax.lines
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 21))
        np.testing.assert_array_equal(line.get_ydata(), [epoch[name] for epoch in history])


def test_adversarial_training_and_its_features_show_both_domains(vectors):
    X, y, domain = vectors
    model = DANN(max_epochs=2, random_state=0).fit(X, y, sample_domain=domain)
    display = TrainingHistoryDisplay.from_estimator(model)
    drawn = {
        kind: {line.get_label(): line.get_ydata() for line in ax.lines}
        for kind, ax in zip(("loss", "accuracy"), display.ax_, strict=True)
    }
    for kind, lines in drawn.items():
        for name, label in (("label", "label, of the source"), ("domain", "domain")):
            values = [epoch[f"{name}_{kind}"] for epoch in model.history_]
            np.testing.assert_array_equal(lines[label], values)

    planes = [
        FeatureEmbeddingDisplay.from_estimator(
            model, X, y, sample_domain=domain, random_state=0
        ).embedding
        for _ in range(2)
    ]
    assert planes[0].shape == (len(X), 2)
    np.testing.assert_array_equal(*planes)


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(0)
    X = rng.gumbel(5, 1, (40, 60)).astype(np.float32)
    y = np.tile([0, 1], 20)
    X[y == 1, 20:40:5] += 15
    return X, y, np.repeat([0, -1], 20)


def test_each_frame_is_drawn_once_in_the_group_it_is_of():
    plane = np.random.default_rng(0).normal(size=(12, 2))
    y, domain = np.tile([0, 1], 6), np.repeat([0, 3, -1], 4)
    display = FeatureEmbeddingDisplay(embedding=plane, y=y, sample_domain=domain).plot()
    drawn = {part.get_label(): part.get_offsets() for part in display.ax_.collections}
    assert set(drawn) == {"0, source", "0, target", "1, source", "1, target"}
    np.testing.assert_array_equal(drawn["1, source"], plane[(y == 1) & (domain >= 0)])
    np.testing.assert_array_equal(drawn["0, target"], plane[(y == 0) & (domain < 0)])
    display = FeatureEmbeddingDisplay(embedding=plane, sample_domain=domain).plot()
    assert [len(part.get_offsets()) for part in display.ax_.collections] == [8, 4]
