"""Streams of CrystFEL, in which each frame that was looked at is a chunk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from sklearn_sfx._text import shortened
from sklearn_sfx.datasets.label_files._format import (
    CUT_OFF,
    HIT,
    NOT_INDEXED,
    FrameLabel,
    LabelFormat,
)
from sklearn_sfx.exceptions import InputError

__all__ = ["Stream"]

_BEGINS = b"CrystFEL stream format"
_BLOCK = 2**22  # bytes that are read at once
_LONGEST = 2**24  # bytes of a chunk that are kept
_MARK = b"\n----- "  # before what begins or ends
_CRYSTAL = b"\n--- Begin crystal"
_LISTS = (b"\nPeaks from peak search", _CRYSTAL)  # behind what is said of the frame
_NOBODY = (b"none", b"(none)", b"")  # that indexed a frame
_FIELD = re.compile(
    rb"^(Image filename:|Event:|indexed_by =|num_peaks =)[ ]([^\r\n]*)\r?$", re.MULTILINE
)
_NAME, _EVENT, _BY, _PEAKS = b"Image filename:", b"Event:", b"indexed_by =", b"num_peaks ="


class Stream(LabelFormat):
    """What indexamajig writes; peaks and reflections are read over."""

    name = "a CrystFEL stream"
    may_repeat = True

    def knows(self, path: str, head: bytes) -> bool:
        """Told by its first line."""
        return head.startswith(_BEGINS)

    def read(self, path: str) -> Iterator[FrameLabel]:
        """Yield a label for each chunk; of one without an end that it is cut off."""
        number, chunk = 0, None
        for part in _parts(path):
            if part.startswith(b"Begin chunk"):
                if chunk is not None:
                    yield FrameLabel("", None, None, CUT_OFF)
                number, chunk = number + 1, part
            elif part.startswith(b"End chunk -----") and chunk is not None:
                yield _label(chunk, f"Chunk {number} of {path}")
                chunk = None
        if chunk is not None:
            yield FrameLabel("", None, None, CUT_OFF)


def _parts(path: str) -> Iterator[bytes]:
    """Yield what stands between the marks, of a file of any size."""
    rest = b""
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            *parts, rest = (rest + block).split(_MARK)
            yield from parts
            if len(rest) > _LONGEST:  # no frame has as much; what is said of it stands first
                rest = rest[:_BLOCK] + rest[-len(_MARK) :]
    yield rest


def _fields(chunk: bytes, where: str) -> dict[bytes, bytes]:
    """Return what is said of the frame, by the words before it."""
    end = min((at for at in map(chunk.find, _LISTS) if at >= 0), default=len(chunk))
    fields: dict[bytes, bytes] = {}
    for word, value in _FIELD.findall(chunk, 0, end + 1):
        if word in fields:
            raise InputError(
                f"{where} has two lines {os.fsdecode(word)!r}, so it is of two frames: the stream "
                "is damaged there; write it again, or take that chunk out."
            )
        fields[word] = value.strip()
    return fields


def _label(chunk: bytes, where: str) -> FrameLabel:
    fields = _fields(chunk, where)
    if not fields.get(_NAME):
        raise InputError(
            f"{where} has no 'Image filename:', so nothing tells which frame it is of: the stream "
            "is damaged there; write it again, or take that chunk out."
        )
    indexed = _CRYSTAL in chunk or fields.get(_BY, b"") not in _NOBODY
    return FrameLabel(
        os.fsdecode(fields[_NAME]),
        os.fsdecode(fields.get(_EVENT, b"")) or "//",
        None,
        HIT if indexed else NOT_INDEXED,
        n_peaks=_number(fields[_PEAKS], where) if _PEAKS in fields else None,
        is_weak=not indexed,
    )


def _number(text: bytes, where: str) -> int:
    if not re.fullmatch(rb"[0-9]{1,9}", text):
        raise InputError(
            f"{where} says num_peaks = {shortened(os.fsdecode(text), 40)!r}, which is no number of "
            "peaks: the stream is damaged there; write it again, or take that chunk out."
        )
    return int(text)
