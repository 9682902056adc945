"""What tells a user that their input cannot be used, or hardly."""

from typing import Any

__all__ = [
    "FewLabelsWarning",
    "InputError",
    "NewerVersionWarning",
    "NoTargetWarning",
    "NotLearnedWarning",
    "OtherMaskWarning",
    "RepeatedFramesWarning",
    "ScaledFramesWarning",
    "SlowFileWarning",
    "SlowStartWarning",
    "SparseMaskWarning",
    "UnfinishedScreening",
    "UnmatchedLabelsWarning",
    "UnreadableFrame",
    "UnreadableFramesWarning",
]


class InputError(ValueError):
    """Input that cannot be used: a file, a mask, labels or frames.

    The message is one sentence that says what was wrong and what to do about it, and names the
    file and the dataset where there is one. The command line prints it and exits with code 2.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import InputError
    >>> issubclass(InputError, ValueError)
    True
    """


class UnreadableFrame(InputError):
    """One frame that cannot be read, while others of its run may be.

    Attributes
    ----------
    usable : bool ndarray of the shape of what was to be read, or None
        The pixels that were read all the same; None for none.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import UnreadableFrame
    >>> issubclass(UnreadableFrame, InputError), UnreadableFrame("Frame 3 is gone.").usable
    (True, None)
    """

    usable: Any = None


class FewLabelsWarning(UserWarning):
    """A class has so few labels that what is learned of it is mostly chance.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import FewLabelsWarning
    >>> issubclass(FewLabelsWarning, UserWarning)
    True
    """


class NewerVersionWarning(UserWarning):
    """A model was written by a newer version of this package, and may predict something else here.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import NewerVersionWarning
    >>> issubclass(NewerVersionWarning, UserWarning)
    True
    """


class NoTargetWarning(UserWarning):
    """`DANN` was given no frame of the target, so there is nothing that it could adapt to.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import NoTargetWarning
    >>> issubclass(NoTargetWarning, UserWarning)
    True
    """


class NotLearnedWarning(UserWarning):
    """A network ranks the very frames that it was trained on hardly better than by chance.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import NotLearnedWarning
    >>> issubclass(NotLearnedWarning, UserWarning)
    True
    """


class OtherMaskWarning(UserWarning):
    """A model was trained behind a mask and is used without one, or the other way round.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import OtherMaskWarning
    >>> issubclass(OtherMaskWarning, UserWarning)
    True
    """


class RepeatedFramesWarning(UserWarning):
    """A run has the same frame more than once, as where a file is named twice.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import RepeatedFramesWarning
    >>> issubclass(RepeatedFramesWarning, UserWarning)
    True
    """


class ScaledFramesWarning(UserWarning):
    """Frames are scaled to values so small that none of them can have a peak.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import ScaledFramesWarning
    >>> issubclass(ScaledFramesWarning, UserWarning)
    True
    """


class SlowFileWarning(UserWarning):
    """A file is compressed in a way that takes much longer to read than it has to.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import SlowFileWarning
    >>> issubclass(SlowFileWarning, UserWarning)
    True
    """


class SlowStartWarning(UserWarning):
    """What is compiled cannot be kept on disk, so that every start takes longer than it has to.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import SlowStartWarning
    >>> issubclass(SlowStartWarning, UserWarning)
    True
    """


class SparseMaskWarning(UserWarning):
    """A mask leaves fewer than half of the pixels, so it may be the other way round.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import SparseMaskWarning
    >>> issubclass(SparseMaskWarning, UserWarning)
    True
    """


class UnmatchedLabelsWarning(UserWarning):
    """A file of labels names frames that the run does not have, or is cut off.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import UnmatchedLabelsWarning
    >>> issubclass(UnmatchedLabelsWarning, UserWarning)
    True
    """


class UnreadableFramesWarning(UserWarning):
    """Some frames of a run cannot be read, and are left out.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import UnreadableFramesWarning
    >>> issubclass(UnreadableFramesWarning, UserWarning)
    True
    """


class UnfinishedScreening(InputError):
    """Parts of a screening are still to be done, by this process or another.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import InputError, UnfinishedScreening
    >>> issubclass(UnfinishedScreening, InputError)
    True
    """
