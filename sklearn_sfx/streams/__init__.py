"""Beside a running beam: frames as they arrive, scored, and what is written of them."""

# What is imported as itself is for other rooms, not for users.
from sklearn_sfx._names import carry_the_face
from sklearn_sfx.streams._deciding import task_of_watch as task_of_watch
from sklearn_sfx.streams._hit_files import HitFiles
from sklearn_sfx.streams._model_file import ModelFile
from sklearn_sfx.streams._model_file import content_of as content_of
from sklearn_sfx.streams._open import open_source
from sklearn_sfx.streams._protocols import (
    LiveFrames,
    LiveSource,
    Notice,
    Output,
    ScoredFrames,
    arrived_frames,
)
from sklearn_sfx.streams._provenance import UNNAMED as UNNAMED
from sklearn_sfx.streams._record import Record
from sklearn_sfx.streams._saved_hits import save_hits
from sklearn_sfx.streams._tally import Tally
from sklearn_sfx.streams._waiting import POLICIES as POLICIES
from sklearn_sfx.streams._watch import watch
from sklearn_sfx.streams.live._page import LivePage
from sklearn_sfx.streams.network import DectrisSource, HitPublisher, KaraboSource

__all__ = [
    "DectrisSource",
    "HitFiles",
    "HitPublisher",
    "KaraboSource",
    "LiveFrames",
    "LivePage",
    "LiveSource",
    "ModelFile",
    "Notice",
    "Output",
    "Record",
    "ScoredFrames",
    "Tally",
    "arrived_frames",
    "open_source",
    "save_hits",
    "watch",
]

carry_the_face(__name__)
