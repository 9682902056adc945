"""A run of frames as one lazy, indexable, picklable array, and the file formats behind it."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.frames._array_source import ArraySource as ArraySource
from sklearn_sfx.frames._as_in_file import stored_dtype as stored_dtype
from sklearn_sfx.frames._as_in_file import window_of as window_of
from sklearn_sfx.frames._constants import HC_EV_ANGSTROM as HC_EV_ANGSTROM
from sklearn_sfx.frames._constants import JOULE_IN_EV as JOULE_IN_EV
from sklearn_sfx.frames._crystfel_list import split_line as split_line
from sklearn_sfx.frames._facts import Facts, Unreadable
from sklearn_sfx.frames._format_protocol import Format, StoredMask
from sklearn_sfx.frames._format_protocol import UnknownFormat as UnknownFormat
from sklearn_sfx.frames._frames import Frames
from sklearn_sfx.frames._highest import MASKED_COLOUR as MASKED_COLOUR
from sklearn_sfx.frames._highest import PERCENTILES as PERCENTILES
from sklearn_sfx.frames._highest import highest_of_blocks as highest_of_blocks
from sklearn_sfx.frames._joined_frames import are_alike as are_alike
from sklearn_sfx.frames._joined_frames import join_frames as join_frames
from sklearn_sfx.frames._mapped import are_read_by_threads as are_read_by_threads
from sklearn_sfx.frames._mapped import map_blocks as map_blocks
from sklearn_sfx.frames._mask_said import describe_mask as describe_mask
from sklearn_sfx.frames._masks import files_of_mask as files_of_mask
from sklearn_sfx.frames._masks import read_mask
from sklearn_sfx.frames._masks import warn_of_sparse as warn_of_sparse
from sklearn_sfx.frames._needing_some import needing_some as needing_some
from sklearn_sfx.frames._on_device import blocks_on_device as blocks_on_device
from sklearn_sfx.frames._on_device import can_run_on_device as can_run_on_device
from sklearn_sfx.frames._on_device import run_on_tensors as run_on_tensors
from sklearn_sfx.frames._open import open_frames
from sklearn_sfx.frames._other_ways import other_way as other_way
from sklearn_sfx.frames._paths import expand_paths as expand_paths
from sklearn_sfx.frames._paths import natural_order as natural_order
from sklearn_sfx.frames._protocols import FrameOrigin, FrameSource, FrameStep
from sklearn_sfx.frames._protocols import Window as Window
from sklearn_sfx.frames._put_together import assembled_frames as assembled_frames
from sklearn_sfx.frames._put_together import read_geometry as read_geometry
from sklearn_sfx.frames._recognize import are_simulated as are_simulated
from sklearn_sfx.frames._through_hdf5 import decoded_bytes as decoded_bytes
from sklearn_sfx.frames._through_hdf5 import has_all_its_room as has_all_its_room
from sklearn_sfx.frames._through_hdf5 import is_being_written as is_being_written
from sklearn_sfx.frames._through_hdf5 import may_grow as may_grow
from sklearn_sfx.frames._value_rule import ValueRule as ValueRule
from sklearn_sfx.frames._value_rule import rule_of_type as rule_of_type
from sklearn_sfx.frames._words import facts_in_words as facts_in_words
from sklearn_sfx.frames._words import number_in_words as number_in_words
from sklearn_sfx.frames._words import unreadable_in_words as unreadable_in_words

__all__ = [
    "Facts",
    "Format",
    "FrameOrigin",
    "FrameSource",
    "FrameStep",
    "Frames",
    "StoredMask",
    "Unreadable",
    "open_frames",
    "read_mask",
]

carry_the_face(__name__)
