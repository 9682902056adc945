"""The model for a run of which nothing is known."""

from contextlib import suppress

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_sfx._tasks import CRYSTALLOGRAPHY, PARTICLE_HITS, task_asked
from sklearn_sfx.classifiers import (
    LitPixelCountClassifier,
    PeakCountClassifier,
    SpotCountClassifier,
    find_in,
)
from sklearn_sfx.exceptions import UnreadableFrame
from sklearn_sfx.frames import Frames, needing_some
from sklearn_sfx.preprocessing import PixelMask, SpotCountStep, warn_if_scaled
from sklearn_sfx.screening._lit_level import lit_level, unusual_count
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._unreadable import readable_rows

__all__ = ["untrained_model"]

MAX_SAMPLE = 200  # frames, in which defective pixels are looked for
FIRST = 16  # of them, in which values are looked at


def untrained_model(
    frames: Frames | np.ndarray, task: str = CRYSTALLOGRAPHY.name
) -> ScreeningModel:
    """Return a model that counts the Bragg spots of whole frames, and has learned nothing.

    Of single particles it counts lit pixels, and calls a frame with more than is usual in this run
    a hit: it tells frames with something in the beam from empty ones, not one particle from
    several.

    Parameters
    ----------
    frames : Frames or ndarray, shape (n_frames, height, width)
        The run. Of ten frames or more defective pixels are found first; one frame is enough, and
        for single particles a hundred are better.
    task : {"crystallography", "single-particle"}, default="crystallography"
        What is looked for.

    Returns
    -------
    ScreeningModel
        For `screen`: a `SpotCountClassifier`, which calls six spots or more a hit, or what counts
        lit pixels, behind a `PixelMask`.

    Raises
    ------
    InputError
        Not one of the frames that are looked at can be read; or there is no such task.

    Warns
    -----
    ScaledFramesWarning
        Nothing in the first frames is high enough for a Bragg spot.
    UnreadableFramesWarning
        Some of them cannot be read.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames, screen
    >>> from sklearn_sfx.screening import untrained_model
    >>> run = make_sfx_frames(3, frame_shape=(160, 160), random_state=0)
    >>> screen(untrained_model(run.data), run.data).decision.shape
    (3,)
    """
    is_of_crystals = task_asked(task) is CRYSTALLOGRAPHY
    sample = np.unique(np.linspace(0, len(frames) - 1, MAX_SAMPLE).round().astype(int))
    looked_at = frames[sample]
    mask = PixelMask(detect=len(looked_at) >= PixelMask.MIN_FRAMES, invalid="auto")
    prepare = make_pipeline(mask)
    try:  # reads fewer frames than are looked at where those are large
        prepare.fit(needing_some(looked_at) if isinstance(looked_at, Frames) else looked_at)
    except UnreadableFrame:
        looked_at = looked_at[readable_rows(looked_at, "the search for defective pixels")]
        prepare.set_params(pixelmask__detect=len(looked_at) >= PixelMask.MIN_FRAMES)
        prepare.fit(looked_at)
    if is_of_crystals:
        with suppress(UnreadableFrame):  # which is told when the run is screened
            noise_floor = SpotCountStep().settings.noise_floor
            warn_if_scaled(prepare.transform(looked_at[:FIRST]), noise_floor)
    one = looked_at[:1]  # without labels only the shape is looked at
    classifier, baseline = make_pipeline(SpotCountClassifier()), PeakCountClassifier()
    if not is_of_crystals:
        baseline = _unusually_lit(prepare, looked_at)
        classifier = make_pipeline(baseline)
    return ScreeningModel(
        prepare=prepare,
        classifier=classifier.fit(one),
        baseline=baseline.fit(one),
        threshold=0.5,
        trained_on=(),
        frame_shape=(frames.shape[1], frames.shape[2]),
        task=(CRYSTALLOGRAPHY if is_of_crystals else PARTICLE_HITS).name,
    )


def _unusually_lit(prepare: Pipeline, frames: Frames | np.ndarray) -> LitPixelCountClassifier:
    """Return what calls frames hits that have more lit pixels than most."""
    masked = prepare.transform(frames)
    level = lit_level(masked)
    try:
        counts = find_in(make_pipeline(LitPixelCountClassifier(level=level)), masked)
    except UnreadableFrame:
        masked = masked[readable_rows(frames, "the count of lit pixels")]
        counts = find_in(make_pipeline(LitPixelCountClassifier(level=level)), masked)
    return LitPixelCountClassifier(level=level, count=unusual_count(counts))
