"""From a lazy run to hits and misses in one pipeline."""

from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.metrics import precision_score, recall_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline

from sklearn_sfx.classifiers import CNN1D
from sklearn_sfx.frames import open_frames
from sklearn_sfx.preprocessing import GCN, LCN, RowWiseDecomposition
from tests.classifiers.composition.cases import close, make_cnn1d, make_whole, same


def test_the_whole_pipeline_finds_the_hits_of_a_lazy_run(run, spotted, other_spotted):
    frames, y = run
    model = make_whole().fit(frames, y)
    predicted = model.predict(open_frames(other_spotted[0]))
    assert recall_score(other_spotted[1], predicted) > 0.95
    assert precision_score(other_spotted[1], predicted) > 0.95
    in_memory = make_whole().fit(spotted[0], y)
    close(model.predict_proba(frames), in_memory.predict_proba(spotted[0]))


def test_a_search_reaches_the_preprocessing(run):
    """A crop of 20 pixels shows four of the 49 places where spots are; one of 90 shows them all."""
    grid = {"centralcrop__size": [20, 90], "lcn__kernel_size": [5]}
    search = GridSearchCV(make_whole(), grid, scoring="recall", cv=2).fit(*run)
    assert search.best_params_["centralcrop__size"] == 90
    assert search.best_score_ > 0.9
    assert search.cv_results_["mean_test_score"][0] < 0.9
    assert search.best_estimator_[0].size == 90


def test_a_search_chooses_among_classifiers(run):
    never = DummyClassifier(strategy="constant", constant=0)
    grid = {"cnn1d": [never, make_whole()[-1]]}
    search = GridSearchCV(make_whole(), grid, scoring="recall", cv=2).fit(*run)
    assert isinstance(search.best_params_["cnn1d"], CNN1D)
    assert search.cv_results_["mean_test_score"][0] == 0
    assert search.best_score_ > 0.9


def test_a_pipeline_that_caches_its_steps_gives_the_same(run, tmp_path):
    expected = make_whole().fit(*run).predict_proba(run[0])
    cached = make_whole().set_params(memory=str(tmp_path))
    for _ in range(2):
        same(clone(cached).fit(*run).predict_proba(run[0]), expected)
    assert list(tmp_path.rglob("output.pkl"))


def test_rows_and_columns_side_by_side(run, spotted):
    profiles = FeatureUnion(
        [("rows", RowWiseDecomposition()), ("columns", RowWiseDecomposition(axis="column"))]
    )
    model = make_pipeline(GCN(), LCN(5), profiles, make_cnn1d(max_epochs=25))
    model.fit(*run)
    assert model[-1].frame_shape_in_ == (92 + 92,)
    assert model.score(*run) > 0.95
    close(model.predict_proba(run[0]), model.predict_proba(spotted[0]))
