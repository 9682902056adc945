"""What all layouts of HDF5 files have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields as fields_of
from dataclasses import replace

import h5py
import numpy as np

from sklearn_sfx.exceptions import InputError
from sklearn_sfx.frames._facts import Facts
from sklearn_sfx.frames._format_protocol import Format, StoredMask
from sklearn_sfx.frames._joined_source import join_sources
from sklearn_sfx.frames._protocols import FrameSource
from sklearn_sfx.frames.hdf5._contents import contents_of, dataset_at, list_contents
from sklearn_sfx.frames.hdf5._handles import is_hdf5, look_up
from sklearn_sfx.frames.hdf5._links import why_dead
from sklearn_sfx.frames.hdf5._masks import MaskRule, find_mask, name_of_mask
from sklearn_sfx.frames.hdf5._metadata import Fields, find_fields, single_values
from sklearn_sfx.frames.hdf5._segments import Images, Segment, gone_segment, make_segment
from sklearn_sfx.frames.hdf5._source import Hdf5Source

__all__ = ["Hdf5Format"]

MAX_BESIDE = 64  # datasets of frames that a mask is compared with; of more, each is one frame


class Hdf5Format(Format):
    """A layout of HDF5 files: how it is told from others, and where its frames are.

    A layout says `recognizes` and `find_images`, and may say more: `find_fields` and `facts` of the
    frames, `mask_rule` of its masks. Opening, links, damage, masks and reading are done here for
    all of them.

    Attributes
    ----------
    name : str
        What users call it.
    fields_per_dataset : bool
        Whether there are fields for each dataset of frames, which count its frames alone.
    """

    fields_per_dataset = False

    @abstractmethod
    def recognizes(self, file: h5py.File) -> bool:
        """Whether an open file has this layout, told by a name or two in it, quickly."""

    @abstractmethod
    def find_images(self, path: str, file: h5py.File) -> list[Images]:
        """Return the datasets of frames, which are one run in this order.

        Parameters
        ----------
        path : str
            Absolute path of the file.
        file : h5py.File
            The open file.

        Raises
        ------
        InputError
            If there are none, or several of which a user has to name one.
        """

    def find_fields(self, file: h5py.File, images: Images, n_frames: int) -> Fields:
        """Return what the file says of each of the frames of a dataset beside their pixels."""
        return find_fields(list_contents(file).datasets, n_frames)

    def facts(self, file: h5py.File, images: Images) -> Facts:
        """Return what the file says of all its frames, but for what is the same in every layout."""
        return Facts()

    def count_frames(self, file: h5py.File) -> int | None:
        """Return how many frames the run has, where the file says it apart from its datasets."""
        return None

    def find_masks(self, file: h5py.File) -> list[str]:
        """Return the paths at which the layout keeps masks, the first to be taken first."""
        return []

    def mask_rule(self, dtype: np.dtype) -> MaskRule:
        """Return which bits of a mask are good and bad, where the layout defines it."""
        return MaskRule()

    def find_segments(self, path: str, file: h5py.File, dataset: str | None) -> list[Segment]:
        """Return the frames of a file in their order; none where every dataset is empty.

        Parameters
        ----------
        path : str
            Absolute path of the file.
        file : h5py.File
            The open file.
        dataset : str or None
            Path of the dataset of frames, as the user names it; it is taken whatever the layout.
        """
        found = self._chosen(path, file, dataset)
        if len(found) == 1:
            dataset_at(path, file, found[0].name)  # or says why it cannot be had
        segments = self._segments(path, file, found)
        n_frames = sum(segment.n_frames for segment in segments)
        first, complete, known = 0, [], None
        for segment in segments:
            if known is None or self.fields_per_dataset:
                n_rows = segment.n_frames if self.fields_per_dataset else n_frames
                known = self._known(file, segment, n_rows)
            fields, facts = known
            complete.append(
                segment._replace(
                    first=first,
                    field_start=0 if self.fields_per_dataset else first,
                    fields=fields,
                    facts=_possible(_together(facts, segment.facts), segment),
                )
            )
            first += segment.n_frames
        total = self.count_frames(file) if dataset is None else None
        if total is not None and first < total:
            said = Facts(note=f"the master says {total} frames, {first} are there")
            complete = [part._replace(facts=_together(part.facts, said)) for part in complete]
        if dataset is not None and len(found) > 1:
            return [part for part in complete if _same_path(part.dataset, dataset)]
        return complete

    def _chosen(self, path: str, file: h5py.File, dataset: str | None) -> list[Images]:
        """Return the datasets of frames; of those that a user names, all that it stands among."""
        if dataset is None:
            return self.find_images(path, file)
        try:
            found = self.find_images(path, file)
        except InputError:
            found = []
        if any(_same_path(images.name, dataset) for images in found):
            return found
        return [Images(dataset)]

    def _known(self, file: h5py.File, segment: Segment, n_rows: int) -> tuple[tuple, Facts]:
        """Return what the file says of each frame, and of all of them."""
        images = Images(segment.dataset, segment.event)
        fields, facts = self.find_fields(file, images, n_rows), self.facts(file, images)
        notes = [note for note in (facts.note, *fields.notes) if note]
        values = single_values(fields, file)
        facts = replace(
            facts,
            format=self.name,
            note="; ".join(notes),
            wavelength=values.get("wavelength", facts.wavelength),
            distance=values.get("distance", facts.distance),
        )
        return fields.found, facts

    def _segments(self, path: str, file: h5py.File, found: list[Images]) -> list[Segment]:
        """Return a segment for each dataset, also for those whose files are not there."""
        there: dict[int, Segment | None] = {}
        for number, images in enumerate(found):
            item = look_up(file, images.name)
            if isinstance(item, h5py.Dataset):
                there[number] = make_segment(path, item, images)
        dead = [number for number in range(len(found)) if number not in there]
        present = [segment for segment in there.values() if segment is not None]
        if not dead:
            return present
        why = why_dead(file, found[dead[0]].name)
        total = self.count_frames(file)
        if not present or total is None:
            n_dead = f"{len(dead)} of {len(found)} datasets of frames are not there: "
            how_many = f"; the run has {total} frames" if total is not None else ""
            raise InputError(
                f"{path} cannot be read as a whole, {n_dead}{why}{how_many}. Put the file back, or "
                "give the files that are there as a list, with the mask of this one (--mask, or "
                "mask= from read_mask)."
            )
        lengths = _lengths_of_dead(dead, len(found), present, total)
        complete = []
        for number, images in enumerate(found):
            if number in lengths:
                reason = why_dead(file, images.name)
                gone = gone_segment(path, images, lengths[number], present[0], reason)
                complete += [gone] if lengths[number] else []
            elif (segment := there[number]) is not None:
                complete.append(segment)
        return complete

    def knows(self, path: str, head: bytes) -> bool:
        """Whether it is an HDF5 file of this layout."""
        if not is_hdf5(head):
            return False
        with contents_of(path) as file:
            return self.recognizes(file)

    def open(self, path: str, dataset: str | None = None) -> FrameSource:
        """Return the frames of a file, whose segments are joined."""
        with contents_of(path) as file:
            segments = self.find_segments(path, file, dataset)
        if not segments:
            raise InputError(f"{path} has no frames: every dataset of images in it is empty.")
        return join_sources([Hdf5Source(segment) for segment in segments])

    def find_mask(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Return the mask of a file, None where frames have none beside them."""
        try:
            with contents_of(path) as file:
                found = self.find_images(path, file)[:MAX_BESIDE]
                beside = self._segments(path, file, found)
        except InputError:
            beside = []  # a file of masks alone
        return find_mask(path, dataset, beside, self)

    def find_mask_beside(self, path: str, dataset: str | None = None) -> StoredMask | None:
        """Return the mask beside the frames of a dataset, None where they have none."""
        with contents_of(path) as file:
            if name_of_mask(path, file, self, has_frames=True, frames=dataset) is None:
                return None  # before all files of a master are looked into again
            found = self._chosen(path, file, dataset)[:MAX_BESIDE]
            beside = self._segments(path, file, found)
        if dataset is None and len(found) == 1:
            dataset = found[0].name
        return find_mask(path, None, beside, self, dataset)

    def is_simulated(self, path: str) -> bool:
        """Whether the file has the attribute that simulated runs are written with."""
        with contents_of(path) as file:
            return bool(file.attrs.get("simulated", False))


def _same_path(one: str, other: str) -> bool:
    return one.strip("/") == other.strip("/")


def _possible(facts: Facts, segment: Segment) -> Facts:
    """Drop thresholds that no pixel of these frames can reach."""
    dtype = np.dtype(segment.content.dtype)
    if dtype.kind not in "iu":
        return facts
    limits = np.iinfo(dtype)
    saturation, lowest = facts.saturation, facts.lowest
    if saturation is not None and not 0 < saturation <= limits.max:
        saturation = None
    if lowest is not None and lowest <= limits.min:
        lowest = None
    no_data = tuple(value for value in facts.no_data if limits.min <= value <= limits.max)
    return replace(facts, saturation=saturation, lowest=lowest, no_data=no_data)


def _together(facts: Facts, others: Facts) -> Facts:
    """Return facts, those of others where the first say nothing, and the notes of both."""
    others_say = {
        field.name: getattr(others, field.name)
        for field in fields_of(Facts)
        if getattr(facts, field.name) in (None, "", ())
    }
    note = "; ".join(said for said in (facts.note, others.note) if said)
    return replace(facts, **{**others_say, "note": note})


def _lengths_of_dead(
    dead: list[int], n_parts: int, present: list[Segment], total: int
) -> dict[int, int]:
    """Return how many frames each dataset had that is not there, of a run of equal parts.

    All parts are as long as the longest, but for the last one. A run that was stopped early has
    fewer frames than the total.
    """
    left = max(0, total - sum(segment.n_frames for segment in present))
    longest = max(segment.n_frames for segment in present)
    if dead == list(range(n_parts - 1)):  # only the last is there, which may be the shorter one
        longest = -(-left // len(dead))
    lengths = {}
    for number in dead:
        lengths[number] = min(longest, left)
        left -= lengths[number]
    return lengths
