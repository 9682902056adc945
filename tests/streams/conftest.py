"""A model and frames that are scored in no time, and what watches a source to its end."""

import threading

import numpy as np
import pytest

from sklearn_sfx import make_sfx_frames, open_frames, train
from sklearn_sfx.streams import Record, Tally, watch

SIDE = 96


@pytest.fixture(scope="session")
def frames():
    """Thirty simulated frames, hits among them, shape (30, 96, 96)."""
    run = make_sfx_frames(30, frame_shape=(SIDE, SIDE), hit_rate=0.5, random_state=1)
    return np.asarray(run.data.as_stored())


@pytest.fixture(scope="session")
def model(frames):
    return train(open_frames(frames), method="peaks", crop=SIDE)


@pytest.fixture
def follow(model, tmp_path):
    """Return what watches a source into a table, and gives tally, notices and sources."""

    def run(source, *, until=None, name="out", **options):
        tally, notices, stop, given = Tally(), [], threading.Event(), []
        record = Record(tmp_path / f"{name}.csv", tmp_path / f"{name}.lst")
        options = {"end_after": 2.0, "peaks": False, **options}
        try:
            for block in watch(
                source,
                options.pop("model", model),
                tally=tally,
                tell=notices.append,
                seen=record.seen,
                stop=stop,
                **options,
            ):
                record.add(block)
                given += block.scores.sources
                if until is not None and len(given) >= until:
                    stop.set()
        finally:
            record.close()
        assert tally.received == tally.scored + tally.skipped + tally.unreadable + tally.waiting
        assert tally.waiting == 0
        return tally, notices, given

    return run


def rows(path):
    """Return the rows of a table as lists of cells."""
    return [line.split(",") for line in path.read_text().splitlines()[1:]]


@pytest.fixture
def noise():
    return np.random.default_rng(0).poisson(3, (12, SIDE, SIDE)).astype(np.uint16)
