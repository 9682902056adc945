"""Names, and containers of pandas, where a table comes out; pipelines that end in one."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sfx.preprocessing import (
    GCN,
    LCN,
    CentralCrop,
    PixelMask,
    RowWiseDecomposition,
    StrongestPeaks,
)

pd = pytest.importorskip("pandas")
FRAMES = np.random.default_rng(0).poisson(3, (6, 40, 48))
SIGNALS = np.random.default_rng(0).poisson(3, (6, 40))
STEPS = [PixelMask(), CentralCrop(32), GCN(), LCN(5)]


def test_a_pipeline_that_ends_in_vectors_gives_a_table():
    model = make_pipeline(*STEPS, RowWiseDecomposition())
    table = clone(model).set_output(transform="pandas").fit_transform(FRAMES)
    assert isinstance(table, pd.DataFrame)
    np.testing.assert_array_equal(table.to_numpy(), model.fit_transform(FRAMES))
    assert table.columns.tolist() == model[-1].get_feature_names_out().tolist()


def test_a_pipeline_that_ends_in_peaks_gives_a_table():
    model = make_pipeline(PixelMask(), CentralCrop(40), StrongestPeaks())
    table = clone(model).set_output(transform="pandas").fit_transform(FRAMES)
    assert table.columns.tolist() == StrongestPeaks().fit(FRAMES).get_feature_names_out().tolist()
    np.testing.assert_array_equal(table.to_numpy(), model.fit_transform(FRAMES))


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_frames_stay_arrays(step):
    found = clone(step).set_output(transform="pandas").fit_transform(FRAMES)
    np.testing.assert_array_equal(found, clone(step).fit_transform(FRAMES), strict=True)
    assert not hasattr(step, "get_feature_names_out")


@pytest.mark.parametrize("step", [GCN(), LCN(5), CentralCrop(20)], ids=repr)
def test_signals_are_tables(step):
    table = pd.DataFrame(SIGNALS, columns=[f"ring{i}" for i in range(40)])
    found = clone(step).set_output(transform="pandas").fit_transform(table)
    assert isinstance(found, pd.DataFrame)
    np.testing.assert_array_equal(found.to_numpy(), clone(step).fit_transform(SIGNALS))
    if found.shape == table.shape:
        assert found.columns.tolist() == table.columns.tolist()
    assert len(set(found.columns)) == found.shape[1]


def test_clones_keep_the_container_and_default_takes_it_back():
    step = RowWiseDecomposition().set_output(transform="pandas")
    assert isinstance(clone(step).fit_transform(FRAMES), pd.DataFrame)
    step.set_output(transform=None)
    assert isinstance(step.fit_transform(FRAMES), pd.DataFrame)
    step.set_output(transform="default")
    assert isinstance(step.fit_transform(FRAMES), np.ndarray)


def test_what_follows_sees_the_names():
    y = np.arange(6) % 2
    model = make_pipeline(*STEPS, RowWiseDecomposition(), StandardScaler(), LogisticRegression())
    model.set_output(transform="pandas").fit(FRAMES, y)
    assert model[-1].feature_names_in_[:2].tolist() == ["row0", "row1"]
    assert model[-2].get_feature_names_out()[-1] == "row27"
