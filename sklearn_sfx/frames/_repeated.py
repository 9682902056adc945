"""Files that are given beside another file that leads to them, as a master and its data files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

from sklearn_sfx.exceptions import InputError, RepeatedFramesWarning
from sklearn_sfx.frames._recognize import Part

__all__ = ["without_repeated"]


def without_repeated(parts: Sequence[Part]) -> list[Part]:
    """Leave out the parts of a run whose frames another part has already.

    Parameters
    ----------
    parts : sequence of Part
        Of a run, as they were opened.

    Raises
    ------
    InputError
        If a part leads to others and has not just their frames, so that it cannot be told which
        frames are meant.

    Warns
    -----
    RepeatedFramesWarning
        If parts are left out.
    """
    repeated: set[int] = set()
    for part in parts:
        files = {os.path.realpath(path) for path in getattr(part.source, "files", ())}
        files -= {os.path.realpath(path) for path in part.paths}
        if not files:
            continue
        behind = [
            number
            for number, other in enumerate(parts)
            if other is not part and files.issuperset(map(os.path.realpath, other.paths))
        ]
        if not behind:
            continue
        (leader, *_), (first, *_) = part.paths, parts[behind[0]].paths
        if sum(parts[number].source.shape[0] for number in behind) != part.source.shape[0]:
            raise InputError(
                f"{leader} leads to {first}, which is given too, so that frames would come twice: "
                "give only one of them."
            )
        repeated.update(behind)
        warnings.warn(
            f"{leader} leads to {len(behind)} files that are given too, such as {first}: each "
            f"frame is read once, by {os.path.basename(leader)}.",
            RepeatedFramesWarning,
            stacklevel=3,
        )
    return [part for number, part in enumerate(parts) if number not in repeated]
