"""What came of a damaged run, in this process."""

import contextlib
import io
import logging
import warnings

import numpy as np

__all__ = ["ALLOWED", "judge", "quietly", "same"]

ALLOWED = {
    "refused",
    "right",
    "as the reference",
    "unseen in a crop",
    "ends as others do",  # in a crash or an endless loop of the library that both read by
}
MOST_FRAMES = 100  # that are read
CROP = 8  # pixels


def judge(path, written, read_reference):
    """Return what came of a damaged run.

    - ``right``: the frames as they were written, or NaN in place of some, or fewer at the end;
    - ``refused``: one sentence;
    - ``as the reference``: other numbers, the very ones that another library reads, of what has no
      checksum;
    - ``unseen in a crop``: a wrong crop of a gzip chunk of which the whole is refused;
    - anything else is a fault, with a colon and what is known of it.

    Parameters
    ----------
    path : Path
        To be opened.
    written : ndarray of shape (n_frames, height, width)
        What was in it.
    read_reference : callable
        Given the path, what another library reads: the frames, or a list of all that is there,
        each of shape (n, height of frames or modules, width). It may raise whatever it likes.
    """
    outcomes = [_judge(path, written, read_reference, missing) for missing in ("raise", "nan")]
    return next((bad for bad in outcomes if bad not in ALLOWED), outcomes[-1])


def _judge(path, written, read_reference, missing):
    from sklearn_sfx import InputError

    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            whole, crops = _read(path, missing)
    except InputError as error:
        is_sentence = str(error).endswith(".") and "\n" not in str(error)
        return "refused" if is_sentence else f"no sentence: {error}"
    except Exception as error:
        return f"raises: {type(error).__name__}: {error}"
    if printed.getvalue():
        return f"prints: {printed.getvalue()[:200]}"
    as_written = [
        number < len(written) and same(frame, written[number], missing)
        for number, frame in enumerate(whole)
    ]
    nothing = np.array([missing == "nan" and bool(np.isnan(frame).all()) for frame in whole])
    if all(as_written) and (missing == "nan" or len(whole) == len(written)):
        return _judge_crops(crops, _cropped(written), nothing)
    reference = quietly(read_reference, path)
    for number, frame in enumerate(whole):
        if not as_written[number] and not _is_in(reference, number, frame, missing):
            return f"wrong: frame {number} of {whole.shape}"
    if missing == "raise" and not isinstance(reference, list):  # without a word, none is left out
        expected = len(written) if reference is None else np.size(reference) // whole[0].size
        if len(whole) < expected:
            return f"wrong: {len(whole)} frames of {expected}"
    return "as the reference"


def _judge_crops(crops, expected, nothing):
    """Return what came of crops, where whole frames are as written, or are `nothing`."""
    if crops is None or expected is None:
        return "right"
    wrong = [not same(crop, expected[i], "nan") for i, crop in enumerate(crops)]
    if not any(wrong):
        return "right"
    return "unseen in a crop" if nothing[wrong].all() else "wrong: a crop"


def same(frame, expected, missing="raise"):
    """Whether two arrays have the same values; if NaN is put for what is missing, where it is not.

    Parameters
    ----------
    frame, expected : ndarray
        Of the same shape, or they are not the same.
    missing : {"raise", "nan"}
        As the frames were opened.
    """
    if expected is None or np.shape(frame) != np.shape(expected):
        return False
    if missing == "nan":
        there = ~np.isnan(frame)
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.array_equal(frame[there], expected[there].astype(np.float32)))
    both = np.asarray(frame).dtype.kind == "f" == np.asarray(expected).dtype.kind
    return bool(np.array_equal(frame, expected, equal_nan=both))


def _read(path, missing):
    """Open and read a run in every way; return frames and crops."""
    from sklearn_sfx import InputError, open_frames, read_mask

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frames = open_frames(path, missing=missing, mask=False)[:MOST_FRAMES]
        _ = frames.facts, frames.unreadable, repr(frames), frames.sources, frames.metadata
        whole = np.asarray(frames)
        crops = _cropped(frames)
        with contextlib.suppress(InputError):
            mask = read_mask(path, bad_bits="any")
            np.asarray(mask[:MOST_FRAMES] if mask.ndim == 3 else mask)
        return whole, crops


def _cropped(frames):
    """Return the central part of frames; None where they have none."""
    from sklearn_sfx import CentralCrop, InputError

    if min(frames.shape[1:]) < CROP:
        return None
    try:
        transformed = CentralCrop(CROP).fit_transform(frames)
    except InputError:  # modules, which are cropped by nobody
        return None
    return np.asarray(transformed)


def _is_in(reference, number, frame, missing):
    """Whether another library reads this frame; of several datasets in whatever place."""
    if reference is None:
        return False
    if not isinstance(reference, list):
        frames = np.reshape(reference, (-1, *np.shape(reference)[-2:]))
        return number < len(frames) and same(frame, frames[number], missing)
    height, width = frame.shape
    for images in reference:
        n_modules, rest = divmod(height, images.shape[1])
        if rest or images.shape[2] != width or not n_modules:
            continue
        stacks = images[: len(images) // n_modules * n_modules].reshape(-1, height, width)
        if any(same(frame, stack, missing) for stack in stacks):
            return True
    return False


def quietly(read, path):
    """Return what another library reads, None if it fails."""
    quiet = io.StringIO()
    try:
        logging.disable()
        with contextlib.redirect_stdout(quiet), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(path)
    except Exception:
        return None
    finally:
        logging.disable(logging.NOTSET)
