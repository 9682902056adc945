"""What tells a user that their input cannot be used, or hardly."""

from typing import Any

__all__ = [
    "FewLabelsWarning",
    "InputError",
    "NewerVersionWarning",
    "NoTargetWarning",
    "SlowFileWarning",
    "SparseMaskWarning",
    "UnreadableFrame",
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


class SlowFileWarning(UserWarning):
    """A file is compressed in a way that takes much longer to read than it has to.

    Examples
    --------
    >>> from sklearn_sfx.exceptions import SlowFileWarning
    >>> issubclass(SlowFileWarning, UserWarning)
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
