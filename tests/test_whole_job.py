"""The whole pipeline on a run in a file: searched, scored, kept on disk, and in bounded memory."""

import json
import subprocess
import sys
import textwrap

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_sfx import (
    CNN1D,
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    RowWiseDecomposition,
    load_cxidb76,
    make_sfx_frames,
)
from sklearn_sfx.datasets import write_run

SIDE = 160


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    simulated = make_sfx_frames(
        60, domain="LN84", frame_shape=(SIDE + 8, SIDE + 8), hit_rate=0.6, random_state=1
    )
    write_run(folder / "run.h5", simulated)
    return load_cxidb76(folder / "run.h5", "LN84", mask=folder / "run.mask.h5")


def make_model():
    network = CNN1D(channels=(8, 16), max_epochs=25, random_state=0)
    return make_pipeline(
        PixelMask(detect=True), CentralCrop(SIDE), GCN(), LCN(5), RowWiseDecomposition(), network
    )


def test_search_over_the_pipeline_in_two_processes_finds_what_one_finds(run):
    grid = {"lcn__kernel_size": [5, 9], "cnn1d__dropout": [0.0, 0.2]}
    results = []
    for n_jobs in (1, 2):
        search = GridSearchCV(make_model(), grid, scoring="recall", cv=3, n_jobs=n_jobs)
        search.fit(run.data, run.target)
        results.append(search)
    one, two = results
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    assert one.best_params_ == two.best_params_
    np.testing.assert_array_equal(one.predict_proba(run.data), two.predict_proba(run.data))
    assert one.best_score_ > 0.6


def test_cross_validated_recall_beats_chance(run):
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    arguments = {"cv": folds, "n_jobs": 2}
    recall = cross_val_score(make_model(), run.data, run.target, scoring="recall", **arguments)
    precision = cross_val_score(
        make_model(), run.data, run.target, scoring="precision", **arguments
    )
    assert recall.shape == precision.shape == (3,)
    assert recall.mean() > 0.6
    assert precision.mean() > 0.6


def test_a_run_and_its_array_give_the_same_answer(run):
    model = make_model().fit(run.data[:40], run.target[:40])
    lazy = model.predict_proba(run.data[40:])
    prepared = np.where(run.mask, np.asarray(run.data[40:], dtype=np.float32), np.nan)
    np.testing.assert_allclose(lazy, model.predict_proba(prepared), atol=1e-5)
    np.testing.assert_allclose(lazy.sum(axis=1), 1, atol=1e-6)


def test_a_saved_pipeline_gives_identical_probabilities_in_a_new_process(run, tmp_path):
    model = make_model().fit(run.data[:40], run.target[:40])
    joblib.dump(model, tmp_path / "model.joblib")
    joblib.dump(run.data[40:], tmp_path / "frames.joblib")
    code = f"""
        import joblib, numpy
        folder = {str(tmp_path)!r}
        model = joblib.load(folder + "/model.joblib")
        numpy.save(folder + "/p.npy", model.predict_proba(joblib.load(folder + "/frames.joblib")))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), model.predict_proba(run.data[40:]))


MEMORY = """
    import json, resource, sys
    from sklearn_sfx import open_frames, screen
    from sklearn_sfx.screening import load_screening_model

    def peak_mib():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    path, model, repeats = sys.argv[1], load_screening_model(sys.argv[2]), int(sys.argv[3])
    screen(model, open_frames(path))
    before = peak_mib()
    scores = screen(model, open_frames([path] * repeats))
    print(json.dumps([before, peak_mib(), len(scores.probability)]))
"""


def test_memory_does_not_grow_with_the_run(run, tmp_path):
    """Two thousand frames, 43 MB of pixels, take no more than sixty do."""
    from sklearn_sfx.screening import train

    train(run.data[:40], run.target[:40], method="peaks", crop=SIDE, random_state=0).save(
        tmp_path / "m.joblib"
    )
    path = run.data.sources[0].path
    arguments = [sys.executable, "-c", textwrap.dedent(MEMORY), path, tmp_path / "m.joblib", "33"]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    before, after, n_frames = json.loads(done.stdout)
    assert n_frames == 33 * 60
    assert after - before < 20
