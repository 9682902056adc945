"""What a run is: its files, its frames, what is known of them, and what is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sklearn_sfx._text import counted
from sklearn_sfx._text import plain as as_plain
from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames import (
    Facts,
    Frames,
    Unreadable,
    are_simulated,
    facts_in_words,
    number_in_words,
    stored_dtype,
    unreadable_in_words,
)
from sklearn_sfx.screening._looked_at import LookedAt, looked_at, together
from sklearn_sfx.screening._sample import FrameSample, sample_of

__all__ = ["RunInfo", "run_info"]


@dataclass(frozen=True)
class RunInfo:
    """What a run is, as `run_info` found it; ``str`` gives it as a table.

    Parameters
    ----------
    files : tuple of str
        Those that name the frames, in their order; empty for frames of no file.
    n_frames : int
        How many frames there are.
    frame_shape : tuple of int
        (height, width), in pixels.
    dtype : str
        Of the frames as they are stored.
    facts : Facts
        What the files say of all frames.
    wavelength, distance : (float, float) or None
        Least and largest over the run, in angstrom and in mm; None if it is not known.
    sample : FrameSample
        What the pixels are like, and which share the mask leaves.
    looked_at : tuple of LookedAt
        The part of a frame that each method looks at.
    unreadable : tuple of Unreadable
        Frames that cannot be read, and why, as far as it is known.
    simulated : bool
        Whether the files say that their frames are simulated.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_sfx import open_frames
    >>> from sklearn_sfx.screening import run_info
    >>> info = run_info(open_frames(np.arange(24, dtype=np.uint16).reshape(2, 3, 4)), crop=3)
    >>> print(str(info).splitlines()[1])
    frames       2 of 3 x 4 pixels, uint16
    >>> info.to_dict()["sample"]["highest"]
    23.0
    """

    files: tuple[str, ...]
    n_frames: int
    frame_shape: tuple[int, int]
    dtype: str
    facts: Facts
    wavelength: tuple[float, float] | None
    distance: tuple[float, float] | None
    sample: FrameSample
    looked_at: tuple[LookedAt, ...]
    unreadable: tuple[Unreadable, ...]
    simulated: bool

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain numbers, text, lists and dicts, for JSON.

        Returns
        -------
        dict
            By the names of the attributes; None where a number is not known or not finite.
        """
        plain = asdict(self)
        plain["looked_at"] = [
            {**part._asdict(), "window": part.window and part.window._asdict()}
            for part in self.looked_at
        ]
        plain["unreadable"] = [gone._asdict() for gone in self.unreadable]
        plain["sample"]["no_data"] = [
            {"value": value, "share": share} for value, share in self.sample.no_data
        ]
        return as_plain(plain)

    def __str__(self) -> str:
        rows = [(name, line) for name, lines in self._lines() for line in lines]
        width = max(len(name) for name, _ in rows)
        names = [
            name if i == 0 or rows[i - 1][0] != name else "" for i, (name, _) in enumerate(rows)
        ]
        return "\n".join(
            f"{name:{width}}  {line}" for name, (_, line) in zip(names, rows, strict=True)
        )

    def _lines(self) -> Iterator[tuple[str, Iterable[str]]]:
        """Yield a name and the lines beside it."""
        height, width = self.frame_shape
        more = f", and {counted(len(self.files) - 1, 'more file')}" if len(self.files) > 1 else ""
        yield "file", [f"{self.files[0] if self.files else 'none'}{more}"]
        simulated = ", simulated" if self.simulated else ""
        yield "frames", [f"{self.n_frames} of {height} x {width} pixels, {self.dtype}{simulated}"]
        said = facts_in_words(self.facts)
        for name, value, unit in (
            ("distance", self.distance, "mm"),
            ("wavelength", self.wavelength, "angstrom"),
        ):
            if value is not None:
                ends = " to ".join(dict.fromkeys(number_in_words(end) for end in value))
                said[name] = f"{ends} {unit}"
        said.pop("no data", None)  # said below, with its share
        for name in ("beam centre", "distance", "wavelength"):
            said.setdefault(name, "not in the file")
        for name, value in said.items():
            yield name, [value]
        yield "mask", [_share_of_mask(self.sample.usable)]
        yield "pixels", self._pixels()
        yield "no data", self._no_data()
        yield "looked at", self._looked_at()
        yield "unreadable", unreadable_in_words(self.unreadable) or ["none that is known of"]

    def _pixels(self) -> Iterator[str]:
        """Yield what the pixels of the sample are like."""
        sample = self.sample
        of = "1 frame" if sample.n_frames == 1 else f"{sample.n_frames} frames"
        if sample.lowest is None or sample.highest is None or sample.mean is None:
            yield f"no usable one in {of}"
        else:
            ends = f"{number_in_words(sample.lowest)} to {number_in_words(sample.highest)}"
            yield f"{ends}, mean {sample.mean:.4g}, of {of}"
        for share, what in (
            (sample.not_finite, "NaN or infinite"),
            (sample.saturated, "saturated"),
            (sample.below, "below the least usable value"),
        ):
            if share:
                yield f"{_percent(share)} {what}"

    def _no_data(self) -> list[str]:
        named = self.facts.no_data
        lines = [
            f"{number_in_words(value)}: {_percent(share)} of the pixels"
            + ("" if value in named else ", not named by the file")
            for value, share in self.sample.no_data
            if share or value in named
        ]
        return lines or ["no value that means it"]

    def _looked_at(self) -> Iterator[str]:
        """Yield a line for each part, with the methods that look at it."""
        for part in together(self.looked_at):
            if part.window is None:
                yield f"{part.method}: {part.reason}"
                continue
            top, left, height, width = part.window
            where = f"rows {top} to {top + height - 1}, columns {left} to {left + width - 1}"
            yield f"{part.method}: {where}: {_percent(part.share)} of the frame"


def run_info(frames: Frames, *, n_frames: int = 16, crop: int | str | None = "auto") -> RunInfo:
    """Say what a run is: what its files say of it, and what its pixels are like.

    Parameters
    ----------
    frames : Frames, shape (n_run, height, width)
        The run. Its steps are not run.
    n_frames : int
        How many frames are read, evenly taken from the run.
    crop : int, "auto" or None
        Side of the square that a method looks at, in pixels; None for the whole frame, "auto" for
        what suits each method. It is about the beam where that is known.

    Returns
    -------
    RunInfo
        As numbers, and as a table by ``str``.

    Raises
    ------
    InputError
        If there are no frames, or fewer than one is to be read.

    Examples
    --------
    >>> from sklearn_sfx import make_sfx_frames
    >>> from sklearn_sfx.screening import run_info
    >>> info = run_info(make_sfx_frames(4, frame_shape=(96, 96), random_state=0).data, crop=80)
    >>> info.n_frames, info.frame_shape, info.sample.n_frames
    (4, (96, 96), 4)
    >>> info.looked_at[0].window
    Window(top=8, left=8, height=80, width=80)
    """
    if not isinstance(frames, Frames) or not len(frames):
        raise InputError("run_info describes Frames, one or more: open them with open_frames.")
    if n_frames < 1:
        raise InputError(f"n_frames has to be 1 or more, got {n_frames}.")
    sample, met = sample_of(frames, n_frames)
    sources, metadata = frames.sources, frames.metadata
    stored = frames.as_stored()
    known = frames.unreadable
    new = [gone for gone in met if not any(k.start <= gone.start < k.stop for k in known)]
    return RunInfo(
        files=tuple(dict.fromkeys(source.path for source in sources if source.path is not None)),
        n_frames=len(frames),
        frame_shape=(stored.shape[1], stored.shape[2]),
        dtype=str(stored_dtype(frames)),
        facts=frames.facts,
        wavelength=_range_of(metadata.get("wavelength"), frames.facts.wavelength),
        distance=_range_of(metadata.get("distance"), frames.facts.distance),
        sample=sample,
        looked_at=looked_at(stored, crop),
        unreadable=tuple(sorted([*known, *new])),
        simulated=are_simulated(sources),
    )


def _range_of(each: np.ndarray | None, common: float | None) -> tuple[float, float] | None:
    """Return least and largest of one value for each frame, or of one for all."""
    known = np.array([] if each is None else each, float).ravel()
    known = known[np.isfinite(known)]
    if known.size:
        return float(known.min()), float(known.max())
    return None if common is None else (float(common), float(common))


def _share_of_mask(usable: float | None) -> str:
    return "none" if usable is None else f"leaves {_percent(usable)} of the pixels"


def _percent(share: float) -> str:
    """Return a share in percent, never rounded to none or all."""
    text = f"{share:.1%}"
    if 0 < share < 0.0005:
        return "less than 0.1%"
    return "more than 99.9%" if text == "100.0%" and share < 1 else text
