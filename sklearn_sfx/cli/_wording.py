"""Messages of the package in the words of the command.

The package speaks to who calls it from Python. What reaches the command is said in its options.
"""

import re

__all__ = ["SAID_AS_PYTHON", "in_words_of_the_command"]

#: What a message of the package says, as a pattern, and what the command says instead.
SAID_AS_PYTHON = {
    r"turn it over with ~mask, or say good_bits or bad_bits to read_mask": (
        "say so with --bad-bits any, or name the bits with --good-bits or --bad-bits"
    ),
    r"with good_bits=\.\.\., or with bad_bits=\.\.\. \(": "with --good-bits, or with --bad-bits (",
    r"make one with read_mask\(\.\.\., good_.*?bad_bits=\.\.\.\)": "say --good-bits or --bad-bits",
    r"mask=False, --no-mask on the command line": "--no-mask",
    r"mask=read_mask\(.*?\), --mask and --mask-dataset on the command line": (
        "with --mask, --mask-dataset, and --good-bits or --bad-bits"
    ),
    r"with the mask of this one \(--mask, or mask= from read_mask\)": (
        "with the mask of this one (--mask)"
    ),
    r"as dataset \(--dataset on the command line\)": "with --dataset",
    r", as in open_frames\(path, dataset=\.\.\.\)": " with --dataset",
    r"name a dataset of one file, as in dataset='(\S+)'": r"name one, as in --dataset \1",
    r"CentralCrop\(size=(\d+)\) needs": r"A crop of \1 pixels (--crop) needs",
    r"choose a smaller size\.": "choose a smaller one, or --crop all.",
    r"\(--geometry det\.geom on the command line\)": "(--geometry det.geom)",
    r"\(size=None, --crop all\)": "(--crop all)",
    r"device='?([\w:]+)'?(,| is)": r"--device \1\2",
    r"lower lr=(\S+)\.": "label more frames, or take another method with --method.",
    r"open them with open_frames\(path\) or use the scores": "give the files of the run",
    r"(?<!-)\bthreshold has to": "--threshold has to",
    r"(?<!-)\brecall has to": "--recall has to",
    r"(?<!-)\bn_frames has to": "--n-frames has to",
    r"hit_rate=(\S+) is": r"--hit-rate \1 is",
    r"n_frames=(\S+) is": r"--n-frames \1 is",
    r"frame_shape=\(?(\d+)(?:, (\d+)\))? does": r"--frame-shape \1 \2 does",
    r'open the run with missing="nan" \(--missing nan\), which': "say --missing nan, which",
}


def in_words_of_the_command(message: str) -> str:
    """Return a message of the package as somebody who types a command reads it.

    Examples
    --------
    >>> from sklearn_sfx.cli._wording import in_words_of_the_command
    >>> in_words_of_the_command("name one of them as dataset (--dataset on the command line).")
    'name one of them with --dataset.'
    """
    for python, command in SAID_AS_PYTHON.items():
        message = re.sub(python, command, message)
    return message
