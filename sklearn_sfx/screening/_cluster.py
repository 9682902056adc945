"""Parts of a run done by the workers of a dask cluster."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sklearn_sfx._extras import require
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import Frames
from sklearn_sfx.screening._model import ScreeningModel
from sklearn_sfx.screening._parts import PartScores, parts_of, score_part
from sklearn_sfx.screening._unreadable import find_unreadable

__all__ = ["score_parts_on_cluster"]

PATIENCE_S = 30  # to find the scheduler
TRIES = 5  # of a part whose workers die, each of several workers; then it is the part that kills


def score_parts_on_cluster(
    address: str, model: ScreeningModel, frames: Frames, numbers: Sequence[int], peaks: bool
) -> Iterator[tuple[int, PartScores]]:
    """Yield the number of each part and what is found in it, in the order they are done.

    A task is a small pickled piece of the run. What a worker that died was doing is done again, and
    so is the loading of the model, which is a task too.
    """
    require("distributed", extra="dask", what="Screening on a cluster")
    from distributed import Client, KilledWorker, as_completed

    if not numbers:
        return
    try:
        client = Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{address}: no dask scheduler answers there ({error}).") from error
    rows, tries = parts_of(len(frames)), Counter[int]()
    model_bytes = pickle.dumps(model)
    with client:
        loaded = client.submit(pickle.loads, model_bytes, pure=False)

        def submit(number: int) -> Any:
            nonlocal loaded
            if loaded.status == "error":
                loaded = client.submit(pickle.loads, model_bytes, pure=False)
            tries[number] += 1
            part = frames[rows[number]]
            return client.submit(score_part, loaded, part, peaks=peaks, pure=False)

        doing = {submit(number): number for number in numbers}
        queue = as_completed(list(doing), loop=client.loop)
        for future in queue:
            number = doing.pop(future)
            error = future.exception()
            if isinstance(error, KilledWorker) and tries[number] < TRIES:
                again = submit(number)
                doing[again] = number
                queue.add(again)
                continue
            if isinstance(error, KilledWorker):
                raise InputError(
                    f"The workers of {address} die again and again over frames "
                    f"[{rows[number].start + 1}] to [{rows[number].stop}] of the run: give them "
                    "more memory, or fewer threads."
                ) from error
            found = future.result()
            _check_that_all_see_the_files(address, model, frames[rows[number]], found)
            yield number, found


def _check_that_all_see_the_files(
    address: str, model: ScreeningModel, part: Frames, found: PartScores
) -> None:
    """Raise if frames that a worker could not read can be read here."""
    gone = np.flatnonzero(np.isnan(found.probability))
    if not len(gone):
        return
    if len(find_unreadable(model.prepare.transform(part[gone]))) < len(gone):
        raise InputError(
            f"{address}: a worker cannot read what can be read here ({found.reason[gone[0]]}): the "
            "files have to be where all workers see them."
        )
